"""Passages: nothing of a document is lost, offsets are exact, and cuts are where a reader would pause."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.question_answering.documents.passages import MOST, SHARED, passages
from tasks.question_answering.documents.sentences import sentence_starts
from tasks.question_answering.documents.types import Document, Passage

PIECES = [
    "The river rose. ",
    "A man (Dr. J. Smith) said “no”. ",
    "\n",
    "\n\n",
    "# Heading\n",
    "- item\n",
    "word " * 40,
    "x" * 900,
    "。你好",
    "| a | b |\n",
]
PIECES += [
    "3.1 Scope\n",
    "IN CAPITALS\n",
    " ",
    "\t",
    "…",
    "🌊",
    "\u2028",
    "e.g. ",
    "and wrapped at the\nend ",
    "A sentence of ten words that is here again now. " * 9,
]
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=30)), max_size=40).map("".join)


def made(text: str, *pages: int) -> list[Passage]:
    return passages(Document("a.txt", text, pages))


def sentences(count: int, words: int = 10, name: str = "Sentence") -> str:
    return " ".join(f"{name} {number} " + " ".join(["goes"] * (words - 3)) + " on." for number in range(count))


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_offsets_are_exact_and_nothing_is_lost(text: str) -> None:
    found, covered = made(text), 0
    for each, before in zip(found, [None, *found], strict=False):
        assert text[each.start : each.end] == each.text == each.text.strip() != ""
        assert not text[covered : each.start].strip()
        assert before is None or (before.start < each.start and before.end < each.end)
        assert len(each.text.split()) <= MOST + 1
        covered = max(covered, each.end)
    assert not text[covered:].strip()


def test_prose_is_cut_at_sentences_of_which_one_is_shared() -> None:
    found = made(sentences(60))
    assert all(60 <= len(each.text.split()) <= MOST for each in found[:-1])
    for before, each in pairwise(found):
        shared = before.text[each.start - before.start :]
        assert each.text.startswith("Sentence") and before.text.endswith("on.")
        assert shared.count("Sentence") == 1 and len(shared.split()) <= SHARED


def test_paragraphs_end_passages_and_are_not_shared() -> None:
    paragraphs = [sentences(7, name=f"P{number}") for number in range(6)]
    assert [each.text for each in made("\n\n".join(paragraphs))] == paragraphs


def test_a_shorter_paragraph_is_not_filled_with_half_of_the_next() -> None:
    first, second = sentences(5, name="First"), sentences(9, name="Second")
    assert [each.text for each in made(f"{first}\n\n{second}")] == [first, second]


@pytest.mark.parametrize("heading", ["## The next part", "The next part", "4.2 The next part", "THE NEXT PART"])
def test_a_heading_begins_a_passage_with_what_it_heads(heading: str) -> None:
    gap = "\n" if heading.isupper() or heading[0] in "4#" else "\n\n"
    found = made(f"{sentences(4)}\n{gap}{heading}\n{sentences(6, name='Next')}")
    assert len(found) == 2 and found[1].text.startswith(heading + "\nNext 0")


def test_a_heading_is_never_last_in_a_passage() -> None:
    text = sentences(5) + "\n\n" + "\n\n".join(f"Part {n}\n\nSub {n}\n\n{sentences(8, name='Body')}" for n in range(5))
    assert not [each.text for each in made(text) if each.text.split("\n")[-1].startswith(("Part", "Sub"))]


def test_a_heading_is_not_left_behind_by_a_sentence_that_does_not_fit() -> None:
    found = made(f"{sentences(2)}\n\nThe next part\n\n{sentences(1, 105)}")
    assert [each.text.split("\n")[0] for each in found] == [sentences(2), "The next part"]


def test_a_list_of_short_lines_is_no_row_of_headings() -> None:
    found = made("\n\n".join(f"Item number {n}" for n in range(200)))
    assert all(len(each.text.split()) > 20 for each in found)


def test_rows_and_items_are_not_cut() -> None:
    rows = [f"| row {n} | has | some cells of a table |" for n in range(40)]
    items = [f"- item {n} has no end and is rather long, as such items are" for n in range(40)]
    for lines in (rows, items):
        assert [line for each in made("\n".join(lines)) for line in each.text.split("\n")] == lines


def test_lines_that_were_wrapped_are_one_sentence() -> None:
    text = (
        "The\n"
        + "\n".join("quick brown fox jumps over the lazy dog and goes on with it as\nThursday comes" for _ in range(6))
        + " at last."
    )
    assert made(f"{sentences(4)}\n\n{text}\n\n{sentences(9)}")[1].text == text


def test_short_texts_are_one_passage_and_blank_ones_none() -> None:
    assert [each.text for each in made("  Hello.\n")] == ["Hello."]
    assert made("") == made(" \n\n\t") == []


@pytest.mark.parametrize("monster", ["x" * 20_000, "你" * 5_000, "word " * 5_000, "a.b," * 5_000, "🌊" * 5_000, "http://a/" + "b" * 3_000])
def test_a_monster_without_an_end_is_still_cut(monster: str) -> None:
    found = made(f"Before it. {monster} After it.")
    assert max(len(each.text) for each in found) <= 1_200
    assert "".join(each.text for each in found).replace(" ", "") == f"Before it. {monster} After it.".replace(" ", "")


def test_a_passage_has_the_page_on_which_it_begins() -> None:
    first, second, third = sentences(9), sentences(3), sentences(20, name="Third")
    text = f"{first}\n\n{second}\n\n{third}"
    starts = (0, text.index(second, 5), text.index(third))
    found = made(text, *starts)
    assert [each.page for each in found] == [sum(start <= each.start for start in starts) for each in found]
    assert {each.page for each in found} == {1, 2, 3} and {each.page for each in made(text)} == {None}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Dr. J. R. Smith of the U.S. Navy left. He sailed.", ["Dr. J. R. Smith of the U.S. Navy left. ", "He sailed."]),
        ("It is 3.5 m, e.g. here. (See Fig. 2.) “Go!” he said. Why? Done", None),
        ("1. Scope of it. Then", ["1. Scope of it. ", "Then"]),
        ("It was built in 1931. It held.", ["It was built in 1931. ", "It held."]),
        ("你好。再见！好", ["你好。", "再见！", "好"]),
    ],
)
def test_sentences_end_at_ends_and_not_at_abbreviations(text: str, parts: list[str] | None) -> None:
    parts = parts or ["It is 3.5 m, e.g. here. ", "(See Fig. 2.) ", "“Go!” he said. ", "Why? ", "Done"]
    starts = [*sentence_starts(text), len(text)]
    assert [text[start:end] for start, end in pairwise(starts)] == parts


@pytest.mark.parametrize("piece", ["x", ".", "...\n", " ", "# a\n", "a\n\n", "”", "a. ", "the cat sat on\n", "(", "\n \n"])
def test_no_text_takes_long(piece: str) -> None:
    start = time.process_time()
    made(piece * (100_000 // len(piece)))
    assert time.process_time() - start < 8


def test_a_document_and_a_passage_check_themselves() -> None:
    with pytest.raises(ValueError, match="pages"):
        Document("a", "text", (0, 9))
    with pytest.raises(ValueError, match="pages"):
        Document("a", "text", (1,))
    with pytest.raises(ValueError, match="offsets"):
        Passage("a", None, 0, 3, "text")
