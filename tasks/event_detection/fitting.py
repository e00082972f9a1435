"""Calibration on development rows: how much the logit, the lexicon and a word never seen weigh, then thresholds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import torch
from torch import Tensor

from tasks.core.calibration import Calibration, fit_sigmoid, fit_thresholds
from tasks.core.metrics import best_threshold
from tasks.event_detection.data import Row
from tasks.event_detection.evaluation import Candidates, gold_tuples
from tasks.event_detection.task import EventDetection

EVIDENCE = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)  # what a unit of it may weigh, in units of the logit
UNKNOWN = (0.0, -0.75, -1.5, -3.0)  # and what a word never seen may
LEAST_SLOPE = 0.1


@dataclass(frozen=True, slots=True)
class Units:
    """The units of a file that are near some label: logits, evidence, unknown and truth, each (units, labels)."""

    logits: Tensor
    evidence: Tensor
    unknown: Tensor
    truth: Tensor
    gold: int

    def weighed(self, evidence: float, unknown: float) -> Tensor:
        """The logits with the lexicon's evidence and the penalty of words never seen."""
        return self.logits + evidence * self.evidence + unknown * self.unknown

    def pairs(self, evidence: float, unknown: float) -> tuple[Tensor, Tensor]:
        """(pairs,) weighed logits and truth of each unit's two likeliest labels, and of the one of most evidence."""
        chosen = torch.zeros_like(self.truth)
        chosen.scatter_(1, self.logits.topk(min(2, chosen.shape[1]), dim=1).indices, True)
        chosen.scatter_(1, self.evidence.argmax(dim=1, keepdim=True), True)
        return self.weighed(evidence, unknown)[chosen], self.truth[chosen]

    def best_f1(self, evidence: float, unknown: float) -> float:
        """F1 at the best threshold, each unit with its best label."""
        score, label = self.weighed(evidence, unknown).max(dim=1)
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
    """The weights of evidence and unknown words with the highest F1, averaged over the files (likelihood would follow
    the largest file); given these, temperature and shift by maximum likelihood."""
    units = [each for each in (units_of(pipeline, rows, labels) for rows in files) if len(each.truth)]
    if not units:
        return Calibration()
    informed = any(each.evidence.any() for each in units)
    grid = list(product(EVIDENCE, UNKNOWN)) if informed else [(0.0, 0.0)]
    _, evidence, unknown = max((sum(each.best_f1(*weights) for each in units), *weights) for weights in grid)
    logits, right = zip(*(each.pairs(evidence, unknown) for each in units), strict=True)
    (slope,), shift = fit_sigmoid(torch.cat(logits)[:, None].tolist(), torch.cat(right).tolist())
    if slope < LEAST_SLOPE:  # a score that says nothing, or the opposite, on a few rows: leave it as it is
        slope, shift = 1.0, 0.0
    return Calibration(round(1 / slope, 4), round(shift, 4), round(slope * evidence, 4), round(slope * unknown, 4))


def fit_thresholds_of(calibration: Calibration, groups: Sequence[Candidates]) -> Calibration:
    """The calibration with thresholds fitted on candidates that it scored, one group a file."""
    judged = [group.judged() for group in groups]
    support = [Counter(key[3] for key in group.gold) for group in groups]
    common, own = fit_thresholds(judged, support)
    return replace(calibration, threshold=common, thresholds=own)
