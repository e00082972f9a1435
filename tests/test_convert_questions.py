"""``finetune.convert`` for question answering: SQuAD's layout in, rows of questions with their answers out.

The files are miniatures of the original layouts with sentences written for these tests.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from finetune.convert import load, names, squad, squadshifts
from finetune.convert.__main__ import main
from tasks.core.errors import FileError
from tasks.question_answering.data import check_rows
from tests.originals import refused

Data = dict[str, Any]
MILL = "  Der Müller 🌾 Jo Quill built the mill in 1650.\u2028It burnt in 1701. "
BRIDGE = "The bridge at Norham has nine arches."
CONVERTERS = pytest.mark.parametrize(("converter", "layout"), [(squad, "SQuAD"), (squadshifts, "SQuADShifts")])


def save(path: Path, content: Any) -> Path:
    """The text as it is, or anything else as JSON with its letters as they are; ``path``."""
    path.write_bytes((content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)).encode())
    return path


def asked(name: str, question: str, context: str, *answers: str, **more: Any) -> Data:
    """A question as SQuAD writes it, each answer where it first stands."""
    told = [{"text": text, "answer_start": context.index(text)} for text in answers]
    return {"question": question, "id": name, "answers": told, **more}


def paragraph(context: str, *questions: Data) -> Data:
    return {"qas": list(questions), "context": context}


def article(title: Any, *paragraphs: Data) -> Data:
    return {"title": title, "paragraphs": list(paragraphs)}


def release(*articles: Data, version: str = "1.1") -> Data:
    return {"version": version, "data": list(articles)}


def small() -> Data:
    """Three questions about two paragraphs of two articles, as SQuAD 1.1 and SQuADShifts have them."""
    built = asked("a1", " Who built it? ", MILL, "Jo Quill", "Müller 🌾 Jo Quill", "Jo Quill")
    when = asked("a2", "When did it burn?", MILL, "1701")
    arches = asked("b1", "How many arches?", BRIDGE, "nine")
    return release(
        article("Old_mill", paragraph(MILL, built, when), paragraph("Nobody asks.")), article("Bridge", paragraph(BRIDGE, arches))
    )


ROWS = [
    {
        "id": "a1",
        "title": "Old_mill",
        "context": MILL,
        "question": " Who built it? ",
        "answers": {"text": ["Jo Quill", "Müller 🌾 Jo Quill", "Jo Quill"], "answer_start": [15, 6, 15]},
    },
    {
        "id": "a2",
        "title": "Old_mill",
        "context": MILL,
        "question": "When did it burn?",
        "answers": {"text": ["1701"], "answer_start": [60]},
    },
    {"id": "b1", "title": "Bridge", "context": BRIDGE, "question": "How many arches?", "answers": {"text": ["nine"], "answer_start": [25]}},
]


@CONVERTERS
def test_each_question_is_a_row_with_the_answers_of_all_annotators(tmp_path: Path, converter: Any, layout: str) -> None:
    rows = list(converter.convert(save(tmp_path / "a.json", small())))
    assert rows == ROWS
    assert check_rows(rows, "the test") == rows
    assert list(rows[0]) == ["id", "title", "context", "question", "answers"]
    for row in rows:
        for text, start in zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True):
            assert row["context"][start : start + len(text)] == text != ""


def test_an_impossible_question_has_no_answers_and_its_plausible_ones_are_left_out(tmp_path: Path) -> None:
    plausible = [{"text": "1650", "answer_start": MILL.index("1650")}]
    sold = asked("c1", "When was it sold?", MILL, is_impossible=True, plausible_answers=plausible)
    built = asked("c2", "When was it built?", MILL, "1650", is_impossible=False)
    rows = list(squad.convert(save(tmp_path / "train-v2.0.json", release(article("Mill", paragraph(MILL, sold, built)), version="v2.0"))))
    assert [row["answers"] for row in rows] == [{"text": [], "answer_start": []}, {"text": ["1650"], "answer_start": [MILL.index("1650")]}]
    assert "plausible_answers" not in rows[0] and "is_impossible" not in rows[0]
    assert check_rows(rows, "the test") == rows


def test_layout_and_byte_order_mark_do_not_matter(tmp_path: Path) -> None:
    plain = save(tmp_path / "a.json", small())
    spread = save(tmp_path / "b.json", "\ufeff" + json.dumps(small(), indent=1).replace("\n", "\r\n"))
    assert list(squad.convert(plain)) == list(squad.convert(spread)) == ROWS


def test_a_release_without_questions_has_no_rows(tmp_path: Path) -> None:
    for number, empty in enumerate([release(), release(article("Mill")), release(article("Mill", paragraph(MILL)))]):
        assert list(squad.convert(save(tmp_path / f"{number}.json", empty))) == []


# What is refused


@CONVERTERS
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"text": "nine", "answer_start": 24}, "its context doesn't have the answer 'nine' at 24"),
        ({"text": "ten", "answer_start": 25}, "its context doesn't have the answer 'ten' at 25"),
        ({"text": "arches", "answer_start": -7}, "its context doesn't have the answer 'arches' at -7"),
        ({"text": "nine", "answer_start": 99}, "its context doesn't have the answer 'nine' at 99"),
        ({"text": "", "answer_start": 3}, "its context doesn't have the answer '' at 3"),
        ({"text": "nine"}, "the field 'answer_start' is missing"),
        ({"answer_start": 25}, "the field 'text' is missing"),
        ({"text": "nine", "answer_start": "25"}, "a value is not of the kind"),
        ({"text": "nine", "answer_start": 25.0}, "a value is not of the kind"),
        ({"text": "he", "answer_start": True}, "a value is not of the kind"),
        ({"text": 9, "answer_start": 25}, "a value is not of the kind"),
        (None, "a value is not of the kind"),
    ],
)
def test_an_answer_that_is_not_where_it_says_is_refused_with_its_place(
    tmp_path: Path, converter: Any, layout: str, answer: Any, reason: str
) -> None:
    content = small()
    content["data"][0]["paragraphs"].append(
        paragraph(BRIDGE, asked("d1", "Where?", BRIDGE, "Norham"), asked("d2", "How many?", BRIDGE, "nine"))
    )
    content["data"][0]["paragraphs"][2]["qas"][1]["answers"].append(answer)
    path = save(tmp_path / "a.json", content)
    refused(converter.convert, path, f"{path}, article 1, paragraph 3, question 2: {reason}", f"unchanged {layout} file")


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        (asked("e", "Why?", BRIDGE, is_impossible=False), "it has no answer and isn't marked as impossible"),
        (asked("e", "Why?", BRIDGE), "it has no answer and isn't marked as impossible"),
        (asked("e", "Why?", BRIDGE, "nine", is_impossible=True), "it is impossible and has an answer"),
        (asked("e", "Why?", BRIDGE, is_impossible="true"), "a value is not of the kind"),
        (asked("e", "Why?", BRIDGE, is_impossible=None), "a value is not of the kind"),
        ({"id": "e", "question": "Why?"}, "the field 'answers' is missing"),
        ({"id": "e", "question": "Why?", "answers": {"text": ["nine"], "answer_start": [25]}}, "a value is not of the kind"),
        ({"question": "Why?", "answers": []}, "the field 'id' is missing"),
        ({"id": "e", "answers": []}, "the field 'question' is missing"),
        (asked("e", 3, BRIDGE, "nine"), "a value is not of the kind"),  # type: ignore[arg-type]
        (asked(7, "Why?", BRIDGE, "nine"), "a value is not of the kind"),  # type: ignore[arg-type]
        ("Why?", "a value is not of the kind"),
    ],
)
def test_a_malformed_question_is_refused_with_its_place(tmp_path: Path, question: Any, reason: str) -> None:
    path = save(tmp_path / "a.json", release(article("A"), article("B", paragraph(BRIDGE, question))))
    refused(squad.convert, path, f"{path}, article 2, paragraph 1, question 1: ", reason)


@pytest.mark.parametrize(
    ("content", "place", "reason"),
    [
        ("", "line 1", "it is not JSON"),
        ('{"version": "1.1",\n"data": [}', "line 2", "it is not JSON"),
        ("[" * 100_000, "line 1", "nested too deep"),
        ([], 'its list "data"', "a value is not of the kind"),
        ({"version": "1.1"}, 'its list "data"', "the field 'data' is missing"),
        ({"data": {"title": "Mill"}}, 'its list "data"', "a value is not of the kind"),
        (release(article("A"), {"paragraphs": []}), "article 2", "the field 'title' is missing"),
        (release(article(3)), "article 1", "a value is not of the kind"),
        (release({"title": "A"}), "article 1", "the field 'paragraphs' is missing"),
        (release("A"), "article 1", "a value is not of the kind"),  # type: ignore[arg-type]
        (release(article("A", {"qas": []})), "article 1, paragraph 1", "the field 'context' is missing"),
        (release(article("A", {"context": BRIDGE})), "article 1, paragraph 1", "the field 'qas' is missing"),
        (release(article("A", paragraph(BRIDGE), paragraph(None))), "article 1, paragraph 2", "a value is not of the kind"),  # type: ignore[arg-type]
        ('{"data": [{"title": "\\ud83d", "paragraphs": []}]}', "article 1", "surrogates not allowed"),
    ],
)
def test_a_malformed_file_is_refused_with_its_place(tmp_path: Path, content: Any, place: str, reason: str) -> None:
    path = save(tmp_path / "a.json", content)
    refused(squad.convert, path, f"{path}, {place}: ", reason, "give an original, unchanged SQuAD file.")


def test_rows_before_what_is_wrong_are_given(tmp_path: Path) -> None:
    content = small()
    content["data"][1]["title"] = None
    rows = squad.convert(save(tmp_path / "a.json", content))
    assert [next(rows), next(rows)] == ROWS[:2]
    with pytest.raises(FileError, match="article 2: "):
        next(rows)


# The command line


@pytest.mark.parametrize("name", ["squad", "squadshifts"])
def test_the_command_line_knows_the_converters(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert name in names() and "_squad" not in names()
    good, output = save(tmp_path / "original.json", small()), tmp_path / "rows.jsonl"
    assert main([name, str(good), "--output", str(output)]) == 0
    rows = [json.loads(line) for line in output.read_bytes().decode().split("\n")[:-1]]
    assert rows == list(load(name).convert(good)) == ROWS
    capsys.readouterr()
    for path in (tmp_path / "absent.json", save(tmp_path / "empty.json", ""), save(tmp_path / "none.json", release())):
        assert main([name, str(path), "--output", str(output)]) == 2
        said = capsys.readouterr().err
        assert said.startswith("error: ") and said.count("\n") == 1


@pytest.mark.parametrize("name", ["squad", "squadshifts"])
def test_a_converter_says_whose_data_it_is(name: str) -> None:
    said = load(name).__doc__ or ""
    assert "Licence: CC BY" in said and "Original layout" in said and "Rows: " in said
