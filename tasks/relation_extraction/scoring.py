"""Texts with their entities to scored pairs: windows through the encoder once, all pairs of a window against the labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tasks.core.encoder import Encoder
from tasks.core.labels import LabelCache
from tasks.core.text import Ints, Window, batches
from tasks.relation_extraction.data import UNTYPED, Endpoints, Given, Placed, gap, place_entities, type_pair, windower_of
from tasks.relation_extraction.features import with_pairs
from tasks.relation_extraction.model import Reading, RelationHead
from tasks.relation_extraction.types import TYPES

NEAR = -6.0  # logits below it are not looked at
PAIRS = 192  # pairs that are read in one pass of a window: memory grows with the square of their number


@dataclass(frozen=True, slots=True)
class Unit:
    """Some pairs of one window, ``pairs`` (pairs, 6) as ``Placed`` has them, ``types`` (pairs, 2) of their heads and tails; ``ids``:
    tokens of the text and room for the pairs."""

    window: Window
    placed: Placed
    pairs: Ints
    types: Ints
    ids: Ints


class Candidate(NamedTuple):
    """What may be a relation: head and tail (entities of the text by number), label by number, logit; the types of head and
    tail ("PER LOC", "" where one has none), and the logarithm of 1 + the characters between their closest mentions."""

    head: int
    tail: int
    label: int
    logit: float
    types: str = ""
    distance: float = 0.0


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
        embedded, possible = self._embed_labels(labels), possible_types(list(labels), endpoints)
        tokens, windows = self.windower(texts)
        units: list[Unit] = []
        for window in windows:
            placed = place_entities(window, tokens[window.text], entities[window.text])
            units += _units(window, placed, _types(entities[window.text], placed), possible)
        best: list[dict[tuple[int, int, int], float]] = [{} for _ in texts]
        for group in batches(units, self.encoder.batch_tokens):
            logits = self._logits(group, embedded)
            for unit, own in zip(group, torch.split(logits, [len(unit.pairs) for unit in group]), strict=True):
                text, present = unit.window.text, unit.placed.present
                open_to = possible[unit.types[:, 0], unit.types[:, 1]]
                pair, label = ((own >= NEAR) & open_to).nonzero(as_tuple=True)
                ends = unit.pairs[pair.numpy(), :2].tolist()
                for (head, tail), name, logit in zip(ends, label.tolist(), own[pair, label].tolist(), strict=True):
                    key = present[head], present[tail], name
                    best[text][key] = max(logit, best[text].get(key, logit))
        return [_candidates(*each) for each in zip(best, entities, strict=True)]

    def _logits(self, group: Sequence[Unit], labels: Tensor) -> Tensor:
        """Logits (pairs, labels) of the pairs of some units, one after the other, on the CPU."""
        rows = [(unit.window.ids, unit.placed.kinds, unit.pairs[:, 2:]) for unit in group]
        fields = with_pairs(rows, self.encoder.tokenizer.pad_token_id or 0)
        reading = Reading(*(field.to(self.encoder.device) for field in fields))
        logits: Tensor = self.head(self.head.read(self.encoder.model, reading), labels)
        return logits.float().cpu()


def _candidates(best: Mapping[tuple[int, int, int], float], entities: Sequence[Given]) -> list[Candidate]:
    pairs = {(head, tail): (entities[head], entities[tail]) for head, tail, _ in best}
    known = {pair: (type_pair(*ends), math.log1p(gap(*ends))) for pair, ends in pairs.items()}
    return [Candidate(*key, logit, *known[key[:2]]) for key, logit in sorted(best.items())]


def _types(entities: Sequence[Given], placed: Placed) -> Ints:
    """The type of each entity of a window, by number."""
    return np.array([TYPES.index(name) if (name := entities[number].type) else UNTYPED for number in placed.present], np.int64)


def _units(window: Window, placed: Placed, types: Ints, possible: Tensor) -> list[Unit]:
    """The pairs of a window whose types can have some relation, ``PAIRS`` at most in each unit."""
    if not len(placed.pairs):
        return []
    ends = types[placed.pairs[:, :2]]
    worth = possible.any(-1).numpy()[ends[:, 0], ends[:, 1]]
    kept, ends = placed.pairs[worth], ends[worth]
    room = np.zeros(2 * PAIRS, np.int64)
    units = []
    for start in range(0, len(kept), PAIRS):
        some = kept[start : start + PAIRS]
        units.append(Unit(window, placed, some, ends[start : start + PAIRS], np.concatenate([window.ids, room[: 2 * len(some)]])))
    return units
