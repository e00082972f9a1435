"""Heads over encoder states. They start as the identity, so that training begins in the pretrained space."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def pool_units(hidden: Tensor, row: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """Mean state of each unit's tokens: ``hidden`` (rows, tokens, width) -> (units, width), in float32.

    ``row``, ``first``, ``last`` (units,): a unit's row and the positions of its first and last token. By
    differences of running sums, so the cost does not grow with the units' lengths.
    """
    sums = F.pad(hidden.float().cumsum(1), (0, 0, 1, 0))
    return (sums[row, last + 1] - sums[row, first]) / (last + 1 - first)[:, None]


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
