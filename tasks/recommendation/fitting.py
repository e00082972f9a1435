"""What development users decide: the weight of the item-item signal, and what a score means."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tasks.core.calibration import fit_sigmoid
from tasks.recommendation.asking import Wanted, best
from tasks.recommendation.measures import LENGTH, ndcg
from tasks.recommendation.scoring import Taste, Weights
from tasks.recommendation.stock import Stock

STEPS = (0.0, 2.0, 4.0, 6.0, 8.0, 11.0, 16.0, 22.0, 30.0, 45.0)  # weights that are tried
MOST_USERS = 1_000  # that are looked at
LEAST_SLOPE = 1e-3  # a better logit must be a better score


def fit(stock: Stock, tastes: Sequence[Taste], later: Sequence[set[int]]) -> Weights:
    """Weights for users with these histories, who took up ``later``: the highest NDCG, then honest scores."""
    tastes, later = tastes[:MOST_USERS], later[:MOST_USERS]
    weights = stock.scorer.weights
    if stock.scorer.matrix is not None:
        blank = untaught(stock)
        for name, which in (("near", stock), ("near_unfamiliar", blank)):
            tried = [replace(weights, **{name: step}) for step in STEPS]  # type: ignore[arg-type]
            gains = [_gain(weighed(which, each), tastes, later) for each in tried]
            weights = tried[gains.index(max(gains))]
        weights = replace(weights, rated=_calibrated(weighed(stock, weights), tastes, later))
    return replace(weights, plain=_calibrated(without_ratings(weighed(stock, weights)), tastes, later))


def untaught(stock: Stock) -> Stock:
    """The same catalogue for a head that has learned nothing of such items."""
    head = copy.copy(stock.scorer.head)
    head.familiar = 0.0
    return replace(stock, scorer=replace(stock.scorer, head=head))


def weighed(stock: Stock, weights: Weights) -> Stock:
    """The same catalogue with other weights."""
    return replace(stock, scorer=replace(stock.scorer, weights=weights))


def without_ratings(stock: Stock) -> Stock:
    """The same catalogue as if nobody had rated its items."""
    return replace(stock, scorer=replace(stock.scorer, matrix=None), ratings=None, popularity=np.zeros_like(stock.popularity))


def lists(stock: Stock, tastes: Sequence[Taste], allowed: NDArray[np.bool_] | None = None) -> list[list[int]]:
    """Each user's list."""
    wanted, found = Wanted(k=LENGTH, allowed=allowed, explain=False), []
    for first in range(0, len(tastes), 64):
        found += [places.tolist() for places in best(stock, tastes[first : first + 64], wanted)]
    return found


def _gain(stock: Stock, tastes: Sequence[Taste], later: Sequence[set[int]]) -> float:
    return sum(map(ndcg, lists(stock, tastes), later))


def _calibrated(stock: Stock, tastes: Sequence[Taste], later: Sequence[set[int]]) -> tuple[float, float]:
    """Slope of the logit, and shift, so that a score is the share of items in its place that were taken up."""
    features, right = [], []
    for taste, wanted, places in zip(tastes, later, lists(stock, tastes), strict=True):
        features += [[float(logit)] for logit in stock.scorer.logits([taste], np.array(places, np.int64))[0]]
        right += [place in wanted for place in places]
    (slope,), shift = fit_sigmoid(features, right)
    return max(slope, LEAST_SLOPE), shift
