"""Calibration on development rows: how much the logit, the lexicon and a word never seen weigh, then thresholds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from tasks.core.calibration import Calibration, fit_sigmoid, fit_thresholds
from tasks.core.metrics import best_threshold
from tasks.event_detection.data import Row
from tasks.event_detection.evaluation import Candidates, gold_tuples
from tasks.event_detection.task import EventDetection

RATIOS = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)  # what a unit of evidence weighs, in units of the logit


@dataclass(frozen=True, slots=True)
class Units:
    """The units of a file that are near some label: logits, evidence, unknown and truth, each (units, labels)."""

    logits: Tensor
    evidence: Tensor
    unknown: Tensor
    truth: Tensor
    gold: int

    def pairs(self, ratio: float) -> tuple[Tensor, Tensor]:
        """(pairs, 2) features and (pairs,) truth of each unit's two likeliest labels, and of the one of most evidence."""
        chosen = torch.zeros_like(self.truth)
        chosen.scatter_(1, self.logits.topk(min(2, chosen.shape[1]), dim=1).indices, True)
        chosen.scatter_(1, self.evidence.argmax(dim=1, keepdim=True), True)
        return torch.stack([(self.logits + ratio * self.evidence)[chosen], self.unknown[chosen]], dim=1), self.truth[chosen]

    def best_f1(self, ratio: float, weights: Sequence[float]) -> float:
        """F1 at the best threshold, each unit with its best label."""
        score, label = (weights[0] * (self.logits + ratio * self.evidence) + weights[1] * self.unknown).max(dim=1)
        right = self.truth.gather(1, label[:, None]).squeeze(1)
        return best_threshold(zip(score.tolist(), right.tolist(), strict=True), self.gold)[1].f1


def units_of(pipeline: EventDetection, rows: Sequence[Row], labels: Mapping[str, str]) -> Units:
    """The units of ``rows``; a trigger counts as found by its first word."""
    gold = {(number, start, name) for number, start, _, name in gold_tuples(rows, labels)}
    names, by_message = list(labels), pipeline.settings.unit == "message"
    tokens, nears = pipeline.scorer.near([row["text"] for row in rows], labels, pipeline.settings.plan(names))
    found = list(nears)
    truth = []
    for near in found:
        starts = [0 if by_message else tokens[text].word_chars(word)[0] for text, word in zip(near.text, near.word, strict=True)]
        truth += [[(text, start, name) in gold for name in names] for text, start in zip(near.text, starts, strict=True)]
    logits, evidence, unknown = (torch.cat([getattr(near, name) for near in found]) for name in ("logits", "evidence", "unknown"))
    return Units(logits, evidence, unknown, torch.tensor(truth, dtype=torch.bool).reshape(-1, len(names)), len(gold))


def fit_scores(pipeline: EventDetection, files: Sequence[Sequence[Row]], labels: Mapping[str, str]) -> Calibration:
    """Weights of logit, evidence and unknown words: the ratio of the first two with the highest F1, averaged over the
    files; given it, the others by maximum likelihood."""
    units = [each for each in (units_of(pipeline, rows, labels) for rows in files) if len(each.truth)]
    if not units:
        return Calibration()
    ratios = RATIOS if any(each.evidence.any() for each in units) else RATIOS[:1]
    _, ratio, (slope, unknown), shift = max(_fit(units, ratio) for ratio in ratios)
    slope = max(slope, 1e-3)
    return Calibration(round(1 / slope, 4), round(shift, 4), round(slope * ratio, 4), round(unknown, 4))


def _fit(units: Sequence[Units], ratio: float) -> tuple[float, float, list[float], float]:
    """(mean best F1, the ratio, weights, shift) of one ratio."""
    features, right = zip(*(each.pairs(ratio) for each in units), strict=True)
    weights, shift = fit_sigmoid(torch.cat(features).tolist(), torch.cat(right).tolist())
    return sum(each.best_f1(ratio, weights) for each in units) / len(units), ratio, weights, shift


def fit_thresholds_of(calibration: Calibration, groups: Sequence[Candidates]) -> Calibration:
    """The calibration with thresholds fitted on candidates that it scored."""
    support = Counter(key[3] for group in groups for key in group.gold)
    common, own = fit_thresholds([each for group in groups for each in group.judged()], support)
    return replace(calibration, threshold=common, thresholds=own)
