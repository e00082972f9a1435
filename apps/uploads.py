"""A user's file of texts on a page: choosing it, reading it, telling how far the work is, and files to take home."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from apps.components import EXAMPLES
from apps.timeline import parse_time
from tasks.core import files
from tasks.core.errors import InputError

Item = TypeVar("Item")

MAX_ROWS = 20_000
PROGRESS_EVERY = 16
DEFAULT_TEXT, DEFAULT_TIME = "text", "time"
# Gradio knows a handler that reports progress by a default of this kind.
PROGRESS = gr.Progress()


@dataclass(frozen=True, slots=True)
class Upload:
    """A file's rows, the text of each, when it was written (None where that can't be read), and the file's bare name."""

    rows: list[dict[str, Any]]
    texts: list[str]
    moments: list[datetime | None]
    stem: str


def read_upload(path: str | None, text_column: str | None, time_column: str | None, noun: str, task: str) -> Upload:
    """The file at ``path``; ``noun`` says what its rows are. Raises ``InputError`` with what to do."""
    if not path:
        raise InputError(f"There is no file yet: drop a CSV file of {noun} on the box, or press “Try a sample”.")
    text_name = (text_column or "").strip() or DEFAULT_TEXT
    rows = files.read_texts(path, text_column=text_name)
    if len(rows) > MAX_ROWS:
        raise InputError(
            f"The file has {len(rows):,} {noun}; the page reads up to {MAX_ROWS:,}. Split it, or use the command line: "
            f"python -m tasks {task} --input FILE --output FILE."
        )
    time_name = _time_column(rows, (time_column or "").strip())
    moments = [parse_time(row[time_name]) if time_name and time_name in row else None for row in rows]
    return Upload(rows, [str(row[text_name]) for row in rows], moments, os.path.splitext(os.path.basename(path))[0])


def _time_column(rows: Sequence[dict[str, Any]], name: str) -> str | None:
    """The time column, None where there is none; raises ``InputError`` where the user named one that is not there."""
    if name and any(name in row for row in rows):
        return name
    if name and name != DEFAULT_TIME:
        columns = ", ".join(repr(str(column)) for column in rows[0])
        raise InputError(f"The file has no column {name!r} for the time; it has {columns}. Name one of them, or leave the box empty.")
    return None


def followed(results: Iterable[Item], total: int, progress: Callable[[float], None]) -> list[Item]:
    """All ``results``, in order; ``progress`` hears the share of ``total`` that is done, now and then."""
    done: list[Item] = []
    for result in results:
        done.append(result)
        if len(done) % PROGRESS_EVERY == 0:
            progress(len(done) / total)
    return done


def keep(content: str, name: str, cache: str, encoding: str = "utf-8") -> str:
    """The path of a file that the page offers for download until the cache is cleaned."""
    return str(save_bytes_to_cache(content.encode(encoding), name, cache))


@dataclass(frozen=True, slots=True)
class Picker:
    """Where a file and its columns are chosen, and the buttons that start the work."""

    path: gr.File
    text_column: gr.Textbox
    time_column: gr.Textbox
    button: gr.Button
    sample: gr.Button

    @property
    def inputs(self) -> list[Any]:
        """What a handler of the file takes: path, text column, time column."""
        return [self.path, self.text_column, self.time_column]

    def start(
        self,
        handler: Callable[..., Any],
        outputs: Sequence[Any],
        draw: Callable[..., Any],
        drawn: Sequence[Any],
        api_name: str,
        sample: str,
    ) -> None:
        """Run ``handler`` on the chosen file or the ``sample``, then ``draw`` its first output, a state, into ``drawn``."""
        work: dict[str, Any] = {"show_progress_on": self.path, "concurrency_limit": 1, "concurrency_id": api_name}
        after: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        self.button.click(handler, self.inputs, outputs, api_name=api_name, **work).success(draw, outputs[0], drawn, **after)
        self.sample.click(
            lambda: (str(EXAMPLES / sample), DEFAULT_TEXT, DEFAULT_TIME), None, self.inputs, api_visibility="private", queue=False
        ).then(handler, self.inputs, outputs, api_visibility="private", **work).success(draw, outputs[0], drawn, **after)


def picker(noun: str, button: str, sample: str) -> Picker:
    """The choosing part of a page; ``noun`` says what the file's rows are, the other two are the buttons' words."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=300):
            path = gr.File(label=f"{noun}: CSV, TSV, JSONL, TXT or Parquet", file_types=list(files.SUFFIXES), height=150)
        with gr.Column(scale=2, min_width=300):
            with gr.Row():
                text_column = gr.Textbox(DEFAULT_TEXT, label="Text column", min_width=120)
                time_column = gr.Textbox(DEFAULT_TIME, label="Time column (optional)", min_width=120)
            return Picker(path, text_column, time_column, gr.Button(button, variant="primary"), gr.Button(sample, size="md"))
