"""Write original files of a data set as rows: ``python -m finetune.convert NAME INPUT... --output rows.jsonl``.

The output appears whole or not at all: rows go to a file beside it, which takes its name when all are written.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from finetune.convert import load, names
from finetune.convert._reading import Row
from tasks.core.errors import FileError, QuipuError


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name:<12} {(load(name).__doc__ or '').splitlines()[0]}" for name in names())
    parser = argparse.ArgumentParser(
        prog="python -m finetune.convert",
        description="Turn the original public files of a data set into rows for training.",
        epilog=f"data sets:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", choices=names(), help="the data set, one of those below")
    parser.add_argument("inputs", metavar="INPUT", nargs="+", type=Path, help="its original file or files")
    parser.add_argument("--output", metavar="FILE", required=True, type=Path, help="the JSONL file to write")
    what = 'names of relations, for a data set that gives P-ids: JSONL with "pid" and "name", or a JSON file {pid: name}'
    parser.add_argument("--names", metavar="FILE", type=Path, help=what)
    return parser


def _all_rows(name: str, inputs: Iterable[Path], names_file: Path | None) -> Iterator[Row]:
    convert = load(name).convert
    takes_names = "names" in inspect.signature(convert).parameters
    if takes_names and names_file is None:
        raise FileError(f"{name} gives its relations as P-ids: say with --names which file holds their names.")
    if names_file is not None and not takes_names:
        raise FileError(f"{name} has no P-ids to name: leave --names out.")
    for path in inputs:
        yield from convert(path, names=names_file) if takes_names else convert(path)


def write(rows: Iterable[Row], output: Path) -> int:
    """Write ``rows`` to ``output`` at once or not at all; returns how many there were.

    Raises ``FileError`` if the file can't be written or there are no rows.
    """
    part = output.with_name(f"{output.name}.{os.getpid()}.part")
    count = 0
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            for row in rows:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                count += 1
        if not count:
            raise FileError("The input holds no rows, so nothing was written: give a file with at least one text.")
        os.replace(part, output)
    except OSError as error:
        raise FileError(f"{output} can't be written ({error.strerror}): choose another --output.") from error
    finally:
        with suppress(OSError):  # it has its final name, or was never made
            part.unlink()
    return count


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code, 2 for wrong input."""
    options = _parser().parse_args(arguments)
    try:
        if options.output.resolve() in {path.resolve() for path in (*options.inputs, options.names) if path}:
            raise FileError(f"{options.output} is also an input: choose another --output, so that the original stays.")
        count = write(_all_rows(options.name, options.inputs, options.names), options.output)
    except QuipuError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{count:,} rows written to {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
