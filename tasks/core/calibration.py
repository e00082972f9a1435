"""Scores that can be trusted: temperature scaling, and thresholds per label, both fitted on development rows."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch.nn import functional as F

from tasks.core.metrics import best_threshold, prf

RIDGE = 1e-4  # keeps a feature that never varies at its start
MIN_SUPPORT = 20  # gold instances a label needs before it gets a threshold of its own


@dataclass(frozen=True, slots=True)
class Calibration:
    """``score = sigmoid(logit / temperature + shift)``; a label's threshold is its own, or else ``threshold``.

    ``prior``, ``unknown`` and ``distance`` weigh what a task knows beside the logit (0: nothing).
    """

    temperature: float = 1.0
    shift: float = 0.0
    prior: float = 0.0
    unknown: float = 0.0
    distance: float = 0.0
    threshold: float = 0.5
    thresholds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        thresholds = (self.threshold, *self.thresholds.values())
        if not (0 < self.temperature < math.inf and math.isfinite(self.shift) and all(0 <= each <= 1 for each in thresholds)):
            raise ValueError(f"{self} is no calibration.")

    def score(self, logit: float, prior: float = 0.0, distance: float = 0.0) -> float:
        """The probability of a logit, of any size, with what is known beside it."""
        fitted = logit / self.temperature + self.shift + self.prior * prior + self.distance * distance
        return 1 / (1 + math.exp(-fitted)) if fitted > -700 else 0.0

    def of(self, label: str) -> float:
        """The threshold of ``label``."""
        return self.thresholds.get(label, self.threshold)


def fit_sigmoid(features: Sequence[Sequence[float]], right: Sequence[bool]) -> tuple[list[float], float]:
    """Weights w and shift that make ``sigmoid(w · features + shift)`` the share that is right; of one feature, the
    logit, the weight is 1 / temperature.

    Platt 1999; temperature scaling of Guo et al. 2017 with its intercept. Convex, by L-BFGS.
    """
    x, y = torch.tensor(features, dtype=torch.float64), torch.tensor(right, dtype=torch.float64)
    first = torch.zeros(x.shape[-1] if len(x) else 1, dtype=torch.float64)
    first[0] = 1.0
    if len(set(right)) < 2:
        return first.tolist(), 0.0
    weights = first.clone().requires_grad_(True)
    shift = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, shift], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(x @ weights + shift, y) + RIDGE * (weights - first).square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return weights.tolist(), shift.item()


def fit_thresholds(
    files: Sequence[Sequence[tuple[str, float, bool]]], gold: Sequence[Mapping[str, int]], pull: float = 40.0
) -> tuple[float, dict[str, float]]:
    """The threshold of highest micro-F1, averaged over the files, and for well-supported labels their own, pulled towards it.

    ``files``: (label, score, is right) of each file's candidates; ``gold``: how many instances of each label it holds.
    In a file, a label with n instances gets (n * own + pull * common) / (n + pull): few instances say little about a
    threshold. A label's threshold is the mean over its files, so that a large file does not decide for the others.
    """
    common = _common_threshold([[(score, right) for _, score, right in file] for file in files], [sum(each.values()) for each in gold])
    own: dict[str, list[float]] = defaultdict(list)
    for file, support in zip(files, gold, strict=True):
        groups: dict[str, list[tuple[float, bool]]] = defaultdict(list)
        for label, score, right in file:
            groups[label].append((score, right))
        for label, count in support.items():
            if count >= MIN_SUPPORT and groups[label]:
                at, _ = best_threshold(groups[label], count)
                own[label].append((count * at + pull * common) / (count + pull))
    return round(common, 4), {label: round(sum(each) / len(each), 4) for label, each in sorted(own.items())}


def _common_threshold(files: Sequence[Sequence[tuple[float, bool]]], gold: Sequence[int]) -> float:
    """The threshold with the highest mean F1 among each file's own best and the steps between 0.05 and 0.95."""
    steps = [number / 100 for number in range(5, 96)] + [best_threshold(file, count)[0] for file, count in zip(files, gold, strict=True)]

    def mean_f1(threshold: float) -> float:
        kept = [[right for score, right in file if score >= threshold] for file in files]
        return sum(prf(sum(file), len(file), count).f1 for file, count in zip(kept, gold, strict=True))

    return max(steps, key=mean_f1)
