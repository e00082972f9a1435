"""Lines, records and documents of original files under a progress bar, and errors that name the file and the line."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm  # type: ignore[import-untyped,unused-ignore]

from tasks.core.errors import FileError

Row = dict[str, Any]


def lines(path: Path) -> Iterator[str]:
    """Lines of a UTF-8 file, line ends included; on a terminal a bar shows how much of the file was read.

    Lines end at ``\\n`` alone: a text may hold the other characters at which ``str.splitlines`` cuts.
    Raises ``FileError`` if the file can't be read or isn't UTF-8.
    """
    try:
        file, size = path.open("rb"), path.stat().st_size
    except OSError as error:
        raise FileError(f"{path} can't be read ({error.strerror}): give an original file of the data set.") from error
    with file, tqdm(total=size, desc=path.name, unit="B", unit_scale=True, disable=None) as bar:
        for number, line in enumerate(file, 1):
            bar.update(len(line))
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise FileError(f"{path}, line {number}: it is not UTF-8; save the file as UTF-8, or fetch it again.") from error
            yield text


@contextmanager
def located(path: Path, place: int | str, layout: str) -> Iterator[None]:
    """Turn what goes wrong at one place into a ``FileError`` that says where.

    ``place`` is the number of the line, or words for files that aren't read by line; ``layout`` names the data set.
    """
    try:
        yield
    except FileError:  # it says already which file is wrong, another one
        raise
    except json.JSONDecodeError:
        reason = "it is not JSON"
    except KeyError as error:
        reason = f"the field {error} is missing"
    except (TypeError, AttributeError, IndexError, RecursionError):
        reason = "a value is not of the kind that belongs there"
    except ValueError as error:
        reason = str(error)
    else:
        return
    raise refusal(path, place, reason, layout)


def refusal(path: Path, place: int | str, reason: str, layout: str) -> FileError:
    """The error for what is wrong at one place, as ``located`` raises it."""
    where = f"line {place}" if isinstance(place, int) else place
    return FileError(f"{path}, {where}: {reason}; give an original, unchanged {layout} file.")


def convert_documents(path: Path, layout: str, rows: Callable[[Any], Iterable[Row]]) -> Iterator[Row]:
    """Rows of a file that holds one JSON document per line; ``rows`` converts one document."""
    for number, line in enumerate(lines(path), 1):
        if not line.strip():
            continue
        with located(path, number, layout):
            converted = list(rows(json.loads(line)))
        yield from converted


def document(path: Path, layout: str) -> Any:
    """What a file holds that is one JSON document."""
    text = "".join(lines(path))
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise refusal(path, error.lineno, "it is not JSON", layout) from error
    except RecursionError as error:
        raise refusal(path, 1, "its values are nested too deep", layout) from error


def records(path: Path, columns: Collection[str], layout: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Records of a CSV file with a header that has ``columns`` at least: the line where each ends, its cells by column.

    The names of the columns come without the spaces around them.
    """
    reader = csv.reader(lines(path))
    try:
        header = [name.strip() for name in next(reader, [])]
        if missing := [column for column in columns if column not in header]:
            raise refusal(path, 1, f"the column {missing[0]!r} is missing", layout)
        for cells in reader:
            if cells and len(cells) != len(header):
                raise refusal(path, reader.line_num, f"it has {len(cells)} fields, the header {len(header)}", layout)
            if cells:
                yield reader.line_num, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise refusal(path, reader.line_num, f"it is not CSV ({error})", layout) from error
