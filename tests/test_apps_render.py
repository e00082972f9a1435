"""What the page of event detection shows: colours, payloads and tables, without a browser."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps import render
from tasks.core.errors import InputError
from tasks.core.types import Coverage, Span
from tasks.event_detection.types import Event, EventResult
from tests.colours import contrast, mix
from tests.stand_ins import CRISIS


def event(text: str, start: int, end: int, kind: str = "flood", score: float = 0.9) -> Event:
    return Event(kind, score, Span.of(text, start, end))


def result(text: str, *events: Event) -> EventResult:
    return EventResult(text, events, Coverage(len(text), len(text)))


# ---------------------------------------------------------------------------------------------- colours


NAMES = [
    *CRISIS,
    "sympathy and support",
    "other useful information",
    render.NOTHING,
    "Überschwemmung",
    "洪水",
    *(f"type {i}" for i in range(300)),
]


@pytest.mark.parametrize("name", NAMES)
def test_colours_are_legible_in_light_and_dark(name: str) -> None:
    colour = render.color_of(name)
    assert re.fullmatch("#[0-9a-f]{6}", colour)
    assert contrast(colour, "#ffffff") >= 4.5  # the white words of a label
    assert contrast(colour, "#1e293b") >= 3.0  # a bar on the dark page; WCAG asks 3:1 of graphics
    # What style.css lays over the component's half-transparent colour, under the page's own text.
    assert contrast(mix(0.35, mix(0.5, colour, "#ffffff"), "#ffffff"), "#1f2937") >= 4.5
    assert contrast(mix(0.8, mix(0.5, colour, "#1e293b"), "#0f172a"), "#f1f5f9") >= 4.5


def test_a_colour_depends_on_the_name_alone() -> None:
    assert render.color_of(" Flood ") == render.color_of("flood") != render.color_of("fire")
    assert render.colors(["a", "b"])["b"] == render.colors(["b"])["b"]


def test_the_types_of_the_monitor_have_colours_apart() -> None:
    import colorsys

    kinds = [*CRISIS, "sympathy and support", "other useful information"]
    hues = sorted(colorsys.rgb_to_hls(*(int(render.color_of(kind)[i : i + 2], 16) / 255 for i in (1, 3, 5)))[0] for kind in kinds)
    assert min((b - a) % 1 for a, b in zip(hues, hues[1:] + hues[:1], strict=True)) > 0.1


# ---------------------------------------------------------------------------------------------- payloads


def test_where_triggers_overlap_the_higher_score_is_shown() -> None:
    text = "the flash flood warning"
    found = result(text, event(text, 4, 15, "flood", 0.6), event(text, 10, 15, "disaster", 0.9), event(text, 16, 23, "warning", 0.5))
    assert render.segments(found) == [("the flash ", None), ("flood", "disaster"), (" ", None), ("warning", "warning")]
    assert len(render.table(found)) == 3  # the table leaves nothing out


@given(st.text(), st.lists(st.tuples(st.integers(0, 30), st.integers(1, 8), st.sampled_from("abc"), st.floats(0, 1)), max_size=8))
def test_segments_join_to_the_text(text: str, spans: list[tuple[int, int, str, float]]) -> None:
    events = [event(text, s, min(s + n, len(text)), kind, score) for s, n, kind, score in spans if s < len(text)]
    pieces = render.segments(result(text, *events))
    assert "".join(piece for piece, _ in pieces) == text
    assert all(piece for piece, _ in pieces)


def test_segments_of_a_message_level_event() -> None:
    assert render.segments(result("all of it", Event("flood", 0.8, None))) == [("all of it", None)]
    assert render.table(result("all of it", Event("flood", 0.8, None))) == [["flood", "", 0.8, None, None]]


def test_names_of_data_sets_are_shown_in_words() -> None:
    found = result("a fire", event("a fire", 2, 6, "Cause_to_burn"))
    assert render.segments(found)[1] == ("fire", "Cause to burn") and render.table(found)[0][0] == "Cause to burn"
    assert render.readable("_") == "_"


def test_summary_is_a_sentence_in_every_state() -> None:
    text = "flood and fire"
    assert render.summary(result(" \n")).startswith("There is no text yet")
    assert render.summary(result("nothing")).startswith("**No event found.**")
    assert render.summary(result(text, event(text, 0, 5))) == "**1 event** of 1 type."
    two = result(text, event(text, 0, 5), event(text, 10, 14, "fire"))
    assert render.summary(two) == "**2 events** of 2 types."
    assert "9 characters of 14 could not be read" in render.summary(EventResult(text, (), Coverage(5, 14)))


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("", None),
        (None, None),
        (" , \n ,", None),
        ("flood, fire", ["flood", "fire"]),
        ("flood\r\nland slide", ["flood", "land slide"]),
        ("flood: water, mud and rain\nfire", {"flood": "water, mud and rain", "fire": ""}),
        ("flood:\nfire:", ["flood", "fire"]),
        ("flood, fire: smoke, flames", {"flood": "", "fire": "smoke, flames"}),
    ],
)
def test_own_types(text: str | None, labels: render.Labels) -> None:
    assert render.parse_labels(text) == labels


def test_a_type_named_twice_is_refused() -> None:
    with pytest.raises(InputError, match="'flood' is there twice"):
        render.parse_labels("flood, fire\nflood: water")


def test_html_table_escapes_every_cell() -> None:
    attack = "<img src=x onerror=alert(1)>\"'&"
    made = render.html_table(["Type", "Message"], [[attack, attack]], attack)
    assert "<img" not in made
    assert made.count("&lt;img src=x onerror=alert(1)&gt;&quot;&#x27;&amp;") == 3


@pytest.mark.parametrize("cell", ["=1+1", "+cmd", "-x", "@SUM(A1)", " =1", "\t=1"])
def test_formulas_are_quoted(cell: str) -> None:
    assert render.safe_cell(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["text", "-3.5", "+7", "", 4, None, "a=b"])
def test_other_cells_stay(cell: Any) -> None:
    assert render.safe_cell(cell) == cell


def test_labelled_csv_keeps_the_columns_and_adds_two() -> None:
    rows: list[dict[str, Any]] = [
        {"=id": "1", "text": 'a "quoted", line\nbreak', "score": "7"},
        {"=id": None, "text": "@x", "score": "", "late": 2},
    ]
    made = list(csv.reader(io.StringIO(render.labelled_csv(rows, [("flood", 0.5), (render.NOTHING, None)]))))
    assert made == [
        ["'=id", "text", "score", "late", "event_type", "score_"],
        ["1", 'a "quoted", line\nbreak', "7", "", "flood", "0.5000"],
        ["", "'@x", "", "2", render.NOTHING, ""],
    ]


def test_the_plot_takes_the_chart() -> None:
    payload = render.chart({"messages": "quantitative", "type": "nominal"}, [[3, "flood"]])
    shown = gr.BarPlot(payload, x="messages", y="type").get_config()["value"]
    assert shown == {
        "columns": ["messages", "type"],
        "data": [[3, "flood"]],
        "datatypes": {"messages": "quantitative", "type": "nominal"},
        "mark": "bar",
    }
