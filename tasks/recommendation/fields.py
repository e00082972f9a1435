"""What the encoder reads of an item: three fields, its title, its creators, and its content (tags and description).

Fields are embedded apart, because the cosine of two whole descriptions mixes one item's title with the other's author; what a user
read last finds far more of the next books by three cosines than by one. A field is a weighted mean of the embeddings of its texts:
so a tag's part in an item is known, and a text that many items have is encoded once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from tasks.recommendation.types import Item

FIELDS = ("title", "creators", "content")
DESCRIPTION = 0.5  # of the content; the tags have the rest, where there are both
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FieldTexts:
    """The texts of items, each once, and of what they are a part: ``weights[n]`` of text ``texts_at[n]`` in field ``cells[n]``,
    where item i has the cells 3 i to 3 i + 2."""

    texts: list[str]
    cells: NDArray[np.int64]
    texts_at: NDArray[np.int64]
    weights: Floats


def field_texts(items: Sequence[Item]) -> FieldTexts:
    """The texts of ``items``, and a blank one, which has no weight in the last item: so the cells tell how many items there are."""
    known = {"": 0}
    parts = [
        (3 * at + field, known.setdefault(text, len(known)), weight)
        for at, item in enumerate(items)
        for field, text, weight in _parts(item)
    ]
    parts += [(3 * len(items) - 1, 0, 0.0)] * bool(items)
    cells, texts_at, weights = np.array(parts, np.float64).reshape(-1, 3).T
    return FieldTexts(list(known), cells.astype(np.int64), texts_at.astype(np.int64), weights.astype(np.float32))


def _parts(item: Item) -> Iterator[tuple[int, str, float]]:
    """(field, text, weight) of each text that is not blank."""
    for field, text in enumerate((item.title, item.by)):
        if text.strip():
            yield field, text, 1.0
    tags = [tag for tag in item.tags if tag.strip()]
    described = item.description.strip()
    for tag in tags:
        yield 2, tag, (1 - DESCRIPTION if described else 1.0) / len(tags)
    if described:
        yield 2, described, DESCRIPTION if tags else 1.0


def composed(found: Tensor, cells: Tensor, texts_at: Tensor, weights: Tensor) -> Tensor:
    """Fields (items, 3, width) from ``found``, embeddings of texts (texts, width): weighted means of their directions, zero where
    a field has no text; the rest as in ``FieldTexts``, as tensors."""
    count = int(cells.max()) // 3 + 1 if len(cells) else 0
    directions = F.normalize(found, dim=-1)[texts_at] * weights[:, None]
    return found.new_zeros(3 * count, found.shape[1]).index_add(0, cells, directions).view(count, 3, found.shape[1])


def fields_of(found: Tensor, texts: FieldTexts) -> Tensor:
    """The same of ``texts``."""
    return composed(found, *(torch.from_numpy(part).to(found.device) for part in (texts.cells, texts.texts_at, texts.weights)))
