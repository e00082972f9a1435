"""Scores of opinion analysis on rows, for what these are annotated with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.core.errors import InputError
from tasks.core.metrics import expected_calibration_error, macro_f1, micro
from tasks.opinion_analysis.baseline import known_word_scores, majority_scores, tfidf_scores
from tasks.opinion_analysis.data import Row, gold_opinions, has_expressions
from tasks.opinion_analysis.fitting import given_targets
from tasks.opinion_analysis.task import OpinionAnalysis, OpinionAnalyzer
from tasks.opinion_analysis.types import Label, OpinionResult

MAIN = ("stance_macro_f1", "polarity_macro_f1", "f1", "target_accuracy")  # the figures that choosing goes by


def scores(pipeline: OpinionAnalyzer, rows: Sequence[Row]) -> dict[str, float]:
    """Scores as a user gets them.

    Triplets: ``precision``, ``recall``, ``f1`` of (target, expression, polarity), all offsets exact, and ``ece``, the
    expected calibration error. Files that annotate targets alone: ``target_accuracy`` and ``target_macro_f1`` of the
    polarity of given targets. ``polarity_`` and ``stance_``: ``accuracy``, ``macro_f1`` over the labels that the file
    has, and ``ece``. Behaviour rows: see ``behaviours``. A file may hold rows of several kinds.
    """
    figures = behaviours(pipeline, [row for row in rows if "behaviour" in row])
    measured = [row for row in rows if "behaviour" not in row]
    if sides := [row for row in measured if "stance" in row]:
        found = pipeline([row["text"] for row in sides], target=[row["target"] for row in sides])
        figures |= _classes("stance_", [result.stance for result in found], [row["stance"] for row in sides])
    others = [row for row in measured if "stance" not in row]
    results = pipeline([row["text"] for row in others])
    told = [(result, row) for result, row in zip(results, others, strict=True) if "opinions" in row]
    if has_expressions(others):
        figures |= _triplets([result for result, _ in told], [row for _, row in told])
    elif told:
        figures |= _given(pipeline, [row for _, row in told])
    overall = [(result.polarity, row["polarity"]) for result, row in zip(results, others, strict=True) if row.get("polarity")]
    return figures | _classes("polarity_", [label for label, _ in overall], [gold for _, gold in overall])


def behaviours(pipeline: OpinionAnalyzer, rows: Sequence[Row]) -> dict[str, float]:
    """Share of the rows of each ``behaviour`` that hold, in the manner of CheckList (Ribeiro et al. 2020).

    A row says the ``polarity``, or the ``stance`` towards its ``target``, that a text must get; or it has ``changed``
    versions of the text, whose polarity must be that of the text.
    """
    held: dict[str, list[bool]] = {}
    for row in rows:
        result = pipeline(row["text"], target=row.get("target"))
        if "changed" in row:
            changed: list[str] = row["changed"]
            right = all(each.polarity.label == result.polarity.label for each in pipeline(changed))
        elif result.stance is not None:
            right = result.stance.label == row["stance"]
        else:
            right = result.polarity.label == row["polarity"]
        held.setdefault(row["behaviour"], []).append(right)
    return {name: sum(each) / len(each) for name, each in held.items()}


def _classes(prefix: str, found: Sequence[Label | None], gold: Sequence[str]) -> dict[str, float]:
    if not gold:
        return {}
    labels = [label for label in found if label is not None]
    predicted = [label.label for label in labels]
    right = [one == other for one, other in zip(predicted, gold, strict=True)]
    return {
        f"{prefix}accuracy": sum(right) / len(right),
        f"{prefix}macro_f1": macro_f1(predicted, gold, sorted(set(gold))),
        f"{prefix}ece": expected_calibration_error([(label.score, hit) for label, hit in zip(labels, right, strict=True)]),
    }


def _triplets(results: Sequence[OpinionResult], rows: Sequence[Row]) -> dict[str, float]:
    found, scored = set(), []
    gold = {(number, *opinion) for number, row in enumerate(rows) for opinion in gold_opinions(row)}
    for number, result in enumerate(results):
        for each in result.opinions:
            places = ((span.start, span.end) if span else None for span in (each.target, each.expression))
            key = (number, *places, each.polarity)
            found.add(key)
            scored.append((each.score, key in gold))
    overall = micro(found, gold)
    return {
        "precision": overall.precision,
        "recall": overall.recall,
        "f1": overall.f1,
        "ece": expected_calibration_error(scored),
    }


def _given(pipeline: OpinionAnalyzer, rows: Sequence[Row]) -> dict[str, float]:
    """The polarity of given targets; nothing for pipelines that take none."""
    if not isinstance(pipeline, OpinionAnalysis):
        return {}
    places, gold = given_targets(rows)
    found = [label for row, targets in zip(rows, places, strict=True) for label in pipeline.polarities(row["text"], targets)]
    figures = _classes("target_", found, [each for row in gold for each in row])
    return {name: value for name, value in figures.items() if name != "target_ece"}


def baselines(pipeline: Any, train: Sequence[Row], rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Scores of the trivial baseline by its name: TF-IDF for polarity and stance, the commonest polarity for targets, the
    training rows' own words for triplets; none for behaviour rows, whose scores have other names. Raises ``InputError``
    where no training rows are of the kind of ``rows``."""
    if "behaviour" in rows[0]:
        return {}

    def kind(row: Row) -> tuple[bool, ...]:
        return tuple(name in row for name in ("stance", "opinions"))

    used: list[str] = []
    figures: dict[str, float] = {}
    for each in dict.fromkeys(map(kind, rows)):
        scored = [row for row in rows if kind(row) == each]
        if fitting := [row for row in train if kind(row) == each and has_expressions([row]) == has_expressions(scored)]:
            name, found = _baseline(fitting, scored)
            used.append(name)
            figures |= found
    if not used:
        raise InputError("No training row is annotated with what the rows to score are: give others, or none, for no baseline.")
    return {", ".join(dict.fromkeys(used)): figures}


def _baseline(train: Sequence[Row], rows: Sequence[Row]) -> tuple[str, dict[str, float]]:
    if "opinions" not in rows[0]:
        return "TF-IDF", tfidf_scores(train, rows, "stance" if "stance" in rows[0] else "polarity")
    if has_expressions(rows):
        return "known words", known_word_scores(train, rows)
    return "commonest polarity", majority_scores(train, rows)
