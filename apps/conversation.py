"""Conversation: an agent that understands what it is told; the chat on the left and, live, what was understood on the right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import api

from apps import conversation_tools, render_conversation, render_understood
from apps.about import About, Live, Usage
from apps.components import EXAMPLES, PIPELINES, Load, examples, guarded, page
from apps.conversation_talk import STALE, Talk, check_message, check_proposal, check_room
from apps.conversation_view import View, build_view
from apps.question_documents import TASK as READING
from apps.question_documents import shown as shelf_shown
from apps.recommendation_own import Make, Own, make_own
from apps.shelf import Shelf
from tasks.conversation.types import Turn
from tasks.core.errors import InputError

TASK = "conversation"
FOLDER = EXAMPLES / "conversation"
Update = dict[Any, Any]
Handler = Callable[..., Iterator[Update]]


def _reply(load: Load, shelf: Shelf, own: Own, proposal: Any, message: str, state: dict[str, Any] | None) -> Turn:
    """Ask the agent, with what the visitor has given it."""
    library = shelf.library if shelf.rows else None
    catalogue = own.served.recommender if own.served else None
    told = check_proposal(proposal)
    turn: Turn = load(TASK).reply(message, state=state, documents=library, catalogue=catalogue, proposal=told)
    return turn


class _Chat:
    """What the page does with messages: one is taken, shown at once, and answered."""

    def __init__(self, load: Load, view: View) -> None:
        self.load, self.view = load, view

    def _turn(self, held: tuple[Talk, Shelf, Own], message: Any, proposal: Any, forgotten: bool) -> Iterator[Update]:
        """Show the message, then the reply; after an error the chat is as it was."""
        talk, shelf, own = held
        run = guarded(talk.begin)(message, forgotten)
        kept = {self.view.shelf: shelf, self.view.own: own}  # being used, they are not forgotten
        try:
            yield self.view.waiting(talk)
        except GeneratorExit:  # the visitor has left
            talk.give_up(run)
            raise
        if guarded(talk.finish)(run, partial(_reply, self.load, shelf, own, proposal)):
            yield self.view.all(talk) | kept

    def send(self, talk: Talk, shelf: Shelf, own: Own, message: Any, proposal: Any, chat: list[Any]) -> Iterator[Update]:
        """Answer what stands in the box, which is empty in the meantime; after an error the message stands in it again."""
        sent = False
        try:
            for update in self._turn((talk, shelf, own), message, proposal, bool(chat)):
                yield update | ({} if sent else {self.view.box: ""})
                sent = True
        except gr.Error:
            if sent:
                yield self.view.waiting(talk) | {self.view.box: message}
            raise

    def offer(self, talk: Talk, shelf: Shelf, own: Own, proposal: Any, chat: list[Any], event: gr.SelectData) -> Iterator[Update]:
        """Answer a message that was offered; after an error it is offered still."""
        begun = False
        try:
            for update in self._turn((talk, shelf, own), event.value, proposal, bool(chat)):
                yield update
                begun = True
        except gr.Error:
            if begun:
                yield self.view.waiting(talk)
            raise

    def play(self, example: dict[str, Any], talk: Talk, shelf: Shelf, own: Own) -> Iterator[Update]:
        """Begin anew with an example: its document and proposal, its first messages one after the other, the others to go on with."""
        talk.clear()
        run = talk.run
        guarded(_lay_out)(shelf, example.get("document"), lambda: self.load(READING).library())
        talk.notice, talk.offers = example.get("notice", ""), list(example["messages"])
        proposal = example.get("proposal", "")
        yield self.view.all(talk) | self._laid(shelf) | {self.view.box: "", self.view.proposal: proposal}
        for message in example["messages"][: example["play"]]:
            if talk.run is not run:  # the visitor has begun something else
                return
            try:
                yield from self._turn((talk, shelf, own), message, proposal, False)
            except gr.Error:
                yield self.view.waiting(talk)
                raise

    def _laid(self, shelf: Shelf) -> Update:
        _, _, table, tools, chosen, _ = self.view.documents
        return dict(zip((self.view.shelf, table, tools, chosen), shelf_shown(shelf), strict=True))


def _lay_out(shelf: Shelf, name: str | None, make: Callable[[], Any]) -> None:
    """Put an example's document among the visitor's, and take those of other examples out."""
    for path in FOLDER.iterdir():
        if path.name in shelf.rows and path.name != name:
            shelf.remove(path.name)
    if name and name not in shelf.rows:
        shelf.add([FOLDER / name], make)


def _again(view: View, talk: Talk) -> Update:
    talk.clear()
    return view.all(talk) | {view.box: ""}


def _by_hand(view: View, talk: Talk, event: gr.SelectData) -> Update:
    """A press on Delete, Correct or Undo of what was understood."""
    value: list[str] = event.value if isinstance(event.value, list) else []
    if not value or not all(isinstance(each, str) for each in value):
        raise InputError(STALE)
    do, *given = value
    if do == "undo":
        talk.undo()
    elif do == "delete" and len(given) == 1:
        talk.delete(given[0])
    elif do == "correct" and 2 <= len(given) <= 3:
        talk.correct(given[0], given[1:])
    else:
        raise InputError(STALE)
    return view.known(talk)


def _load_state(view: View, talk: Talk, path: str | Path | None) -> Update:
    talk.load(path)
    return view.all(talk) | {view.load: gr.UploadButton(value=None)}


def _connect(load: Load, view: View, ready: list[dict[str, Any]]) -> None:
    chat = _Chat(load, view)
    talking: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "trigger_mode": "once"}
    talking |= {"concurrency_id": TASK, "concurrency_limit": 4}
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "trigger_mode": "once"}
    said = [*view.held, view.box, view.proposal, view.chat]
    gr.on([view.send.click, view.box.submit], chat.send, said, view.shown, **talking)
    view.offers.select(chat.offer, [*view.held, view.proposal, view.chat], view.shown, **talking)
    played = [*view.shown, view.proposal, *view.documents[2:5]]
    for button, example in zip(view.examples, ready, strict=True):
        button.click(partial(chat.play, example), view.held, played, **talking)
    view.again.click(guarded(partial(_again, view)), view.talk, view.shown, **quiet)

    @guarded
    def by_hand(talk: Talk, event: gr.SelectData) -> Update:  # Gradio gives the event by the annotation
        return _by_hand(view, talk, event)

    view.items.select(by_hand, view.talk, view.shown, **quiet)
    view.load.upload(guarded(partial(_load_state, view)), [view.talk, view.load], [*view.shown, view.load], **quiet)


def _endpoint(load: Load) -> Callable[..., dict[str, Any]]:
    @guarded
    def converse(message: str, state: dict[str, Any] | None = None, proposal: str | None = None) -> dict[str, Any]:
        """Tell an agent something, ask it, or ask it for a suggestion; it remembers facts, likes and events, and answers from them.

        Returns reply, state (the dialogue state: entities, facts, preferences and events, each with its source; give it back
        with the next message), extraction (what the message says: kinds with their probabilities, things, facts, tastes,
        events, stance) and acts (what the agent did, in order: kind, text, rests_on, evidence of an answer, items that are
        recommended). Nothing is kept afterwards.

        Args:
            message: What the user says, up to 2,000 characters.
            state: What the last call returned as state, unchanged; null in the first call.
            proposal: A proposal under discussion, in a sentence of up to 500 characters: is the message for it or against it? null: none.
        """
        asked = check_message(message)
        if state is not None and not isinstance(state, dict):
            raise InputError("The state must be what the last call returned as state, or null.")
        check_room(state)
        return _reply(load, Shelf(), Own(), proposal, asked, state).to_dict()

    return converse


def _live(load: Load) -> str:
    turn: Turn = load(TASK).reply(LIVE)
    return f'<div class="talked">{render_conversation.agent(turn)}{render_understood.read(turn.extraction)}</div>'


LIVE = "My neighbour Marta plays the cello in the Lindenau Orchestra. I love Kind of Blue. What should I hear tonight?"
CALLED = "Kind of Blue is my favourite record. What should I hear next?"
ABOUT = About(
    what="Talk to an agent that understands what you tell it: it keeps the facts, tastes and events of your messages, answers from them "
    "and from your documents, recommends, and takes corrections.",
    why="A music platform that talks, a neighbour who reports a flood, a patient who keeps track: nothing is invented, and each "
    "reply shows what it rests on, for you to correct or delete.",
    live=Live(LIVE, _live),
    usage=Usage(
        endpoint="converse",
        arguments={"message": CALLED},
        python=f"""from tasks import pipeline

agent = pipeline("conversation")
turn = agent.reply("{CALLED}")
print(turn.reply)
turn = agent.reply("Something calmer, please.", state=turn.state)
print(turn.reply)
""",
        terminal=f'python -m tasks conversation "{CALLED}"\n',
    ),
)


def build(load: Load = PIPELINES, make: Make = make_own) -> gr.Blocks:
    """The app. ``load(task)`` gives the agent or a pipeline, ``make(items=…, …)`` a recommender over a visitor's files."""
    ready: list[dict[str, Any]] = examples("conversations.json")
    demo = page()
    with demo:
        view = build_view([example["name"] for example in ready])
        _connect(load, view, ready)
        conversation_tools.connect(load, make, view)
        api(_endpoint(load), api_name="converse")
    return demo
