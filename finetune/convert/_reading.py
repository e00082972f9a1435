"""Lines of original files under a progress bar, and errors that name the file and the line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
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
def located(path: Path, line: int, layout: str) -> Iterator[None]:
    """Turn what goes wrong on one line into a ``FileError`` that says where; ``layout`` names the data set."""
    try:
        yield
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
    raise FileError(f"{path}, line {line}: {reason}; give an original, unchanged {layout} file.")


def convert_documents(path: Path, layout: str, rows: Callable[[Any], Iterable[Row]]) -> Iterator[Row]:
    """Rows of a file that holds one JSON document per line; ``rows`` converts one document."""
    for number, line in enumerate(lines(path), 1):
        if not line.strip():
            continue
        with located(path, number, layout):
            converted = list(rows(json.loads(line)))
        yield from converted
