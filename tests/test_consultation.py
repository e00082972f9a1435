"""The consultation without a model: intervals of shares, groups of texts, and the arguments of each side."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tasks.core.errors import InputError
from tasks.opinion_analysis import arguments
from tasks.opinion_analysis.arguments import Argument, Voice, cluster, sentences, strongest
from tasks.opinion_analysis.consultation import Consultation, Share, Shares, consult, shares, wilson
from tasks.opinion_analysis.types import STANCES, Label
from tests.stand_ins import AIR, PLAY, PROPOSAL, Crowd


def said(text: str, score: float = 0.8, side: str = "favor") -> Voice:
    rest = (1 - score) / 2
    return text, Label.of(STANCES, [score if label == side else rest for label in STANCES])


# ---------------------------------------------------------------------------------------------- shares


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [  # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_are_the_published_ones(count: int, total: int, low: float, high: float) -> None:
    assert wilson(count, total) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert wilson(total - count, total) == (pytest.approx(1 - high, abs=5e-5), pytest.approx(1 - low, abs=5e-5))


def test_an_interval_is_where_the_score_test_accepts() -> None:
    for count, total in ((7, 9), (0, 3), (3, 3), (500, 1000), (1, 20_000)):
        for end in wilson(count, total):
            if 0 < end < 1 and end != count / total:
                assert abs(count / total - end) / math.sqrt(end * (1 - end) / total) == pytest.approx(1.959964)


def test_intervals_cover_as_promised() -> None:
    rng = np.random.default_rng(5)
    covered = [low <= 0.3 <= high for low, high in (wilson(int(count), 60) for count in rng.binomial(60, 0.3, 4000))]
    assert 0.93 < np.mean(covered) < 0.97


def test_shares_of_each_stance() -> None:
    found = shares(["favor"] * 6 + ["against"] * 3 + ["neutral"])
    assert (found.total, found.favor.count, found.against.share, found.neutral.count) == (10, 6, 0.3, 1)
    nothing = shares([])
    assert (nothing.total, nothing.favor.share, nothing.favor.low, nothing.favor.high) == (0, 0.0, 0.0, 1.0)
    assert all(each.low <= each.share <= each.high for each in (shares(["favor"] * n).favor for n in range(1, 200)))
    with pytest.raises(InputError, match="'positive' is no stance"):
        shares(["positive"])


def test_results_check_themselves() -> None:
    with pytest.raises(ValueError, match="not in its interval"):
        Share("favor", 1, 0.5, 0.6, 0.7)
    one = Share("favor", 1, 0.5, 0.4, 0.7)
    with pytest.raises(ValueError, match="do not sum"):
        Shares(1, one, one, one)
    with pytest.raises(ValueError, match="similar to itself"):
        Argument("text", 0.5, 3, (1, 3))
    with pytest.raises(ValueError, match="1 stances for 2 texts"):
        Consultation("p", ("a", "b"), (None,), shares([]), (), ())


# ---------------------------------------------------------------------------------------------- groups


def unit(rows: Any) -> Any:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_a_row_joins_its_closest_leader() -> None:
    rows = unit(np.array([[1, 0, 0], [0, 1, 0], [0.9, 0.8, 0], [0, 0, 1], [1, 0.1, 0]]))
    assert cluster([rows], alike=0.6) == [0, 1, 0, 3, 0]
    assert cluster([rows], alike=0.999) == [0, 1, 2, 3, 4]
    assert cluster([]) == [] and cluster([np.zeros((2, 3), np.float32)]) == [-1, -1]


def test_rows_of_zeros_and_beyond_the_last_leader_are_left_out() -> None:
    rows = unit(np.eye(4)) * np.array([[1], [0], [1], [1]], np.float32)
    assert cluster([rows, unit(np.eye(4))], most=2) == [0, -1, 2, -1, 0, -1, 2, -1]


@pytest.mark.parametrize("size", [1, 2, 7, 64, 299])
def test_blocks_are_as_one_go(size: int) -> None:
    rng = np.random.default_rng(11)
    centres = unit(rng.normal(size=(25, 16)))
    rows = unit(centres[rng.integers(0, 25, 300)] + 0.15 * rng.normal(size=(300, 16)))
    whole = cluster([rows], most=40)
    assert cluster((rows[start : start + size] for start in range(0, 300, size)), most=40) == whole
    assert 5 < len(set(whole)) < 60 and all(whole[leader] == leader for leader in set(whole) - {-1})


def test_many_texts_are_compared_in_blocks() -> None:
    crowd = Crowd()
    texts = [f"Children need trees near street number{n} because reason{n % 7} and cause{n % 5} count" for n in range(3000)]
    found = strongest([said(text) for text in texts], "favor", crowd.embed, k=3)
    assert max(crowd.embedded) == arguments.BLOCK and sum(crowd.embedded) == 3000 + len(arguments.VOTES)
    assert len(found) == 1 and len(found[0].similar) == 2999


# ---------------------------------------------------------------------------------------------- arguments


def test_what_many_say_goes_first_and_is_quoted_once() -> None:
    results = [said(AIR, 0.99), said(PLAY, 0.7), said("no vans", 0.9, "against"), said(PLAY.upper() + "!", 0.8), said(f"{PLAY} ever", 0.6)]
    play, air = strongest(results, "favor", Crowd().embed)
    assert (play.text, play.index, play.similar, play.score) == (PLAY.upper() + "!", 3, (1, 4), 0.8)
    assert (air.text, air.index, air.similar) == (AIR, 0, ())
    assert strongest(results, "favor", Crowd().embed, k=1) == [play]
    assert strongest(results, "neutral", Crowd().embed) == []


def test_among_single_voices_the_surest_goes_first() -> None:
    results = [said(PLAY, 0.6), said(AIR, 0.95), said("Benches under shady trees invite old people outside", 0.8)]
    assert [found.index for found in strongest(results, "favor", Crowd().embed)] == [1, 2, 0]


@pytest.mark.parametrize(
    "vote",
    [
        "no!",
        "I agree",
        "I am strongly in favour of this.",
        "The market square should be closed to cars!",
        "Yes, we should close it.",
        "🚲",
        "...",
    ],
)
def test_a_vote_is_no_argument(vote: str) -> None:
    assert strongest([said(vote)] * 3, "favor", Crowd().embed, proposal=PROPOSAL) == []


def test_texts_are_compared_by_what_they_say_beyond_the_proposal() -> None:
    texts = [f"The market square should be closed to cars because {why}" for why in ("children need space", "exhaust harms lungs")]
    results = [said(text) for text in texts]
    assert len(strongest(results, "favor", Crowd().embed)) == 1
    assert len(strongest(results, "favor", Crowd().embed, proposal=PROPOSAL)) == 2


LONG = (
    "I have lived here for many years and I have seen all kinds of plans come and go in that time. "
    "Customers of my shop come by car, surely, and no customers means no shop. "
    "The trees on the drawing are nice. What else is there to say about it?"
)


def test_a_long_contribution_is_quoted_by_the_sentence_that_argues_most() -> None:
    crowd = Crowd()
    (found,) = strongest([(LONG, crowd.stance(LONG))], "against", crowd.embed, judge=lambda texts: map(crowd.stance, texts))
    assert found.text == "Customers of my shop come by car, surely, and no customers means no shop."
    assert (found.index, found.similar, found.score) == (0, (), 0.9)


def test_the_same_person_is_counted_once() -> None:
    twice = f"{PLAY}. " * 6
    (found,) = strongest([said(twice), said(PLAY)], "favor", Crowd().embed)
    assert (found.index, found.similar) == (0, (1,))


def test_few_sentences_are_judged() -> None:
    judged: list[str] = []

    def judge(texts: Sequence[str]) -> list[Label]:
        judged.extend(texts)
        return [said(text)[1] for text in texts]

    results = [said(" ".join(f"Word{n}{m} thing{n}{m} cause{n}{m} matter{n}{m} end{n}{m}." for m in range(9))) for n in range(60)]
    assert len(strongest(results, "favor", Crowd().embed, judge=judge)) == 5
    assert len(judged) == arguments.SHORTLIST


def test_sentences() -> None:
    text = "Dr. B. Smith of St. Mary's, e.g. at No. 5, agrees… Really?! Yes.\nAnd 3.5 km more.  "
    assert sentences(text) == ["Dr. B. Smith of St. Mary's, e.g. at No. 5, agrees…", "Really?!", "Yes.", "And 3.5 km more."]


def test_consult_keeps_the_places_of_blank_texts() -> None:
    heard: list[tuple[str, float | None]] = []
    found = consult(
        Crowd(),
        ["", PLAY, " \n", PLAY.lower(), "No shop has customers without parking"],
        PROPOSAL,
        progress=lambda *told: heard.append(told),
    )
    assert [stance and stance.label for stance in found.stances] == [None, "favor", None, "favor", "against"]
    assert (found.shares.total, found.shares.favor.count, found.copies) == (3, 2, 1)
    assert [(each.index, each.similar) for each in (*found.favor, *found.against)] == [(1, (3,)), (4, ())]
    assert heard[2] == ("Reading 3 contributions", 1.0) and heard[-1][1] is None
    assert found.misread == pytest.approx(0.9)
    json.dumps(found.to_dict())
    with pytest.raises(InputError, match="all of them are blank"):
        consult(Crowd(), ["", " "], PROPOSAL)
