"""Calibration of a reader on development rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tasks.core.calibration import Calibration, fit_sigmoid
from tasks.question_answering.asking import Asked
from tasks.question_answering.data import Row
from tasks.question_answering.decode import ANSWER, NONE, PASSAGE, SILENCE, Read, Settings, log_odds, shares
from tasks.question_answering.measures import f1

RIGHT = 0.5  # F1 from which an answer counts as right
SPANS = 4  # of each context, the likeliest; of all passages of a question three times as many


def fit(files: Sequence[tuple[Sequence[Row], Sequence[Read]]]) -> Settings:
    """Settings with both probabilities fitted: that a span is right, from its margin and its share among the spans of its
    context, and that the context does not say, from the likeliest span's margin."""
    features: list[tuple[float, float]] = []
    right: list[bool] = []
    silent: list[tuple[float, bool]] = []
    for rows, read in files:
        for row, each in zip(rows, read, strict=True):
            gold = row["answers"]["text"]
            silent.append((-each.best, not gold))
            for found, share in list(zip(each.spans, shares(each.spans), strict=True))[:SPANS]:
                features.append((found.margin, share))
                right.append(bool(gold) and f1(row["context"][found.start : found.end], gold) >= RIGHT)
    if not features:
        return Settings()
    (margin, share), shift = fit_sigmoid(features, right)
    (none,), none_shift = fit_sigmoid([[logit] for logit, _ in silent], [is_none for _, is_none in silent])
    return Settings(
        {
            ANSWER: Calibration(temperature=1 / max(margin, 0.02), shift=shift, prior=share),
            NONE: Calibration(temperature=1 / max(none, 0.02), shift=none_shift),
        }
    )


def fit_documents(settings: Settings, questions: Sequence[tuple[Sequence[str], bool, Asked]]) -> Settings:
    """``settings`` with the same two of documents; ``questions``: the gold answers of each, whether the documents hold them,
    and what was read."""
    features: list[tuple[float, float, float]] = []
    right: list[bool] = []
    for gold, held, asked in questions:
        for each in sorted(asked.candidates, key=lambda candidate: -candidate.rivals)[: 3 * SPANS]:
            features.append((each.found.margin, each.rivals, each.hit.score))
            text = each.hit.passage.text[each.found.start : each.found.end]
            right.append(held and f1(text, gold) >= RIGHT)
    if not features:
        return settings
    (margin, share, fit), shift = fit_sigmoid(features, right)
    passage = Calibration(temperature=1 / max(margin, 0.02), shift=shift, prior=share, distance=fit)
    settings = Settings({**settings.calibration, PASSAGE: passage})
    best = [
        max((settings.passage_score(each.found, each.rivals, each.hit.score) for each in asked.candidates), default=0.0)
        for _, _, asked in questions
    ]
    (none,), none_shift = fit_sigmoid([[-log_odds(score)] for score in best], [not held for _, held, _ in questions])
    silence = Calibration(temperature=1 / max(none, 0.02), shift=none_shift)
    return replace(settings, calibration={**settings.calibration, SILENCE: silence})
