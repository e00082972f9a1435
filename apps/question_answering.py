"""Question answering: answers from a text that is pasted, marked in it, and from a visitor's own documents."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.events import api

from apps import question_documents
from apps import render_questions as render
from apps.about import About, Live, Usage
from apps.components import PIPELINES, Load, check_text, examples, guarded, page
from apps.question_documents import TASK, check_count, check_question, question_box
from tasks.core.errors import InputError
from tasks.core.types import Coverage
from tasks.question_answering.types import Answer, AnswerResult

WAITING = "Answers will appear here, and their places in the text."
# A press on an answer shows its place; a new text is scrolled to the best answer, the page itself stays where it is.
PLACES = """
const find = number => element.querySelector(`mark[data-n="${number}"]`);
element.addEventListener('click', event => {
  const mark = find(event.target.closest('[data-jump]')?.dataset.jump);
  mark?.scrollIntoView({block: 'nearest'});
  mark?.focus();
});
watch('value', () => {
  const box = element.querySelector('.words'), mark = find(1);
  if (box && mark) box.scrollTop += mark.getBoundingClientRect().top - box.getBoundingClientRect().top - box.clientHeight / 3;
});
"""


def _answer(load: Load, question: Any, context: Any, top_k: Any) -> AnswerResult:
    """Run the shipped pipeline on a text; raises ``InputError`` for what a page can't use."""
    asked = check_question(question)
    check_count(top_k, most=question_documents.MAX_ANSWERS + 1)
    if not isinstance(context, str):
        raise InputError("The text must be a string.")
    check_text(context, TASK)
    if not context.strip():
        return AnswerResult(asked, (Answer("", 1.0, 0, 0),), 1.0, Coverage(len(context), len(context)))
    result: AnswerResult = load(TASK)(asked, context, top_k=top_k)
    return result


def _text_tab(load: Load) -> None:
    @guarded
    def show(question: str, context: str, count: int) -> str:
        if not (question or "").strip():
            return render.note("There is no question yet: write one, or press one of the examples.")
        if not (context or "").strip():
            return render.note("There is no text yet: paste the one that should be read, or press one of the examples.")
        check_count(count)
        # One more than are shown: that the text does not say is one of the answers.
        return render.answered(_answer(load, question, context, count + 1), context, count)

    @guarded
    def answer_question(question: str, context: str, top_k: int = 1) -> dict[str, Any]:
        """Answer a question from a text: the words of the text that answer it, or that the text does not say.

        Returns question, answers, no_answer_score (how likely it is that the text does not say) and coverage; each answer
        has answer, score (a probability), start and end (character offsets into context). answer "" means: the text does
        not say.

        Args:
            question: The question, in a sentence of up to 300 characters.
            context: The text to read, up to 200,000 characters.
            top_k: Answers to return at most, 1 to 10, the likeliest first.
        """
        check_count(top_k)
        return _answer(load, question, context, top_k).to_dict()

    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=300) as left:
            question = question_box("Question", "Who founded the orchard?", autofocus=True)
            context = gr.Textbox(label="Text to read", lines=9, max_lines=18, placeholder="An article, a report, a chapter …")
            count = gr.Slider(1, question_documents.MAX_ANSWERS, 3, step=1, label="Answers at most")
            button = gr.Button("Answer", variant="primary")
        with gr.Column(scale=6, min_width=300):
            reply = gr.HTML(render.note(WAITING), js_on_load=PLACES, padding=False, elem_id="question-reply")
    inputs = [question, context, count]
    shown: dict[str, Any] = {"api_visibility": "private", "show_progress_on": reply, "trigger_mode": "once"}
    gr.on([button.click, question.submit, context.submit], show, inputs, reply, **shown)
    ready = examples("questions.json")
    with left:  # below the button, yet above the results on a phone
        gr.Examples(
            [[example["question"], example["text"], 3] for example in ready],
            inputs,
            reply,
            show,
            run_on_click=True,
            cache_examples=False,
            example_labels=[example["name"] for example in ready],
            examples_per_page=20,
            label="Examples",
            api_visibility="private",
        )
    api(answer_question, api_name="answer_question")


def _live(load: Load) -> str:
    return render.answered(_answer(load, ASKED, LIVE, 2), LIVE, 1)


ASKED = "How much water does a household save?"
LIVE = (
    "The school garden of Lindau opened in 2016. Pupils measured that a household saves 40 litres of water a day when rain is collected "
    "in barrels."
)
FERRY = "The ferry Tarn was built in Moss in 1964. Since 2019 it has run on batteries. Ingrid Foss is its captain."
CAPTAIN = "Who is the captain?"
ABOUT = About(
    what="Answers a question with the very words of a text, or of your PDF, Word, HTML and text files, and shows where they stand; and it "
    "says so where the text does not answer.",
    why="Education, health and law are full of documents that few have the time to read: a pupil, a patient or a citizen asks, and sees "
    "the passage that answers instead of having to believe it.",
    live=Live(f"{ASKED} — {LIVE}", _live),
    usage=Usage(
        endpoint="answer_question",
        arguments={"question": CAPTAIN, "context": FERRY},
        python=f"""from tasks import pipeline

qa = pipeline("question-answering")
result = qa("{CAPTAIN}", "{FERRY}")
for answer in result.answers:
    print(answer.answer, answer.start, round(answer.score, 2))
""",
        terminal=f'python -m tasks question-answering "{CAPTAIN}" \\\n    --context "{FERRY}"\n',
    ),
)


def build(load: Load = PIPELINES) -> gr.Blocks:
    """The app: a tab for a text and one for documents. ``load(task, adapter=...)`` gives a pipeline."""
    demo = page()
    with demo, gr.Tabs():
        with gr.Tab("Text"):
            _text_tab(load)
        with gr.Tab("Documents"):
            question_documents.tab(load)
    return demo
