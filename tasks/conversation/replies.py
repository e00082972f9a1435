"""The agent's sentences: templates over what it stored, found or lacks. None says anything that is not in the state or a document."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tasks.conversation.answering import UNSURE, Found, listed
from tasks.conversation.forgetting import describe
from tasks.conversation.remembering import Changes
from tasks.conversation.state import Item, State

_THANKS = re.compile(r"\b(?:thanks?|thank you|thx|ty|cheers|merci|much appreciated|obliged)\b", re.IGNORECASE)
_BYE = re.compile(r"\b(?:bye|goodbye|good night|see you|farewell|cu|ciao|that[’']s all|night night|have a (?:nice|good))\b", re.IGNORECASE)
HELLO = "Hello! Tell me things, ask me, or let me recommend something."
NO_ADVICE = (
    "This is no medical advice: I keep what you tell me and look things up in your documents. Ask a doctor; in an emergency, call for help."
)
NOTHING = "I found nothing to keep in that: I listen for facts, tastes and events."
WHAT_TO_CHANGE = "I am not sure what that corrects: which of the things you told me should I change, and to what?"
WHAT_TO_FORGET = "I found nothing of that among what you told me, so there is nothing to forget."
WHAT_YOU_LIKE = "What do you like? Name something, or say what it should be like."
WHERE = "Where is that?"
UNKNOWN = "I don’t know: you have not told me, and I have no documents that could say."
UNKNOWN_DOCUMENTS = "I don’t know: neither your documents nor what you told me says so."
MANY = 5  # things are counted, not listed
NO_MORE = "I have nothing more of that kind. Tell me more of what you like, or ask for something else."


def greeting(text: str) -> str:
    """An answer to hello, thanks or goodbye."""
    thanks, bye = _THANKS.search(text), _BYE.search(text)
    return "You are welcome. Goodbye!" if thanks and bye else "You are welcome." if thanks else "Goodbye!" if bye else HELLO


def capital(sentence: str) -> str:
    """With a capital at its beginning."""
    return sentence[:1].upper() + sentence[1:]


def noted(state: State, changes: Changes) -> str:
    """What was stored, and what it took the place of."""
    parts = []
    if changes.added:
        parts.append(f"Noted: {'; '.join(_said(state, name) for name in changes.added)}.")
    parts += [f"Changed: {_said(state, name)} (before: {was})." for name, was in changes.replaced]
    parts += [f"Taken back: {was}." for was in changes.withdrawn]
    return " ".join(parts)


def _said(state: State, name: str) -> str:
    item = state.item(name)
    assert item is not None
    return describe(state, item)


def forgotten(state: State, gone: Sequence[Item]) -> str:
    """What is no longer stored; ``state``: the one in which it still was."""
    if not gone:
        return "Forgotten."
    if len(gone) > MANY:
        return f"Forgotten: {len(gone)} things you told me."
    return f"Forgotten: {'; '.join(describe(state, each) for each in gone)}."


def answered(found: Found) -> str:
    """An answer with where it comes from."""
    if found.evidence is None:
        return f"You told me: {found.sentence}"
    page = f", page {found.evidence['page']}" if found.evidence["page"] else ""
    unsure = "I am not sure: " if found.score < UNSURE else ""
    return f"{unsure}{capital(found.answer)} (in {found.evidence['document']}{page})."


def recommended(items: Sequence[dict[str, Any]]) -> str:
    """Suggestions with the first one's reasons."""
    names = [f"“{each['title']}”" + (f" by {each['by']}" if each["by"] else "") for each in items]
    reasons = [_reason(why) for why in items[0]["because"][:2]]
    why = f" “{items[0]['title']}”, because {' and '.join(reasons)}." if reasons else ""
    return f"You could try {listed(names, 'or')}.{why}"


def _reason(why: dict[str, Any]) -> str:
    if why["kind"] == "item":
        return f"you like {why['name']}"
    return f"it is tagged “{why['name']}”" if why["kind"] == "tag" else f"it fits “{why['name']}”"


def foreign(wanted: str, kind: str) -> str:
    """That the catalogue holds other things."""
    return f"My catalogue holds {kind}, so I can’t recommend anything there. Load a catalogue with {wanted}, and I will."
