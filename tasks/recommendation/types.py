"""Items, what users said of them, and recommendations with their reasons; each checks itself when built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tasks.core.types import Result, check_score


@dataclass(frozen=True, slots=True)
class Item:
    """Something that can be recommended: a record, a book, a film."""

    item_id: str
    title: str
    creators: tuple[str, ...] = ()
    year: int | None = None
    tags: tuple[str, ...] = ()
    description: str = ""

    @property
    def by(self) -> str:
        """The creators in one line."""
        return ", ".join(self.creators)


@dataclass(frozen=True, slots=True)
class Rated:
    """What a user said of an item: a rating on the scale given at load; None: they like it."""

    item_id: str
    rating: float | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """What made an item's score higher: an ``item`` of the history (``name``: its title), a ``tag`` that the recommended item has,
    or the ``words`` of the query; ``share`` of all that raised it, 0 to 1. Without it, the score would be lower."""

    kind: Literal["item", "tag", "words"]
    name: str
    share: float
    item_id: str | None = None

    def __post_init__(self) -> None:
        check_score(self.share)
        if (self.item_id is not None) != (self.kind == "item"):
            raise ValueError(f"A reason of kind {self.kind!r} can't have the item {self.item_id!r}.")


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A recommended item; ``score``: how likely it is that the user takes it up (see the model card)."""

    item_id: str
    title: str
    score: float
    because: tuple[Reason, ...] = ()

    def __post_init__(self) -> None:
        check_score(self.score)


@dataclass(frozen=True, slots=True)
class RecommendationResult(Result):
    """The recommended items, the first first; with ``diversity`` that need not be the order of the scores."""

    items: tuple[Recommendation, ...]

    def __post_init__(self) -> None:
        ids = [each.item_id for each in self.items]
        if len(ids) != len(set(ids)):
            raise ValueError("An item is recommended twice.")
