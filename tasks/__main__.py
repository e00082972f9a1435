"""A task in the terminal.

    python -m tasks event-detection "A 7.1 earthquake struck off the coast on Sunday."
    python -m tasks event-detection --input messages.csv --output out.jsonl --adapter crisis
    python -m tasks opinion-analysis "Trams are full at eight." --target "We should run more trams"
    python -m tasks question-answering "When does it open?" --documents leaflet.pdf
    python -m tasks recommendation "a long family saga" --items books.csv --history 17 233
    python -m tasks conversation "Kind of Blue is my favourite record. What should I hear next?"

One text prints one result as JSON; a file gives a JSONL file with each row and its result. Wrong use ends
with one sentence and exit code 2.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Sequence
from typing import Any

from tasks import names, pipeline
from tasks.core.errors import InputError, QuipuError, UnknownTaskError
from tasks.core.files import check_target, read_texts, to_json, write_jsonl

OPTIONS = ("labels", "target", "context", "documents", "threshold", "history", "k")  # of a call; a task takes those of its ``stream``
LOADING = ("items", "ratings", "generator")  # given when a task is loaded


def parser() -> argparse.ArgumentParser:
    """The command line."""
    line = argparse.ArgumentParser(prog="python -m tasks", description="Run a task on a text or a file.")
    line.add_argument("task", help=f"one of {', '.join(names())}")
    line.add_argument("text", nargs="?", help="the text; left out: --input")
    line.add_argument("--input", help="CSV, TSV, JSONL, TXT or Parquet file of texts")
    line.add_argument("--output", help="JSONL file to write; left out: standard output")
    line.add_argument("--text-column", default="text", help="column of the texts (default: text)")
    line.add_argument("--labels", nargs="+", metavar="LABEL", help="your own labels")
    line.add_argument("--target", help="a proposal, to be told the stance towards it")
    line.add_argument("--context", help="the text that answers the question")
    line.add_argument("--documents", nargs="+", metavar="FILE", help="TXT, Markdown, HTML, PDF and DOCX files that answer the question")
    line.add_argument("--items", metavar="FILE", help="your own catalogue: JSONL, CSV, TSV or Parquet")
    line.add_argument("--ratings", metavar="FILE", help="what others rated of it, in the same forms")
    line.add_argument("--history", nargs="+", metavar="ITEM_ID", help="what the user liked, oldest first")
    line.add_argument("--generator", metavar="MODEL", help="a chat model, a Hub id or a folder, that phrases what the agent says")
    line.add_argument("--k", type=int, help="items to recommend at most (default: 10)")
    line.add_argument("--threshold", type=float, help="least score, from 0 to 1 (default: calibrated)")
    line.add_argument("--model", help="encoder or ready-made model: a Hub id or a folder")
    line.add_argument("--adapter", default="shipped", help="a shipped adapter's name, a folder or a Hub id")
    line.add_argument("--revision", help="commit, tag or branch of what comes from the Hub")
    line.add_argument("--device", help="torch device (default: CUDA where there is one)")
    return line


def run(options: argparse.Namespace) -> None:
    """Read, predict, write. Raises ``QuipuError``."""
    if options.task not in names():
        raise UnknownTaskError(f"Unknown task {options.task!r}: choose one of {', '.join(names())}.")
    if (options.text is None) == (options.input is None):
        raise InputError(f'Give either a text in quotes or --input FILE: python -m tasks {options.task} "..."')
    if options.output is not None:
        check_target(options.output)
    rows = None if options.input is None else read_texts(options.input, options.text_column)
    loading = {name: getattr(options, name) for name in LOADING if getattr(options, name) is not None}
    loaded = pipeline(options.task, options.model, options.adapter, options.revision, options.device, **loading)
    call = _given(options, loaded)
    if rows is None:
        _write([result.to_dict() for result in loaded.stream([options.text], **call)], options.output, indent=2)
    else:
        texts = [row[options.text_column] for row in rows]
        results = _progress(loaded.stream(texts, **call), len(texts))
        _write([row | {"result": result.to_dict()} for row, result in zip(rows, results, strict=True)], options.output, None)


def _given(options: argparse.Namespace, loaded: Any) -> dict[str, Any]:
    """The prediction options that were given. Raises ``InputError`` for one that the task does not take."""
    call = {name: getattr(options, name) for name in OPTIONS if getattr(options, name) is not None}
    known = inspect.signature(loaded.stream).parameters
    if foreign := [name for name in call if name not in known]:
        raise InputError(f"{options.task} takes no --{foreign[0]}: leave it out.")
    return call


def _write(rows: list[dict[str, Any]], output: str | None, indent: int | None) -> None:
    if output is not None:
        write_jsonl(output, rows)
        return
    for row in rows:
        print(to_json(row, indent))


def _progress(results: Any, total: int) -> Any:
    from tqdm import tqdm

    return tqdm(results, total=total, unit="text", disable=not sys.stderr.isatty())


def main(arguments: Sequence[str]) -> int:
    """Parse and run; returns the exit code."""
    options = parser().parse_intermixed_args(arguments)  # so that the text may stand behind the options
    try:
        run(options)
    except QuipuError as error:
        print(f"quipu: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        sys.stderr.close()  # the reader of a pipe went away: nothing to say
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
