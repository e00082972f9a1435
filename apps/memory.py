"""Memory that answers no longer need goes back to the system (of the GNU C library; elsewhere nothing is done)."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
from collections.abc import AsyncIterator
from typing import Any

HEAPS = 2  # with its usual eight for each core, what one thread freed is not used again by the others
ARENA_MAX = -8  # M_ARENA_MAX of malloc.h
EVERY = 10.0  # seconds


def share_heaps() -> None:
    """Let all threads share a few heaps; to be called before there are threads (mallopt(3))."""
    with contextlib.suppress(OSError, TypeError, AttributeError):
        ctypes.CDLL(None).mallopt(ARENA_MAX, HEAPS)


def give_back() -> None:
    """Return what is free within the heaps (malloc_trim(3))."""
    with contextlib.suppress(OSError, TypeError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


@contextlib.asynccontextmanager
async def tidied(app: Any) -> AsyncIterator[None]:
    """While the server runs, give back what is free now and then."""

    async def tidy() -> None:
        while True:
            await asyncio.sleep(EVERY)
            await asyncio.to_thread(give_back)

    running = asyncio.create_task(tidy())
    try:
        yield
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
