"""Texts with their entities to scored pairs: windows through the encoder once, all pairs of a window against the labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from tasks.core.encoder import Encoder
from tasks.core.labels import LabelCache
from tasks.core.text import batches, pad
from tasks.relation_extraction.data import UNTYPED, Endpoints, Given, Placed, place_entities, windower_of
from tasks.relation_extraction.entities.model import encode_marked
from tasks.relation_extraction.model import RelationHead
from tasks.relation_extraction.types import TYPES

NEAR = -6.0  # logits below it are not looked at
CELLS = 1 << 22  # pairs x tokens that are weighed at once: 16 MB


class Candidate(NamedTuple):
    """What may be a relation: head and tail (entities of the text by number), label by number, logit."""

    head: int
    tail: int
    label: int
    logit: float


def possible_types(names: Sequence[str], endpoints: Endpoints) -> Tensor:
    """(types, types, labels): whether a head and a tail of these types can have the relation; relations that ``endpoints``
    does not list, and entities without a type (the last row and column), are open to all."""
    table = torch.ones(len(TYPES) + 1, len(TYPES) + 1, len(names), dtype=torch.bool)
    for column, name in enumerate(names):
        if name in endpoints:
            table[:UNTYPED, :UNTYPED, column] = False
            for pair in endpoints[name]:
                one, other = pair.split()
                table[TYPES.index(one), TYPES.index(other), column] = True
    return table


class RelationScorer:
    """An encoder with its head. No state but the label cache: safe in threads."""

    def __init__(self, encoder: Encoder, head: RelationHead) -> None:
        self.encoder, self.head, self.windower = encoder, head, windower_of(encoder)
        self._embed_labels = LabelCache(encoder.embed)

    @torch.inference_mode()
    def __call__(
        self, texts: Sequence[str], entities: Sequence[Sequence[Given]], labels: Mapping[str, str], endpoints: Endpoints
    ) -> list[list[Candidate]]:
        """The candidates of each text, each with its highest logit over the windows.

        ``labels``: relation -> description; ``endpoints``: relation -> the types that it can hold between. Pairs of types
        that can have no relation are left out before anything is computed of them.
        """
        embedded, possible = self._embed_labels(labels), possible_types(list(labels), endpoints).to(self.encoder.device)
        tokens, windows = self.windower(texts)
        placed = [place_entities(window, tokens[window.text], entities[window.text]) for window in windows]
        kept = {id(window): each for window, each in zip(windows, placed, strict=True) if len(each.present) > 1}
        best: list[dict[tuple[int, int, int], float]] = [{} for _ in texts]
        for group in batches([window for window in windows if id(window) in kept], self.encoder.batch_tokens):
            batch = self.encoder.collate(group)
            there = [kept[id(window)] for window in group]
            kinds = torch.from_numpy(pad([each.marks for each in there], 0)[0]).to(batch.ids.device)
            hidden = encode_marked(self.encoder.model, self.head.marks, batch.ids, batch.mask, kinds)
            read = [[entities[window.text][number] for number in each.present] for window, each in zip(group, there, strict=True)]
            for row, head, tail, label, logit in self._near(hidden, batch.mask, there, read, embedded, possible):
                own, present = best[group[row].text], there[row].present
                key = present[head], present[tail], label
                own[key] = max(logit, own.get(key, logit))
        return [[Candidate(*key, logit) for key, logit in sorted(own.items())] for own in best]

    def _near(
        self, hidden: Tensor, mask: Tensor, placed: Sequence[Placed], read: Sequence[Sequence[Given]], labels: Tensor, possible: Tensor
    ) -> Iterator[tuple[int, int, int, int, float]]:
        """(row, head, tail, label, logit) of all that is near, entities by their place in the window."""
        device = hidden.device
        mentions = torch.tensor([(row, *each) for row, window in enumerate(placed) for each in window.mentions], device=device)
        pairs, ends = _pairs([[_type_number(each) for each in group] for group in read], device)
        worth = possible[ends[:, 0], ends[:, 1]].any(1)
        size = max(1, CELLS // mask.shape[1])
        for some, their in zip(torch.split(pairs[worth], size), torch.split(ends[worth], size), strict=True):
            logits = self.head(self.head.pairs(hidden, mask, mentions, some), labels)
            near = (logits >= NEAR) & possible[their[:, 0], their[:, 1]]
            at, label = near.nonzero(as_tuple=True)
            yield from zip(*some[at].T.tolist(), label.tolist(), logits[at, label].tolist(), strict=True)


def _pairs(types: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """All pairs of two different entities of each row as (row, head, tail), and the types of head and tail."""
    pairs, ends = [], []
    for row, kinds in enumerate(types):
        number = torch.tensor(kinds, device=device)
        grid = torch.cartesian_prod(torch.arange(len(kinds), device=device), torch.arange(len(kinds), device=device))
        grid = grid[grid[:, 0] != grid[:, 1]]
        pairs.append(torch.cat([torch.full((len(grid), 1), row, device=device), grid], dim=1))
        ends.append(number[grid])
    return torch.cat(pairs), torch.cat(ends)


def _type_number(entity: Given) -> int:
    return TYPES.index(entity.type) if entity.type else UNTYPED
