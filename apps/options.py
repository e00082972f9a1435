"""The command line of ``python -m apps``: every wrong value ends with one sentence and exit code 2."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from apps.access import VARIABLE

SIZE = re.compile(r"[1-9]\d*(\.\d+)?\s*(b|kb|mb|gb)", re.IGNORECASE)
MAX_FILE_SIZE, QUEUE_SIZE, CONCURRENCY = "20mb", 64, 2


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one sentence, without a page of usage before it."""

    def error(self, message: str) -> NoReturn:
        """Say it and end."""
        print(f"{message[:1].upper()}{message[1:].rstrip('.')}. See python -m apps --help.", file=sys.stderr)
        raise SystemExit(2)


def whole(least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers from ``least`` to ``most``."""

    def read(given: str) -> int:
        if not re.fullmatch(r"\d{1,9}", given) or not least <= int(given) <= most:
            raise argparse.ArgumentTypeError(f"{given!r} is no whole number from {least:,} to {most:,}")
        return int(given)

    return read


def size(given: str) -> str:
    """A file size as Gradio reads it; raises where it is none."""
    if not SIZE.fullmatch(given.strip()):
        raise argparse.ArgumentTypeError(f"{given!r} is no size such as 500kb, 20mb or 1gb")
    return re.sub(r"\s", "", given).lower()


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(prog="python -m apps", description="Serve the apps in the browser.")
    parser.add_argument("tasks", nargs="*", metavar="task", help="an app to show, e.g. event-detection (default: all)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s, this machine only)")
    parser.add_argument("--port", type=int, default=7860, help="port to listen on (default: %(default)s)")
    parser.add_argument("--share", action="store_true", help="also open a public address through Gradio's servers")
    parser.add_argument("--mcp", action="store_true", help="also offer the endpoints as tools of the Model Context Protocol")
    words = f"who may use the page, the API and MCP; several times for several, or in the environment's {VARIABLE}, separated by spaces, "
    words += "where it stands in no list of processes (default: everybody who reaches it)"
    parser.add_argument("--auth", action="append", default=[], metavar="USER:PASSWORD", help=words)
    parser.add_argument("--max-file-size", type=size, default=MAX_FILE_SIZE, help="largest file to upload (default: %(default)s)")
    words = "calls that may wait; whoever comes then is told that the page is busy (default: %(default)s)"
    parser.add_argument("--queue-size", type=whole(1, 100_000), default=QUEUE_SIZE, help=words)
    words = "calls of an endpoint that are worked on at a time (default: %(default)s)"
    parser.add_argument("--concurrency", type=whole(1, 1000), default=CONCURRENCY, help=words)
    words = "a chat model (text generation), a Hub id or a folder, that phrases what the conversational agent says (default: templates)"
    parser.add_argument("--generator", metavar="MODEL", help=words)
    return parser.parse_args(arguments)
