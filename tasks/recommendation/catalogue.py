"""A catalogue: items of any source, checked, and found by their id, their title and their creators."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import islice
from numbers import Real
from typing import Any

import numpy as np

from tasks.core.errors import InputError
from tasks.recommendation.lookup import Lookup, phrase
from tasks.recommendation.reading import SHOWN, Source, identity, is_empty, name_of, rows_of
from tasks.recommendation.types import Item

COMPARED = 10_000  # names that an unknown id is compared with
NEAR, ALIKE = 3, 0.7  # names that an error suggests, and how like the wanted one they must be
SEPARATORS = ";|,"  # of a list in one cell: the first of these that is in it


def read_items(source: Source) -> list[Item]:
    """Items of a JSONL, CSV, TSV or Parquet file, a list of dicts, a table of pandas, or a ``datasets`` dataset.

    A row needs ``item_id`` and ``title``; ``creators``, ``tags``, ``year`` and ``description`` may be missing or empty, and
    other fields are left aside. Whole numbers as ids become texts. Lists may be texts: JSON, or names with ";", "|" or ","
    between them (names that hold a comma need one of the others, or a real list). An item whose texts are all empty is
    taken: it is known by its ratings alone.

    Raises ``InputError``: no items, an id that two rows have, a field that is missing or of the wrong kind.
    """
    name = name_of(source, "items")
    items = [_item(row, f"Row {number} of {name}") for number, row in enumerate(rows_of(source, "items"), 1)]
    if not items:
        raise InputError(f"There are no rows in {name}: give at least one item.")
    _positions(items)
    return items


class Catalogue:
    """Items in their order, found by id and by words; it never changes, so threads can share it.

    Raises ``InputError`` where there are no items, or two have the same id.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = tuple(items)
        if not self._items:
            raise InputError("The catalogue is empty: give at least one item.")
        self._places = _positions(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._places

    @property
    def items(self) -> tuple[Item, ...]:
        """The items in their order."""
        return self._items

    def index(self, item_id: str | int) -> int:
        """The place of an item among ``items``; raises ``InputError`` for an unknown id, naming near ones."""
        try:
            known = identity(item_id)
        except TypeError as error:
            raise InputError(f"An item_id must be text or a whole number, not {type(item_id).__name__}.") from error
        if known is None:
            raise InputError("An item_id is empty: name an item.")
        place = self._places.get(known)
        if place is None:
            raise InputError(f"No item has the id {known[:SHOWN]!r}: {self._hint(known)}")
        return place

    def search(self, words: str, k: int = 10) -> list[Item]:
        """The ``k`` items that fit best: each word begins a word of the title or the creators, accents aside; exact titles first.

        Raises ``InputError`` where ``words`` is no text or ``k`` no positive number.
        """
        if not isinstance(words, str):
            raise InputError(f"words must be text, not {type(words).__name__}.")
        if not isinstance(k, int) or isinstance(k, bool) or k < 1:
            raise InputError(f"k must be a whole number of at least 1, not {k!r}.")
        return [self._items[place] for place in self._lookup.find(words, k)]

    @property
    def tags(self) -> dict[str, int]:
        """How many items have each tag, the most frequent first."""
        return dict(self._tags)

    @cached_property
    def years(self) -> tuple[int, int] | None:
        """The first and the last year of an item; None where none has one."""
        known = [item.year for item in self._items if item.year is not None]
        return (min(known), max(known)) if known else None

    def with_items(self, more: Iterable[Item]) -> Catalogue:
        """A catalogue with these items behind the others; raises ``InputError`` for an id that is taken."""
        added = tuple(more)
        taken = next((item.item_id for item in added if item.item_id in self._places), None)
        if taken is not None:
            raise InputError(f"The catalogue has an item with the id {taken[:SHOWN]!r} already: give the new one another.")
        return Catalogue(self._items + added)

    @cached_property
    def _tags(self) -> dict[str, int]:
        counts = Counter(tag for item in self._items for tag in item.tags)
        return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))

    @cached_property
    def _lookup(self) -> Lookup:
        return Lookup([item.title for item in self._items], [" ".join(item.creators) for item in self._items])

    def _hint(self, wanted: str) -> str:
        """What may have been meant."""
        said = phrase(wanted[:SHOWN])
        names: dict[str, Item] = {}
        for item in islice((each for each in self._items if not said or self._begins_alike(each, said)), COMPARED):
            names.setdefault(phrase(item.item_id), item)
            names.setdefault(phrase(item.title), item)
        close = [names[name] for name in difflib.get_close_matches(said, names, 2 * NEAR, ALIKE)] if said else []
        near = list(dict.fromkeys(close))[:NEAR] or (self.search(wanted[:SHOWN], NEAR) if said else [])
        if not near:
            return "search the catalogue by title to find ids."
        named = [f"{item.item_id[:SHOWN]!r} ({item.title[:SHOWN]})" for item in near]
        return f"did you mean {' or '.join([', '.join(named[:-1]), named[-1]][len(named) < 2 :])}?"

    def _begins_alike(self, item: Item, said: str) -> bool:
        """In a large catalogue, whether the item is worth comparing with."""
        return len(self) <= COMPARED or any(phrase(name[:4])[:1] == said[0] for name in (item.item_id, item.title))


def _positions(items: Sequence[Item]) -> dict[str, int]:
    """Where each id is; raises ``InputError`` for one that is there twice."""
    places: dict[str, int] = {}
    for place, item in enumerate(items):
        first = places.setdefault(item.item_id, place)
        if first != place:
            raise InputError(f"Items {first + 1:,} and {place + 1:,} have the same id {item.item_id[:SHOWN]!r}: give each its own.")
    return places


def _item(row: Mapping[str, Any], where: str) -> Item:
    for field in ("item_id", "title"):
        if field not in row:
            raise InputError(f'{where} has no "{field}": every item needs an "item_id" and a "title" (which may be empty).')
    return Item(
        _id(row["item_id"], where),
        _text(row["title"], f'"title" of {_lower(where)}'),
        _list(row.get("creators"), f'"creators" of {_lower(where)}'),
        _year(row.get("year"), where),
        _list(row.get("tags"), f'"tags" of {_lower(where)}'),
        _text(row.get("description"), f'"description" of {_lower(where)}'),
    )


def _lower(where: str) -> str:
    return where[0].lower() + where[1:]


def _id(value: Any, where: str) -> str:
    try:
        known = identity(value)
    except TypeError as error:
        raise InputError(f'"item_id" of {_lower(where)} is {type(value).__name__}: it must be text or a whole number.') from error
    if known is None:
        raise InputError(f'"item_id" of {_lower(where)} is empty: give every item an id.')
    return known


def _text(value: Any, where: str) -> str:
    if is_empty(value):
        return ""
    if not isinstance(value, str):
        raise InputError(f"{where} is {type(value).__name__}: it must be text.")
    return value.strip()


def _list(value: Any, where: str) -> tuple[str, ...]:
    """The names of a list, or of one cell; none twice."""
    if is_empty(value):
        return ()
    names = _split(value) if isinstance(value, str) else value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(names, list | tuple):
        raise InputError(f"{where} is {type(value).__name__}: it must be a list of texts.")
    wrong = next((name for name in names if not isinstance(name, str) and not is_empty(name)), None)
    if wrong is not None:
        raise InputError(f"{where} holds {type(wrong).__name__}: it must be a list of texts.")
    return tuple(dict.fromkeys(name.strip() for name in names if not is_empty(name)))


def _split(cell: str) -> list[Any]:
    if cell.lstrip().startswith("["):
        try:
            return list(json.loads(cell))
        except (ValueError, RecursionError):
            pass  # a name that begins so
    return cell.split(next((mark for mark in SEPARATORS if mark in cell), SEPARATORS[0]))


def _year(value: Any, where: str) -> int | None:
    if is_empty(value):
        return None
    try:
        number = float(value) if isinstance(value, str | Real) and not isinstance(value, bool) else float("nan")
    except (ValueError, OverflowError):
        number = float("nan")
    if not (number.is_integer() and abs(number) < 10_000):
        raise InputError(f'"year" of {_lower(where)} is {str(value)[:SHOWN]!r}: it must be a year such as 1959, or empty.')
    return int(number)
