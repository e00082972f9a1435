"""``tasks.pipeline("question-answering")`` over a ready-made reader: ways to ask, shapes, and what is refused."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForQuestionAnswering

from tasks import pipeline
from tasks.core.errors import AdapterError, InputError
from tasks.question_answering.task import QuestionAnswering
from tasks.question_answering.types import Answer, AnswerResult
from tests.test_question_pipeline import CONTEXT, LONG, ONE, OTHER, QUESTION, WRONG, old, same


@pytest.fixture(scope="module")
def folder(make_model: Callable[..., Path]) -> Path:
    """The folder of a tiny extractive reader."""
    return make_model("bert", AutoModelForQuestionAnswering)


@pytest.fixture(scope="module")
def ours(folder: Path) -> QuestionAnswering:
    made: QuestionAnswering = pipeline("question-answering", model=str(folder), device="cpu")
    return made


def test_the_same_model_gives_the_same_answer(ours: QuestionAnswering, folder: Path) -> None:
    result: Any = ours(question=QUESTION, context=CONTEXT, handle_impossible_answer=False)
    expected = old(folder, QUESTION, CONTEXT, 64, 32)
    assert isinstance(result, AnswerResult) and len(result.answers) == 1
    assert same({name: getattr(result.answers[0], name) for name in ("score", "start", "end", "answer")}, expected[0])
    assert result.no_answer_score == pytest.approx(expected[-1]["score"], rel=1e-3)
    assert result.question == QUESTION and (result.coverage.read, result.coverage.total) == (len(CONTEXT), len(CONTEXT))
    assert result.to_dict()["answers"][0]["answer"] == expected[0]["answer"]


def test_the_shape_depends_on_the_question_alone(ours: QuestionAnswering) -> None:
    for options in ({}, {"top_k": 3}, {"handle_impossible_answer": False}, {"top_k": 2, "max_answer_len": 3}):
        single: Any = ours(QUESTION, LONG, **options)
        several: Any = ours([QUESTION, OTHER], LONG, **options)
        assert isinstance(single, AnswerResult) and [each.question for each in several] == [QUESTION, OTHER]
        assert [each.answer for each in several[0].answers] == [each.answer for each in single.answers]
        assert ours([], LONG, **options) == [] and len(ours([ONE], **options)) == 1  # type: ignore[arg-type]
        assert len(single.answers) <= options.get("top_k", 1)
    assert isinstance(ours(ONE), AnswerResult)


def test_answers_are_exact_and_do_not_overlap(ours: QuestionAnswering) -> None:
    result: Any = ours(QUESTION, LONG, top_k=5, handle_impossible_answer=False)
    assert all(LONG[each.start : each.end] == each.answer for each in result.answers)
    assert all(one.end <= other.start or other.end <= one.start for one, other in itertools.combinations(result.answers, 2))
    assert len(result.answers) == 5  # the text has many more words


def test_a_short_text_has_several_answers_too(ours: QuestionAnswering) -> None:
    result: Any = ours(QUESTION, CONTEXT, top_k=4, handle_impossible_answer=False)
    assert len(result.answers) == 4


def test_an_empty_text_does_not_say(ours: QuestionAnswering) -> None:
    result: Any = ours(QUESTION, "")
    assert result.answers == (Answer("", 1.0, 0, 0),) and result.no_answer_score == 1.0
    none: Any = ours(QUESTION, " ", handle_impossible_answer=False)
    assert none.answers == ()


def test_results_are_streamed_in_order(ours: QuestionAnswering) -> None:
    questions = [f"{QUESTION} {number}" for number in range(70)]  # more than one chunk
    streamed = list(ours.stream(questions, CONTEXT))
    assert [each.question for each in streamed] == questions
    assert streamed[66].answers[0].answer == ours(questions[66], CONTEXT).answers[0].answer  # type: ignore[union-attr]
    assert list(ours.stream([], CONTEXT)) == []


@pytest.mark.parametrize(("positional", "named"), [each for each in WRONG if each[0] or "question" in each[1]])
def test_bad_calls_of_ours_are_refused(ours: QuestionAnswering, positional: tuple[Any, ...], named: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        ours(*positional, **named)


def test_a_context_beside_a_dict_is_not_ignored(ours: QuestionAnswering) -> None:
    with pytest.raises(InputError):
        ours(ONE, "another text")


def test_a_plain_encoder_needs_an_adapter(bert: Path) -> None:
    with pytest.raises(AdapterError, match="A plain encoder reads no answers: give an adapter, or an extractive"):
        pipeline("question-answering", model=str(bert), adapter=None)
