"""What the pages of opinion analysis show: colours, marks in the text, words and tables, without a browser."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps import components, render_opinions
from tasks.core.types import Coverage, Span
from tasks.opinion_analysis.aspects import aspects
from tasks.opinion_analysis.types import POLARITIES, STANCES, Label, Opinion, OpinionResult
from tests.colours import contrast, mix
from tests.markup import Reader

ATTACK = "<img src=x onerror=alert(1)>\"'&"


def opinion(text: str, target: tuple[int, int] | None, expression: tuple[int, int] | None, polarity: str = "positive") -> Opinion:
    spans = [Span.of(text, *place) if place else None for place in (target, expression)]
    return Opinion(spans[0], spans[1], polarity, 0.9)


def result(text: str, *opinions: Opinion) -> OpinionResult:
    return OpinionResult(text, Label.of(POLARITIES, (0.7, 0.2, 0.1)), opinions, None, Coverage(len(text), len(text)))


# ---------------------------------------------------------------------------------------------- colours


@pytest.mark.parametrize("colour", render_opinions.COLORS.values())
def test_colours_are_legible_in_light_and_dark(colour: str) -> None:
    assert contrast(colour, "#ffffff") >= 4.5
    assert contrast(colour, "#1e293b") >= 3.0
    assert contrast(mix(0.22, colour, "#ffffff"), "#1f2937") >= 4.5
    assert contrast(mix(0.22, colour, "#1e293b"), "#f1f5f9") >= 4.5
    assert colour in (components.EXAMPLES.parent / "style.css").read_text(encoding="utf-8")


# ---------------------------------------------------------------------------------------------- marks


def test_both_parts_carry_the_number_and_the_polarity() -> None:
    text = "The cake was cold."
    read = Reader(render_opinions.highlight(text, [opinion(text, (4, 8), (13, 17), "negative")]))
    joined = [(tag, attributes["class"], attributes["data-o"]) for tag, attributes in read.tags]
    assert joined == [
        ("mark", "target negative", "1"),
        ("b", "negative", "1"),
        ("mark", "expression negative", "1"),
        ("b", "negative", "1"),
    ]


def test_one_expression_of_two_targets_is_one_mark_with_two_numbers() -> None:
    text = "Great food and service"
    both = [opinion(text, (6, 10), (0, 5)), opinion(text, (15, 22), (0, 5), "negative")]
    first = Reader(render_opinions.highlight(text, both)).tags[0]
    assert first == ("mark", {"class": "expression mixed", "data-o": "1 2", "tabindex": "0"})


def test_spans_inside_others_are_nested_and_crossing_ones_cut() -> None:
    text = "not worth the price at all"
    inside = render_opinions.marks([opinion(text, (14, 19), (0, 19), "negative")])
    assert [(mark.start, mark.end, mark.role) for mark in inside] == [(0, 19, "expression"), (14, 19, "target")]
    crossing = render_opinions.marks([opinion(text, (0, 9), (4, 19))])
    assert [(mark.start, mark.end) for mark in crossing] == [(0, 9), (9, 19)]


PLACES = st.none() | st.tuples(st.integers(0, 25), st.integers(1, 9))


@given(st.text(), st.lists(st.tuples(PLACES, PLACES, st.sampled_from(POLARITIES)), max_size=8))
def test_marked_words_are_the_text_and_no_opinion_is_lost(text: str, said: list[tuple[Any, Any, str]]) -> None:
    text = text.replace("\r", " ").replace("\0", " ")
    opinions = []
    for *places, polarity in said:
        spans = [(place[0], min(sum(place), len(text))) if place and place[0] < len(text) else None for place in places]
        if any(spans):
            opinions.append(opinion(text, spans[0], spans[1], polarity))
    read = Reader(render_opinions.highlight(text, opinions))
    assert read.words == text
    drawn = {number for tag, attributes in read.tags for number in (attributes["data-o"] or "").split()}
    assert drawn == {str(number) for number in range(1, len(opinions) + 1)}
    assert len(render_opinions.table(result(text, *opinions))) == len(opinions)


def test_many_crossing_spans_are_drawn_soon() -> None:
    text = "word " * 4000
    opinions = [opinion(text, (i, i + 7), (i + 3, i + 12)) for i in range(0, 19_000, 5)]
    assert Reader(render_opinions.highlight(text, opinions)).words == text


def test_a_text_is_never_markup() -> None:
    text = f"{ATTACK} cake {ATTACK}"
    said = opinion(text, (0, len(ATTACK)), (len(ATTACK) + 1, len(text)), "negative")
    (aspect,) = aspects([result(text, said)], lambda phrases: np.eye(len(phrases), dtype=np.float32))
    pages = [
        render_opinions.highlighted(result(text, said)),
        render_opinions.highlighted(result(text)),
        render_opinions.aspect_charts([aspect]),
        render_opinions.examples([(text, said, 1, ATTACK)], ATTACK),
    ]
    for page in pages:
        assert "<img" not in page and "onerror=alert" in page
        assert "img" not in [tag for tag, _ in Reader(page).tags]


# ---------------------------------------------------------------------------------------------- words and tables


def test_summary_is_a_sentence_in_every_state() -> None:
    text = "cake, coffee"
    assert render_opinions.summary(result(" ")).startswith("There is no text yet")
    assert render_opinions.summary(result(text)).startswith("**No opinion found**")
    two = result(text, opinion(text, (0, 4), None), opinion(text, (6, 12), None, "neutral"))
    assert render_opinions.summary(two) == "**2 opinions**: 1 positive, 1 neutral."
    cut = OpinionResult(text, two.polarity, two.opinions, None, Coverage(5, 12))
    assert "7 characters of 12 could not be read" in render_opinions.summary(cut)


def test_table_has_all_parts_and_offsets() -> None:
    text = "lovely cake"
    found = result(text, opinion(text, (7, 11), (0, 6)), opinion(text, None, (0, 6), "negative"))
    assert render_opinions.table(found) == [
        ["1", "cake", "lovely", "+ positive", "0.900", "7–11", "0–6"],
        ["2", "", "lovely", "− negative", "0.900", "", "0–6"],
    ]
    assert render_opinions.compact(found) == "cake: lovely [positive]; lovely [negative]"


@pytest.mark.parametrize(("share", "words"), [(0.0, "0 %"), (0.004, "<1 %"), (0.5, "50 %"), (0.997, ">99 %"), (1.0, "100 %")])
def test_percent(share: float, words: str) -> None:
    assert render_opinions.percent(share) == words


def test_verdict_names_every_probability() -> None:
    page = render_opinions.verdict("Towards the proposal", Label.of(STANCES, (0.2, 0.7, 0.1)))
    assert "Towards the proposal: − against" in page
    assert re.findall(r"</b> ([^<]+)</li>", page) == ["in favour 20 %", "against 70 %", "neutral 10 %"]


def test_an_example_is_the_sentence_of_the_opinion() -> None:
    text = "Old. The cake was cold! Never again.\nBye."
    start, end = render_opinions.excerpt(text, opinion(text, (9, 13), (18, 22)))
    assert text[start:end].strip() == "The cake was cold!"
    long = "x" * 500 + " cake " + "y" * 500
    start, end = render_opinions.excerpt(long, opinion(long, (501, 505), None))
    assert (start, end) == (501 - render_opinions.CONTEXT, 505 + render_opinions.CONTEXT)
    shown = render_opinions.example(long, opinion(long, (501, 505), None))
    assert ">… x" in shown and "y …<" in shown
