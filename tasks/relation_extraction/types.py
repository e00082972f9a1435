"""What relation extraction returns."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.core.types import Coverage, Result, Span, check_score

TYPES = ("PER", "ORG", "LOC", "TIME", "NUM", "MISC")  # person, organisation, location, time, number, miscellaneous


@dataclass(frozen=True, slots=True)
class Entity(Result):
    """One thing that the text names: its type (None: not said, of entities that the caller gave), its fullest name, and
    all mentions in text order."""

    type: str | None
    score: float
    span: Span
    mentions: tuple[Span, ...]

    def __post_init__(self) -> None:
        check_score(self.score)
        if self.span not in self.mentions:
            raise ValueError(f"{self.span} is none of the entity's mentions.")
        if list(self.mentions) != sorted(set(self.mentions), key=lambda span: (span.start, span.end)):
            raise ValueError("Mentions must be in text order, each once.")


@dataclass(frozen=True, slots=True)
class Relation(Result):
    """A directed relation between two of the result's entities, by their indices; ``evidence``: the sentence, or the run
    of sentences, in which the two stand closest to each other."""

    head: int
    tail: int
    type: str
    score: float
    evidence: Span

    def __post_init__(self) -> None:
        check_score(self.score)
        if self.head == self.tail or min(self.head, self.tail) < 0:
            raise ValueError(f"A relation needs two entities, not {self.head} and {self.tail}.")


@dataclass(frozen=True, slots=True)
class RelationResult(Result):
    """The entities of one text in the order of their first mentions, and the relations, the likeliest first."""

    text: str
    entities: tuple[Entity, ...]
    relations: tuple[Relation, ...]
    coverage: Coverage

    def __post_init__(self) -> None:
        for span in [span for entity in self.entities for span in entity.mentions] + [each.evidence for each in self.relations]:
            if self.text[span.start : span.end] != span.text:
                raise ValueError(f"{span} is not in the text.")
        if any(max(each.head, each.tail) >= len(self.entities) for each in self.relations):
            raise ValueError("A relation names an entity that the result does not have.")
