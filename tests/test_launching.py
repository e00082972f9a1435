"""What lives as long as the server does, and memory that goes back to the system."""

from __future__ import annotations

import asyncio
import ctypes
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from apps import launching, memory


def test_what_lives_with_the_server_begins_in_order_and_ends_in_the_other() -> None:
    heard: list[str] = []

    def part(name: str) -> Any:
        @asynccontextmanager
        async def lifespan(app: Any) -> AsyncIterator[None]:
            heard.append(f"{app.name} {name}")
            yield
            heard.append(f"no {name}")

        return lifespan

    async def live() -> None:
        async with launching.alive([part("one"), part("two")])(SimpleNamespace(name="app")):
            heard.append("serving")

    asyncio.run(live())
    assert heard == ["app one", "app two", "serving", "no two", "no one"]


def test_memory_is_given_back_while_the_server_runs_and_not_after(monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[str] = []
    twice = threading.Event()

    def note() -> None:
        times.append(threading.current_thread().name)
        if len(times) == 2:
            twice.set()

    monkeypatch.setattr(memory, "give_back", note)
    monkeypatch.setattr(memory, "EVERY", 0.001)

    async def live() -> int:
        async with memory.tidied(None):
            assert await asyncio.to_thread(twice.wait, 30)
        after = len(times)
        await asyncio.sleep(0.05)
        return after

    after = asyncio.run(live())
    assert len(times) - after <= 1 and threading.main_thread().name not in times  # the one that was on its way


def test_other_systems_have_no_such_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str | None) -> Any:
        raise OSError("no such library")

    for library in (lambda name: SimpleNamespace(), none):
        monkeypatch.setattr(ctypes, "CDLL", library)
        memory.share_heaps()
        memory.give_back()
