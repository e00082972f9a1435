"""A catalogue made ready: its items as vectors, who is near whom, and what a filter asks for; it never changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from tasks.core.errors import InputError
from tasks.recommendation.catalogue import Catalogue
from tasks.recommendation.fields import field_texts, fields_of
from tasks.recommendation.lookup import phrase
from tasks.recommendation.model import HistoryHead
from tasks.recommendation.neighbours import Matrix, filled, remembered
from tasks.recommendation.ratings import Interactions
from tasks.recommendation.scoring import Scorer, Weights
from tasks.recommendation.store import Progress
from tasks.recommendation.types import Item

BLOCK = 20_000  # items whose fields are in memory at once
Embed = Callable[[Sequence[str], Progress], Tensor]  # a ``Store``
Bools = NDArray[np.bool_]


def item_fields(items: Sequence[Item], embed: Embed, progress: Progress) -> Tensor:
    """Fields (items, 3, width) of items."""
    texts = field_texts(items)
    return fields_of(embed(texts.texts, progress), texts)


def settled(head: HistoryHead, items: Sequence[Item], embed: Embed, progress: Progress) -> HistoryHead:
    """The head for a catalogue of these items."""
    step = max(1, len(items) // BLOCK)
    return head.settled(item_fields(items[::step][:BLOCK], embed, progress))


def item_vectors(items: Sequence[Item], embed: Embed, head: HistoryHead, progress: Progress) -> Tensor:
    """Vectors (items, size) of items in float16, on the head's device."""
    made = []
    for first in range(0, len(items), BLOCK):
        block = items[first : first + BLOCK]

        def tell(done: int, total: int, doing: str, first: int = first, block: Sequence[Item] = block) -> None:
            progress(first + round(len(block) * done / total), len(items), doing)

        fields = item_fields(block, embed, tell)
        made.append(head.projection(fields.to(head.map.weight.device)).half())
    return torch.cat(made)


@dataclass(frozen=True, slots=True)
class Stock:
    """What a request needs of a catalogue.

    ``popularity`` (items,): how many users rated each; ``same`` (items,): a number a content, so that the same record under two
    ids comes once, and ``twins``: how many are there again; ``year`` (items,): 0 where it is not known; ``tags``: the number of each
    tag, by its phrase.
    """

    catalogue: Catalogue
    scorer: Scorer
    ratings: Interactions | None
    popularity: NDArray[np.int64]
    same: NDArray[np.int64]
    twins: int
    year: NDArray[np.int64]
    tags: dict[str, int]
    titles: dict[str, int]

    @classmethod
    def make(
        cls,
        catalogue: Catalogue,
        ratings: Interactions | None,
        embed: Embed,
        head: HistoryHead,
        weights: Weights,
        folder: Path,
        progress: Progress,
    ) -> Stock:
        """Encode the items that are new and count the ratings, unless they were counted before."""
        items = catalogue.items
        vectors = item_vectors(items, embed, head, progress)
        matrix = None
        if ratings is not None:
            progress(0, 1, "Counting the ratings")
            matrix = filled(remembered(ratings, len(items), folder), vectors)
            progress(1, 1, "Counting the ratings")
        popularity = np.zeros(len(items), np.int64) if ratings is None else ratings.popularity(len(items))
        contents: dict[Any, int] = {}
        same = [contents.setdefault((phrase(item.title), phrase(item.by), item.year), len(contents)) for item in items]
        year = np.array([item.year or 0 for item in items], np.int64)
        titles: dict[str, int] = {}
        for place, item in enumerate(items):
            titles.setdefault(_called(item.title), place)
        tags, tagged = _tagged(items)
        scorer, twins = Scorer(head, vectors, tagged, matrix, weights), len(same) - len(contents)
        return cls(catalogue, scorer, ratings, popularity, np.array(same), twins, year, tags, titles)

    def titled(self, words: str) -> int | None:
        """The place of the first item with this title, case and accents aside; "&" is "and"."""
        wanted = _called(words)
        return self.titles.get(wanted) if wanted else None

    def allowed(self, years: Any, tags: Any, without_tags: Any) -> Bools | None:
        """Which items a request's filters let through, (items,); None: all. Raises ``InputError``."""
        if years is None and not len(_names(tags, "tags")) and not len(_names(without_tags, "without_tags")):
            return None
        found = np.ones(len(self.catalogue), bool)
        if years is not None:
            first, last = _years(years)
            found &= (self.year >= first) & (self.year <= last) & (self.year != 0)
        for tag in tags:
            found &= self._with(tag)
        for tag in without_tags:
            found &= ~self._with(tag)
        return found

    def _with(self, tag: str) -> Bools:
        number = self.tags.get(phrase(tag))
        if number is None:
            raise InputError(f"No item has the tag {tag[:60]!r}: the most frequent are {', '.join(list(self.catalogue.tags)[:8])}.")
        found: Bools = self.scorer.tags[:, [number]].toarray().ravel() > 0
        return found


def _called(title: str) -> str:
    return phrase(title.replace("&", " and "))


def _tagged(items: Sequence[Item]) -> tuple[dict[str, int], Matrix]:
    """The number of each tag, and which items have it: (items, tags), sparse."""
    numbers: dict[str, int] = {}
    pairs = [(place, numbers.setdefault(tag, len(numbers))) for place, item in enumerate(items) for tag in {*map(phrase, item.tags)}]
    rows, columns = np.array(pairs, np.int64).reshape(-1, 2).T
    shape = len(items), max(len(numbers), 1)
    return numbers, sparse.csr_matrix((np.ones(len(pairs), np.float32), (rows, columns)), shape=shape)


def _names(tags: Any, name: str) -> Sequence[str]:
    if isinstance(tags, str) or not isinstance(tags, Sequence) or not all(isinstance(tag, str) for tag in tags):
        raise InputError(f'{name} must be a list of tags, such as ["jazz"].')
    return tags


def _years(years: Any) -> tuple[float, float]:
    known = [year for year in years if year is not None] if isinstance(years, tuple | list) and len(years) == 2 else [None]
    if any(isinstance(year, bool) or not isinstance(year, int | float) for year in known):
        raise InputError("years must be (first, last), such as (1960, 1979); either may be None.")
    first, last = (-np.inf if years[0] is None else years[0], np.inf if years[1] is None else years[1])
    if first > last:
        raise InputError(f"years go from {first:g} to {last:g}: give the earlier one first.")
    return first, last
