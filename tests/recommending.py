"""A stand-in for the pipeline of recommendation: items are alike by the words that they share; it reads files, and loads no model."""

from __future__ import annotations

import hashlib
import math
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tasks.core.errors import FileError
from tasks.core.files import read_texts
from tasks.recommendation.catalogue import Catalogue, read_items
from tasks.recommendation.types import Item, Reason, Recommendation, RecommendationResult

SECRET = "secret path /srv/model.bin"
BLUE, SPAIN = "kind-of-blue-miles-davis", "sketches-of-spain-miles-davis"  # two of the shipped albums
SHELF = [
    Item("a", "Alpha", ("Ann",), 1960, ("jazz", "calm")),
    Item("b", "Beta", ("Bo",), 1970, ("jazz",)),
    Item("c", "Gamma", (), None, ("rock",)),
]
Progress = Callable[[int, int, str], None]


def words(text: str) -> set[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return set(re.findall(r"\w+", "".join(sign for sign in plain if not unicodedata.combining(sign))))


def told(item: Item) -> set[str]:
    return words(" ".join([item.title, item.by, *item.tags, item.description]))


class Recommender:
    """A stand-in for the pipeline: an item scores by the words that it shares with what is liked and written."""

    def __init__(self, items: Sequence[Item], popularity: Sequence[int] | None = None) -> None:
        self.catalogue = Catalogue(items)
        self.popularity = np.array(popularity or [0] * len(items))
        self.words = [told(item) for item in items]
        self.asked: list[dict[str, Any]] = []

    def __call__(self, history: Sequence[Any] = (), query: str | None = None, k: int = 10, **options: Any) -> RecommendationResult:
        if query and "explode" in query:
            raise RuntimeError(SECRET)
        self.asked.append({"history": list(history), "query": query, "k": k, **options})
        rated = [(each, 1.0) if isinstance(each, str) else (each[0], -1.0) for each in history]
        found = [self.scored(number, rated, query or "") for number in self.open(rated, options)]
        found.sort(key=lambda each: -each.score)
        return RecommendationResult(tuple(found[:k]))

    def open(self, rated: Sequence[tuple[str, float]], options: dict[str, Any]) -> Iterator[int]:
        """The items that are not named and fit the filters."""
        first, last = options.get("years") or (None, None)
        for number, item in enumerate(self.catalogue.items):
            fits = set(options.get("tags", ())) <= set(item.tags) and not set(options.get("without_tags", ())) & set(item.tags)
            late = item.year is not None and (first is None or item.year >= first) and (last is None or item.year <= last)
            if fits and (late or first is last is None) and item.item_id not in dict(rated):
                yield number

    def scored(self, number: int, rated: Sequence[tuple[str, float]], query: str) -> Recommendation:
        item, mine = self.catalogue.items[number], self.words[number]
        spots = [(self.catalogue.index(name), way) for name, way in rated]
        liked = [(self.catalogue.items[spot], way * self.near(mine, self.words[spot])) for spot, way in spots]
        parts = [(Reason("item", other.title, 0.0, other.item_id), value) for other, value in liked]
        parts += [(Reason("words", query, 0.0), 2 * self.near(mine, words(query)))] if query else []
        parts += [(Reason("tag", tag, 0.0), 0.1) for tag in item.tags[:1]]
        raised = sum(value for _, value in parts if value > 0) or 1.0
        why = [Reason(each.kind, each.name, value / raised, each.item_id) for each, value in parts if value > 0]
        score = 1 - math.exp(-max(0.0, sum(value for _, value in parts)))
        return Recommendation(item.item_id, item.title, score, tuple(sorted(why, key=lambda each: -each.share)))

    @staticmethod
    def near(one: set[str], other: set[str]) -> float:
        return len(one & other) / max(1, min(len(one), len(other)))

    def map(self) -> Any:
        """Items of a first tag are near each other."""
        places = []
        for item in self.catalogue.items:
            first = item.tags[0] if item.tags else ""
            near, own = (hashlib.sha256(each.encode("utf-8", "replace")).digest() for each in (first, item.item_id))
            places.append([(3 * near[i] + own[i]) / 1020 for i in (0, 1)])
        return np.array(places, np.float32).reshape(-1, 2)

    def place(self, history: Sequence[Any] = (), query: str | None = None) -> tuple[float, float]:
        liked = [self.catalogue.index(each) for each in history if isinstance(each, str)]
        x, y = self.map()[liked].mean(axis=0) if liked else (0.5, 0.5)
        return float(x), float(y)


def make(items: str, ratings: str | None = None, scale: tuple[float, float] = (0.5, 5.0), progress: Progress | None = None) -> Recommender:
    """A recommender over files, as ``tasks.pipeline`` makes one; items about patience take their time."""
    tell = progress or (lambda done, total, doing: None)
    found = read_items(items)
    for number, item in enumerate(found):
        tell(number, len(found), "Reading the items")
        if "patience" in item.title:
            time.sleep(3)
    tell(len(found), len(found), "Reading the items")
    rows = read_texts(ratings, text_column="item_id") if ratings else []
    for row in rows:
        if not scale[0] <= float(row["rating"]) <= scale[1]:
            raise FileError(f"The rating {row['rating']} is not on the scale from {scale[0]:g} to {scale[1]:g}.")
    times = Counter(row["item_id"] for row in rows)
    return Recommender(found, [times[item.item_id] for item in found])
