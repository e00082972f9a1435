"""What the agent understands, and what it gives back.

A dialogue state is a small typed graph: ``entities`` and the ``facts`` between them, the user's ``preferences``, and ``events``. Each
item knows the turn and the characters that it came from (``Source``), so that everything stored can be traced to what the user said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasks.core.types import Result, Span, check_score

KINDS = {
    "tell": "the user states something: a fact, an event, what they like or think",
    "ask": "the user asks a question to get information",
    "recommend": "the user asks for a suggestion or an idea, what to choose, try, read, watch or listen to",
    "refine": "the user narrows or changes what should be suggested: shorter, cheaper, more like this, without that",
    "correct": "the user corrects what they said before: no, I meant another one",
    "forget": "the user wants something deleted or forgotten",
    "greet": "the user says hello, thanks or goodbye",
}
USER = "user"  # id of the entity that is the user
ACTS = ("greeted", "noted", "corrected", "forgot", "answered", "recommended", "asked", "unknown", "notice")
ENTITY_TYPES = ("PER", "ORG", "LOC", "TIME", "NUM", "MISC")


@dataclass(frozen=True, slots=True)
class Source(Result):
    """Where something was said: the number of the user's message, from 0, and half-open character offsets into it."""

    turn: int
    start: int
    end: int
    text: str

    def __post_init__(self) -> None:
        if self.turn < 0 or not 0 <= self.start < self.end or len(self.text) != self.end - self.start:
            raise ValueError(f"Source [{self.start}, {self.end}) of turn {self.turn} does not fit its text {self.text[:40]!r}.")


@dataclass(frozen=True, slots=True)
class Entity(Result):
    """Somebody or something the user named; ``type`` is one of ``ENTITY_TYPES``; the user is the entity ``USER``."""

    id: str
    name: str
    type: str
    mentions: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        if not self.id or not self.name or self.type not in ENTITY_TYPES:
            raise ValueError(f"{self.name!r} of type {self.type!r} is no entity.")


@dataclass(frozen=True, slots=True)
class Fact(Result):
    """A directed relation between two entities, by their ids. ``source`` is None where the user corrected it by hand."""

    id: str
    head: str
    type: str
    tail: str
    score: float
    source: Source | None

    def __post_init__(self) -> None:
        check_score(self.score)
        if not self.type or self.head == self.tail:
            raise ValueError(f"A fact needs a relation and two entities, not {self.head!r}, {self.type!r}, {self.tail!r}.")


@dataclass(frozen=True, slots=True)
class Preference(Result):
    """What the user likes (``sign`` 1) or dislikes (-1), how strongly (0 to 1), and its item of the catalogue if it is one.

    ``about``: "taste", or "proposal" where it is the side that they take towards the proposal under discussion.
    """

    id: str
    target: str
    sign: int
    strength: float
    item_id: str | None
    source: Source | None
    about: str = "taste"

    def __post_init__(self) -> None:
        check_score(self.strength)
        if self.sign not in (1, -1) or not self.target or self.about not in ("taste", "proposal"):
            raise ValueError(f"{self.target!r} with sign {self.sign!r} is no preference.")


@dataclass(frozen=True, slots=True)
class EventNote(Result):
    """Something that happened, as the user said: its type, the word that tells it, where and when if they said so."""

    id: str
    type: str
    trigger: str
    score: float
    where: str | None
    when: str | None
    source: Source | None

    def __post_init__(self) -> None:
        check_score(self.score)
        if not self.type or not self.trigger:
            raise ValueError("An event needs a type and a trigger.")


@dataclass(frozen=True, slots=True)
class Told(Result):
    """A relation that a message states, its ends as spans of the message; ``evidence`` holds both."""

    head: Span
    type: str
    tail: Span
    score: float
    evidence: Span


@dataclass(frozen=True, slots=True)
class Taste(Result):
    """A like (1) or dislike (-1) that a message states of the user."""

    target: Span
    sign: int
    score: float


@dataclass(frozen=True, slots=True)
class Happening(Result):
    """An event that a message states."""

    type: str
    trigger: Span
    score: float
    where: Span | None
    when: Span | None
    evidence: Span


@dataclass(frozen=True, slots=True)
class Named(Result):
    """A thing that a message names; ``refers``: the id of the entity of the state that it means (None: a new one)."""

    span: Span
    type: str
    score: float
    refers: str | None = None


@dataclass(frozen=True, slots=True)
class Extraction(Result):
    """What one message says: its kinds (name -> probability, those that hold), and what it states, each with its place in ``text``."""

    text: str
    kinds: dict[str, float]
    things: tuple[Named, ...] = ()
    facts: tuple[Told, ...] = ()
    tastes: tuple[Taste, ...] = ()
    events: tuple[Happening, ...] = ()
    stance: dict[str, Any] | None = None  # towards the proposal under discussion: label, score and scores

    def __post_init__(self) -> None:
        spans = [each.span for each in self.things] + [each.target for each in self.tastes] + [each.trigger for each in self.events]
        for span in spans + [span for fact in self.facts for span in (fact.head, fact.tail, fact.evidence)]:
            if self.text[span.start : span.end] != span.text:
                raise ValueError(f"{span} is not in the text.")


@dataclass(frozen=True, slots=True)
class Act(Result):
    """One thing that the agent did: ``kind`` is one of ``ACTS``, ``text`` its sentences.

    ``rests_on``: ids of the items of the state that it used. ``evidence`` of an answer: ``{"answer", "score", "document", "page",
    "start", "end", "passage"}`` from a document (offsets of the answer into it), or ``{"answer", "score", "turn", "passage"}`` from
    what the user said. ``items`` of a recommendation: ``{"item_id", "title", "score", "because"}`` each.
    """

    kind: str
    text: str
    rests_on: tuple[str, ...] = ()
    evidence: tuple[dict[str, Any], ...] = ()
    items: tuple[dict[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in ACTS:
            raise ValueError(f"{self.kind!r} is nothing that the agent does.")


@dataclass(frozen=True, slots=True)
class Turn(Result):
    """The agent's reply, the dialogue state after it (plain JSON), what the message said, and what the agent did, in order."""

    reply: str
    state: dict[str, Any]
    extraction: Extraction
    acts: tuple[Act, ...] = ()
