"""Scores of event detection on rows: trigger classification and identification F1, and calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from tasks.core.metrics import PRF, best_threshold, expected_calibration_error, macro_f1, micro
from tasks.event_detection.baseline import lexicon_scores, tfidf_scores
from tasks.event_detection.data import Gold, Row, choose_label_set, gold_events
from tasks.event_detection.decode import message_event, trigger_events
from tasks.event_detection.task import EventDetection, EventDetector
from tasks.event_detection.types import Event

FLOOR = 0.01  # candidates below this score are not looked at
NONE = "none"  # class of a message that reports nothing, in macro-F1


@dataclass(frozen=True, slots=True)
class Candidates:
    """Every unit's best label with its raw score, as (text, start, end, type), and the gold tuples."""

    scored: list[tuple[float, tuple[int, int, int, str]]]
    gold: set[tuple[int, int, int, str]]

    def judged(self) -> list[tuple[str, float, bool]]:
        """(label, score, is right)."""
        return [(key[3], score, key in self.gold) for score, key in self.scored]

    def best(self) -> tuple[float, PRF]:
        """The one threshold of highest micro-F1, and the scores there."""
        return best_threshold([(score, right) for _, score, right in self.judged()], len(self.gold))

    def typing_accuracy(self) -> float:
        """Share of gold triggers among the candidates whose best label is theirs."""
        places = {key[:3] for key in self.gold}
        there = [key in self.gold for _, key in self.scored if key[:3] in places]
        return sum(there) / len(there) if there else 0.0

    def summary(self) -> dict[str, float]:
        """Scores at the best threshold, that threshold, and the typing accuracy."""
        threshold, best = self.best()
        figures = {"precision": best.precision, "recall": best.recall, "f1": best.f1, "threshold": threshold}
        return figures | {"typing_accuracy": self.typing_accuracy(), "events": float(len(self.gold))}


def candidates(pipeline: EventDetection, rows: Sequence[Row], labels: Mapping[str, str]) -> Candidates:
    """The score of every unit's best label among ``labels``, as the pipeline is calibrated; gold of other types is left out."""
    texts, names = [row["text"] for row in rows], list(labels)
    plan = pipeline.settings.plan(names)
    tokens, found, continues = pipeline.scorer.candidates(texts, labels, plan, torch.full((len(names),), FLOOR))
    scored = []
    for number, text in enumerate(texts):
        if pipeline.settings.unit == "message":
            events = message_event(found[number], names)
        else:
            events = trigger_events(text, tokens[number], found[number], continues[number], names)
        scored += [(event.score, (number, *place(event))) for event in events]
    return Candidates(scored, gold_tuples(rows, labels))


def gold_tuples(rows: Sequence[Row], labels: Mapping[str, str]) -> set[tuple[int, int, int, str]]:
    """(row, start, end, type) of the events whose type is among ``labels``."""
    return {(number, *event) for number, row in enumerate(rows) for event in gold_events(row) if event[2] in labels}


def baselines(pipeline: Any, train: Sequence[Row], rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Scores of the trivial baseline by its name: a lexicon for triggers, TF-IDF for messages."""
    if "events" in rows[0]:
        return {"word lexicon": lexicon_scores(train, rows)}
    return {"TF-IDF": tfidf_scores(train, rows, NONE)}


def scores(pipeline: EventDetector, rows: Sequence[Row]) -> dict[str, float]:
    """Scores as a user gets them: calibrated thresholds, the label set that the rows' types belong to.

    Words: precision, recall, ``f1`` of (span, type) and ``identification_f1`` of spans. Messages: the same over
    (message, type), and ``macro_f1`` over the types with ``none`` for messages that report nothing. ``ece`` is
    the expected calibration error of the returned scores.
    """
    sets = pipeline.settings.label_sets if isinstance(pipeline, EventDetection) else {"own": dict.fromkeys(pipeline.labels, "")}
    labels = choose_label_set(rows, sets, "rows")[1]
    results = pipeline([row["text"] for row in rows], labels=labels)
    found = [(event.score, (number, *place(event))) for number, result in enumerate(results) for event in result.events]
    gold = {(number, *event) for number, row in enumerate(rows) for event in gold_events(row)}
    overall = micro([key for _, key in found], gold)
    figures = {"precision": overall.precision, "recall": overall.recall, "f1": overall.f1}
    if "events" not in rows[0]:
        predicted = [result.events[0].type if result.events else NONE for result in results]
        wanted = [message_type(gold_events(row)) for row in rows]
        figures["macro_f1"] = macro_f1(predicted, wanted, sorted(set(wanted)))
    else:
        figures["identification_f1"] = micro([key[:3] for _, key in found], {key[:3] for key in gold}).f1
    figures["ece"] = expected_calibration_error([(score, key in gold) for score, key in found])
    return figures


def place(event: Event) -> tuple[int, int, str]:
    """(start, end, type) of an event; (0, 0, type) where the whole message reports it."""
    span = event.trigger
    return (0, 0, event.type) if span is None else (span.start, span.end, event.type)


def message_type(gold: Gold) -> str:
    """The one type of a message, or ``none``."""
    return min((name for _, _, name in gold), default=NONE)
