"""What the page of relation extraction shows of texts: the graph, the table, the marked text, and files to take home."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from apps import render_relations as render
from apps.components import ASSETS, FILES_LIVE_SECONDS, guarded
from apps.uploads import keep
from tasks.core.errors import InputError
from tasks.relation_extraction.graph import Graph, merge, to_graphml, to_jsonld, to_ntriples
from tasks.relation_extraction.types import RelationResult

WRITERS = {"relations.graphml": to_graphml, "relations.jsonld": to_jsonld, "relations.nt": to_ntriples}
BUTTONS = ("Save as GraphML", "Save as JSON-LD", "Save as N-Triples")


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Found:
    """What was read in each text, the names of the texts, and the graph of all of them."""

    results: list[RelationResult]
    sources: list[str]
    graph: Graph

    @classmethod
    def of(cls, results: Sequence[RelationResult], sources: Sequence[str]) -> Found:
        """The results of texts with these names."""
        return cls(list(results), list(sources), merge(results, sources))

    @property
    def several(self) -> bool:
        """Whether there is more than one text, so that each is to be named."""
        return len(self.results) > 1


@dataclass(frozen=True, slots=True)
class View:
    """The components that show what was found, and the state that remembers it."""

    state: gr.State
    summary: gr.Markdown
    panel: gr.Column
    graph: gr.HTML
    table: gr.HTML
    chosen: gr.Dropdown
    text: gr.HighlightedText
    files: list[gr.DownloadButton]

    @property
    def outputs(self) -> list[Any]:
        """What ``show`` fills, in its order."""
        return [self.state, self.summary, self.panel, self.graph, self.table, self.chosen, self.text, *self.files]

    def show(self, found: Found) -> tuple[Any, ...]:
        """All that the page shows of ``found``."""
        choices = [(name, number) for number, name in enumerate(found.sources)]
        return (
            found,
            render.summary(found.results, found.graph),
            gr.Column(visible=any(result.text.strip() for result in found.results)),
            render.payload(found.graph, found.several),
            render.table(found.graph, found.several),
            gr.Dropdown(choices, value=0 if choices else None, visible=found.several),
            _marked(found, 0),
            *(gr.DownloadButton(value=path, interactive=True) for path in _files(found.graph, self.cache)),
        )

    @property
    def cache(self) -> str:
        """Where the files for download are."""
        return str(self.files[0].GRADIO_CACHE)


def _marked(found: Found | None, number: Any) -> Any:
    """The text of this number with its entities coloured by type."""
    if found is None or not isinstance(number, int) or not 0 <= number < len(found.results):
        return gr.skip()
    result = found.results[number]
    return gr.HighlightedText(render.segments(result), color_map=render.colors(result.entities))


def _files(graph: Graph, cache: str) -> list[str]:
    return [keep(write(graph), name, cache) for name, write in WRITERS.items()]


def _part(graph: Graph, data: Any) -> Graph:
    """The part of ``graph`` that a page's filters name; raises ``InputError`` for what no page of ours sends."""
    types, relations, threshold, lonely = (data.get(name) for name in ("types", "relations", "threshold", "lonely"))
    lists = all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in (types, relations))
    if not lists or isinstance(threshold, bool) or not isinstance(threshold, int | float):
        raise InputError("These filters can't be used: reload the page and try again.")
    return graph.filtered([name or None for name in types], relations, threshold, bool(lonely))


def build_view() -> View:
    """The part of the page below the inputs; its filters act on the graph in the browser, then on the table and the files."""
    state: gr.State = gr.State(None, time_to_live=FILES_LIVE_SECONDS)
    summary = gr.Markdown("Entities and the relations between them will appear here.", elem_classes="summary", elem_id="relations-found")
    with gr.Column(visible=False) as panel:
        with gr.Tabs():
            with gr.Tab("Graph"):
                graph = gr.HTML(
                    html_template=_asset("relation_graph.html"),
                    js_on_load=_asset("relation_graph.js"),
                    head=f"<script>{_asset('cytoscape.min.js')}</script>",
                    apply_default_css=False,
                    padding=False,
                    elem_id="relation-graph",
                )
            with gr.Tab("Table"):
                table = gr.HTML(padding=False, elem_id="relation-table", elem_classes="scroll")
            with gr.Tab("Text"):
                chosen = gr.Dropdown([], label="Show the text", visible=False, interactive=True)
                text = gr.HighlightedText(label="Text with entities", show_label=False, elem_classes=["highlights", "kinds"], min_width=0)
        with gr.Row():
            files = [gr.DownloadButton(name, size="md", min_width=100) for name in BUTTONS]
    view = View(state, summary, panel, graph, table, chosen, text, files)
    _connect(view)
    return view


def _connect(view: View) -> None:
    """Let the table and the files follow the filters, and the marked text the name that is chosen."""
    part: gr.State = gr.State(None, time_to_live=FILES_LIVE_SECONDS)

    @guarded
    def follow(found: Found | None, event: gr.EventData) -> Any:
        if found is None:  # the session was forgotten in between
            return [gr.skip() for _ in range(2 + len(view.files))]
        kept = _part(found.graph, event._data if isinstance(event._data, dict) else {})
        return [kept, render.table(kept, found.several), *(gr.DownloadButton(interactive=False) for _ in view.files)]

    @guarded
    def write(kept: Graph | None) -> Any:
        return (
            [gr.DownloadButton(value=path, interactive=True) for path in _files(kept, view.cache)]
            if kept
            else [gr.skip() for _ in view.files]
        )

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    # The files of a large graph take seconds: until they are written nobody should take the old ones for them.
    view.graph.input(follow, view.state, [part, view.table, *view.files], trigger_mode="always_last", **quiet).then(
        write, part, view.files, **quiet
    )
    view.chosen.input(_marked, [view.state, view.chosen], view.text, **quiet)
