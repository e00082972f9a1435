"""Scores -> kinds and marked spans; plain, no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.conversation.data import MARKS, SIGNS, SPANS
from tasks.conversation.types import KINDS
from tasks.core.calibration import Calibration
from tasks.core.errors import AdapterError

LENIENT = 1.0  # taken from the logit of "no tag": what is marked too much is sorted out later
Floats = NDArray[np.float32]
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Settings:
    """Calibrations: of the kinds, one for all with a threshold each; of the marks, by name."""

    kinds: Calibration = field(default_factory=Calibration)
    marks: dict[str, Calibration] = field(default_factory=lambda: {name: Calibration() for name in MARKS})

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Settings:
        """Those of ``task.json``; raises ``AdapterError`` where they are damaged."""
        try:
            plain = data["calibration"]
            return cls(Calibration(**plain["kinds"]), {name: Calibration(**plain["marks"][name]) for name in MARKS})
        except (KeyError, TypeError, ValueError) as error:
            raise AdapterError(f"task.json is damaged: {error!r} is missing or wrong. Get the adapter again.") from error

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``task.json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Marked:
    """A span of the text, what it is, and the mean log odds of its words for that."""

    start: int
    end: int
    mark: str
    logit: float


def spans_of(tags: Floats, signs: Floats, places: Sequence[Place]) -> list[Marked]:
    """Spans from tag logits (words, TAGS) and sign logits (words, SIGNS); ``places``: each word's characters.

    The best tag of each word; a further word without a first one begins a span. A thing's sign is the best one of all its words together;
    a thing that is liked is told with the odds of both.
    """
    found: list[Marked] = []
    at = 0
    best = (tags - np.eye(1, tags.shape[1], dtype=np.float32) * LENIENT).argmax(1).tolist()
    while at < len(best):
        if not best[at]:
            at += 1
            continue
        span = (best[at] - 1) // 2
        end = at + 1
        while end < len(best) and (best[end] == 2 + 2 * span or (best[end] == 1 + 2 * span and places[end][0] == places[end - 1][1] + 1)):
            end += 1
        found.append(_marked(SPANS[span], tags[at:end, 1 + 2 * span : 3 + 2 * span], tags[at:end], signs[at:end], places[at:end]))
        at = end
    return found


def _marked(kind: str, own: Floats, tags: Floats, signs: Floats, places: Sequence[Place]) -> Marked:
    share = np.exp(_total(own) - _total(tags)).mean()
    mark = kind
    if kind == "thing":
        mean = signs.mean(0, keepdims=True)
        mark = SIGNS[int(mean.argmax())]
        if mark != "thing":
            share *= float(np.exp(mean.max() - _total(mean)[0]))
    share = float(np.clip(share, 1e-6, 1 - 1e-6))
    return Marked(places[0][0], places[-1][1], mark, float(np.log(share / (1 - share))))


def _total(logits: Floats) -> Floats:
    """Log of the sum of the exponentials of each row."""
    most = logits.max(1)
    total: Floats = most + np.log(np.exp(logits - most[:, None]).sum(1))
    return total


def kinds_of(logits: Sequence[float], settings: Settings) -> dict[str, float]:
    """The kinds that hold with their probabilities, the likeliest first; the likeliest one alone where none reaches its threshold."""
    scores = {name: settings.kinds.score(logit) for name, logit in zip(KINDS, logits, strict=True)}
    kept = [name for name, score in scores.items() if score >= settings.kinds.of(name)] or [max(scores, key=lambda name: scores[name])]
    return {name: scores[name] for name in sorted(kept, key=lambda name: -scores[name])}
