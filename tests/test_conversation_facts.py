"""Which of the relations found in a message are believed, and the marks that they stand between: plain functions, no model."""

from __future__ import annotations

import pytest

from tasks.conversation.correcting import mend
from tasks.conversation.decode import Marked
from tasks.conversation.facts import LEAST_NAME, believed
from tasks.conversation.listening import joined, tidied
from tasks.conversation.remembering import remember
from tasks.conversation.state import State
from tasks.conversation.types import Extraction, Named, Told
from tasks.core.types import Span


def span(text: str, words: str) -> Span:
    start = text.index(words)
    return Span.of(text, start, start + len(words))


def things(text: str, *words: str, score: float = 0.9, kind: str = "MISC") -> tuple[Named, ...]:
    return tuple(Named(span(text, each), kind, score) for each in words)


def told(text: str, head: str, kind: str, tail: str, score: float = 0.9) -> Told:
    return Told(span(text, head), kind, span(text, tail), score, Span.of(text, 0, len(text)))


def said(text: str, *facts: tuple[str, str, str], named: tuple[Named, ...] = ()) -> Extraction:
    made = tuple(told(text, *fact) for fact in facts)
    return Extraction(
        text, {"tell": 0.9}, named or tuple(each for one in made for each in things(text, one.head.text, one.tail.text)), made
    )


def triples(text: str, found: list[Told], *named: Named) -> set[tuple[str, str, str]]:
    return {(each.head.text, each.type, each.tail.text) for each in believed(text, found, named)}


@pytest.mark.parametrize("noun", ["bar below me", "bar"])
def test_what_something_is_called_stands_for_it(noun: str) -> None:
    text = "the bar below me is called Ink and Iron, Stelios owns it"
    found = [told(text, noun, kind, tail) for kind, tail in (("located in", "Ink and Iron"), ("owned by", "Stelios"))]
    assert triples(text, found, *things(text, noun, "Ink and Iron", "Stelios")) == {("Ink and Iron", "owned by", "Stelios")}


def test_a_noun_that_says_what_a_thing_is_has_no_facts_of_its_own() -> None:
    text = "Bo Ek is a vet in Oran"
    found = [told(text, "Bo Ek", "occupation", "vet"), told(text, "vet", "work location", "Oran", 0.8)]
    expected = {("Bo Ek", "occupation", "vet"), ("Bo Ek", "work location", "Oran")}
    assert triples(text, found, *things(text, "Bo Ek", "vet", "Oran")) == expected
    apart = "Bo Ek met a vet in Oran"
    found = [told(apart, "vet", "work location", "Oran")]
    assert triples(apart, found, *things(apart, "Bo Ek", "vet", "Oran")) == {("vet", "work location", "Oran")}


@pytest.mark.parametrize(
    ("text", "score", "both"),
    [
        ("Ann told Bo that she lives in Oran", 0.5, False),
        ("Ann told Bo that she lives in Oran", 0.85, True),
        ("Ann and Bo live in Oran", 0.5, True),
    ],
)
def test_the_same_of_a_second_thing_needs_more_unless_both_are_listed(text: str, score: float, both: bool) -> None:
    found = [told(text, "Ann", "residence", "Oran"), told(text, "Bo", "residence", "Oran", score)]
    names = {head for head, _, _ in triples(text, found, *things(text, "Ann", "Bo", "Oran"))}
    assert names == ({"Ann", "Bo"} if both else {"Ann"})


def test_a_guessed_pronoun_needs_more_and_it_is_no_tail() -> None:
    text = "she lives in Oran near it"
    guessed = (*things(text, "she", "it", score=LEAST_NAME), *things(text, "Oran"))
    assert triples(text, [told(text, "she", "residence", "Oran", 0.6)], *guessed) == set()
    assert triples(text, [told(text, "she", "residence", "Oran", 0.7)], *guessed) == {("she", "residence", "Oran")}
    assert triples(text, [told(text, "Oran", "part of", "it", 0.99)], *guessed) == set()


def marks(text: str, *words: tuple[str, str]) -> list[tuple[str, str]]:
    """The tidy marks of some words of a text."""
    found = []
    for word, mark in words:
        place = span(text, word)
        found.append((Marked(place.start, place.end, mark, 1.0), 0.9))
    return [(text[each.start : each.end], each.mark) for each, _ in tidied(text, joined(text, found))]


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("The ward has 28 beds", [("28 beds", "thing")], [("28", "thing")]),
        ("It costs 60 euros", [("60 euros", "thing")], [("60 euros", "thing")]),
        ("It lasted 2 hours", [("2 hours", "thing")], [("2 hours", "thing")]),
        ("The Long Concert", [("The", "liked"), ("Long Concert", "liked")], [("Long Concert", "liked")]),
        ("I love Pet Sounds", [("Pet", "liked"), ("Sounds", "thing")], [("Pet Sounds", "liked")]),
        ("peanuts she can't eat", [("peanuts", "thing"), ("she", "thing")], [("peanuts", "thing"), ("she", "thing")]),
        ("the annual meeting", [("annual", "thing"), ("meeting", "thing")], [("annual meeting", "thing")]),
        ("the town flooded", [("town", "thing"), ("flooded", "event")], [("town", "thing"), ("flooded", "event")]),
    ],
)
def test_marks_are_cut_to_their_own_words(text: str, words: list[tuple[str, str]], expected: list[tuple[str, str]]) -> None:
    assert marks(text, *words) == expected


def test_a_rejected_value_tells_of_whom_the_correction_is() -> None:
    state, _ = remember(State.of(None), said("Ines was born in Busan", ("Ines", "place of birth", "Busan")))
    state, _ = remember(state, said("Kofi lives in Accra", ("Kofi", "residence", "Accra")))
    correction = "not Busan, he was born in Daegu"
    state, changes = remember(
        state, said(correction, ("he", "place of birth", "Daegu"), named=things(correction, "he", "Daegu", kind="PER")), True
    )
    assert ("Ines", "place of birth", "Daegu") in state.triples() and len(state.triples()) == 2 and changes.replaced


@pytest.mark.parametrize(("text", "mended"), [("1959! just looked at the sleeve", True), ("the shop on 12 Mill Lane is shut", False)])
def test_a_value_that_comes_first_corrects(text: str, mended: bool) -> None:
    state, _ = remember(State.of(None), said("Time Out is from 1958", ("Time Out", "publication date", "1958")))
    value = "1959" if mended else "12"
    state, changes = mend(state, Extraction(text, {"correct": 0.9}, things(text, value, kind="TIME")))
    assert bool(changes.all) is mended and state.triples()[0][2] == ("1959" if mended else "1958")
