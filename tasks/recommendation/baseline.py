"""What others do with the same ratings: popularity, item-kNN, EASE, ALS; and with the texts alone, their centroid."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tasks.core.errors import InputError
from tasks.recommendation.measures import LENGTH
from tasks.recommendation.ratings import Interactions
from tasks.recommendation.scoring import Taste
from tasks.recommendation.stock import Stock

Floats = NDArray[np.float32]
RIDGE = 100.0  # of EASE, by trial on development users
NEIGHBOURS = 100  # of an item in item-kNN
ALS = {"factors": 64, "regularization": 0.05, "iterations": 15, "random_state": 0}
INSTALL = "pip install implicit==0.7.3"


def ratings_matrix(ratings: Interactions, size: int) -> Any:
    """(users, items), 1 where a user rated an item."""
    values = np.ones(len(ratings), np.float32)
    return sparse.csr_matrix((values, ratings.items, ratings.start), shape=(len(ratings.users), size))


def histories_matrix(tastes: Sequence[Taste], size: int) -> Any:
    """The same of those who ask."""
    start = np.cumsum([0, *(len(taste.items) for taste in tastes)])
    items = np.array([place for taste in tastes for place in taste.items], np.int64)
    return sparse.csr_matrix((np.ones(len(items), np.float32), items, start), shape=(len(tastes), size))


def popularity(ratings: Any, asked: Any) -> Floats:
    """How many users rated an item, the same for everybody."""
    return np.repeat(np.asarray(ratings.sum(0), np.float32), asked.shape[0], axis=0)


def item_knn(ratings: Any, asked: Any) -> Floats:
    """Sum of the cosines of an item's raters and those of the history's items, of each the nearest (Sarwar et al. 2001)."""
    lengths = np.sqrt(np.asarray(ratings.sum(0)).ravel())
    scaled = ratings @ sparse.diags(1 / np.maximum(lengths, 1))
    cosines = (scaled.T @ scaled).toarray()
    np.fill_diagonal(cosines, 0)
    if cosines.shape[1] > NEIGHBOURS:
        least = np.partition(cosines, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS]
        cosines[cosines < least[:, None]] = 0
    found: Floats = asked @ cosines
    return found


def ease(ratings: Any, asked: Any) -> Floats:
    """A linear autoencoder with a zero diagonal in closed form (Steck 2019).

    The inverse of the items' Gram matrix by that of the users', which are fewer (Woodbury).
    """
    gram = (ratings @ ratings.T).toarray().astype(np.float64)
    gram[np.diag_indices(len(gram))] += RIDGE
    reduced = np.linalg.inv(gram).astype(np.float32) @ ratings.toarray()
    diagonal = (1 - np.asarray(ratings.multiply(reduced).sum(0)).ravel()) / RIDGE
    inverse = (asked.toarray() - (asked @ ratings.T) @ reduced) / RIDGE
    found: Floats = asked.toarray() - inverse / diagonal
    return found


def centroid(vectors: Floats, asked: Any) -> Floats:
    """The cosine of an item's vector and the mean of the history's: texts alone, untrained."""
    found: Floats = (asked @ vectors) @ vectors.T
    return found


def als(ratings: Any, asked: Any) -> Floats | None:
    """Factors by alternating least squares (Hu et al. 2008) of the library ``implicit``; None where that is not installed."""
    if importlib.util.find_spec("implicit") is None:
        print(f"ALS is left out: {INSTALL}", file=sys.stderr)
        return None
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):  # else implicit warns: its threads and those of BLAS are in each other's way
        model = AlternatingLeastSquares(**ALS)
        model.fit(ratings, show_progress=False)
        users = model.recalculate_user(np.arange(asked.shape[0]), asked)
    found: Floats = users @ model.item_factors.T
    return found


def ranked(stock: Stock, tastes: Sequence[Taste]) -> dict[str, list[list[int]]]:
    """Lists of each baseline for users, what they have left out. Raises ``InputError`` for a catalogue without ratings."""
    if stock.ratings is None:
        raise InputError("The baselines learn from ratings: give --catalogue_file, the items that the rows of --train_file rate.")
    size = len(stock.catalogue)
    ratings, asked = ratings_matrix(stock.ratings, size), histories_matrix(tastes, size)
    vectors = stock.scorer.vectors.float().cpu().numpy()
    learners: dict[str, Callable[[], Floats | None]] = {
        "popularity": lambda: popularity(ratings, asked),
        "item-kNN": lambda: item_knn(ratings, asked),
        "EASE": lambda: ease(ratings, asked),
        "implicit ALS": lambda: als(ratings, asked),
        "centroid of texts": lambda: centroid(vectors, asked),
    }
    made = {name: learn() for name, learn in learners.items()}
    return {name: _lists(scores, asked) for name, scores in made.items() if scores is not None}


def _lists(scores: Floats, asked: Any) -> list[list[int]]:
    scores = np.where(asked.toarray() > 0, -np.inf, scores)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :LENGTH]
    return [places[row[places] > -np.inf].tolist() for places, row in zip(best, scores, strict=True)]
