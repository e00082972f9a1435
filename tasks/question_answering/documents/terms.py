"""Texts into numbered terms: lower case, without English's commonest words, on their stems."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence

import numpy as np
import Stemmer
from bm25s.stopwords import STOPWORDS_EN
from numpy.typing import NDArray

Terms = NDArray[np.int32]
STOP_WORDS = frozenset(STOPWORDS_EN)
LONGEST = 40  # characters of a word that is looked for; what is longer is data
_WORD = re.compile(r"\w+")


class Vocabulary:
    """Numbers for terms, in the order in which they come up; safe to use from several threads."""

    def __init__(self, terms: Sequence[str] = ()) -> None:
        self._numbers = {term: number for number, term in enumerate(terms)}
        self._stemmer = Stemmer.Stemmer("english")
        self._lock = threading.Lock()  # the stemmer has a cache of its own, which is not made for threads

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def terms(self) -> list[str]:
        """All terms by their numbers."""
        return list(self._numbers)

    def numbered(self, text: str) -> Terms:
        """The numbers of the terms of a passage, in order; new terms get one."""
        with self._lock:
            return np.array([self._numbers.setdefault(term, len(self._numbers)) for term in self._stems(text)], np.int32)

    def known(self, text: str) -> tuple[Terms, int]:
        """The different terms of a question that have a number, and how many have none."""
        with self._lock:
            found = [self._numbers.get(term, -1) for term in set(self._stems(text))]
        return np.array(sorted(number for number in found if number >= 0), np.int32), found.count(-1)

    def _stems(self, text: str) -> list[str]:
        words = [word for word in _WORD.findall(text.lower()) if word not in STOP_WORDS]
        stems: list[str] = self._stemmer.stemWords([word[:LONGEST] for word in words])
        return stems
