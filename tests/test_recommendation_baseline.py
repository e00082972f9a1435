"""Baselines beside their definitions, and the figures of lists: by hand, and of histories over a small catalogue."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from scipy import sparse
from torch import Tensor

from tasks.core.errors import InputError
from tasks.recommendation import baseline, evaluation
from tasks.recommendation.baseline import als, centroid, ease, histories_matrix, item_knn, popularity, ranked, ratings_matrix
from tasks.recommendation.catalogue import Catalogue
from tasks.recommendation.evaluation import list_scores, withheld_scores
from tasks.recommendation.measures import LENGTH
from tasks.recommendation.model import HistoryHead
from tasks.recommendation.ratings import Interactions, read_ratings
from tasks.recommendation.scoring import Taste, Weights
from tasks.recommendation.stock import Stock
from tasks.recommendation.store import quiet
from tasks.recommendation.types import Item

NAMES = {"popularity", "item-kNN", "EASE", "implicit ALS", "centroid of texts"}


def matrix(users: int, items: int, share: float = 0.3, seed: int = 0) -> Any:
    """Who rated what, at random."""
    return sparse.csr_matrix((np.random.default_rng(seed).random((users, items)) < share).astype(np.float32))


def circles(users: int = 20, size: int = 8) -> Any:
    """Ratings of two circles of users: one rates items of the first half, one of the second; each leaves one out."""
    made = np.zeros((2 * users, 2 * size), np.float32)
    for user in range(2 * users):
        half = user % 2 * size
        made[user, half : half + size] = 1
        made[user, half + user // 2 % size] = 0
    return sparse.csr_matrix(made)


def asking(*histories: Sequence[int], size: int = 16) -> Any:
    return histories_matrix([Taste(tuple(history), (1.0,) * len(history)) for history in histories], size)


# The baselines


def test_ratings_and_histories_are_ones_in_a_matrix() -> None:
    ratings = Interactions(["a", "b", "c"], np.array([0, 2, 2, 3]), np.array([3, 1, 1], np.int32), np.array([1, -1, 0.5], np.float32))
    assert ratings_matrix(ratings, 4).toarray().tolist() == [[0, 1, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0]]
    assert asking([2, 0], [], [1], size=4).toarray().tolist() == [[1, 0, 1, 0], [0, 0, 0, 0], [0, 1, 0, 0]]
    assert asking(size=4).shape == (0, 4)


def test_popularity_counts_users_and_is_the_same_for_everybody() -> None:
    ratings = sparse.csr_matrix(np.array([[1, 0, 1], [1, 0, 0]], np.float32))
    assert popularity(ratings, asking([0], [], size=3)).tolist() == [[2, 0, 1], [2, 0, 1]]


def test_item_knn_sums_cosines_by_hand() -> None:
    ratings = sparse.csr_matrix(np.array([[1, 1, 0, 0], [1, 1, 1, 0], [1, 0, 1, 0], [1, 0, 0, 0]], np.float32))
    root = 2**0.5  # items 0 to 2 have 4, 2 and 2 raters; 0 shares all of these, 1 and 2 share one
    assert item_knn(ratings, asking([1], size=4)) == pytest.approx(np.array([[2 / (2 * root), 0, 0.5, 0]]))
    assert item_knn(ratings, asking([1, 2], size=4)) == pytest.approx(np.array([[2 * 2 / (2 * root), 0.5, 0.5, 0]]))
    assert item_knn(ratings, asking([3], [], size=4)) == pytest.approx(np.zeros((2, 4)))


def test_item_knn_takes_the_nearest_of_each_item(monkeypatch: pytest.MonkeyPatch) -> None:
    ratings = matrix(40, 12)
    dense = ratings.toarray()
    cosines = dense.T @ dense / np.sqrt(np.outer(dense.sum(0), dense.sum(0)))
    np.fill_diagonal(cosines, 0)
    assert item_knn(ratings, sparse.identity(12, format="csr")) == pytest.approx(cosines, abs=1e-5)
    monkeypatch.setattr(baseline, "NEIGHBOURS", 3)
    kept = np.where(cosines >= np.sort(cosines, 1)[:, -3:-2] - 1e-6, cosines, 0)
    assert item_knn(ratings, sparse.identity(12, format="csr")) == pytest.approx(kept, abs=1e-5) and (kept == 0).sum() > 90


@pytest.mark.parametrize("ridge", [0.5, 20.0, 100.0])
@pytest.mark.parametrize("shape", [(30, 8), (8, 30)])
def test_ease_is_its_closed_form(monkeypatch: pytest.MonkeyPatch, ridge: float, shape: tuple[int, int]) -> None:
    monkeypatch.setattr(baseline, "RIDGE", ridge)
    ratings, asked = matrix(*shape), matrix(5, shape[1], seed=1)
    dense = ratings.toarray().astype(np.float64)
    inverse = np.linalg.inv(dense.T @ dense + ridge * np.eye(shape[1]))
    weights = np.eye(shape[1]) - inverse / np.diag(inverse)  # column by column
    assert np.abs(np.diag(weights)).max() < 1e-9
    assert ease(ratings, asked) == pytest.approx(asked.toarray() @ weights, abs=2e-4)


def test_the_centroid_is_the_mean_of_the_cosines() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)
    assert centroid(vectors, asking([0, 1], [2], size=3)) == pytest.approx(np.array([[1, 1, 1.4], [0.6, 0.8, 1]]))


@pytest.mark.skipif(importlib.util.find_spec("implicit") is None, reason=baseline.INSTALL)
def test_als_finds_the_rest_of_a_circle_and_always_the_same() -> None:
    ratings, asked = circles(), asking([0, 1, 2], [9, 10, 15])
    found, again = als(ratings, asked), als(ratings, asked)
    assert found is not None and again is not None and found.shape == (2, 16) and found == pytest.approx(again, abs=1e-5)
    assert found[0, 3:8].min() > found[0, 8:].max() and found[1, 11:15].min() > found[1, :8].max()


def test_als_is_left_out_with_a_line_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert als(circles(), asking([0])) is None
    assert capsys.readouterr().err == "ALS is left out: pip install implicit==0.7.3\n"


@pytest.mark.parametrize("learn", [item_knn, ease])
def test_what_a_circle_has_rated_is_for_the_circle(learn: Any) -> None:
    found = learn(circles(), asking([0, 1, 2], [9, 10, 15]))
    assert found[0, 3:8].min() > found[0, 8:].max() + 0.01 and found[1, 11:15].min() > found[1, :8].max() + 0.01


# A small catalogue


def embed(texts: Sequence[str], progress: Any = quiet) -> Tensor:
    return torch.stack([torch.tensor([byte - 127.5 for byte in hashlib.sha256(text.encode()).digest()[:16]]) for text in texts])


def stocked(folder: Path, rated: bool = True, size: int = 16) -> Stock:
    """The two circles' items, of which nothing but the titles is known."""
    catalogue = Catalogue([Item(str(number), f"Title {number}") for number in range(size)])
    ratings = None
    if rated:
        users, items = circles().nonzero()
        rows = [{"user_id": int(user), "item_id": int(item), "rating": 5} for user, item in zip(users, items, strict=True)]
        ratings = read_ratings(rows, catalogue, (1, 5))
    torch.manual_seed(0)
    return Stock.make(catalogue, ratings, embed, HistoryHead(16, 8, 1).eval().requires_grad_(False), Weights(), folder, quiet)


def test_every_baseline_lists_what_is_not_in_the_history(tmp_path: Path) -> None:
    stock = stocked(tmp_path)
    found = ranked(stock, [Taste((0, 1, 2), (1.0, 1.0, 1.0)), Taste((), ()), Taste(tuple(range(8, 16)), (1.0,) * 8)])
    assert set(found) == NAMES - ({"implicit ALS"} if importlib.util.find_spec("implicit") is None else set())
    for name, (some, none, many) in found.items():
        assert len(some) == len(none) == LENGTH and len(set(some)) == LENGTH and not {0, 1, 2} & set(some), name
        assert sorted(many) == list(range(8)), name  # no more are left
    for name in ("item-kNN", "EASE"):
        assert set(found[name][0][:5]) == {3, 4, 5, 6, 7}, name
    assert found["popularity"][0] == sorted(set(range(16)) - {0, 1, 2}, key=lambda place: -int(stock.popularity[place]))[:LENGTH]


def test_baselines_need_ratings(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^The baselines learn from ratings: give"):
        ranked(stocked(tmp_path, rated=False), [Taste((0,), (1.0,))])


# Figures


def test_figures_of_lists_by_hand() -> None:
    figures = list_scores([[0, 1], [1, 2], []], [{1}, {1, 7}, {3}], np.array([5, 3, 1, 0, 0, 0, 0, 0]))
    second = 1 / np.log2(3)
    assert figures == {
        "ndcg_at_10": pytest.approx((second + 1 / (1 + second)) / 3),
        "recall_at_10": pytest.approx((1 + 0.5) / 3),
        "coverage": 3 / 8,
        "mean_popularity": (5 + 3 + 3 + 1) / 4,
    }
    assert list_scores([[]], [{1}], np.array([5, 3])) == {"ndcg_at_10": 0, "recall_at_10": 0, "coverage": 0, "mean_popularity": 0}


def test_withheld_items_are_looked_for_among_all_and_among_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    withheld = np.arange(40) >= 28
    asked: list[tuple[int, bool]] = []

    def listed(stock: Any, tastes: Sequence[Taste], allowed: Any = None) -> list[list[int]]:
        asked.append((len(tastes), allowed is not None))
        return [[30, 31]] * len(tastes) if allowed is not None else [[1, 30]] * len(tastes)

    monkeypatch.setattr(evaluation, "lists", listed)
    tastes = [Taste((number,), (1.0,)) for number in range(3)]
    figures = withheld_scores(SimpleNamespace(), tastes, [{1, 2}, {1, 30, 31}, {30, 35}], withheld)  # type: ignore[arg-type]
    assert asked == [(2, False), (2, True)]  # who took up none of them says nothing
    assert figures == {
        "withheld_recall_at_10": pytest.approx(0.5),
        "withheld_recall_at_10_by_chance": 10 / 40,
        "recall_at_10_among_withheld": pytest.approx((1 + 0.5) / 2),
        "recall_at_10_among_withheld_by_chance": pytest.approx(10 / 12),
    }
    assert withheld_scores(SimpleNamespace(), tastes[:1], [{1, 2}], withheld) == {}  # type: ignore[arg-type]


def test_withheld_items_of_a_catalogue_are_all_that_comes(tmp_path: Path) -> None:
    stock, withheld = stocked(tmp_path, rated=False), np.arange(16) >= 12
    figures = withheld_scores(stock, [Taste((0,), (1.0,)), Taste((1, 13), (1.0, 1.0))], [{12, 15, 3}, {14}], withheld)
    assert figures["recall_at_10_among_withheld"] == 1 == figures["recall_at_10_among_withheld_by_chance"]
    assert 0 <= figures["withheld_recall_at_10"] <= 1 and figures["withheld_recall_at_10_by_chance"] == 10 / 16


def test_figures_of_a_pipeline_and_its_baselines(tmp_path: Path) -> None:
    rows = [{"user_id": user, "item_id": item, "rating": 5} for user, half in (("x", 0), ("y", 8)) for item in range(half, half + 5)]
    rows.append({"user_id": "z", "item_id": 3, "rating": 5})  # says nothing
    pipeline = SimpleNamespace(stock=stocked(tmp_path), scale=(1, 5))
    figures = evaluation.scores(pipeline, rows)
    names = {"ndcg_at_10", "recall_at_10", "coverage", "mean_popularity", "ece"}
    assert figures.keys() == {*names, "texts_alone_ndcg_at_10", "texts_alone_recall_at_10"}
    assert figures["recall_at_10"] == 1 and figures["ndcg_at_10"] > figures["texts_alone_ndcg_at_10"] >= 0
    assert 0 <= figures["ece"] <= 1 and figures["coverage"] > 0.6 and figures["mean_popularity"] == pytest.approx(17.5, abs=1)
    told = evaluation.baselines(pipeline, [], rows)
    assert set(told) <= NAMES and told["EASE"]["recall_at_10"] == told["item-kNN"]["recall_at_10"] == 1
    plain = evaluation.scores(SimpleNamespace(stock=stocked(tmp_path, rated=False), scale=(1, 5)), rows)
    assert plain.keys() == names and plain["mean_popularity"] == 0
    assert [plain[name] for name in ("ndcg_at_10", "recall_at_10")] == [
        figures[f"texts_alone_{name}"] for name in ("ndcg_at_10", "recall_at_10")
    ]
