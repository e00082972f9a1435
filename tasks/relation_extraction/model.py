"""The model: pairs of entities matched against the texts of relations, all pairs of a window from one pass.

The tokens of every mention are marked at the input with its type (in the line of the typed markers of Zhong and Chen 2021,
but added to the embeddings, so that the text keeps its tokens). The state of a pair is a mean of the window's token states,
weighed by what matters to its head and to its tail at once (the localized context pooling of Zhou et al. 2021, with learned
weights): it starts as the mean of the tokens, nearer ones weighing more, and so stays in the space that the encoder
was trained for, where relations never seen in training still match (HANDBOOK, "Stay in the pretrained space").
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from tasks.core.encoder import mean_pool
from tasks.core.heads import IMPOSSIBLE, MatchHead, pool_units
from tasks.relation_extraction.data import KINDS
from tasks.relation_extraction.entities.model import encode_marked

PAIRS = 8.0  # pairs of a document that weigh as much as the one pair of a FewRel row
LABELS = 24  # label texts that are encoded at once in training
NEARNESS = -0.45  # what a token's weight starts to lose with the logarithm of its distance


class RelationHead(nn.Module):
    """What is learned beside the encoder."""

    def __init__(self, width: int, size: int = 64, dropout: float = 0.1) -> None:
        super().__init__()
        self.size = size
        self.marks = nn.Embedding(KINDS, width)
        nn.init.zeros_(self.marks.weight)
        self.queries = nn.Linear(width, 2 * size, bias=False)
        nn.init.zeros_(self.queries.weight)
        self.keys = nn.Linear(width, size)
        self.near = nn.Parameter(torch.full((2,), NEARNESS))
        self.gates = nn.Parameter(torch.zeros(2, width))
        self.dropout = nn.Dropout(dropout)
        self.match = MatchHead(width)

    def pairs(self, hidden: Tensor, mask: Tensor, mentions: Tensor, pairs: Tensor) -> Tensor:
        """States (pairs, width) of pairs of entities.

        ``hidden`` (rows, tokens, width), ``mask`` (rows, tokens); ``mentions`` (mentions, 4): row, entity, first and last
        token; ``pairs`` (pairs, 3), in the order of the rows: row, head, tail.
        """
        hidden, (batch, length, width) = hidden.float(), hidden.shape
        count = int(mentions[:, 1].max()) + 1 if len(mentions) else 1
        place = mentions[:, 0] * count + mentions[:, 1]
        states = pool_units(hidden, mentions[:, 0], mentions[:, 2], mentions[:, 3])
        number = torch.bincount(place, minlength=batch * count).clamp(min=1)[:, None]
        entities = states.new_zeros(batch * count, width).index_add(0, place, states) / number
        position = torch.arange(length, device=hidden.device)[None, :]
        steps = torch.maximum(mentions[:, 2:3] - position, position - mentions[:, 3:4]).clamp(min=0).float()
        distance = torch.full((batch * count, length), float(length), device=hidden.device)
        distance = distance.scatter_reduce(0, place[:, None].expand_as(steps), steps, "amin").log1p().view(batch, count, length)
        queries = self.queries(entities).float().view(batch, count, 2, self.size)
        weights = torch.einsum("bers,bts->bert", queries, self.keys(hidden).float()) / self.size**0.5
        weights = weights + distance[:, :, None, :] * self.near[:, None]
        row, head, tail = pairs.T
        both = (weights[row, head, 0] + weights[row, tail, 1]).masked_fill(mask[row] == 0, IMPOSSIBLE).softmax(-1)
        spread = torch.bincount(row, minlength=batch).tolist()
        context = torch.cat([share @ states for share, states in zip(torch.split(both, spread), hidden, strict=True)])
        entities = entities.view(batch, count, width)
        told: Tensor = context + entities[row, head] * self.gates[0] + entities[row, tail] * self.gates[1]
        return told

    def forward(self, pairs: Tensor, labels: Tensor) -> Tensor:
        """Logits (pairs, labels) from states of pairs and embeddings of labels."""
        logits: Tensor = self.match(self.dropout(pairs), labels)
        return logits


class RelationModel(nn.Module):
    """Encoder and head, with the loss for training."""

    accepts_loss_kwargs = False  # or Trainer multiplies the loss by the accumulation steps (HANDBOOK, trap 1)

    def __init__(self, encoder: nn.Module, head: RelationHead) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        marks: Tensor,
        mentions: Tensor,
        pairs: Tensor,
        choice: Tensor,
        label_ids: Tensor,
        label_mask: Tensor,
        label_weight: Tensor,
        known: Tensor,
        truth: Tensor,
    ) -> dict[str, Any]:
        """Loss of one batch, a mean over rows.

        ``input_ids``, ``attention_mask``, ``marks`` (rows, tokens); ``mentions`` (mentions, 4) and ``pairs`` (pairs, 3)
        as in ``RelationHead.pairs``; ``choice`` (rows,): whether one relation or none is to be chosen for the row, or
        any number for each pair; ``label_ids``, ``label_mask`` (labels, tokens); ``label_weight`` (labels,): what a
        label weighs where it does not hold, for labels that were sampled, sorted by length; ``known``, ``truth`` (pairs, labels).
        """
        hidden = encode_marked(self.encoder, self.head.marks, input_ids, attention_mask, marks)
        labels = self._embed(label_ids, label_mask)
        logits = self.head(self.head.pairs(hidden, attention_mask, mentions, pairs), labels)
        against = logits + label_weight.log()
        row = pairs[:, 0]
        chosen = _choice_loss(logits, against, known, truth, row, len(input_ids))
        each = _pair_loss(logits, against, known, truth) / PAIRS
        several = torch.zeros_like(chosen).index_add(0, row, each)
        return {"loss": torch.where(choice, chosen, several).mean()}

    def _embed(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Embeddings (labels, width) of labels sorted by length, read in parts with little padding."""
        parts = []
        for some, there in zip(torch.split(ids, LABELS), torch.split(mask, LABELS), strict=True):
            longest = int(there.sum(1).max())
            there = there[:, :longest]
            parts.append(mean_pool(self.encoder(input_ids=some[:, :longest], attention_mask=there).last_hidden_state, there))
        return torch.cat(parts)


def _pair_loss(logits: Tensor, against: Tensor, known: Tensor, truth: Tensor) -> Tensor:
    """Loss (pairs,): every label that holds above 0 and every other below ("ZLPR", Su et al. 2022)."""
    zero = logits.new_zeros(len(logits), 1)
    below = torch.cat([zero, against.masked_fill(truth | ~known, IMPOSSIBLE)], dim=1).logsumexp(1)
    above = torch.cat([zero, (-logits).masked_fill(~truth, IMPOSSIBLE)], dim=1).logsumexp(1)
    return below + above


def _choice_loss(logits: Tensor, against: Tensor, known: Tensor, truth: Tensor, row: Tensor, rows: int) -> Tensor:
    """Loss (rows,): the one relation that holds, or none (logit 0), against all that is known of the row's pairs."""
    cells = torch.where(truth, logits, against).masked_fill(~(known | truth), IMPOSSIBLE)
    total = logits.new_zeros(rows).index_add(0, row, cells.clamp(max=60).exp().sum(1))
    right = logits.new_zeros(rows).index_add(0, row, (logits * truth).sum(1))
    return total.log1p() - right
