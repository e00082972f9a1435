"""Calibration on development rows: from logits to probabilities, and the thresholds from which kinds and marks hold."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tasks.conversation.data import MARKS, Row, gold_marks
from tasks.conversation.decode import Settings
from tasks.conversation.scoring import MessageReader, Reading
from tasks.conversation.types import KINDS
from tasks.core.calibration import Calibration, fit_sigmoid, fit_thresholds
from tasks.core.metrics import best_threshold


def fit(reader: MessageReader, files: Sequence[Sequence[Row]]) -> Settings:
    """Scales and thresholds of highest F1, for the kinds over all files together, for each mark over the annotated rows."""
    rows = [row for file in files for row in file]
    readings = reader.read([row["text"] for row in rows])
    return Settings(_fit_kinds(rows, readings), {name: _fit_mark(name, rows, readings) for name in MARKS})


def _fit_kinds(rows: Sequence[Row], readings: Sequence[Reading]) -> Calibration:
    judged = [
        (name, logit, name in row["kinds"])
        for row, reading in zip(rows, readings, strict=True)
        for name, logit in zip(KINDS, reading.kinds, strict=True)
    ]
    unfitted = _sigmoid([(logit, right) for _, logit, right in judged])
    scored = [(name, unfitted.score(logit), right) for name, logit, right in judged]
    support = {name: sum(name in row["kinds"] for row in rows) for name in KINDS}
    common, own = fit_thresholds([scored], [support])
    return Calibration(unfitted.temperature, unfitted.shift, threshold=common, thresholds=own)


def _fit_mark(name: str, rows: Sequence[Row], readings: Sequence[Reading]) -> Calibration:
    judged, count = [], 0
    for row, reading in zip(rows, readings, strict=True):
        if "things" in row:
            gold = {(start, end) for start, end, mark in gold_marks(row) if mark == name}
            count += len(gold)
            judged += [(each.logit, (each.start, each.end) in gold) for each in reading.marked if each.mark == name]
    unfitted = _sigmoid(judged)
    if not any(right for _, right in judged):
        return unfitted
    threshold, _ = best_threshold([(unfitted.score(logit), right) for logit, right in judged], count)
    return Calibration(unfitted.temperature, unfitted.shift, threshold=math.floor(threshold * 1e4) / 1e4)


def _sigmoid(judged: Sequence[tuple[float, bool]]) -> Calibration:
    (weight,), shift = fit_sigmoid([[logit] for logit, _ in judged], [right for _, right in judged])
    return Calibration(round(1 / max(weight, 1e-3), 4), round(shift, 4))
