"""``python -m apps [task ...] [--host HOST] [--port PORT] [--share]``: serve all apps, or the named ones."""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Sequence


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m apps", description="Serve the apps in the browser.")
    parser.add_argument("tasks", nargs="*", metavar="task", help="an app to show, e.g. event-detection (default: all)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s, this machine only)")
    parser.add_argument("--port", type=int, default=7860, help="port to listen on (default: %(default)s)")
    parser.add_argument("--share", action="store_true", help="also open a public address through Gradio's servers")
    return parser.parse_args(arguments)


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted; returns the exit code."""
    options = parse(arguments)
    from apps import showcase  # after the parser: gradio takes seconds, --help and typing errors shouldn't

    unknown = [task for task in options.tasks if task not in showcase.names()]
    problem = (
        f"There is no app {unknown[0]!r}: choose from {', '.join(showcase.names())}." if unknown else trouble(options.host, options.port)
    )
    if problem:
        print(problem, file=sys.stderr)
        return 2
    from apps.components import serve

    demo = showcase.build(options.tasks or None)
    local, public = serve(demo, options.host, options.port, options.share)
    print(f"Quipu is at {local} (Ctrl+C stops it).", flush=True)
    if public:
        print(f"Anyone can reach it at {public}.", flush=True)
    demo.block_thread()
    return 0


if __name__ == "__main__":
    sys.exit(main())
