"""Calibration of mentions on development rows, and their scores there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tasks.core.calibration import Calibration, fit_sigmoid, fit_thresholds
from tasks.core.metrics import expected_calibration_error, micro
from tasks.relation_extraction.entities.data import Row, gold_mentions, known_types
from tasks.relation_extraction.entities.decode import Candidate, EntityScores, choose
from tasks.relation_extraction.types import TYPES

EVERYTHING = dict.fromkeys(TYPES, 0.0)  # thresholds that let all candidates stand
File = tuple[Sequence[Row], Sequence[Sequence[Candidate]]]  # rows, and what was found in each


def fit(files: Sequence[File]) -> EntityScores:
    """Probabilities for each type, then thresholds, each file counted alike; types that no file has keep those of all."""
    judged = [_judged(rows, found) for rows, found in files]
    fitted: dict[str, Calibration] = {}
    for name in TYPES:
        pairs = [pair for file in judged for candidate, right in file if candidate.type == name for pair in [(candidate.logit, right)]]
        (weight,), shift = fit_sigmoid([[logit] for logit, _ in pairs], [right for _, right in pairs])
        fitted[name] = Calibration(temperature=1 / max(weight, 0.05), shift=shift)
    unthresholded = EntityScores(fitted)
    scored, support = [], []
    for rows, found in files:
        known = known_types(rows)
        kept = [[pair for pair in choose(each, unthresholded, EVERYTHING) if pair[0].type in known] for each in found]
        gold = [gold_mentions(row) for row in rows]
        scored.append([(c.type, score, (c.start, c.end, c.type) in own) for each, own in zip(kept, gold, strict=True) for c, score in each])
        support.append(Counter(name for own in gold for _, _, name in own))
    common, own = fit_thresholds(scored, support)
    return EntityScores({name: replace(each, threshold=own.get(name, common)) for name, each in fitted.items()})


def _judged(rows: Sequence[Row], found: Sequence[Sequence[Candidate]]) -> list[tuple[Candidate, bool]]:
    known = known_types(rows)
    gold = [gold_mentions(row) for row in rows]
    return [(c, (c.start, c.end, c.type) in own) for each, own in zip(found, gold, strict=True) for c in each if c.type in known]


def mention_scores(rows: Sequence[Row], found: Sequence[Mapping[tuple[int, int, str], float]]) -> dict[str, float]:
    """Precision, recall and F1 of (start, end, type), exact, over the types that the rows are annotated with, and the
    expected calibration error; ``found``: mention -> score of each row."""
    known = known_types(rows)
    gold = {(number, *mention) for number, row in enumerate(rows) for mention in gold_mentions(row)}
    told = {(number, *mention): score for number, each in enumerate(found) for mention, score in each.items() if mention[2] in known}
    overall = micro(told, gold)
    error = expected_calibration_error([(score, mention in gold) for mention, score in told.items()])
    return {"entity_precision": overall.precision, "entity_recall": overall.recall, "entity_f1": overall.f1, "entity_ece": error}
