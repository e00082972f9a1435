"""Results -> one graph of entities and relations, and files of it for other programs. Plain Python: no model is needed.

Files are GraphML (Gephi, yEd, Cytoscape), JSON-LD and N-Triples. In the last two an entity is
``urn:quipu:entity:TYPE:name`` (a blank node where its name is none of its own, as of numbers), its type
``urn:quipu:type:TYPE``, a relation the property ``urn:quipu:relation:name``. Each triple is also an ``rdf:Statement`` with
``urn:quipu:score`` and, for each sentence that supports it, ``urn:quipu:evidence`` with ``rdf:value`` and ``dcterms:source``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import networkx
from rdflib import DCTERMS, RDF, RDFS, BNode, Literal, Namespace, URIRef
from rdflib import Graph as Triples
from rdflib.term import IdentifiedNode

from tasks.core.errors import InputError
from tasks.core.types import Result, check_score
from tasks.relation_extraction.entities.linking import name_words
from tasks.relation_extraction.types import Entity, RelationResult

QUIPU = Namespace("urn:quipu:")
PREFIXES = {"rdf": str(RDF), "rdfs": str(RDFS), "dcterms": str(DCTERMS), "quipu": str(QUIPU)}
# What XML 1.0 can't hold, not even escaped; half an emoji, which UTF-8 can't hold, is among it.
FORBIDDEN = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
Key = tuple[str | None, str]  # type, words of the name


@dataclass(frozen=True, slots=True)
class Node(Result):
    """An entity of one or more texts: a short id, its commonest name, its type, how often and in which texts it is named."""

    id: str
    name: str
    type: str | None
    mentions: int
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evidence(Result):
    """A sentence that supports a relation, and the name of the text that it stands in."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Edge(Result):
    """A relation between two nodes, by their ids, with the highest of its scores and all that supports it."""

    head: str
    relation: str
    tail: str
    score: float
    evidence: tuple[Evidence, ...]

    def __post_init__(self) -> None:
        check_score(self.score)

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the texts that tell of it, each once."""
        return tuple(dict.fromkeys(each.source for each in self.evidence))


@dataclass(frozen=True, slots=True)
class Graph(Result):
    """Entities in the order in which they are named, and the relations between them, the likeliest first."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def __post_init__(self) -> None:
        ids = {node.id for node in self.nodes}
        if len(ids) < len(self.nodes):
            raise ValueError("Two nodes have the same id.")
        if not ids.issuperset(end for edge in self.edges for end in (edge.head, edge.tail)):
            raise ValueError("An edge names a node that the graph does not have.")

    def filtered(
        self,
        types: Collection[str | None] | None = None,
        relations: Collection[str] | None = None,
        threshold: float = 0.0,
        lonely: bool = True,
    ) -> Graph:
        """The part with these ``types`` and ``relations`` (None: all) and scores of at least ``threshold``.

        ``lonely``: whether entities without any of these relations stay.
        """
        nodes = [node for node in self.nodes if types is None or node.type in types]
        ids = {node.id for node in nodes}
        edges = [each for each in self.edges if each.score >= threshold and (relations is None or each.relation in relations)]
        kept = tuple(edge for edge in edges if edge.head in ids and edge.tail in ids)
        joined = {end for edge in kept for end in (edge.head, edge.tail)}
        return Graph(tuple(node for node in nodes if lonely or node.id in joined), kept)


def merge(results: Sequence[RelationResult], sources: Sequence[str] | None = None) -> Graph:
    """One graph of all ``results``; ``sources`` names their texts (None: ``text 1``, ``text 2``, …).

    Entities of the same type and the same fullest name are one node, whatever its case, article or dots; numbers are only
    joined within a text, as its result has them. Raises ``InputError`` unless there is a name for each result.
    """
    names = [f"text {number}" for number in range(1, len(results) + 1)] if sources is None else list(sources)
    if len(names) != len(results):
        raise InputError(f"There are {len(names)} names of sources for {len(results)} results: give one for each.")
    groups: dict[Key, list[tuple[Entity, str]]] = {}
    homes = []
    for number, (result, source) in enumerate(zip(results, names, strict=True)):
        keys = [_key(entity, f"{number} {index}") for index, entity in enumerate(result.entities)]
        for key, entity in zip(keys, result.entities, strict=True):
            groups.setdefault(key, []).append((entity, source))
        homes.append(keys)
    ids = {key: f"e{number}" for number, key in enumerate(groups, 1)}
    return Graph(tuple(_node(ids[key], group) for key, group in groups.items()), _edges(results, names, homes, ids))


def _key(entity: Entity, own: str) -> Key:
    name = " ".join(name_words(entity.span.text)) or entity.span.text.casefold()
    return entity.type, f"{name} {own}" if entity.type == "NUM" else name


def _node(name: str, group: Sequence[tuple[Entity, str]]) -> Node:
    names = Counter(" ".join(entity.span.text.split()) for entity, _ in group)
    mentions = sum(len(entity.mentions) for entity, _ in group)
    return Node(name, max(names, key=lambda each: names[each]), group[0][0].type, mentions, tuple(dict.fromkeys(s for _, s in group)))


def _edges(
    results: Sequence[RelationResult], names: Sequence[str], homes: Sequence[Sequence[Key]], ids: dict[Key, str]
) -> tuple[Edge, ...]:
    found: dict[tuple[str, str, str], list[tuple[float, Evidence]]] = {}
    for result, source, keys in zip(results, names, homes, strict=True):
        for each in result.relations:
            triple = ids[keys[each.head]], each.type, ids[keys[each.tail]]
            found.setdefault(triple, []).append((each.score, Evidence(each.evidence.text, source)))
    edges = []
    for triple, told in found.items():
        evidence = tuple(dict.fromkeys(each for _, each in sorted(told, key=lambda pair: -pair[0])))
        edges.append(Edge(*triple, max(score for score, _ in told), evidence))
    return tuple(sorted(edges, key=lambda edge: -edge.score))


def writable(text: str) -> str:
    """``text`` with the characters that no XML or UTF-8 file can hold replaced by U+FFFD."""
    return FORBIDDEN.sub("\ufffd", text)


def to_networkx(graph: Graph) -> Any:
    """The graph as a ``networkx.MultiDiGraph`` of plain attributes; an edge's key is its number, from ``r1`` on."""
    made = networkx.MultiDiGraph()
    for node in graph.nodes:
        shown = {"label": node.name, "type": node.type or "", "sources": "; ".join(node.sources)}
        made.add_node(node.id, **{name: writable(value) for name, value in shown.items()}, mentions=node.mentions)
    for number, edge in enumerate(graph.edges, 1):
        told = "\n".join(f"{each.source}: {each.text}" for each in edge.evidence)
        shown = {"label": edge.relation, "sources": "; ".join(edge.sources), "evidence": told}
        made.add_edge(edge.head, edge.tail, f"r{number}", **{name: writable(value) for name, value in shown.items()}, score=edge.score)
    return made


def to_graphml(graph: Graph) -> str:
    """The graph as GraphML."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + "\n".join(networkx.generate_graphml(to_networkx(graph))) + "\n"


def to_rdf(graph: Graph) -> Triples:
    """The graph as an ``rdflib.Graph``; see the top of this file for its vocabulary."""
    made = Triples()
    nodes = {node.id: _subject(node) for node in graph.nodes}
    for prefix, base in PREFIXES.items():
        made.bind(prefix, base)
    for node in graph.nodes:
        made.add((nodes[node.id], RDFS.label, Literal(writable(node.name))))
        if node.type is not None:
            made.add((nodes[node.id], RDF.type, _named("type", node.type)))
    for number, edge in enumerate(graph.edges, 1):
        for triple in _statement(edge, f"r{number}", nodes[edge.head], nodes[edge.tail]):
            made.add(triple)
    return made


def _statement(edge: Edge, name: str, head: IdentifiedNode, tail: IdentifiedNode) -> Iterator[tuple[Any, URIRef, Any]]:
    """The triple itself, and what is said of it."""
    relation, statement = _named("relation", edge.relation), BNode(name)
    yield head, relation, tail
    yield relation, RDFS.label, Literal(writable(edge.relation))
    yield statement, RDF.type, RDF.Statement
    yield from zip([statement] * 3, (RDF.subject, RDF.predicate, RDF.object), (head, relation, tail), strict=True)
    yield statement, QUIPU.score, Literal(edge.score)
    for number, each in enumerate(edge.evidence, 1):
        sentence = BNode(f"{name}s{number}")
        yield statement, QUIPU.evidence, sentence
        yield sentence, RDF.value, Literal(writable(each.text))
        yield sentence, DCTERMS.source, Literal(writable(each.source))


def _subject(node: Node) -> IdentifiedNode:
    words = "-".join(name_words(node.name))
    return BNode(node.id) if node.type == "NUM" or not words else _named("entity", node.type or "thing", words)


def _named(*parts: str) -> URIRef:
    return QUIPU[":".join([parts[0], *(quote(writable(part), safe="") for part in parts[1:])])]


def to_jsonld(graph: Graph) -> str:
    """The graph as JSON-LD."""
    return to_rdf(graph).serialize(format="json-ld", context=PREFIXES, indent=1, ensure_ascii=False) + "\n"


def to_ntriples(graph: Graph) -> str:
    """The graph as N-Triples, its lines in order, so that the same graph always gives the same file."""
    lines = to_rdf(graph).serialize(format="nt").split("\n")  # not ``splitlines``: a literal may hold U+2028
    return "".join(f"{line}\n" for line in sorted(lines) if line)
