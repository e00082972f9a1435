"""Normal forms of what opinions name: which wordings are one by their words alone, and which may be part of another."""

from __future__ import annotations

import re
from collections.abc import Iterable

Form = tuple[str, ...]  # the words of a normal form

KIND = 0.65  # "gift shop" and "shop" .68, "night bus" and "bus" .79; "audio guide" and "guide" .58 are told apart
SIDE = 0.5  # "battery life" and "battery" .64, "screen size" and "screen" .64

_WORD = re.compile(r"\w+(?:\.\w+)*")
_POSSESSIVE = re.compile(r"['’]s?\b")
# Before a noun: articles and their like, and possessives.
_DETERMINERS = frozenset({"a", "an", "the", "this", "that", "these", "those", "some", "any", "every", "each", "all", "no"}) | frozenset(
    {"my", "our", "your", "their", "his", "her", "its"}
)
# Said after a thing, they name a side of it that a reader looks for under the thing: "battery life", "sound quality".
_SIDES = frozenset({"life", "quality", "size", "speed", "performance", "level", "design", "selection", "choice", "experience"})
_ENDING = re.compile(r"(?<=\w{3})(?:ies|y|es|e|(?<!s)s)$")


def normal(text: str) -> tuple[str, Form]:
    """A target's wording without its determiners, and its normal form: ("Gift shops", ("gift", "shop")) for "The Gift shops"."""
    words = " ".join(text.split()).split(" ")
    while len(words) > 1 and words[0].casefold() in _DETERMINERS:
        words = words[1:]
    wording = " ".join(words)
    plain = _POSSESSIVE.sub("", wording.casefold())
    form = tuple(_WORD.findall(plain)) or (plain,)
    return wording, form


def key(form: Form) -> Form:
    """What is the same for a noun and its regular plural; for comparing, not for reading: "city" and "cities" give "cit"."""
    return (*form[:-1], _ENDING.sub("", form[-1]))


def shorter_forms(form: Form) -> Iterable[tuple[Form, float]]:
    """What a phrase may be a kind or a side of, from which cosine on, the longest first: "old night bus" -> "night bus", "bus"."""
    if len(form) > 1 and form[-1] in _SIDES:
        yield form[:-1], SIDE
        return
    for start in range(1, len(form)):
        yield form[start:], KIND
