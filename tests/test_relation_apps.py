"""The page of relation extraction without a browser: what it shows, how it reads files, and its endpoints, over a stand-in."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client
from hypothesis import given
from hypothesis import strategies as st

from apps import components, relation_documents, relation_extraction, relation_view, render, render_relations
from apps.relation_documents import gather, split
from apps.relation_extraction import _extract
from apps.relation_view import Found, _marked, _part
from tasks.core.errors import InputError
from tasks.core.types import Coverage, Span
from tasks.relation_extraction.entities.linking import link
from tasks.relation_extraction.graph import Graph, merge
from tasks.relation_extraction.types import TYPES, Entity, Relation, RelationResult
from tests.test_apps import ROOT, contrast, free_port, mix
from tests.test_relation_graph import ATTACK, result

KINDS = {
    "ORG": r"Institute|Group|Trust|University|Ministry|Chemicals|Party|Holdings|Friends|Nations|Movement|Clinic|NASA|Union",
    "PER": r"^(?:Ada|Ilse|Petra|Amara|Jonas|Mira|Tomas|Brandvold|Voss|Marie|Pierre|Wangari|Maathai|John|Snow)\b",
    "MISC": r"Prize|<img|Comirnaty|Parasol",
}
NAME = re.compile(r"<img[^>]*>|(?:[A-Z]\w+|[A-Z]\.)(?: (?:of (?:the )?)?[A-Z]\w+)*|\b\d+\b")
SAID = {"founder of": "found|set up", "located in": r"\bin\b|lies|into", "owned by": "belong|sold", "head of": "leads|direct|chief|mayor"}


class Capitals:
    """A stand-in for the pipeline: names are capitalised, and neighbours are related by the words between them."""

    def __call__(self, text: str, labels: Any = None, threshold: float | None = None) -> RelationResult:
        if "explode" in text:
            raise RuntimeError("secret path /srv/model.bin")
        return self.one(text, labels, threshold or 0.0)

    def stream(self, texts: Sequence[str], labels: Any = None, threshold: float | None = None) -> Iterator[RelationResult]:
        return (self(text, labels, threshold) for text in texts)

    def one(self, text: str, labels: Any, threshold: float) -> RelationResult:
        found = [Span(*match.span(), match.group()) for match in NAME.finditer(text)]
        entities = link([(span, self.kind(span.text), 0.9) for span in found])
        home = {span: number for number, one in enumerate(entities) for span in one.mentions}
        said = {name: re.escape(name.split()[0]) for name in labels} if labels else SAID
        relations = []
        for head, tail in pairwise(found):
            between = text[head.end : tail.start]
            for name, words in said.items():
                score = max(0.05, 0.95 - len(between) / 50)
                if re.search(words, between) and "." not in between and home[head] != home[tail] and score >= threshold:
                    first, last = text.rfind(".", 0, head.start) + 1, text.find(".", tail.end) + 1 or len(text)
                    begin = first + len(text[first:]) - len(text[first:].lstrip())
                    relations.append(Relation(home[head], home[tail], name, score, Span.of(text, begin, last)))
        return RelationResult(text, entities, tuple(sorted(relations, key=lambda each: -each.score)), Coverage(len(text), len(text)))

    def kind(self, name: str) -> str:
        if name.isdigit():
            return "TIME" if len(name) == 4 else "NUM"
        return next((kind for kind, words in KINDS.items() if re.search(words, name)), "LOC")


class Crowded(Capitals):
    """Three hundred entities and more relations, whatever the text is."""

    def one(self, text: str, labels: Any, threshold: float) -> RelationResult:
        if text.startswith("crowd"):
            text = " ".join(f"Ada{i} founded Trust{(i * 7) % 150} Union." for i in range(150))
        return super().one(text, labels, threshold)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of the page alone, served by this file in a process of its own, as in ``test_apps``."""
    command = [sys.executable, "-m", "tests.test_relation_apps", str(free_port())]
    with (folder / "log").open("w") as log, subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            assert address, (folder / "log").read_text()
            yield address
        finally:
            server.terminate()


def main(port: str) -> None:
    """Serve the page over ``Crowded``."""
    demo = relation_extraction.build(lambda task: Crowded())
    print(components.serve(demo, "127.0.0.1", int(port))[0], flush=True)
    demo.block_thread()


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


# ---------------------------------------------------------------------------------------------- rendering


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


# ---------------------------------------------------------------------------------------------- texts and filters


def test_texts_are_split_at_dashes() -> None:
    assert split("one\n---\n\n two -- 3 \n  -----  \n\n---\nthree") == [("text 1", "one"), ("text 2", "two -- 3"), ("text 3", "three")]
    assert split(" ") == []


def test_files_and_pasted_texts_are_gathered(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    (tmp_path / "b.csv").write_text("text,source\nthree,Radio\nfour,\n,Radio\nfive,Radio\n")
    (tmp_path / "c.jsonl").write_text('{"text": "six"}\n')
    paths = [str(tmp_path / name) for name in ("a.txt", "b.csv", "c.jsonl")]
    assert gather("zero", paths, "", "source") == [
        ("text 1", "zero"),
        ("a.txt", "one\ntwo"),
        ("Radio", "three"),
        ("b.csv, row 2", "four"),
        ("Radio (2)", "five"),
        ("c.jsonl, row 1", "six"),
    ]


def test_names_stay_apart() -> None:
    names = [name for name, _ in relation_documents._apart([(name, "x") for name in ("a", "a (2)", "a", "a", "a (2)")])]
    assert len(set(names)) == 5 and names[:3] == ["a", "a (2)", "a (3)"]


@pytest.mark.parametrize(
    ("name", "content", "columns", "message"),
    [
        ("m.csv", b"body\nhello\n", ("text", "source"), "no column 'text'"),
        ("m.csv", b"text\nhello\n", ("text", "who"), "no column 'who' for the names"),
        ("m.txt", b"\xff\xfe\xfa", ("text", "source"), "not UTF-8"),
        ("m.txt", b"", ("text", "source"), "holds no rows"),
        ("m.txt", b" \n", ("text", "source"), "There are no texts yet"),
        ("m.jsonl", b"{nonsense", ("text", "source"), "not JSON"),
        ("m.parquet", b"nonsense", ("text", "source"), "not a Parquet file"),
        ("m.png", b"x", ("text", "source"), "is none of .csv"),
        ("m.csv", b"text\n" + b"x\n" * 2001, ("text", "source"), "There are 2,001 texts; the page reads up to 2,000"),
        ("m.txt", b"x" * 200_001, ("text", "source"), "has 200,001 characters"),
    ],
)
def test_wrong_files_become_sentences(tmp_path: Path, name: str, content: bytes, columns: tuple[str, str], message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=re.escape(message)):
        gather("", [str(tmp_path / name)], *columns)


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


# ---------------------------------------------------------------------------------------------- examples and endpoints


def test_shipped_examples() -> None:
    ready = components.examples("relations.json")
    topics = Counter(example["name"].split(":")[0] for example in ready)
    assert topics == {"Science": 3, "Health": 3, "Environment": 3, "Politics": 3, "Music": 3}
    assert all(example["text"] and render_relations.parse_relations(example["relations"]) != {} for example in ready)
    sample = gather("", [str(components.EXAMPLES / relation_documents.SAMPLE)], "text", "source")
    assert len(sample) == 8 and [name for name, _ in sample][:2] == ["Harbour Courier", "Harbour Courier (2)"]


def test_blank_text_loads_no_model() -> None:
    def nothing(task: str) -> Any:
        raise AssertionError("loaded")

    assert _extract(nothing, " \n", "", None).entities == ()
    with pytest.raises(InputError):
        _extract(nothing, "x", 5, None)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with pytest.MonkeyPatch.context() as patch, serving(tmp_path_factory.mktemp("server")) as address:
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # else the client asks the Hub who it is
        yield Client(address, verbose=False, analytics_enabled=False)


def test_two_endpoints_are_public(client: Client) -> None:
    api = client.view_api(return_format="dict", print_info=False)
    assert isinstance(api, dict)
    assert sorted(api["named_endpoints"]) == ["/extract_relation_graph", "/extract_relations"]


def test_extract_relations(client: Client) -> None:
    made = client.predict("Ada Osei founded the Volta Trust 🌊 in Accra.", api_name="/extract_relations")
    names = [entity["span"]["text"] for entity in made["entities"]]
    assert names == ["Ada Osei", "Volta Trust", "Accra"]
    assert ("Ada Osei", "founder of", "Volta Trust") in [(names[r["head"]], r["type"], names[r["tail"]]) for r in made["relations"]]
    own = client.predict("Ada Osei likes Accra", "likes: is fond of", 0.5, api_name="/extract_relations")
    assert [relation["type"] for relation in own["relations"]] == ["likes"]
    assert client.predict("Ada Osei founded Accra.", "", 0.99, api_name="/extract_relations")["relations"] == []
    blank = {"text": "  ", "entities": [], "relations": [], "coverage": {"read": 2, "total": 2}}
    assert client.predict("  ", api_name="/extract_relations") == blank


def test_extract_relation_graph(client: Client) -> None:
    texts = ["Ada Osei founded the Volta Trust.", "It is known that Ada Osei founded the Volta Trust in 2011."]
    made = client.predict(texts, ["a.txt", "b.txt"], api_name="/extract_relation_graph")
    assert (made["nodes"][0]["name"], made["nodes"][0]["sources"]) == ("Ada Osei", ["a.txt", "b.txt"])
    (founded,) = [edge for edge in made["edges"] if edge["relation"] == "founder of"]
    assert [each["source"] for each in founded["evidence"]] == ["a.txt", "b.txt"]
    assert client.predict(["", " "], api_name="/extract_relation_graph") == {"nodes": [], "edges": []}
    alone = client.predict(texts, None, "known", 0.0, api_name="/extract_relation_graph")
    assert {source for node in alone["nodes"] for source in node["sources"]} == {"text 1", "text 2"}


@pytest.mark.parametrize(
    ("endpoint", "arguments", "message"),
    [
        ("/extract_relations", ("x" * 200_001,), "has 200,001 characters; the page reads up to 200,000"),
        ("/extract_relations", ("x", "a\nA"), "'a' is there twice"),
        ("/extract_relations", ("x", "", "high"), "must be a number from 0 to 1"),
        ("/extract_relations", (5,), "must be strings"),
        ("/extract_relations", ("explode",), "Sorry, something went wrong on our side"),
        ("/extract_relation_graph", ("x",), "texts must be a list of strings"),
        ("/extract_relation_graph", (["x"], ["a", "b"]), "2 sources for 1 texts"),
        ("/extract_relation_graph", (["x"], [5]), "texts must be a list of strings"),
        ("/extract_relation_graph", (["x"], None, "", 7), "must be a number from 0 to 1"),
        ("/extract_relation_graph", (["x"], None, 5), "The relations must be a string"),
        ("/extract_relation_graph", (["x"] * 2001,), "There are 2,001 texts"),
        ("/extract_relation_graph", (["explode"],), "Sorry, something went wrong on our side"),
    ],
)
def test_wrong_calls_become_sentences(client: Client, endpoint: str, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(Exception, match=re.escape(message)) as refused:
        client.predict(*arguments, api_name=endpoint)
    assert "Traceback" not in str(refused.value) and "secret" not in str(refused.value)


if __name__ == "__main__":
    main(*sys.argv[1:])
