"""Scores of question answering on rows, as a user gets them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.core.metrics import expected_calibration_error
from tasks.question_answering.baseline import most_similar_sentence
from tasks.question_answering.data import Row, check_rows
from tasks.question_answering.decode import Read, Settings, answers_of
from tasks.question_answering.measures import exact, f1
from tasks.question_answering.negatives import OTHER, SWAPPED, unanswerable
from tasks.question_answering.trials import retrieval_scores, trial_scores, trials

MADE_SEED = 1  # of the questions without an answer that are made of development rows
MADE_SHARE = 0.5


def test_rows(rows: Sequence[Row]) -> list[Row]:
    """The rows, and beside them as many questions without an answer of both kinds (``negatives``) as can be made of half."""
    return [*rows, *(row for kind in (OTHER, SWAPPED) for row in unanswerable(rows, kind, MADE_SHARE, MADE_SEED))]


def scores(pipeline: Any, rows: Sequence[Row]) -> dict[str, float]:
    """Scores as a user gets them.

    ``answerable_`` exact match and F1: the likeliest span of the rows that have answers, as SQuAD 1.1 asks; ``f1`` and
    ``exact``: with "the text does not say" among the answers, over these rows and the questions without an answer, as SQuAD
    2.0 asks; ``no_answer_``: share of these that get none: of the file's own, ``other`` and ``swapped`` (see ``negatives``);
    ``documents_`` and ``found_``: of the file's paragraphs as documents (see ``trials``).
    """
    tested = test_rows(check_rows(rows, "the rows"))
    read = pipeline.reader([row["question"] for row in tested], [row["context"] for row in tested])
    figures = read_scores(tested, read, pipeline.settings)
    figures |= trial_scores(trials(pipeline.reader, pipeline.library(), rows), pipeline.settings)
    return figures | retrieval_scores(pipeline.library(), rows)


def read_scores(rows: Sequence[Row], read: Sequence[Read], settings: Settings) -> dict[str, float]:
    """The same of what was read."""
    figures: dict[str, list[float]] = {}
    judged = []
    for row, each in zip(rows, read, strict=True):
        gold = row["answers"]["text"]
        best = answers_of(row["context"], each, settings, count=1, impossible=True)[0]
        for name, measure in (("exact", exact), ("f1", f1)):
            figures.setdefault(name, []).append(measure(best.answer, gold))
            if gold:
                span = answers_of(row["context"], each, settings, count=1, impossible=False)
                figures.setdefault(f"answerable_{name}", []).append(measure(span[0].answer if span else "", gold))
        if not gold:
            kind = next((kind for kind in (OTHER, SWAPPED) if str(row.get("id", "")).endswith(f"-{kind}")), "own")
            figures.setdefault(f"no_answer_{kind}", []).append(float(not best.answer))
        judged.append((best.score, f1(best.answer, gold) >= 0.5))
    means = {name: sum(values) / len(values) for name, values in sorted(figures.items())}
    return means | {"ece": expected_calibration_error(judged)}


def baselines(pipeline: Any, train: Sequence[Row], rows: Sequence[Row]) -> dict[str, Mapping[str, float]]:
    """Scores of the trivial baseline by its name: the sentence most similar to the question."""
    answerable = [row for row in rows if row["answers"]["text"]]
    told = [most_similar_sentence(row["question"], row["context"]) for row in answerable]
    pairs = [(text, row["answers"]["text"]) for text, row in zip(told, answerable, strict=True)]
    figures = {
        "answerable_exact": sum(exact(*pair) for pair in pairs) / max(len(pairs), 1),
        "answerable_f1": sum(f1(*pair) for pair in pairs) / max(len(pairs), 1),
    }
    return {"most similar sentence": figures}
