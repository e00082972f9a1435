"""What the server keeps of each visitor: their state, without a copy of the page.

For links into a page's state ("deep links", of which this page has none) Gradio copies what it knows of every component into every new
session, and keeps ten thousand sessions: of this page nearly a megabyte each, and some 30 ms to make
(``python -m tests.benchmarks.showcase``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import SimpleNamespace
from typing import Any

import gradio as gr
from gradio.state_holder import SessionState, StateHolder

Lifespan = Callable[[Any], AbstractAsyncContextManager[None]]
SESSIONS = 2000  # those used last; who comes back after so many others finds a fresh page


class Session(SessionState):
    """One visitor's; what is copied of a component is made once that component changes."""

    def __init__(self, blocks: gr.Blocks) -> None:
        nothing: Any = SimpleNamespace(default_config=blocks.default_config, blocks={})
        super().__init__(nothing)


class Sessions(StateHolder):
    """All visitors'."""

    def __init__(self, demo: gr.Blocks) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.set_blocks(demo)

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            self.session_data[session_id] = Session(self.blocks)
        return super().__getitem__(session_id)


def kept(demo: gr.Blocks) -> Lifespan:
    """What lets the server of ``demo`` keep its sessions in this way, as long as it lives."""

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        app.state_holder = Sessions(demo)
        yield

    return lifespan
