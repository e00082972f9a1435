"""Tables of word pairs -> mentions: plain functions over arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.core.calibration import Calibration
from tasks.core.text import Tokens, Window, visible
from tasks.relation_extraction.types import TYPES

Floats = NDArray[np.float32]
NEAR = -4.0  # pairs of a lower logit are not looked at
LONGEST = 24  # words of a mention
MOST = 160  # candidates of a window, the likeliest: bounded work on a hostile text


class Candidate(NamedTuple):
    """What may be a mention: half-open character offsets, type, logit."""

    start: int
    end: int
    type: str
    logit: float


@dataclass(frozen=True, slots=True)
class EntityScores:
    """The calibration of each type."""

    types: Mapping[str, Calibration] = field(default_factory=dict)

    def __call__(self, candidate: Candidate) -> float:
        """The probability of a candidate."""
        return self.types.get(candidate.type, Calibration()).score(candidate.logit)

    def threshold(self, name: str) -> float:
        """The least score of a mention of this type."""
        return self.types.get(name, Calibration()).threshold


def candidates(text: str, window: Window, tokens: Tokens, tables: Floats) -> list[Candidate]:
    """The mentions that the window owns (by their first word) and whose logits in ``tables`` (types, W, W) are near."""
    low, high = window.owned if window.owned is not None else (0, len(window.words))
    kinds, firsts, lasts = np.nonzero(tables >= NEAR)
    kept = (firsts >= low) & (firsts < high) & (firsts <= lasts) & (lasts - firsts < LONGEST)
    kinds, firsts, lasts = kinds[kept], firsts[kept], lasts[kept]
    logits = tables[kinds, firsts, lasts]
    found = []
    for place in np.argsort(-logits, kind="stable")[:MOST]:
        start, _ = tokens.word_chars(int(window.words[firsts[place]]))
        _, end = tokens.word_chars(int(window.words[lasts[place]]))
        if span := visible(text, start, end):
            found.append(Candidate(*span, TYPES[kinds[place]], float(logits[place])))
    return found


def choose(
    found: Iterable[Candidate], scores: EntityScores, thresholds: Mapping[str, float] | None = None
) -> list[tuple[Candidate, float]]:
    """The candidates that are told, with their scores, in text order; of overlapping ones the likeliest.

    ``thresholds``: the least score by type, in place of the calibrated ones.
    """
    least = thresholds or {name: scores.threshold(name) for name in TYPES}
    ranked = sorted(((candidate, scores(candidate)) for candidate in found), key=lambda pair: (-pair[1], pair[0]))
    chosen: list[tuple[Candidate, float]] = []
    for candidate, score in ranked:
        if score >= least[candidate.type] and all(candidate.end <= other.start or other.end <= candidate.start for other, _ in chosen):
            chosen.append((candidate, score))
    return sorted(chosen)
