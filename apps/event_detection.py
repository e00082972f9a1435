"""Event detection: triggers in a text, of the shipped types or of the user's own, and the disaster monitor."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.events import api

from apps import disaster_monitor, render
from apps.about import About, Live, Usage
from apps.components import PIPELINES, Load, check_text, check_threshold, examples, guarded, own_threshold, page
from tasks.core.errors import InputError
from tasks.core.types import Coverage
from tasks.event_detection.types import EventResult

TASK = "event-detection"


def _check(text: Any, types: Any, threshold: Any) -> None:
    """Raise ``InputError`` unless the three are usable; Gradio passes on whatever a client sends."""
    if not isinstance(text, str) or not isinstance(types, str):
        raise InputError("The text and the types must be strings; separate types by commas or lines.")
    check_threshold(threshold)
    check_text(text, TASK)


def _detect(load: Load, text: str, types: str, threshold: float | None) -> EventResult:
    """Run the shipped pipeline on a text; raises ``InputError`` for what a page can't use."""
    _check(text, types, threshold)
    labels = render.parse_labels(types)
    if not text.strip():
        return EventResult(text, (), Coverage(len(text), len(text)))
    result: EventResult = load(TASK)(text, labels=labels, threshold=threshold)
    return result


def _outputs() -> list[Any]:
    summary = gr.Markdown("Events will appear here, each word that tells of one coloured by its type.", elem_classes="summary")
    with gr.Tabs():
        with gr.Tab("Highlighted"):
            highlight = gr.HighlightedText(label="Text with events", show_label=False, elem_classes="highlights", min_width=0)
        with gr.Tab("Table"):
            rows = gr.Dataframe(
                headers=render.TABLE_HEADERS,
                datatype="str",
                interactive=False,
                label="Events",
                show_label=False,
                elem_classes="readable",
            )
        with gr.Tab("JSON"):
            data = gr.JSON(label="Result", show_label=False, max_height=480)
    return [summary, highlight, rows, data]


def _text_tab(load: Load) -> None:
    @guarded
    def show(text: str, types: str, own: bool, threshold: float) -> tuple[Any, ...]:
        result = _detect(load, text or "", types or "", threshold if own else None)
        highlight = gr.HighlightedText(
            render.segments(result), color_map=render.colors([render.readable(event.type) for event in result.events])
        )
        return render.summary(result), highlight, render.table(result), result.to_dict()

    @guarded
    def detect_events(text: str, types: str = "", threshold: float | None = None) -> dict[str, Any]:
        """Detect events in a text. Returns text, events (type, score, trigger with start, end and text) and coverage.

        Args:
            text: The text to read, up to 200,000 characters.
            types: Your own event types, separated by commas or lines, each "name" or "name: description"; empty: the default types.
            threshold: Lowest probability of an event, from 0 to 1; null: the calibrated ones.
        """
        return _detect(load, text, types, threshold).to_dict()

    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=300) as left:
            text = gr.Textbox(label="Text", lines=7, max_lines=16, placeholder="A news report, a message, a bulletin …", autofocus=True)
            types = gr.Textbox(
                label="Your own event types (optional)",
                lines=2,
                max_lines=8,
                placeholder="flood, evacuation\nvaccination: people are given a vaccine",
                info="Commas or lines between them; a line may be “name: description”. Empty: the default types.",
            )
            own, threshold = own_threshold("events", "each type")
            button = gr.Button("Detect events", variant="primary")
        with gr.Column(scale=6, min_width=300):
            outputs = _outputs()
    inputs = [text, types, own, threshold]
    gr.on([button.click, text.submit], show, inputs, outputs, api_visibility="private", show_progress_on=outputs[1], trigger_mode="once")
    ready = examples("texts.json")
    with left:  # below the button, yet above the results on a phone
        gr.Examples(
            [[example["text"], example["types"], False, 0.5] for example in ready],
            inputs,
            outputs,
            show,
            run_on_click=True,
            cache_examples=False,
            example_labels=[example["name"] for example in ready],
            label="Examples",
            api_visibility="private",
        )
    api(detect_events, api_name="detect_events")


def _live(load: Load) -> str:
    return render.marked(_detect(load, LIVE, "", None))


LIVE = "A cyclone destroyed the harbour. Nurses treated the injured, and the government sent food and tents."
CALLED = "A 7.1 earthquake struck off Valparaíso on Sunday, and thousands fled to higher ground."
ABOUT = About(
    what="Finds what happened in a text: the words that tell of an event, each with its type, of 166 known ones or of your own. The "
    "disaster monitor sorts thousands of messages by what they report.",
    why="In an earthquake or an outbreak nobody can read every message: responders see at once where roads are cut, who is missing and "
    "what is needed, hour by hour.",
    live=Live(LIVE, _live),
    usage=Usage(
        endpoint="detect_events",
        arguments={"text": CALLED},
        python=f"""from tasks import pipeline

events = pipeline("event-detection")
result = events("{CALLED}")
for event in result.events:
    print(event.type, event.trigger.text, round(event.score, 2))
""",
        terminal=f'python -m tasks event-detection "{CALLED}"\n',
    ),
)


def build(load: Load = PIPELINES) -> gr.Blocks:
    """The app: one tab for a text, one for a file of messages. ``load(task, adapter=...)`` gives a pipeline."""
    demo = page()
    with demo, gr.Tabs():
        with gr.Tab("Text"):
            _text_tab(load)
        with gr.Tab("Disaster monitor"):
            disaster_monitor.tab(load)
    return demo
