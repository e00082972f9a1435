"""Precision, recall and F1 over sets of tuples: spans, typed spans, triples."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PRF:
    """Precision, recall and their harmonic mean, each in [0, 1]; 0 where there is nothing to divide by."""

    precision: float
    recall: float
    f1: float


def prf(true_positives: int, predicted: int, gold: int) -> PRF:
    """From counts (van Rijsbergen 1979)."""
    precision = true_positives / predicted if predicted else 0.0
    recall = true_positives / gold if gold else 0.0
    return PRF(precision, recall, 2 * true_positives / (predicted + gold) if predicted + gold else 0.0)


def micro(predicted: Iterable[Hashable], gold: Iterable[Hashable]) -> PRF:
    """Micro-averaged scores of a set of tuples; a tuple names its text, so that equal spans of two texts differ."""
    found, wanted = set(predicted), set(gold)
    return prf(len(found & wanted), len(found), len(wanted))


def macro_f1(predicted: Sequence[Hashable], gold: Sequence[Hashable], labels: Iterable[Hashable]) -> float:
    """Mean over ``labels`` of the F1 of one label a text against the rest."""
    scores = []
    for label in labels:
        hits = sum(p == g == label for p, g in zip(predicted, gold, strict=True))
        scores.append(prf(hits, sum(p == label for p in predicted), sum(g == label for g in gold)).f1)
    return sum(scores) / len(scores) if scores else 0.0


def best_threshold(scored: Iterable[tuple[float, bool]], gold: int) -> tuple[float, PRF]:
    """The score from which on to accept, and the scores there, for the highest F1.

    ``scored``: (score, is right) of every candidate; ``gold``: how many there are to find.
    """
    ranked = sorted(scored, key=lambda pair: -pair[0])
    best, at, hits = prf(0, 0, gold), 1.0, 0
    for count, (score, right) in enumerate(ranked, 1):
        hits += right
        tied = count < len(ranked) and ranked[count][0] == score
        if not tied and (here := prf(hits, count, gold)).f1 > best.f1:
            best, at = here, score
    return at, best


def expected_calibration_error(scored: Sequence[tuple[float, bool]], bins: int = 10) -> float:
    """Mean gap between score and share right over equal-width ``bins`` (Guo et al. 2017), in [0, 1]."""
    total = 0.0
    for low in range(bins):
        inside = [(score, right) for score, right in scored if low <= min(score * bins, bins - 1e-9) < low + 1]
        total += abs(sum(score for score, _ in inside) - sum(right for _, right in inside))
    return total / len(scored) if scored else 0.0
