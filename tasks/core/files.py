"""A user's files in, results out: for the terminal, the apps and fine-tuning.

Tables are not read through ``datasets``: its ``load_dataset`` counts loads over the network, even those of a
file on the own disk, and copies the file into its cache.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.core.errors import FileError

if TYPE_CHECKING:
    import pandas

Row = dict[str, Any]
SUFFIXES = (".csv", ".tsv", ".jsonl", ".txt", ".parquet")
csv.field_size_limit(2**24)  # one cell may hold a document


def read_texts(path: str | Path, text_column: str = "text", time_column: str | None = None) -> list[Row]:
    """Rows of a CSV, TSV, JSONL or Parquet file, or the lines of a TXT file as ``{text_column: line}``.

    Every row has a string under ``text_column`` (an empty cell is an empty text), and under ``time_column``
    whatever stands there. Raises ``FileError`` in one sentence: no such file or column, not UTF-8, not the
    format that its name says, no rows.
    """
    path = Path(path)
    reader = {".csv": _csv, ".tsv": _csv, ".jsonl": _jsonl, ".txt": _txt, ".parquet": _parquet}.get(path.suffix.lower())
    if reader is None:
        raise FileError(f"{path.name!r} is none of {', '.join(SUFFIXES)}: save it as one of these.")
    try:
        rows = [_checked(row, number, path.name, text_column, time_column) for number, row in enumerate(reader(path, text_column), 1)]
    except UnicodeDecodeError as error:
        raise FileError(f"{path.name!r} is not UTF-8 text (byte {error.start:,}): save it as UTF-8 and try again.") from error
    except OSError as error:
        raise FileError(f"{path.name!r} can't be read: {error.strerror or error}.") from error
    if not rows:
        raise FileError(f"{path.name!r} holds no rows.")
    return rows


def read_rows(path: str, limit: int | None = None, texts: bool = False) -> list[Row]:
    """Rows of a JSONL, CSV, TSV or Parquet file; raises ``FileError``. Nested columns of a CSV file may be JSON.

    ``texts``: the cells of a CSV file stay the texts that they are (``007`` is not 7).
    """
    suffix = _table(path)
    if suffix in JSON_LINES:
        return list(_json_rows(path))[:limit]
    with _readable(path, suffix):
        rows: list[Row] = TABLES[suffix](path, str if texts else None)
    names = list(rows[0]) if rows else []
    columns = [_nested(row[name] for row in rows) for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)][:limit]


def read_columns(path: str, names: Sequence[str], texts: Sequence[str] = ()) -> pandas.DataFrame:
    """Of the columns ``names`` of such a file those that it has, for millions of rows; raises ``FileError``.

    What a row of a JSONL file lacks is None; the cells of ``texts`` in a CSV file stay texts, empty ones included.
    """
    import pandas
    from pyarrow import parquet

    suffix = _table(path)
    if suffix in JSON_LINES:
        count, columns = 0, {name: list[Any]() for name in names}
        for row in _json_rows(path):
            count += 1
            for name, values in columns.items():
                values.append(row.get(name))
        present = {name: values for name, values in columns.items() if any(value is not None for value in values)}
        held = {name: pandas.Series(values, dtype=object) for name, values in present.items()}
        return pandas.DataFrame(held, index=range(count))
    with _readable(path, suffix):
        if suffix == ".parquet":
            there = parquet.read_schema(path).names
            return parquet.read_table(path, columns=[name for name in names if name in there]).to_pandas()
        frame = _csv_frame(path, dict.fromkeys(texts, str))
        return frame[[name for name in names if name in frame]]


def to_json(row: Row, indent: int | None = None) -> str:
    """A row as JSON in UTF-8's reach: half an emoji as its escape, numbers that JSON does not know as null."""
    text = json.dumps(_known(row), ensure_ascii=False, default=str, indent=indent, allow_nan=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _known(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_known(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def check_target(path: str | Path) -> None:
    """Raise ``FileError`` where ``path`` can't be written, before hours are spent on what should stand there."""
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise FileError(f"{str(path)!r} can't be written: there is no folder {str(folder)!r}; create it first.")
    if Path(path).is_dir():
        raise FileError(f"{str(path)!r} can't be written: it is a folder; name a file in it.")


def write_jsonl(path: str | Path, rows: list[Row]) -> None:
    """One JSON object a line, in UTF-8; the file appears whole or not at all."""
    target = Path(path)
    partial = target.with_name(target.name + ".partial")
    try:
        with open(partial, "w", encoding="utf-8") as file:
            file.writelines(to_json(row) + "\n" for row in rows)
        partial.replace(target)
    except OSError as error:
        raise FileError(f"{str(path)!r} can't be written: {error.strerror or error}.") from error


def _checked(row: Row, number: int, name: str, text_column: str, time_column: str | None) -> Row:
    for column in (text_column, time_column):
        if column is not None and column not in row:
            raise FileError(f"{name!r} has no column {column!r} (row {number}): its columns are {', '.join(map(str, row))}.")
    text = row[text_column]
    if text is not None and not isinstance(text, str):
        raise FileError(f"Column {text_column!r} of {name!r} holds {type(text).__name__} in row {number}, not text.")
    return row | {text_column: text or ""}


def _csv(path: Path, text_column: str) -> Iterator[Row]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter=_separator(path), restkey="more", restval="")
        names = reader.fieldnames or ()
        if names and text_column not in names:
            raise FileError(f"{path.name!r} has no column {text_column!r}: its columns are {', '.join(names)}.")
        try:
            for row in reader:
                row.pop("more", None)
                yield row
        except csv.Error as error:
            raise FileError(f"Line {reader.line_num} of {path.name!r} is not CSV: {error}.") from error


def _jsonl(path: Path, text_column: str) -> Iterator[Row]:
    yield from _objects(path, path.name)


def _txt(path: Path, text_column: str) -> Iterator[Row]:
    with open(path, encoding="utf-8-sig") as file:
        yield from ({text_column: line.rstrip("\r\n")} for line in file)


def _parquet(path: Path, text_column: str) -> Iterator[Row]:
    import pandas

    path.stat()  # no such file
    try:
        frame = pandas.read_parquet(path).astype(object)
        yield from frame.where(frame.notna(), None).to_dict("records")
    except (ValueError, OSError, ImportError) as error:
        raise FileError(f"{path.name!r} is not a Parquet file: {' '.join(str(error).split())[:160]}.") from error


def _objects(path: str | Path, name: str) -> Iterator[Row]:
    """The objects of a JSONL file; ``name``: what errors call it."""
    with open(path, encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise FileError(f"Line {number} of {name!r} is not JSON: {error}.") from error
            if not isinstance(row, dict):
                raise FileError(f"Line {number} of {name!r} is not a JSON object.")
            yield row


def _table(path: str) -> str:
    """What the file's name says it is."""
    suffix = Path(path).suffix.lower()
    if suffix not in (*JSON_LINES, *TABLES):
        raise FileError(f"{path!r} is no JSONL, CSV or Parquet file: convert it first (python -m finetune.convert --help).")
    return suffix


@contextmanager
def _readable(path: str, suffix: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise FileError(f"{path!r} can't be read: {error.strerror}.") from error
    except (ValueError, OSError) as error:  # pandas' and Arrow's own errors are of these kinds
        raise FileError(f"{path!r} can't be read as {suffix[1:].upper()}: {' '.join(str(error).split())[:200]}") from error


def _json_rows(path: str) -> Iterator[Row]:
    try:
        yield from _objects(path, path)
    except UnicodeDecodeError as error:
        raise FileError(f"{path!r} is not UTF-8 text: save it as UTF-8 and try again.") from error
    except OSError as error:
        raise FileError(f"{path!r} can't be read: {error.strerror or error}.") from error


def _separator(path: str | Path) -> str:
    return "\t" if Path(path).suffix.lower() == ".tsv" else ","


def _csv_rows(path: str, kind: type | None) -> list[Row]:
    rows: list[Row] = _csv_frame(path, kind).to_dict("records")
    return rows


def _csv_frame(path: str, kinds: type | dict[str, type] | None) -> pandas.DataFrame:
    import pandas

    frame = pandas.read_csv(path, sep=_separator(path), dtype=kinds, keep_default_na=False)
    if not isinstance(frame.index, pandas.RangeIndex):  # pandas takes the first cells for row names
        raise ValueError("a row has more cells than there are names in the first line")
    return frame


def _parquet_rows(path: str, kind: type | None) -> list[Row]:
    from pyarrow import parquet

    rows: list[Row] = parquet.read_table(path).to_pylist()
    return rows


def _nested(column: Iterable[Any]) -> list[Any]:
    """A column of JSON lists or objects as what it says; a column of texts stays as it is, even where one is "[1]"."""
    values = list(column)
    try:
        parsed = [json.loads(value) if value else value for value in values]
    except (ValueError, TypeError):
        return values
    return parsed if all(isinstance(value, list | dict) for value in parsed if value) else values


JSON_LINES = (".jsonl", ".json")
TABLES: dict[str, Callable[[str, type | None], list[Row]]] = {".csv": _csv_rows, ".tsv": _csv_rows, ".parquet": _parquet_rows}
