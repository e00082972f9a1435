"""The least time that an encoder can take: its floating-point operations over the machine's own matrix-product rate."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """A Transformer encoder: layers, width of a state, width inside a block's feed-forward part."""

    layers: int
    width: int
    inner: int


MINILM = Shape(layers=6, width=384, inner=1536)


def flops(lengths: Iterable[int], shape: Shape = MINILM) -> int:
    """Operations of one pass over sequences of ``lengths`` tokens without padding; a multiply-add counts as two.

    A token costs 4 w^2 (query, key, value, output) + 2 w i (feed-forward) multiply-adds a layer, and for each
    token that it attends to 2 w (score and sum). Embeddings, normalisation, softmax and GELU are left out.
    """
    total = 0
    for length in lengths:
        linear = length * (4 * shape.width**2 + 2 * shape.width * shape.inner)
        total += 2 * shape.layers * (linear + 2 * shape.width * length**2)
    return total


def matrix_rate(tokens: int, shape: Shape = MINILM, seconds: float = 1.0, clock: Callable[[], float] = time.perf_counter) -> float:
    """Float32 operations a second, by ``clock``, of the encoder's linear layers on ``tokens`` tokens: the best of many tries."""
    import torch
    from torch.nn import functional as F

    sizes = [(shape.width, shape.width)] * 4 + [(shape.width, shape.inner), (shape.inner, shape.width)]
    layers = [(torch.randn(tokens, inward), torch.randn(outward, inward)) for inward, outward in sizes]
    operations = sum(2 * tokens * inward * outward for inward, outward in sizes)
    best, end = float("inf"), time.perf_counter() + seconds
    with torch.inference_mode():
        while time.perf_counter() < end or best == float("inf"):
            start = clock()
            for states, weight in layers:
                F.linear(states, weight)
            best = min(best, clock() - start)
    return operations / best
