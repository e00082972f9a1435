"""What one message says: its kinds, and, through the other tasks, its things, facts, tastes, events and stance."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tasks.conversation.decode import Marked
from tasks.conversation.facts import LEAST_NAME, believed
from tasks.conversation.linking import resolve
from tasks.conversation.scoring import Message, MessageReader
from tasks.conversation.state import State
from tasks.conversation.things import FIRST_PERSON, PRONOUNS, type_of
from tasks.conversation.types import Extraction, Happening, Named, Taste, Told
from tasks.core.types import Span

Embed = Callable[[Sequence[str]], Any]  # unit vectors (texts, width)
GENERIC, EXACT = ("destruction", "explosion"), ("fire", "injury", "collapse")
CLEARLY = 0.06  # difference of cosines
Load = Callable[[str, str], Any]  # (task, adapter) -> pipeline
EVENTS = Path(__file__).parent / "events.json"
STATING = ("tell", "correct")
TASTES = {"liked": 1, "disliked": -1}
POLARITY = {1: "positive", -1: "negative"}
OVERRULED = 0.93  # from which probability of the other polarity opinion analysis overrules the reader
LEAST_EVENT = 0.02  # of an event whose trigger the reader has marked: the reader knows that it happened, the detector what it is
_BEFORE = re.compile(r"(?:a|an|the|my|our|and|or|some|this|that)(?:\s+|$)|(?:The|A|An|My|Our|This|That)$|\W+(?=\w)")
_CAPITAL = re.compile(r"(?<![.!?\n] )(?<!^)(?<=\s)[A-Z][\w’'&-]* $")
_FURTHER = re.compile(r" (?!I\b)[A-Z][\w’'&-]*(?![\w’'-])")
_NOUN = re.compile(
    r"(?:album|record|song|single|band|group|singer|film|movie|series|book|novel|author|writer|town|village|city|river|street|firm|company|club"
    r"|choir|school|clinic|hospital|restaurant|pub|party|brother|sister|friend|neighbou?r|wife|husband|son|daughter|doctor) (?=[A-Z])"
)
_THIRD = re.compile(r"\b(?:she|he|her|his|him|they|their|them|it|its)\b", re.IGNORECASE)
_BEHIND = re.compile(r"\s+(?:a|an|the|and|or|but|is|are|was)$|\s+$|[,;:]$")
_UNITS = (
    r"euros?|dollars?|pounds?|pence|cents?|francs|kron(?:er|or)|yen|rupees|pesos|bucks|quid|hours?|minutes?|seconds|days?|nights?|weeks?"
    r"|months?|years?|km|kilomet(?:er|re)s|miles|met(?:er|re)s|m|cm|kilos?|kg|grams?|degrees|am|pm|o|percent|per cent|million|thousand"
    r"|(?:jan|febr)uary|march|april|may|june|july|august|(?:sept|nov|dec)ember|october"
)
_COUNTED = re.compile(rf"(\d[\d.,]*) (?!(?:{_UNITS})\b)[a-z-]+")
_FIRST = re.compile(r"\b(?:I|[Mm]y)\b|\bi\b(?=[’' ])")
_SENTENCE = re.compile(r"[^.!?\n]*[.!?\n]*")
_WHEN = re.compile(
    r"\b(?:(?:this|last|yesterday|tomorrow) (?:morning|afternoon|evening|night|week|month|year|spring|summer|autumn|winter|weekend)"
    r"|(?:on |last )?(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day(?: (?:morning|afternoon|evening|night))?|today|tonight|yesterday"
    r"|at (?:noon|midnight|\d{1,2}(?:[:.]\d\d)?(?: ?[ap]m)?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b"
    r"|(?:\w+|\d+) (?:minutes?|hours?|days?|weeks?|months?|years?) ago|just now)",
    re.IGNORECASE,
)


@functools.cache
def event_types() -> dict[str, str]:
    """The events that the agent listens for, with their descriptions."""
    made: dict[str, str] = json.loads(EVENTS.read_text(encoding="utf-8"))
    return made


class Listener:
    """Reads messages. ``load(task, adapter)`` gives a pipeline, when it is first needed."""

    def __init__(self, reader: MessageReader, load: Load, embed: Embed) -> None:
        self.reader, self._load, self._embed = reader, load, embed

    def __call__(self, text: str, state: State, proposal: str | None = None) -> Extraction:
        """The extraction of one message; ``proposal``: what is under discussion, to be told the stance towards it."""
        (message,) = self.reader([text])
        message = Message(message.kinds, tidied(text, joined(text, message.marked)))
        stating = _states(text, message)
        if not stating and not message.marked:
            return Extraction(text, message.kinds)
        relations = self._load("relation-extraction", "messages")
        (entities,) = relations.entities([text])
        spans = things_of(text, message.marked, entities)
        things = _linked(state, text, [(span, type_of(text, span.start, span.end, entities), score) for span, score in spans])
        if not stating:
            return Extraction(text, message.kinds, things)
        return Extraction(
            text,
            message.kinds,
            things,
            self._facts(relations, text, things),
            self._tastes(text, message.marked),
            self._events(text, message.marked, entities),
            None if proposal is None else self._load("opinion-analysis", "shipped")(text, target=proposal).stance.to_dict(),
        )

    def _facts(self, relations: Any, text: str, things: Sequence[Named]) -> tuple[Told, ...]:
        if len(things) < 2:
            return ()
        given = [{"type": each.type, "start": each.span.start, "end": each.span.end, "text": each.span.text} for each in things]
        result = relations(text, entities=given)
        found = []
        for each in result.relations:
            head, tail = result.entities[each.head].span, result.entities[each.tail].span
            start, end = min(head.start, tail.start), max(head.end, tail.end)
            if not asked(text, start, end):
                found.append(Told(head, each.type, tail, each.score, Span.of(text, start, end)))
        return believed(text, found, things)

    def _tastes(self, text: str, marked: Sequence[tuple[Marked, float]]) -> tuple[Taste, ...]:
        """What the reader marked, as strong as opinion analysis finds it."""
        told = [(each, score) for each, score in marked if each.mark in TASTES]
        if not told:
            return ()
        polarities = self._load("opinion-analysis", "shipped").polarities(text, [(each.start, each.end) for each, _ in told])
        tastes = []
        for (each, score), label in zip(told, polarities, strict=True):
            sign = TASTES[each.mark]
            if label.scores[POLARITY[-sign]] > OVERRULED:
                sign, score = -sign, 0.5
            tastes.append(Taste(Span.of(text, each.start, each.end), sign, (score + label.scores[POLARITY[sign]]) / 2))
        return tuple(tastes)

    def _events(self, text: str, marked: Sequence[tuple[Marked, float]], entities: Sequence[Any]) -> tuple[Happening, ...]:
        triggers = [each for each, _ in marked if each.mark == "event"]
        if not triggers:
            return ()
        detected = self._load("event-detection", "shipped")(text, labels=event_types(), threshold=LEAST_EVENT).events
        found: list[Happening] = []
        for each in triggers:
            near = [event for event in detected if event.trigger and event.trigger.start < each.end and each.start < event.trigger.end]
            if near:
                best = max(near, key=lambda event: event.score)
                kind = self._precise(best.type, text, each, {event.type for event in found})
                sentence = sentence_at(text, each.start)
                where, when = _place(text, sentence, each, entities, "LOC"), _time(text, sentence, each, entities)
                found.append(Happening(kind, best.trigger, best.score, where, when, sentence))
        return tuple(found)

    def _precise(self, kind: str, text: str, trigger: Marked, told: set[str]) -> str:
        """A more exact type than "destruction" or "explosion", where the sentence is clearly more like it: a barn that burned."""
        others = [name for name in EXACT if name not in told]
        if kind not in GENERIC or not others:
            return kind
        types = event_types()
        vectors = self._embed([sentence_at(text, trigger.start).text, *(f"{name}: {types[name]}" for name in (kind, *others))])
        own, *likeness = (vectors[1:] @ vectors[0]).tolist()
        best = max(range(len(others)), key=lambda number: likeness[number])
        return others[best] if likeness[best] > own + CLEARLY else kind


def _linked(state: State, text: str, spans: Sequence[tuple[Span, str, float]]) -> tuple[Named, ...]:
    """Things with the entities that they mean; a pronoun means nobody whom the message names."""
    names = {span: resolve(state, text, span, kind) for span, kind, _ in spans if span.text.lower() not in PRONOUNS}
    taken = {name for name in names.values() if name is not None}
    return tuple(
        Named(span, kind, score, names[span] if span in names else resolve(state, text, span, kind, taken)) for span, kind, score in spans
    )


def _states(text: str, message: Message) -> bool:
    """Whether the message states something: as its kinds say, or beside a greeting or question in a sentence that asks nothing."""
    if any(kind in message.kinds for kind in STATING):
        return True
    beside = "greet" in message.kinds or "ask" in message.kinds
    return beside and any(not asked(text, each.start, each.end) for each, _ in message.marked)


def joined(text: str, marked: Sequence[tuple[Marked, float]]) -> list[tuple[Marked, float]]:
    """The marks, with neighbouring words of one thing as one: "annual" and "meeting"; names are kept apart."""
    found: list[tuple[Marked, float]] = []
    for each, score in marked:
        word = text[each.start : each.end].lower()
        if word in ("and", "or", "but"):
            continue
        last, before = found[-1] if found else (None, 0.0)
        together = last is not None and last.end + 1 == each.start and word not in PRONOUNS
        if last and together and "event" not in (last.mark, each.mark) and text[last.start : each.end].islower():
            found[-1] = (_as_one(last, each), max(score, before))
        else:
            found.append((each, score))
    return found


def tidied(text: str, marked: Sequence[tuple[Marked, float]]) -> list[tuple[Marked, float]]:
    """The marks, with things cut to their own words, without what is left empty; of two that share words the longer one is both."""
    found: list[tuple[Marked, float]] = []
    for each, score in marked:
        span = Span.of(text, each.start, each.end) if each.mark == "event" else trimmed(text, each.start, each.end)
        if span is None:
            continue
        own = replace(each, start=span.start, end=span.end)
        last, before = found[-1] if found else (None, 0.0)
        if last and own.start < last.end and "event" not in (last.mark, own.mark):
            found[-1] = (_as_one(last, own), max(score, before))
        else:
            found.append((own, score))
    return found


def _as_one(one: Marked, other: Marked) -> Marked:
    """Both words of one thing; a sign of either is its sign."""
    mark = other.mark if one.mark == "thing" else one.mark
    return Marked(min(one.start, other.start), max(one.end, other.end), mark, other.logit)


def trimmed(text: str, start: int, end: int) -> Span | None:
    """The span without articles, possessives and joining words at its edges; None where nothing else is left."""
    while match := _BEFORE.match(text, start, end):
        start = match.end()
    while match := _BEHIND.search(text[start:end]):
        end = start + match.start()
    if match := _COUNTED.fullmatch(text, start, end):  # "28 beds", but not "60 euros"
        end = match.end(1)
    if not text[start:end].strip():
        return None
    if match := _NOUN.match(text, start, end):  # "record Con Todo El Mundo"
        start = match.end()
    if text[start].isupper():  # the rest of a name: "OK" before "Computer", "Sounds" behind "Pet"
        while match := _CAPITAL.search(text[:start]):
            start = match.start()
        while match := _FURTHER.match(text, end):
            end = match.end()
    return Span.of(text, start, end)


def things_of(text: str, marked: Sequence[tuple[Marked, float]], entities: Sequence[Any]) -> list[tuple[Span, float]]:
    """What the reader marked as a thing, and the names beside these that the entity finder knows; no two overlap."""
    found = [(Span.of(text, each.start, each.end), score) for each, score in marked if each.mark != "event"]
    taken = [(each.start, each.end) for each, _ in marked]
    for entity in entities:
        for mention in entity.mentions:
            free = all(mention.end <= start or end <= mention.start for start, end in taken)
            if free and entity.score >= LEAST_NAME and mention.text.lower() not in PRONOUNS:
                found.append((Span.of(text, mention.start, mention.end), entity.score))
    named = min((span.start for span, _ in found if span.text.lower() not in PRONOUNS), default=len(text))
    first = [] if any(span.text.lower() in FIRST_PERSON for span, _ in found) else list(_FIRST.finditer(text))[:1]
    for match in [*first, *_THIRD.finditer(text, 0, named)]:  # the third person: nobody that the message has named yet
        if all(match.end() <= span.start or span.end <= match.start() for span, _ in found):
            found.append((Span.of(text, match.start(), match.end()), LEAST_NAME))
    return sorted(found, key=lambda pair: pair[0].start)


def sentences(text: str) -> list[Span]:
    """The sentences, without the white space at their edges."""
    found = []
    for match in _SENTENCE.finditer(text):
        if inner := match[0].strip():
            start = match.start() + match[0].index(inner)
            found.append(Span.of(text, start, start + len(inner)))
    return found


def sentence_at(text: str, place: int) -> Span:
    """The sentence around a character that is no white space."""
    return next((each for each in sentences(text) if each.start <= place < each.end), Span.of(text, 0, len(text)))


def asked(text: str, start: int, end: int) -> bool:
    """Whether what stands there is part of a question."""
    return any("?" in sentence_at(text, place).text[-3:] for place in (start, end - 1))


def _nearest(spans: Sequence[Span], trigger: Marked) -> Span | None:
    """The nearest one, those behind the trigger before those in front of it."""
    return min(spans, key=lambda span: (span.end <= trigger.start, abs(span.start - trigger.start)), default=None)


def _place(text: str, sentence: Span, trigger: Marked, entities: Sequence[Any], kind: str) -> Span | None:
    inside = [
        Span.of(text, mention.start, mention.end)
        for entity in entities
        if entity.type == kind
        for mention in entity.mentions
        if sentence.start <= mention.start and mention.end <= sentence.end
    ]
    return _nearest(inside, trigger)


def _time(text: str, sentence: Span, trigger: Marked, entities: Sequence[Any]) -> Span | None:
    said = [Span.of(text, match.start(), match.end()) for match in _WHEN.finditer(text, sentence.start, sentence.end)]
    return _nearest(said, trigger) or _place(text, sentence, trigger, entities, "TIME")
