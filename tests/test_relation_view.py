"""What the page of relation extraction shows: the text, the graph, its table and its filters, without a browser."""

from __future__ import annotations

import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps import components, relation_view, render, render_relations
from apps.relation_view import Found, _marked, _part
from tasks.core.errors import InputError
from tasks.core.types import Coverage, Span
from tasks.relation_extraction.graph import Graph, merge
from tasks.relation_extraction.types import TYPES, Entity, RelationResult
from tests.colours import contrast, mix
from tests.stand_ins import Capitals
from tests.test_relation_graph import ATTACK, result


class Reader(HTMLParser):
    """The words of HTML and its tags, each of which is closed in its turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words, self.tags, self.open = "", list[str](), list[str]()
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def found(*texts: str) -> Found:
    return Found.of([Capitals()(text) for text in texts], [f"text {number}" for number in range(1, len(texts) + 1)])


TEXT = "Ada Osei founded the Volta Trust in Accra. Friends of Accra were found in 2011."
HOSTILE = result(f"x {ATTACK} y", {"x": ATTACK, ATTACK: None, "y": "PER"}, (0, ATTACK, 1, 0.5), (1, "a b", 2, 0.5))


@pytest.mark.parametrize("colour", [looks[1] for looks in render_relations.LOOKS.values()])
def test_colours_are_legible_in_light_and_dark(colour: str) -> None:
    assert contrast(colour, "#ffffff") >= 4.5
    assert contrast(colour, "#1e293b") >= 3.0
    assert contrast(mix(0.35, mix(0.5, colour, "#ffffff"), "#ffffff"), "#1f2937") >= 4.5
    assert contrast(mix(0.8, mix(0.5, colour, "#1e293b"), "#0f172a"), "#f1f5f9") >= 4.5


def test_every_type_has_a_shape_of_its_own() -> None:
    assert set(TYPES) == set(render_relations.LOOKS)
    assert len({looks[2] for looks in render_relations.LOOKS.values()}) == len({looks[1] for looks in render_relations.LOOKS.values()}) == 6
    assert render_relations.looks("Ship") == ("Ship", render.color_of("Ship"), "ellipse")
    assert render_relations.looks(None)[0] == "entity"


@pytest.mark.parametrize(
    ("text", "relations", "labels"),
    [
        (None, None, None),
        (" \n\n", None, None),
        ("born in\nleads", {"born in": "", "leads": ""}, ["born in", "leads"]),
        ("spoken, written or signed", {"spoken, written or signed": ""}, ["spoken, written or signed"]),
        ("head of: leads it: daily\nborn in", {"head of": "leads it: daily", "born in": ""}, {"head of": "leads it: daily", "born in": ""}),
    ],
)
def test_own_relations(text: str | None, relations: Any, labels: Any) -> None:
    assert render_relations.parse_relations(text) == relations
    assert render_relations.own_labels(relations) == labels


def test_a_relation_named_twice_is_refused() -> None:
    with pytest.raises(InputError, match="'leads' is there twice"):
        render_relations.parse_relations("Leads: a\nleads")


@given(st.text(), st.lists(st.tuples(st.integers(0, 30), st.integers(1, 8)), max_size=6))
def test_segments_join_to_the_text(text: str, places: list[tuple[int, int]]) -> None:
    spans = [Span.of(text, start, min(start + size, len(text))) for start, size in places if start < len(text)]
    entities = tuple(Entity("PER", 0.5, span, (span,)) for span in spans)
    made = RelationResult(text, entities, (), Coverage(len(text), len(text)))
    assert "".join(piece for piece, _ in render_relations.segments(made)) == text


def test_segments_and_colours() -> None:
    made = found(TEXT).results[0]
    assert ("Ada Osei", "person") in render_relations.segments(made) and ("2011", "time") in render_relations.segments(made)
    assert render_relations.colors(made.entities)["person"] == render_relations.LOOKS["PER"][1]


def test_summary_is_a_sentence_in_every_state() -> None:
    def said(*texts: str) -> str:
        made = found(*texts)
        return render_relations.summary(made.results, made.graph)

    assert said(" ").startswith("There is no text yet")
    assert said("Accra.") == "**No relation found** between 1 entity. Lower the threshold, or name the relations you look for."
    assert said("Ada Osei found Accra.") == "**1 relation** between 2 entities."
    assert said(TEXT, "Ada Osei found the Volta Trust.").endswith("in 2 texts. 1 relation in more than one text.")


def test_payload_is_plain_data() -> None:
    made = render_relations.payload(merge([HOSTILE], [ATTACK]), True)
    json.dumps(made)
    assert made["edges"][0] == {
        "id": "r1",
        "head": "e1",
        "tail": "e2",
        "relation": ATTACK,
        "score": 0.5,
        "evidence": [{"text": HOSTILE.text, "source": ATTACK}],
        "more": 0,
    }
    assert {(each["type"], each["count"]) for each in made["types"]} == {(ATTACK, 1), ("", 1), ("PER", 1)}
    assert {each["relation"] for each in made["relations"]} == {ATTACK, "a b"} and made["note"] == ""
    assert render_relations.payload(Graph((), ()), False)["nodes"] == []


def test_of_a_large_graph_the_most_related_are_drawn() -> None:
    names = [f"n{number}x" for number in range(400)]
    made = merge([result(" ".join(names), dict.fromkeys(names, "PER"), (398, "knows", 399, 0.5))])
    drawn = render_relations.payload(made, False)
    assert len(drawn["nodes"]) == render_relations.DRAWN and len(drawn["edges"]) == 1
    assert "300 entities with the most relations, of 400" in drawn["note"]


def test_an_edge_quotes_no_more_than_can_be_read() -> None:
    made = found(*(f"Ada Osei found Accra {number}." for number in range(30)))
    (edge,) = render_relations.payload(made.graph, True)["edges"]
    assert len(edge["evidence"]) == 10 and edge["more"] == 20
    assert "29 more" in Reader(render_relations.table(made.graph, True)).words


def test_table_says_what_supports_each_triple() -> None:
    made = found(TEXT)
    words = Reader(render_relations.table(made.graph, False)).words
    assert "Ada Osei" in words and "founder of" in words and "Ada Osei founded the Volta Trust in Accra." in words
    assert "text 1" not in words and "text 1" in Reader(render_relations.table(made.graph, True)).words
    assert "No relation to show" in render_relations.table(Graph((), ()), False)


def test_a_text_is_never_markup() -> None:
    made = render_relations.table(merge([HOSTILE], [ATTACK]), True)
    assert "<img" not in made and "onerror=alert" in made and "img" not in Reader(made).tags


def test_the_frame_holds_no_template_of_ours() -> None:
    frame, script = (relation_view._asset(name) for name in ("relation_graph.html", "relation_graph.js"))
    assert not re.search(r"`|\$\{|\{\{", frame)  # the component would fill them in
    assert "innerHTML" not in script and "insertAdjacent" not in script and "</script" not in script
    assert "</script" not in relation_view._asset("cytoscape.min.js")


def test_the_library_is_the_one_that_is_named() -> None:
    content = (components.ASSETS / "cytoscape.min.js").read_bytes()
    assert hashlib.sha256(content).hexdigest() in relation_view._asset("README.md")
    assert b"Permission is hereby granted" in content[:2000] and b'"3.34.4"' in content


def test_filters_of_the_page_choose_a_part() -> None:
    graph = found(TEXT).graph
    everything = {"types": [node.type for node in graph.nodes], "relations": ["founder of", "located in"], "threshold": 0, "lonely": True}
    assert _part(graph, everything) == graph
    assert [edge.relation for edge in _part(graph, {**everything, "relations": ["located in"]}).edges] == ["located in", "located in"]
    assert _part(graph, {**everything, "types": []}) == Graph((), ())
    for wrong in ({}, {**everything, "types": None}, {**everything, "relations": [5]}, {**everything, "threshold": "1"}):
        with pytest.raises(InputError, match="These filters"):
            _part(graph, wrong)


def test_a_forgotten_session_changes_nothing() -> None:
    assert _marked(None, 0) == _marked(found(TEXT), 7) == _marked(found(TEXT), "x") == gr.skip()
