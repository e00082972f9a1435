"""Scores of recommendation: of the last fifth of a history, what the lists hold that are made of what came before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.metrics import expected_calibration_error
from tasks.recommendation.baseline import ranked
from tasks.recommendation.fitting import lists, without_ratings
from tasks.recommendation.measures import given_and_later, ndcg, recall
from tasks.recommendation.ratings import read_ratings
from tasks.recommendation.scoring import Taste
from tasks.recommendation.stock import Stock

Row = dict[str, Any]


def scores(pipeline: Any, rows: Sequence[Row]) -> dict[str, float]:
    """Figures of users that the catalogue's ratings don't hold, over the whole catalogue.

    ``ndcg_at_10`` and ``recall_at_10``; ``coverage``: share of the catalogue that is in a list at all; ``mean_popularity``: raters
    of a recommended item; ``texts_alone_…``: the same as if nobody had rated the items; ``ece``: how far the scores are off.
    """
    stock = pipeline.stock
    tastes, later = given_and_later(read_ratings(list(rows), stock.catalogue, pipeline.scale))
    return stock_scores(stock, tastes, later)


def stock_scores(stock: Stock, tastes: Sequence[Taste], later: Sequence[set[int]]) -> dict[str, float]:
    """The same of histories."""
    found = lists(stock, tastes)
    figures = list_scores(found, later, stock.popularity)
    if stock.ratings is not None:
        plain = list_scores(lists(without_ratings(stock), tastes), later, stock.popularity)
        figures |= {f"texts_alone_{name}": plain[name] for name in ("ndcg_at_10", "recall_at_10")}
    judged = []
    for taste, wanted, places in zip(tastes, later, found, strict=True):
        likely = 1 / (1 + np.exp(-stock.scorer.scores([taste], np.array(places))[0]))
        judged += [(float(score), place in wanted) for score, place in zip(likely, places, strict=True)]
    return figures | {"ece": expected_calibration_error(judged)}


def list_scores(found: Sequence[Sequence[int]], later: Sequence[set[int]], popularity: NDArray[np.int64]) -> dict[str, float]:
    """Figures of lists (users) of places, where the users took up ``later``."""
    told = np.array([place for each in found for place in each], np.int64)
    return {
        "ndcg_at_10": float(np.mean([ndcg(each, wanted) for each, wanted in zip(found, later, strict=True)])),
        "recall_at_10": float(np.mean([recall(each, wanted) for each, wanted in zip(found, later, strict=True)])),
        "coverage": len(np.unique(told)) / len(popularity),
        "mean_popularity": float(popularity[told].mean()) if len(told) else 0.0,
    }


def withheld_scores(stock: Stock, tastes: Sequence[Taste], later: Sequence[set[int]], withheld: NDArray[np.bool_]) -> dict[str, Any]:
    """Recall of items that training and ratings did not have: among all items, among such items alone; and at random.

    Popularity, which knows none of these, finds none among all items, and what chance finds among such items.
    """
    new = [{place for place in wanted if withheld[place]} for wanted in later]
    users = [number for number, wanted in enumerate(new) if wanted]
    if not users:
        return {}
    asked, wanted = [tastes[number] for number in users], [new[number] for number in users]
    everything, alone = lists(stock, asked), lists(stock, asked, withheld)
    return {
        "withheld_recall_at_10": float(np.mean([*map(recall, everything, wanted)])),
        "withheld_recall_at_10_by_chance": 10 / len(withheld),
        "recall_at_10_among_withheld": float(np.mean([*map(recall, alone, wanted)])),
        "recall_at_10_among_withheld_by_chance": min(1.0, 10 / int(withheld.sum())),
    }


def baselines(pipeline: Any, train: Sequence[Row], rows: Sequence[Row]) -> dict[str, Mapping[str, float]]:
    """The same figures of popularity, item-kNN, EASE, implicit ALS, and the centroid of texts."""
    stock = pipeline.stock
    tastes, later = given_and_later(read_ratings(list(rows), stock.catalogue, pipeline.scale))
    return {name: list_scores(found, later, stock.popularity) for name, found in ranked(stock, tastes).items()}
