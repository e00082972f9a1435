"""The scan beside a plain one in float64, in all numbers of its first pass, with small parts so that there are many."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tasks.core.errors import InputError
from tasks.recommendation import scan
from tasks.recommendation.scan import longest, top

KINDS = (torch.float16, torch.bfloat16, torch.float32)
WIDTH = 48


@pytest.fixture(params=KINDS, ids=lambda kind: str(kind).removeprefix("torch."))
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> torch.dtype:
    """Numbers of the first pass, whatever this processor is quick with."""
    chosen: torch.dtype = request.param
    monkeypatch.setattr(scan, "_kind", lambda device, queries: chosen)
    return chosen


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts so small that a few hundred items are many."""
    for name, size in {"GROUP": 5, "STRIP": 32, "SCORES": 320, "DEPTH": 16, "EXACT": 7, "CROWDED": 8}.items():
        monkeypatch.setattr(scan, name, size)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def grid(values: Tensor, bits: int) -> Tensor:
    """Values of so few bits that sums of their products are exact in float64, in any order."""
    return (values * 2**bits).round() / 2**bits


def catalogue(count: int, seed: int) -> Tensor:
    """Vectors some of which are the same, zeros, or so near that bfloat16 and float16 don't tell their scores apart."""
    vectors = grid(drawn(count, WIDTH, seed=seed) / 8, 10)
    chance = torch.rand(count, generator=torch.Generator().manual_seed(seed + 1))
    vectors[chance < 0.5] = vectors[:1].clone()
    near = (chance > 0.2) & (chance < 0.5)
    vectors[near] += grid(drawn(int(near.sum()), WIDTH, seed=seed + 2) / 2**9, 10)
    vectors[chance > 0.95] = 0
    return vectors.half()


def plainly(vectors: Tensor, queries: Tensor, k: int, bias: Tensor | None = None, out: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """What ``top`` should give; ``out`` (queries, items): items that must not come."""
    scores = queries.double() @ vectors.double().T
    scores = (scores if bias is None else scores + bias).float() + 0.0
    if out is not None:
        scores[out] = -torch.inf
    best, order = scores.sort(dim=1, descending=True, stable=True)
    best, order = (torch.nn.functional.pad(each[:, :k], (0, max(0, k - len(vectors)))) for each in (best, order))
    best[:, len(vectors) :] = -torch.inf
    return order.where(best > -torch.inf, -1), best


def same(found: tuple[Tensor, Tensor], expected: tuple[Tensor, Tensor]) -> None:
    indices, scores = found
    assert indices.dtype is torch.int64 and scores.dtype is torch.float32
    assert torch.equal(scores, expected[1])
    assert torch.equal(indices, expected[0])


# The best


def test_of_drawn_vectors(kind: torch.dtype) -> None:
    vectors, queries = drawn(30_000, WIDTH, seed=3).half(), drawn(40, WIDTH, seed=4)
    same(top(vectors, queries, 10), plainly(vectors, queries, 10))


@settings(max_examples=25, deadline=None)
@given(st.data())
def _any_case(data: st.DataObject) -> None:
    count, asked = data.draw(st.integers(0, 400), "items"), data.draw(st.integers(0, 12), "queries")
    k, seed = data.draw(st.sampled_from([1, 2, 3, 10, 50, 500]), "k"), data.draw(st.integers(0, 1000), "seed")
    vectors, queries = catalogue(count, seed), grid(drawn(asked, WIDTH, seed=seed + 5), 16)
    if asked > 2:
        queries[1] = 0
        queries[2] = vectors[0] if count else 0  # which many items share
    options: dict[str, Any] = {}
    bias = data.draw(st.sampled_from([None, "items", "all", "function", "huge", "lost"]), "bias")
    added = torch.full((asked, count), 2.0**26) if bias == "huge" else grid(drawn(asked, count, seed=seed + 6), 12)
    if bias in ("items", "lost"):
        added = added[0] if asked else torch.zeros(count)
    if bias == "lost":
        added[::3] = -torch.inf
    if bias:
        options["bias"] = (lambda some, items: added[some, items]) if bias == "function" else added
    out = torch.zeros(asked, count, dtype=torch.bool)
    if data.draw(st.booleans(), "allowed"):
        share = data.draw(st.sampled_from([0.0, 0.01, 0.5, 1.0]), "share")
        options["allowed"] = torch.rand(count, generator=torch.Generator().manual_seed(seed)) < share
        out |= ~options["allowed"]
    if data.draw(st.booleans(), "exclude"):
        best = plainly(vectors, queries, k)[0]
        options["exclude"] = [[*row[::2], *row[:1]] for row in (each[each >= 0].tolist() for each in best)]
        for row, each in enumerate(options["exclude"]):
            out[row, each] = True
    same(top(vectors, queries, k, **options), plainly(vectors, queries, k, added if bias else None, out))


@pytest.mark.usefixtures("small")
def test_in_any_case(kind: torch.dtype) -> None:
    _any_case()


def test_one_query_and_few_and_many_in_this_processors_numbers() -> None:
    vectors, queries = catalogue(9_000, 0), grid(drawn(40, WIDTH, seed=1), 16)
    indices, scores = plainly(vectors, queries, 10)
    same(top(vectors, queries, 10), (indices, scores))
    same(top(vectors, queries[:3], 10, length=longest(vectors)), (indices[:3], scores[:3]))
    for row in range(len(queries)):
        same(top(vectors, queries[row : row + 1], 10), (indices[row : row + 1], scores[row : row + 1]))


def test_where_the_first_pass_has_the_order_wrong(kind: torch.dtype) -> None:
    """The best item is where the query is rounded down, and 40 others are where it is rounded up."""
    step = 2 * scan.UNITS[kind]  # from 1 to the next number
    query = torch.tensor([1 + 0.49 * step] * 24 + [1 + 0.51 * step] * 24 + [step], dtype=torch.float64)
    vectors = torch.zeros(20_000, 49).half()
    vectors[::500, 24:48] = 1
    vectors[4_321, :24] = vectors[4_321, 48] = 1
    products = (vectors.double() @ query.to(kind).double()).to(kind)
    assert products[0] > products[4_321]
    same(top(vectors, query.expand(20, 49), 3), plainly(vectors, query.expand(20, 49), 3))


def test_where_a_bias_hides_what_the_first_pass_loses(kind: torch.dtype) -> None:
    """At 2 ** 26, float32 has steps of 8: a product just above 4 adds one, and one of 4 adds none."""
    query = torch.tensor([(1 + 0.98 * scan.UNITS[kind]) / 8] * 32 + [5], dtype=torch.float64)
    vectors, bias = torch.zeros(20_000, 33).half(), torch.zeros(20_000)
    vectors[250, :32] = vectors[500::500, 32] = 1
    bias[250] = bias[500::500] = 2.0**26
    assert top(vectors, query.expand(20, 33), 3, bias=bias)[0].tolist() == [[250, 500, 1_000]] * 20


def test_where_bfloat16_has_the_order_of_the_vectors_wrong() -> None:
    step = 2.0**-7  # from 1 to the next number
    vectors = torch.zeros(20_000, 49).half()
    vectors[::500, :48] = 1 + 0.625 * step
    vectors[4_321, :48] = 1 + 0.375 * step
    vectors[4_321, 48] = 13 * step
    assert vectors[0].bfloat16().sum() > vectors[4_321].bfloat16().sum()
    assert top(vectors, torch.ones(20, 49), 3)[0].tolist() == [[4_321, 0, 500]] * 20


# How wrong the first pass may be


def errors(vectors: Tensor, queries: Tensor) -> tuple[Tensor, Tensor]:
    """Of the first pass: how wrong its scores (queries, items) are, and how wrong they may be (queries,)."""
    session = scan._Scan(vectors, queries.double(), 10, longest(vectors))
    scores = torch.empty(len(queries), len(vectors))
    session._multiply(vectors, scores)
    return (scores.double() - queries.double() @ vectors.double().T).abs(), session.error


@pytest.mark.parametrize("power", [-40, -14, 0, 12])
@pytest.mark.parametrize("reach", [2.0**-20, 2.0**-8, 1.0, 2.0**10])
def test_the_first_pass_keeps_its_bound(kind: torch.dtype, power: int, reach: float) -> None:
    vectors, queries = (drawn(3_000, WIDTH, seed=1) * reach).half(), drawn(30, WIDTH, seed=2) * 2.0**power
    wrong, may = errors(vectors, queries)
    assert (wrong <= may[:, None]).all()
    assert (may <= 0.02 * vectors.double().norm(dim=1).max() * queries.double().norm(dim=1)).all()  # which is of use


@pytest.mark.parametrize("power", [-14, 0, 12])
@pytest.mark.parametrize("reach", [2.0**-8, 1.0, 2.0**10])
def test_the_bound_is_kept_where_all_is_rounded_in_one_direction(kind: torch.dtype, power: int, reach: float) -> None:
    unit = scan.UNITS[kind]
    vector = torch.tensor([1 + 2.0**-8] * 32 + [32 * unit], dtype=torch.float64)
    query = torch.tensor([1 + unit] * 32 + [1], dtype=torch.float64)  # all these are halfway, and rounded to the even number below
    wrong, may = errors((vector[None] * reach).half(), query[None] * 2.0**power)
    assert wrong.item() <= may.item()
    assert wrong.item() >= 0.9 * may.item() or kind is not torch.bfloat16


def test_the_greatest_and_the_least_numbers(kind: torch.dtype) -> None:
    vectors = torch.full((600, WIDTH), 65_504.0).half()
    vectors[7] = 0
    vectors[8:] *= torch.linspace(-1, 0.9, 592)[:, None].half()
    queries = torch.stack([torch.full((WIDTH,), 1e20), torch.full((WIDTH,), -1e-20)])
    same(top(vectors, queries, 10), plainly(vectors, queries, 10))
    least = torch.tensor([[2.0**-24], [0.0]]).half()
    assert top(least, torch.tensor([[-1e-44]]), 2)[0].tolist() == [[0, 1]]  # the first one's score is minus zero


# What must not come


def test_places_are_left_where_too_few_items_remain(kind: torch.dtype) -> None:
    vectors, queries = drawn(300, WIDTH).half(), drawn(2, WIDTH, seed=1)
    allowed = torch.isin(torch.arange(300), torch.tensor([5, 250]))
    indices, scores = top(vectors, queries, 4, allowed=allowed, exclude=[[5], []])
    assert indices[0].tolist() == [250, -1, -1, -1] and sorted(indices[1].tolist()) == [-1, -1, 5, 250]
    assert scores[0, 1:].tolist() == [-math.inf] * 3 and scores[:, 0].isfinite().all()
    indices, scores = top(vectors, queries, 2, allowed=~allowed & allowed)
    assert (indices == -1).all() and (scores == -torch.inf).all()
    assert (top(vectors, queries, 2, exclude=[range(300), torch.arange(300)])[0] == -1).all()


def test_nothing_in_nothing_out(kind: torch.dtype) -> None:
    assert (top(torch.empty(0, WIDTH).half(), drawn(2, WIDTH), 3)[0] == -1).all()
    indices, scores = top(drawn(5, WIDTH).half(), torch.empty(0, WIDTH), 3)
    assert indices.shape == scores.shape == (0, 3)


@pytest.mark.parametrize("queries", [torch.zeros(30, WIDTH), drawn(30, WIDTH)])
def test_equal_scores_come_in_the_items_order(kind: torch.dtype, queries: Tensor) -> None:
    vectors = drawn(1, WIDTH, seed=1).half().expand(20_000, WIDTH)
    assert top(vectors, queries, 5)[0].tolist() == [[0, 1, 2, 3, 4]] * 30
    bias = torch.zeros(20_000)
    bias[[11_000, 12_000]] = 1
    assert top(vectors, queries, 3, bias=bias, exclude=[[0]] * 30)[0].tolist() == [[11_000, 12_000, 1]] * 30


# Memory and inputs


def test_no_more_scores_are_asked_for_than_are_held() -> None:
    asked: list[tuple[slice, slice]] = []

    def bias(queries: slice, items: slice) -> Tensor:
        asked.append((queries, items))
        return torch.zeros(items.stop - items.start)

    vectors, queries = torch.zeros(20_000, 4).half(), drawn(2_300, 4)
    top(vectors, queries, 1, bias=bias)
    sizes = [(some.stop - some.start) * (items.stop - items.start) for some, items in asked]
    assert sum(sizes) == 20_000 * 2_300 and max(sizes) <= scan.SCORES


def test_inputs_stay_as_they_are(kind: torch.dtype) -> None:
    vectors, queries, bias, allowed = drawn(500, WIDTH).half(), drawn(3, WIDTH, seed=1), drawn(500, seed=2), drawn(500, seed=3) > 0
    copies = [each.clone() for each in (vectors, queries, bias, allowed)]
    top(vectors, queries, 5, bias=bias, allowed=allowed, exclude=[[1], [2], [3]])
    assert all(torch.equal(each, copy) for each, copy in zip((vectors, queries, bias, allowed), copies, strict=True))


def test_the_longest() -> None:
    vectors = drawn(9_000, WIDTH).half()
    assert longest(vectors) == pytest.approx(vectors.double().norm(dim=1).max().item())
    assert longest(vectors[:0]) == 0


def test_vectors_in_any_layout(kind: torch.dtype) -> None:
    vectors, queries = drawn(WIDTH, 700).half().T, drawn(3, WIDTH, seed=1)
    same(top(vectors, queries, 5), plainly(vectors, queries, 5))
    same(top(vectors, queries[:1], 5), plainly(vectors, queries[:1], 5))


def test_the_numbers_are_chosen_by_a_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    assert scan._bfloat16_is_quick() in (True, False)
    for quick, many in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(scan, "_bfloat16_is_quick", lambda quick=quick: quick)
        assert [scan._kind("cpu", count) for count in (1, 2, 1000)] == [torch.float16, torch.float32, many]
        assert scan._kind("cuda", 1000) is torch.float16


def wrong() -> Iterator[tuple[dict[str, Any], str]]:
    queries, infinite = torch.zeros(2, WIDTH), torch.zeros(50)
    infinite[3] = torch.inf
    yield {"vectors": torch.zeros(50, WIDTH)}, "give float16"
    yield {"vectors": torch.zeros(50).half()}, "give float16"
    yield {"queries": torch.zeros(2, 7)}, r"as wide as the vectors"
    yield {"queries": torch.zeros(WIDTH)}, r"give \(queries, 48\)"
    yield {"queries": queries / 0}, "not finite"
    yield {"queries": queries + 1e35}, r"above 1e\+30"
    yield {"vectors": torch.full((50, WIDTH), torch.inf).half()}, "not finite"
    yield {"vectors": torch.full((50, WIDTH), torch.nan).half(), "length": 1.0}, "not finite"
    yield {"k": 0}, "ask for one item at least"
    yield {"bias": torch.zeros(49)}, r"give \(50,\) or \(2, 50\)"
    yield {"bias": infinite}, "not finite"
    yield {"bias": lambda queries, items: torch.full((1,), torch.nan)}, "not finite"
    yield {"allowed": torch.ones(50)}, r"give bool \(50,\)"
    yield {"allowed": torch.ones(49, dtype=torch.bool)}, r"give bool \(50,\)"
    yield {"exclude": [[1]]}, "1 lists of excluded items for 2 queries"
    yield {"exclude": [[1], [50]]}, "Items 1 to 50 are excluded, and there are 50"
    yield {"exclude": [[-1], []]}, "Items -1 to -1 are excluded"


@pytest.mark.parametrize(("change", "message"), list(wrong()))
def test_what_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"vectors": torch.zeros(50, WIDTH).half(), "queries": torch.ones(2, WIDTH), "k": 3} | change
    with pytest.raises(InputError, match=message):
        top(**given)
