"""The consultation: a proposal and many contributions in; shares, the strongest arguments and the labelled file out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from apps import render_consultation as render
from apps.components import EXAMPLES, FILES_LIVE_SECONDS, Load, guarded
from apps.uploads import DEFAULT_TEXT, MAX_ROWS, PROGRESS, PROGRESS_EVERY, keep
from tasks.core import files
from tasks.core.errors import InputError
from tasks.opinion_analysis.consultation import Consultation, consult

TASK = "opinion-analysis"
MAX_PROPOSAL = 300  # characters; in tokens the model itself says what is too long
MAX_PASTED = 2_000_000
SAMPLE = "consultation.csv"
SAMPLE_PROPOSAL = "The market square should be closed to cars."
Rows = list[dict[str, Any]]


def _check_proposal(proposal: Any) -> str:
    """The proposal, if it is one; Gradio passes on whatever a client sends. Raises ``InputError``."""
    if not isinstance(proposal, str) or not proposal.strip():
        raise InputError("There is no proposal yet: say in a sentence what people are for or against, or press “Try a sample”.")
    if len(proposal.strip()) > MAX_PROPOSAL:
        raise InputError(
            f"The proposal has {len(proposal.strip()):,} characters; the page reads up to {MAX_PROPOSAL}. "
            "Say it in one sentence, such as “The market square should be closed to cars”."
        )
    return " ".join(proposal.split())


def _read(pasted: Any, path: str | None, text_column: str) -> Rows:
    """The contributions as rows with ``text_column``, from the box or from the file; raises ``InputError`` with what to do."""
    if not isinstance(pasted, str):
        raise InputError("The contributions must be a string, one a line.")
    if pasted.strip() and path:
        raise InputError("There are contributions in the box and a file too: empty one of them, so that it is clear which are meant.")
    if len(pasted) > MAX_PASTED:
        raise InputError(f"These are {len(pasted):,} characters; the box takes up to {MAX_PASTED:,}. Save them as a file and upload it.")
    rows = files.read_texts(path, text_column=text_column) if path else _lines(pasted, text_column)
    if not any(row[text_column].strip() for row in rows):
        raise InputError("There are no contributions yet: paste some, one a line, drop a file on the box, or press “Try a sample”.")
    if len(rows) > MAX_ROWS:
        raise InputError(
            f"There are {len(rows):,} contributions; the page reads up to {MAX_ROWS:,}. Split them, or use the command line: "
            "python -m tasks opinion-analysis --target PROPOSAL --input FILE --output FILE."
        )
    return rows


def _lines(pasted: str, text_column: str) -> Rows:
    """A row a line; blank lines are how people set paragraphs apart, not contributions."""
    return [{text_column: line.strip()} for line in pasted.splitlines() if line.strip()]


def _hear(progress: gr.Progress) -> Callable[[str, float | None], None]:
    """What ``consult`` says, passed on now and then: each word to the page costs as much as reading a text."""
    heard = 0

    def hear(what: str, share: float | None) -> None:
        nonlocal heard
        if heard % PROGRESS_EVERY == 0 or share is None:
            progress(1.0 if share is None else share, desc=what)  # Gradio shows no words without a share
        heard += 1

    return hear


def _analyze(load: Load, cache: str) -> Callable[..., tuple[Consultation, dict[str, Any], str, str]]:
    @guarded
    def analyze_consultation(
        proposal: str, contributions: str = "", path: str | None = None, text_column: str = DEFAULT_TEXT, progress: gr.Progress = PROGRESS
    ) -> tuple[Consultation, dict[str, Any], str, str]:
        """Find who is for and against a proposal, and why. Returns the shares with their 95 % intervals and the strongest
        arguments (text, score, row number and similar rows, from 0), and the labelled contributions as CSV and as JSONL.

        Args:
            proposal: What the contributions are for or against, in one sentence.
            contributions: The contributions, one a line; or empty, and path.
            path: A CSV, TSV, JSONL, TXT or Parquet file of up to 20,000 contributions; left out: contributions.
            text_column: The file's column with the contributions.
        """
        said, name = _check_proposal(proposal), (text_column or "").strip() or DEFAULT_TEXT
        rows = _read(contributions or "", path, name)
        progress(0.0, desc="Loading the model")
        found = consult(load(TASK), [row[name] for row in rows], said, progress=_hear(progress))
        stem = Path(path or "contributions").stem
        table = keep(render.stances_csv(rows, found.stances), f"{stem}_stances.csv", cache, "utf-8-sig")
        lines = keep(render.stances_jsonl(rows, found.stances), f"{stem}_stances.jsonl", cache)
        return found, render.report(found), table, lines

    return analyze_consultation


def _draw(found: Consultation | None) -> tuple[Any, ...]:
    """What ``analyze_consultation`` found, as the page shows it."""
    if found is None:  # the session was forgotten in between
        return tuple(gr.skip() for _ in range(9))
    return (
        render.sentence(found),
        gr.HTML(render.bars(found), visible=True),
        gr.HTML(render.arguments(found, "favor"), visible=True),
        gr.HTML(render.arguments(found, "against"), visible=True),
        gr.Radio(render.choices(found), value=render.ALL, visible=True),
        gr.HTML(render.table(found, render.ALL), visible=True),
        gr.DownloadButton(visible=True),
        gr.DownloadButton(visible=True),
        gr.Accordion(visible=True),
    )


def _inputs() -> tuple[list[Any], gr.Button, gr.Button]:
    gr.Markdown("What do hundreds of people say to a proposal? Give both, to see who is for and against it, and why.")
    proposal = gr.Textbox(
        label="Proposal", lines=1, max_lines=4, placeholder=SAMPLE_PROPOSAL, info="One sentence that people can be for or against."
    )
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=300):
            pasted = gr.Textbox(
                "",  # so that a program may leave it out
                label="Contributions, one a line",
                lines=7,
                max_lines=14,
                placeholder="Children could play there …\nWhere would we park? …",
            )
        with gr.Column(scale=2, min_width=260):
            path = gr.File(
                label="… or a file (CSV, TSV, JSONL, TXT, Parquet)", file_types=list(files.SUFFIXES), type="filepath", height=140
            )
            text_column = gr.Textbox(DEFAULT_TEXT, label="Column of the contributions", max_lines=1)
    with gr.Row():
        button = gr.Button("Analyse contributions", variant="primary", min_width=220)
        sample = gr.Button("Try a sample", min_width=220)
    return [proposal, pasted, path, text_column], button, sample


def _outputs() -> tuple[list[Any], gr.Radio, gr.HTML, list[Any]]:
    summary = gr.Markdown(
        "The shares and the strongest arguments on each side will appear here.", elem_classes="summary", elem_id="verdict"
    )
    bars = gr.HTML(visible=False, elem_id="shares", padding=False)
    with gr.Row(equal_height=False):
        with gr.Column(min_width=300):
            favor = gr.HTML(visible=False, elem_id="arguments-for", padding=False)
        with gr.Column(min_width=300):
            against = gr.HTML(visible=False, elem_id="arguments-against", padding=False)
    stance = gr.Radio([render.ALL], value=render.ALL, label="Show contributions", visible=False, interactive=True)
    rows = gr.HTML(visible=False, elem_id="contributions", elem_classes="scroll", padding=False)
    with gr.Row():
        table = gr.DownloadButton("Download as CSV", visible=False, min_width=220)
        lines = gr.DownloadButton("Download as JSONL", visible=False, min_width=220)
    with gr.Accordion("The report as JSON", open=False, visible=False) as more:
        report = gr.JSON(label="Report", show_label=False, max_height=360)
    return [summary, bars, favor, against, stance, rows, table, lines, more], stance, rows, [report, table, lines]


def _filtered(found: Consultation | None, stance: str) -> Any:
    return render.table(found, stance) if found else gr.skip()


def tab(load: Load) -> None:
    """Fill the current tab with the consultation. ``load(task)`` gives a pipeline."""
    inputs, button, sample = _inputs()
    drawn, stance, rows, told = _outputs()
    found: gr.State = gr.State(None, time_to_live=FILES_LIVE_SECONDS)
    analyze = _analyze(load, told[1].GRADIO_CACHE)
    outputs = [found, *told]
    running: dict[str, Any] = {"show_progress_on": inputs[2], "concurrency_limit": 1, "concurrency_id": "consultation"}

    button.click(analyze, inputs, outputs, api_name="analyze_consultation", **running).success(
        _draw, found, drawn, api_visibility="private", show_progress="hidden"
    )
    sample.click(
        lambda: (SAMPLE_PROPOSAL, "", str(EXAMPLES / SAMPLE), DEFAULT_TEXT), None, inputs, api_visibility="private", queue=False
    ).then(analyze, inputs, outputs, api_visibility="private", **running).success(
        _draw, found, drawn, api_visibility="private", show_progress="hidden"
    )
    stance.change(_filtered, [found, stance], rows, api_visibility="private", show_progress="hidden")
