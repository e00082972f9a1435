"""Calibration of opinion analysis: likelier probabilities, every class as heavy as another, thresholds that keep what is right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tasks.core.encoder import Encoder
from tasks.opinion_analysis.decode import BARE, EXPLICIT, IMPLICIT, UNFITTED, Candidate, Floats, Scores, Softmax, choose
from tasks.opinion_analysis.fitting import RememberingScorer, fit, fit_softmax, given_targets
from tasks.opinion_analysis.model import OpinionHead
from tasks.opinion_analysis.scoring import Reading, Scorer
from tasks.opinion_analysis.types import POLARITIES, STANCES

Row = dict[str, Any]
SHIFT = np.array([1.0, -2.0, 0.5])


def drawn(scale: float, shift: Floats, count: int = 6000, seed: int = 0) -> tuple[Floats, list[int]]:
    """Logits, and classes drawn with the probabilities ``softmax(scale * logits + shift)``."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(count, 3)).astype(np.float32) * 2
    shares = np.array([Softmax(scale, tuple(shift.tolist()))(each) for each in logits])
    return logits, (generator.random(count)[:, None] > shares.cumsum(1)).sum(1).clip(max=2).tolist()


def loss(scores: Softmax, logits: Floats, classes: Sequence[int]) -> float:
    """Mean over the classes of their mean negative log-likelihood."""
    each = [[-math.log(scores(row)[own]) for row, known in zip(logits, classes, strict=True) if known == own] for own in range(3)]
    return sum(sum(group) / len(group) for group in each) / 3


# Softmax


def test_the_fit_makes_what_was_seen_likelier() -> None:
    logits, classes = drawn(0.3, SHIFT)
    fitted = fit_softmax(logits, classes)
    assert loss(fitted, logits, classes) < loss(Softmax(), logits, classes) - 0.05
    for near in (Softmax(fitted.scale * 1.2, fitted.shift), Softmax(fitted.scale / 1.2, fitted.shift), Softmax(fitted.scale)):
        assert loss(fitted, logits, classes) <= loss(near, logits, classes)


def test_the_fit_finds_the_scale_that_classes_were_drawn_with() -> None:
    for scale in (0.3, 1.0, 1.7):
        fitted = fit_softmax(*drawn(scale, np.zeros(3)))
        assert fitted.scale == pytest.approx(scale, rel=0.1)
        assert max(fitted.shift) - min(fitted.shift) < 0.15


def test_a_class_of_few_rows_weighs_as_much_as_one_of_many() -> None:
    logits, classes = drawn(0.8, SHIFT, 900)
    fitted = fit_softmax(logits, classes)
    often = [number for number, known in enumerate(classes) for _ in range(5 if known == 0 else 1)]
    again = fit_softmax(logits[often], [classes[number] for number in often])
    assert again.scale == pytest.approx(fitted.scale, abs=1e-2) and again.shift == pytest.approx(fitted.shift, abs=1e-2)


def test_where_a_class_never_occurs_nothing_is_changed() -> None:
    logits, classes = drawn(0.3, SHIFT, 60)
    for kept in ((0, 1), (2,), ()):
        rows = [number for number, known in enumerate(classes) if known in kept]
        assert fit_softmax(logits[rows], [classes[number] for number in rows]) == Softmax()


def test_classes_that_a_line_parts_get_no_infinite_scale() -> None:
    fitted = fit_softmax(np.eye(3, dtype=np.float32) * 4, [0, 1, 2])
    assert 1 < fitted.scale < 10 and max(map(abs, fitted.shift)) < 1e-2


# Opinions


class Told(Scorer):
    """A scorer whose every answer is given beforehand."""

    def __init__(
        self, readings: dict[str, Reading], sides: dict[tuple[str, str], Floats], felt: dict[tuple[str, int, int], Floats]
    ) -> None:
        self.readings, self.sides, self.felt = readings, sides, felt

    def read(self, texts: Sequence[str]) -> list[Reading]:
        return [self.readings[text] for text in texts]

    def stance(self, texts: Sequence[str], proposal: str) -> Floats:
        return np.array([self.sides.get((text, proposal), np.zeros(3)) for text in texts], np.float32)

    def targets(self, texts: Sequence[str], places: Sequence[Sequence[tuple[int, int]]]) -> list[Floats]:
        each = [[self.felt[text, *place] for place in group] for text, group in zip(texts, places, strict=True)]
        return [np.array(group, np.float32).reshape(-1, 3) for group in each]


def span(start: int, end: int) -> dict[str, int]:
    return {"start": start, "end": end}


def parted(count: int, kind: str, seed: int) -> tuple[list[Row], dict[str, Reading]]:
    """Rows with one opinion each, and for each a right and two wrong candidates, told apart by the sum of their features."""
    generator = np.random.default_rng(seed)
    rows, readings = [], {}
    for number in range(count):
        target, expression = (None if kind == IMPLICIT else (0, 3)), (None if kind == BARE else (4, 8))
        polarity = POLARITIES[number % 2]
        opinion = {"target": target and span(*target), "expression": expression and span(*expression), "polarity": polarity}
        rows.append({"text": f"the good {kind} {number}", "opinions": [opinion]})
        found = []
        for place, right in ((0, True), (10, False), (20, False)):
            moved = [None if each is None else (each[0] + place, each[1] + place) for each in (target, expression)]
            features = generator.normal(2.0 if right else -2.0, 0.3, len(UNFITTED[kind].weights))
            found.append(Candidate(kind, *moved, polarity, tuple(features.tolist())))
        readings[rows[-1]["text"]] = Reading(np.zeros(3, np.float32), 3, found)
    return rows, readings


@pytest.mark.parametrize("kind", [EXPLICIT, IMPLICIT, BARE])
def test_what_is_right_is_told_and_nothing_else(kind: str) -> None:
    rows, readings = parted(40, kind, 0)
    scores = fit(Told(readings, {}, {(row["text"], 0, 3): np.zeros(3, np.float32) for row in rows}), [rows]).opinions
    assert {other for other in UNFITTED if scores[other].weights == UNFITTED[other].weights} == set(UNFITTED) - {kind}
    for row in rows:
        right, *wrong = readings[row["text"]].candidates
        assert [each for _, each in choose([*wrong, right], scores)] == [right]
        assert scores[kind](right.features) > 0.9 and all(scores[kind](each.features) < 0.1 for each in wrong)


def test_a_file_without_expressions_says_nothing_of_pairs_and_one_with_them_nothing_of_bare_targets() -> None:
    for kind, other in ((BARE, EXPLICIT), (EXPLICIT, BARE)):
        rows, readings = parted(10, kind, 0)
        _, more = parted(10, other, 1)
        for reading, extra in zip(readings.values(), more.values(), strict=True):
            reading.candidates += extra.candidates
        scores = fit(Told(readings, {}, {(row["text"], 0, 3): np.zeros(3, np.float32) for row in rows}), [rows]).opinions
        assert scores[other].weights == UNFITTED[other].weights and scores[kind].weights != UNFITTED[kind].weights


def test_where_every_file_has_expressions_no_target_is_told_alone() -> None:
    rows, readings = parted(10, EXPLICIT, 0)
    told = Told(readings, {}, {(row["text"], 0, 3): np.zeros(3, np.float32) for row in rows})
    sure = Candidate(BARE, (30, 33), None, "positive", (9.0, 0.0))
    assert choose([sure], UNFITTED) and not choose([sure], fit(told, [rows]).opinions)


def test_files_of_each_kind_fit_their_own_part() -> None:
    logits, classes = drawn(0.3, SHIFT, 300)
    names = [str(number) for number in range(300)]
    readings = {f"a{name}": Reading(each, 1) for name, each in zip(names, logits, strict=True)}
    readings |= {f"c{name}": Reading(np.zeros(3, np.float32), 1) for name in names}
    scorer = Told(
        readings,
        {(f"b{name}", "tax"): each for name, each in zip(names, logits, strict=True)},
        {(f"c{name}", 0, 1): each for name, each in zip(names, logits, strict=True)},
    )
    overall: list[Row] = [{"text": f"a{name}", "polarity": POLARITIES[known]} for name, known in zip(names, classes, strict=True)]
    sides: list[Row] = [{"text": f"b{name}", "target": "tax", "stance": STANCES[known]} for name, known in zip(names, classes, strict=True)]
    felt: list[Row] = [
        {"text": f"c{name}", "opinions": [{"target": span(0, 1), "expression": None, "polarity": POLARITIES[known]}]}
        for name, known in zip(names, classes, strict=True)
    ]
    expected = fit_softmax(logits, classes)
    assert expected != Softmax()
    for name, rows in (("polarity", overall), ("stance", sides), ("target", felt)):
        scores = fit(scorer, [rows])
        assert {each for each in ("polarity", "stance", "target") if getattr(scores, each) != Softmax()} == {name}
        assert getattr(scores, name) == expected
    together = fit(scorer, [overall, sides, felt])
    assert together.polarity == together.stance == together.target == expected


def test_without_annotations_nothing_is_fitted() -> None:
    assert fit(Told({}, {}, {}), []) == Scores()


def test_stance_rows_get_texts_on_other_proposals_as_neutral() -> None:
    """A file without neutral rows is fitted by these; texts on one proposal alone give none."""
    rows: list[Row] = [
        {"text": f"{number}", "target": ("tax", "tram")[number % 2], "stance": STANCES[number // 2 % 2]} for number in range(80)
    ]
    sides = {(row["text"], row["target"]): np.eye(3, dtype=np.float32)[STANCES.index(row["stance"])] * 3 for row in rows}
    sides |= {(text, other): np.array([0, 0, 3], np.float32) for text, own in list(sides) for other in ("tax", "tram") if other != own}
    assert fit(Told({}, sides, {}), [rows]).stance.scale > 1
    assert fit(Told({}, sides, {}), [rows[::2]]).stance == Softmax()


# Given targets


def test_given_targets_have_one_polarity() -> None:
    def said(start: int, polarity: str, expression: bool = False) -> Row:
        return {"target": span(start, start + 2), "expression": span(9, 10) if expression else None, "polarity": polarity}

    rows = [
        {"text": "", "opinions": [said(4, "negative"), said(0, "neutral"), said(0, "positive"), said(4, "negative", True)]},
        {"text": "", "opinions": []},
        {
            "text": "",
            "opinions": [{"target": None, "expression": span(0, 1), "polarity": "positive"}, said(6, "neutral"), said(2, "positive")],
        },
    ]
    assert given_targets(rows) == ([[(4, 6)], [], [(2, 4), (6, 8)]], [["negative"], [], ["positive", "neutral"]])


# A scorer that remembers


def test_a_text_is_read_once(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    head, texts = OpinionHead(encoder.width).eval(), ["the flood", "", "a vote", "the flood"]
    plain, scorer = Scorer(encoder, head), RememberingScorer(encoder, head)
    expected = plain.read(texts), plain.stance(texts, "vote")
    passes: list[int] = []
    forward = encoder.model.forward
    monkeypatch.setattr(encoder.model, "forward", lambda **inputs: (passes.append(len(inputs["input_ids"])), forward(**inputs))[1])
    for _ in range(2):
        for found, known in zip(scorer.read(texts), expected[0], strict=True):
            assert found.polarity == pytest.approx(known.polarity, abs=1e-5)
            assert [each[:4] for each in found.candidates] == [each[:4] for each in known.candidates]
        assert scorer.stance(texts, "vote") == pytest.approx(expected[1], abs=1e-5)
    once = sum(passes)
    scorer.read(["a vote", ""])
    assert sum(passes) == once and scorer.stance([], "vote").shape == (0, 3)
    scorer.read(["a nurse"])
    scorer.stance(["a vote"], "the flood")
    assert sum(passes) == once + 2
