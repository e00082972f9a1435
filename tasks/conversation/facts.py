"""Which of the relations found in a message hold: two words for one thing, ends that can't be, and what contradicts something surer."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from tasks.conversation.relations import Kind, relations
from tasks.conversation.things import FIRST_PERSON, HE, IT, PRONOUNS, SHE, THEY
from tasks.conversation.types import Named, Told
from tasks.core.types import Span

LEAST_NAME = 0.5  # of a thing that the reader did not mark
SECOND = 0.8  # from which a second relation of the same two things is believed
SURE = 0.68  # from which a fact of a pronoun that the reader did not mark is believed
RIVAL = 0.75  # from which the same is believed of a second thing
_LIST = re.compile(r"(?:,|,? and|,? or) (?:\w+ )?")  # "Ann and Bo", "Ann, her brother Bo"
_CALLED = re.compile(r"(?: [a-z]+){0,3},? (?:which |who )?(?:is|was|are|[’']s) (?:called|named) ")
_IS_A = re.compile(r",? (?:which |who )?(?:is|was|are|[’']s) an? ")


def believed(text: str, told: Sequence[Told], things: Sequence[Named]) -> tuple[Told, ...]:
    """Those of the facts ``told`` of the ``things`` of a text that hold."""
    guessed = {each.span for each in things if each.score == LEAST_NAME and each.span.text.lower() in PRONOUNS}
    enough = [each for each in told if each.score >= _least(each, guessed)]
    return tuple(consistent(text, of_one_thing(enough, names_of(text, things))))


def _least(told: Told, guessed: Container[Span]) -> float:
    """The least score of a fact: more where an end is a pronoun that is guessed, not marked; such a "they" or "it" is nobody's tail."""
    if told.tail in guessed and told.tail.text.lower() in IT | THEY:
        return 2.0
    return SURE if told.head in guessed or told.tail in guessed else 0.0


def names_of(text: str, things: Sequence[Named]) -> dict[Span, tuple[Span, bool]]:
    """A thing that the next one names ("the bar below me is called Zanzibar"), or a noun that says what the thing before it is ("The Swan
    is a pub"): the thing that it is, and whether this is its name."""
    found: dict[Span, tuple[Span, bool]] = {}
    for one, other in pairwise(each.span for each in things):
        between = text[one.end : other.start]
        if _CALLED.fullmatch(between):
            found[one] = other, True
        elif _IS_A.fullmatch(between) and other.text[:1].islower():
            found[other] = found.get(one, (one, False))[0], False
    return found


def of_one_thing(facts: Sequence[Told], names: Mapping[Span, tuple[Span, bool]]) -> list[Told]:
    """The facts, each once, with those of a thing in two words told of the one that stands for both."""
    made: dict[tuple[Span, str, Span], Told] = {}
    for fact in facts:
        head, _ = names.get(fact.head, (fact.head, False))
        tail, named = names.get(fact.tail, (fact.tail, False))
        moved = replace(fact, head=head, tail=tail if named else fact.tail)  # what a thing is stays a tail: "Bo is a vet"
        place = (moved.head, moved.type, moved.tail)
        if moved.head != moved.tail and (place not in made or made[place].score < moved.score):
            made[place] = moved
    return list(made.values())


def consistent(text: str, facts: Sequence[Told]) -> list[Told]:
    """Without what can't be, and what contradicts a surer fact of the same message: the same relation the other way round, a second tail of
    a single one, an unsure second relation of the same two, or of a second thing with the same one unless "and" joins the two."""
    kept: list[Told] = []
    for fact in sorted(facts, key=lambda each: -each.score):
        kind = relations().get(fact.type)
        same = [each for each in kept if each.type == fact.type]
        turned = any((each.head, each.tail) == (fact.tail, fact.head) for each in same)
        second = kind is not None and kind.single and any(each.head.text == fact.head.text for each in same)
        other = fact.score < SECOND and any((each.head, each.tail) == (fact.head, fact.tail) for each in kept)
        rivals = [each.head for each in same if each.tail == fact.tail]
        rival = fact.score < RIVAL and rivals and not any(_and(text, fact.head, each) for each in rivals)
        if not (turned or second or other or rival) and _can_be(fact, kind):
            kept.append(fact)
    return kept


def _and(text: str, one: Span, other: Span) -> bool:
    """Whether two spans stand beside each other in a list."""
    first, second = sorted((one, other), key=lambda span: span.start)
    return _LIST.fullmatch(text, first.end, second.start) is not None


def _can_be(fact: Told, kind: Kind | None) -> bool:
    """Whether the pronouns among the ends can stand there: "it" lives nowhere, and "she" is no record."""
    for span, needed in ((fact.head, kind.head), (fact.tail, kind.tail)) if kind else ():
        word = span.text.lower()
        if needed is not None and ((word in IT and needed == "PER") or (word in FIRST_PERSON | SHE | HE and needed != "PER")):
            return False
    return True
