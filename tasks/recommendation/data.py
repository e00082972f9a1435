"""Histories for training: pieces of what users rated, in their order, and batches with items drawn from the catalogue beside them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tasks.core.encoder import Encoder
from tasks.core.text import pad
from tasks.recommendation.catalogue import Catalogue
from tasks.recommendation.fields import field_texts
from tasks.recommendation.ratings import Interactions

PIECE, OVERLAP, SHORTEST = 65, 8, 5  # interactions of a piece, what two neighbours share, and what is too short to learn from


def pieces(ratings: Interactions) -> list[dict[str, Any]]:
    """Features of all users' histories: ``input_ids`` are places in the catalogue."""
    found = []
    for items, strengths in ratings.histories():
        for first in range(0, max(1, len(items) - OVERLAP), PIECE - OVERLAP):
            piece = items[first : first + PIECE]
            if len(piece) >= SHORTEST:
                found.append({"input_ids": piece.tolist(), "strengths": strengths[first : first + PIECE].tolist()})
    return found


class Collator:
    """Features to one batch of ``RecommenderModel.forward``.

    ``vectors`` (items, size) of the whole catalogue, or None where the encoder learns, and reads the ``catalogue``'s texts itself;
    ``drawn``: places that negatives are drawn from, ``count`` of them a batch.
    """

    def __init__(self, encoder: Encoder, catalogue: Catalogue, vectors: Tensor | None, drawn: np.ndarray[Any, Any], count: int) -> None:
        self.encoder, self.catalogue, self.vectors, self.drawn, self.count = encoder, catalogue, vectors, drawn, min(count, len(drawn))

    def __call__(self, features: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """A padded batch; what is drawn depends on the features alone, so that a run can be resumed."""
        longest = max(len(each["input_ids"]) for each in features)
        places = np.zeros((len(features), longest), np.int64)
        strengths, mask = np.zeros((len(features), longest), np.float32), np.zeros((len(features), longest), bool)
        for row, each in enumerate(features):
            size = len(each["input_ids"])
            places[row, :size], strengths[row, :size], mask[row, :size] = each["input_ids"], each["strengths"], True
        seed = zlib.crc32(places.tobytes())
        negatives = np.random.default_rng(seed).choice(self.drawn, self.count, replace=False)
        items, rows = np.unique(np.concatenate([places.ravel(), negatives]), return_inverse=True)
        batch: dict[str, Any] = {
            "places": torch.from_numpy(rows[: places.size].reshape(places.shape)),
            "strengths": torch.from_numpy(strengths),
            "mask": torch.from_numpy(mask),
            "negatives": torch.from_numpy(rows[places.size :]),
            "share": torch.tensor([self.count / len(self.drawn)]),
        }
        if self.vectors is None:
            return batch | {"texts": self._texts(items)}
        return batch | {"vectors": self.vectors[torch.from_numpy(items)].float()}

    def _texts(self, items: np.ndarray[Any, Any]) -> dict[str, Tensor]:
        """Tokens of the texts of the items, and what they are a part of."""
        texts = field_texts([self.catalogue.items[place] for place in items])
        windows = self.encoder.windower.single(texts.texts)
        ids, mask = pad([window.ids for window in windows], self.encoder.tokenizer.pad_token_id or 0)
        parts = {"cells": texts.cells, "texts_at": texts.texts_at, "weights": texts.weights}
        return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)} | {
            name: torch.from_numpy(part) for name, part in parts.items()
        }
