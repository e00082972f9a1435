"""The components of the conversation page: the chat, what goes with it, and what was understood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from apps import render_questions, render_recommendation
from apps import render_understood as understood
from apps.components import ASSETS, FILES_LIVE_SECONDS
from apps.conversation_talk import MAX_MESSAGE, MAX_PROPOSAL, Talk
from apps.question_documents import shelf_state
from apps.recommendation_own import own_state, upload
from apps.render_recommendation import text
from apps.uploads import keep

SAVED = "conversation.json"
PLACEHOLDER = "Tell me, or ask me …"
EMPTY = "Say hello, tell what you know, like or saw, ask about it, or ask for a suggestion. Or press one of the examples."
DOCUMENTS = "What you add is searched for answers. It is yours alone, is read on this machine, and is forgotten after an hour."
CATALOGUE = (
    "Recommend from your own films, books or courses instead of the 400 albums: a row for each with `item_id`, `title` and what you know "
    "of `creators`, `year`, `tags` and `description`. It is yours alone and is forgotten after an hour."
)
PROPOSAL = "While a sentence stands here, what you say is also read as being for it, against it, or neither."


@dataclass(frozen=True, slots=True)
class View:
    """The components, by what they are for."""

    talk: gr.State
    shelf: gr.State
    own: gr.State
    chat: gr.Chatbot
    box: gr.Textbox
    send: gr.Button
    again: gr.Button
    notice: gr.HTML
    offers: gr.HTML
    examples: list[gr.Button]
    proposal: gr.Textbox
    documents: list[Any]  # files, button, table, the row of tools, the name to remove, the button for it
    catalogue: list[Any]  # items, ratings, lowest, highest, button, sample, table, the button that goes back to the albums
    read: gr.HTML
    graph: gr.HTML
    items: gr.HTML
    evidence: gr.HTML
    save: gr.DownloadButton
    load: gr.UploadButton

    @property
    def held(self) -> list[Any]:
        """What the page remembers of a visitor."""
        return [self.talk, self.shelf, self.own]

    @property
    def shown(self) -> list[Any]:
        """What follows a turn."""
        said = [self.chat, self.box, self.send, self.notice, self.offers]
        return [*self.held, *said, self.read, self.graph, self.items, self.evidence, self.save]

    def waiting(self, talk: Talk) -> dict[Any, Any]:
        """What changes as soon as a message is sent."""
        return {
            self.talk: talk,
            self.chat: [{"role": role, "content": words} for role, words in talk.messages()],
            self.send: gr.Button(interactive=talk.pending is None),
            self.offers: offers(talk),
            self.notice: notice(talk),
        }

    def known(self, talk: Talk) -> dict[Any, Any]:
        """What changes with the state."""
        state = talk.state
        file = keep(talk.saved(), SAVED, str(self.save.GRADIO_CACHE))
        return {
            self.talk: talk,
            self.items: understood.items(state, talk.new, talk.done, talk.undoable),
            self.graph: understood.graph(state),
            self.evidence: understood.evidence(talk.turn, state),
            self.save: gr.DownloadButton(value=file, interactive=talk.plain is not None),
        }

    def all(self, talk: Talk) -> dict[Any, Any]:
        """All that is shown of a conversation."""
        return self.waiting(talk) | self.known(talk) | {self.read: understood.read(talk.turn.extraction if talk.turn else None)}


def offers(talk: Talk) -> str:
    """Messages to send with a press."""
    wait = " disabled" if talk.pending is not None else ""
    lines = "".join(f'<li><button type="button" data-offer="{text(each)}"{wait}>{text(each)}</button></li>' for each in talk.offers)
    return f'<div class="offers"><p>Go on with one of these, or write your own:</p><ul translate="no">{lines}</ul></div>' if lines else ""


def notice(talk: Talk) -> Any:
    """A plain sentence above the chat that stays as long as the conversation."""
    return gr.HTML(f'<p class="notice" role="note">{text(talk.notice)}</p>' if talk.notice else "", visible=bool(talk.notice))


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _chat(names: list[str]) -> dict[str, Any]:
    """The left column."""
    with gr.Row(elem_classes="talk-examples"):
        buttons = [gr.Button(name, size="sm", min_width=60) for name in names]
    banner = gr.HTML(visible=False, padding=False, elem_id="talk-notice")
    chat = gr.Chatbot(
        label="Conversation",
        show_label=False,
        height=460,
        buttons=[],
        feedback_options=None,
        latex_delimiters=[],
        group_consecutive_messages=False,
        placeholder=EMPTY,
        elem_id="talk-chat",
    )
    with gr.Row(elem_classes="talk-box"):
        box = gr.Textbox(
            show_label=False,
            label="Your message",
            lines=1,
            max_lines=6,
            max_length=MAX_MESSAGE,
            placeholder=PLACEHOLDER,
            scale=6,
            min_width=160,
            container=False,
            autofocus=True,
        )
        send = gr.Button("Send", variant="primary", scale=1, min_width=80)
    ready = gr.HTML(js_on_load=_asset("conversation.js"), padding=False, elem_id="talk-offers")
    again = gr.Button("Start again", size="sm")
    return {"examples": buttons, "notice": banner, "chat": chat, "box": box, "send": send, "offers": ready, "again": again}


def _documents() -> list[Any]:
    with gr.Accordion("Your documents", open=False):
        gr.Markdown(DOCUMENTS)
        # No file_types: reading says in a sentence what is wrong with a file of another kind.
        paths = gr.File(label="TXT, Markdown, HTML, PDF or DOCX files", file_count="multiple", type="filepath", height=140)
        button = gr.Button("Add to my documents")
        table = gr.HTML(render_questions.shelf([], []), padding=False, elem_id="talk-shelf")
        with gr.Row(visible=False) as tools:
            chosen = gr.Dropdown([], label="Document to remove", interactive=True, min_width=180, scale=2)
            remove = gr.Button("Remove it", min_width=90)
    return [paths, button, table, tools, chosen, remove]


def _catalogue() -> list[Any]:
    with gr.Accordion("Your catalogue", open=False):
        gr.Markdown(CATALOGUE)
        files, button, sample = upload()
        table = gr.HTML(render_recommendation.NOTHING_READ, padding=False, elem_id="talk-catalogue", elem_classes="scroll")
        back = gr.Button("Use the 400 albums again", visible=False)
    return [*files, button, sample, table, back]


def _understood() -> dict[str, Any]:
    """The right column."""
    with gr.Accordion("Your last message"):
        read = gr.HTML(understood.read(None), padding=False, elem_id="talk-read")
    with gr.Accordion("Knowledge graph"):
        graph = gr.HTML(
            html_template=_asset("relation_graph.html"),
            js_on_load=_asset("relation_graph.js"),
            head=f"<script>{_asset('cytoscape.min.js')}</script>",
            apply_default_css=False,
            padding=False,
            elem_id="talk-graph",
        )
    with gr.Accordion("Facts, preferences and events"):
        start = understood.items(Talk().state)
        items = gr.HTML(start, js_on_load=_asset("conversation.js"), padding=False, elem_id="talk-items")
        with gr.Row():
            save = gr.DownloadButton("Download it (JSON)", size="md", min_width=120, interactive=False)
            load = gr.UploadButton("Load a saved state", size="md", min_width=120)
    with gr.Accordion("Evidence of the last reply"):
        evidence = gr.HTML(understood.evidence(None, Talk().state), padding=False, elem_id="talk-evidence")
    return {"read": read, "graph": graph, "items": items, "evidence": evidence, "save": save, "load": load}


def build_view(names: list[str]) -> View:
    """The components, in two columns; ``names``: of the examples."""
    talk: gr.State = gr.State(Talk(), time_to_live=FILES_LIVE_SECONDS)
    held: dict[str, Any] = {"talk": talk, "shelf": shelf_state(), "own": own_state()}
    # Three columns, which the style lays out: the tools below the chat or, on a phone, below all.
    with gr.Row(equal_height=False, elem_classes="talk-page"):
        with gr.Column(min_width=300, elem_classes="talk-said"):
            left = _chat(names)
        with gr.Column(min_width=300, elem_classes="talk-known"):
            right = _understood()
        with gr.Column(min_width=300, elem_classes="talk-tools"):
            with gr.Accordion("A proposal under discussion", open=False):
                left["proposal"] = gr.Textbox(label="The proposal, in a sentence", info=PROPOSAL, max_length=MAX_PROPOSAL)
            left |= {"documents": _documents(), "catalogue": _catalogue()}
    return View(**held, **left, **right)


