"""What a served page allows: how much at a time, whom, and what is closed to all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from apps import mcp_server, memory, sessions
from apps.access import Accounts, Gate
from apps.options import CONCURRENCY, MAX_FILE_SIZE, QUEUE_SIZE
from apps.sessions import Lifespan


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest file to upload, how many calls may wait, and how many of an endpoint are worked on at a time."""

    file_size: str = MAX_FILE_SIZE
    queue_size: int = QUEUE_SIZE
    concurrency: int = CONCURRENCY


def settings(demo: gr.Blocks, limits: Limits, accounts: Accounts, mcp: bool) -> dict[str, Any]:
    """Bound the queue of ``demo`` and, for ``mcp``, make it offer its tools; returns what ``Blocks.launch`` needs to know."""
    demo.queue(max_size=limits.queue_size, default_concurrency_limit=limits.concurrency)
    parts = [sessions.kept(demo), memory.tidied, *([mcp_server.offer(demo, accounts)] if mcp else [])]
    return {
        "max_file_size": limits.file_size,
        "auth": list(accounts.items()) or None,
        "app_kwargs": {"middleware": [Middleware(Gate, accounts=accounts)], "lifespan": alive(parts)},
        "state_session_capacity": sessions.SESSIONS,
        "mcp_server": False,  # ours is there already
        "run_history": False,  # which a visitor could let the page copy to the Hub
    }


def alive(parts: Sequence[Lifespan]) -> Lifespan:
    """All ``parts`` as one, begun in this order when the server starts and ended in the other when it stops."""

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for part in parts:
                await stack.enter_async_context(part(app))
            yield

    return lifespan
