"""The recommendation pipeline: a catalogue, what others rated, and lists for a user.

python -m tasks recommendation "slow, nocturnal, like Kind of Blue but with strings"
python -m tasks recommendation "a long family saga" --items books.csv --ratings ratings.csv --history 17 233
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.adapters import load_head, open_adapter
from tasks.core.errors import InputError
from tasks.recommendation.asking import Wanted, read_taste, recommend
from tasks.recommendation.catalogue import Catalogue, read_items
from tasks.recommendation.model import HistoryHead
from tasks.recommendation.picture import centre, picture
from tasks.recommendation.ratings import Scale, check_scale, read_ratings
from tasks.recommendation.scoring import Weights
from tasks.recommendation.stock import Stock, settled
from tasks.recommendation.store import Progress, Store, default_folder, open_store, quiet
from tasks.recommendation.types import RecommendationResult

NAME = "recommendation"
FOLDER = Path(__file__).parent
ALBUMS = FOLDER / "albums.jsonl"
SCALE = (0.5, 5.0)


class Recommender:
    """Lists of items for users, from one catalogue. Safe to call from several threads."""

    def __init__(self, stock: Stock, store: Store, scale: Scale, folder: Path) -> None:
        self._stock, self._store, self.scale, self._folder = stock, store, scale, folder
        self._lock = threading.Lock()
        self._picture: tuple[Stock, NDArray[np.float32]] | None = None

    @property
    def catalogue(self) -> Catalogue:
        """The items."""
        return self._stock.catalogue

    @property
    def stock(self) -> Stock:
        """The catalogue as it is searched."""
        return self._stock

    @property
    def popularity(self) -> NDArray[np.int64]:
        """How many users rated each item, (items,); zeros without ratings."""
        return self._stock.popularity

    def __call__(
        self,
        history: Any = (),
        query: Any = None,
        k: int = 10,
        exclude: Sequence[str] = (),
        years: tuple[int | None, int | None] | None = None,
        tags: Sequence[str] = (),
        without_tags: Sequence[str] = (),
        diversity: float = 0.0,
        novelty: float = 0.0,
        explain: bool = True,
    ) -> RecommendationResult | list[RecommendationResult]:
        """A list for one user, or for each of a list of histories or queries, in order.

        ``history``: what the user took up, oldest first: item ids (liked), (item_id, rating) tuples, dicts or ``Rated``; the
        latest 100 are read, and none of them is recommended. ``query``: what they feel like; titles in it count as liked ("like
        Kind of Blue") or disliked ("less like Thriller"), what follows "no" or "without" is not wanted. ``k`` items at most;
        ``exclude``: ids that must not come; ``years``: (first, last), either may be None; ``tags``: all of them, ``without_tags``:
        none of them. ``diversity``, 0 to 1: how much the items should differ from one another; ``novelty``, 0 to 1: how much less
        well known they should be, or, where there are no ratings, how much less like what the user named. ``explain``: say why.

        Where nothing is known of a user, their list is empty. An item without any text is known by its ratings alone. Raises
        ``InputError``.
        """
        stock = self._stock
        several = isinstance(query, list) or (isinstance(history, list) and any(isinstance(each, list) for each in history))
        pairs = _pairs(history, query)
        left_out = tuple(stock.catalogue.index(each) for each in _ids(exclude))
        wanted = Wanted(k, left_out, stock.allowed(years, tags, without_tags), diversity, novelty, explain)
        tastes = [read_taste(stock, self._store.passing, self.scale, one, words) for one, words in pairs]
        results = recommend(stock, self._store.passing, tastes, [words or "" for _, words in pairs], wanted)
        return results if several else results[0]

    def stream(
        self,
        queries: Sequence[str],
        history: Sequence[Any] = (),
        k: int = 10,
        exclude: Sequence[str] = (),
        years: tuple[int | None, int | None] | None = None,
        tags: Sequence[str] = (),
        without_tags: Sequence[str] = (),
        diversity: float = 0.0,
        novelty: float = 0.0,
    ) -> Iterator[RecommendationResult]:
        """A list for each query, one after the other: for progress bars."""
        options: dict[str, Any] = {"years": years, "tags": tags, "without_tags": without_tags, "diversity": diversity, "novelty": novelty}
        for query in queries:
            result = self(history=list(history), query=query, k=k, exclude=exclude, **options)
            assert isinstance(result, RecommendationResult)
            yield result

    def add(self, items: Any, progress: Progress = quiet) -> None:
        """Add items (a file, rows, or a dataset): they are found at once, with no training. Raises ``InputError``."""
        with self._lock:
            before = self._stock
            catalogue = before.catalogue.with_items(read_items(items))
            scorer = before.scorer
            self._stock = Stock.make(catalogue, before.ratings, self._store, scorer.head, scorer.weights, self._folder, progress)

    def map(self) -> NDArray[np.float32]:
        """A picture of the catalogue, (items, 2) from 0 to 1: items that are like each other lie together."""
        stock = self._stock
        with self._lock:
            if self._picture is None or self._picture[0] is not stock:
                self._picture = stock, picture(stock.scorer.vectors)
            return self._picture[1]

    def place(self, history: Any = (), query: str | None = None) -> tuple[float, float]:
        """Where a user is on the map: amid the items that fit them best."""
        places = self.map()
        stock = self._stock
        taste = read_taste(stock, self._store.passing, self.scale, _pairs(history, query)[0][0], query)
        return centre(places, stock.scorer.logits([taste], np.arange(len(places)))[0])


def _pairs(history: Any, query: Any) -> list[tuple[list[Any], str | None]]:
    """(history, query) of each user. Raises ``InputError`` where their numbers differ."""
    if not isinstance(history, list | tuple):
        raise InputError(f'history must be a list of items, such as ["kind-of-blue-miles-davis"], not {type(history).__name__}.')
    histories = list(history) if any(isinstance(each, list) for each in history) else None
    queries = query if isinstance(query, list) else None
    if histories is None and queries is None:
        return [(list(history), query)]
    count = len(histories if histories is not None else queries or [])
    if histories is not None and queries is not None and len(histories) != len(queries):
        raise InputError(f"There are {len(histories)} histories and {len(queries)} queries: give one of each for each user.")
    one = [list(history)] * count if histories is None else histories
    return list(zip(one, [query] * count if queries is None else queries, strict=True))


def _ids(exclude: Any) -> Sequence[str]:
    if isinstance(exclude, str) or not isinstance(exclude, Sequence):
        raise InputError("exclude must be a list of item ids.")
    return exclude


def load(
    model: str | None = None,
    adapter: str | None = "shipped",
    revision: str | None = None,
    device: str | None = None,
    items: Any = None,
    ratings: Any = None,
    scale: Scale = SCALE,
    cache_dir: str | Path | None = None,
    progress: Progress | None = None,
) -> Recommender:
    """The pipeline over a catalogue: ``items``, a file (JSONL, CSV, Parquet), rows or a dataset; None: the shipped albums.

    ``ratings``: other users', in the same forms, on the ``scale`` (lowest, highest); ``cache_dir``: where embeddings of texts and
    counts of ratings are kept between runs (None: a folder in the user's cache); ``progress(done, total, doing)`` tells of long
    work. ``model``: an encoder that the adapter was made for, or a sentence-transformers model, which without an
    adapter of its own stands for itself (``adapter=None``: so does any encoder). Raises ``InputError``, ``ModelError`` or ``AdapterError``.
    """
    from tasks.recommendation.ready import is_ready_made, load_ready

    tell = progress or quiet
    catalogue = Catalogue(read_items(ALBUMS if items is None else items))
    others = None if ratings is None else read_ratings(ratings, catalogue, check_scale(scale))
    folder = default_folder() if cache_dir is None else Path(cache_dir)
    if adapter is None or (adapter == "shipped" and model is not None and is_ready_made(model, revision)):
        store, head, weights = load_ready(model, revision, device, catalogue, folder, tell)
    else:
        home, data, encoder = open_adapter(FOLDER, NAME, model, adapter, revision, device)
        head = HistoryHead(encoder.width, **data["shape"])
        load_head(head.to(encoder.device), home)
        store, weights = open_store(encoder, folder), Weights.of(data)
    head.eval().requires_grad_(False)
    head = settled(head, catalogue.items, store, tell)
    stock = Stock.make(catalogue, others, store, head, weights, folder / "ratings", tell)
    return Recommender(stock, store, check_scale(scale), folder / "ratings")
