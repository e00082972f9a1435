"""The model: pairs of entities matched against the texts of relations, all pairs of a window from one pass.

Each pair is read by two tokens of its own behind the text, one standing for its head and one for its tail, which have the
words, the positions and the types of these. They see the text and each other; the text and the other pairs do not see them
(the packed levitated markers of Ye et al. 2022). So the text is encoded once for all pairs, and yet every layer knows which
pair it reads. What they have read is matched against the relation's name or description, both through the same adapted
encoder, so that relations never seen in training still match (HANDBOOK, "Stay in the pretrained space").
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from tasks.core.encoder import first_position, mean_pool
from tasks.core.errors import ModelError
from tasks.core.heads import IMPOSSIBLE, MatchHead, pool_units
from tasks.relation_extraction.data import KINDS

READERS = ("bert", "roberta", "xlm-roberta", "camembert", "electra", "modernbert")  # those that take positions and masks of our own
LABELS = 24  # label texts that are encoded at once in training


class Reading(NamedTuple):
    """Windows with their pairs, as tensors.

    ``ids``, ``kinds``, ``owner`` (rows, tokens): token ids, the kind of each token (``data.KINDS``), and whom it belongs to:
    0 the text, k > 0 the k-th pair of the row, -1 nobody. ``pairs`` (pairs, 6): row, the place of the head's token (the
    tail's is the next), the first and last token of the head's mention and of the tail's.
    """

    ids: Tensor
    kinds: Tensor
    owner: Tensor
    pairs: Tensor


def check_reads_pairs(config: Any, name: str) -> None:
    """Raise ``ModelError`` for an encoder whose tokens can't be placed, or hidden from each other, at will."""
    if config.model_type not in READERS or config._attn_implementation != "sdpa":
        raise ModelError(f"{name!r} ({config.model_type}) can't read pairs of entities: choose an encoder of {', '.join(READERS)}.")


class RelationHead(nn.Module):
    """What is learned beside the encoder: vectors for the kinds of tokens and for the two ends of a pair, and the match."""

    def __init__(self, width: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.marks = nn.Embedding(KINDS, width)
        self.ends = nn.Parameter(torch.zeros(2, width))
        nn.init.zeros_(self.marks.weight)
        self.dropout = nn.Dropout(dropout)
        self.match = MatchHead(width)

    def read(self, network: Any, reading: Reading) -> Tensor:
        """States (pairs, width) of the pairs, from one pass of the encoder ``network``."""
        ids, kinds, owner, pairs = reading
        text = network.get_input_embeddings()(ids)
        embedded = text + self.marks(kinds).to(text.dtype)
        row, place, *spans = pairs.T
        position = torch.arange(ids.shape[1], device=ids.device).expand_as(ids).clone()
        for end in (0, 1):
            first, last = spans[2 * end], spans[2 * end + 1]
            said = pool_units(embedded, row, first, last) + self.ends[end]
            embedded = embedded.index_put((row, place + end), said.to(embedded.dtype))
            position[row, place + end] = first
        position = position.clamp(max=int((owner == 0).sum(1).max()) - 1)
        masks = _masks(owner, position, network.config)
        places = position + first_position(network.config)
        hidden = network(inputs_embeds=embedded, attention_mask=masks, position_ids=places).last_hidden_state.float()
        states: Tensor = (hidden[row, place] + hidden[row, place + 1]) / 2
        return states

    def forward(self, pairs: Tensor, labels: Tensor) -> Tensor:
        """Logits (pairs, labels) from states of pairs and embeddings of labels."""
        logits: Tensor = self.match(self.dropout(pairs), labels)
        return logits


def _masks(owner: Tensor, position: Tensor, config: Any) -> Any:
    """Who sees whom, (rows, 1, tokens, tokens): all see the text, and a pair's tokens each other; ModernBERT's local layers
    see as far as ever, by the places that tokens stand for."""
    seen = (owner[:, None, :] == 0) | ((owner[:, None, :] == owner[:, :, None]) & (owner[:, None, :] > 0))
    if config.model_type != "modernbert":
        return seen[:, None]
    near = (position[:, :, None] - position[:, None, :]).abs() <= config.sliding_window
    return {"full_attention": seen[:, None], "sliding_attention": (seen & near)[:, None]}


class RelationModel(nn.Module):
    """Encoder and head, with the loss for training."""

    accepts_loss_kwargs = False  # or Trainer multiplies the loss by the accumulation steps (HANDBOOK, trap 1)

    def __init__(self, encoder: nn.Module, head: RelationHead) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(
        self,
        input_ids: Tensor,
        kinds: Tensor,
        owner: Tensor,
        pairs: Tensor,
        pair_weight: Tensor,
        choice: Tensor,
        label_ids: Tensor,
        label_mask: Tensor,
        label_weight: Tensor,
        known: Tensor,
        truth: Tensor,
    ) -> dict[str, Any]:
        """Loss of one batch, a mean over rows.

        ``input_ids``, ``kinds``, ``owner``, ``pairs`` as in ``Reading``; ``pair_weight`` (pairs,): what a pair weighs that
        was sampled; ``choice`` (rows,): whether one relation or none is to be chosen for the row, or any number for each
        pair; ``label_ids``, ``label_mask`` (labels, tokens), sorted by length; ``label_weight`` (labels,): what a label
        weighs where it does not hold, for labels that were sampled; ``known``, ``truth`` (pairs, labels).
        """
        states = self.head.read(self.encoder, Reading(input_ids, kinds, owner, pairs))
        logits = self.head(states, self._embed(label_ids, label_mask))
        against = logits + label_weight.log()
        row = pairs[:, 0]
        chosen = _choice_loss(logits, against, known, truth, row, len(input_ids))
        several = torch.zeros_like(chosen).index_add(0, row, _pair_loss(logits, against, known, truth) * pair_weight)
        several = several / torch.bincount(row, minlength=len(chosen)).clamp(min=1).sqrt()  # or documents would drown the rest
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
