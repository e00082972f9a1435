"""Which entity of the state a thing in a message is: by pronoun, by name, by a part of a name."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import replace

from tasks.conversation.state import State
from tasks.conversation.things import FIRST_PERSON, HE, IT, PRONOUNS, SHE, THEY
from tasks.conversation.types import USER, Entity
from tasks.core.types import Span

VALUES = ("TIME", "NUM")  # a date or a number is nobody that a pronoun or a part of a name could mean
KEPT = 12  # entities in focus
_WORDS = re.compile(r"\w+")
_DEFINITE = re.compile(r"\b(?:the|this|that|our|their|his|her|its)\s+$", re.IGNORECASE)


def resolve(state: State, text: str, span: Span, kind: str, taken: Container[str] = ()) -> str | None:
    """The id of the entity that ``span`` of the message ``text`` means, None for one that is new; a first person is ``USER``.

    ``taken``: entities that a pronoun can't mean here.
    """
    word = span.text.lower()
    if word in FIRST_PERSON:
        return USER
    if word in PRONOUNS:
        return _by_pronoun(state, word, taken)
    exact = [each for each in state.entities if each.name.casefold() == span.text.casefold()]
    if exact:
        return exact[-1].id
    if kind in VALUES:
        return None
    definite = _DEFINITE.search(text[: span.start]) is not None
    return next((each.id for each in _recent_first(state) if _part_of(span.text, definite, each, kind)), None)


def _by_pronoun(state: State, word: str, taken: Container[str]) -> str | None:
    called = dict(state.called)
    family = next(each for each in (SHE, HE, IT, THEY) if word in each)
    for each in _recent_first(state):
        if each.id == USER or each.type in VALUES or each.id in taken:
            continue
        known = called.get(each.id)
        if known is not None and known not in family:
            continue
        if known in family or family is THEY or (each.type == "PER") == (family in (SHE, HE)):
            return each.id
    return None


def _recent_first(state: State) -> list[Entity]:
    places = {name: number for number, name in enumerate(state.focus)}
    return sorted(state.entities, key=lambda each: places.get(each.id, len(places)))


def _part_of(name: str, definite: bool, entity: Entity, kind: str) -> bool:
    """Whether a name, or a noun behind "the", is a part of the entity's name: "Agnes" of "Agnes Lind", "the choir" of "Lark Choir"."""
    if entity.id == USER or entity.type in VALUES:
        return False
    short, long = _WORDS.findall(name.casefold()), _WORDS.findall(entity.name.casefold())
    if not short or not long or set(short) == set(long):
        return bool(short) and short == long
    if len(short) > len(long):  # the fuller name comes later: "Agnes", then "Agnes Lind"
        return entity.type == "PER" and kind == "PER" and short[0] == long[0] and len(long) == 1
    if name[:1].isupper() and entity.type == "PER":
        return short[0] == long[0] or short == long[-len(short) :]
    return (definite or name[:1].isupper()) and short == long[-len(short) :]


def focused(state: State, latest: Iterable[str]) -> State:
    """With these entities, the most important first, before those that were in focus."""
    known = {each.id for each in state.entities}
    order = dict.fromkeys(each for each in (*latest, *state.focus) if each in known)
    return replace(state, focus=tuple(order)[:KEPT])


def called(state: State, name: str, word: str) -> State:
    """Remember by which pronoun somebody was called."""
    family = next((each for each in (SHE, HE, IT, THEY) if word.lower() in each), None)
    if family is None or name == USER:
        return state
    return replace(state, called=(*(pair for pair in state.called if pair[0] != name), (name, min(family & {"she", "he", "it", "they"}))))
