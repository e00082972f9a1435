"""Lists that are good and diverse, how good they are measured, and the picture of a catalogue."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tasks.core.errors import InputError
from tasks.recommendation import picture as drawing
from tasks.recommendation.decode import FEWEST, POOL, Floats, diverse, first_of_each, pool_size
from tasks.recommendation.measures import given_and_later, ndcg, recall
from tasks.recommendation.picture import FITTING, centre, picture
from tasks.recommendation.ratings import Interactions


def floats(*values: object) -> Floats:
    return np.array(values, np.float32)


def corners(count: int) -> Floats:
    """Vectors that have nothing in common."""
    return np.eye(count, dtype=np.float32)


# Diverse lists

SCORES = floats(1.0, 0.9, 0.8, 0.5, 0.0)
VECTORS = floats((1, 0), (0.8, 0.6), (0.6, 0.8), (0, 2), (-1, 0))


def test_without_diversity_the_order_is_that_of_the_scores() -> None:
    assert diverse(SCORES, VECTORS, 3, 0).tolist() == [0, 1, 2]
    assert diverse(SCORES, np.ones((5, 2), np.float32), 9, 0.0).tolist() == [0, 1, 2, 3, 4]


def test_with_all_diversity_the_next_is_what_is_least_like_those_before() -> None:
    assert diverse(SCORES, VECTORS, 3, 1).tolist() == [0, 3, 4]
    # What points away from the others is no better than what has nothing to do with them; among equals the better score comes first.
    assert diverse(floats(1, 0.5, 0.4), floats((1, 0), (0, 1), (-1, 0)), 3, 1.0).tolist() == [0, 1, 2]


def test_maximal_marginal_relevance_by_hand() -> None:
    # After the first, 0.5 * relevance - 0.5 * likeness: 0.45 - 0.4 = 0.05, 0.4 - 0.3 = 0.1, 0.25 - 0, 0 - 0: the fourth.
    # Then 0.45 - 0.4 = 0.05 (likeness with the first), 0.4 - 0.4 = 0 (with the fourth), 0 - 0: the second.
    # Then 0.4 - 0.48 = -0.08 (with the second: 0.48 + 0.48), 0: the last.
    assert diverse(SCORES, VECTORS, 5, 0.5).tolist() == [0, 3, 1, 4, 2]
    assert diverse(SCORES, VECTORS, 5, 0.1).tolist() == [0, 1, 2, 3, 4]
    assert diverse(SCORES * 100 - 7, VECTORS * 3, 5, 0.5).tolist() == [0, 3, 1, 4, 2]  # neither scale counts


UNIT = floats((1, 0), (0, 1), (0.6, 0.8), (-0.8, 0.6))


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 3)), max_size=9), st.integers(1, 9), st.sampled_from([0.2, 0.5, 1.0]))
def test_the_next_is_always_worth_most(drawn: list[tuple[int, int]], k: int, diversity: float) -> None:
    scores = np.array(sorted((score for score, _ in drawn), reverse=True), np.float32)
    vectors = UNIT[[direction for _, direction in drawn]].reshape(-1, 2)
    found = diverse(scores, vectors, k, diversity).tolist()
    assert len(found) == len(set(found)) == min(k, len(scores)) and set(found) <= set(range(len(scores)))
    spread = scores.max(initial=0) - scores.min(initial=8)
    for number, at in enumerate(found):
        worth = {}
        for other in set(range(len(scores))) - set(found[:number]):
            likest = max([0.0, *(float(vectors[other] @ vectors[before]) for before in found[:number])])
            worth[other] = (1 - diversity) * ((scores[other] - scores[-1]) / spread if spread > 0 else 1) - diversity * likest
        assert worth[at] >= max(worth.values()) - 1e-6


def test_items_without_a_vector_are_like_nothing() -> None:
    assert diverse(floats(1, 0.9, 0.1, 0), floats((1, 0), (1, 0), (0, 0), (0, 0)), 4, 0.8).tolist() == [0, 2, 3, 1]


def test_there_may_be_few_candidates() -> None:
    assert diverse(floats(), np.zeros((0, 2), np.float32), 5, 0.5).tolist() == []
    assert diverse(floats(0.3), np.ones((1, 2), np.float32), 5, 0.5).tolist() == [0]
    assert diverse(floats(2, 2, 2), corners(3), 5, 0.5).tolist() == [0, 1, 2]


def test_more_diverse_lists_are_chosen_from_more_candidates() -> None:
    assert pool_size(10, 0) == pool_size(10, 0.0) == 10 and pool_size(1, 0) == 1
    assert pool_size(1, 0.01) == pool_size(10, 1) == FEWEST and pool_size(50, 0.5) == 50 * POOL > FEWEST


def test_the_first_of_each_content_stays() -> None:
    same = np.array([7, 8, 7, 9, 8, 0])
    assert first_of_each(np.array([4, 3, 1, 2, 0, 5]), same).tolist() == [4, 3, 2, 5]
    assert first_of_each(np.array([5, 0, 1]), same).tolist() == [5, 0, 1] and first_of_each(np.zeros(0, np.int64), same).tolist() == []


# Measures


@pytest.mark.parametrize(
    ("found", "wanted", "gain", "share"),
    [
        ([3, 1, 4], {3}, 1.0, 1.0),
        ([1, 3, 4], {3}, 1 / math.log2(3), 1.0),
        ([1, 4, 3], {3, 1}, (1 + 1 / 2) / (1 + 1 / math.log2(3)), 1.0),
        ([1, 4], {3, 1}, 1 / (1 + 1 / math.log2(3)), 0.5),
        ([1, 4], {5, 6}, 0.0, 0.0),
        ([], {5}, 0.0, 0.0),
        ([1, 4], set(), 0.0, 0.0),
        ([*range(9), 50, 51], {50, 51}, (1 / math.log2(11)) / (1 + 1 / math.log2(3)), 0.5),  # ten are looked at
        (list(range(10)), set(range(20)), 1.0, 0.5),  # no list of ten can be better
    ],
)
def test_ndcg_and_recall_by_hand(found: list[int], wanted: set[int], gain: float, share: float) -> None:
    assert ndcg(found, wanted) == pytest.approx(gain) and recall(found, wanted) == pytest.approx(share)


def test_shorter_lists_are_measured_too() -> None:
    assert ndcg([1, 2, 3], {2, 3}, 2) == pytest.approx((1 / math.log2(3)) / (1 + 1 / math.log2(3))) and recall([1, 2, 3], {2, 3}, 2) == 0.5
    assert ndcg([2, 1], {2, 3}, 1) == 1 and recall([2, 1], {2, 3}, 1) == 0.5


def rated(histories: Sequence[Sequence[int]]) -> Interactions:
    items = np.array([place for history in histories for place in history], np.int32)
    start = np.cumsum([0, *map(len, histories)]).astype(np.int64)
    return Interactions([str(number) for number in range(len(histories))], start, items, (items / 10).astype(np.float32))


def test_the_first_four_fifths_are_given_and_the_rest_is_to_be_found() -> None:
    tastes, later = given_and_later(rated([[1, 2, 3, 4, 5], [6], [8, 7], [], [*range(9, -1, -1)]]))
    assert [taste.items for taste in tastes] == [(1, 2, 3, 4), (8,), (9, 8, 7, 6, 5, 4, 3, 2)]
    assert later == [{5}, {7}, {1, 0}] and tastes[0].strengths == pytest.approx((0.1, 0.2, 0.3, 0.4))
    assert all(taste.words is None and isinstance(place, int) for taste in tastes for place in taste.items)


@pytest.mark.parametrize("histories", [[], [[1]], [[1], [2], []]])
def test_where_nobody_rated_twice_nothing_can_be_measured(histories: list[list[int]]) -> None:
    with pytest.raises(InputError, match=r"No user of these rows has two ratings: there is nothing to predict\."):
        given_and_later(rated(histories))


# The picture


def crowds(each: int, count: int = 3, seed: int = 0) -> Tensor:
    """Vectors of some kinds, in turn; those of a kind are near each other."""
    random = torch.Generator().manual_seed(seed)
    return torch.eye(8)[:count].repeat(each, 1) + torch.randn(each * count, 8, generator=random) / 20


def apart(places: Floats, count: int = 3) -> bool:
    """Whether almost every item's nearest one is of its kind."""
    distances = np.linalg.norm(places[:, None] - places[None], axis=-1) + 9 * np.eye(len(places))
    return bool((distances.argmin(1) % count == np.arange(len(places)) % count).mean() > 0.95)


def test_similar_items_lie_together_and_always_in_the_same_place() -> None:
    made = picture(crowds(12))
    assert made.shape == (36, 2) and made.dtype == np.float32 and apart(made)
    assert made.min(0).tolist() == [0, 0] and made.max(0).tolist() == [1, 1]
    assert np.array_equal(made, picture(crowds(12))) and not np.array_equal(made, picture(crowds(12, seed=1)))
    assert picture(crowds(12).half()) == pytest.approx(picture(crowds(12).half()), abs=0)


def test_of_many_items_some_are_laid_out_and_the_others_go_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "LANDMARKS", 31)
    vectors = crowds(60)
    laid = np.unique(np.linspace(0, 179, 31).round().astype(int))
    made = picture(vectors)
    assert apart(made) and made.min() >= 0 and made.max() <= 1 + 1e-6 and np.array_equal(made, picture(vectors))
    assert np.array_equal(made[laid], picture(vectors[laid]))


def test_an_item_goes_between_the_landmarks_that_are_most_like_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "LANDMARKS", 4)
    axes = torch.eye(4)
    made = picture(torch.stack([axes[0], axes[0], axes[1], axes[1] + axes[2], axes[2], 5 * axes[3], axes[3]]))
    assert made[[0, 2, 4, 6]] == pytest.approx(floats((1, 0.5), (0.5, 1), (0, 0.5), (0.5, 0)), abs=1e-6)
    assert made[[1, 3, 5]] == pytest.approx(floats((1, 0.5), (0.25, 0.75), (0.5, 0)), abs=1e-4)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 6])
def test_few_items_have_places_too(count: int) -> None:
    made = picture(crowds(2)[:count])
    assert made.shape == (count, 2) and made.dtype == np.float32 and np.isfinite(made).all()
    assert ((made >= 0) & (made <= 1)).all() and len(np.unique(made.round(3), axis=0)) == count


@pytest.mark.parametrize("vectors", [torch.zeros(9, 4), torch.ones(9, 4), torch.tensor([[1.0, 0], [0, 1]]).repeat(6, 1)])
def test_items_that_are_the_same_have_places_too(vectors: Tensor) -> None:
    made = picture(vectors)
    assert made.shape == (len(vectors), 2) and ((made >= 0) & (made <= 1)).all()


def test_the_centre_is_the_middle_of_the_best_by_their_scores() -> None:
    places = floats((0, 0), (1, 0), (0.5, 1))
    assert centre(places, floats(2, 2, 2)) == pytest.approx((0.5, 1 / 3)) and centre(places, floats(90, 0, 0)) == pytest.approx((0, 0))
    assert centre(places, floats(0, math.log(3), -99)) == pytest.approx((0.75, 0))
    assert centre(places[:1], floats(-1000)) == (0, 0) and all(type(part) is float for part in centre(places, floats(1, 2, 3)))


def test_no_item_beyond_the_best_moves_the_centre() -> None:
    places = np.concatenate([np.full((FITTING, 2), 0.25), np.full((500, 2), 1.0)]).astype(np.float32)
    assert centre(places, floats(*[0.1] * FITTING, *[0.0] * 500)) == pytest.approx((0.25, 0.25))


@settings(deadline=None)
@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=60))
def test_the_centre_is_amid_the_places(scores: list[float]) -> None:
    places = np.random.default_rng(0).random((len(scores), 2), np.float32)
    x, y = centre(places, floats(*scores))
    assert places[:, 0].min() - 1e-5 <= x <= places[:, 0].max() + 1e-5 and places[:, 1].min() - 1e-5 <= y <= places[:, 1].max() + 1e-5
