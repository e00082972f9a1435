"""Opinion analysis: the opinions in a text and its stance towards a proposal, a file of reviews, and a consultation."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.events import api

from apps import consultation, opinion_reviews, render_opinions
from apps.about import About, Live, Usage
from apps.components import PIPELINES, Load, check_text, check_threshold, examples, guarded, own_threshold, page
from tasks.core.errors import InputError
from tasks.core.types import Coverage
from tasks.opinion_analysis.types import POLARITIES, Label, OpinionResult

TASK = "opinion-analysis"
# Whoever points at, taps or tabs to one part of an opinion sees its other part too.
PARTNERS = """
const show = part => {
  element.querySelectorAll('.on').forEach(other => other.classList.remove('on'));
  const piece = element.contains(part) && part.closest('[data-o]');
  for (const number of piece ? piece.dataset.o.split(' ') : [])
    element.querySelectorAll(`[data-o~="${number}"]`).forEach(other => other.classList.add('on'));
};
for (const name of ['mouseover', 'focusin']) element.addEventListener(name, event => show(event.target));
for (const name of ['mouseout', 'focusout']) element.addEventListener(name, () => show(document.activeElement));
"""


def _check(text: Any, proposal: Any, threshold: Any) -> None:
    """Raise ``InputError`` unless the three are usable; Gradio passes on whatever a client sends."""
    if not isinstance(text, str) or not isinstance(proposal, str):
        raise InputError("The text and the proposal must be strings.")
    check_threshold(threshold)
    check_text(text, TASK)
    check_text(proposal, TASK)


def _analyze(load: Load, text: str, proposal: str, threshold: float | None) -> OpinionResult:
    """Run the shipped pipeline on a text; raises ``InputError`` for what a page can't use."""
    _check(text, proposal, threshold)
    if not text.strip():
        return OpinionResult(text, Label.of(POLARITIES, (0.0, 0.0, 1.0)), (), None, Coverage(len(text), len(text)))
    result: OpinionResult = load(TASK)(text, target=proposal.strip() or None, threshold=threshold)
    return result


def _verdicts(result: OpinionResult) -> Any:
    """The bars of the polarity and, where a proposal was given, of the stance; nothing for no text."""
    bars = render_opinions.verdict("The text as a whole", result.polarity)
    if result.stance:
        bars += render_opinions.verdict("Towards the proposal", result.stance)
    return gr.HTML(bars, visible=bool(result.text.strip()))


def _inputs() -> list[Any]:
    text = gr.Textbox(label="Text", lines=7, max_lines=16, placeholder="A review, a comment, a contribution …", autofocus=True)
    proposal = gr.Textbox(
        label="A proposal: tells the stance too (optional)",
        lines=1,
        max_lines=4,
        placeholder="We should run night buses",
        info="Is the text for or against it?",
    )
    return [text, proposal, *own_threshold("opinions", "the model")]


def _outputs() -> list[Any]:
    summary = gr.Markdown("Opinions will appear here: what is judged, and the words that judge it.", elem_classes="summary")
    verdicts = gr.HTML(visible=False, padding=False)
    with gr.Tabs():
        with gr.Tab("Highlighted"):
            highlight = gr.HTML(js_on_load=PARTNERS, padding=False, elem_id="opinions")
        with gr.Tab("Table"):
            rows = gr.Dataframe(
                headers=render_opinions.TABLE_HEADERS,
                datatype="str",
                interactive=False,
                label="Opinions",
                show_label=False,
                elem_classes="readable",
            )
        with gr.Tab("JSON"):
            data = gr.JSON(label="Result", show_label=False, max_height=480)
    return [summary, verdicts, highlight, rows, data]


def _text_tab(load: Load) -> None:
    @guarded
    def show(text: str, proposal: str, own: bool, threshold: float) -> tuple[Any, ...]:
        result = _analyze(load, text or "", proposal or "", threshold if own else None)
        views = render_opinions.highlighted(result), render_opinions.table(result), result.to_dict()
        return render_opinions.summary(result), _verdicts(result), *views

    @guarded
    def analyze_opinions(text: str, proposal: str = "", threshold: float | None = None) -> dict[str, Any]:
        """Analyse the opinions in a text. Returns text, polarity, opinions, stance and coverage.

        polarity is the text's as a whole (label, score, scores); each opinion has a target and an expression (start,
        end and text, or null), a polarity (positive, negative or neutral) and a score.

        Args:
            text: The text to read, up to 200,000 characters.
            proposal: A sentence to be for or against: the stance towards it (favor, against or neutral) is told too; empty: none.
            threshold: Lowest probability of an opinion, from 0 to 1; null: the calibrated one.
        """
        return _analyze(load, text, proposal, threshold).to_dict()

    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=300) as left:
            inputs = _inputs()
            button = gr.Button("Analyse opinions", variant="primary")
        with gr.Column(scale=6, min_width=300):
            outputs = _outputs()
    triggers = [button.click, inputs[0].submit, inputs[1].submit]
    gr.on(triggers, show, inputs, outputs, api_visibility="private", show_progress_on=outputs[2], trigger_mode="once")
    ready = examples("opinions.json")
    with left:  # below the button, yet above the results on a phone
        gr.Examples(
            [[example["text"], example["proposal"], False, 0.5] for example in ready],
            inputs,
            outputs,
            show,
            run_on_click=True,
            cache_examples=False,
            example_labels=[example["name"] for example in ready],
            label="Examples",
            api_visibility="private",
        )
    api(analyze_opinions, api_name="analyze_opinions")


def _live(load: Load) -> str:
    result = _analyze(load, LIVE, PROPOSAL, None)
    return render_opinions.highlighted(result) + render_opinions.verdict("Towards the proposal", result.stance or result.polarity)


LIVE = "The night bus is friendly and safe, and nurses finally get home after midnight. Only the tickets are too expensive."
PROPOSAL = "We should run night buses"
CALLED = "The rooms are lovely, but breakfast was not worth the price."
ABOUT = About(
    what="Tells what a text praises and blames, in which words, how it feels as a whole, and which side of your proposal it takes: for "
    "one text, a file of reviews, or a public consultation.",
    why="Participatory democracy lives on answers: when ten thousand people write to their city about a park or a tram, each is read, and "
    "the strongest arguments of both sides are heard.",
    live=Live(f"{LIVE} — Proposal: {PROPOSAL}", _live),
    usage=Usage(
        endpoint="analyze_opinions",
        arguments={"text": CALLED, "proposal": "We should stay there again"},
        python=f"""from tasks import pipeline

opinions = pipeline("opinion-analysis")
result = opinions("{CALLED}", target="We should stay there again")
for opinion in result.opinions:
    print(opinion.target and opinion.target.text, opinion.expression and opinion.expression.text, opinion.polarity)
print(result.polarity.label, result.stance.label)
""",
        terminal=f'python -m tasks opinion-analysis "{CALLED}" --target "We should stay there again"\n',
    ),
)


def build(load: Load = PIPELINES) -> gr.Blocks:
    """The app: a tab for a text, for a file of reviews and for a consultation. ``load(task, adapter=...)`` gives a pipeline."""
    demo = page()
    with demo, gr.Tabs():
        with gr.Tab("Text"):
            _text_tab(load)
        with gr.Tab("Reviews"):
            opinion_reviews.tab(load)
        with gr.Tab("Consultation"):
            consultation.tab(load)
    return demo
