"""A request: a user's history and words, and what the list should be like; checked, and answered from a ``Stock``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from tasks.core.errors import InputError
from tasks.core.text import check_text
from tasks.recommendation.decode import diverse, first_of_each, pool_size
from tasks.recommendation.explain import reasons
from tasks.recommendation.ratings import Scale, read_history
from tasks.recommendation.scan import top
from tasks.recommendation.scoring import REMEMBERED, Taste
from tasks.recommendation.stock import Embed, Stock
from tasks.recommendation.store import quiet
from tasks.recommendation.types import Recommendation, RecommendationResult
from tasks.recommendation.words import read_wish, tags_in

FIELD_WEIGHTS = (0.15, 0.5, 1.0)  # of title, creators and content in the vector of words: they mostly tell what something is like
UNWANTED = 0.6  # weight of what is not wanted, beside what is
NOVELTY = 20.0  # what the best known item loses at a novelty of 1, in logits
TOO_ALIKE = 3.0  # times NOVELTY is what an item loses at most that is just like one of the history
MOST_SCORES = 2**26  # of users and items that are held at once


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the list should be like; see ``Recommender.__call__``."""

    k: int = 10
    exclude: tuple[int, ...] = ()
    allowed: NDArray[np.bool_] | None = None
    diversity: float = 0.0
    novelty: float = 0.0
    explain: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.k, bool) or not isinstance(self.k, int) or self.k < 1:
            raise InputError(f"k is {self.k!r}: ask for a whole number of items, one at least.")
        for name in ("diversity", "novelty"):
            share = getattr(self, name)
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
                raise InputError(f"{name} is {share!r}: give a number from 0 to 1.")


def read_taste(stock: Stock, embed: Embed, scale: Scale, history: Any, query: str | None) -> Taste:
    """A user's history and words as the model takes them; items that the words name are a part of the history. Raises ``InputError``."""
    entries = dict(read_history(history, stock.catalogue, scale))
    if query is None or not check_text(query).strip():
        return Taste(tuple(entries), tuple(entries.values()))
    wish = read_wish(query, stock.titled)
    for place in (*wish.liked, *wish.disliked):
        entries.pop(place, None)
        entries[place] = 1.0 if place in wish.liked else -1.0
    tags = dict.fromkeys(tags_in(wish.unwanted, stock.tags), -1.0) | dict.fromkeys(tags_in(wish.wanted, stock.tags), 1.0)
    return Taste(tuple(entries), tuple(entries.values()), _vector(stock, embed, wish.wanted, wish.unwanted), tuple(tags.items()))


def _vector(stock: Stock, embed: Embed, wanted: str, unwanted: str) -> Tensor | None:
    """The vector (size,) of words; None where there are none."""
    texts = [text for text in (wanted, unwanted) if text]
    if not texts:
        return None
    projection = stock.scorer.head.projection
    fields = embed(texts, quiet)[:, None].expand(-1, 3, -1).to(stock.scorer.vectors.device)
    parts = F.normalize(projection(fields).view(len(texts), 3, -1), dim=-1) * torch.tensor(FIELD_WEIGHTS, device=fields.device)[:, None]
    signs = torch.tensor([1.0] * bool(wanted) + [-UNWANTED] * bool(unwanted), device=fields.device)
    return (parts.flatten(1) * signs[:, None]).sum(0)


def recommend(stock: Stock, embed: Embed, tastes: Sequence[Taste], queries: Sequence[str], wanted: Wanted) -> list[RecommendationResult]:
    """The lists of several users, in order."""
    step = max(1, MOST_SCORES // len(stock.catalogue))
    found = []
    for first in range(0, len(tastes), step):
        group = tastes[first : first + step]
        for taste, query, places in zip(group, queries[first : first + step], best(stock, group, wanted), strict=True):
            found.append(_result(stock, embed, taste, query, places, wanted.explain))
    return found


def best(stock: Stock, tastes: Sequence[Taste], wanted: Wanted) -> list[NDArray[np.int64]]:
    """Places of each user's ``wanted.k`` items, the first first; none for a user of whom nothing is known."""
    scorer = stock.scorer
    exclude = [[*taste.items, *wanted.exclude] for taste in tastes]
    size = pool_size(wanted.k, wanted.diversity)
    allowed = None if wanted.allowed is None else torch.from_numpy(wanted.allowed)
    bias = _bias(stock, tastes, wanted.novelty)
    wide, pointing = size + min(stock.twins, size), scorer.pointing(tastes)
    places, scores = top(scorer.vectors, pointing, wide, bias=bias, allowed=allowed, exclude=exclude, length=scorer.length)
    lists = []
    for taste, some, values in zip(tastes, places.cpu().numpy(), scores.cpu().numpy(), strict=True):
        if taste.blank:
            lists.append(np.zeros(0, np.int64))
            continue
        some, values = some[some >= 0], values[some >= 0]
        kept = first_of_each(some, stock.same)
        kept = kept[~np.isin(stock.same[kept], stock.same[list(taste.items)])][:size]
        chosen = values[np.isin(some, kept)]
        lists.append(kept[diverse(chosen, scorer.vectors[kept].float().cpu().numpy(), wanted.k, wanted.diversity)])
    return lists


def _bias(stock: Stock, tastes: Sequence[Taste], novelty: float) -> Tensor | None:
    """What is added to the products of vectors, less what novelty takes from the well-known."""
    added = stock.scorer.added(tastes)
    if not novelty:
        return None if added is None else torch.from_numpy(added)
    if stock.ratings is not None:
        known = np.log1p(stock.popularity)[None] / max(float(np.log1p(stock.popularity.max())), 1e-9)
    else:
        known = np.stack([_likeness(stock, taste) for taste in tastes])
    loss = (-NOVELTY * novelty * known).astype(np.float32)
    return torch.from_numpy(np.array(np.broadcast_to(loss if added is None else added + loss, (len(tastes), known.shape[1]))))


def _likeness(stock: Stock, taste: Taste) -> NDArray[np.float32]:
    """How much every item is like the most similar one of a history, (items,): without ratings, the well-known is what they know.

    The cosine's square, so that what is most alike loses more than its likeness brought it.
    """
    vectors = stock.scorer.vectors
    if not taste.items:
        return np.zeros(len(vectors), np.float32)
    named = F.normalize(vectors[list(taste.items[-REMEMBERED:])].float(), dim=-1)
    found: NDArray[np.float32] = (F.normalize(vectors.float(), dim=-1) @ named.T).amax(1).clamp(min=0).cpu().numpy()
    return (TOO_ALIKE * np.square(found)).astype(np.float32)


def _result(stock: Stock, embed: Embed, taste: Taste, query: str, places: NDArray[np.int64], explain: bool) -> RecommendationResult:
    if not len(places):
        return RecommendationResult(())
    because = reasons(stock, embed, taste, query, places.tolist()) if explain else [()] * len(places)
    scores = 1 / (1 + np.exp(-stock.scorer.scores([taste], places)[0].astype(np.float64)))
    items = [stock.catalogue.items[place] for place in places]
    return RecommendationResult(
        tuple(
            Recommendation(item.item_id, item.title, float(score), why) for item, score, why in zip(items, scores, because, strict=True)
        )
    )
