"""Relation extraction: entities, the relations between them and their graph, of one text or of many."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.events import api

from apps import relation_documents
from apps import render_relations as render
from apps.about import About, Live, Usage
from apps.components import PIPELINES, Load, check_text, check_threshold, examples, guarded, own_threshold, page
from apps.relation_view import Found, View, build_view
from tasks.core.errors import InputError
from tasks.core.types import Coverage
from tasks.relation_extraction.graph import merge
from tasks.relation_extraction.types import RelationResult

TASK = "relation-extraction"


def _extract(load: Load, text: Any, relations: Any, threshold: Any) -> RelationResult:
    """Run the shipped pipeline on a text; raises ``InputError`` for what a page can't use."""
    if not isinstance(text, str) or not isinstance(relations, str):
        raise InputError("The text and the relations must be strings; give one relation a line.")
    check_threshold(threshold)
    check_text(text, TASK)
    labels = render.own_labels(render.parse_relations(relations))
    if not text.strip():
        return RelationResult(text, (), (), Coverage(len(text), len(text)))
    result: RelationResult = load(TASK)(text, labels=labels, threshold=threshold)
    return result


def _options() -> list[Any]:
    relations = gr.Textbox(
        label="Your own relations (optional)",
        lines=3,
        max_lines=8,
        placeholder="founder of\nchief executive of: person who leads the organisation",
        info="One a line, “name” or “name: description”. Empty: the default relations.",
    )
    return [relations, *own_threshold("relations", "each relation")]


def _text_tab(load: Load, view: View) -> None:
    @guarded
    def show(text: str, relations: str, own: bool, threshold: float) -> tuple[Any, ...]:
        result = _extract(load, text or "", relations or "", threshold if own else None)
        return view.show(Found.of([result], ["the text"]))

    @guarded
    def extract_relations(text: str, relations: str = "", threshold: float | None = None) -> dict[str, Any]:
        """Extract the entities of a text and the relations between them. Returns text, entities (type, score, span with
        start, end and text, mentions), relations (head and tail: indices of entities; type, score, evidence) and coverage.

        Args:
            text: The text to read, up to 200,000 characters.
            relations: Your own relations, one a line, each "name" or "name: description"; empty: the default ones.
            threshold: Lowest probability of a relation, from 0 to 1; null: the calibrated ones.
        """
        return _extract(load, text, relations, threshold).to_dict()

    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=300):
            text = gr.Textbox(label="Text", lines=9, max_lines=16, placeholder="A report, an article, a biography …", autofocus=True)
        with gr.Column(scale=4, min_width=300):
            inputs = [text, *_options()]
            button = gr.Button("Extract relations", variant="primary")
    ready = examples("relations.json")
    gr.Examples(
        [[example["text"], example["relations"], False, 0.5] for example in ready],
        inputs,
        view.outputs,
        show,
        run_on_click=True,
        cache_examples=False,
        example_labels=[example["name"] for example in ready],
        examples_per_page=20,
        label="Examples",
        api_visibility="private",
    )
    shown: dict[str, Any] = {"api_visibility": "private", "show_progress_on": view.summary, "trigger_mode": "once"}
    gr.on([button.click, text.submit], show, inputs, view.outputs, **shown)
    api(extract_relations, api_name="extract_relations")


def _live(load: Load) -> str:
    return render.table(merge([_extract(load, LIVE, "", 0.5)], ["the text"]), several=False)


LIVE = "Wangari Maathai founded the Green Belt Movement in Kenya. She was born in Nyeri."
CALLED = "Marie Curie was born in Warsaw in 1867. She worked at the University of Paris."
ABOUT = About(
    what="Draws out who is related to whom, and how: people, places, organisations and dates, joined by 109 relations or by your own, as a "
    "table with its sentences and as a graph of one text or many.",
    why="Science and journalism sit on mountains of text: which river a plant discharges into, who funds a study or leads a movement "
    "becomes a graph that can be asked, checked and shared.",
    live=Live(LIVE, _live),
    usage=Usage(
        endpoint="extract_relations",
        arguments={"text": CALLED, "relations": "place of birth\nemployer"},
        python=f"""from tasks import pipeline

relations = pipeline("relation-extraction")
result = relations("{CALLED}", labels=["place of birth", "employer"])
for relation in result.relations:
    head, tail = result.entities[relation.head], result.entities[relation.tail]
    print(head.span.text, "|", relation.type, "|", tail.span.text)
""",
        terminal=f'python -m tasks relation-extraction "{CALLED}" --labels "place of birth" employer\n',
    ),
)


def build(load: Load = PIPELINES) -> gr.Blocks:
    """The app: one tab for a text, one for many, and below them what was found. ``load(task, adapter=...)`` gives a pipeline."""
    demo = page()
    with demo:
        with gr.Tabs():
            text, documents = gr.Tab("Text"), gr.Tab("Documents")
        view = build_view()
        with text:
            _text_tab(load, view)
        with documents:
            relation_documents.tab(load, view, _options)
    return demo
