"""Normal forms of what opinions name: which wordings are one by their words alone, and which may be part of another."""

from __future__ import annotations

import re
from collections.abc import Iterable

Form = tuple[str, ...]  # the words of a normal form

KIND = 0.65  # "gift shop" and "shop" .68, "night bus" and "bus" .79; "audio guide" and "guide" .58 are told apart
SIDE = 0.5  # "battery life" and "battery" .64, "screen size" and "screen" .64

_WORD = re.compile(r"\w+(?:[-.]\w+)*")
_POSSESSIVE = re.compile(r"['’]s?\b")
# Before a noun: articles and their like, and possessives.
_DETERMINERS = frozenset({"a", "an", "the", "this", "that", "these", "those", "some", "any", "every", "each", "all", "no"}) | frozenset(
    {"my", "our", "your", "their", "his", "her", "its"}
)
# Said after a thing, they name a side of it that a reader looks for under the thing: "battery life", "sound quality".
_SIDES = frozenset({"life", "quality", "size", "speed", "performance", "level", "design", "selection", "choice", "experience", "itself"})
# Their last word does not say what they are, though the space finds them close to it ("hot dog" and "dog" .72).
_COMPOUNDS = frozenset(
    {("ice", "cream"), ("hot", "dog"), ("room", "service"), ("hot", "chocolate"), ("high", "school"), ("credit", "card"), ("tea", "room")}
)
_PREPOSITIONS = frozenset({"at", "behind", "by", "for", "from", "in", "inside", "near", "of", "on", "outside", "to", "with"})
_NO_PLURALS = frozenset({"always", "bus", "canvas", "gas", "lens", "news", "pants", "plus", "series", "species", "thanks", "this", "yes"})
_IRREGULAR = {"children": "child", "buses": "bus", "movies": "movie", "caches": "cache", "shelves": "shelf", "women": "woman", "men": "man"}
# Everyday words for one thing, the first being the one that the others become; the space alone does not see it.
_SAME = """
screen display|staff personnel employee crew|waiter waitress server waiters|toilet restroom bathroom|café cafe coffee-shop coffee-bar
price cost pricing|shop store gift-shop museum-shop giftshop|wifi internet|queue waiting-line|reception front-desk reception-desk
atmosphere ambience ambiance vibe|smell scent odour odor|photo picture pic|colour color|flavour flavor taste|sound audio
child kid|teacher instructor lecturer professor|homework assignment coursework|exam examination test|customer-service customer-support
bike-lane cycle-lane cycle-path bike-path|parking parking-space parking-lot car-park|rubbish trash garbage|pavement sidewalk
delivery shipping|phone cellphone cell-phone mobile-phone smartphone|air-conditioning air-conditioner air-con ac
lift elevator|film movie|exhibition exhibit|guide tour-guide|notebook laptop|bike bicycle|playground play-area
"""
SAME: dict[Form, Form] = {
    tuple(word.split("-")): tuple(group.split()[0].split("-"))
    for group in _SAME.replace("\n", "|").strip("|").split("|")
    for word in group.split()
}


def normal(text: str) -> tuple[str, Form]:
    """A target's wording without its determiners, and its normal form: ("screens", ("screen",)) for "The screens"."""
    words = " ".join(text.split()).split(" ")
    while len(words) > 1 and words[0].casefold() in _DETERMINERS:
        words = words[1:]
    wording = " ".join(words)
    plain = _POSSESSIVE.sub("", wording.casefold()).replace("wi-fi", "wifi").replace("a/c", "ac")
    form = tuple(_WORD.findall(plain.replace("-", " "))) or (plain,)
    return wording, same((*form[:-1], singular(form[-1])))


def singular(word: str) -> str:
    """An English noun without its regular plural ending; what is no plural stays."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) < 4 or word in _NO_PLURALS or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("sses", "xes", "ches", "shes", "zzes")) else word[:-1]


def same(form: Form) -> Form:
    """``form`` with the everyday word for the thing, where ``SAME`` knows it: the whole of it, or its last word."""
    if form in SAME:
        return SAME[form]
    return form[:-1] + SAME.get(form[-1:], form[-1:])


def shorter_forms(form: Form) -> Iterable[tuple[Form, float]]:
    """What a phrase may be a kind or a side of, from which cosine on, the longest first: "old night bus" -> "night bus", "bus"."""
    place = next((number for number in range(1, len(form) - 1) if form[number] in _PREPOSITIONS), None)
    if place is not None:
        yield from _halves(form[:place], form[place], form[place + 1 :])
    elif len(form) > 1 and form[-1] in _SIDES:
        yield same(form[:-1]), SIDE
    else:
        for start in range(1, len(form)):
            if form[start - 1 :] in _COMPOUNDS:
                return
            yield form[start:], KIND


def _halves(before: Form, preposition: str, after: Form) -> Iterable[tuple[Form, float]]:
    """A "view from the terrace" is a view; a "glass of wine" is wine, the "quality of the food" is the food's."""
    while len(after) > 1 and after[0] in _DETERMINERS:
        after = after[1:]
    if preposition == "of":
        yield same(after), SIDE if before[-1] in _SIDES else KIND
    yield same((*before[:-1], singular(before[-1]))), SIDE
