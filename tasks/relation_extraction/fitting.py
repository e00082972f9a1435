"""Calibration of relations on development rows whose entities are given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from tasks.core.calibration import Calibration, fit_sigmoid, fit_thresholds
from tasks.core.metrics import best_threshold
from tasks.relation_extraction.data import Row, gold_relations
from tasks.relation_extraction.decode import CUSTOM, DEFAULT, Settings, choose
from tasks.relation_extraction.measures import known_labels
from tasks.relation_extraction.scoring import Candidate

Judged = list[tuple[str, Candidate, bool]]  # relation, candidate, is right


def judge(
    rows: Sequence[Row], found: Sequence[Sequence[Candidate]], names: Sequence[str], counts: Callable[[str], bool]
) -> tuple[Judged, Counter[str]]:
    """What was found in rows of a file for the relations that count and are known of, and how many of each there are."""
    whole = known_labels(rows)
    judged: Judged = []
    support: Counter[str] = Counter()
    for row, candidates in zip(rows, found, strict=True):
        gold, known = gold_relations(row), set(row.get("labels", whole))
        support.update(name for _, _, name in gold if counts(name))
        for each in candidates:
            name = names[each.label]
            if name in known and counts(name):
                judged.append((name, each, (each.head, each.tail, name) in gold))
    return judged, support


def fit(files: Sequence[tuple[Sequence[Row], Sequence[Sequence[Candidate]]]], names: Sequence[str], settings: Settings) -> Settings:
    """The settings with the adapter's own relations, and others, calibrated: probabilities, then thresholds."""
    own = {DEFAULT: lambda name: name in settings.labels, CUSTOM: lambda name: name not in settings.labels}
    calibration: dict[str, Calibration] = {}
    for key, counts in own.items():
        judged = [judge(rows, found, names, counts) for rows, found in files]
        there = [(found, support) for found, support in judged if support]
        if not there:
            continue
        fitted = _probabilities([found for found, _ in there], settings)
        scores = replace(settings, calibration={key: fitted, DEFAULT: fitted})
        scored = [[(name, scores.score(name, c.logit, c.types, c.distance), right) for name, c, right in found] for found, _ in there]
        common, each = fit_thresholds(scored, [support for _, support in there])
        calibration[key] = replace(fitted, threshold=common, thresholds=each if key == DEFAULT else {})
    return replace(settings, calibration=calibration)


def _probabilities(files: Iterable[Judged], settings: Settings) -> Calibration:
    """From the logit, what the types alone say, and the distance."""
    judged = [each for found in files for each in found]
    features = [(each.logit, settings.prior(name, each.types), each.distance) for name, each, _ in judged]
    (weight, prior, distance), shift = fit_sigmoid(features, [right for _, _, right in judged])
    return Calibration(temperature=1 / max(weight, 0.05), shift=shift, prior=prior, distance=distance)


def fit_choice(rows: Sequence[Row], found: Sequence[Sequence[Candidate]], names: Sequence[str], settings: Settings) -> Settings:
    """The same where a row has one relation or none: of the best candidate of each row."""
    best = [(max(each, key=lambda candidate: candidate.logit), gold_relations(row)) for row, each in zip(rows, found, strict=True) if each]
    pairs = [(each.logit, (each.head, each.tail, names[each.label]) in gold) for each, gold in best]
    (weight,), shift = fit_sigmoid([[logit] for logit, _ in pairs], [right for _, right in pairs])
    fitted = Calibration(temperature=1 / max(weight, 0.05), shift=shift)
    scores = replace(settings, calibration={DEFAULT: fitted})
    least, _ = best_threshold([(scores.score("", logit), right) for logit, right in pairs], sum(bool(gold) for _, gold in best))
    return replace(settings, calibration={DEFAULT: replace(fitted, threshold=round(least, 4))})


def told(found: Sequence[Sequence[Candidate]], names: Sequence[str], settings: Settings) -> list[Mapping[tuple[int, int, str], float]]:
    """What each text is told to hold: (head, tail, relation) -> score."""
    return [{(each.head, each.tail, names[each.label]): score for each, score in choose(group, names, settings, None)} for group in found]
