"""What the server keeps of each visitor."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from apps import sessions
from tests.pages import building


@pytest.fixture
def demo() -> gr.Blocks:
    with building(), gr.Blocks() as made:
        gr.State([])
        gr.Textbox("ink")
    return made


def kept(demo: gr.Blocks, capacity: int = 5) -> sessions.Sessions:
    """The sessions of a page that is served."""
    app, demo.state_session_capacity = SimpleNamespace(state_holder=None), capacity

    async def live() -> Any:
        async with sessions.kept(demo)(app):
            return app.state_holder

    found: sessions.Sessions = asyncio.run(live())
    assert found is demo.state_holder and isinstance(found, sessions.Sessions)
    return found


def test_a_new_session_copies_no_component_and_changes_reach_it_alone(demo: gr.Blocks) -> None:
    found = kept(demo)
    state, box = (next(number for number, each in demo.blocks.items() if isinstance(each, kind)) for kind in (gr.State, gr.Textbox))
    assert found["ann"].config_values == {}
    found["ann"][state].append("hers")
    found["ann"][box] = gr.Textbox("red ink", render=False)
    assert (found["ann"][state], found["ben"][state]) == (["hers"], [])
    assert (found["ann"][box].value, found["ben"][box].value) == ("red ink", "ink")
    assert [each["id"] for each in found["ann"].components] == [box] and not list(found["ben"].components)


def test_those_used_last_are_kept(demo: gr.Blocks) -> None:
    found = kept(demo, capacity=2)
    for name in ("ann", "ben", "ann", "cy"):
        found[name]
    assert [name in found for name in ("ann", "ben", "cy")] == [True, False, True]
