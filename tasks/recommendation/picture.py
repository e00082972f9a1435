"""A picture of a catalogue in two dimensions, in which similar items lie together."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

LANDMARKS = 1_500  # items that t-SNE lays out; the others go between those most like them
AMID = 3  # landmarks that an item goes between, and
FITTING = 12  # items that a user is put amid
Floats = NDArray[np.float32]


def picture(vectors: Tensor) -> Floats:
    """Places (items, 2) from 0 to 1, by t-SNE (van der Maaten and Hinton 2008) of the ``vectors`` (items, size); always the same."""
    count = len(vectors)
    chosen = np.unique(np.linspace(0, count - 1, min(LANDMARKS, count)).round().astype(np.int64))
    directions = F.normalize(vectors.float(), dim=-1).cpu()
    laid = _laid(directions[chosen].numpy())
    places = np.zeros((count, 2), np.float32)
    for first in range(0, count, 4096):
        likeness, at = (directions[first : first + 4096] @ directions[chosen].T).topk(min(AMID, len(chosen)))
        weights = torch.softmax(20 * likeness, -1).numpy()
        places[first : first + 4096] = (laid[at.numpy()] * weights[..., None]).sum(1)
    places[chosen] = laid
    return places


def _laid(vectors: Floats) -> Floats:
    from sklearn.manifold import TSNE

    if len(vectors) < 5 or np.ptp(vectors, axis=0).max() < 1e-4:  # t-SNE dies of items that are all the same
        angles = np.linspace(0, 2 * np.pi, len(vectors), endpoint=False)
        return (0.5 + 0.5 * np.stack([np.cos(angles), np.sin(angles)], 1)).astype(np.float32)
    made = TSNE(perplexity=min(30.0, (len(vectors) - 1) / 3), init="pca", random_state=0).fit_transform(vectors)
    low, high = made.min(0), made.max(0)
    laid: Floats = ((made - low) / np.maximum(high - low, 1e-9)).astype(np.float32)
    return laid


def centre(places: Floats, scores: Floats) -> tuple[float, float]:
    """The middle of the items of the highest ``scores`` (items,), logits, by their likelihoods."""
    best = np.argsort(-scores, kind="stable")[:FITTING]
    weights = np.exp(scores[best] - scores[best].max())
    x, y = (places[best] * weights[:, None]).sum(0) / weights.sum()
    return float(x), float(y)
