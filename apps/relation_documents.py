"""Several texts -> one graph: pasted between lines of dashes or from files, entities joined, every relation with its sources."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import api

from apps import render_relations as render
from apps.components import EXAMPLES, Load, check_text, check_threshold, guarded
from apps.relation_view import Found, View
from apps.uploads import DEFAULT_TEXT, PROGRESS, followed
from tasks.core import files
from tasks.core.errors import InputError
from tasks.relation_extraction.graph import merge

TASK = "relation-extraction"
MAX_TEXTS = 2000
DEFAULT_NAME = "source"
SAMPLE = "relations.csv"
DASHES = re.compile(r"^[ \t]*-{3,}[ \t]*$", re.MULTILINE)
Documents = list[tuple[str, str]]  # name, text


def split(pasted: str) -> Documents:
    """The texts between lines of three dashes or more, blank ones left out."""
    return [(f"text {number}", text) for number, text in enumerate((t.strip() for t in DASHES.split(pasted) if t.strip()), 1)]


def read(path: str, text_column: str, name_column: str) -> Documents:
    """The texts of a file: all of a TXT file is one, a table's rows are one each, by the column of names or their numbers."""
    column, stem = text_column.strip() or DEFAULT_TEXT, Path(path).name
    rows = files.read_texts(path, text_column=column)
    if Path(path).suffix.lower() == ".txt":
        return [(stem, "\n".join(row[column] for row in rows))]
    named = name_column.strip()
    if named and named != DEFAULT_NAME and not any(named in row for row in rows):
        raise InputError(f"{stem!r} has no column {named!r} for the names: name another, or leave the box empty to number the rows.")
    return [(str(row.get(named) or "").strip() or f"{stem}, row {number}", row[column]) for number, row in enumerate(rows, 1)]


def gather(pasted: str, paths: Sequence[str], text_column: str, name_column: str) -> Documents:
    """All texts with names of their own; raises ``InputError`` where there are none, or too many."""
    found = [*split(pasted), *(each for path in paths for each in read(path, text_column, name_column))]
    found = [(name, text) for name, text in found if text.strip()]
    if not found:
        raise InputError("There are no texts yet: paste some with a line of --- between them, drop files, or press “Try a sample”.")
    return _apart(_checked(found))


def _checked(found: Documents) -> Documents:
    if len(found) > MAX_TEXTS:
        raise InputError(
            f"There are {len(found):,} texts; the page reads up to {MAX_TEXTS:,}. Give fewer, or use the command line: "
            f"python -m tasks {TASK} --input FILE --output FILE."
        )
    for _, text in found:
        check_text(text, TASK)
    return found


def _apart(found: Documents) -> Documents:
    """A number after each name that is taken, so that a source is one text."""
    times: Counter[str] = Counter()
    taken = {name for name, _ in found}
    apart: Documents = []
    for name, text in found:
        times[name] += 1
        while times[name] > 1 and f"{name} ({times[name]})" in taken:
            times[name] += 1
        apart.append((name if times[name] == 1 else f"{name} ({times[name]})", text))
    return apart


def extract(load: Load, documents: Documents, relations: str, threshold: float | None, progress: Callable[..., Any]) -> Found:
    """Read all ``documents``, telling ``progress``; raises ``InputError`` for options that can't be used."""
    check_threshold(threshold)
    labels = render.own_labels(render.parse_relations(relations))
    progress(0.0, desc="Loading the model")
    stream = load(TASK).stream([text for _, text in documents], labels=labels, threshold=threshold)
    total = len(documents)
    results = followed(stream, total, lambda share: progress(share, desc=f"Reading {total:,} texts"))
    return Found.of(results, [name for name, _ in documents])


def _named(texts: Any, sources: Any) -> Documents:
    """What a client of the endpoint sent, if it is texts; raises ``InputError``."""
    for given in (texts, sources or []):
        if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
            raise InputError("texts must be a list of strings, and sources, where you give any, the name of each.")
    names = sources or [f"text {number}" for number in range(1, len(texts) + 1)]
    if len(names) != len(texts):
        raise InputError(f"There are {len(names):,} sources for {len(texts):,} texts: give one for each, or none.")
    return _checked(list(zip(names, texts, strict=True)))


def _inputs() -> tuple[list[Any], gr.Column]:
    gr.Markdown(
        "One graph of many texts: what several of them name is one entity, and each relation says which of them tell of it. "
        "A TXT file is one text; of a CSV, TSV, JSONL or Parquet file each row is one."
    )
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=300):
            pasted = gr.Textbox(
                label="Texts, with a line of --- between them",
                lines=6,
                max_lines=14,
                placeholder="A text …\n---\nAnother text …",
            )
            paths = gr.File(
                label="… or files",
                file_types=list(files.SUFFIXES),
                file_count="multiple",
                type="filepath",
                height=140,
            )
        with gr.Column(scale=4, min_width=300) as side, gr.Row():
            text_column = gr.Textbox(DEFAULT_TEXT, label="Column of the texts", min_width=120, max_lines=1)
            name_column = gr.Textbox(DEFAULT_NAME, label="Column of their names", min_width=120, max_lines=1)
    return [pasted, paths, text_column, name_column], side


def _show(load: Load, view: View) -> Callable[..., tuple[Any, ...]]:
    @guarded
    def show(
        pasted: str,
        paths: list[str] | None,
        text_column: str,
        name_column: str,
        relations: str,
        own: bool,
        threshold: float,
        progress: gr.Progress = PROGRESS,
    ) -> tuple[Any, ...]:
        documents = gather(pasted or "", paths or [], text_column or "", name_column or "")
        return view.show(extract(load, documents, relations or "", threshold if own else None, progress))

    return show


def _endpoint(load: Load) -> Callable[..., dict[str, Any]]:
    @guarded
    def extract_relation_graph(
        texts: list[str], sources: list[str] | None = None, relations: str = "", threshold: float | None = None
    ) -> dict[str, Any]:
        """Join the entities and relations of several texts to one graph. Returns nodes (id, name, type, mentions, sources)
        and edges (head and tail: ids of nodes; relation, score, and the evidence: sentences, each with its source).

        Args:
            texts: The texts to read, up to 2,000.
            sources: A name for each of the texts, in their order; null: they are numbered.
            relations: Your own relations, one a line, each "name" or "name: description"; empty: the default ones.
            threshold: Lowest probability of a relation, from 0 to 1; null: the calibrated ones.
        """
        if not isinstance(relations, str):
            raise InputError("The relations must be a string, one a line.")
        documents = _named(texts, sources)
        check_threshold(threshold)
        if not any(text.strip() for _, text in documents):
            return merge([], []).to_dict()
        return extract(load, documents, relations, threshold, lambda *_, **__: None).graph.to_dict()

    return extract_relation_graph


def tab(load: Load, view: View, options: Callable[[], list[Any]]) -> None:
    """Fill the current tab with the choosing of texts; ``view`` shows their graph, ``options`` makes its boxes."""
    inputs, side = _inputs()
    with side:
        inputs += options()
        with gr.Row():
            button = gr.Button("Build the graph", variant="primary", min_width=140)
            sample = gr.Button("Try a sample", min_width=140)
    one_at_a_time: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "relation_graph"}
    work: dict[str, Any] = {"api_visibility": "private", "show_progress_on": view.summary, **one_at_a_time}
    show = _show(load, view)
    button.click(show, inputs, view.outputs, **work)
    sample.click(
        lambda: ("", [str(EXAMPLES / SAMPLE)], DEFAULT_TEXT, DEFAULT_NAME), None, inputs[:4], api_visibility="private", queue=False
    ).then(show, inputs, view.outputs, **work)
    api(_endpoint(load), api_name="extract_relation_graph", **one_at_a_time)
