"""Scores to lists: the best items, or items that are good and differ from one another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
POOL = 10  # candidates a wanted item, from which a diverse list is chosen
FEWEST = 100  # candidates at least


def pool_size(k: int, diversity: float) -> int:
    """How many candidates a list of ``k`` is chosen from."""
    return k if diversity == 0 else max(FEWEST, POOL * k)


def diverse(scores: Floats, vectors: Floats, k: int, diversity: float) -> Ints:
    """Places of ``k`` candidates in the order of maximal marginal relevance (Carbonell and Goldstein 1998).

    ``scores`` (candidates,), best first; ``vectors`` (candidates, size). The next is always the one of the highest
    ``(1 - diversity) * relevance - diversity * likeness``: its score, from 0 (the last candidate's) to 1, and the highest cosine
    with what was chosen before. With a diversity of 0 that is the order of the scores.
    """
    count = min(k, len(scores))
    if diversity == 0 or count < 2:
        return np.arange(count)
    spread = float(scores[0] - scores[-1])
    relevance = (scores - scores[-1]) / spread if spread > 0 else np.ones_like(scores)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions = vectors / np.where(lengths > 0, lengths, 1)
    likeness = np.full(len(scores), -1.0)
    chosen: list[int] = []
    for _ in range(count):
        value = (1 - diversity) * relevance - diversity * np.maximum(likeness, 0)
        value[chosen] = -np.inf
        chosen.append(int(value.argmax()))
        likeness = np.maximum(likeness, directions @ directions[chosen[-1]])
    return np.array(chosen, np.int64)


def first_of_each(places: Ints, same: Ints) -> Ints:
    """``places`` without those of whose content (``same``: a number a content, by place) an earlier one is."""
    _, first = np.unique(same[places], return_index=True)
    return places[np.sort(first)]
