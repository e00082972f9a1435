"""Scores that can be trusted: temperature scaling, and thresholds per label, both fitted on development rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import torch
from torch.nn import functional as F

from tasks.core.metrics import best_threshold

MIN_SUPPORT = 20  # gold instances a label needs before it gets a threshold of its own


@dataclass(frozen=True, slots=True)
class Calibration:
    """``score = sigmoid(logit / temperature + shift)``; a label's threshold is its own, or else ``threshold``."""

    temperature: float = 1.0
    shift: float = 0.0
    threshold: float = 0.5
    thresholds: dict[str, float] = field(default_factory=dict)

    def of(self, label: str) -> float:
        """The threshold of ``label``."""
        return self.thresholds.get(label, self.threshold)


def fit_sigmoid(logits: Sequence[float], right: Sequence[bool]) -> tuple[float, float]:
    """Temperature and shift that make ``sigmoid(logit / temperature + shift)`` the share that is right.

    Platt 1999; temperature scaling of Guo et al. 2017 with its intercept. Convex, by L-BFGS.
    """
    if len(set(right)) < 2:
        return 1.0, 0.0
    x, y = torch.tensor(logits, dtype=torch.float64), torch.tensor(right, dtype=torch.float64)
    slope = torch.ones((), dtype=torch.float64, requires_grad=True)
    shift = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([slope, shift], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(x * slope + shift, y)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return 1.0 / max(slope.item(), 1e-3), shift.item()


def fit_thresholds(
    candidates: Iterable[tuple[str, float, bool]], gold: dict[str, int], pull: float = 40.0
) -> tuple[float, dict[str, float]]:
    """The threshold of highest micro-F1, and for well-supported labels their own, pulled towards it.

    ``candidates``: (label, score, is right); ``gold``: instances of each label. A label with n instances
    gets (n * own + pull * common) / (n + pull): few instances say little about a threshold.
    """
    groups: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for label, score, right in candidates:
        groups[label].append((score, right))
    common, _ = best_threshold([pair for group in groups.values() for pair in group], sum(gold.values()))
    own = {}
    for label, group in sorted(groups.items()):
        support = gold.get(label, 0)
        if support >= MIN_SUPPORT:
            at, _ = best_threshold(group, support)
            own[label] = round((support * at + pull * common) / (support + pull), 4)
    return round(common, 4), own
