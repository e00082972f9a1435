"""Rows from JSONL, CSV or Parquet files, or from the Hub through ``datasets``.

Files are not read through ``datasets``: its ``load_dataset`` counts loads over the network, even those of a
file on the own disk, and copies the file into its cache.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from finetune.config import FinetuneArguments
from tasks.core.errors import FileError

Row = dict[str, Any]
Sources = list[tuple[str, list[Row]]]


def read_rows(path: str, limit: int | None = None) -> list[Row]:
    """Rows of one file; raises ``FileError``. Nested columns of a CSV file may be JSON."""
    suffix = Path(path).suffix.lower()
    if suffix in (".jsonl", ".json"):
        return _read_jsonl(path)[:limit]
    if suffix not in TABLES:
        raise FileError(f"{path!r} is no JSONL, CSV or Parquet file: convert it first (python -m finetune.convert --help).")
    try:
        rows: list[Row] = TABLES[suffix](path)
    except (ValueError, OSError) as error:  # pandas' and Arrow's own errors are of these kinds
        raise FileError(f"{path!r} can't be read as {suffix[1:].upper()}: {' '.join(str(error).split())[:200]}") from error
    names = list(rows[0]) if rows else []
    columns = [_nested(row[name] for row in rows) for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)][:limit]


def _read_csv(path: str, separator: str = ",") -> list[Row]:
    import pandas

    rows: list[Row] = pandas.read_csv(path, sep=separator, keep_default_na=False).to_dict("records")
    return rows


def _read_parquet(path: str) -> list[Row]:
    from pyarrow import parquet

    rows: list[Row] = parquet.read_table(path).to_pylist()
    return rows


TABLES: dict[str, Callable[[str], list[Row]]] = {".csv": _read_csv, ".tsv": partial(_read_csv, separator="\t"), ".parquet": _read_parquet}


def read_splits(ours: FinetuneArguments) -> tuple[Sources, Sources]:
    """(name, rows) of each training and of each validation source."""
    train = [(path, read_rows(path, ours.max_rows)) for path in ours.train_file]
    validation = [(path, read_rows(path, ours.max_rows)) for path in ours.validation_file]
    if ours.dataset_name:
        train.append((ours.dataset_name, _from_hub(ours, ours.train_split)))
        if not validation:
            validation.append((ours.dataset_name, _from_hub(ours, ours.validation_split)))
    if ours.dev_share:
        validation += [(source, divide(rows, ours.dev_share)[1]) for source, rows in train]
        train = [(source, divide(rows, ours.dev_share)[0]) for source, rows in train]
    return hold_out(train, validation, ours.hold_out)


def divide(rows: list[Row], share: float) -> tuple[list[Row], list[Row]]:
    """Training rows, and every 1/share-th row for development: for data sets without a development split."""
    step = round(1 / share)
    return [row for number, row in enumerate(rows) if number % step], rows[::step]


def hold_out(train: Sources, validation: Sources, chosen: Sequence[str]) -> tuple[Sources, Sources]:
    """With ``FIELD=VALUE`` conditions: training loses all rows that meet one, and these alone are the validation rows.

    For a score on what training never saw: whole disasters, domains, documents.
    """
    if not chosen:
        return train, validation

    def held(row: Row) -> bool:
        return any(str(row.get(field)) == value for field, _, value in (each.partition("=") for each in chosen))

    rows = [row for _, group in [*train, *validation] for row in group if held(row)]
    if not rows:
        raise FileError(f"No row meets --hold_out {' '.join(chosen)}: check the field and its values.")
    return [(source, [row for row in group if not held(row)]) for source, group in train], [("held out", rows)]


def _from_hub(ours: FinetuneArguments, split: str) -> list[Row]:
    from datasets import load_dataset

    try:
        data = load_dataset(str(ours.dataset_name), ours.dataset_config_name, revision=ours.dataset_revision, split=split)
    except Exception as error:  # as above, and the network
        raise FileError(f"Split {split!r} of {ours.dataset_name!r} can't be loaded: {' '.join(str(error).split())[:200]}") from error
    return [dict(row) for row in data][: ours.max_rows]


def _read_jsonl(path: str) -> list[Row]:
    rows = []
    try:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    rows.append(_object(line, path, number))
    except UnicodeDecodeError as error:
        raise FileError(f"{path!r} is not UTF-8 text: save it as UTF-8 and try again.") from error
    except OSError as error:
        raise FileError(f"{path!r} can't be read: {error.strerror or error}.") from error
    return rows


def _object(line: str, path: str, number: int) -> Row:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise FileError(f"Line {number} of {path!r} is not JSON: {error}.") from error
    if not isinstance(row, dict):
        raise FileError(f"Line {number} of {path!r} is not a JSON object.")
    return row


def _nested(column: Iterable[Any]) -> list[Any]:
    """A column of JSON lists or objects as what it says; a column of texts stays as it is, even where one is "[1]"."""
    values = list(column)
    try:
        parsed = [json.loads(value) if value else value for value in values]
    except (ValueError, TypeError):
        return values
    return parsed if all(isinstance(value, list | dict) for value in parsed if value) else values
