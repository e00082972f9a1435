"""Calibration on development rows: from logits to probabilities, and the thresholds from which opinions are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch.nn import functional as F

from tasks.core.calibration import fit_sigmoid, fit_thresholds
from tasks.core.metrics import best_threshold
from tasks.opinion_analysis.data import Row, gold_opinions, has_expressions, overall_polarity, unrelated
from tasks.opinion_analysis.decode import BARE, EXPLICIT, IMPLICIT, UNFITTED, Candidate, Floats, Logistic, Scores, Softmax, choose
from tasks.opinion_analysis.scoring import Reading, Scorer
from tasks.opinion_analysis.types import POLARITIES, STANCES

FLOOR = 0.02  # candidates below this score are not looked at
NEVER = 1.0  # a threshold that no score reaches
RIDGE = 1e-3  # of the softmax's parameters towards "unchanged": for development files of a few rows
Value = TypeVar("Value")


class RememberingScorer(Scorer):
    """A scorer that reads each text once: calibration and scores go over the same rows."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._known: dict[Any, Any] = {}

    def _recall(self, keys: Sequence[Any], compute: Callable[[list[int]], Iterable[Value]]) -> list[Value]:
        missing = [number for number, key in enumerate(keys) if key not in self._known]
        for number, value in zip(missing, compute(missing), strict=True):
            self._known[keys[number]] = value
        return [self._known[key] for key in keys]

    def read(self, texts: Sequence[str]) -> list[Reading]:
        return self._recall([("read", text) for text in texts], lambda rest: super(RememberingScorer, self).read([texts[n] for n in rest]))

    def stance(self, texts: Sequence[str], proposal: str) -> Floats:
        parent = super().stance
        keys = [("stance", proposal, text) for text in texts]
        return np.array(self._recall(keys, lambda rest: parent([texts[n] for n in rest], proposal))).reshape(-1, 3)


def fit(scorer: Scorer, files: Sequence[Sequence[Row]]) -> Scores:
    """Everything that the development files have annotations for; what they say nothing of stays as it is."""
    fitted = Scores(opinions=_fit_opinions(scorer, [rows for rows in files if "opinions" in rows[0]]))
    return replace(
        fitted,
        polarity=fit_softmax(*_overall(scorer, files)),
        target=fit_softmax(*_targets(scorer, files)),
        stance=fit_softmax(*_stances(scorer, files)),
    )


def fit_softmax(logits: Floats, classes: Sequence[int], files: Sequence[int] | None = None) -> Softmax:
    """Scale and shifts of highest likelihood (vector scaling of Guo et al. 2017 with one scale), all classes weighing
    the same, and within a class all ``files`` (a number for each row): the probabilities are those of texts of which
    each class has a third, and no large file decides for the others."""
    if len(set(classes)) < 3:  # nothing to weigh a class by that never occurs
        return Softmax()
    x, y = torch.tensor(np.asarray(logits), dtype=torch.float64), torch.tensor(classes)
    weight = _balance(y, torch.zeros_like(y) if files is None else torch.tensor(files))
    log_scale = torch.zeros((), dtype=torch.float64, requires_grad=True)
    shift = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_scale, shift], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        each = F.cross_entropy(log_scale.exp() * x + shift, y, reduction="none")
        loss = weight @ each + RIDGE * (log_scale.square() + shift.square().sum())
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return Softmax(round(log_scale.exp().item(), 4), tuple(round(each, 4) for each in shift.tolist()))


def _balance(classes: torch.Tensor, files: torch.Tensor) -> torch.Tensor:
    """Weights (rows,) that sum to 1: each class has the same, and in a class each file that has it."""
    cells = classes + 3 * files
    weight = 1 / torch.bincount(cells).double()[cells]
    return weight / torch.zeros(3, dtype=torch.float64).index_add(0, classes, weight)[classes] / 3


def _overall(scorer: Scorer, files: Sequence[Sequence[Row]]) -> tuple[Floats, list[int], list[int]]:
    """Of annotated polarities; where there are none, of those that follow from opinions."""
    rows = [(number, row, row.get("polarity")) for number, file in enumerate(files) for row in file if row["text"].strip()]
    if not any(polarity for _, _, polarity in rows):
        rows = [(number, row, overall_polarity(row)) for number, row, _ in rows]
    known = [(number, row, polarity) for number, row, polarity in rows if polarity]
    logits = np.array([reading.polarity for reading in scorer.read([row["text"] for _, row, _ in known])], np.float32).reshape(-1, 3)
    return logits, [POLARITIES.index(polarity) for _, _, polarity in known], [number for number, _, _ in known]


def given_targets(rows: Sequence[Row]) -> tuple[list[list[tuple[int, int]]], list[list[str]]]:
    """Targets of each row that have one polarity, and these."""
    places, polarities = [], []
    for row in rows:
        found: dict[tuple[int, int], set[str]] = {}
        for target, _, polarity in gold_opinions(row):
            if target is not None:
                found.setdefault(target, set()).add(polarity)
        single = sorted((target, min(each)) for target, each in found.items() if len(each) == 1)
        places.append([target for target, _ in single])
        polarities.append([polarity for _, polarity in single])
    return places, polarities


def _targets(scorer: Scorer, files: Sequence[Sequence[Row]]) -> tuple[Floats, list[int]]:
    rows = [row for file in files if "opinions" in file[0] and not has_expressions(file) for row in file]
    places, polarities = given_targets(rows)
    logits = scorer.targets([row["text"] for row in rows], places)
    return np.concatenate([np.zeros((0, 3), np.float32), *logits]), [POLARITIES.index(each) for row in polarities for each in row]


def _stances(scorer: Scorer, files: Sequence[Sequence[Row]]) -> tuple[Floats, list[int], list[int]]:
    """With texts on other proposals of the same file for "neutral", of which the data sets have none."""
    logits, classes, numbers = [np.zeros((0, 3), np.float32)], [], []
    for number, file in enumerate(files):
        rows = [row for row in file if "stance" in row and row["text"].strip()]
        rows += unrelated(rows, 0.5, 0)
        for proposal in sorted({row["target"] for row in rows}):
            group = [row for row in rows if row["target"] == proposal]
            logits.append(scorer.stance([row["text"] for row in group], proposal))
            classes += [STANCES.index(row["stance"]) for row in group]
            numbers += [number] * len(group)
    return np.concatenate(logits), classes, numbers


def _fit_opinions(scorer: Scorer, files: Sequence[Sequence[Row]]) -> dict[str, Logistic]:
    """A logistic regression for each kind of candidate, then thresholds for the highest F1, averaged over the files."""
    readings = [[reading.candidates for reading in scorer.read([row["text"] for row in rows])] for rows in files]
    judged: dict[str, list[tuple[Candidate, bool]]] = {kind: [] for kind in UNFITTED}
    for rows, found in zip(files, readings, strict=True):
        expressed = has_expressions(rows)
        for row, group in zip(rows, found, strict=True):
            gold = gold_opinions(row)
            for each in group:
                if (each.kind == BARE) != expressed:
                    judged[each.kind].append((each, (each.target, each.expression, each.polarity) in gold))
    fitted = {kind: _logistic(kind, pairs) for kind, pairs in judged.items()}
    return _with_thresholds(fitted, files, readings, judged[BARE])


def _logistic(kind: str, judged: Sequence[tuple[Candidate, bool]]) -> Logistic:
    if len({right for _, right in judged}) < 2:
        return UNFITTED[kind]
    weights, shift = fit_sigmoid([each.features for each, _ in judged], [right for _, right in judged])
    return Logistic(tuple(round(weight, 4) for weight in weights), round(shift, 4))


def _with_thresholds(
    fitted: dict[str, Logistic],
    files: Sequence[Sequence[Row]],
    readings: Sequence[Sequence[list[Candidate]]],
    bare: Sequence[tuple[Candidate, bool]],
) -> dict[str, Logistic]:
    judged, support = [], []
    for rows, found in zip(files, readings, strict=True):
        if not has_expressions(rows):
            continue
        gold = [gold_opinions(row) for row in rows]
        chosen = [choose([c for c in group if c.kind != BARE], fitted, FLOOR) for group in found]
        judged.append(
            [
                (each.kind, score, (each.target, each.expression, each.polarity) in known)
                for known, group in zip(gold, chosen, strict=True)
                for score, each in group
            ]
        )
        support.append(Counter(IMPLICIT if target is None else EXPLICIT for known in gold for target, _, _ in known))
    result = dict(fitted)
    if judged:
        common, own = fit_thresholds(judged, support)
        result |= {kind: replace(fitted[kind], threshold=own.get(kind, common)) for kind in (EXPLICIT, IMPLICIT)}
    if judged and len(judged) == len(files):  # every file has expressions, so a target alone is never annotated
        result[BARE] = replace(fitted[BARE], threshold=NEVER)
    if any(right for _, right in bare):
        scored = [(fitted[BARE](each.features), right) for each, right in bare if each.polarity != "neutral"]
        result[BARE] = replace(fitted[BARE], threshold=round(best_threshold(scored, sum(right for _, right in bare))[0], 4))
    return result
