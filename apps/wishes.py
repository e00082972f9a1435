"""What a visitor wishes of a recommender, checked, for Gradio passes on whatever a client sends; and what the recommender says to it."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tasks.core.errors import InputError
from tasks.recommendation.types import RecommendationResult

MAX_WORDS = 500  # characters
MAX_NAMED = 100  # items or tags in one list; a recommender reads the latest hundred items
MAX_PICKS = 50
FARTHEST_YEAR = 10_000
SCALE = (0.5, 5.0)  # of ratings where nobody says another
Scale = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Wish:
    """Item ids that are liked and disliked, words, how many items to recommend, and what limits and changes the choice of them."""

    likes: tuple[str, ...] = ()
    dislikes: tuple[str, ...] = ()
    words: str = ""
    k: int = 10
    years: tuple[int | None, int | None] | None = None
    tags: tuple[str, ...] = ()
    without_tags: tuple[str, ...] = ()
    diversity: float = 0.0
    novelty: float = 0.0

    @property
    def blank(self) -> bool:
        """Whether nothing is named and nothing is written."""
        return not (self.likes or self.dislikes or self.words)

    @property
    def filtered(self) -> bool:
        """Whether only a part of the catalogue may be recommended."""
        return bool(self.years or self.tags or self.without_tags)

    @classmethod
    def of(
        cls,
        likes: Any,
        dislikes: Any,
        words: Any,
        k: Any = 10,
        first: Any = None,
        last: Any = None,
        tags: Any = (),
        without_tags: Any = (),
        diversity: Any = 0.0,
        novelty: Any = 0.0,
    ) -> Wish:
        """A wish from what a page or a client sent; raises ``InputError`` in a sentence."""
        liked, disliked = _names(likes, "What you like"), _names(dislikes, "What you don't like")
        wanted, unwanted = _names(tags, "The tags"), _names(without_tags, "The tags to leave out")
        _apart(liked, disliked, "The item {!r} is in both lists: you can't like it and not like it.")
        _apart(wanted, unwanted, "The tag {!r} is wanted and unwanted: take it out of one of the lists.")
        return cls(
            liked,
            disliked,
            _words(words),
            count(k),
            _years(first, last),
            wanted,
            unwanted,
            _share(diversity, "Diversity"),
            _share(novelty, "Novelty"),
        )


def _names(given: Any, what: str) -> tuple[str, ...]:
    """Each name once, in their order."""
    if given is None:
        return ()
    if not isinstance(given, list | tuple) or not all(isinstance(each, str) for each in given):
        raise InputError(f"{what} must be a list of names; it is {str(given)[:40]!r}.")
    if len(given) > MAX_NAMED:
        raise InputError(f"{what} has {len(given):,} names; the page takes up to {MAX_NAMED}.")
    return tuple(dict.fromkeys(given))


def _apart(one: Sequence[str], other: Sequence[str], sentence: str) -> None:
    both = [name for name in one if name in set(other)]
    if both:
        raise InputError(sentence.format(both[0][:80]))


def _words(given: Any) -> str:
    if given is not None and not isinstance(given, str):
        raise InputError("What you feel like must be written in words.")
    said = " ".join((given or "").split())
    if len(said) > MAX_WORDS:
        raise InputError(f"What you feel like has {len(said):,} characters; the page reads up to {MAX_WORDS}. Say it in a sentence or two.")
    return said


def _number(given: Any) -> bool:
    return not isinstance(given, bool) and isinstance(given, int | float) and math.isfinite(given)


def count(given: Any) -> int:
    """How many items are to be recommended; raises ``InputError``."""
    if not _number(given) or given != int(given) or not 1 <= given <= MAX_PICKS:
        raise InputError(f"How many must be a whole number from 1 to {MAX_PICKS}; it is {str(given)[:40]!r}.")
    return int(given)


def _share(given: Any, what: str) -> float:
    if not _number(given) or not 0 <= given <= 1:
        raise InputError(f"{what} must be a number from 0 to 1; it is {str(given)[:40]!r}.")
    return float(given)


def _years(first: Any, last: Any) -> tuple[int | None, int | None] | None:
    for given in (first, last):
        if given is not None and (not _number(given) or given != int(given) or abs(given) > FARTHEST_YEAR):
            raise InputError(f"A year must be a whole number such as 1968, or empty; it is {str(given)[:40]!r}.")
    if first is None and last is None:
        return None
    if first is not None and last is not None and first > last:
        raise InputError(f"The years go from {int(first)} to {int(last)}: put the earlier one first.")
    return (None if first is None else int(first), None if last is None else int(last))


def scale_of(lowest: Any, highest: Any) -> Scale:
    """The scale of the ratings in a visitor's file; raises ``InputError``."""
    if not _number(lowest) or not _number(highest) or not lowest < highest:
        raise InputError("The ratings need a lowest and a highest number, such as 1 and 5, the lowest one first.")
    return (float(lowest), float(highest))


def ask(recommender: Any, wish: Wish, scale: Scale = SCALE) -> RecommendationResult:
    """What is recommended; raises ``InputError`` for items and tags that are not in the catalogue.

    What is disliked counts as rated lowest. It comes first, since of a history the last is what somebody is about.
    """
    for item_id in (*wish.likes, *wish.dislikes):
        recommender.catalogue.index(item_id)
    _check_tags(recommender.catalogue.tags, (*wish.tags, *wish.without_tags))
    result: RecommendationResult = recommender(
        history=history_of(wish, scale),
        query=wish.words or None,
        k=wish.k,
        years=wish.years,
        tags=wish.tags,
        without_tags=wish.without_tags,
        diversity=wish.diversity,
        novelty=wish.novelty,
    )
    return result


def history_of(wish: Wish, scale: Scale) -> list[str | tuple[str, float]]:
    """What was named, as a recommender takes it."""
    return [*((item_id, scale[0]) for item_id in wish.dislikes), *wish.likes]


def _check_tags(known: dict[str, int], tags: Sequence[str]) -> None:
    for tag in tags:
        if tag not in known:
            near = difflib.get_close_matches(tag[:80], known, 3, 0.5)
            hint = f" Near it: {', '.join(near)}." if near else ""
            raise InputError(f"No item of the catalogue has the tag {tag[:80]!r}.{hint}")
