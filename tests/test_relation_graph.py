"""Graphs of relations: what is joined, what filters keep, and files that stay valid whatever a text holds."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import networkx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib import DCTERMS, RDF, RDFS, Literal, URIRef
from rdflib import Graph as Triples
from rdflib.compare import isomorphic

from tasks.core.errors import InputError
from tasks.core.types import Coverage, Span
from tasks.relation_extraction.graph import Edge, Evidence, Graph, Node, merge, to_graphml, to_jsonld, to_networkx, to_ntriples, to_rdf
from tasks.relation_extraction.types import Entity, Relation, RelationResult

ATTACK = "<img src=x onerror=alert(1)>\"'&\\\n\r\x00\x0b\x1b\ud83d\ufffe\u2028\x85]]>"
ROOT = Path(__file__).parents[1]
READS_JSONLD = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")  # rdflib's own reader


def entity(text: str, name: str, kind: str | None = "PER") -> Entity:
    """An entity with all occurrences of ``name`` as its mentions."""
    starts = [place for place in range(len(text)) if text.startswith(name, place)]
    spans = tuple(Span.of(text, start, start + len(name)) for start in starts)
    return Entity(kind, 0.9, spans[0], spans)


def result(text: str, names: dict[str, str | None], *relations: tuple[int, str, int, float]) -> RelationResult:
    """A result with these entities (name -> type) and relations (head, type, tail, score), all told by the whole text."""
    whole = Span.of(text, 0, len(text)) if text else None
    told = tuple(Relation(head, tail, name, score, whole) for head, name, tail, score in relations if whole)
    return RelationResult(text, tuple(entity(text, name, kind) for name, kind in names.items()), told, Coverage(len(text), len(text)))


ONE = result(
    "Ada Osei founded the Volta Trust in 2011 with 2 friends. Ada Osei!",
    {"Ada Osei": "PER", "the Volta Trust": "ORG", "2011": "TIME", "2 ": "NUM"},
    (0, "founder of", 1, 0.7),
    (1, "inception", 2, 0.4),
)
TWO = result(
    "ADA OSEI leads Volta Trust; 2 others follow Volta, a river.",
    {"ADA OSEI": "PER", "Volta Trust": "ORG", "2 ": "NUM", "Volta,": "LOC"},
    (0, "founder of", 1, 0.9),
    (0, "head of", 1, 0.5),
)
BOTH = merge([ONE, TWO], ["a.txt", "b.txt"])


def test_entities_are_joined_by_type_and_name_but_numbers_never() -> None:
    assert [(node.name, node.type, node.mentions, node.sources) for node in BOTH.nodes] == [
        ("Ada Osei", "PER", 3, ("a.txt", "b.txt")),
        ("the Volta Trust", "ORG", 2, ("a.txt", "b.txt")),
        ("2011", "TIME", 1, ("a.txt",)),
        ("2", "NUM", 1, ("a.txt",)),
        ("2", "NUM", 1, ("b.txt",)),
        ("Volta,", "LOC", 1, ("b.txt",)),
    ]


def test_relations_are_joined_with_the_highest_score_and_all_sources() -> None:
    assert [(edge.head, edge.relation, edge.tail, edge.score) for edge in BOTH.edges] == [
        ("e1", "founder of", "e2", 0.9),
        ("e1", "head of", "e2", 0.5),
        ("e2", "inception", "e3", 0.4),
    ]
    first = BOTH.edges[0]
    assert first.sources == ("b.txt", "a.txt")  # the surest first
    assert first.evidence == (Evidence(TWO.text, "b.txt"), Evidence(ONE.text, "a.txt"))
    assert merge([ONE, ONE], ["a", "a"]).edges[0].evidence == (Evidence(ONE.text, "a"),)


def test_the_commonest_name_is_shown() -> None:
    names = ["the WHO", "WHO", "W.H.O.", "WHO"]
    graph = merge([result(name, {name: "ORG"}) for name in names])
    assert [(node.name, node.sources) for node in graph.nodes] == [("WHO", ("text 1", "text 2", "text 3", "text 4"))]


def test_sources_are_one_for_each_result() -> None:
    with pytest.raises(InputError, match="1 names of sources for 2 results"):
        merge([ONE, TWO], ["a.txt"])
    assert merge([]) == Graph((), ())


def test_filters() -> None:
    assert BOTH.filtered() == BOTH
    assert [edge.score for edge in BOTH.filtered(threshold=0.5).edges] == [0.9, 0.5]
    assert [edge.relation for edge in BOTH.filtered(relations=["inception"]).edges] == ["inception"]
    people = BOTH.filtered(types=["PER"])
    assert [node.id for node in people.nodes] == ["e1"] and people.edges == ()
    assert [node.id for node in BOTH.filtered(lonely=False, relations=["founder of"]).nodes] == ["e1", "e2"]
    assert merge([result("x", {"x": None})]).filtered(types=[None]).nodes


def test_a_graph_checks_itself() -> None:
    node = Node("e1", "x", None, 1, ("a",))
    with pytest.raises(ValueError, match="same id"):
        Graph((node, node), ())
    with pytest.raises(ValueError, match="does not have"):
        Graph((node,), (Edge("e1", "r", "e2", 0.5, ()),))
    with pytest.raises(ValueError, match="not a probability"):
        Edge("e1", "r", "e1", 1.5, ())
    json.dumps(BOTH.to_dict())


def test_networkx_and_graphml_tell_the_same() -> None:
    made = to_networkx(BOTH)
    read = networkx.parse_graphml(to_graphml(BOTH), force_multigraph=True)
    assert made.nodes(data=True) == read.nodes(data=True) and list(made.edges(data=True)) == list(read.edges(data=True))
    assert made.get_edge_data("e1", "e2", "r1") == {
        "label": "founder of",
        "score": 0.9,
        "sources": "b.txt; a.txt",
        "evidence": f"b.txt: {TWO.text}\na.txt: {ONE.text}",
    }
    root = ElementTree.fromstring(to_graphml(BOTH))
    ids = [each.get("id") for tag in ("node", "edge") for each in root.iter(f"{{http://graphml.graphdrawing.org/xmlns}}{tag}")]
    assert len(set(ids)) == len(ids) == 9


def test_triples_have_names_scores_and_sources() -> None:
    made = to_rdf(BOTH)
    ada, trust = URIRef("urn:quipu:entity:PER:ada-osei"), URIRef("urn:quipu:entity:ORG:volta-trust")
    founder = URIRef("urn:quipu:relation:founder%20of")
    assert (ada, founder, trust) in made
    assert made.value(ada, RDFS.label) == Literal("Ada Osei") and made.value(founder, RDFS.label) == Literal("founder of")
    (statement,) = list(made.subjects(RDF.predicate, founder))
    assert made.value(statement, URIRef("urn:quipu:score")) == Literal(0.9)
    told = {
        str(made.value(each, DCTERMS.source)): str(made.value(each, RDF.value))
        for each in made.objects(statement, URIRef("urn:quipu:evidence"))
    }
    assert told == {"a.txt": ONE.text, "b.txt": TWO.text}


@READS_JSONLD
def test_files_of_triples_are_the_same_graph_each_time() -> None:
    made = to_rdf(BOTH)
    assert isomorphic(made, Triples().parse(data=to_ntriples(BOTH), format="nt"))
    assert isomorphic(made, Triples().parse(data=to_jsonld(BOTH), format="json-ld"))
    assert to_ntriples(BOTH) == to_ntriples(merge([ONE, TWO], ["a.txt", "b.txt"]))


def check_files(graph: Graph) -> None:
    """Every file can be read by its reader, and has all nodes and edges."""
    for written in (to_graphml(graph), to_jsonld(graph), to_ntriples(graph)):
        written.encode("utf-8")
    read = networkx.parse_graphml(to_graphml(graph).encode(), force_multigraph=True)
    assert (read.number_of_nodes(), read.number_of_edges()) == (len(graph.nodes), len(graph.edges))
    one, other = Triples().parse(data=to_ntriples(graph), format="nt"), Triples().parse(data=to_jsonld(graph), format="json-ld")
    assert len(one) == len(other) == len(to_rdf(graph))
    assert len(list(one.subjects(RDF.type, RDF.Statement))) == len(graph.edges)


@READS_JSONLD
def test_hostile_names_give_valid_files() -> None:
    hostile = result(f"x {ATTACK} y", {"x": ATTACK, ATTACK: None, "y": ""}, (0, ATTACK, 1, 0.5), (1, "a b", 2, 0.5))
    graph = merge([hostile], [ATTACK])
    check_files(graph)
    assert "<img" not in to_graphml(graph) and "<img" not in to_ntriples(graph).split("> ")[1]
    check_files(merge([result("", {})]))


ANY = st.text(st.characters(codec=None), min_size=1, max_size=12)


@READS_JSONLD
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ANY, ANY, ANY, ANY, ANY), min_size=1, max_size=4))
def test_any_words_give_valid_files(given_words: list[tuple[str, str, str, str, str]]) -> None:
    results = []
    for name, kind, relation, other, _ in given_words:
        text = f"{name} {other}"
        spans = Span.of(text, 0, len(name)), Span.of(text, len(name) + 1, len(text))
        ends = tuple(Entity(kind, 0.5, span, (span,)) for span in spans)
        told = (Relation(0, 1, relation, 0.5, Span.of(text, 0, len(text))),)
        results.append(RelationResult(text, ends, told, Coverage(len(text), len(text))))
    check_files(merge(results, [words[4] for words in given_words]))


def test_graphs_need_no_model_code() -> None:
    code = "import sys, tasks.relation_extraction.graph; print({'torch', 'transformers', 'peft', 'gradio'} & sys.modules.keys())"
    made: Any = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "set()"
