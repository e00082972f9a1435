"""Scored pairs -> relations: plain functions, no ``nn.Module``."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tasks.core.calibration import Calibration
from tasks.core.errors import AdapterError
from tasks.core.types import Span
from tasks.relation_extraction.priors import Priors
from tasks.relation_extraction.scoring import Candidate
from tasks.relation_extraction.types import TYPES, Entity, Relation

DEFAULT, CUSTOM = "default", "custom"  # calibrations: of the adapter's own relations, and of a caller's
SENTENCE_END = re.compile(
    r"""((?<![A-Z]\.)(?<!\b[A-Z][a-z]\.)(?<!\b[A-Z][a-z]{2}\.)(?<=[.!?])["'”’)\]]*\s+(?=["'“‘(\[]*[^\s\da-z])|[。！？]["”’）]*\s*|\n\s*\n)"""
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a relation adapter says of itself in ``task.json``.

    ``labels``: the relations that are looked for where the caller names none, with their descriptions; ``endpoints``: the
    types that a relation can hold between; ``choice``: whether a pair of entities has one relation at most; ``priors``: how
    likely each is by the types alone.
    """

    labels: Mapping[str, str]
    endpoints: Mapping[str, Sequence[str]]
    calibration: Mapping[str, Calibration] = field(default_factory=dict)
    choice: bool = False
    priors: Priors = field(default_factory=dict)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Settings:
        """From the fields of ``task.json``; raises ``AdapterError`` where one is missing."""
        try:
            calibration = {name: Calibration(**fields) for name, fields in data["calibration"].items()}
            ends = {name: [f"{one} {other}" for one, other in map(str.split, pairs)] for name, pairs in data["endpoints"].items()}
            if unknown := {each for pairs in ends.values() for pair in pairs for each in pair.split()} - set(TYPES):
                raise ValueError(f"endpoints: {sorted(unknown)}")
            if not data["labels"] or not all(isinstance(text, str) for text in data["labels"].values()):
                raise ValueError("labels")
            priors = {name: {key: float(value) for key, value in own.items()} for name, own in data.get("priors", {}).items()}
            return cls(data["labels"], ends, calibration, bool(data["choice"]), priors)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise AdapterError(f"task.json is damaged: {error!r} is missing or wrong. Get the adapter again.") from error

    def calibration_of(self, name: str) -> Calibration:
        """The calibration of a relation: the adapter's own relations have one, all others another."""
        own = self.calibration.get(DEFAULT) or Calibration()
        return own if name in self.labels else self.calibration.get(CUSTOM) or own

    def prior(self, name: str, types: str) -> float:
        """The log-odds of a relation by the types of its ends; 0 for relations that nothing is known of."""
        own = self.priors.get(name)
        return own.get(types, own[""]) if own else 0.0

    def score(self, name: str, logit: float, types: str = "", distance: float = 0.0) -> float:
        """The probability that a relation holds."""
        return self.calibration_of(name).score(logit, self.prior(name, types), distance)


def choose(found: Iterable[Candidate], names: Sequence[str], settings: Settings, threshold: float | None) -> list[tuple[Candidate, float]]:
    """The candidates that are told with their scores, the likeliest first; where there is a choice, one for each two entities."""
    scored = [(each, settings.score(names[each.label], each.logit, each.types, each.distance)) for each in found]
    least = [settings.calibration_of(name).of(name) if threshold is None else threshold for name in names]
    kept = sorted((pair for pair in scored if pair[1] >= least[pair[0].label]), key=lambda pair: (-pair[1], pair[0]))
    if not settings.choice:
        return kept
    best: dict[frozenset[int], tuple[Candidate, float]] = {}
    for candidate, score in kept:
        best.setdefault(frozenset((candidate.head, candidate.tail)), (candidate, score))
    return list(best.values())


def relations(
    text: str, entities: Sequence[Entity], chosen: Iterable[tuple[Candidate, float]], names: Sequence[str]
) -> tuple[Relation, ...]:
    """The relations with the sentences that they stand in."""
    ends = sentence_ends(text)
    return tuple(
        Relation(each.head, each.tail, names[each.label], score, evidence(text, ends, entities[each.head], entities[each.tail]))
        for each, score in chosen
    )


def sentence_ends(text: str) -> list[int]:
    """Where sentences end, in characters, the last at the end of the text. Not after the dot of an initial or a short
    title (J., Dr.)."""
    return [*(match.end() for match in SENTENCE_END.finditer(text) if match.end() < len(text)), len(text)]


def evidence(text: str, ends: Sequence[int], head: Entity, tail: Entity) -> Span:
    """The sentence, or the run of sentences, with the two mentions that are closest to each other."""
    pairs = ((one, other) for one in head.mentions for other in tail.mentions)
    one, other = min(pairs, key=lambda pair: (max(pair[0].start, pair[1].start) - min(pair[0].end, pair[1].end), pair[0].start))
    start, end = min(one.start, other.start), max(one.end, other.end)
    first, last = bisect_right(ends, start), min(bisect_right(ends, end - 1), len(ends) - 1)
    begin, stop = ends[first - 1] if first else 0, ends[last]
    inside = text[begin:stop]
    begin, stop = begin + len(inside) - len(inside.lstrip()), stop - (len(inside) - len(inside.rstrip()))
    return Span.of(text, min(begin, start), max(stop, end))
