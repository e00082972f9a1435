"""What others took up next to an item: counted as a double loop counts it, the strongest kept, filled by likeness, remembered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file
from scipy import sparse

from tasks.recommendation import neighbours as near
from tasks.recommendation.neighbours import (
    BACKWARDS,
    COLUMNS,
    FALL,
    LIKE,
    REACH,
    ROWS,
    SHARPNESS,
    SMOOTH,
    filled,
    neighbours,
    remembered,
    strongest,
)
from tasks.recommendation.ratings import Interactions

HISTORIES = [[0, 1, 2], [1, 0], [3]]


def rated(histories: Sequence[Sequence[int]]) -> Interactions:
    """Each history is a user's, who likes everything."""
    items = np.array([place for history in histories for place in history], np.int32)
    start = np.cumsum([0, *map(len, histories)]).astype(np.int64)
    return Interactions([f"user {number}" for number in range(len(histories))], start, items, np.ones(len(items), np.float32))


def counted(histories: Sequence[Sequence[int]], size: int) -> np.ndarray:
    """Ordered pairs within reach, by two loops."""
    counts = np.zeros((size, size))
    for history in histories:
        for at, first in enumerate(history):
            for distance, second in enumerate(history[at + 1 : at + 1 + REACH]):
                counts[first, second] += FALL**distance
    return counts


def plainly(histories: Sequence[Sequence[int]], size: int) -> np.ndarray:
    """What ``neighbours`` should give."""
    counts = counted(histories, size)
    counts += BACKWARDS * counts.T
    scaled = counts / (counts.sum(1, keepdims=True) + SMOOTH) ** ROWS / (counts.sum(0, keepdims=True) + SMOOTH) ** COLUMNS
    largest = scaled.max(1)
    found: np.ndarray = scaled / (largest[largest > 0].mean() if largest.any() else 1)
    return found


def drawn(users: int, size: int, longest: int = 120, seed: int = 0) -> list[list[int]]:
    random = np.random.default_rng(seed)
    return [random.permutation(size)[: random.integers(1, longest)].tolist() for _ in range(users)]


def test_three_users_by_hand() -> None:
    found = near._counted(rated(HISTORIES), 5).toarray()
    expected = np.zeros((5, 5))
    expected[0, 1], expected[0, 2], expected[1, 2], expected[1, 0] = 1, 0.9, 1, 1
    assert found == pytest.approx(expected)
    both = expected + 0.5 * expected.T  # rows: 0: 1.5, 0.9; 1: 1.5, 1; 2: 0.45, 0.5
    rows, columns = np.array([2.4, 2.5, 0.95, 0, 0]), np.array([1.95, 2, 1.9, 0, 0])
    assert both.sum(1) == pytest.approx(rows) and both.sum(0) == pytest.approx(columns)
    scaled = both / np.sqrt(rows + 5)[:, None] / (columns + 5) ** 0.25
    made = neighbours(rated(HISTORIES), 5)
    assert made.toarray() == pytest.approx(scaled / scaled.max(1)[:3].mean(), abs=1e-6) and made.dtype == np.float32
    assert made.toarray().max(1)[:3].mean() == pytest.approx(1)


def test_what_comes_next_is_nearer_than_what_came_before_and_than_what_comes_late() -> None:
    made = neighbours(rated([[0, 1, 2, 3]] * 5), 4).toarray()
    assert made[1, 2] > made[1, 3] > made[1, 0] > 0 and made[0, 1] > made[0, 2] > made[0, 3] > 0
    assert not made.diagonal().any()


def test_nothing_beyond_reach_is_a_pair() -> None:
    made = near._counted(rated([list(range(REACH + 3))]), REACH + 3).toarray()
    assert made[0, REACH] == pytest.approx(FALL ** (REACH - 1)) and not made[0, REACH + 1 :].any() and made[2, REACH + 2] > 0


def test_no_pair_crosses_users() -> None:
    made = neighbours(rated([[0, 1], [2, 3], [4], [5, 6, 7]]), 8).toarray() > 0
    for pair in ((1, 2), (2, 1), (3, 4), (4, 5), (0, 3)):
        assert not made[pair]
    assert made[0, 1] and made[2, 3] and made[5, 7] and not made[4].any() and not made[:, 4].any()


@pytest.mark.parametrize("step", [1, 2, 7, 39, 40, 41, 100, 10_000])
def test_parts_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    histories = drawn(12, 130)
    monkeypatch.setattr(near, "MOST_PAIRS", step * REACH)
    assert near._counted(rated(histories), 130).toarray() == pytest.approx(counted(histories, 130), rel=1e-5)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 6), max_size=6, unique=True), max_size=6), st.integers(1, 9))
def test_any_histories_are_counted_as_by_two_loops(histories: list[list[int]], step: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near, "MOST_PAIRS", step * REACH)
        made = neighbours(rated(histories), 7)
    assert made.toarray() == pytest.approx(plainly(histories, 7), abs=1e-5) and np.isfinite(made.data).all()


def test_only_the_strongest_neighbours_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    histories = drawn(12, 60)
    everything = neighbours(rated(histories), 60).toarray()
    assert everything == pytest.approx(plainly(histories, 60), abs=1e-5)
    monkeypatch.setattr(near, "KEPT", 4)
    kept = neighbours(rated(histories), 60).toarray()
    assert ((kept == 0) | (kept == everything)).all() and (kept > 0).sum(1).max() <= 5  # more only where two are alike
    for row, whole in zip(kept, everything, strict=True):
        assert row.min(where=row > 0, initial=9) >= whole[row == 0].max() and (row > 0).sum() >= min(4, (whole > 0).sum())


# The strongest


def test_the_strongest_entries_of_each_row_stay() -> None:
    matrix = sparse.csr_matrix(np.array([[1.0, 5, 3, 4], [0, 0, 2, 0], [0, 0, 0, 0], [2, 2, 2, 1]]))
    assert strongest(matrix.copy(), 2).toarray().tolist() == [[0, 5, 0, 4], [0, 0, 2, 0], [0, 0, 0, 0], [2, 2, 2, 0]]
    assert strongest(matrix.copy(), 4).toarray().tolist() == matrix.toarray().tolist()
    assert strongest(matrix.tocoo(), 1).toarray().tolist() == [[0, 5, 0, 0], [0, 0, 2, 0], [0, 0, 0, 0], [2, 2, 2, 0]]
    assert strongest(matrix.copy(), 2).nnz == 6


# Items that nobody rated


def test_an_item_that_nobody_rated_takes_the_neighbours_of_those_like_it() -> None:
    matrix = neighbours(rated([[0, 1], [2, 3]]), 5)
    vectors = torch.tensor([[1.0, 0], [0, 0], [0, 1], [0, 0], [0.8, 0.6]]).half()
    made, before = filled(matrix, vectors).toarray(), matrix.toarray()
    weights = np.array([0.8, 0, 0.6, 0]) ** SHARPNESS
    weights /= weights.sum()
    assert made[:4, :4] == pytest.approx(before[:4, :4])
    assert made[4, :4] == pytest.approx(weights @ before[:4, :4], abs=2e-3) and made[:4, 4] == pytest.approx(
        before[:4, :4] @ weights, abs=2e-3
    )
    assert made[4, 1] > made[4, 3] > 0 and made[1, 4] > 0


def test_an_item_that_is_unlike_all_has_no_neighbours() -> None:
    matrix = neighbours(rated([[0, 1]]), 4)
    made = filled(matrix, torch.tensor([[1.0, 0], [1, 0], [-1, 0], [0, 0]]).half()).toarray()
    assert not made[2:].any() and not made[:, 2:].any() and made[:2, :2] == pytest.approx(matrix.toarray()[:2, :2])


def test_those_most_like_it_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "LIKE", 2)
    matrix = neighbours(rated([[0, 1, 2, 3]]), 5)
    made = filled(matrix, torch.tensor([[1.0], [0.5], [0.9], [0.1], [1.0]]).half()).toarray()
    weights = np.array([1, 0, 0.9**SHARPNESS, 0]) / (1 + 0.9**SHARPNESS)
    assert made[4, :4] == pytest.approx(weights @ matrix.toarray()[:4, :4], abs=2e-3)
    assert LIKE > 2


def test_an_item_that_others_only_came_to_is_rated() -> None:
    matrix: Any = sparse.csr_matrix(np.array([[0, 1.0, 0], [0, 0, 0], [0, 0, 0]], np.float32))
    made = filled(matrix, torch.tensor([[0.0, 1], [1, 0], [1, 0]]).half()).toarray()
    assert made[0] == pytest.approx([0, 1, 1]) and not made[1:].any()


def test_where_there_is_nothing_to_fill_the_matrix_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = neighbours(rated([[0, 1]]), 3)
    assert filled(neighbours(rated([[0, 1]]), 2), torch.ones(2, 2).half()).toarray() == pytest.approx(matrix.toarray()[:2, :2])
    assert not filled(neighbours(rated([[0]]), 3), torch.ones(3, 2).half()).nnz
    assert filled(matrix, torch.ones(3, 2).half()).nnz > matrix.nnz
    monkeypatch.setattr(near, "MOST_FILLED", 0)
    assert filled(matrix, torch.ones(3, 2).half()) is matrix


# Between runs


def test_what_was_counted_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ratings, folder = rated(drawn(9, 30)), tmp_path / "new" / "ratings"
    made = remembered(ratings, 30, folder)
    assert made.toarray().tolist() == neighbours(ratings, 30).toarray().tolist()
    monkeypatch.setattr(near, "neighbours", None)
    again = remembered(ratings, 30, folder)
    assert again.toarray().tolist() == made.toarray().tolist() and again.dtype == np.float32
    assert [path.suffix for path in folder.iterdir()] == [".safetensors"]


@pytest.mark.parametrize("other", ["ratings", "users", "size", "FALL"])
def test_other_ratings_are_counted_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str) -> None:
    remembered(rated([[0, 1, 2], [2, 1]]), 3, tmp_path)
    if other == "FALL":
        monkeypatch.setattr(near, "FALL", 0.5)
    ratings = rated({"ratings": [[0, 1, 2], [1, 2]], "users": [[0, 1], [2, 2, 1]]}.get(other, [[0, 1, 2], [2, 1]]))
    size = 4 if other == "size" else 3
    assert remembered(ratings, size, tmp_path).toarray().tolist() == neighbours(ratings, size).toarray().tolist()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("how", ["cut", "text", "nothing", "no data", "short data", "beyond", "descending"])
def test_a_damaged_memory_is_counted_anew_and_replaced(tmp_path: Path, how: str) -> None:
    ratings = rated(drawn(9, 30))
    whole = remembered(ratings, 30, tmp_path).toarray()
    (path,) = tmp_path.iterdir()
    parts = load_file(path)
    if how == "no data":
        save_file({name: part for name, part in parts.items() if name != "data"}, path)
    elif how == "short data":
        save_file(parts | {"data": parts["data"][:3].copy()}, path)
    elif how == "beyond":
        save_file(parts | {"indices": parts["indices"] + 25}, path)
    elif how == "descending":
        save_file(parts | {"indptr": parts["indptr"][::-1].copy()}, path)
    else:
        path.write_bytes({"cut": path.read_bytes()[:-20], "text": b"no safetensors " * 9, "nothing": b""}[how])
    assert remembered(ratings, 30, tmp_path).toarray() == pytest.approx(whole)
    assert load_file(path)["data"].tolist() == parts["data"].tolist()


def test_without_a_folder_ratings_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("the user's")
    ratings = rated(HISTORIES)
    assert remembered(ratings, 5, tmp_path / "a file" / "ratings").toarray().tolist() == neighbours(ratings, 5).toarray().tolist()
