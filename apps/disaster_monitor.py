"""The disaster monitor: a file of messages in; counts, a timeline with its bursts, samples and the labelled file out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from apps import render
from apps.components import EXAMPLES, FILES_LIVE_SECONDS, Load, guarded
from apps.render import NOTHING
from apps.timeline import Timeline, build_timeline, parse_time
from tasks.core import files
from tasks.core.errors import InputError
from tasks.event_detection.types import EventResult

MAX_MESSAGES = 20_000
SHOWN = 50
PROGRESS_EVERY = 16
DEFAULT_TEXT, DEFAULT_TIME = "text", "time"
ALL = "All types"
SAMPLE_HEADERS = ["Type", "Message", "Score", "Time"]
# Gradio knows a handler that reports progress by a default of this kind.
_PROGRESS = gr.Progress()
BURST_HEADERS = ["Type", "When", "Messages", "Usual"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message, what it reports (``NOTHING`` for none) and when it was written."""

    text: str
    type: str
    score: float | None
    moment: datetime | None


def _read(path: str | None, text_column: str, time_column: str) -> tuple[list[dict[str, Any]], str | None]:
    """The file's rows and its time column, None where it has none; raises ``InputError`` with what to do."""
    if not path:
        raise InputError("There is no file yet: drop a CSV file of messages on the box, or press “Try a sample”.")
    rows = files.read_texts(path, text_column=text_column)
    if len(rows) > MAX_MESSAGES:
        raise InputError(
            f"The file has {len(rows):,} messages; the page reads up to {MAX_MESSAGES:,}. Split it, or use the command line: "
            "python -m tasks event-detection --input FILE --output FILE."
        )
    if time_column and any(time_column in row for row in rows):
        return rows, time_column
    if time_column and time_column != DEFAULT_TIME:
        columns = ", ".join(repr(str(name)) for name in rows[0])
        raise InputError(
            f"The file has no column {time_column!r} for the time; it has {columns}. Name one of them, or leave the box empty."
        )
    return rows, None


def _label(pipeline: Any, texts: Sequence[str], progress: Callable[[float], None]) -> list[tuple[str, float | None]]:
    """(type, score) of each text, in order; ``progress`` hears the share that is done, now and then."""
    labels: list[tuple[str, float | None]] = []
    for result in pipeline.stream(texts):
        labels.append(_of(result))
        if len(labels) % PROGRESS_EVERY == 0:
            progress(len(labels) / len(texts))
    return labels


def _of(result: EventResult) -> tuple[str, float | None]:
    best = max(result.events, key=lambda event: event.score, default=None)
    return (best.type, best.score) if best else (NOTHING, None)


def _report(messages: Sequence[Message], timeline: Timeline | None) -> dict[str, Any]:
    """Counts, bins and bursts as plain data: what a client of the endpoint gets."""
    report: dict[str, Any] = {"messages": len(messages), "counts": dict(Counter(m.type for m in messages).most_common()), "timeline": None}
    if timeline:
        report["timeline"] = {
            "bins": [start.isoformat() for start in timeline.starts],
            "counts": {kind: list(row) for kind, row in timeline.counts.items()},
            "bursts": [
                {"type": b.type, "start": b.start.isoformat(), "end": b.end.isoformat(), "messages": b.count, "usual": b.usual}
                for b in timeline.bursts
                if b.type != NOTHING
            ],
        }
    return report


def _timeline(messages: Sequence[Message]) -> Timeline | None:
    timed = [(m.moment, m.type) for m in messages if m.moment]
    return build_timeline([moment for moment, _ in timed], [kind for _, kind in timed])


def _sentence(messages: Sequence[Message], timeline: Timeline | None) -> str:
    informative = sum(m.type != NOTHING for m in messages)
    timed = sum(m.moment is not None for m in messages)
    words = f"**{len(messages):,} messages**, {informative:,} of them report something."
    if not timed:
        return words + " There is no timeline, because no message has a readable time."
    if timed < len(messages):
        words += f" {len(messages) - timed:,} without a readable time are not on the timeline."
    if timeline and any(b.type != NOTHING for b in timeline.bursts):
        words += " ▲ marks a burst: far more messages of a type than usual."
    return words


def _count_chart(messages: Sequence[Message]) -> Any:
    counts = Counter(m.type for m in messages)
    payload = render.chart({"messages": "quantitative", "type": "nominal"}, [[n, kind] for kind, n in counts.most_common()])
    return gr.BarPlot(payload, color_map=render.colors(list(counts)), visible=True)


def _time_chart(timeline: Timeline | None) -> Any:
    if timeline is None:
        return gr.BarPlot(visible=False)
    bursting = {i for b in timeline.bursts if b.type != NOTHING for i, start in enumerate(timeline.starts) if b.start <= start < b.end}
    names = [f"{label} ▲" if i in bursting else label for i, label in enumerate(timeline.labels)]
    kinds = sorted(timeline.counts, key=lambda kind: (kind == NOTHING, kind))
    rows = [[name, kind, timeline.counts[kind][i]] for i, name in enumerate(names) for kind in kinds]
    payload = render.chart({"time": "nominal", "type": "nominal", "messages": "quantitative"}, rows)
    return gr.BarPlot(payload, color_map=render.colors(kinds), visible=True)


def _burst_table(timeline: Timeline | None) -> Any:
    bursts = [b for b in timeline.bursts if b.type != NOTHING] if timeline else []
    rows = [[b.type, f"{b.start:%d %b %H:%M} to {b.end:%d %b %H:%M}", f"{b.count:,}", f"{b.usual:g} a bar"] for b in bursts]
    return gr.HTML(render.html_table(BURST_HEADERS, rows, "Bursts"), visible=bool(rows))


def _samples(messages: Sequence[Message], kind: str | None) -> str:
    """The surest messages of a type (of all types, where ``kind`` is ``ALL``)."""
    chosen = sorted((m for m in messages if kind in (None, ALL, m.type)), key=lambda m: -(m.score or 0.0))[:SHOWN]
    times = [f"{m.moment:%d %b %Y %H:%M}" if m.moment else "" for m in chosen]
    rows = [[m.type, m.text, "" if m.score is None else f"{m.score:.2f}", time] for m, time in zip(chosen, times, strict=True)]
    return render.html_table(SAMPLE_HEADERS, rows, "Messages, the surest first")


def _draw(messages: list[Message]) -> tuple[Any, ...]:
    """The charts and tables of what ``monitor_messages`` found."""
    timeline = _timeline(messages)
    counts = Counter(m.type for m in messages)
    choices = [(f"{ALL} ({len(messages):,})", ALL)] + [(f"{kind} ({n:,})", kind) for kind, n in counts.most_common()]
    return (
        _sentence(messages, timeline),
        _count_chart(messages),
        _time_chart(timeline),
        _burst_table(timeline),
        gr.Dropdown(choices, value=ALL, visible=True),
        gr.HTML(_samples(messages, ALL), visible=True),
        gr.DownloadButton(visible=True),
        gr.Accordion(visible=True),
    )


def _monitor(load: Load, cache: str) -> Callable[..., tuple[list[Message], dict[str, Any], str]]:
    @guarded
    def monitor_messages(
        path: str | None, text_column: str, time_column: str, progress: gr.Progress = _PROGRESS
    ) -> tuple[list[Message], dict[str, Any], str]:
        """Label a file of messages with what each reports in a disaster. Returns the counts and bursts, and the labelled CSV file."""
        text_name = (text_column or "").strip() or DEFAULT_TEXT
        rows, time_name = _read(path, text_name, (time_column or "").strip())
        progress(0.0, desc="Loading the model")
        pipeline = load("event-detection", adapter="crisis")
        texts = [str(row[text_name]) for row in rows]
        labels = _label(pipeline, texts, lambda share: progress(share, desc=f"Reading {len(texts):,} messages"))
        moments = [parse_time(row[time_name]) if time_name and time_name in row else None for row in rows]
        messages = [Message(text, *label, moment) for text, label, moment in zip(texts, labels, moments, strict=True)]
        stem = os.path.splitext(os.path.basename(path or ""))[0]
        labelled = save_bytes_to_cache(render.labelled_csv(rows, labels).encode("utf-8-sig"), f"{stem}_labelled.csv", cache)
        return messages, _report(messages, _timeline(messages)), labelled

    return monitor_messages


def _inputs() -> tuple[gr.File, gr.Textbox, gr.Textbox, gr.Button, gr.Button]:
    gr.Markdown("What do thousands of messages sent during a disaster report? Upload them to see it by type and by time.")
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=300):
            path = gr.File(
                label="Messages: CSV, TSV, JSONL, TXT or Parquet", file_types=[".csv", ".tsv", ".jsonl", ".txt", ".parquet"], height=150
            )
        with gr.Column(scale=2, min_width=300):
            with gr.Row():
                text_column = gr.Textbox(DEFAULT_TEXT, label="Text column", min_width=120)
                time_column = gr.Textbox(DEFAULT_TIME, label="Time column (optional)", min_width=120)
            button = gr.Button("Analyse messages", variant="primary")
            sample = gr.Button("Try a sample: 40 messages of a flood", variant="secondary", size="md")
    return path, text_column, time_column, button, sample


def _outputs() -> tuple[list[Any], gr.Dropdown, gr.HTML, gr.DownloadButton, gr.JSON]:
    summary = gr.Markdown("Counts, a timeline and samples will appear here.", elem_classes="summary")
    counts = gr.BarPlot(
        x="messages",
        y="type",
        color="type",
        x_title="Messages",
        y_title="Type",
        x_axis_format=",~f",
        x_lim=[0, None],
        colors_in_legend=[],
        label="Messages by type",
        visible=False,
    )
    times = gr.BarPlot(
        x="time",
        y="messages",
        color="type",
        x_title="Time",
        y_title="Messages",
        y_axis_format=",~f",
        x_label_angle=-90,
        colors_in_legend=[],
        label="Messages over time, in the colours above",
        visible=False,
        elem_id="timeline",
    )
    bursts = gr.HTML(visible=False, elem_id="bursts", padding=False)
    kind = gr.Dropdown([ALL], value=ALL, label="Sample messages of type", visible=False, interactive=True)
    samples = gr.HTML(visible=False, elem_id="samples", elem_classes="scroll", padding=False)
    labelled = gr.DownloadButton("Download the labelled file (CSV)", visible=False)
    with gr.Accordion("The report as JSON", open=False, visible=False) as more:
        report = gr.JSON(label="Report", show_label=False, max_height=360)
    return [summary, counts, times, bursts, kind, samples, labelled, more], kind, samples, labelled, report


def tab(load: Load) -> None:
    """Fill the current tab with the monitor. ``load(task, adapter=...)`` gives a pipeline."""
    path, text_column, time_column, button, sample = _inputs()
    drawn, kind, samples, labelled, report = _outputs()
    messages: gr.State = gr.State([], time_to_live=FILES_LIVE_SECONDS)
    monitor = _monitor(load, labelled.GRADIO_CACHE)
    inputs, outputs = [path, text_column, time_column], [messages, report, labelled]

    button.click(
        monitor, inputs, outputs, api_name="monitor_messages", show_progress_on=path, concurrency_limit=1, concurrency_id="monitor"
    ).success(_draw, messages, drawn, api_visibility="private", show_progress="hidden")
    sample.click(
        lambda: (str(EXAMPLES / "flood_messages.csv"), DEFAULT_TEXT, DEFAULT_TIME), None, inputs, api_visibility="private", queue=False
    ).then(
        monitor, inputs, outputs, api_visibility="private", show_progress_on=path, concurrency_limit=1, concurrency_id="monitor"
    ).success(_draw, messages, drawn, api_visibility="private", show_progress="hidden")
    kind.change(_samples, [messages, kind], samples, api_visibility="private", show_progress="hidden")
