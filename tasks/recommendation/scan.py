"""The items whose vectors fit queries best: an exact scan of all of them, in two passes over each part of the catalogue.

The first pass multiplies in the numbers that the processor is quickest with, and they round. How much they can round is bounded
(Higham, Accuracy and Stability of Numerical Algorithms, 2002, chapter 3), so an item that is below the k-th best by more than that
can't be among the best k; the few others get their scores in float64. So the result depends neither on how the first pass
rounds, nor on what else is in the batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor

from tasks.core.errors import InputError

Bias = Callable[[slice, slice], Tensor]  # (queries, items) -> what is added to their scores, (queries, items) or (items,)
GROUP = 1_000  # queries of one scan
FEW = 16  # queries for which converting the vectors to bfloat16 takes longer than it saves
STRIP = 4_096  # items whose vectors are converted at once, so that they stay in the processor's caches
SCORES = 2**23  # of the first pass that are held
DEPTH = 128  # items of which one maximum is kept
CROWDED = 64  # where more than 1 of so many items may be among the best, scoring all of them is quicker
EXACT = 1_024  # items that are scored exactly at once
UNITS = {torch.float16: 2.0**-11, torch.bfloat16: 2.0**-8, torch.float32: 2.0**-24}  # relative rounding errors
SPLIT = 8  # partial sums that CUDA may round to float16, too
LARGEST, SMALLEST = 1e30, 1e-30  # no score is above; what is below may have become zero
LOW = 0x7FFFFFFF  # the highest index that a key can hold


def longest(vectors: Tensor) -> float:
    """The length of the longest of ``vectors`` (items, width), which takes as long as some searches."""
    strips = (vectors[first : first + STRIP].float() for first in range(0, len(vectors), STRIP))
    return max((float(torch.linalg.vector_norm(strip, dim=1).amax()) for strip in strips), default=0.0)


def top(
    vectors: Tensor,
    queries: Tensor,
    k: int,
    *,
    bias: Tensor | Bias | None = None,
    allowed: Tensor | None = None,
    exclude: Sequence[Sequence[int] | Tensor] = (),
    length: float | None = None,
) -> tuple[Tensor, Tensor]:
    """The ``k`` items of the highest scores for each query, and these, both (queries, k), int64 and float32, best first.

    A score is the product of the item's vector, of ``vectors`` (items, width) in float16, and the query, of ``queries``
    (queries, width), plus the ``bias``: a tensor (items,) or (queries, items), or a function that gives slices of that, which
    is never held as a whole. Items that are False in ``allowed`` (items,), that a query's list in ``exclude`` names, or whose
    bias is -inf don't come; where fewer than ``k`` remain, the places left have the index -1 and the score -inf.
    Scores that are equal in float32 come in the order of the items. ``length``: that of the longest vector, which is measured
    otherwise (``longest``). Raises ``InputError`` where shapes don't fit or numbers aren't finite.
    """
    _check(vectors, queries, k, bias, allowed, exclude)
    with torch.no_grad():
        reach = longest(vectors) if length is None else length
        found = [_nothing(0, k, vectors.device)]
        for first in range(0, len(queries), GROUP):
            group = slice(first, min(first + GROUP, len(queries)))
            scan = _Scan(vectors, queries[group].to(vectors.device).double(), k, reach)
            found.append(scan.run(group, bias, allowed, _pairs(exclude[group], len(vectors), vectors.device)))
        keys = torch.cat(found)
        return LOW - (keys & 0xFFFFFFFF), _score(keys)


class _Scan:
    """Up to ``GROUP`` queries (queries, width) in float64, and the keys of what is best for them so far."""

    def __init__(self, vectors: Tensor, queries: Tensor, k: int, reach: float) -> None:
        device, width = vectors.device, vectors.shape[1]
        self.vectors, self.queries, self.k = vectors, queries, k
        self.keys = _nothing(len(queries), k, device)
        self.kind = _kind(device.type, len(queries))
        self.narrow, self.factor, self.error = _narrowed(queries, self.kind, reach, device.type)
        some = max(SCORES // len(queries) // STRIP, 1) * STRIP
        self.rows = min(some, (len(vectors) // DEPTH + 1) * DEPTH)
        # Memory that is asked for once costs less time than what is done with it in between.
        self.scores = torch.empty(len(queries), self.rows, device=device)
        if self.kind is not torch.float16:
            self.strips = torch.empty(STRIP, width, dtype=self.kind), torch.empty(STRIP, width)
            self.products = torch.empty(len(queries), STRIP, dtype=self.kind)

    def run(self, group: slice, bias: Tensor | Bias | None, allowed: Tensor | None, exclude: tuple[Tensor, Tensor]) -> Tensor:
        """The keys (queries, k), the highest first."""
        for first in range(0, len(self.vectors), self.rows):
            items = slice(first, min(first + self.rows, len(self.vectors)))
            scores = self.scores[:, : items.stop - first]
            self.scores[:, items.stop - first :] = -torch.inf
            self._multiply(self.vectors[items], scores)
            added = _added(bias, group, items)
            if added is not None:
                scores += added
            if allowed is not None:
                scores.masked_fill_(~allowed[items], -torch.inf)
            begin, end = torch.searchsorted(exclude[1], exclude[1].new_tensor([first, items.stop])).tolist()
            scores[exclude[0][begin:end], exclude[1][begin:end] - first] = -torch.inf
            self._take(items, added)
        return self.keys

    def _multiply(self, vectors: Tensor, scores: Tensor) -> None:
        """The first pass: fill ``scores`` (queries, items)."""
        if self.kind is torch.float16:
            single = len(self.narrow) == 1  # for which processors have a quick product
            scores.copy_(vectors @ self.narrow[0] if single else self.narrow @ vectors.T).div_(self.factor)
            return
        for first in range(0, len(vectors), STRIP):
            part = vectors[first : first + STRIP]
            converted, wide = (strip[: len(part)] for strip in self.strips)
            converted.copy_(wide.copy_(part))  # straight to bfloat16 would take five times as long
            products = self.products[:, : len(part)]
            torch.mm(self.narrow, converted.T, out=products)
            scores[:, first : first + len(part)] = products

    def _take(self, items: slice, added: Tensor | None) -> None:
        """The second pass: take up the best of some items."""
        queries, rows, crowded = self._candidates()
        scores = torch.empty(len(rows), dtype=torch.float64, device=rows.device)
        vectors = self.vectors[items]
        for first in range(0, len(rows), EXACT):
            now = slice(first, first + EXACT)
            torch.sum(self.queries[queries[now]] * vectors[rows[now]], 1, out=scores[now])
        if added is not None:
            scores += added.expand(len(self.keys), len(vectors))[queries, rows]
        self._merge_some(queries, _key(scores.float(), rows + items.start))
        if len(crowded):
            self._take_all(items, added, crowded)

    def _candidates(self) -> tuple[Tensor, Tensor, Tensor]:
        """Queries and items that may be among the best of these, in pairs; and the queries for which these would be too many."""
        depth = 1
        while depth < DEPTH and 8 * depth * self.k <= self.rows:
            depth *= 2
        stacks = self.scores.view(len(self.keys), depth, -1)
        maxima = stacks.amax(1)
        if not (maxima < torch.inf).all():
            raise InputError("Vectors, queries or a bias hold numbers that are not finite: correct them.")
        floor = self._floor(maxima)
        high = maxima >= floor[:, None]
        crowded = high.sum(1) > maxima.shape[1] // 2
        queries, stack = (high & ~crowded[:, None]).nonzero(as_tuple=True)
        place, layer = (stacks[queries, :, stack] >= floor[queries, None]).nonzero(as_tuple=True)
        queries, rows = queries[place], layer * maxima.shape[1] + stack[place]
        crowded |= torch.bincount(queries, minlength=len(self.keys)) > self.rows // CROWDED
        keep = ~crowded[queries]
        return queries[keep], rows[keep], crowded.nonzero()[:, 0]

    def _floor(self, maxima: Tensor) -> Tensor:
        """The least score in the first pass that an item needs, one a query, from maxima (queries, stacks) of the items at hand.

        Of these, at least k reach the k-th maximum less the error, so one of the best reaches it less twice the error. Those that
        were best before have exact scores and lower indices, so others must exceed them.
        """
        before = _score(self.keys[:, -1])
        floor = torch.nextafter(before - self._slack(before, 1), torch.full_like(before, torch.inf))
        if maxima.shape[1] >= self.k:
            here = maxima.topk(self.k).values[:, -1]
            floor = torch.maximum(floor, here - self._slack(here, 2))
        return floor

    def _slack(self, scores: Tensor, times: int) -> Tensor:
        """How far from ``scores`` equal ones can be; sums with a bias are rounded, too, unless zeros are all that is summed."""
        rounding = scores.abs().nan_to_num(posinf=0.0) * 2.0**-20
        return torch.where(self.error > 0, times * self.error + rounding, 0)

    def _take_all(self, items: slice, added: Tensor | None, some: Tensor) -> None:
        """Take up the best of all items for ``some`` of the queries."""
        queries = self.queries[some]
        for first in range(items.start, items.stop, STRIP):
            numbers = torch.arange(first, min(first + STRIP, items.stop), device=some.device)
            rows = numbers - items.start
            scores = queries @ self.vectors[numbers].double().T
            if added is not None:
                scores += added[rows] if added.ndim == 1 else added[some][:, rows]
            scores[self.scores[some][:, rows] == -torch.inf] = -torch.inf
            self._merge(some, _key(scores.float(), numbers))

    def _merge_some(self, queries: Tensor, keys: Tensor) -> None:
        """Take up ``keys`` of ``queries``, which are in order."""
        counts = torch.bincount(queries, minlength=len(self.keys))
        most = int(counts.max())
        if most:
            places = torch.arange(len(queries), device=queries.device) - (counts.cumsum(0) - counts)[queries]
            table = _nothing(len(self.keys), most, self.keys.device)
            table[queries, places] = keys
            self._merge(slice(None), table)

    def _merge(self, queries: slice | Tensor, keys: Tensor) -> None:
        self.keys[queries] = torch.cat([self.keys[queries], keys], 1).topk(self.k).values


def _key(scores: Tensor, items: Tensor) -> Tensor:
    """Whole numbers in the order in which items come: that of their float32 scores, then that of their indices, the lower first.

    The bits of positive floats are in the floats' order, those of negative ones in the opposite.
    """
    bits = (scores + 0.0).view(torch.int32).long()  # minus zero becomes zero
    return (torch.where(bits < 0, bits ^ LOW, bits) << 32) + (LOW - items)


def _score(keys: Tensor) -> Tensor:
    bits = keys >> 32
    return torch.where(bits < 0, bits ^ LOW, bits).int().view(torch.float32)


def _nothing(queries: int, k: int, device: torch.device) -> Tensor:
    """Keys of places that nothing has: lower than any item's with a score, higher than those of items that must not come."""
    return _key(torch.full((queries, k), -torch.inf, device=device), torch.tensor(-1, device=device))


def _narrowed(queries: Tensor, kind: torch.dtype, reach: float, device: str) -> tuple[Tensor, Tensor, Tensor]:
    """Queries in the first pass's numbers, the factors by which they were multiplied (queries, 1), and the scores' errors (queries,).

    Float16 ends at 65,504, and so must the products: the factors, powers of 2, bring them near 1.
    """
    norms = torch.linalg.vector_norm(queries, dim=1)
    if not (norms * max(reach, 1) <= LARGEST).all():
        raise InputError(f"Vectors or queries hold numbers that are not finite, or products above {LARGEST:g}: correct them.")
    factor = torch.ones_like(norms)
    if kind is torch.float16:
        wanted = min(max(1 / max(reach, SMALLEST), 2.0**-6), 2.0**14)
        factor = torch.where(norms > 0, torch.exp2(torch.floor(torch.log2(wanted / norms))), 1)
    narrow = (queries * factor[:, None]).to(kind)
    # What the vectors' conversion (float16 needs none) and the product's lose, relative to the norms; and the sums in float32.
    exact = kind is not torch.float32 or torch.get_float32_matmul_precision() == "highest"
    times = 2 if kind is not torch.float16 else 1 if device == "cpu" else 1 + SPLIT
    relative = times * UNITS[kind if exact else torch.bfloat16] + queries.shape[1] * 2.0**-23
    lost = torch.linalg.vector_norm(queries - narrow.double() / factor[:, None], dim=1)
    error = 1.02 * reach * (norms * relative + lost) + SMALLEST
    return narrow, factor[:, None].float(), torch.where(norms * reach > 0, error, 0).float()


def _pairs(exclude: Sequence[Sequence[int] | Tensor], count: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Queries and the items that must not come for them, in the items' order."""
    lists = [torch.as_tensor(each, dtype=torch.int64, device=device) for each in exclude]
    items = torch.cat([torch.empty(0, dtype=torch.int64, device=device), *lists])
    if len(items) and not 0 <= int(items.min()) <= int(items.max()) < count:
        raise InputError(f"Items {int(items.min())} to {int(items.max())} are excluded, and there are {count}: correct the indices.")
    counts = torch.tensor([len(each) for each in lists], dtype=torch.int64, device=device)
    queries, order = torch.arange(len(lists), device=device).repeat_interleave(counts), items.argsort()
    return queries[order], items[order]


def _added(bias: Tensor | Bias | None, queries: slice, items: slice) -> Tensor | None:
    """What is added to scores, (queries, items) or (items,)."""
    if isinstance(bias, Tensor):
        return bias[queries, items] if bias.ndim == 2 else bias[items]
    return bias(queries, items) if bias else None


def _kind(device: str, queries: int) -> torch.dtype:
    """The numbers in which the first pass is quickest."""
    if device != "cpu" or queries == 1:
        return torch.float16
    return torch.bfloat16 if queries > FEW and _bfloat16_is_quick() else torch.float32


@cache
def _bfloat16_is_quick() -> bool:
    """Whether the processor multiplies bfloat16 quicker than float32; a trial, as where it can't, it takes up to 40 times as long."""
    took = {}
    for kind in (torch.bfloat16, torch.float32):
        left, right = torch.ones(64, 384, dtype=kind), torch.ones(384, 512, dtype=kind)
        times = []
        for _ in range(5):
            start = time.perf_counter()
            _ = left @ right
            times.append(time.perf_counter() - start)
        took[kind] = min(times)
    return took[torch.bfloat16] < took[torch.float32]


def _check(vectors: Tensor, queries: Tensor, k: int, bias: object, allowed: Tensor | None, exclude: Sequence[object]) -> None:
    """Raise ``InputError`` for what doesn't fit."""
    if vectors.ndim != 2 or vectors.dtype is not torch.float16 or len(vectors) > LOW:
        raise InputError(f"Vectors are {vectors.dtype} {tuple(vectors.shape)}: give float16 (items, width).")
    if queries.ndim != 2 or queries.shape[1] != vectors.shape[1]:
        raise InputError(f"Queries have the shape {tuple(queries.shape)}: give (queries, {vectors.shape[1]}), as wide as the vectors.")
    if k < 1:
        raise InputError(f"k is {k}: ask for one item at least.")
    shapes = ((len(vectors),), (len(queries), len(vectors)))
    if isinstance(bias, Tensor) and bias.shape not in shapes:
        raise InputError(f"The bias has the shape {tuple(bias.shape)}: give {shapes[0]} or {shapes[1]}.")
    if allowed is not None and (allowed.shape != shapes[0] or allowed.dtype is not torch.bool):
        raise InputError(f"What is allowed is {allowed.dtype} {tuple(allowed.shape)}: give bool {shapes[0]}.")
    if len(exclude) not in (0, len(queries)):
        raise InputError(f"There are {len(exclude)} lists of excluded items for {len(queries)} queries: give one a query, or none.")
