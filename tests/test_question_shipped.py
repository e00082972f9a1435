"""The shipped reader: what any user would try first, on texts written here."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.components import EXAMPLES
from tasks import pipeline
from tasks.question_answering.documents.types import Document
from tasks.question_answering.measures import f1
from tasks.question_answering.task import FOLDER, QuestionAnswering

pytestmark = pytest.mark.skipif(not (FOLDER / "adapter" / "head.safetensors").exists(), reason="the adapter is not trained yet")
FERRY = (
    "The ferry Tarn was built in Moss in 1964. Since 2019 it has run on batteries, which are charged at night. Ingrid Foss is its captain."
)
ASKED = {"Who is the captain?": "Ingrid Foss", "When was the ferry built?": "1964", "What does it run on?": "batteries"}
SILENT = ["How much does a ticket cost?", "Who designed the lighthouse?"]
SHOWN: list[dict[str, str]] = json.loads((EXAMPLES / "questions.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def qa() -> QuestionAnswering:
    loaded: QuestionAnswering = pipeline("question-answering")
    return loaded


def best(result: Any) -> str:
    return str(result.answers[0].answer)


@pytest.mark.parametrize(("question", "answer"), ASKED.items())
def test_a_fact_of_a_short_text_is_told(qa: QuestionAnswering, question: str, answer: str) -> None:
    assert best(qa(question, FERRY)) == answer


@pytest.mark.parametrize("question", SILENT)
def test_what_the_text_does_not_say_is_not_told(qa: QuestionAnswering, question: str) -> None:
    result: Any = qa(question, FERRY)
    assert best(result) == "" and result.no_answer_score > 0.5


def test_the_answer_is_found_far_inside_a_long_text(qa: QuestionAnswering) -> None:
    filler = " ".join(each["text"] for each in SHOWN) + " "
    text = filler + FERRY + filler
    assert best(qa("Who is the captain?", text)) == "Ingrid Foss"
    result: Any = qa(list(ASKED), text, handle_impossible_answer=False)
    assert [best(each) for each in result] == list(ASKED.values())
    assert all(text[each.answers[0].start : each.answers[0].end] == best(each) for each in result)


def test_questions_of_one_call_are_answered_as_alone(qa: QuestionAnswering) -> None:
    together: Any = qa([*ASKED, *SILENT], FERRY, top_k=3)
    for question, result in zip([*ASKED, *SILENT], together, strict=True):
        alone: Any = qa(question, FERRY, top_k=3)
        assert [each.answer for each in result.answers] == [each.answer for each in alone.answers]
        assert [each.score for each in result.answers] == pytest.approx([each.score for each in alone.answers], abs=1e-4)


def test_the_examples_of_the_page_are_answered(qa: QuestionAnswering) -> None:
    wrong = {}
    for each in SHOWN:
        told = best(qa(each["question"], each["text"]))
        if f1(told, [each["answer"]] if each["answer"] else []) == 0:
            wrong[each["name"]] = told
    assert wrong == {}


def test_documents_answer_with_their_evidence(qa: QuestionAnswering) -> None:
    files = sorted((EXAMPLES / "documents").glob("*.*"))
    library = qa.library()
    library.add(files)
    library.add([Document("ferry.txt", FERRY)])
    result: Any = qa("Who is the captain of the Tarn?", documents=library)
    assert best(result) == "Ingrid Foss"
    assert result.answers[0].document.name == "ferry.txt"
    assert best(qa("What is the capital of Mongolia?", documents=library)) == ""
