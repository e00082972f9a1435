"""Relations -> payloads of the page's components: pure functions, no state, no gradio. All HTML here is escaped here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from apps.render import Segment, chip, color_of, folding_table, plural, quoted
from tasks.core.errors import InputError
from tasks.relation_extraction.graph import Edge, Graph, Node, writable
from tasks.relation_extraction.types import Entity, RelationResult

Looks = tuple[str, str, str]  # what a type is called, its colour, and the shape of its nodes

# Six hues of the lightness of ``color_of``, legible under white and on both pages; the shape tells the type where a colour can't.
LOOKS: dict[str, Looks] = {
    "PER": ("person", "#c54f10", "ellipse"),
    "ORG": ("organisation", "#2174ce", "round-rectangle"),
    "LOC": ("place", "#188540", "triangle"),
    "TIME": ("time", "#916f00", "diamond"),
    "NUM": ("number", "#6d7483", "hexagon"),
    "MISC": ("other", "#a84dc1", "star"),
}
HEADERS = ["Head", "Relation", "Tail", "Score", "Evidence"]
DRAWN = 300  # nodes; more are a ball of wool that no browser moves smoothly
QUOTED = 10  # sentences an edge
ROWS = 500


def looks(kind: str | None) -> Looks:
    """How a type of entities is shown; types of the user's own have a colour by their name."""
    return LOOKS.get(kind or "") or (kind or "entity", color_of(writable(kind or "entity")), "ellipse")


def parse_relations(text: str | None) -> dict[str, str] | None:
    """The user's own relations, one a line, ``name`` or ``name: description``; None where the box is blank.

    Commas are part of a name. Raises ``InputError`` where a relation is named twice.
    """
    pairs = [line.partition(":") for line in (text or "").splitlines()]
    named = [(name.strip(), description.strip()) for name, _, description in pairs if name.strip()]
    twice = [name for name, times in Counter(name.casefold() for name, _ in named).items() if times > 1]
    if twice:
        raise InputError(f"The relation {twice[0]!r} is there twice: name each relation once.")
    return dict(named) or None


def own_labels(relations: dict[str, str] | None) -> dict[str, str] | list[str] | None:
    """The relations as a pipeline takes them: names alone let an adapter bring the descriptions that it knows."""
    return relations if relations and any(relations.values()) else list(relations) if relations else None


def segments(result: RelationResult) -> list[Segment]:
    """The text cut into (piece, type of entity or None); the pieces joined are the text. Of two that overlap the longer stays."""
    spans = [(span, looks(entity.type)[0]) for entity in result.entities for span in entity.mentions]
    pieces: list[Segment] = []
    position = 0
    for span, kind in sorted(spans, key=lambda pair: (pair[0].start, -pair[0].end)):
        if span.start >= position:
            pieces += [(result.text[position : span.start], None), (span.text, kind)]
            position = span.end
    pieces.append((result.text[position:], None))
    return [piece for piece in pieces if piece[0]]


def colors(entities: Sequence[Entity]) -> dict[str, str]:
    """Type -> colour, for the highlighted text."""
    return {name: color for name, color, _ in (looks(entity.type) for entity in entities)}


def amount(count: int, noun: str) -> str:
    """``1 entity``, ``2 entities``, ``3 relations``."""
    return plural(count, noun).replace("entitys", "entities")


def summary(results: Sequence[RelationResult], graph: Graph) -> str:
    """What was found, in a sentence (Markdown; holds none of the user's text)."""
    if not any(result.text.strip() for result in results):
        return "There is no text yet: type or paste some above, or press one of the examples."
    where = f" in {plural(len(results), 'text')}" if len(results) > 1 else ""
    unread = sum(result.coverage.total - result.coverage.read for result in results)
    note = f" {plural(unread, 'character')} could not be read." if unread else ""
    found = amount(len(graph.nodes), "entity")
    if not graph.edges:
        return f"**No relation found** between {found}{where}. Lower the threshold, or name the relations you look for." + note
    several = [edge for edge in graph.edges if len(edge.sources) > 1]
    shared = f" {plural(len(several), 'relation')} in more than one text." if several else ""
    return f"**{plural(len(graph.edges), 'relation')}** between {found}{where}.{shared}{note}"


def payload(graph: Graph, several: bool) -> dict[str, Any]:
    """What the drawing takes: nodes, edges, and the types and relations to choose from; ``several``: whether texts are named.

    Of a graph that is too large to be drawn the entities with the most relations are, and a note says so.
    """
    degree = Counter(end for edge in graph.edges for end in (edge.head, edge.tail))
    drawn = sorted(graph.nodes, key=lambda node: (-degree[node.id], -node.mentions))[:DRAWN]
    ids = {node.id for node in drawn}
    edges = [edge for edge in graph.edges if edge.head in ids and edge.tail in ids]
    kinds = Counter(node.type for node in drawn)
    named = Counter(edge.relation for edge in edges)
    note = (
        f"Drawn are the {DRAWN} entities with the most relations, of {len(graph.nodes):,}; the files have all."
        if ids != {node.id for node in graph.nodes}
        else ""
    )
    return {
        "nodes": [_node(node) for node in drawn],
        "edges": [_edge(edge, number) for number, edge in enumerate(edges, 1)],
        "types": [{"type": kind or "", "name": looks(kind)[0], "color": looks(kind)[1], "count": n} for kind, n in kinds.most_common()],
        "relations": [{"relation": name, "count": n} for name, n in named.most_common()],
        "several": several,
        "note": note,
    }


def _node(node: Node) -> dict[str, Any]:
    kind, color, shape = looks(node.type)
    shown = {"kind": kind, "color": color, "shape": shape, "mentions": node.mentions, "sources": list(node.sources[:QUOTED])}
    return {"id": node.id, "name": node.name, "type": node.type or "", **shown}


def _edge(edge: Edge, number: int) -> dict[str, Any]:
    quoted = [each.to_dict() for each in edge.evidence[:QUOTED]]
    ends = {"id": f"r{number}", "head": edge.head, "tail": edge.tail}
    return {**ends, "relation": edge.relation, "score": edge.score, "evidence": quoted, "more": len(edge.evidence) - len(quoted)}


def table(graph: Graph, several: bool) -> str:
    """The triples with their scores and the sentences that support them, as HTML; ``several``: whether texts are named."""
    nodes = {node.id: node for node in graph.nodes}
    rows = [[_end(nodes[e.head]), quoted(e.relation), _end(nodes[e.tail]), f"{e.score:.2f}", _told(e, several)] for e in graph.edges]
    if not rows:
        return '<p class="triples">No relation to show.</p>'
    cut = f", {ROWS} of {len(rows):,}; the files have all" if len(rows) > ROWS else ""
    return f'<div class="triples">{folding_table(HEADERS, rows[:ROWS], f"Relations, the likeliest first{cut}")}</div>'


def _end(node: Node) -> str:
    name, color, _ = looks(node.type)
    return f"<b>{quoted(node.name)}</b> {chip(name, color)}"


def _told(edge: Edge, several: bool) -> str:
    """The first sentence in full, the others folded."""
    told = [quoted(each.text) + (f" <cite>{quoted(each.source)}</cite>" if several else "") for each in edge.evidence]
    more = "".join(f"<li>{each}</li>" for each in told[1:QUOTED])
    return told[0] + (f"<details><summary>{len(told) - 1:,} more</summary><ul>{more}</ul></details>" if more else "")
