"""``python -m apps [task ...] [--host HOST] [--port PORT] [--share] [--mcp] …``: serve all apps, or the named ones (``--help``)."""

from __future__ import annotations

import argparse
import importlib.util
import socket
import sys
from collections.abc import Sequence

from apps.access import Accounts, accounts
from apps.memory import share_heaps
from apps.options import parse

MISSING = '--mcp needs a package that is not installed: pip install "mcp==1.30.0" "pydantic==2.12.5"'


def trouble(host: str, port: int) -> str | None:
    """Why the address can't be listened on, None if it can; asked first, because Gradio's own error is a traceback."""
    if not 0 < port < 65536:
        return f"{port} is no port: choose one between 1 and 65535 with --port."
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return f"Can't listen on {host}:{port} ({error.strerror}): choose another with --host or --port."
    return None


def _problem(options: argparse.Namespace, known: Sequence[str]) -> str | None:
    """What can't be served as it was asked for, in a sentence; None if all can."""
    unknown = [task for task in options.tasks if task not in known]
    if unknown:
        return f"There is no app {unknown[0]!r}: choose from {', '.join(known)}."
    if options.mcp and importlib.util.find_spec("mcp") is None:
        return MISSING
    return trouble(options.host, options.port)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted; returns the exit code."""
    options = parse(arguments)
    share_heaps()
    try:
        known: Accounts = accounts(options.auth)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    from apps import showcase  # after the parser: gradio takes seconds, --help and typing errors shouldn't
    from apps.components import LOADING, PIPELINES, serve
    from apps.launching import Limits
    from tasks.core.errors import QuipuError

    if problem := _problem(options, showcase.names()):
        print(problem, file=sys.stderr)
        return 2
    if options.generator:
        LOADING["conversation"] = {"generator": options.generator}
        try:
            PIPELINES("conversation")  # now, for a visitor could do nothing about a wrong name
        except QuipuError as error:
            print(error, file=sys.stderr)
            return 2
    demo = showcase.build(list(dict.fromkeys(options.tasks)) or None)
    limits = Limits(options.max_file_size, options.queue_size, options.concurrency)
    local, public = serve(demo, options.host, options.port, options.share, limits=limits, accounts=known, mcp=options.mcp)
    print(f"Quipu is at {local} (Ctrl+C stops it).", flush=True)
    if public:
        print(f"Anyone can reach it at {public}.", flush=True)
    demo.block_thread()
    return 0


if __name__ == "__main__":
    sys.exit(main())
