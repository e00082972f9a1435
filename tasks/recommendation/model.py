"""The model: fields of items to vectors, histories to vectors that point at the next item, and the loss for training.

It starts in the pretrained space: at first a history's vector is the mean of its items' vectors, the latest weighing most and the
disliked ones against. Training bends that by a linear map, so that it knows which items go together though their texts differ,
and adds what a small causal Transformer makes of the order (SASRec, Kang and McAuley 2018; items known by their texts alone, as
in UniSRec, Hou et al. 2022). Nothing belongs to a single item, so an item that nobody has rated is like any other.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tasks.core.encoder import mean_pool
from tasks.core.heads import IMPOSSIBLE
from tasks.recommendation.fields import composed

PART = 128  # numbers of a field in an item's vector
HEADS = 4
DISLIKED = 0.5  # weight of a disliked item; not learned, for readers go on with what is like a book they disliked, too
FEW = 20  # items whose mean says as much about where the middle of a catalogue is as the mean of the catalogue of training


class Projection(nn.Module):
    """Fields (items, 3, width) to vectors (items, 3 * ``PART``): each field centred, turned to its main directions, of length 1.

    Means and principal components of catalogues' fields, set by ``fit`` and not trained. Each catalogue is centred on its own mean,
    for what all its items share tells none of them apart.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.part = min(PART, width)
        self.register_buffer("mean", torch.zeros(3, width))
        self.register_buffer("axes", torch.eye(width)[: self.part].repeat(3, 1, 1))
        self.register_buffer("foreign", torch.zeros(width))
        self.mean: Tensor
        self.axes: Tensor
        self.foreign: Tensor

    def forward(self, fields: Tensor) -> Tensor:
        """Vectors; zero in a field that has no text."""
        turned = torch.einsum("nfw,fpw->nfp", F.normalize(fields.float(), dim=-1) - self.mean, self.axes)
        vectors: Tensor = (F.normalize(turned, dim=-1) * _there(fields)).flatten(1)
        return vectors

    @torch.no_grad()
    def fit(self, catalogues: Sequence[Tensor]) -> None:
        """Take the principal components of the fields (items, 3, width) of catalogues, each weighing the same, and the mean of the
        first one, for which the head is trained; the content of the others is ``foreign`` to it."""
        means = [_means(fields) for fields in catalogues]
        spread = torch.zeros(3, *self.mean.shape[1:] * 2, dtype=torch.float64)
        for fields, mean in zip(catalogues, means, strict=True):
            centred = ((F.normalize(fields.float(), dim=-1) - mean) * _there(fields)).double()
            spread += torch.einsum("nfv,nfw->fvw", centred, centred).cpu() / max(len(fields), 1)
        self.axes.copy_(torch.linalg.eigh(spread)[1].flip(2).mT[:, : self.part])
        self.mean.copy_(means[0])
        self.foreign.copy_(torch.stack([mean[2] for mean in means[1:] or means]).mean(0))

    @torch.no_grad()
    def settle(self, fields: Tensor) -> float:
        """Take a catalogue's mean, from its ``fields`` (items, 3, width) or some of them, and tell how familiar it is: from 1, where
        its content is like that of the catalogue of training, to 0, where it is like what was foreign there."""
        mean, step = _means(fields), self.mean[2] - self.foreign
        along = (mean[2] - self.foreign) @ step / step.square().sum() if step.any() else step.new_ones(())
        own = len(fields) / (len(fields) + FEW)
        self.mean.copy_(own * mean + (1 - own) * self.mean)
        return float(along.clamp(0, 1))


def _there(fields: Tensor) -> Tensor:
    """Which fields have a text, (items, 3, 1)."""
    return fields.abs().sum(-1, keepdim=True) > 0


def _means(fields: Tensor) -> Tensor:
    """The mean direction of each field over the items that have it, (3, width)."""
    there = _there(fields)
    return (F.normalize(fields.float(), dim=-1) * there).sum(0) / there.sum(0).clamp(min=1)


class Layer(nn.Module):
    """A causal Transformer layer whose attention falls with distance, at a learned pace a head (ALiBi, Press et al. 2022)."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.project, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.log_pace = nn.Parameter(torch.tensor([0.5, 0.2, 0.05, 0.01]).log())
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, distance: Tensor, seen: Tensor) -> Tensor:
        """``states`` (rows, T, width); ``distance`` (T, T) in steps; ``seen`` (rows, T, T): who may look at whom."""
        rows, length, width = states.shape
        heads = self.project(self.first(states)).view(rows, length, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        bias = (-self.log_pace.exp()[:, None, None] * distance)[None].masked_fill(~seen[:, None], IMPOSSIBLE)
        mixed = F.scaled_dot_product_attention(heads[0], heads[1], heads[2], attn_mask=bias.to(heads.dtype))
        states = states + self.dropout(self.join(mixed.transpose(1, 2).reshape(rows, length, width)))
        out: Tensor = states + self.dropout(self.narrow(F.gelu(self.widen(self.second(states)))))
        return out


class HistoryHead(nn.Module):
    """Vectors of a history's items to the vector whose products with items' vectors are logits of what comes next.

    ``width``: of the encoder; ``hidden`` and ``layers``: of the Transformer. ``familiar``: see ``settled``.
    """

    def __init__(self, width: int, hidden: int = 128, layers: int = 2, dropout: float = 0.2) -> None:
        super().__init__()
        self.projection = Projection(width)
        self.familiar = 1.0
        size = 3 * self.projection.part
        self.log_pace = nn.Parameter(torch.tensor(math.log(0.2)))  # how fast an item is forgotten, a step
        self.liked = nn.Parameter(torch.tensor([0.5, 0.5]))  # weight of a liked item, and what a better rating adds
        self.map = nn.Linear(size, size)
        nn.init.eye_(self.map.weight)
        nn.init.zeros_(self.map.bias)
        self.enter, self.rating = nn.Linear(size, hidden), nn.Linear(1, hidden)
        self.layers = nn.ModuleList(Layer(hidden, dropout) for _ in range(layers))
        self.norm, self.leave = nn.LayerNorm(hidden), nn.Linear(hidden, size)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)
        self.log_scale = nn.Parameter(torch.tensor(math.log(15.0)))
        self.dropout = nn.Dropout(dropout)

    def forward(self, vectors: Tensor, strengths: Tensor, mask: Tensor) -> Tensor:
        """What is to come after each item: (rows, T, size).

        ``vectors`` (rows, T, size) of the items, oldest first; ``strengths`` (rows, T): ratings from -1 to 1; ``mask`` (rows, T):
        where there is an item. A disliked item weighs against what is like it, takes nothing from the weights of the liked ones,
        and the Transformer does not see it.
        """
        steps = torch.arange(vectors.shape[1], device=vectors.device)
        distance = (steps[:, None] - steps[None]).float()
        earlier = (distance >= 0)[None] & mask[:, None, :]
        liked = self.liked.clamp(min=0)
        gains = torch.where(strengths >= 0, liked[0] + liked[1] * strengths, DISLIKED * strengths)
        weights = torch.exp(-self.log_pace.exp() * distance.clamp(min=0))[None] * earlier
        total, counted = weights.sum(-1, keepdim=True), (weights * (strengths >= 0)[:, None, :]).sum(-1, keepdim=True)
        mean = (weights @ (vectors * gains[..., None])) / torch.maximum(counted, total / 4).clamp(min=1e-6)
        pointing: Tensor = self.map(self.dropout(mean))
        known = vectors * (strengths >= 0)[..., None]
        states = self.dropout(self.enter(4 * known) + self.rating(strengths[..., None]))
        seen = earlier & (strengths >= 0)[:, None, :] | torch.eye(len(steps), dtype=torch.bool, device=mask.device)[None]
        for layer in self.layers:
            states = layer(states, distance.clamp(min=0), seen)
        learned = pointing + self.leave(self.norm(states))
        out: Tensor = (self.familiar * learned + (1 - self.familiar) * mean) * self.log_scale.exp()
        return out

    def settled(self, fields: Tensor) -> HistoryHead:
        """The head for another catalogue, of which these are ``fields`` (items, 3, width): what was learned of which items go together
        counts as far as the catalogue is familiar, beyond that their likeness does."""
        head = copy.deepcopy(self)
        head.familiar = head.projection.settle(fields.to(self.map.weight.device))
        return head


class RecommenderModel(nn.Module):
    """Encoder and head, with the loss for training."""

    accepts_loss_kwargs = False  # or Trainer multiplies the loss by the accumulation steps (HANDBOOK, trap 1)

    def __init__(self, encoder: nn.Module, head: HistoryHead) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(
        self,
        places: Tensor,
        strengths: Tensor,
        mask: Tensor,
        negatives: Tensor,
        share: Tensor,
        vectors: Tensor | None = None,
        texts: dict[str, Tensor] | None = None,
    ) -> dict[str, Any]:
        """Loss of one batch, a mean over histories: a softmax over the next item and sampled others (Jean et al. 2015).

        ``vectors`` (items, size) of the items of the batch, or, where the encoder learns, the ``texts`` to make them of (see
        ``data``); ``places`` (rows, T): the histories' items, as rows of ``vectors``; ``strengths``, ``mask`` (rows, T);
        ``negatives`` (N,): rows of ``vectors``, drawn evenly from the catalogue; ``share`` (1,): of the catalogue that they are.
        """
        if vectors is None:
            vectors = self.read(**(texts or {}))
        history = vectors[places]
        pointing = self.head(history[:, :-1], strengths[:, :-1], mask[:, :-1]).float()
        right = (pointing * history[:, 1:]).sum(-1, keepdim=True)
        others = pointing @ vectors[negatives].T - share.log()
        others = others.masked_fill(places[:, 1:, None] == negatives, IMPOSSIBLE)
        each = torch.cat([right, others], dim=-1).logsumexp(-1) - right[..., 0]
        counted = (mask[:, 1:] & mask[:, :-1] & (strengths[:, 1:] >= 0)).float()
        return {"loss": ((each * counted).sum(1) / counted.sum(1).clamp(min=1)).mean()}

    def read(self, input_ids: Tensor, attention_mask: Tensor, cells: Tensor, texts_at: Tensor, weights: Tensor) -> Tensor:
        """Vectors of items from tokens of their texts, and what these are a part of (``fields.FieldTexts``)."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        fields = composed(mean_pool(states, attention_mask), cells, texts_at, weights)
        vectors: Tensor = self.head.projection(fields)
        return vectors
