"""What users said of items: others' ratings as arrays, and the history of the user who asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.errors import InputError
from tasks.core.files import read_columns
from tasks.recommendation.catalogue import Catalogue
from tasks.recommendation.reading import SHOWN, Source, check_source, identity, is_empty, is_table, name_of, rows_of
from tasks.recommendation.types import Rated

if TYPE_CHECKING:
    import pandas

Scale = tuple[float, float]
Ints = NDArray[np.int64]
NEEDED = ("user_id", "item_id", "rating")
FIELDS = (*NEEDED, "timestamp")
PLAIN = ("integer", "floating", "mixed-integer-float", "string", "empty")  # columns that pandas itself makes numbers of


@dataclass(frozen=True, slots=True, eq=False)
class Interactions:
    """Who said what of which items, user by user, each in their order.

    ``users``: ids, in order of first appearance; ``start`` (users + 1,): where each user's interactions begin;
    ``items`` (interactions,) int32: places in the catalogue; ``strength`` (interactions,) float32: -1 dislikes, 1 likes.
    """

    users: list[str]
    start: Ints
    items: NDArray[np.int32]
    strength: NDArray[np.float32]

    def __post_init__(self) -> None:
        if len(self.start) != len(self.users) + 1 or self.start[-1] != len(self.items) or len(self.items) != len(self.strength):
            raise ValueError("The parts of the interactions do not fit each other.")

    def __len__(self) -> int:
        """How many interactions there are."""
        return len(self.items)

    def histories(self) -> Iterator[tuple[NDArray[np.int32], NDArray[np.float32]]]:
        """Each user's items and strengths, the oldest first."""
        for first, behind in zip(self.start[:-1], self.start[1:], strict=True):
            yield self.items[first:behind], self.strength[first:behind]

    def popularity(self, size: int) -> Ints:
        """How many users each item of a catalogue of this size has, shape (size,)."""
        return np.bincount(self.items, minlength=size).astype(np.int64, copy=False)


def check_scale(scale: Scale) -> Scale:
    """The scale as two numbers; raises ``InputError`` for what is none."""
    try:
        low, high = (float(end) for end in scale)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"scale must be the lowest and the highest rating, such as (1, 5), not {str(scale)[:SHOWN]}.") from error
    if not low < high or not np.isfinite([low, high]).all():
        raise InputError(f"scale must be the lowest and the highest rating, such as (1, 5), not ({low:g}, {high:g}).")
    return low, high


def strength_of(rating: float | None, scale: Scale) -> float:
    """A rating as -1 (the lowest of the scale) to 1 (the highest); None, for an item that a user likes: 1.

    Raises ``InputError`` for what is no number, or outside the scale.
    """
    low, high = check_scale(scale)
    if rating is None:
        return 1.0
    value = np.nan if isinstance(rating, str) else _number(rating)
    if np.isnan(value):
        raise InputError(f"A rating must be a number, not {str(rating)[:SHOWN]!r}.")
    if not low <= value <= high:
        raise InputError(f"The rating {value:g} is outside the scale {low:g} to {high:g}: give scale=(low, high).")
    return 2 * (value - low) / (high - low) - 1


def read_history(history: Any, catalogue: Catalogue, scale: Scale) -> list[tuple[int, float]]:
    """Places in the catalogue and strengths, the oldest first.

    ``history``: a list; each entry an item_id (liked), an (item_id, rating) tuple, a dict with "item_id" and "rating", or a
    ``Rated``; a rating of None means liked. Of an item that is named twice, the last entry counts. Raises ``InputError``.
    """
    if not isinstance(history, list):
        raise InputError(f"history must be a list of items, the oldest first, not {type(history).__name__}.")
    known: dict[int, float] = {}
    for number, entry in enumerate(history, 1):
        item_id, rating = _entry(entry, f"Entry {number} of the history")
        place, strength = catalogue.index(item_id), strength_of(rating, scale)
        known.pop(place, None)
        known[place] = strength
    return list(known.items())


def _entry(entry: Any, where: str) -> tuple[Any, Any]:
    if isinstance(entry, Rated):
        return entry.item_id, entry.rating
    if isinstance(entry, tuple):
        if len(entry) != 2:
            raise InputError(f"{where} has {len(entry)} parts: a tuple must be (item_id, rating).")
        return entry
    if isinstance(entry, Mapping):
        if "item_id" not in entry:
            raise InputError(f'{where} has no "item_id".')
        other = next((field for field in entry if field not in FIELDS), None)
        if other is not None:
            raise InputError(f'{where} has the unknown field {str(other)[:SHOWN]!r}: give "item_id" and "rating".')
        return entry["item_id"], entry.get("rating")
    if isinstance(entry, list):
        raise InputError(f"{where} is a list: give a rating as a tuple, (item_id, rating).")
    return entry, None


def read_ratings(source: Source, catalogue: Catalogue, scale: Scale) -> Interactions:
    """Other users' ratings, from a JSONL, CSV, TSV or Parquet file, a list of dicts, a table of pandas, or a dataset.

    A row needs ``user_id``, ``item_id`` and ``rating``. A user's rows are in their order, or, where rows have a ``timestamp``
    (a number or a date in ISO form), in that of time. Where a user rated an item twice, the last rating counts.
    A file or a table of millions of rows takes seconds; dicts are slower.

    Raises ``InputError``: no rows, a field that is missing or no number, a rating outside the scale, an unknown item.
    """
    low, high = check_scale(scale)
    name, table = name_of(source, "ratings"), _table(source)
    if not len(table):
        raise InputError(f"There are no rows in {name}: leave ratings out, or give at least one.")
    for field in NEEDED:
        if field not in table:
            raise InputError(f'There is no "{field}" in {name}: a rating needs "user_id", "item_id" and "rating".')
    codes, users = _ids(table["user_id"], "user_id", name)
    items = _places(table["item_id"], catalogue, name)
    ratings = _numbers(table["rating"], name)
    outside = np.flatnonzero((ratings < low) | (ratings > high))
    if len(outside):
        said = f"Row {outside[0] + 1:,} of {name} has the rating {ratings[outside[0]]:g}, outside the scale {low:g} to {high:g}"
        raise InputError(f"{said}: give scale=(low, high).")
    order = _order(codes, _times(table["timestamp"], name) if "timestamp" in table else None)
    order = order[_last_ones(codes[order] * len(catalogue) + items[order])]
    start = np.concatenate(([0], np.cumsum(np.bincount(codes[order], minlength=len(users)))))
    strength = (2 * (ratings[order] - low) / (high - low) - 1).astype(np.float32)
    return Interactions(users, start.astype(np.int64), items[order].astype(np.int32), strength)


def _table(source: Any) -> pandas.DataFrame:
    """The columns of the fields; of a dataset by its own conversion, which is faster than its rows."""
    import pandas

    if isinstance(source, str | Path):
        return read_columns(str(source), FIELDS, texts=("user_id", "item_id"))
    if hasattr(source, "to_pandas"):
        source = source.to_pandas()
    if is_table(source):
        return source[[name for name in FIELDS if name in source]].reset_index(drop=True)
    check_source(source, "ratings")
    columns: dict[str, list[Any]] = {name: [] for name in FIELDS}
    for number, row in enumerate(rows_of(source, "ratings"), 1):
        for name, values in columns.items():
            if name not in row and name in NEEDED:
                raise InputError(f'Row {number:,} of the ratings has no "{name}": a rating needs "user_id", "item_id" and "rating".')
            values.append(row.get(name))
    if all(is_empty(value) for value in columns["timestamp"]):
        del columns["timestamp"]
    return pandas.DataFrame({name: pandas.Series(values, dtype=object) for name, values in columns.items()})


def _ids(column: pandas.Series, field: str, name: str) -> tuple[Ints, list[str]]:
    """A number for each row, and the ids that the numbers stand for."""
    import pandas

    try:
        codes, uniques = pandas.factorize(column)
    except TypeError as error:  # what can't be hashed
        raise InputError(f'"{field}" of {name} holds lists or dicts: it must be text or a whole number.') from error
    numbers: dict[str, int] = {}
    final = np.empty(len(uniques) + 1, dtype=np.int64)
    final[-1] = -1  # factorize's code for an empty cell
    for code, value in enumerate(uniques):
        try:
            known = identity(value)
        except TypeError as error:
            row = int(np.argmax(codes == code)) + 1
            raise InputError(f'"{field}" in row {row:,} of {name} is {type(value).__name__}: it must be text or a whole number.') from error
        final[code] = -1 if known is None else numbers.setdefault(known, len(numbers))
    final = final[codes]
    if (final < 0).any():
        raise InputError(f'Row {int(np.argmax(final < 0)) + 1:,} of {name} has no "{field}".')
    return final, list(numbers)


def _places(column: pandas.Series, catalogue: Catalogue, name: str) -> Ints:
    """Each row's place in the catalogue."""
    codes, ids = _ids(column, "item_id", name)
    places = np.array([catalogue.index(known) if known in catalogue else -1 for known in ids], dtype=np.int64)
    rows = places[codes]
    unknown = np.flatnonzero(rows < 0)
    if len(unknown):
        first = f"the first is {ids[codes[unknown[0]]][:SHOWN]!r} in row {unknown[0] + 1:,}"
        said = f"Items that are not in the catalogue are rated in {len(unknown):,} of the {len(rows):,} rows of {name}"
        raise InputError(f"{said} ({first}): add the items, or leave the rows out.")
    return rows


def _numbers(column: pandas.Series, name: str) -> NDArray[np.float64]:

    values: NDArray[np.float64] = _as_numbers(column).to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = np.isnan(values)
    if wrong.any():
        row = int(np.argmax(wrong))
        said = column.iloc[row]
        problem = 'no "rating"' if is_empty(said) else f"the rating {str(said)[:SHOWN]!r}, which is no number"
        raise InputError(f"Row {row + 1:,} of {name} has {problem}.")
    return values


def _times(column: pandas.Series, name: str) -> Ints | None:
    """What sorts like the timestamps; None where there are none. Raises ``InputError`` where only some rows have one."""
    import pandas

    plain = pandas.api.types.is_numeric_dtype(column) or pandas.api.types.is_datetime64_any_dtype(column)
    empty = column.isna() if plain else column.isna() | column.map(is_empty)
    if empty.all():
        return None
    times = column if plain or empty.any() else _as_numbers(column)
    if not plain and times.isna().any():
        dates = column.where(column.map(lambda value: isinstance(value, str | date)), None)
        times = pandas.to_datetime(dates, errors="coerce", utc=True, format="ISO8601")
    wrong = (empty if empty.any() else times.isna()).to_numpy(dtype=bool)
    if wrong.any():
        row = int(np.argmax(wrong))
        problem = "no timestamp where others have one" if empty.iloc[row] else f"the timestamp {str(column.iloc[row])[:SHOWN]!r}"
        raise InputError(f"Row {row + 1:,} of {name} has {problem}: give all rows a number or an ISO date, or none.")
    return np.asarray(pandas.factorize(times, sort=True)[0], dtype=np.int64)


def _as_numbers(column: pandas.Series) -> pandas.Series:
    """The column as numbers; what is none is empty."""
    import pandas

    if pandas.api.types.infer_dtype(column) in PLAIN:
        try:
            return pandas.to_numeric(column, errors="coerce")
        except OverflowError:
            pass
    return column.map(_number).astype(np.float64)


def _number(value: Any) -> float:
    try:
        return float(value) if isinstance(value, Real | Decimal | str) and not isinstance(value, bool) else np.nan
    except OverflowError:
        return np.inf
    except ValueError:
        return np.nan


def _order(codes: Ints, times: Ints | None) -> Ints:
    """The rows user by user, each user's in the order of time, else as they came."""
    return np.argsort(codes, kind="stable") if times is None else np.lexsort((times, codes))


def _last_ones(keys: Ints) -> NDArray[np.bool_]:
    """Which of equal keys is the last."""
    import pandas

    last: NDArray[np.bool_] = ~pandas.Series(keys).duplicated(keep="last").to_numpy()
    return last
