"""What a visitor wishes of the page of recommendation, and what is asked of the pipeline for it; over a stand-in."""

from __future__ import annotations

import re
from typing import Any

import pytest

from apps import recommendation
from apps.recommendation_view import Served
from apps.wishes import Wish, ask, scale_of
from tasks.core.errors import InputError
from tests.recommending import SHELF, Recommender

PAGE = "recommendations", "Recommend"


def test_a_wish_is_what_was_given() -> None:
    wish = Wish.of(["a", "b", "a"], None, "  slow\n and  low ", 10.0, 1960, None, ["jazz"], [], 1, 0.5)
    assert wish == Wish(("a", "b"), (), "slow and low", 10, (1960, None), ("jazz",), (), 1.0, 0.5)
    assert not wish.blank and wish.filtered and Wish.of([], [], " ").blank and not Wish(likes=("a",)).filtered
    assert Wish.of([], [], None, 1, 1960, 1960).years == (1960, 1960) and Wish.of(None, None, None).years is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"likes": "abc"}, "What you like must be a list of names; it is 'abc'"),
        ({"likes": [1]}, "What you like must be a list of names"),
        ({"likes": [str(n) for n in range(101)]}, "What you like has 101 names; the page takes up to 100"),
        ({"likes": ["a", "b"], "dislikes": ["b"]}, "The item 'b' is in both lists"),
        ({"tags": ["jazz"], "without_tags": ["jazz"]}, "The tag 'jazz' is wanted and unwanted"),
        ({"words": 5}, "must be written in words"),
        ({"words": "x" * 501}, "has 501 characters; the page reads up to 500"),
        ({"words": "x" * 100_000}, "has 100,000 characters; the page reads up to 500"),
        ({"k": 0}, "How many must be a whole number from 1 to 50; it is '0'"),
        ({"k": 51}, "How many must be a whole number from 1 to 50"),
        ({"k": 2.5}, "How many must be a whole number from 1 to 50"),
        ({"k": "ten"}, "How many must be a whole number from 1 to 50; it is 'ten'"),
        ({"k": None}, "How many must be a whole number from 1 to 50"),
        ({"k": float("nan")}, "How many must be a whole number from 1 to 50"),
        ({"first": 1990, "last": 1980}, "The years go from 1990 to 1980: put the earlier one first"),
        ({"first": "old"}, "A year must be a whole number such as 1968, or empty; it is 'old'"),
        ({"last": float("inf")}, "A year must be a whole number"),
        ({"diversity": 1.5}, "Diversity must be a number from 0 to 1; it is '1.5'"),
        ({"diversity": float("nan")}, "Diversity must be a number from 0 to 1"),
        ({"novelty": None}, "Novelty must be a number from 0 to 1"),
    ],
)
def test_what_can_not_be_wished(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        Wish.of(**{"likes": [], "dislikes": [], "words": "", **given})


@pytest.mark.parametrize("given", [(5, 1), (1, 1), ("1", 5), (None, 5), (1, float("inf"))])
def test_a_scale_has_two_ends(given: tuple[Any, Any]) -> None:
    assert scale_of(1, 10) == (1.0, 10.0)
    with pytest.raises(InputError, match="a lowest and a highest number"):
        scale_of(*given)


def test_what_is_disliked_counts_as_rated_lowest() -> None:
    recommender = Recommender(SHELF)
    ask(recommender, Wish(("a",), ("c",), "slow", 3, (1950, None), ("jazz",), ("rock",), 0.5, 0.25), (1.0, 10.0))
    assert recommender.asked == [
        {
            "history": [("c", 1.0), "a"],
            "query": "slow",
            "k": 3,
            "years": (1950, None),
            "tags": ("jazz",),
            "without_tags": ("rock",),
            "diversity": 0.5,
            "novelty": 0.25,
        }
    ]
    ask(recommender, Wish(("a",)))
    assert recommender.asked[-1]["query"] is None


def test_what_is_not_in_the_catalogue_is_said() -> None:
    recommender = Recommender(SHELF)
    for wish in (Wish(("x",)), Wish((), ("x",))):
        with pytest.raises(InputError, match="No item has the id 'x'"):
            ask(recommender, wish)
    with pytest.raises(InputError, match=r"No item of the catalogue has the tag 'jaz'\. Near it: jazz\."):
        ask(recommender, Wish(("a",), tags=("jaz",)))
    with pytest.raises(InputError, match=r"has the tag 'qqq'\.$"):
        ask(recommender, Wish(("a",), without_tags=("qqq",)))


def test_a_program_waits_for_no_map(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    monkeypatch.setattr(Recommender, "map", lambda self: drawn.append(1) or [(0.0, 0.0)] * 3)
    recommender = Recommender(SHELF)
    found = recommendation._endpoint(recommendation.serving(lambda task: recommender))(["a"])
    assert found["items"] and drawn == [] and Served.of(recommender).places == [(0.0, 0.0)] * 3
