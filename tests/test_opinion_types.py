"""What opinion analysis returns: nothing half or impossible is built, and all of it is plain data."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.types import Coverage, Span
from tasks.opinion_analysis.types import POLARITIES, STANCES, Label, Opinion, OpinionResult

TEXT = "Zoë's café 🥐 was lovely."
CAFE, LOVELY = Span.of(TEXT, 6, 10), Span.of(TEXT, 17, 23)
NEUTRAL = Label.of(POLARITIES, (0.25, 0.25, 0.5))


def result(*opinions: Opinion, text: str = TEXT, stance: Label | None = None) -> OpinionResult:
    return OpinionResult(text, NEUTRAL, opinions, stance, Coverage(len(text), len(text)))


# Labels


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_a_label_is_the_one_with_the_highest_share(shares: list[float]) -> None:
    label = Label.of(STANCES, shares)
    assert label.score == max(shares) == label.scores[label.label]
    assert label.scores == dict(zip(STANCES, shares, strict=True))


def test_of_equal_shares_the_first_counts() -> None:
    assert Label.of(POLARITIES, (0.4, 0.4, 0.2)).label == "positive"
    assert Label.of(POLARITIES, (0.2, 0.4, 0.4)).label == "negative"


@pytest.mark.parametrize(
    "build",
    [
        lambda: Label("positive", 0.4, {"positive": 0.5, "negative": 0.5}),
        lambda: Label("good", 0.5, {"positive": 0.5, "negative": 0.5}),
        lambda: Label("positive", 1.5, {"positive": 1.5}),
        lambda: Label("positive", math.nan, {"positive": math.nan}),
        lambda: Label.of(POLARITIES, (0.5, 0.5)),
        lambda: Label.of(POLARITIES, (-1.0, -1.0, -1.0)),
    ],
)
def test_a_label_that_is_none_is_never_built(build: Callable[[], Label]) -> None:
    with pytest.raises(ValueError):
        build()


# Opinions


def test_an_opinion_has_a_target_an_expression_or_both() -> None:
    for target, expression in ((CAFE, LOVELY), (CAFE, None), (None, LOVELY)):
        opinion = Opinion(target, expression, "positive", 0.5)
        assert (opinion.target, opinion.expression) == (target, expression)
    with pytest.raises(ValueError, match="needs a target or an expression"):
        Opinion(None, None, "positive", 0.5)


@pytest.mark.parametrize("polarity", ["", "Positive", "mixed", "favor", None])
def test_an_opinion_has_one_of_the_three_polarities(polarity: str) -> None:
    with pytest.raises(ValueError, match="is no polarity"):
        Opinion(CAFE, LOVELY, polarity, 0.5)


@pytest.mark.parametrize("score", [-0.1, 1.0001, math.nan, math.inf])
def test_the_score_of_an_opinion_is_a_probability(score: float) -> None:
    with pytest.raises(ValueError, match="is not a probability"):
        Opinion(CAFE, LOVELY, "positive", score)


# Results


def test_a_result_holds_only_spans_of_its_text() -> None:
    assert result(Opinion(CAFE, LOVELY, "positive", 0.5)).opinions[0].target == CAFE
    for wrong in (Span(5, 9, "café"), Span(6, 10, "cafe"), Span(24, 28, "none")):
        for opinion in (Opinion(wrong, LOVELY, "positive", 0.5), Opinion(CAFE, wrong, "positive", 0.5), Opinion(None, wrong, "neutral", 1)):
            with pytest.raises(ValueError, match="is not in the text"):
                result(opinion)


def test_results_are_frozen() -> None:
    for built, field in ((NEUTRAL, "label"), (Opinion(CAFE, None, "neutral", 1.0), "target"), (result(), "text")):
        with pytest.raises(FrozenInstanceError):
            setattr(built, field, None)


def test_a_result_is_plain_data() -> None:
    stance = Label.of(STANCES, (0.75, 0.125, 0.125))
    data = result(Opinion(CAFE, LOVELY, "positive", 0.5), Opinion(None, LOVELY, "neutral", 0.25), stance=stance).to_dict()
    assert json.loads(json.dumps(data)) == {
        "text": TEXT,
        "polarity": {"label": "neutral", "score": 0.5, "scores": {"positive": 0.25, "negative": 0.25, "neutral": 0.5}},
        "opinions": [
            {
                "target": {"start": 6, "end": 10, "text": "café"},
                "expression": {"start": 17, "end": 23, "text": "lovely"},
                "polarity": "positive",
                "score": 0.5,
            },
            {"target": None, "expression": {"start": 17, "end": 23, "text": "lovely"}, "polarity": "neutral", "score": 0.25},
        ],
        "stance": {"label": "favor", "score": 0.75, "scores": {"favor": 0.75, "against": 0.125, "neutral": 0.125}},
        "coverage": {"read": 24, "total": 24},
    }


def test_without_opinions_and_stance_the_fields_are_there_all_the_same() -> None:
    data = result(text="").to_dict()
    assert data["opinions"] == () and data["stance"] is None and data["coverage"] == {"read": 0, "total": 0}
    assert json.loads(json.dumps(data))["opinions"] == []
