"""Messages as a reader would understand them, made by hand, and a stand-in for the reader of questions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.conversation.state import LISTS, State
from tasks.conversation.types import Entity, EventNote, Extraction, Fact, Happening, Named, Preference, Source, Taste, Told
from tasks.core.types import Coverage, Span
from tasks.question_answering.types import Answer, AnswerResult

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "{head} {0} %s \\1 $1",
    "(.*)+[",
    "a\x00b",
    "\ud83d",
    "‮evil‬",
    "👩‍👩‍👧‍👦",
    "İstanbul",
    "'; DROP TABLE facts; --",
    "ﬁ" * 60,
]


def span(text: str, words: str) -> Span:
    """The first place of ``words`` in the text."""
    start = text.index(words)
    return Span.of(text, start, start + len(words))


def understood(
    text: str,
    things: dict[str, str] | None = None,
    facts: Sequence[tuple[str, str, str]] = (),
    tastes: dict[str, int] | None = None,
    events: Sequence[tuple[str, str, str | None, str | None]] = (),
    kinds: Sequence[str] = ("tell",),
    stance: dict[str, Any] | None = None,
) -> Extraction:
    """What is read in ``text``: words -> entity type, facts between these words, words -> sign, events (type, trigger, where, when)."""
    named = sorted((Named(span(text, words), kind, 0.9) for words, kind in (things or {}).items()), key=lambda each: each.span.start)
    told = []
    for head, name, tail in facts:
        ends = span(text, head), span(text, tail)
        around = Span.of(text, min(each.start for each in ends), max(each.end for each in ends))
        told.append(Told(ends[0], name, ends[1], 0.8, around))
    return Extraction(
        text,
        dict.fromkeys(kinds, 0.9),
        tuple(named),
        tuple(told),
        tuple(Taste(span(text, words), sign, 0.7) for words, sign in (tastes or {}).items()),
        tuple(happening(text, *each) for each in events),
        stance,
    )


def happening(text: str, name: str, word: str, where: str | None, when: str | None) -> Happening:
    """An event that a text tells."""
    place, time = (None if each is None else span(text, each) for each in (where, when))
    return Happening(name, span(text, word), 0.6, place, time, span(text, text))


def rich() -> State:
    """A state with something of everything."""
    source = Source(0, 0, 5, "Agnes")
    return State(
        turns=3,
        made=20,
        entities=(
            Entity("user", "you", "PER", (Source(0, 10, 12, "my"),)),
            Entity("e1", "Agnes", "PER", (source,)),
            Entity("e2", "Bergen", "LOC", (Source(1, 2, 8, "Bergen"),)),
            Entity("e3", "Lark Choir", "ORG", (Source(2, 0, 10, "Lark Choir"),)),
        ),
        facts=(
            Fact("f4", "user", "sibling", "e1", 0.9, source),
            Fact("f5", "e1", "residence", "e2", 0.8, Source(1, 0, 8, "x Bergen")),
            Fact("f6", "e1", "member of", "e3", 0.7, None),
        ),
        preferences=(
            Preference("p7", "Dune", 1, 0.9, "item-1", Source(2, 4, 8, "Dune")),
            Preference("p8", "opera", -1, 0.6, None, Source(2, 4, 9, "opera")),
            Preference("p9", "We should plant trees", 1, 0.7, None, source, "proposal"),
        ),
        events=(
            EventNote("v10", "flood", "flooded", 0.9, "Bergen", "last night", Source(1, 0, 7, "flooded")),
            EventNote("v11", "fire", "burned", 0.5, None, None, None),
        ),
        recent=("f5", "v10"),
        focus=("e1", "e2"),
        called=(("e1", "she"),),
        wish=("something calm",),
        shown=("item-2",),
        pending=(("slot", "where"), ("id", "v11")),
        noticed=("medical",),
    )


def ids(state: State) -> set[str]:
    """The ids of all that a state holds."""
    return {each.id for name in LISTS for each in getattr(state, name)}


def everywhere(state: State) -> set[str]:
    """All ids that a state speaks of outside its lists."""
    pending = dict(state.pending)
    return {*state.recent, *state.focus, *dict(state.called), *([pending["id"]] if "id" in pending else [])}


class Reader:
    """A stand-in for question answering: the sentence that shares the most words with the question, or its last word."""

    def __init__(self, score: float = 0.8) -> None:
        self.score, self.asked = score, list[dict[str, Any]]()

    def __call__(self, question: str, context: str | None = None, documents: Any = None, top_k: int = 1) -> AnswerResult:
        self.asked.append({"question": question, "context": context, "documents": documents})
        text = context or ""
        words, best, shared = set(re.findall(r"\w+", question.lower())), None, 1
        for match in re.finditer(r"[^.]+\.", text):
            count = len(words & set(re.findall(r"\w+", match[0].lower())))
            if count > shared and (last := re.search(r"\w+(?=\.$)", match[0])):
                best, shared = (match.start() + last.start(), match.start() + last.end()), count
        answer = Answer("", 1 - self.score, 0, 0) if best is None else Answer(text[slice(*best)], self.score, *best)
        return AnswerResult(question, (answer,), 1 - self.score, Coverage(len(text), len(text)))


def similar(text: str, others: Sequence[str]) -> list[float]:
    """The share of words that two texts have in common, in place of cosines."""
    own = set(re.findall(r"\w+", text.lower()))
    return [len(own & (words := set(re.findall(r"\w+", each.lower())))) / max(1, len(own | words)) for each in others]


def embed(texts: Sequence[str]) -> Any:
    """Unit vectors that are alike where texts share words."""
    made = np.full((len(texts), 512), 1e-6, np.float32)
    for number, text in enumerate(texts):
        for word in re.findall(r"\w+", text.lower()):
            made[number, sum(word.encode("utf-8", "replace")) % 512] += 1
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def row(text: str, kinds: Sequence[str], words: dict[str, int | str]) -> dict[str, Any]:
    """An annotated training row: words -> the sign of a thing (0: none), or the type of an event."""
    places = {each: span(text, each) for each in words}
    at = {each: {"start": where.start, "end": where.end, "text": where.text} for each, where in places.items()}
    things = [at[each] | ({"sign": sign} if sign else {}) for each, sign in words.items() if isinstance(sign, int)]
    events = [at[each] | {"type": kind} for each, kind in words.items() if isinstance(kind, str)]
    return {"text": text, "kinds": list(kinds), "things": things, "events": events, "facts": []}
