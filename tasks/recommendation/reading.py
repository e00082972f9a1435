"""Rows of any source, and ids as text: what items, ratings and histories are read with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from tasks.core.errors import InputError
from tasks.core.files import read_rows

Source = str | Path | Iterable[Mapping[str, Any]]
SHOWN = 80  # characters of a user's text that an error repeats


def name_of(source: Source, what: str) -> str:
    """What errors call a source."""
    return repr(Path(source).name) if isinstance(source, str | Path) else f"the {what}"


def rows_of(source: Source, what: str) -> Iterator[Mapping[str, Any]]:
    """Rows of a JSONL, CSV, TSV or Parquet file, a list of dicts, a table of pandas, or a ``datasets`` dataset.

    Cells of CSV files are texts. Raises ``InputError``.
    """
    for number, row in enumerate(_rows(source, what), 1):
        if not isinstance(row, Mapping):
            raise InputError(f"Row {number} of {name_of(source, what)} is {type(row).__name__}: a row must be a dict of its fields.")
        yield row


def _rows(source: Any, what: str) -> Iterable[Any]:
    if isinstance(source, str | Path):
        return read_rows(str(source), texts=True)
    if is_table(source):
        rows: list[Any] = source.astype(object).where(source.notna(), None).to_dict("records")
        return rows
    check_source(source, what)
    given: Iterable[Any] = source
    return given


def check_source(source: Any, what: str) -> None:
    """Raise ``InputError`` for what holds no rows."""
    if isinstance(source, Mapping | bytes) or not isinstance(source, Iterable):
        kind = type(source).__name__
        raise InputError(f"{what} must be the path of a file, a list of dicts, or one split of a dataset, not {kind}.")


def is_table(source: Any) -> bool:
    """Whether it is a table of pandas."""
    return hasattr(source, "iloc") and hasattr(source, "columns")


def is_empty(value: Any) -> bool:
    """Whether a cell says nothing: None, not a number, or blank."""
    if isinstance(value, float | np.floating):
        return bool(np.isnan(value))
    return value is None or (isinstance(value, str) and not value.strip())


def identity(value: Any) -> str | None:
    """An id as text, whole numbers included; None for an empty one. Raises ``TypeError`` for what can be no id."""
    if is_empty(value):
        return None
    if isinstance(value, str):
        return str(value.strip())
    if isinstance(value, Integral) and not isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    raise TypeError(f"{type(value).__name__} is no id")
