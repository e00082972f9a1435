"""The relations that the agent listens for, and the sentences that say them."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parent / "relations.json"


@dataclass(frozen=True, slots=True)
class Kind:
    """One relation.

    ``description``: what the encoder reads; ``sentence`` and ``you``: how it is said of somebody, and of the user; ``single``: a head has
    one tail at a time, so that a new one takes the old one's place; ``symmetric``: it holds both ways; ``medical``: it is about health;
    ``head`` and ``tail``: the types of its ends, where these are always the same.
    """

    description: str
    sentence: str
    you: str
    single: bool = False
    symmetric: bool = False
    medical: bool = False
    head: str | None = None
    tail: str | None = None


@functools.cache
def relations() -> dict[str, Kind]:
    """The relations by name."""
    return {name: Kind(**each) for name, each in json.loads(FILE.read_text(encoding="utf-8")).items()}


def say(head: str, name: str, tail: str) -> str:
    """A fact as a sentence without its full stop; ``you`` stands for the user. A relation that is none of ours is said by its name."""
    kind = relations().get(name)
    if kind is None:
        return f"{head} – {name} – {tail}"
    if tail == "you" and head != "you":
        return f"You: {kind.sentence.format(head=head, tail='you')}" if not kind.symmetric else kind.you.format(head="you", tail=head)
    return (kind.you if head == "you" else kind.sentence).format(head=head, tail=tail)
