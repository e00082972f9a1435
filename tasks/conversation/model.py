"""The model: one pass of the encoder tells the kinds of a message, as labels are matched, and tags its words.

Kinds are text (``types.KINDS``), encoded by the same encoder, each scored on its own. Tags are those of sequence labelling (first word of a
span, further words), for things that are named and words that say that something happened; each word of a thing tells apart whether the
user likes or dislikes it.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from tasks.conversation.data import SIGNS, TAGS, UNKNOWN
from tasks.core.casing import encode_marked, shape_embedding
from tasks.core.encoder import mean_pool
from tasks.core.heads import MatchHead, pool_units


class MessageHead(nn.Module):
    """Everything above the encoder."""

    def __init__(self, width: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.shapes = shape_embedding(width)
        self.dropout = nn.Dropout(dropout)
        self.tags = nn.Linear(width, TAGS)
        self.signs = nn.Linear(width, len(SIGNS))
        self.match = MatchHead(width)

    def words(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the tags (words, TAGS) and of the signs (words, SIGNS) from word states (words, width)."""
        states = self.dropout(states)
        return self.tags(states), self.signs(states)

    def kinds(self, hidden: Tensor, mask: Tensor, labels: Tensor) -> Tensor:
        """Logits (rows, labels) from states (rows, tokens, width) and label embeddings (labels, width)."""
        logits: Tensor = self.match(self.dropout(mean_pool(hidden, mask)), labels)
        return logits


class MessageModel(nn.Module):
    """Encoder and head, with the loss for training."""

    accepts_loss_kwargs = False  # or Trainer multiplies the loss by the accumulation steps (HANDBOOK, trap 1)

    def __init__(self, encoder: nn.Module, head: MessageHead, kind_weight: float = 1.0) -> None:
        super().__init__()
        self.encoder, self.head, self.kind_weight = encoder, head, kind_weight

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        shapes: Tensor,
        row: Tensor,
        first: Tensor,
        last: Tensor,
        tags: Tensor,
        signs: Tensor,
        label_ids: Tensor,
        label_mask: Tensor,
        kinds: Tensor,
    ) -> dict[str, Any]:
        """Loss of one batch, a mean over rows, each with the means over its words and the sum over the kinds.

        ``input_ids``, ``attention_mask``, ``shapes`` (rows, tokens); ``row``, ``first``, ``last`` (words,) place the words; ``tags``
        and ``signs`` (words,), ``UNKNOWN`` where not annotated; ``label_ids``, ``label_mask`` (labels,
        tokens); ``kinds`` (rows, labels): 0 or 1.
        """
        hidden = encode_marked(self.encoder, self.head.shapes, input_ids, attention_mask, shapes)
        labels = mean_pool(self.encoder(input_ids=label_ids, attention_mask=label_mask).last_hidden_state, label_mask)
        asked = F.binary_cross_entropy_with_logits(self.head.kinds(hidden, attention_mask, labels), kinds, reduction="none").sum(1)
        tagged, signed = self.head.words(pool_units(hidden, row, first, last))
        loss = self.kind_weight * asked
        for logits, truth in ((tagged, tags), (signed, signs)):
            each = F.cross_entropy(logits.float(), truth, ignore_index=UNKNOWN, reduction="none")
            loss = loss + 4 * _row_means(each, truth, row, len(loss))
        return {"loss": loss.mean()}


def _row_means(each: Tensor, truth: Tensor, row: Tensor, rows: int) -> Tensor:
    """Mean loss (rows,) over the annotated words of each row, 0 where there are none."""
    zero = each.new_zeros(rows)
    return zero.index_add(0, row, each) / zero.index_add(0, row, (truth != UNKNOWN).to(each.dtype)).clamp(min=1)
