"""Lines of a text: which of them run on into the next, as in PDFs and hand-wrapped texts, and which stand for themselves."""

from __future__ import annotations

import re
from math import ceil

LONGEST_WRAPPED = 200  # characters: lines beyond it are whole paragraphs
FULL = 0.75  # share of the usual width from which a line looks wrapped
HEADING_WORDS, HEADING_CHARACTERS = 12, 100
ITEM = re.compile(r"\s*(?:[-*+•‣◦▪●–]\s|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]\s|\||#{1,6}\s|>)")
_NUMBERED = re.compile(r"\s*(?:\d{1,2}(?:\.\d{1,2}){0,4}\.?|(?i:chapter|section|part|annex|appendix)\s+\w{1,6}[.:]?)\s+[^\W\d_]")
_ENDED = re.compile(r"[.!?:;。！？][\"'”’)\]»]{0,3}\s*\Z")


def wraps(line: str, following: str, width: int) -> bool:
    """Whether ``following`` continues ``line``, where lines are usually ``width`` characters wide."""
    if not line.strip() or not following.strip() or len(line) > LONGEST_WRAPPED:
        return False
    if ITEM.match(following) or line.lstrip().startswith(("#", "|")) or _ENDED.search(line[-8:]):
        return False
    return following.lstrip()[0].islower() or line.rstrip()[-1] in ",-–(" or len(line.rstrip()) >= FULL * width


def is_heading(line: str, after_blank: bool) -> bool:
    """Whether a line is a heading: marked by ``#``, or short and without an end, and numbered, in capitals or ``after_blank``."""
    bare = line.strip()
    if bare.startswith("#"):
        return bool(bare.lstrip("#").strip())
    if not bare or len(bare) > HEADING_CHARACTERS or len(bare.split()) > HEADING_WORDS or bare[-1] in ".!?:;,。！？|" or "|" in bare:
        return False
    if _NUMBERED.match(bare):
        return True
    letter = next((char for char in bare if char.isalpha()), "")
    return bool(letter) and not letter.islower() and bare[0] not in "-*+•" and (after_blank or (bare.isupper() and len(bare) > 3))


def usual_width(lengths: list[int]) -> int:
    """The width that nine of ten lines keep to."""
    return sorted(lengths)[ceil(0.9 * (len(lengths) - 1))] if lengths else 0
