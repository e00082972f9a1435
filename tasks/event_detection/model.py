"""The model: units of text (words, or whole messages) matched against label texts, both through one encoder.

One forward pass encodes a batch of windows and the label texts beside them with the same (adapted) weights,
which keeps the two in one space, so that labels never seen in training still match (HANDBOOK, "Stay in the
pretrained space").
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tasks.core.encoder import mean_pool
from tasks.core.heads import MatchHead, pool_units


class EventHead(nn.Module):
    """Scores of units against labels, and whether a word continues the trigger that the word before it began.

    ``continues`` is for triggers of several words ("broke out"): 3 % of MAVEN's.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.match = MatchHead(width)
        self.continues = nn.Linear(width, 1)

    def forward(self, units: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (units, labels), and (units,) of continuing."""
        return self.match(units, labels), self.continues(units.to(self.continues.weight.dtype)).squeeze(-1).float()


def log_odds(logits: Tensor) -> Tensor:
    """Logits (units, labels) of labels that exclude each other, "none" with logit 0 among them, as log-odds: the
    sigmoid of these is the softmax."""
    shares = F.pad(logits.double(), (0, 1)).softmax(dim=1)[:, :-1]
    return torch.logit(shares, eps=1e-6).float()


class EventModel(nn.Module):
    """Encoder and head, with the loss for training."""

    accepts_loss_kwargs = False  # or Trainer multiplies the loss by the accumulation steps (HANDBOOK, trap 1)

    def __init__(self, encoder: nn.Module, head: EventHead, units_per_row: float, by_message: bool) -> None:
        super().__init__()
        self.encoder, self.head, self.units_per_row, self.by_message = encoder, head, units_per_row, by_message

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        row: Tensor,
        first: Tensor,
        last: Tensor,
        label_ids: Tensor,
        label_mask: Tensor,
        label_weight: Tensor,
        allowed: Tensor,
        targets: Tensor,
        continued: Tensor,
        row_weight: Tensor,
    ) -> dict[str, Any]:
        """Loss and logits of one batch.

        ``input_ids``, ``attention_mask`` (rows, tokens); ``row``, ``first``, ``last`` (units,) place the units;
        ``label_ids``, ``label_mask`` (labels, tokens); ``label_weight`` (rows, labels): what a label weighs where
        it is no target, for labels that were sampled; ``allowed`` (rows, labels) 1 where the label belongs to the
        row's own label set; ``targets`` (targets, 2): pairs (unit, label) that hold; ``continued`` (units,) 0/1;
        ``row_weight`` (rows,) balances rare types of messages.

        Words: each label is a yes or no of its own. Messages: one label or none, so they compete in a softmax.

        The loss is a sum over units divided by the number of rows (not of words), so that it does not change
        with gradient accumulation or with the number of processes.
        """
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        states = self.encoder(input_ids=label_ids, attention_mask=label_mask).last_hidden_state
        logits, more = self.head(pool_units(hidden, row, first, last), mean_pool(states, label_mask))
        if self.by_message:
            answer = torch.full_like(row, logits.shape[1])
            answer[targets[:, 0]] = targets[:, 1]
            each = F.cross_entropy(F.pad(logits.masked_fill(allowed[row] == 0, -1e4), (0, 1)), answer, reduction="none")
            loss = (each * row_weight).sum() + 0.0 * more.sum()  # so that every parameter has a gradient
        else:
            truth = torch.zeros_like(logits)
            truth[targets[:, 0], targets[:, 1]] = 1.0
            weight = torch.where(truth > 0, 1.0, label_weight[row]) * allowed[row]
            loss = F.binary_cross_entropy_with_logits(logits, truth, weight, reduction="sum")
            loss = loss + F.binary_cross_entropy_with_logits(more, continued, reduction="sum")
        return {"loss": loss / (len(input_ids) * self.units_per_row), "logits": logits}
