"""BM25 over numbered terms, on bm25s (Lù 2024, arXiv:2407.03618), its matrix of scores built in NumPy at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from bm25s import BM25
from numpy.typing import NDArray

from tasks.question_answering.documents.terms import Terms

Floats = NDArray[np.float32]
K1, B = 1.5, 0.75  # how soon a word's repetition counts no more; how much a passage's length counts


class Lexical:
    """Scores of passages by the words that they share with a question.

    ``terms``: the numbers of the terms of all passages, one passage after the other; ``lengths``: how many each passage has;
    ``size``: how many terms there are.
    """

    def __init__(self, terms: Terms, lengths: NDArray[np.int64], size: int) -> None:
        self._count, self._size = len(lengths), size
        self._index: Any = BM25(K1, B, method="lucene", backend="numpy")
        self._index.nonoccurrence_array = None  # only BM25L and BM25+ have one
        self._idf = np.zeros(0, np.float32)
        self._index.scores = self._matrix(terms, lengths)

    def scores(self, terms: Terms, unknown: int) -> Floats:
        """For each passage, the share of the question's information that it has: 0 (no word) to below 1.

        BM25 by its highest possible value, the sum of the terms' inverse document frequencies; ``unknown`` terms that no passage
        has count there as well. So a score means the same beside any other passages.
        """
        rarest = _idf(np.zeros(1), self._count)[0]
        here = terms[terms < self._size]  # a term of a document that is being added has no column yet
        most = float(self._idf[here].sum()) + float(rarest) * (unknown + len(terms) - len(here))
        if not len(here) or most <= 0:
            return np.zeros(self._count, np.float32)
        found: Floats = self._index.get_scores_from_ids(here) / np.float32(most)
        return found

    def _matrix(self, terms: Terms, lengths: NDArray[np.int64]) -> dict[str, Any]:
        """What bm25s's ``build_index_from_ids`` makes in a loop over the passages: scores by term (column) and passage (row)."""
        passage = np.repeat(np.arange(self._count, dtype=np.int64), lengths)
        # A number for each pair of a term and a passage, in the order of the columns; how often it comes is the term's frequency.
        pairs, often = np.unique(terms.astype(np.int64) * self._count + passage, return_counts=True)
        column, row = np.divmod(pairs, max(self._count, 1))
        holders = np.bincount(column, minlength=self._size)
        self._idf = _idf(holders, self._count)
        share = lengths / max(float(lengths.mean()), 1.0) if self._count else lengths.astype(np.float64)
        data = self._idf[column] * (often / (K1 * (1 - B + B * share[row]) + often))
        indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(holders)])
        return {"data": data.astype(np.float32), "indices": row.astype(np.int32), "indptr": indptr, "num_docs": self._count}


def _idf(holders: NDArray[Any], count: int) -> Floats:
    """Inverse document frequencies, as in Lucene, of terms that so many passages of ``count`` have."""
    idf: Floats = np.log(1 + (count - holders + 0.5) / (holders + 0.5)).astype(np.float32)
    return idf
