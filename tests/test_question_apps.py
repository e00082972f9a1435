"""What the page of question answering shows and how it keeps a visitor's documents, without a browser and without a model."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps import components, question_documents, render_questions
from apps.question_answering import _answer
from apps.question_documents import _asker, check_count, check_question
from apps.render_questions import DOCUMENTS, TEXT, Row, percent, sure
from apps.shelf import Shelf
from tasks.core.errors import InputError
from tasks.core.types import Coverage, Span
from tasks.question_answering.task import FOLDER
from tasks.question_answering.types import Answer, AnswerResult, Evidence
from tests.answering import Finder, Shelves
from tests.colours import contrast, mix
from tests.markup import Reader

ATTACK = "<img src=x onerror=alert(1)>\"'&"
NONE = Answer("", 0.1, 0, 0)


def answer(text: str, words: str, score: float = 0.8) -> Answer:
    start = text.index(words)
    return Answer(words, score, start, start + len(words))


def result(*answers: Answer, none: float = 0.1, total: int = 100, done: int | None = None) -> AnswerResult:
    ordered = tuple(sorted(answers, key=lambda each: -each.score))
    return AnswerResult("Who?", ordered, none, Coverage(total if done is None else done, total))


def marks(html: str) -> list[tuple[str | None, str | None]]:
    return [(attributes.get("data-n"), attributes.get("class")) for tag, attributes in Reader(html).tags if tag == "mark"]


def unnumbered(html: str) -> str:
    return re.sub(r"<b aria-hidden.*?</b>", "", html)


# ---------------------------------------------------------------------------------------------- what is shown


@pytest.mark.parametrize(
    ("score", "figure", "words"),
    [
        (1.0, "over 99 %", "very likely"),
        (0.93, "93 %", "very likely"),
        (0.7, "70 %", "likely"),
        (0.5, "50 %", "more likely than not"),
        (0.3, "30 %", "unsure"),
        (0.2, "20 %", "unlikely"),
        (0.0, "under 1 %", "unlikely"),
    ],
)
def test_a_probability_in_words_and_figure(score: float, figure: str, words: str) -> None:
    assert (percent(score), sure(score)) == (figure, words)


def test_an_answer_and_silence_do_not_look_alike() -> None:
    text = "Ada Osei founded the Volta Trust."
    said = render_questions.reply(result(answer(text, "Ada Osei", 0.93), NONE), TEXT)
    silent = render_questions.reply(result(answer(text, "Ada Osei", 0.2), Answer("", 0.75, 0, 0), none=0.75), TEXT)
    assert Reader(said).words == "Ada OseiVery likely: 93 %. That it does not say: 10 %."
    assert Reader(silent).words == "The text does not say.That it does not say is likely: 75 %."
    assert 'class="reply said"' in said and 'class="reply silent"' in silent
    nothing = render_questions.answered(result(none=1.0), text, 3)
    assert "The text does not say." in nothing and "<mark" not in nothing and "<ol" not in nothing and text in nothing


def test_all_answers_are_marked_and_the_best_is_strongest() -> None:
    text = "In 2011 🌊 Ada Osei founded the Volta Trust in Accra."
    made = render_questions.answered(result(answer(text, "Ada Osei", 0.6), answer(text, "Accra", 0.3), NONE), text, 3)
    assert marks(made) == [("1", "best"), ("2", None)]
    assert re.findall(r"<mark[^>]*>([^<]*)", made) == ["Ada Osei", "Accra"]
    strengths = [int(part) for part in re.findall(r"--part:(\d+)%", made)]
    assert strengths[0] > strengths[1]
    assert re.findall(r'data-jump="(\d)"[^>]*><span translate="no">([^<]*)', made) == [("1", "Ada Osei"), ("2", "Accra")]
    assert re.findall(r'<i style="width:([\d.]+)%', made) == ["60.0", "30.0"]


def test_no_more_answers_than_were_asked_for_and_silence_is_none_of_them() -> None:
    text = "one two three"
    everything = result(answer(text, "one", 0.5), NONE, answer(text, "two", 0.09), answer(text, "three", 0.08))
    for count in (1, 2, 3, 5):
        assert len(marks(render_questions.answered(everything, text, count))) == min(count, 3)


def test_doubtful_answers_are_marked_as_such() -> None:
    text = "Ada Osei"
    made = render_questions.answered(result(answer(text, "Ada", 0.2), Answer("", 0.7, 0, 0), none=0.7), text, 3)
    assert marks(made) == [("1", None)] and "if anything does" in made
    assert 'class="words doubtful"' in made and 'class="answers doubtful"' in made


@settings(max_examples=60, deadline=None)
@given(st.text(), st.lists(st.tuples(st.integers(0, 30), st.integers(1, 8)), max_size=5))
def test_marked_pieces_join_to_the_text(text: str, places: list[tuple[int, int]]) -> None:
    spans = [(start, min(start + size, len(text))) for start, size in places if start < len(text)]
    answers = [Answer(text[start:end], 0.5, start, end) for start, end in spans]
    made = render_questions.marked(text, answers)
    # A browser turns a carriage return that is written out into a line feed.
    assert Reader(unnumbered(made)).words.replace("\r\n", "\n") == text.replace("\r\n", "\n")
    covered = "".join(words for words in re.findall(r"<mark[^>]*>(.*?)</mark>", unnumbered(made), re.DOTALL))
    inside = {place for start, end in spans for place in range(start, end)}
    assert Reader(covered).words == "".join(text[place] for place in sorted(inside))


def test_of_two_that_overlap_the_likelier_has_what_both_have() -> None:
    text = "the Volta Trust in Accra"
    made = render_questions.marked(text, [answer(text, "Volta Trust", 0.6), answer(text, "Trust in Accra", 0.3)])
    assert re.findall(r'data-n="(\d)"[^>]*>([^<]*)', made) == [("1", "Volta "), ("1", "Trust"), ("2", " in Accra")]


def test_coverage_is_told() -> None:
    assert "7 characters of the text read: all." in render_questions.read(result(total=7), "the text")
    assert "500 of 40,000 characters of the documents read." in render_questions.read(result(total=40_000, done=500), "the documents")


def evidence(name: str = "plan.pdf", page: int | None = 3, text: str = "The ferry costs 14 million.", start: int = 1000) -> Answer:
    at = start + text.index("14")
    return Answer("14", 0.8, at, at + 2, Evidence(name, page, Span(start, start + len(text), text)))


def test_an_answer_from_documents_shows_where_it_stands() -> None:
    made = render_questions.cards(result(evidence(), NONE), 3)
    assert made.count('<span translate="no">plan.pdf</span>, page 3') == 2  # beside the best answer, and on its card
    assert re.search(r'<blockquote translate="no">The ferry costs <mark class="best"[^>]*>14</mark> million\.</blockquote>', made)
    assert "plan.md</span></cite>" in render_questions.cards(result(evidence("plan.md", None), NONE), 3)
    silent = render_questions.cards(result(evidence(), Answer("", 0.9, 0, 0), none=0.9), 3)
    assert DOCUMENTS in silent and 'class="reply silent"' in silent and marks(silent) == [("1", None)]


def test_a_text_is_never_markup() -> None:
    hostile = Answer(ATTACK, 0.8, 0, len(ATTACK), Evidence(ATTACK, 1, Span(0, len(ATTACK) + 2, ATTACK + ATTACK[:2])))
    pages = [
        render_questions.answered(result(Answer(ATTACK, 0.8, 0, len(ATTACK))), ATTACK + "<script>", 3),
        render_questions.cards(result(hostile), 3),
        render_questions.shelf([Row(ATTACK, 1, 1, "added")], [ATTACK]),
        render_questions.note(ATTACK),
    ]
    for made in pages:
        assert not {"img", "script"} & {tag for tag, _ in Reader(made).tags}
        assert not [name for _, attributes in Reader(made).tags for name in attributes if name.startswith("on")]
        assert "<img src=x onerror=alert(1)>" in "".join(re.findall(r"&lt;img.*?&gt;", made)).replace("&lt;", "<").replace("&gt;", ">")


def test_the_shelf_says_what_happened() -> None:
    rows = [Row("a.md", 3, 900, "added"), Row("b.pdf", 1, 90, "replaced", tuple(range(2, 13))), Row("c.txt", 1, 9, "kept", (4,))]
    made = render_questions.shelf(rows, ["'d.pdf' is damaged."])
    words = Reader(made.replace("<b>", "").replace("</b>", "")).words
    assert "3 documents, 5 passages" in words and "a.md3added" in words and "Please note:'d.pdf' is damaged." in words
    assert "pages 2, 3, 4, 5, 6, 7, 8, 9 and 3 more" in words and "kept from before; without text, so not searched: page 4" in words
    assert 'role="alert"' in made and 'role="alert"' not in render_questions.shelf(rows, [])
    assert "There are no documents yet." in render_questions.shelf([], [])


def test_colours_are_legible_in_light_and_dark() -> None:
    tone = "#0a8361"
    assert f"--tone: {tone}" in (components.EXAMPLES.parent / "style.css").read_text(encoding="utf-8")
    assert contrast(mix(0.45, tone, "#ffffff"), "#1f2937") >= 4.5 and contrast(mix(0.45, tone, "#0f172a"), "#f1f5f9") >= 4.5
    for colour in (tone, "#6b7280"):
        assert contrast(colour, "#ffffff") >= 4.5 and contrast(colour, "#0f172a") >= 3.0


# ---------------------------------------------------------------------------------------------- what is asked


def nothing(task: str) -> Any:
    raise AssertionError("loaded")


def test_a_blank_text_loads_no_model_and_does_not_say() -> None:
    made = _answer(nothing, " Who? ", " \n", 1)
    assert (made.answers[0].answer, made.no_answer_score, made.coverage) == ("", 1.0, Coverage(2, 2))


@pytest.mark.parametrize(
    ("question", "context", "count", "message"),
    [
        (" ", "x", 1, "There is no question yet"),
        (5, "x", 1, "There is no question yet"),
        ("x" * 301, "x", 1, "has 301 characters; the page reads up to 300"),
        ("Who?", 5, 1, "must be a string"),
        ("Who?", "x" * 200_001, 1, "has 200,001 characters"),
        ("Who?", "x", 0, "must be a whole number from 1 to 10"),
        ("Who?", "x", True, "must be a whole number from 1 to 10"),
        ("Who?", "x", 2.5, "must be a whole number from 1 to 10"),
        ("Who?", "x", None, "must be a whole number from 1 to 10"),
    ],
)
def test_what_can_not_be_asked(question: Any, context: Any, count: Any, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        _answer(nothing, question, context, count)


def test_a_question_is_one_line() -> None:
    assert check_question(" Who\nfounded  it? ") == "Who founded it?"
    check_count(10)
    with pytest.raises(InputError):
        check_count(11)


def test_every_visitor_begins_with_an_empty_shelf_of_their_own() -> None:
    state = question_documents.shelf_state()
    assert state.time_to_live == components.FILES_LIVE_SECONDS
    one, other = copy.deepcopy(state.value), copy.deepcopy(state.value)
    one.add([question_documents.SAMPLES[0]], Shelves)
    assert len(one.rows) == 1 and not other.rows and not copy.deepcopy(one).rows and one._busy is not other._busy


def test_questions_before_any_document_are_answered_with_what_to_do() -> None:
    ask, empty = _asker(nothing), Shelf()
    assert "There are no documents yet: add some" in ask(empty, "Who?", 3)[1]
    with empty._alone():
        assert "still being read: ask again" in ask(empty, "Who?", 3)[1]
    empty.add([question_documents.SAMPLES[0]], Shelves)
    assert "There is no question yet" in ask(empty, " ", 3)[1]


# ---------------------------------------------------------------------------------------------- examples


def test_shipped_examples() -> None:
    ready = components.examples("questions.json")
    topics = {example["name"].split(":")[0] for example in ready}
    assert topics == {"Science", "Health", "Environment", "Education", "Democracy", "Music"}
    assert all(60 <= len(example["text"].split()) <= 150 and example["answer"] in example["text"] for example in ready)
    assert [example["name"] for example in ready if not example["answer"]] == ["Music: what the text does not say"]


def test_example_documents_are_read_and_answer_the_example_question() -> None:
    held = Shelf()
    held.add(question_documents.SAMPLES, Shelves)
    assert len(held.rows) == 3 and not held.problems and all(row.passages >= 2 for row in held.rows.values())
    best = Finder()(question_documents.SAMPLE_QUESTION, documents=held.library, top_k=1).answers[0]
    assert best.document is not None and (best.answer, best.document.name) == ("180", "ferry_plan.md")


@pytest.mark.skipif(not (FOLDER / "adapter" / "head.safetensors").exists(), reason="the adapter is not trained yet")
def test_the_shipped_adapter_answers_the_examples() -> None:
    load = components.LazyPipelines()
    ready = components.examples("questions.json")
    told = [(_answer(load, each["question"], each["text"], 1).answers[0].answer, each["answer"]) for each in ready]
    right = [answer for answer, gold in told if (answer in gold or gold in answer if answer and gold else answer == gold)]
    assert len(right) >= 5, told
    held = Shelf()
    held.add(question_documents.SAMPLES, load("question-answering").library)
    best = load("question-answering")(question_documents.SAMPLE_QUESTION, documents=held.library).answers[0]
    assert best.document is not None and (best.document.name, "180" in best.answer) == ("ferry_plan.md", True)
