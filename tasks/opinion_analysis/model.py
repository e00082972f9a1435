"""The model: one pass of the encoder gives the overall polarity and a table of word pairs to read opinions from.

Word pairs are scored as in GlobalPointer and GPLinker (Su et al. 2022, "Global Pointer: novel efficient span-based
approach for named entity recognition"): a span is a pair (first word, last word), and a target belongs to an
expression where their first words match and their last words match. Targets that the text does not name are a
word of their own in these tables. The stance towards a proposal is read from a pass over "text, proposal".
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tasks.core.encoder import mean_pool
from tasks.core.heads import PairScorer, table_loss, word_states

TARGET, EXPRESSION = 0, 1  # the two tables of spans


class Tables(NamedTuple):
    """Logits of word pairs of a batch of windows, W words at most.

    ``spans`` (windows, 2, W, W): targets and expressions, by first and last word. ``links`` (windows, 2, W + 1, W):
    first words of (target, expression) and their last words; row 0 stands for a target that is not named.
    ``signs`` (windows, W, 4, 3): what a word adds to the polarity as first or last word of a target or expression.
    """

    spans: Tensor
    links: Tensor
    signs: Tensor


class OpinionHead(nn.Module):
    """Everything above the encoder."""

    def __init__(self, width: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.pairs = PairScorer(width, tables=4)
        self.unnamed = nn.Linear(width, 2)
        self.signs = nn.Linear(width, 4 * 3)
        self.polarity = nn.Linear(width, 3)
        self.stance = nn.Linear(4 * width, 3)

    def overall(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Polarity logits (windows, 3)."""
        logits: Tensor = self.polarity(self.dropout(mean_pool(hidden, mask)))
        return logits

    def tables(self, words: Tensor) -> Tables:
        """Logits of the word pairs of (windows, W, width) word states."""
        words = self.dropout(words)
        scores = self.pairs(words)
        unnamed = self.unnamed(words).float().permute(0, 2, 1)[:, :, None, :]
        links = torch.cat([unnamed, scores[:, 2:]], dim=2)
        return Tables(scores[:, :2], links, self.signs(words).float().unflatten(-1, (4, 3)))

    def towards(self, hidden: Tensor, text: Tensor, proposal: Tensor) -> Tensor:
        """Stance logits (rows, 3) from states (rows, tokens, width) and the 0/1 masks of text and proposal."""
        one, other = mean_pool(hidden, text), mean_pool(hidden, proposal)
        logits: Tensor = self.stance(self.dropout(torch.cat([one, other, one * other, (one - other).abs()], dim=-1)))
        return logits


def sign_logits(signs: Tensor, row: Tensor, target: Tensor, expression: Tensor) -> Tensor:
    """Polarity logits (opinions, 3); ``target`` and ``expression`` (opinions, 2): first and last word, -1 where not said."""
    total = signs.new_zeros(len(row), 3)
    for role, words in ((0, target), (2, expression)):
        said = (words[:, :1] >= 0).to(signs.dtype)
        for side in (0, 1):
            total = total + said * signs[row, words[:, side].clamp(min=0), role + side]
    return total


class OpinionModel(nn.Module):
    """Encoder and head, with the loss for training."""

    accepts_loss_kwargs = False  # or Trainer multiplies the loss by the accumulation steps (HANDBOOK, trap 1)

    def __init__(self, encoder: nn.Module, head: OpinionHead) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        text_mask: Tensor,
        annotated: Tensor,
        expressed: Tensor,
        row: Tensor,
        first: Tensor,
        last: Tensor,
        spans: Tensor,
        unsure: Tensor,
        links: Tensor,
        opinions: Tensor,
        polarity: Tensor,
        stance: Tensor,
    ) -> dict[str, Any]:
        """Loss of one batch.

        ``input_ids``, ``attention_mask``, ``text_mask`` (rows, tokens), the last without a proposal. ``polarity`` and
        ``stance`` (rows,): class, -1 where not annotated. ``annotated`` (windows,): the rows with opinions, the only
        ones that word pairs are scored of; ``expressed`` (windows,): whether expressions are annotated too. All that
        follows counts windows, not rows. ``row``, ``first``, ``last`` (words,) place the words. ``spans`` (spans, 4):
        window, table, first and last word; ``unsure``: the same for spans that count neither as true nor as false;
        ``links`` (links, 4): window, first or last words, target (0: not named, else 1 + its word), expression;
        ``opinions`` (opinions, 6): window, target's words, expression's words, polarity.

        The loss is a mean over rows, each with the sum of what it is annotated with, so that it does not change with
        gradient accumulation or with the number of processes.
        """
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        losses = F.cross_entropy(self.head.overall(hidden, text_mask).float(), polarity, ignore_index=-1, reduction="none")
        sides = self.head.towards(hidden, text_mask, attention_mask - text_mask).float()
        losses = losses + F.cross_entropy(sides, stance, ignore_index=-1, reduction="none")
        words, there = word_states(hidden[annotated], row, first, last)
        tables = self.head.tables(words)
        told = self._span_loss(tables, there, expressed, spans, unsure) + self._link_loss(tables, there, expressed, links)
        told = told + _sign_loss(tables.signs, opinions)
        return {"loss": losses.index_add(0, annotated, told).mean()}

    def _span_loss(self, tables: Tables, there: Tensor, expressed: Tensor, spans: Tensor, unsure: Tensor) -> Tensor:
        known = torch.stack([torch.ones_like(expressed), expressed], dim=1)
        allowed = (there[:, :, None] & there[:, None, :]).triu()[:, None] & known[:, :, None, None]
        allowed[tuple(unsure.T)] = False
        return table_loss(tables.spans, spans, allowed)

    def _link_loss(self, tables: Tables, there: Tensor, expressed: Tensor, links: Tensor) -> Tensor:
        heads = F.pad(there, (1, 0), value=True)
        allowed = (heads[:, :, None] & there[:, None, :])[:, None] & expressed[:, None, None, None]
        return table_loss(tables.links, links, allowed.expand(tables.links.shape))


def _sign_loss(signs: Tensor, opinions: Tensor) -> Tensor:
    """Loss (windows,) of the polarities, a mean over the opinions of a window."""
    logits = sign_logits(signs, opinions[:, 0], opinions[:, 1:3], opinions[:, 3:5])
    each = F.cross_entropy(logits, opinions[:, 5], reduction="none")
    count = torch.bincount(opinions[:, 0], minlength=len(signs)).clamp(min=1)
    return signs.new_zeros(len(signs)).index_add(0, opinions[:, 0], each / count[opinions[:, 0]])
