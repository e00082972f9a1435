"""Where sentences end: after a full stop that is not an abbreviation's, in time linear in the text."""

from __future__ import annotations

import re

_SHORT = (
    "mr mrs ms dr prof sr jr st rev hon gen col lt sgt capt gov sen rep pres no nos vol vols fig figs eq sec ch pp p cf vs viz al "
    "e.g i.e etc inc ltd co corp dept est approx ca jan feb mar apr jun jul aug sep sept oct nov dec art ed eds u.s u.k a.m p.m"
)
ABBREVIATIONS = frozenset(_SHORT.split())
# An end and what closes around it; the possible next sentence. All is bounded but the white space, which is passed once.
_END = re.compile(r"(?<=[.!?…])[\"'”’)\]»]{0,3}\s+|(?<=[。！？])[”』」）]{0,2}\s*")
_WORD = re.compile(r"[^\s(\[\"'“‘]{1,20}\Z")
_OPENING = "\"'“‘([«¿¡*_"


def sentence_starts(text: str) -> list[int]:
    """The offsets at which the sentences of ``text`` begin; the first is 0."""
    return [0, *(match.end() for match in _END.finditer(text) if match.end() < len(text) and _ends(text, match))]


def _ends(text: str, match: re.Match[str]) -> bool:
    stop = text[match.start() - 1]
    if stop in "。！？":
        return True
    following = text[match.end() : match.end() + 4].lstrip(_OPENING)[:1]
    if following.islower():
        return False
    if stop != "." or match.group().strip():
        return True
    word = _WORD.search(text[max(0, match.start() - 24) : match.start() - 1])
    if word is None:
        return True
    before = word[0].lower()
    initial = len(before) == 1 and before.isalpha()  # J. Smith
    number = before.isdigit() and word.start() == 0 and match.start() < 6  # of what follows: "1. Scope"; others may end a sentence
    return not (before in ABBREVIATIONS or initial or number)
