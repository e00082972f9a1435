"""Entities that the caller gives: names, offsets or earlier results, and what is said of those that can't be used."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import InputError
from tasks.core.types import Span
from tasks.relation_extraction.entities.given import MOST, read_entities
from tasks.relation_extraction.types import Entity

TEXT = "Zoë Osei 🥐 left Accra (Ghana). Osei's Accra+ is in new accra, C++ and A.I."
FULL, SHORT = Span.of(TEXT, 0, 8), Span.of(TEXT, 31, 35)


def places(entity: Entity) -> list[tuple[int, int]]:
    return [(span.start, span.end) for span in entity.mentions]


def only(given: Any) -> Entity:
    (entity,) = read_entities(TEXT, [given])
    return entity


def refused(given: Any, text: str = TEXT) -> str:
    """What is said of it: one sentence or two, on one line."""
    with pytest.raises(InputError) as error:
        read_entities(text, given)
    assert len(str(error.value).splitlines()) == 1 and str(error.value).endswith(".")
    return str(error.value)


# Names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Zoë Osei", [(0, 8)]),
        ("Osei", [(4, 8), (31, 35)]),  # every occurrence
        ("Accra", [(16, 21), (38, 43)]),  # as it is written, case included
        ("new accra", [(51, 60)]),
        ("C++", [(62, 65)]),  # signs are no patterns
        ("A.I.", [(70, 74)]),
        ("🥐", [(9, 10)]),
        ("(Ghana)", [(22, 29)]),
    ],
)
def test_a_name_is_mentioned_wherever_it_stands(name: str, expected: list[tuple[int, int]]) -> None:
    entity = only(name)
    assert places(entity) == expected and (entity.type, entity.score) == (None, 1.0)
    assert entity.span == Span.of(TEXT, *expected[0]) and entity.span.text == name


@pytest.mark.parametrize("name", ["Ose", "sei", "Lagos", "osei", "a+", "C..", "Zoë Osei left", " ", "", "\n"])
def test_a_name_that_does_not_stand_there_is_refused(name: str) -> None:
    assert refused([name]) == f"The entity {name!r} is not in the text: give a name as it stands there."


# Offsets


def test_offsets_with_a_type_a_text_and_a_score() -> None:
    assert only({"start": 0, "end": 8}) == Entity(None, 1.0, FULL, (FULL,))
    assert only({"start": 0, "end": 8, "text": "Zoë Osei", "type": "PER", "score": 0.5}) == Entity("PER", 0.5, FULL, (FULL,))
    assert only({"start": 9, "end": 10, "type": "Croissant"}).type == "Croissant"  # any type, as the caller has it
    last = only({"start": len(TEXT) - 4, "end": len(TEXT)})
    assert last.span.text == "A.I."


def test_mentions_are_put_in_order_and_the_longest_is_the_name() -> None:
    given = {"mentions": [{"start": 31, "end": 35}, {"start": 0, "end": 8, "text": "Zoë Osei"}, {"start": 31, "end": 35}], "type": "PER"}
    assert only(given) == Entity("PER", 1.0, FULL, (FULL, SHORT))
    first, second = Span.of(TEXT, 16, 21), Span.of(TEXT, 38, 43)
    assert only({"mentions": [{"start": 38, "end": 43}, {"start": 16, "end": 21}]}) == Entity(None, 1.0, first, (first, second))


def test_a_span_stands_for_one_mention() -> None:
    assert only({"span": {"start": 0, "end": 8}, "type": "PER"}) == Entity("PER", 1.0, FULL, (FULL,))


# Entities of an earlier result


@pytest.mark.parametrize("entity", [Entity("PER", 0.25, FULL, (FULL, SHORT)), Entity(None, 1.0, FULL, (FULL,))])
def test_entities_come_back_as_they_are(entity: Entity) -> None:
    assert only(entity) == only(entity.to_dict()) == only(json.loads(json.dumps(entity.to_dict()))) == entity


def test_an_entity_of_another_text_is_refused() -> None:
    found = Entity("PER", 0.5, FULL, (FULL,))
    assert refused([found], "Ada Osei left.") == ("An entity is said to be 'Zoë Osei' where the text has 'Ada Osei': check its offsets.")
    assert refused([found], "Ada") == "An entity at (0, 8) is not in the text, which has 3 characters."


def test_the_order_is_the_callers() -> None:
    found = read_entities(TEXT, ("Ghana", {"start": 0, "end": 8}, Entity(None, 1.0, SHORT, (SHORT,)), "Accra", "Ghana"))
    assert [entity.span.text for entity in found] == ["Ghana", "Zoë Osei", "Osei", "Accra", "Ghana"]
    assert read_entities(TEXT, []) == () and read_entities("", iter([])) == ()
    assert len(read_entities(TEXT, (each for each in ["Osei", "Accra"]))) == 2


@given(st.text(st.characters(exclude_categories=()), min_size=1, max_size=30), st.data())
def test_offsets_are_exact_in_any_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    (entity,) = read_entities(text, [{"start": start, "end": end}])
    assert (entity.span.start, entity.span.end, entity.span.text) == (start, end, text[start:end])


# What can't be used


@pytest.mark.parametrize("given", ["Osei", b"Osei", {"start": 0, "end": 8}, None, 3, True])
def test_entities_are_a_list(given: Any) -> None:
    said = 'entities must be a list, such as ["Ada Osei", "Accra"] or [{"start": 0, "end": 8, "type": "PER"}, …].'
    assert refused(given) == said


@pytest.mark.parametrize(
    "given",
    [
        None,
        3,
        b"Osei",
        ["Osei"],
        (0, 8),
        {},
        {"start": 0},
        {"end": 8},
        {"name": "Osei"},
        {"mentions": [[0, 8]]},
        {"mentions": ["Osei"]},
        {"mentions": 3},
        {"mentions": {"start": 0, "end": 8}},
        {"mentions": []},
        {"mentions": [{"start": 0}]},
        {"span": "Osei"},
    ],
)
def test_what_is_no_entity_is_named(given: Any) -> None:
    assert refused(["Accra", given]) == f'An entity must be a name or {{"start", "end", "type"}}, not {given!r}.'


@pytest.mark.parametrize(("start", "end"), [(0, 0), (8, 0), (-1, 3), (0, len(TEXT) + 1), (900, 901), (0, 8.0), ("0", "8"), (None, 8)])
def test_offsets_outside_the_text_are_named(start: Any, end: Any) -> None:
    said = f"An entity at {(start, end)!r} is not in the text, which has {len(TEXT)} characters."
    assert (
        refused([{"start": start, "end": end}]) == refused([{"mentions": [{"start": 0, "end": 8}, {"start": start, "end": end}]}]) == said
    )


def test_long_texts_are_counted_readably() -> None:
    assert (
        refused([{"start": 5000, "end": 5001}], "a" * 1234) == "An entity at (5000, 5001) is not in the text, which has 1,234 characters."
    )


@pytest.mark.parametrize("kind", [3, ["PER"], {"PER": 1}, b"PER"])
def test_a_type_is_a_string(kind: Any) -> None:
    assert refused([{"start": 0, "end": 8, "type": kind}]) == f"The type of an entity must be a string, not {kind!r}."


@pytest.mark.parametrize("score", [-0.1, 1.5, math.nan, math.inf])
def test_a_score_is_a_probability(score: float) -> None:
    assert refused([{"start": 0, "end": 8, "score": score}]) == f"The score of an entity must be from 0 to 1, not {score!r}."


def test_too_many_entities_are_refused() -> None:
    assert len(read_entities(TEXT, ["Osei"] * MOST)) == MOST
    assert refused(["Osei"] * (MOST + 1)) == "2,001 entities are too many for one text: give at most 2,000."
