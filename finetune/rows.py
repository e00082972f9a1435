"""Rows from JSONL, CSV or Parquet files or from the Hub, through ``datasets``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from finetune.config import FinetuneArguments
from tasks.core.errors import FileError

Row = dict[str, Any]
FORMATS = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet"}


def read_rows(path: str, limit: int | None = None) -> list[Row]:
    """Rows of one file; raises ``FileError``. Nested columns of a CSV file may be JSON."""
    suffix = Path(path).suffix.lower()
    if suffix in (".jsonl", ".json"):
        return _read_jsonl(path)[:limit]
    if suffix not in FORMATS:
        raise FileError(f"{path!r} is no JSONL, CSV or Parquet file: convert it first (python -m finetune.convert --help).")
    from datasets import load_dataset

    options = {"sep": "\t"} if suffix == ".tsv" else {}
    try:
        data = load_dataset(FORMATS[suffix], data_files=path, split="train", **options)
    except Exception as error:  # datasets raises many kinds for a file that is not what it says
        raise FileError(f"{path!r} can't be read as {suffix[1:].upper()}: {' '.join(str(error).split())[:200]}") from error
    return [{name: _nested(value) for name, value in row.items()} for row in data][:limit]


def read_splits(ours: FinetuneArguments) -> tuple[list[tuple[str, list[Row]]], list[tuple[str, list[Row]]]]:
    """(name, rows) of each training and of each validation source."""
    train = [(path, read_rows(path, ours.max_rows)) for path in ours.train_file]
    validation = [(path, read_rows(path, ours.max_rows)) for path in ours.validation_file]
    if ours.dataset_name:
        train.append((ours.dataset_name, _from_hub(ours, ours.train_split)))
        if not validation:
            validation.append((ours.dataset_name, _from_hub(ours, ours.validation_split)))
    return train, validation


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


def _nested(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in "[{" and value:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
