"""Titles and names looked up by the beginnings of their words, as somebody types; prepared once, fast for a million."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]
LETTERS = str.maketrans({"ı": "i", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"})
LAST = chr(0x10FFFF)
WORD, TITLE, WHOLE = 1, 1, 2  # what a word said is worth where it begins one, begins one of the title, is one
BEGINNING = 4  # and all words together, where the title begins so


class _Marks(dict[int, str]):
    """What each character is written as: letters and digits as themselves, accents as nothing, spaces and other marks apart."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        kind = unicodedata.category(char)
        written = char if char.isalnum() or kind == "Mc" else "" if kind == "Mn" else " " if char.isspace() else "-"
        return self.setdefault(code, written)


_MARKS = _Marks()


class Lookup:
    """Finds the places of ``titles`` and ``names`` (parallel) by words of either."""

    def __init__(self, titles: Sequence[str], names: Sequence[str]) -> None:
        hits: dict[str, list[int]] = {}  # a word's places, doubled; odd: in the title
        for place, (title, name) in enumerate(zip(titles, names, strict=True)):
            for word in set(_words(title)):
                hits.setdefault(word, []).append(2 * place + 1)
            for word in set(_words(name)):
                hits.setdefault(word, []).append(2 * place)
        self._words = sorted(hits)
        self._starts = np.cumsum([0, *(len(hits[word]) for word in self._words)])
        self._hits = np.array([hit for word in self._words for hit in hits[word]], dtype=np.int64)
        phrases = [phrase(title) for title in titles]
        self._order = np.array(sorted(range(len(phrases)), key=phrases.__getitem__), dtype=np.int64)
        self._phrases = sorted(phrases)
        self._lengths = np.array([len(each) for each in phrases], dtype=np.int64)

    def find(self, said: str, count: int) -> list[int]:
        """The ``count`` best places: each word said begins a word there; among equals the shorter title, then the earlier place."""
        wanted = phrase(said)
        if not wanted:
            return []
        scores = np.zeros(len(self._order), dtype=np.int64)
        fitting = np.ones(len(self._order), dtype=bool)
        for word in wanted.split():
            found = self._scores(word)
            fitting &= found > 0
            scores += found
        scores[self._titled(wanted)] += BEGINNING
        places = np.flatnonzero(fitting)
        best = np.lexsort((self._lengths[places], -scores[places]))[:count]
        return [int(place) for place in places[best]]

    def _scores(self, word: str) -> Places:
        """How well each place has a word that begins so; 0: none."""
        first, behind = bisect_left(self._words, word), bisect_left(self._words, word + LAST)
        scores = np.zeros(len(self._order), dtype=np.int64)
        hits = self._hits[self._starts[first] : self._starts[behind]]
        scores[hits >> 1] = WORD
        scores[hits[hits & 1 == 1] >> 1] = WORD + TITLE
        if first < behind and self._words[first] == word:
            scores[self._hits[self._starts[first] : self._starts[first + 1]] >> 1] += WHOLE
        return scores

    def _titled(self, wanted: str) -> Places:
        """Places whose title begins so; of these the exact title is the shortest, so it comes out first."""
        return self._order[bisect_left(self._phrases, wanted) : bisect_left(self._phrases, wanted + LAST)]


def phrase(text: str) -> str:
    """Its words, folded, with a space between them."""
    return " ".join(_fold(text).replace("-", " ").split())


def _words(text: str) -> list[str]:
    """Its words, folded; of "AC/DC" and "l'amour" also the whole: acdc, lamour."""
    words = []
    for chunk in _fold(text).split():
        pieces = [piece for piece in chunk.split("-") if piece]
        words += pieces
        if len(pieces) > 1:
            words.append("".join(pieces))
    return words


def _fold(text: str) -> str:
    """Lower case without accents; "-" for every mark that is no space."""
    folded = text.casefold()
    if not folded.isascii():
        folded = unicodedata.normalize("NFKD", folded.translate(LETTERS)).casefold()  # of "Ⓐ", too
    return folded.translate(_MARKS)
