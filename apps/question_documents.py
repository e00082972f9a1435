"""Questions to a visitor's documents: files in, read and indexed once; answers out, each with its document, page and passage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from apps import render_questions as render
from apps.components import EXAMPLES, FILES_LIVE_SECONDS, Load, guarded
from apps.shelf import Shelf, Tell
from apps.uploads import PROGRESS
from tasks.core.errors import InputError
from tasks.question_answering.types import AnswerResult

TASK = "question-answering"
MAX_QUESTION = 300  # characters; what goes beyond the model's room for a question would be cut
MAX_ANSWERS = 10
SAMPLES = sorted((EXAMPLES / "documents").glob("*.*"))
SAMPLE_QUESTION = "How many passengers can the new ferry carry?"
WAITING = "Answers will appear here, each with its document, its page and the passage around it."


def check_question(question: Any) -> str:
    """The question, if it is one; Gradio passes on whatever a client sends. Raises ``InputError``."""
    if not isinstance(question, str) or not question.strip():
        raise InputError("There is no question yet: ask one in a sentence.")
    asked = " ".join(question.split())
    if len(asked) > MAX_QUESTION:
        raise InputError(f"The question has {len(asked):,} characters; the page reads up to {MAX_QUESTION}. Ask it in one sentence.")
    return asked


def check_count(count: Any, most: int = MAX_ANSWERS) -> None:
    """Raise ``InputError`` unless ``count`` is a number of answers."""
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= most:
        raise InputError(f"The number of answers must be a whole number from 1 to {MAX_ANSWERS}; it is {str(count)[:40]!r}.")


def question_box(label: str, placeholder: str, autofocus: bool = False) -> gr.Textbox:
    """A box of one line, so that Enter asks."""
    return gr.Textbox(label=label, lines=1, max_lines=1, placeholder=placeholder, autofocus=autofocus)


def _ask(load: Load, library: Any, question: str, top_k: int) -> AnswerResult:
    result: AnswerResult = load(TASK)(question, documents=library, top_k=top_k)
    return result


def teller(progress: gr.Progress) -> Tell:
    return lambda done, total, doing, unit: progress((done, total), desc=doing, unit=unit)


def shown(shelf: Shelf) -> tuple[Any, ...]:
    """What follows a change: the state, the table, and the part for removing."""
    names = list(shelf.rows)
    chosen = gr.Dropdown(names, value=names[0] if names else None)
    return shelf, render.shelf(list(shelf.rows.values()), shelf.problems), gr.Row(visible=bool(names)), chosen


def adder(load: Load) -> Callable[..., tuple[Any, ...]]:
    @guarded
    def add(shelf: Shelf, paths: list[str] | None, progress: gr.Progress = PROGRESS) -> tuple[Any, ...]:
        shelf.add(paths or [], lambda: load(TASK).library(), teller(progress))
        return *shown(shelf), None

    return add


def _asker(load: Load) -> Callable[..., tuple[Shelf, str]]:
    @guarded
    def ask(shelf: Shelf, question: str, count: int) -> tuple[Shelf, str]:
        if not shelf.rows and shelf.busy:
            return shelf, render.note("Your documents are still being read: ask again when the bar is full.")
        if not shelf.rows:
            words = "There are no documents yet: add some, or press “Try with three short example documents”. "
            return shelf, render.note(words + "What was added is forgotten after an hour without a question.")
        if not (question or "").strip():
            return shelf, render.note("There is no question yet: write one above.")
        check_count(count)
        # One more than are shown: that the documents do not say is one of the answers.
        return shelf, render.cards(_ask(load, shelf.library, check_question(question), count + 1), count)

    return ask


def _endpoint(load: Load) -> Callable[..., dict[str, Any]]:
    @guarded
    def answer_from_documents(question: str, files: list[str], top_k: int = 3) -> dict[str, Any]:
        """Answer a question from documents: the words that answer it with the document, page and passage they stand in, or
        that the documents do not say.

        Returns question, answers, no_answer_score (how likely it is that the documents do not say), coverage, and problems
        (a sentence for each file that could not be read); each answer has answer, score (a probability), start and end
        (character offsets into the document's text) and document (name, page or null, passage with start, end and text).
        answer "" means: the documents do not say. Nothing is kept afterwards.

        Args:
            question: The question, in a sentence of up to 300 characters.
            files: Up to 50 TXT, Markdown, HTML, PDF or DOCX files.
            top_k: Answers to return at most, 1 to 10, the likeliest first.
        """
        asked = check_question(question)
        check_count(top_k)
        shelf = Shelf()
        shelf.add(files or [], lambda: load(TASK).library())
        if not shelf.rows:
            raise InputError(" ".join(shelf.problems))
        return {**_ask(load, shelf.library, asked, top_k).to_dict(), "problems": shelf.problems}

    return answer_from_documents


def _publish(load: Load, **work: Any) -> None:
    """Offer the endpoint. Over components that nobody sees, because these make sure that a file was uploaded: ``gr.api`` would
    pass on any path of this machine that a client names."""
    question = gr.Textbox(label="question", visible=False)
    files = gr.File(label="files", file_count="multiple", type="filepath", visible=False)
    top_k = gr.Number(3, label="top_k", precision=0, visible=False)
    told = gr.JSON(label="result", visible=False)
    gr.Button("answer", visible=False).click(
        _endpoint(load), [question, files, top_k], told, api_name="answer_from_documents", show_progress="hidden", **work
    )


def shelf_state() -> gr.State:
    """Where the page remembers a visitor's documents."""
    state: gr.State = gr.State(Shelf(), time_to_live=FILES_LIVE_SECONDS)
    return state


def tab(load: Load) -> None:
    """Fill the current tab with the documents. ``load(task)`` gives a pipeline."""
    gr.Markdown("Add your documents, then ask them. They are yours alone, are read on this machine, and are forgotten after an hour.")
    shelf = shelf_state()
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=300):
            # No file_types: one file of another kind would shut out all that come with it, and reading says what is wrong with it.
            paths = gr.File(label="TXT, Markdown, HTML, PDF or DOCX files", file_count="multiple", type="filepath", height=160)
            with gr.Row():
                button = gr.Button("Add to my documents", variant="primary", min_width=140)
                sample = gr.Button("Try with three short example documents", min_width=140)
            table = gr.HTML(render.shelf([], []), padding=False, elem_id="question-shelf")
            with gr.Row(visible=False) as tools:
                chosen = gr.Dropdown([], label="Document to remove", interactive=True, min_width=200, scale=2)
                remove = gr.Button("Remove it", min_width=100)
                anew = gr.Button("Start anew", min_width=100)
        with gr.Column(scale=6, min_width=300):
            question = question_box("Question about the documents", SAMPLE_QUESTION)
            count = gr.Slider(1, MAX_ANSWERS, 3, step=1, label="Answers at most")
            button_ask = gr.Button("Ask the documents", variant="primary")
            reply = gr.HTML(render.note(WAITING), padding=False, elem_id="question-cards")
    held = [shelf, table, tools, chosen]
    add, ask = adder(load), _asker(load)
    _connect(add, ask, held, (paths, button, sample), (question, count, button_ask, reply))
    _connect_removal(held, remove, anew, reply)
    _publish(load, concurrency_limit=1, concurrency_id="read_documents")


def _connect(add: Any, ask: Any, held: list[Any], files: tuple[Any, ...], asking: tuple[Any, ...]) -> None:
    """Let the buttons add and ask; the sample does both."""
    (paths, button, sample), (question, count, button_ask, reply) = files, asking
    reading: dict[str, Any] = {"api_visibility": "private", "show_progress_on": paths, "trigger_mode": "once"}
    asked: dict[str, Any] = {"api_visibility": "private", "show_progress_on": reply, "trigger_mode": "once"}
    inputs, outputs = [held[0], question, count], [held[0], reply]
    # Two at a time of all visitors; of one visitor the shelf takes one and says so to the other.
    button.click(add, [held[0], paths], [*held, paths], concurrency_id="add_documents", **reading)
    sample.click(
        lambda: ([str(path) for path in SAMPLES], SAMPLE_QUESTION), None, [paths, question], api_visibility="private", queue=False
    ).then(add, [held[0], paths], [*held, paths], concurrency_id="add_documents", **reading).success(ask, inputs, outputs, **asked)
    gr.on([button_ask.click, question.submit], ask, inputs, outputs, **asked)


def _connect_removal(held: list[Any], remove: gr.Button, anew: gr.Button, reply: gr.HTML) -> None:
    """What is taken out answers no more: the answers that are shown may be from it."""

    @guarded
    def take(shelf: Shelf, name: str | None) -> tuple[Any, ...]:
        shelf.remove(name or "")
        return *shown(shelf), render.note(WAITING)

    @guarded
    def forget(shelf: Shelf) -> tuple[Any, ...]:
        shelf.clear()
        return *shown(shelf), render.note(WAITING)

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    remove.click(take, [held[0], held[3]], [*held, reply], **quiet)
    anew.click(forget, held[0], [*held, reply], **quiet)
