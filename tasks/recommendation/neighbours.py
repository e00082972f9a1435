"""What other users took up next to an item: the item-item signal, counted in one pass over their ratings.

For each pair of items, how often one came soon after the other in somebody's history (and, at half the weight, before), falling
with the distance; rows and columns are scaled down by their sums, so that what everybody has is no neighbour of everything. An
item-based neighbourhood model (Sarwar et al. 2001) of what lies near in time, because what people take up next is near what they
took up last; ``finetune.evaluate`` shows it beside what EASE (Steck 2019) makes of the same ratings without their order.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy import sparse
from torch import Tensor

from tasks.recommendation.ratings import Interactions
from tasks.recommendation.scan import top

REACH, FALL, BACKWARDS = 40, 0.9, 0.5  # steps that count, what is left of the weight at each more, weight of what came before
ROWS, COLUMNS, SMOOTH = 0.5, 0.25, 5.0  # powers of the sums that rows and columns are divided by, and what is added to the sums
KEPT = 400  # neighbours of an item that are kept
LIKE, SHARPNESS = 10, 4  # rated items that stand in for one that nobody rated, and the power of their likeness
MOST_FILLED = 50_000
MOST_PAIRS = 4_000_000  # counted at once, so that memory stays bounded
Matrix = Any  # scipy.sparse.csr_matrix, which has no types


def neighbours(ratings: Interactions, size: int) -> Matrix:
    """How near items are to items, (size, size), in rows by the item that a user has; the mean of the rows' largest is 1."""
    counts = _counted(ratings, size)
    counts = (counts + BACKWARDS * counts.T).tocsr()
    rows, columns = (np.asarray(counts.sum(axis)).ravel() + SMOOTH for axis in (1, 0))
    scaled = (sparse.diags(rows**-ROWS) @ counts @ sparse.diags(columns**-COLUMNS)).tocsr()
    largest = scaled.max(axis=1).toarray().ravel()
    typical = largest[largest > 0].mean() if (largest > 0).any() else 1.0
    return strongest((scaled / typical).astype(np.float32), KEPT)


def _counted(ratings: Interactions, size: int) -> Matrix:
    """Counts of ordered pairs within reach."""
    total = sparse.csr_matrix((size, size), dtype=np.float32)
    users = np.repeat(np.arange(len(ratings.start) - 1), np.diff(ratings.start))
    step = max(1, MOST_PAIRS // REACH)
    for begin in range(0, len(users), step):
        # A part of the interactions, and beyond its end what is still within reach of it.
        part, who = ratings.items[begin : begin + step + REACH], users[begin : begin + step + REACH]
        first, second, weights = [], [], []
        for distance in range(1, min(REACH, len(part) - 1) + 1):
            stop = min(step, len(part) - distance)
            same = np.flatnonzero(who[:stop] == who[distance : distance + stop])
            first.append(part[same])
            second.append(part[same + distance])
            weights.append(np.full(len(same), FALL ** (distance - 1), np.float32))
        if first:
            pairs = (np.concatenate(weights), (np.concatenate(first), np.concatenate(second)))
            total = total + sparse.csr_matrix(pairs, shape=(size, size), dtype=np.float32)
    return total


def filled(matrix: Matrix, vectors: Tensor) -> Matrix:
    """The matrix with rows and columns for items that nobody rated: those of the rated items most like them by ``vectors``
    (items, size), by their likeness. With more than ``MOST_FILLED`` such items it stays as it is."""
    rated = np.flatnonzero(np.diff(matrix.indptr) + np.bincount(matrix.indices, minlength=matrix.shape[0]))
    new = np.setdiff1d(np.arange(matrix.shape[0]), rated)
    if not len(new) or not len(rated) or len(new) > MOST_FILLED:
        return matrix
    found, likeness = top(vectors[rated].contiguous(), vectors[new].float(), min(LIKE, len(rated)))
    weights = likeness.clamp(min=0).cpu().numpy() ** SHARPNESS
    weights /= np.maximum(weights.sum(1, keepdims=True), 1e-9)
    rows = np.concatenate([rated, np.repeat(new, found.shape[1])])
    columns = np.concatenate([rated, rated[found.cpu().numpy().ravel()]])
    values = np.concatenate([np.ones(len(rated)), weights.ravel()]).astype(np.float32)
    spread = sparse.csr_matrix((values, (rows, columns)), shape=matrix.shape)
    return strongest((spread @ matrix @ spread.T).tocsr().astype(np.float32), KEPT)


def remembered(ratings: Interactions, size: int, folder: Path) -> Matrix:
    """``neighbours``, read from ``folder`` where the same ratings were counted before, else counted and written there."""
    digest = hashlib.sha256(repr((REACH, FALL, BACKWARDS, ROWS, COLUMNS, SMOOTH, KEPT, size)).encode())
    for part in (ratings.start, ratings.items):
        digest.update(np.ascontiguousarray(part).tobytes())
    path = folder / f"{digest.hexdigest()[:32]}.safetensors"
    try:
        parts = load_file(path)
        made = sparse.csr_matrix((parts["data"], parts["indices"], parts["indptr"]), shape=(size, size))
        made.check_format(full_check=True)  # scipy reads beyond its arrays where indices are wrong
        return made
    except (OSError, SafetensorError, KeyError, ValueError):
        made = neighbours(ratings, size)
    with contextlib.suppress(OSError, SafetensorError):  # a folder that can't be written: the next start counts again
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        save_file({"data": made.data, "indices": made.indices, "indptr": made.indptr}, partial)
        partial.replace(path)
    return made


def strongest(matrix: Matrix, count: int) -> Matrix:
    """The ``count`` largest entries of each row."""
    matrix = matrix.tocsr()
    lengths = np.diff(matrix.indptr)
    for row in np.flatnonzero(lengths > count):
        values = matrix.data[matrix.indptr[row] : matrix.indptr[row + 1]]
        values[values < np.partition(values, len(values) - count)[len(values) - count]] = 0
    matrix.eliminate_zeros()
    return matrix
