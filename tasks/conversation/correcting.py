"""Corrections that give a value alone: "No, I meant 1971.", "sorry, Haldern with an r"."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from tasks.conversation.remembering import (
    REJECTED,
    Changes,
    event_sentence,
    is_denied,
    is_rejected,
    preference_sentence,
    sentence_of,
    source,
)
from tasks.conversation.state import State, remove, with_entity
from tasks.conversation.things import PRONOUNS, type_of
from tasks.conversation.types import USER, Extraction, Fact, Named, Preference
from tasks.core.types import Span

_MEANT = re.compile(
    r"\b(?:meant|mean|be|is|it[’']s|was|say|actually|sorry|no|oops|rather)\b[,:]?\s+(?:in |on |at |by |the |a |an |to say )*"
    r"([\w’'.-]+(?: [A-Z][\w’'.-]*)*)",
    re.IGNORECASE,
)
_CUE = re.compile(
    r"\b(?:no|nope|meant|mean|sorry|actually|oops|wrong|mistake|should|rather|correct|correction|typo|wait|mixed|it (?:was|is)|it[’']s"
    r"|with an?)\b",
    re.IGNORECASE,
)
_NAMED = re.compile(r"\b(?:called|named) $")
_DIGITS = re.compile(r"\d")


Kind = TypeVar("Kind", Fact, Preference)


def mend(state: State, said: Extraction) -> tuple[State, Changes]:
    """The state with the item that the message corrects, and what changed: nothing where it fits nothing that was said."""
    wrong = rejected(state, said)
    if not wrong and not _CUE.search(said.text) and not _begins_with_value(said):
        return state, Changes()
    for value in _values(said):
        if value.span.text.casefold() in wrong:
            continue
        for change in (_mend_fact, _mend_taste, _mend_place):
            new, changes = change(state, said, value, wrong)
            if changes.all:
                return replace(new, recent=changes.all), changes
    return state, Changes()


def _begins_with_value(said: Extraction) -> bool:
    """Whether a new date or number is the first that is said: "1959! just looked at the sleeve"."""
    return any(each.span.start == 0 and _form(each.type, each.span.text) == "value" for each in said.things)


def withdraw(state: State, said: Extraction) -> tuple[State, Changes]:
    """The state without the events that the message denies: "nobody was hurt after all"."""
    denied = [each for each in state.events if is_denied(said.text, each.trigger)]
    return remove(state, [each.id for each in denied]), Changes(withdrawn=tuple(map(event_sentence, denied)))


def _values(said: Extraction) -> list[Named]:
    """The new values, the likeliest first: what the reader marked and the message does not reject; else what stands behind "meant"."""
    things = [each for each in said.things if each.span.text.lower() not in PRONOUNS and not REJECTED.search(said.text[: each.span.start])]
    if things:
        return things
    match = _MEANT.search(said.text)
    if match is None:
        return []
    span = Span.of(said.text, match.start(1), match.end(1))
    return [Named(span, type_of(said.text, span.start, span.end, ()), 0.5)]


def rejected(state: State, said: Extraction) -> list[str]:
    """What the message says it is not: of the names that were told."""
    known = [each.name for each in state.entities] + [each.target for each in state.preferences]
    known += [value for each in state.events for value in (each.where, each.when) if value]
    return [name.casefold() for name in known if is_rejected(said.text, name)]


def _recent_first(state: State, items: Sequence[Kind]) -> list[Kind]:
    places = {each.id: number for number, each in enumerate(items)}
    return sorted(items, key=lambda each: (each.id not in state.recent, -places[each.id]))


def _fits(state: State, end: str, value: Named, wrong: Sequence[str]) -> bool:
    """Whether the new value can stand where this entity stands: it was rejected by name, or is of its kind, or nearly its name."""
    entity = state.entity(end)
    if end == USER or entity.name.casefold() == value.span.text.casefold():
        return False
    if wrong:
        return entity.name.casefold() in wrong
    return _form(entity.type, entity.name) == _form(value.type, value.span.text) or _alike(entity.name, value.span.text)


def _form(kind: str, name: str) -> str:
    """Dates and numbers stand for one another, since a year is both; names and common nouns do not."""
    if kind in ("TIME", "NUM") or _DIGITS.search(name):
        return "value"
    return "name" if name[:1].isupper() else "noun"  # of a name alone, the entity finder can't know what it names


def _alike(one: str, other: str) -> bool:
    return difflib.SequenceMatcher(None, one.casefold(), other.casefold()).ratio() > 0.7


def _mend_fact(state: State, said: Extraction, value: Named, wrong: Sequence[str]) -> tuple[State, Changes]:
    facts = _recent_first(state, state.facts)
    places = [(fact, side) for fact in facts for side in ("tail", "head") if _fits(state, getattr(fact, side), value, wrong)]
    if said.facts or _NAMED.search(said.text[: value.span.start]):  # words enough to tell a firm from a person, unlike a name alone
        places.sort(key=lambda place: (place[0].id not in state.recent, state.entity(getattr(*place)).type != value.type))
    for fact, side in places:
        was = sentence_of(state, fact)
        mention = source(state, value.span)
        new, other = with_entity(state, value.span.text, value.type, mention)
        if other in (fact.head, fact.tail):
            continue
        number = f"f{new.made + 1}"
        ends: dict[str, Any] = {side: other}
        mended = replace(fact, id=number, source=mention, **ends)
        new = replace(new, made=new.made + 1, facts=(*new.facts, mended))
        return remove(new, [fact.id]), Changes(replaced=((number, was),))
    return state, Changes()


def _mend_taste(state: State, said: Extraction, value: Named, wrong: Sequence[str]) -> tuple[State, Changes]:
    tastes = [each for each in state.preferences if each.about == "taste"]
    for each in _recent_first(state, tastes):
        named = each.target.casefold() in wrong
        if named or (not wrong and each.id in state.recent and value.type not in ("TIME", "NUM")) or _alike(each.target, value.span.text):
            number = f"p{state.made + 1}"
            mended = replace(each, id=number, target=value.span.text, item_id=None, source=source(state, value.span))
            new = replace(state, made=state.made + 1, preferences=(*state.preferences, mended))
            return remove(new, [each.id]), Changes(replaced=((number, preference_sentence(each)),))
    return state, Changes()


def _mend_place(state: State, said: Extraction, value: Named, wrong: Sequence[str]) -> tuple[State, Changes]:
    """Where or when the latest event was."""
    for event in reversed(state.events):
        for side, kinds in (("where", ("LOC", "ORG")), ("when", ("TIME", "NUM"))):
            now = getattr(event, side)
            if now is not None and (now.casefold() in wrong or (not wrong and value.type in kinds)):
                number = f"v{state.made + 1}"
                place: dict[str, Any] = {side: value.span.text}
                mended = replace(event, id=number, source=source(state, value.span), **place)
                new = replace(state, made=state.made + 1, events=(*state.events, mended))
                return remove(new, [event.id]), Changes(replaced=((number, event_sentence(event)),))
    return state, Changes()
