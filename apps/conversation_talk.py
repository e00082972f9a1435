"""One visitor's conversation: what was said, the dialogue state, and what is done to it by click. No components here."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from apps import render_conversation as render
from apps.render_understood import graph, items, said_of, summary
from tasks.conversation.state import State, diff, remove, revise
from tasks.conversation.types import Turn
from tasks.core.errors import InputError

MAX_MESSAGE = 2_000  # characters
MAX_TURNS = 200
MAX_PROPOSAL = 500  # characters
MAX_FILE = 5_000_000  # bytes of a saved state
BUSY = "One moment: your last message is still being answered."
FULL = f"This conversation has {MAX_TURNS} messages, which is all that the page keeps: download what was understood, then start again."
GONE = "What was said before was forgotten after an hour without a message. A saved state can be loaded again."
NO_STATE = "This file is no saved state of a conversation"
NO_UNDO = "There is nothing to undo any more."
STALE = "This can't be used any more: reload the page and try again."
Say = Callable[[str, dict[str, Any] | None], Turn]


def check_message(message: Any) -> str:
    """The message, if it is one; Gradio passes on whatever a client sends. Raises ``InputError``."""
    if not isinstance(message, str) or not message.strip():
        raise InputError("There is no message yet: write one first.")
    if len(message) > MAX_MESSAGE:
        raise InputError(f"The message has {len(message):,} characters; one can have up to {MAX_MESSAGE:,}. Say it in two.")
    return message


def check_proposal(proposal: Any) -> str | None:
    """The proposal under discussion, None where there is none. Raises ``InputError``."""
    if proposal is not None and not isinstance(proposal, str):
        raise InputError("The proposal must be a sentence.")
    said = " ".join((proposal or "").split())
    if len(said) > MAX_PROPOSAL:
        raise InputError(f"The proposal has {len(said):,} characters; the page reads up to {MAX_PROPOSAL}. Say it in one sentence.")
    return said or None


def check_room(state: dict[str, Any] | None) -> None:
    """Raise ``InputError`` where a conversation is as long as it may be, or ``state`` is none."""
    if State.of(state).turns >= MAX_TURNS:
        raise InputError(FULL)


class Talk:
    """Kept in a ``gr.State``, which copies what it begins with for each visitor: a copy is a new conversation. No dataclass, for
    Gradio copies the fields of those.

    ``chat``: (role, HTML) of what is shown; ``pending``: the message that is being answered; ``new``: ids of what the last turn added
    or changed; ``done``: what was last done by hand, and ``before`` the state to go back to; ``offers``: messages to send with a press.
    """

    def __init__(self) -> None:
        self.clear()

    def __deepcopy__(self, memo: dict[int, Any]) -> Talk:
        return Talk()

    def clear(self) -> None:
        """Begin anew. What is still being answered belongs to the old conversation, and finds that out."""
        self._busy = threading.Lock()
        self.plain: dict[str, Any] | None = None
        self.chat: list[tuple[str, str]] = []
        self.pending: str | None = None
        self.turn: Turn | None = None
        self.new: frozenset[str] = frozenset()
        self.done = ""
        self.before: dict[str, Any] | None = None
        self.offers: list[str] = []
        self.notice = ""

    @property
    def run(self) -> object:
        """Which conversation this is: another one after ``clear``."""
        return self._busy

    @property
    def state(self) -> State:
        """What is known."""
        return State.of(self.plain)

    def messages(self) -> list[tuple[str, str]]:
        """All that the chat shows, with the message that is being answered."""
        if self.pending is None:
            return list(self.chat)
        return [*self.chat, ("user", render.user(self.pending)), ("assistant", render.waiting())]

    # -------------------------------------------------------------------------------------------- a turn

    def begin(self, message: Any, forgotten: bool = False) -> object:
        """Take a message; returns the conversation that it belongs to. ``forgotten``: the page shows a conversation that is gone.

        Raises ``InputError`` for what is no message, and while another is being answered.
        """
        asked = check_message(message)
        check_room(self.plain)
        run = self._busy
        if not run.acquire(blocking=False):
            raise InputError(BUSY)
        if forgotten and not self.chat:
            self.chat.append(("assistant", render.page_note(GONE)))
        self.pending = asked
        return run

    def finish(self, run: object, say: Say) -> bool:
        """Have the message answered; False where the visitor has begun anew in the meantime. Whatever ``say`` raises changes nothing."""
        asked, before = self.pending, self.plain
        if run is not self._busy or asked is None:
            return False
        try:
            turn = say(asked, before)
            if run is not self._busy:
                return False
            self._keep(asked, before, turn)
            return True
        finally:
            self.give_up(run)

    def give_up(self, run: object) -> None:
        """Nothing is being answered any more."""
        if run is self._busy and self._busy.locked():
            self.pending = None
            self._busy.release()

    def _keep(self, asked: str, before: dict[str, Any] | None, turn: Turn) -> None:
        changed = diff(State.of(before), State.of(turn.state))
        self.chat += [("user", render.user(asked)), ("assistant", render.agent(turn))]
        self.plain, self.turn = turn.state, turn
        self.new = frozenset(each["id"] for each in changed["added"] + changed["changed"])
        self.offers = [each for each in self.offers if each != asked]
        self.done, self.before = "", None

    # -------------------------------------------------------------------------------------------- by hand

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Not while a message is being answered, for the reply would not know of it; raises ``InputError``."""
        lock = self._busy
        if not lock.acquire(blocking=False):
            raise InputError(BUSY)
        try:
            yield
        finally:
            lock.release()

    def _change(self, after: State, done: str) -> None:
        self.before, self.plain, self.done = self.plain, after.to_dict(), done

    def delete(self, key: str) -> None:
        """Take a fact, a preference or an event out."""
        with self._alone():
            state = self.state
            after = remove(state, [key])
            item = state.item(key)
            self._change(after, f"Deleted: {said_of(item, state) if item else key}.")

    def correct(self, key: str, values: list[str]) -> None:
        """Correct an item by hand, with one value or, of a preference, with side and target."""
        with self._alone():
            after = self.state
            for value in values:
                after = revise(after, key, value)
            item = after.item(key)
            self._change(after, f"Corrected: {said_of(item, after) if item else key}.")
            self.new = self.new | {key}

    def undo(self) -> None:
        """Take back what was last done by hand; a message in between has made it final."""
        with self._alone():
            if not self.undoable:
                raise InputError(NO_UNDO)
            self.plain, self.before, self.done = self.before, None, "Undone."

    @property
    def undoable(self) -> bool:
        """Whether ``undo`` would do something."""
        return self.before is not None

    # -------------------------------------------------------------------------------------------- files

    def saved(self) -> str:
        """The state as a file; ``converse`` takes it, too."""
        return json.dumps(self.state.to_dict(), ensure_ascii=False, indent=1)

    def load(self, path: str | Path | None) -> None:
        """Begin a conversation where a saved state ended; raises ``InputError`` for another file, and then nothing is changed."""
        state = State.of(_read(path))
        _check_shown(state)
        if self._busy.locked():
            raise InputError(BUSY)
        self.clear()
        self.plain = state.to_dict()
        told = f"A saved state was loaded: {summary(state)}, from {state.turns:,} messages. Go on where you left off."
        self.chat.append(("assistant", render.page_note(told)))


def _check_shown(state: State) -> None:
    """Raise ``InputError`` where ``state`` could not be shown: a file may hold numbers where words belong."""
    try:
        items(state), graph(state)
    except (AttributeError, TypeError, ValueError, KeyError, StopIteration) as error:
        raise InputError(f"{NO_STATE}: choose one that this page saved.") from error


def _read(path: str | Path | None) -> dict[str, Any]:
    if not path:
        raise InputError(f"{NO_STATE}: choose one that this page saved.")
    file = Path(path)
    if file.stat().st_size > MAX_FILE:
        raise InputError(f"{NO_STATE}: it has more than {MAX_FILE:,} bytes.")
    try:
        plain = json.loads(file.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{NO_STATE}: it is not JSON in UTF-8.") from error
    if not isinstance(plain, dict):
        raise InputError(f"{NO_STATE}: choose one that this page saved.")
    return plain
