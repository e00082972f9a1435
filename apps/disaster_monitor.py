"""The disaster monitor: a file of messages in; counts, a timeline with its bursts, samples and the labelled file out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import gradio as gr

from apps import render
from apps.components import FILES_LIVE_SECONDS, Load, guarded
from apps.render import NOTHING
from apps.timeline import Timeline, build_timeline
from apps.uploads import PROGRESS, followed, keep, picker, read_upload
from tasks.event_detection.types import EventResult

SHOWN = 50
ALL = "All types"
SAMPLE_HEADERS = ["Type", "Message", "Score", "Time"]
BURST_HEADERS = ["Type", "When", "Messages", "Usual"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message, what it reports (``NOTHING`` for none) and when it was written."""

    text: str
    type: str
    score: float | None
    moment: datetime | None


def _label(pipeline: Any, texts: Sequence[str], progress: Callable[[float], None]) -> list[tuple[str, float | None]]:
    """(type, score) of each text, in order; ``progress`` hears the share that is done, now and then."""
    return followed(map(_of, pipeline.stream(texts)), len(texts), progress)


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
    payload = render.time_chart(names, {kind: timeline.counts[kind] for kind in kinds}, "type", "messages")
    return gr.BarPlot(payload, color_map=render.colors(kinds), sort=names, visible=True)


def _burst_table(timeline: Timeline | None) -> Any:
    bursts = [b for b in timeline.bursts if b.type != NOTHING] if timeline else []
    rows = [[b.type, f"{b.start:%d %b %H:%M} – {b.end:%d %b %H:%M}", f"{b.count:,}", f"{b.usual:g} a bar"] for b in bursts]
    return gr.HTML(render.html_table(BURST_HEADERS, rows, "Bursts", ours=True), visible=bool(rows))


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
        path: str | None, text_column: str, time_column: str, progress: gr.Progress = PROGRESS
    ) -> tuple[list[Message], dict[str, Any], str]:
        """Label a file of messages with what each reports in a disaster. Returns the counts and bursts, and the labelled CSV file.

        Args:
            path: A CSV, TSV, JSONL, TXT or Parquet file of up to 20,000 messages.
            text_column: The file's column with the messages.
            time_column: The file's column with the time of each, if there is one.
        """
        upload = read_upload(path, text_column, time_column, "messages", "event-detection")
        progress(0.0, desc="Loading the model")
        pipeline = load("event-detection", adapter="crisis")
        labels = _label(pipeline, upload.texts, lambda share: progress(share, desc=f"Reading {len(upload.texts):,} messages"))
        messages = [Message(text, *label, moment) for text, label, moment in zip(upload.texts, labels, upload.moments, strict=True)]
        labelled = keep(render.labelled_csv(upload.rows, labels), f"{upload.stem}_labelled.csv", cache, "utf-8-sig")
        return messages, _report(messages, _timeline(messages)), labelled

    return monitor_messages


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
    gr.Markdown("What do thousands of messages sent during a disaster report? Upload them to see it by type and by time.")
    chosen = picker("Messages", "Analyse messages", "Try a sample: 40 messages of a flood")
    drawn, kind, samples, labelled, report = _outputs()
    messages: gr.State = gr.State([], time_to_live=FILES_LIVE_SECONDS)
    monitor = _monitor(load, labelled.GRADIO_CACHE)
    chosen.start(monitor, [messages, report, labelled], _draw, drawn, "monitor_messages", "flood_messages.csv")
    kind.change(_samples, [messages, kind], samples, api_visibility="private", show_progress="hidden")
