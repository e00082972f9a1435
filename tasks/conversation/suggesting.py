"""Suggestions from the catalogue: what the user likes and dislikes of it, the words of the request, and whether it holds such things."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tasks.conversation.state import State
from tasks.conversation.types import Preference

Embed = Callable[[Sequence[str]], Any]  # unit vectors (texts, width)
COUNT = 3  # suggestions at a time
DISLIKED = 1.0  # the rating of a disliked item, on the scale of 0.5 to 5
SEEN = 100  # items that were suggested and are not suggested again
SAMPLE = 60  # items of a catalogue that tell of what kind it is
MARGIN = 0.2  # by how much a request must be more like another kind of thing, to be told that the catalogue has none
LEAST = 0.25
_WORD = re.compile(r"[\w’']+")
_ASKING = frozenset((Path(__file__).parent / "requesting.txt").read_text(encoding="utf-8").split())  # words that only ask
KINDS = {  # what requests are for
    "music": "music to listen to, an album, a song, a record, a band, something to play",
    "books": "a book to read, a novel, a story",
    "films": "a film to watch, a movie, a series",
    "food": "something to eat, drink or cook, a recipe, a dish",
    "exercise": "an exercise, a sport, a workout, a treatment, what to do for the body",
    "places": "a place to go, stay or sleep, a trip, a walk, a hotel",
    "proposals": "a proposal or project for the town to support or vote for",
    "transport": "a bus, train or route to take",
}


def wish_in(request: str) -> str:
    """What a request wants, "" where it only asks: "What should I hear next?"."""
    return request if any(word not in _ASKING for word in _WORD.findall(request.lower())) else ""


def knows(catalogue: Any, preference: Preference) -> str | None:
    """The id of the catalogue's item that has the preference's target as its title, else None."""
    found = catalogue.catalogue.search(preference.target, 1)
    return found[0].item_id if found and found[0].title.casefold() == preference.target.casefold() else None


def link(state: State, catalogue: Any) -> State:
    """The state whose preferences know their items of this catalogue."""
    tastes = tuple(
        replace(each, item_id=knows(catalogue, each)) if each.about == "taste" and each.item_id is None else each
        for each in state.preferences
    )
    return replace(state, preferences=tastes)


def suggest(state: State, catalogue: Any) -> list[dict[str, Any]]:
    """The next items for the running request, with their reasons; none where nothing is known to go by."""
    known = [each for each in state.preferences if each.item_id in catalogue.catalogue]
    history = [each.item_id if each.sign > 0 else (each.item_id, DISLIKED) for each in known]
    words = [each for each in state.wish if each]
    words += [f"{'' if each.sign > 0 else 'no '}{each.target}" for each in state.preferences if each.about == "taste" and not each.item_id]
    shown = [each for each in state.shown if each in catalogue.catalogue]
    result = catalogue(history=history, query=", ".join(words) or None, k=COUNT, exclude=shown)
    return [
        {
            "item_id": each.item_id,
            "title": each.title,
            "by": catalogue.catalogue.items[catalogue.catalogue.index(each.item_id)].by,
            "score": each.score,
            "because": [{"kind": why.kind, "name": why.name, "share": why.share, "item_id": why.item_id} for why in each.because],
        }
        for each in result.items
    ]


def kind_of(catalogue: Any, embed: Embed) -> str:
    """Which of ``KINDS`` the catalogue's items are most like."""
    items = catalogue.catalogue.items
    some = items[:: max(1, len(items) // SAMPLE)][:SAMPLE]
    texts = [f"{', '.join(each.tags)} {each.description}"[:200] or each.title for each in some]
    likeness = np.asarray(embed(texts)) @ np.asarray(embed(list(KINDS.values()))).T
    return list(KINDS)[int(likeness.mean(0).argmax())]


def foreign(request: str, kind: str, embed: Embed) -> str | None:
    """The kind of thing that a request is for, where that is clearly not what the catalogue (of ``kind``) holds."""
    likeness = dict(zip(KINDS, (np.asarray(embed([request])) @ np.asarray(embed(list(KINDS.values()))).T)[0].tolist(), strict=True))
    best = max(likeness, key=lambda name: likeness[name])
    return best if likeness[best] > max(LEAST, likeness[kind] + MARGIN) else None
