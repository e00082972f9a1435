"""The showcase in a process of its own, and the memory that it holds with all its children (from ``/proc``: Linux only)."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
STARTS_WITHIN = 300.0  # seconds


def free_port() -> int:
    """A port at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextlib.contextmanager
def showcase(log: IO[str], *options: str, environment: dict[str, str] | None = None) -> Iterator[tuple[str, int]]:
    """Address and process id of ``python -m apps``, once it answers; what it prints goes to ``log``."""
    port = free_port()
    command = [sys.executable, "-m", "apps", "--port", str(port), *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=environment) as server:
        try:
            address = f"http://127.0.0.1:{port}"
            await_page(address, server)
            yield address, server.pid
        finally:
            server.terminate()


def await_page(address: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until the page is served."""
    end, direct = time.perf_counter() + STARTS_WITHIN, urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.perf_counter() < end and server.poll() is None:
        with contextlib.suppress(urllib.error.URLError, OSError), direct.open(address, timeout=10):
            return
        time.sleep(0.05)
    raise SystemExit("The showcase did not start.")


def memory(process: int) -> float:
    """MB that a process and all its descendants hold."""
    return sum(resident(each) for each in family(process))


def family(process: int) -> list[int]:
    """A process and its descendants; those that ended meanwhile are left out."""
    found = [process]
    for each in found:
        for file in Path(f"/proc/{each}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(child) for child in file.read_text().split()]
    return found


def resident(process: int) -> float:
    """MB that one process holds; 0 once it has ended."""
    return _status(process, "VmRSS:")


def peak(process: int) -> float:
    """The most MB that one process held; 0 once it has ended."""
    return _status(process, "VmHWM:")


def _status(process: int, field: str) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) / 1024
    return 0.0
