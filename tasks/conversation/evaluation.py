"""Scores of reading messages, and of whole dialogues played through the agent; beside trivial baselines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.conversation.baseline import tfidf_scores
from tasks.conversation.data import MARKS, Row, check_rows, gold_marks
from tasks.conversation.dialogues import adding_scores, dialogue_scores
from tasks.conversation.scoring import MessageReader
from tasks.conversation.types import KINDS
from tasks.core.metrics import expected_calibration_error, micro


def scores(agent: Any, rows: Sequence[Row]) -> dict[str, float]:
    """Scores of messages, or of dialogues where the rows have ``turns``."""
    return dialogue_scores(agent, rows) if "turns" in rows[0] else message_scores(agent.reader, check_rows(rows, "the rows"))


def baselines(agent: Any, train: Sequence[Row], rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Scores of the trivial baseline by its name."""
    if "turns" in rows[0]:
        return {"each message alone, nothing replaced": adding_scores(agent, rows)}
    return {"TF-IDF": tfidf_scores([row for row in train if "kinds" in row], rows)}


def message_scores(reader: MessageReader, rows: Sequence[Row]) -> dict[str, float]:
    """Scores as a user gets them.

    ``kinds_f1``: micro-F1 of the request kinds, ``kinds_exact``: messages with exactly the right kinds, ``kinds_ece``: calibration
    error of those that are told. Of annotated rows ``precision``, ``recall``, ``f1`` of marked spans, offsets and mark exact, and
    ``f1_`` of each mark.
    """
    read = reader([row["text"] for row in rows])
    found = {(number, kind) for number, (kinds, _) in enumerate(read) for kind in kinds}
    gold = {(number, kind) for number, row in enumerate(rows) for kind in row["kinds"]}
    exact = sum(set(kinds) == set(row["kinds"]) for (kinds, _), row in zip(read, rows, strict=True))
    told = [(score, (number, kind) in gold) for number, (kinds, _) in enumerate(read) for kind, score in kinds.items()]
    figures = {
        "kinds_f1": micro(found, gold).f1,
        "kinds_exact": exact / len(rows),
        "kinds_ece": expected_calibration_error(told),
    }
    figures |= {f"kinds_{kind}": micro(_of(found, kind), _of(gold, kind)).f1 for kind in KINDS}
    annotated = [number for number, row in enumerate(rows) if "things" in row]
    return figures | _mark_scores(
        {(number, each.start, each.end, each.mark) for number in annotated for each, _ in read[number][1]},
        {(number, *mark) for number in annotated for mark in gold_marks(rows[number])},
    )


def _mark_scores(found: set[Any], gold: set[Any]) -> dict[str, float]:
    if not gold:
        return {}
    overall = micro(found, gold)
    each = {f"f1_{name}": micro(_of(found, name), _of(gold, name)).f1 for name in MARKS}
    return {"precision": overall.precision, "recall": overall.recall, "f1": overall.f1, **each}


def _of(found: set[Any], name: str) -> set[Any]:
    return {each for each in found if each[-1] == name}
