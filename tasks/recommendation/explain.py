"""Why an item is recommended: what is left of its score without an item of the history, a tag, or the words.

Nothing is guessed from the inside of the model: each part is taken away and the score computed again, so what is named did raise it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tasks.recommendation.lookup import phrase
from tasks.recommendation.scoring import REMEMBERED, Taste
from tasks.recommendation.stock import Embed, Stock, item_vectors
from tasks.recommendation.store import quiet
from tasks.recommendation.types import Reason

NAMED = 4  # reasons at most
LEAST = 1e-2  # that a reason must have raised the logit by, and its share of all that did
Floats = NDArray[np.float32]


def reasons(stock: Stock, embed: Embed, taste: Taste, query: str, places: Sequence[int]) -> list[tuple[Reason, ...]]:
    """The reasons of each of the items at ``places``, those that raised its score most first."""
    if not places:
        return []
    columns = np.array(places, np.int64)
    first = max(0, len(taste.items) - REMEMBERED)
    named = [at for at in range(first, len(taste.items)) if taste.strengths[at] >= 0]
    variants = [taste, *(taste.without(at) for at in named)]
    if taste.spoken:
        variants.append(replace(taste, words=None, tags=()))
    logits = stock.scorer.logits(variants, columns)
    losses = logits[0] - logits[1:]
    items = stock.catalogue.items
    told: list[tuple[str, str, str | None]] = [("item", items[taste.items[at]].title, items[taste.items[at]].item_id) for at in named]
    if taste.spoken:
        told.append(("words", query, None))
    tags = _tag_losses(stock, embed, taste, columns, logits[0])
    return [_reasons([*zip(told, losses[:, at].tolist(), strict=True), *tags[at]]) for at in range(len(columns))]


def _tag_losses(
    stock: Stock, embed: Embed, taste: Taste, columns: NDArray[np.int64], logits: Floats
) -> list[list[tuple[tuple[str, str, None], float]]]:
    """For each item, how much of its logit each of its tags brought."""
    bare, owners = [], []
    for number, place in enumerate(columns):
        item = stock.catalogue.items[place]
        for at in range(len(item.tags)):
            bare.append(replace(item, tags=item.tags[:at] + item.tags[at + 1 :]))
            owners.append(number)
    found: list[list[tuple[tuple[str, str, None], float]]] = [[] for _ in columns]
    if not bare:
        return found
    vectors: Tensor = item_vectors(bare, embed, stock.scorer.head, quiet).float()
    without = stock.scorer.logits([taste], columns[owners], vectors)[0]
    named, scorer = dict(taste.tags), stock.scorer
    tags = [tag for place in columns for tag in stock.catalogue.items[place].tags]
    for number, tag, logit in zip(owners, tags, without, strict=True):
        asked = scorer.weights.tag * named.get(stock.tags[phrase(tag)], 0.0)
        found[number].append((("tag", tag, None), float(logits[number] - logit) + asked))
    return found


def _reasons(parts: list[tuple[tuple[str, str, str | None], float]]) -> tuple[Reason, ...]:
    """The parts that raised the score most, with their shares of all that did."""
    raising = sorted(((loss, *what) for what, loss in parts if loss > LEAST), key=lambda each: -each[0])
    total = sum(each[0] for each in raising)
    return tuple(Reason(kind, name, loss / total, item_id) for loss, kind, name, item_id in raising[:NAMED] if loss >= LEAST * total)  # type: ignore[arg-type]

