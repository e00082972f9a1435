"""Calibration and evaluation of question answering: scores that can be trusted, and figures beside those by hand."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from tasks.core.calibration import Calibration
from tasks.question_answering import evaluation
from tasks.question_answering.decode import ANSWER, NONE, Found, Read, Settings, shares
from tasks.question_answering.fitting import fit

Row = dict[str, Any]


def answers(context: str, *texts: str) -> Row:
    return {"text": list(texts), "answer_start": [context.index(text) for text in texts]}


# Calibration


def synthetic(seed: int, count: int = 300) -> tuple[list[Row], list[Read]]:
    """Reads whose margins say too much: the share that is right is that of a third of the margin."""
    draw, rows, reads = random.Random(seed), [], []
    for _ in range(count):
        margins = sorted((draw.gauss(0, 6) for _ in range(3)), reverse=True)
        gold = "one" if draw.random() < 1 / (1 + math.exp(-margins[0] / 3 - 1)) else None
        rows.append(
            {"context": "one two three", "question": "?", "answers": {"text": [gold] if gold else [], "answer_start": [0] * bool(gold)}}
        )
        places = [(0, 3), (4, 7), (8, 13)]
        reads.append(Read([Found(*place, margin, 1.0) for place, margin in zip(places, margins, strict=True)], 0.0))
    return rows, reads


def log_loss(settings: Settings, rows: list[Row], reads: list[Read]) -> tuple[float, float]:
    """Mean log loss that a span is right, and that there is none."""
    right, none = [], []
    for row, read in zip(rows, reads, strict=True):
        gold = row["answers"]["text"]
        none.append((settings.none_score(read), not gold))
        for found, share in zip(read.spans, shares(read.spans), strict=True):
            right.append((settings.answer_score(found, share), [row["context"][found.start : found.end]] == gold))
    return tuple(  # type: ignore[return-value]
        -sum(math.log(max(score if is_so else 1 - score, 1e-12)) for score, is_so in each) / len(each) for each in (right, none)
    )


def test_calibration_makes_scores_likelier_on_rows_that_it_has_not_seen() -> None:
    settings = fit([synthetic(0), synthetic(1)])
    assert set(settings.calibration) == {ANSWER, NONE}
    plain = Settings({ANSWER: Calibration(), NONE: Calibration()})
    for fitted, raw in zip(log_loss(settings, *synthetic(2)), log_loss(plain, *synthetic(2)), strict=True):
        assert fitted < raw - 0.05
    assert settings.calibration[NONE].temperature == pytest.approx(3.0, rel=0.4)
    assert settings.calibration[NONE].shift == pytest.approx(-1.0, abs=0.4)


def test_the_likelier_span_stays_the_likelier_one() -> None:
    rows, reads = synthetic(0)
    upside = [row | {"answers": {"text": [] if row["answers"]["text"] else ["one"], "answer_start": []}} for row in rows]
    for settings in (fit([(rows, reads)]), fit([(upside, reads)])):  # even where the margins told the opposite
        scores = [settings.answer_score(Found(0, 1, margin, 0.5), -0.5) for margin in (-5.0, 0.0, 5.0)]
        assert scores == sorted(scores) and scores[0] < scores[-1]
        nothing = [settings.none_score(Read([Found(0, 1, margin, 0.5)], 0.5)) for margin in (-5.0, 0.0, 5.0)]
        assert nothing == sorted(nothing, reverse=True)


def test_of_rows_of_one_kind_or_of_none_there_is_nothing_to_learn() -> None:
    assert fit([]) == fit([([], [])]) == Settings()
    rows, reads = synthetic(3, count=5)
    silent = [row | {"answers": {"text": [], "answer_start": []}} for row in rows]
    assert fit([(silent, [Read([], 1.0)] * 5)]) == Settings()
    settings = fit([(silent, reads)])
    assert settings.answer_score(Found(0, 1, 2.0, 0.5), -0.5) == pytest.approx(1 / (1 + math.exp(-2.0)))


# Evaluation

CONTEXT = "Ada Osei built the mill in 1650."
SPANS = {"Ada Osei": (0, 8), "the mill": (15, 23), "1650": (27, 31), "1650.": (27, 32), "built the mill": (9, 23)}


def read(none: float, **margins: float) -> Read:
    """Spans by their text, with probability half of their margin."""
    found = [Found(*SPANS[name.replace("_", " ")], margin, margin / 2) for name, margin in margins.items()]
    return Read(sorted(found, key=lambda each: -each.margin), none)


def asked(*gold: str, **more: str) -> Row:
    return {"question": "?", "context": CONTEXT, "answers": answers(CONTEXT, *gold), **more}


HAND = [
    (asked("Ada Osei", "Ada"), read(0.1, Ada_Osei=1.8)),  # exact, 0.9
    (asked("mill"), read(0.1, built_the_mill=0.6, Ada_Osei=0.2)),  # F1 of 2/3, 0.3
    (asked("1650"), read(0.8, the_mill=0.4)),  # said not to be there, 0.8; its span is wrong
    (asked(), read(0.7, the_mill=0.2)),  # right that it is not there, 0.7
    (asked(id="7-other"), read(0.1, the_mill=1.0)),  # answered all the same, 0.5
    (asked(id="7-swapped"), Read([], 1.0)),  # right, 1.0
    (asked(id="8-swapped"), read(0.3, the_mill=1.0)),  # answered, 0.5
]


def test_figures_are_those_by_hand() -> None:
    figures = evaluation.read_scores([row for row, _ in HAND], [each for _, each in HAND], Settings())
    gaps = [0.1, 0.7, 0.8, 0.3, 1.0, 0.0]  # of the bins of 0.9, 0.3, 0.8, 0.7, twice 0.5, and 1.0, which is that of 0.9
    assert figures == pytest.approx(
        {
            "exact": 3 / 7,
            "f1": (1 + 2 / 3 + 0 + 1 + 0 + 1 + 0) / 7,
            "answerable_exact": 1 / 3,
            "answerable_f1": (1 + 2 / 3) / 3,
            "no_answer_own": 1.0,
            "no_answer_other": 0.0,
            "no_answer_swapped": 0.5,
            "ece": sum(gaps) / 7,
        }
    )


def test_the_baseline_tells_the_most_similar_sentence() -> None:
    context = "Ada built it. The mill stands in Norham"
    rows = [asked_of(context, "Where does the mill stand?", "Norham"), asked_of(context, "Who built it?", "Ada built it")]
    ((name, figures),) = evaluation.baselines(None, [], [*rows, asked_of(context, "Why?")]).items()
    assert name == "most similar sentence"
    assert figures == pytest.approx({"answerable_exact": 0.5, "answerable_f1": (2 / 5 + 1) / 2})  # one word of the four
    assert evaluation.baselines(None, [], [asked_of(context, "Why?")])[name] == {"answerable_exact": 0.0, "answerable_f1": 0.0}


def asked_of(context: str, question: str, *gold: str) -> Row:
    return {"question": question, "context": context, "answers": answers(context, *gold)}
