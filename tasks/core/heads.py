"""Heads over encoder states. They start as the identity, so that training begins in the pretrained space."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

IMPOSSIBLE = -1e4


def pool_units(hidden: Tensor, row: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """Mean state of each unit's tokens: ``hidden`` (rows, tokens, width) -> (units, width), in float32.

    ``row``, ``first``, ``last`` (units,): a unit's row and the positions of its first and last token. By
    differences of running sums, so the cost does not grow with the units' lengths.
    """
    sums = F.pad(hidden.float().cumsum(1), (0, 0, 1, 0))
    return (sums[row, last + 1] - sums[row, first]) / (last + 1 - first)[:, None]


def word_states(hidden: Tensor, row: Tensor, first: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
    """States of words as (windows, W, width), zero where there is none, and where there is one (windows, W).

    ``row``, ``first``, ``last`` (words,): a word's window, and the positions of its first and last token.
    """
    counts = torch.bincount(row, minlength=len(hidden))
    there = torch.arange(int(counts.max()) if len(row) else 1, device=hidden.device)[None, :] < counts[:, None]
    words = hidden.new_zeros((*there.shape, hidden.shape[-1]), dtype=torch.float32)
    words[there] = pool_units(hidden, row, first, last)
    return words, there


class MatchHead(nn.Module):
    """How well a unit (a word, a message) matches each label: scaled cosine plus how much of an instance it is.

    ``logit[u, l] = scale * cos(project(unit_u), label_l) + salience(unit_u) + bias``: the labels are
    embeddings of text, so any label can be given at inference; each is scored on its own (a sigmoid), so
    labels do not compete and adding one leaves the others' scores as they are. Close to GLiNER's matching
    of spans and entity types (Zaratiana et al. 2024), with the cosine that the sentence encoder was trained for.
    """

    def __init__(self, width: int, scale: float = 20.0, bias: float = -5.0) -> None:
        super().__init__()
        self.project = nn.Linear(width, width)
        nn.init.eye_(self.project.weight)
        nn.init.zeros_(self.project.bias)
        self.salience = nn.Linear(width, 1)
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale)))
        self.bias = nn.Parameter(torch.tensor(bias))

    def forward(self, units: Tensor, labels: Tensor) -> Tensor:
        """Logits (units, labels) in float32 from ``units`` (units, width) and ``labels`` (labels, width)."""
        units = units.to(self.project.weight.dtype)
        cosine = F.normalize(self.project(units).float(), dim=-1) @ F.normalize(labels.float(), dim=-1).T
        logits: Tensor = self.log_scale.exp() * cosine + self.salience(units).float() + self.bias
        return logits


class PairScorer(nn.Module):
    """Logits of word pairs in several tables (GlobalPointer, Su et al. 2022): (windows, W, width) -> (windows, tables, W, W).

    ``logit[i, j] = q_i · k_j / sqrt(size)`` with rotary positions (Su et al. 2021), so that it knows how far and on
    which side the two words are of each other.
    """

    def __init__(self, width: int, tables: int, size: int = 64) -> None:
        super().__init__()
        self.tables, self.size = tables, size
        self.project = nn.Linear(width, 2 * tables * size)

    def forward(self, words: Tensor) -> Tensor:
        """Logits of all pairs of ``words``."""
        batch, count, _ = words.shape
        both = self.project(words).float().view(batch, count, 2, self.tables, self.size)
        angles = torch.arange(count, device=words.device)[:, None] * 10000.0 ** -torch.linspace(0, 1, self.size // 2, device=words.device)
        sin, cos = angles.sin()[:, None, None, :], angles.cos()[:, None, None, :]
        even, odd = both[..., 0::2], both[..., 1::2]
        turned = torch.cat([even * cos - odd * sin, even * sin + odd * cos], dim=-1)
        logits: Tensor = torch.einsum("bitd,bjtd->btij", turned[:, :, 0], turned[:, :, 1]) / self.size**0.5
        return logits


def pair_loss(logits: Tensor, truth: Tensor, allowed: Tensor) -> Tensor:
    """Loss (rows,) of tables flattened to (rows, cells), each with few true cells; 0 where no cell is allowed.

    "ZLPR" (Su et al. 2022): every true cell above 0 and every other below 0, as a softmax, not balanced by hand.
    """
    zero = logits.new_zeros(len(logits), 1)
    below = torch.cat([zero, logits.masked_fill(truth | ~allowed, IMPOSSIBLE)], dim=1).logsumexp(1)
    above = torch.cat([zero, (-logits).masked_fill(~truth | ~allowed, IMPOSSIBLE)], dim=1).logsumexp(1)
    return below + above


def table_loss(logits: Tensor, places: Tensor, allowed: Tensor) -> Tensor:
    """Loss (rows,) of the tables of each row; ``places`` (cells, 4) are the true cells: row, table, first and last word."""
    truth = torch.zeros_like(logits, dtype=torch.bool)
    truth[tuple(places.T)] = True
    each = pair_loss(logits.flatten(0, 1).flatten(1), truth.flatten(0, 1).flatten(1), allowed.flatten(0, 1).flatten(1))
    return each.view(logits.shape[:2]).sum(1)
