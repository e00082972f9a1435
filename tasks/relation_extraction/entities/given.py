"""The caller's own entities: names, offsets, or whole entities of an earlier result."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tasks.core.errors import InputError
from tasks.core.types import Span
from tasks.relation_extraction.types import Entity

MOST = 2000  # entities of one text: pairs grow with the square


def read_entities(text: str, given: object) -> tuple[Entity, ...]:
    """Entities of ``text`` in the order given.

    Each is a name (all its occurrences are its mentions), ``{"start", "end"}``, ``{"mentions": [{"start", "end"}, …]}``, both
    with ``"type"`` where one is known, or an ``Entity``. Raises ``InputError`` for one that is not in the text.
    """
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise InputError('entities must be a list, such as ["Ada Osei", "Accra"] or [{"start": 0, "end": 8, "type": "PER"}, …].')
    each = list(given)
    if len(each) > MOST:
        raise InputError(f"{len(each):,} entities are too many for one text: give at most {MOST:,}.")
    return tuple(_entity(text, one) for one in each)


def _entity(text: str, given: Any) -> Entity:
    if isinstance(given, Entity):
        given = given.to_dict()
    if isinstance(given, str):
        return _build(None, 1.0, _occurrences(text, given))
    try:
        name, score = given.get("type"), given.get("score", 1.0)
        mentions = given.get("mentions") or [given.get("span") or given]
        spans = [_span(text, mention) for mention in mentions]
    except (AttributeError, KeyError, TypeError, OverflowError) as error:
        raise InputError(f'An entity must be a name or {{"start", "end", "type"}}, not {given!r}.') from error
    if name is not None and not isinstance(name, str):
        raise InputError(f"The type of an entity must be a string, not {name!r}.")
    return _build(name, score, spans)


def _build(name: str | None, score: Any, spans: Sequence[Span]) -> Entity:
    mentions = tuple(sorted(set(spans), key=lambda span: (span.start, span.end)))
    if not (isinstance(score, int | float) and 0 <= score <= 1):
        raise InputError(f"The score of an entity must be from 0 to 1, not {score!r}.")
    return Entity(name, float(score), max(mentions, key=lambda span: len(span.text)), mentions)


def _span(text: str, mention: Mapping[str, Any]) -> Span:
    start, end = mention["start"], mention["end"]
    if not (type(start) is type(end) is int and 0 <= start < end <= len(text)):
        raise InputError(f"An entity at {(start, end)!r} is not in the text, which has {len(text):,} characters.")
    if mention.get("text") not in (None, text[start:end]):
        raise InputError(f"An entity is said to be {mention['text']!r} where the text has {text[start:end]!r}: check its offsets.")
    return Span.of(text, start, end)


def _occurrences(text: str, name: str) -> list[Span]:
    whole = [match.span() for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text)] if name.strip() else []
    uncased = name.lower() == name.upper()  # as are the scripts that write no spaces
    found = whole or [match.span() for match in re.finditer(re.escape(name), text) if name.strip() and uncased]
    if not found:
        raise InputError(f"The entity {name!r} is not in the text: give a name as it stands there.")
    return [Span.of(text, *place) for place in found]
