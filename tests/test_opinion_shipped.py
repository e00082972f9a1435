"""The shipped adapter for opinions: what it finds in plain examples, at the end of a long text, and where behaviour must hold."""

from __future__ import annotations

import json

import pytest

from tasks import pipeline
from tasks.core.files import read_rows
from tasks.core.types import Coverage
from tasks.opinion_analysis.evaluation import behaviours
from tasks.opinion_analysis.task import FOLDER, OpinionAnalysis
from tasks.opinion_analysis.types import OpinionResult

pytestmark = pytest.mark.skipif(not (FOLDER / "adapter").is_dir(), reason="there is no shipped adapter yet")
FLOORS = {  # share of the rows of each behaviour in the sample that hold
    "negation": 0.8,
    "hardly, barely, too": 0.7,
    "contrast": 0.7,
    "emoji": 0.75,
    "facts without opinion": 0.9,
    "casing": 1.0,
    "spaces and punctuation": 1.0,
    "typos": 0.7,
    "swapping for and against": 0.55,
    "said outright": 0.8,
    "another subject": 1.0,
}
Triplet = tuple[str | None, str | None, str]


@pytest.fixture(scope="module")
def shipped() -> OpinionAnalysis:
    """The shipped adapter."""
    loaded = pipeline("opinion-analysis")
    assert isinstance(loaded, OpinionAnalysis)
    return loaded


def triplets(result: OpinionResult) -> list[Triplet]:
    return [(each.target and each.target.text, each.expression and each.expression.text, each.polarity) for each in result.opinions]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "The rooms are lovely, but breakfast was not worth the price.",
            [("rooms", "lovely", "positive"), ("breakfast", "not worth the price", "negative")],
        ),
        ("Great pizza, terrible service.", [("pizza", "Great", "positive"), ("service", "terrible", "negative")]),
        ("The rooms are lovely, but breakfast was awful.", [("rooms", "lovely", "positive"), ("breakfast", "awful", "negative")]),
    ],
)
def test_opinions_are_found_with_target_expression_and_polarity(shipped: OpinionAnalysis, text: str, expected: list[Triplet]) -> None:
    assert triplets(shipped(text)) == expected


@pytest.mark.parametrize(
    "text", ["It is a lovely place and we had a wonderful day.", "The staff were friendly and the food was delicious!"]
)
def test_praise_is_positive_and_blame_negative(shipped: OpinionAnalysis, text: str) -> None:
    assert shipped(text).polarity.label == "positive"
    blame = text.replace("lovely", "dirty").replace("wonderful", "terrible").replace("friendly", "rude").replace("delicious", "awful")
    assert shipped(blame).polarity.label == "negative"


def test_a_text_that_judges_nothing_has_no_opinions(shipped: OpinionAnalysis) -> None:
    assert not any(result.opinions for result in shipped(["The shop opens at nine.", "We went there on a Tuesday in May."]))


def test_a_review_of_five_thousand_words_is_read_to_its_end(shipped: OpinionAnalysis) -> None:
    last = "The soup was delicious, but the waiter was rude."
    text = "We went there on a Tuesday in May. " * 650 + last
    assert len(text.split()) > 5000
    result = shipped(text)
    assert result.coverage == Coverage(len(text), len(text))
    assert triplets(result)[-2:] == triplets(shipped(last)) == [("soup", "delicious", "positive"), ("waiter", "rude", "negative")]
    for opinion in result.opinions[-2:]:
        assert all(
            span and span.start >= text.index(last) and text[span.start : span.end] == span.text
            for span in (opinion.target, opinion.expression)
        )


def test_a_stance_turns_with_its_proposal(shipped: OpinionAnalysis) -> None:
    text = "Plastic bags end up in the sea and kill turtles."
    stances = [result.stance for result in shipped([text] * 2, target=["We should ban plastic bags", "Plastic bags must stay legal"])]
    assert stances[0] and stances[0].label == "favor"
    assert stances[1] and stances[1].scores["favor"] < stances[0].scores["favor"]


def test_a_batch_answers_as_single_texts(shipped: OpinionAnalysis) -> None:
    texts = [row["text"] for row in read_rows(str(FOLDER / "sample" / "dev.jsonl")) if "opinions" in row][:40]
    for together, alone in zip(
        shipped(texts, target="We should act"), [shipped(text, target="We should act") for text in texts], strict=True
    ):
        assert triplets(together) == triplets(alone)
        assert together.polarity.scores == pytest.approx(alone.polarity.scores, abs=1e-4)
        assert together.stance and alone.stance and together.stance.scores == pytest.approx(alone.stance.scores, abs=1e-4)
        assert json.loads(json.dumps(together.to_dict()))["text"] == alone.text


def test_each_behaviour_of_the_sample_holds_often_enough(shipped: OpinionAnalysis) -> None:
    found = behaviours(shipped, read_rows(str(FOLDER / "sample" / "behaviour.jsonl")))
    assert found.keys() == FLOORS.keys()
    assert {name: share for name, share in found.items() if share < FLOORS[name]} == {}
