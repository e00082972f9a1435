"""The model of mentions: word pairs (first word, last word) in a table for each type, over states that know the casing.

How words are written is told to the encoder (``core/casing.py``). Tables as in GlobalPointer (Su et al. 2022).
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from tasks.core.casing import encode_marked, shape_embedding
from tasks.core.heads import PairScorer, table_loss, word_states
from tasks.relation_extraction.types import TYPES


class EntityHead(nn.Module):
    """What is learned beside the encoder: a vector for each shape of a word, and the tables of word pairs."""

    def __init__(self, width: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.shapes = shape_embedding(width)
        self.dropout = nn.Dropout(dropout)
        self.pairs = PairScorer(width, tables=len(TYPES))

    def forward(self, words: Tensor) -> Tensor:
        """Logits (windows, types, W, W) from word states (windows, W, width)."""
        logits: Tensor = self.pairs(self.dropout(words))
        return logits


class EntityModel(nn.Module):
    """Encoder and head, with the loss for training."""

    accepts_loss_kwargs = False  # or Trainer multiplies the loss by the accumulation steps (HANDBOOK, trap 1)

    def __init__(self, encoder: nn.Module, head: EntityHead) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        shapes: Tensor,
        row: Tensor,
        first: Tensor,
        last: Tensor,
        spans: Tensor,
        known: Tensor,
    ) -> dict[str, Any]:
        """Loss of one batch, a mean over rows.

        ``input_ids``, ``attention_mask``, ``shapes`` (rows, tokens); ``row``, ``first``, ``last`` (words,) place the
        words; ``spans`` (mentions, 4): row, type, first and last word; ``known`` (rows, types): which types the row is
        annotated with, the others say nothing.
        """
        hidden = encode_marked(self.encoder, self.head.shapes, input_ids, attention_mask, shapes)
        words, there = word_states(hidden, row, first, last)
        allowed = (there[:, :, None] & there[:, None, :]).triu()[:, None] & known[:, :, None, None]
        return {"loss": table_loss(self.head(words), spans, allowed).mean()}
