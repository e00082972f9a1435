"""The model of mentions: word pairs (first word, last word) in a table for each type, over states that know the casing.

The default encoder reads lower-cased text. How a word was written (``Turkey`` and ``turkey``) is added to the embeddings
of its tokens, so that all layers see it; the added vectors start at zero. Tables as in GlobalPointer (Su et al. 2022).
"""

from __future__ import annotations

import re
from typing import Any

from torch import Tensor, nn

from tasks.core.heads import PairScorer, table_loss, word_states
from tasks.relation_extraction.types import TYPES

SHAPES = 6
_DIGIT = re.compile(r"\d")


def shape(word: str) -> int:
    """How a word is written: 0 without capitals, 1 Capitalised, 2 CAPITALS, 3 miXed, 4 with a digit, 5 one capital letter."""
    if _DIGIT.search(word):
        return 4
    if word.islower() or word.lower() == word:
        return 0
    if word.isupper():
        return 2 if len(word) > 1 else 5
    return 1 if word[0].isupper() and word[1:].islower() else 3


def encode_marked(network: Any, marks: nn.Embedding, ids: Tensor, mask: Tensor, kinds: Tensor) -> Tensor:
    """States (rows, tokens, width) of tokens whose embeddings have the vector of their kind (rows, tokens) added."""
    embedded = network.get_input_embeddings()(ids)
    hidden: Tensor = network(inputs_embeds=embedded + marks(kinds).to(embedded.dtype), attention_mask=mask).last_hidden_state
    return hidden


class EntityHead(nn.Module):
    """What is learned beside the encoder: a vector for each shape of a word, and the tables of word pairs."""

    def __init__(self, width: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.shapes = nn.Embedding(SHAPES, width)
        nn.init.zeros_(self.shapes.weight)
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
