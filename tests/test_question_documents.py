"""Answers from documents: a real index and a tiny reader, whose spans mean nothing and whose evidence must be exact."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForQuestionAnswering

from tasks import pipeline
from tasks.core.encoder import load_encoder
from tasks.core.errors import FileError, InputError, ModelError
from tasks.question_answering.asking import PASSAGES
from tasks.question_answering.documents.types import Document
from tasks.question_answering.evaluation import scores
from tasks.question_answering.library import Library
from tasks.question_answering.task import QuestionAnswering
from tasks.question_answering.trials import retrieval_scores, trials
from tests.document_files import pdf

FERRY = "The ferry to Halden costs 35 crowns. It sails at nine from the old pier, and dogs travel free."
GARDEN = "The school garden of Tarrin is tended by 140 pupils. They grow beans, leeks and three kinds of apple."
CLINIC = "The clinic on Mill Lane gives flu jabs on Tuesdays. Nobody needs an appointment, and children come with a parent."
FILES = {"ferry.txt": FERRY, "garden.md": GARDEN, "clinic.html": f"<p>{CLINIC}</p><script>secret()</script>"}
PRICE, PUPILS, JABS = "What does the ferry to Halden cost?", "How many pupils tend the garden?", "When does the clinic give flu jabs?"


@pytest.fixture(scope="module")
def qa(make_model: Callable[..., Path]) -> QuestionAnswering:
    made: QuestionAnswering = pipeline("question-answering", model=str(make_model("bert", AutoModelForQuestionAnswering)), device="cpu")
    return made


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return [tmp_path / name for name in FILES]


@pytest.fixture
def library(qa: QuestionAnswering, files: list[Path]) -> Library:
    made = qa.library()
    made.add(files)
    return made


def first(library: Library, question: str) -> str:
    """The document that fits best."""
    return library.find([question], 3)[0][0].document.name


def test_each_question_finds_its_document(library: Library) -> None:
    assert [first(library, question) for question in (PRICE, PUPILS, JABS)] == list(FILES)
    assert (len(library), library.names) == (3, tuple(FILES))
    assert library.characters == len(FERRY) + len(GARDEN) + len(CLINIC)


def test_answers_name_their_evidence_exactly(qa: QuestionAnswering, library: Library) -> None:
    result: Any = qa(PRICE, documents=library, top_k=8, handle_impossible_answer=False)
    texts = {name: library.index.document(name).text for name in library.names}
    assert 1 < len(result.answers) <= 8
    for answer in result.answers:
        passage = answer.document.passage
        assert texts[answer.document.name][answer.start : answer.end] == answer.answer
        assert texts[answer.document.name][passage.start : passage.end] == passage.text
        assert passage.start <= answer.start < answer.end <= passage.end
    for one, other in itertools.combinations(result.answers, 2):
        assert one.document.name != other.document.name or one.end <= other.start or other.end <= one.start


def test_pages_of_a_pdf_are_named(qa: QuestionAnswering, tmp_path: Path) -> None:
    path = tmp_path / "plan.pdf"
    path.write_bytes(pdf(GARDEN, FERRY, CLINIC))
    result: Any = qa(PRICE, documents=[path], top_k=20, handle_impossible_answer=False)
    library = qa.library()
    library.add([path])
    document = library.index.document("plan.pdf")
    assert {answer.document.page for answer in result.answers} <= {1, 2, 3}
    for answer in result.answers:
        assert answer.document.page == document.page(answer.start)


def test_files_libraries_and_documents_answer_alike(qa: QuestionAnswering, files: list[Path], library: Library) -> None:
    texts = [Document(name, library.index.document(name).text) for name in library.names]
    told = [qa([PRICE, JABS], documents=given, top_k=3) for given in (library, files, [str(path) for path in files], texts)]
    assert told[0] == told[1] == told[2] == told[3]
    streamed = list(qa.stream([PRICE, JABS], documents=library, top_k=3))
    assert streamed == told[0]


def test_that_the_documents_do_not_say_stands_among_the_answers(qa: QuestionAnswering, library: Library) -> None:
    result: Any = qa(PRICE, documents=library, top_k=50)
    silent = [each for each in result.answers if not each.answer]
    assert [(each.start, each.end, each.document) for each in silent] == [(0, 0, None)]
    assert silent[0].score == result.no_answer_score
    assert qa("", documents=library).answers[0].answer == ""  # type: ignore[union-attr]


@pytest.mark.parametrize("empty", [[], [Document("blank.txt", " \n ")]], ids=["no documents", "a blank one"])
def test_documents_without_a_word_do_not_say(qa: QuestionAnswering, empty: list[Document]) -> None:
    result: Any = qa(PRICE, documents=empty)
    assert [(each.answer, each.document) for each in result.answers] == [("", None)]
    assert result.no_answer_score == 1.0


def test_a_changed_file_is_noticed_and_the_others_are_not_embedded_again(library: Library, files: list[Path]) -> None:
    assert [(each.action, each.embedded) for each in library.add(files)[0]] == [("unchanged", 0)] * 3
    files[0].write_text("The ferry was sold. A bridge leads to Halden now, and it costs nothing.", encoding="utf-8")
    assert [(each.action, each.embedded) for each in library.add(files)[0]] == [("replaced", 1), ("unchanged", 0), ("unchanged", 0)]
    assert "bridge" in library.find([PRICE], 1)[0][0].passage.text


def test_files_of_one_call_are_not_those_of_the_next(qa: QuestionAnswering, files: list[Path]) -> None:
    assert any(answer.document.name == "ferry.txt" for answer in qa(PRICE, documents=files[:1], top_k=9).answers if answer.document)  # type: ignore[union-attr]
    after: Any = qa(PRICE, documents=files[1:], top_k=50)
    assert {answer.document.name for answer in after.answers if answer.document} == {"garden.md", "clinic.html"}


def test_threads_that_ask_different_files_get_their_own(qa: QuestionAnswering, files: list[Path]) -> None:
    def ask(number: int) -> set[str]:
        told: Any = qa(PRICE, documents=[files[number % 3]], top_k=20)
        return {answer.document.name for answer in told.answers if answer.document}

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(12))) == [{files[number % 3].name} for number in range(12)]


def test_a_saved_library_opens_again_and_answers_the_same(qa: QuestionAnswering, library: Library, tmp_path: Path) -> None:
    library.save(tmp_path / "kept")
    opened = qa.library(tmp_path / "kept")
    assert qa([PRICE, PUPILS], documents=opened, top_k=4) == qa([PRICE, PUPILS], documents=library, top_k=4)
    with pytest.raises(FileError, match="There is no index"):
        qa.library(tmp_path / "nowhere")


def test_a_library_of_another_encoder_is_refused(library: Library, bert: Path, tmp_path: Path) -> None:
    library.save(tmp_path / "kept")
    with pytest.raises(ModelError):
        Library.load(tmp_path / "kept", load_encoder(str(bert), None, "cpu"))


def test_an_empty_index_is_kept_and_not_replaced(qa: QuestionAnswering) -> None:
    index = qa.library().index
    assert Library(qa.encoder, index).index is index


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ("plan.pdf", "must be a list of files"),
        ([7], "must be the path of a file, or a Document, not int"),
        (["nowhere.pdf"], "nowhere.pdf"),
    ],
)
def test_what_is_no_document_is_a_sentence(qa: QuestionAnswering, documents: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        qa(PRICE, documents=documents)


def test_a_context_beside_documents_is_refused(qa: QuestionAnswering, library: Library) -> None:
    with pytest.raises(InputError, match="Give either a context or documents"):
        qa(PRICE, context=FERRY, documents=library)
    with pytest.raises(InputError, match="must be a string or a list of strings"):
        qa({"question": PRICE}, documents=library)


# Figures of documents


def row(number: int, text: str, question: str, answer: str) -> dict[str, Any]:
    answers = {"text": [answer], "answer_start": [text.index(answer)]}
    return {"id": str(number), "title": "t", "context": text, "question": question, "answers": answers}


ROWS = [
    row(1, FERRY, PRICE, "35 crowns"),
    row(2, GARDEN, PUPILS, "140"),
    row(3, CLINIC, JABS, "on Tuesdays"),
    row(4, FERRY, "Who travels free on the ferry?", "dogs"),
]


def test_every_other_paragraph_is_taken_away_in_trials(qa: QuestionAnswering) -> None:
    tried = trials(qa.reader, qa.library(), ROWS)
    assert [(each.question, each.held) for each in tried] == [(each["question"], each["context"] != GARDEN) for each in ROWS]
    assert all(0 < len(each.asked.read) <= PASSAGES for each in tried)
    assert all(hit.hit.passage.text != GARDEN for each in tried for hit in each.asked.candidates)


def test_the_share_of_found_paragraphs_is_counted(qa: QuestionAnswering) -> None:
    assert retrieval_scores(qa.library(), ROWS) == {"paragraphs": 3, "found_5_hybrid": 1, "found_5_dense": 1, "found_5_bm25": 1}
    lost = [*ROWS, row(5, "Nothing of it.", "zyxwv?", "Nothing")]
    assert retrieval_scores(qa.library(), lost)["found_5_bm25"] == 0.8


def test_a_file_is_scored_as_texts_and_as_documents(qa: QuestionAnswering) -> None:
    assert {"answerable_f1", "f1", "ece", "documents_f1", "documents_no_answer", "found_5_hybrid"} <= set(scores(qa, ROWS))
