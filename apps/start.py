"""The start page: in a minute what each app does, why it matters, and a live example of each."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from apps.about import About, Live
from apps.components import Load, guarded

TITLE = "Start"
WELCOME = (
    "Each card is an application that reads text for you. Press “Try it” to see it work on a short example, and “Open” to use it on "
    "your own words. Everything runs on this machine; nothing that you type leaves it."
)


def _words(name: str, said: About) -> str:
    why = f'<p class="why">{html.escape(said.why)}</p>' if said.why else ""
    given = f'<blockquote translate="no">{html.escape(said.live.given)}</blockquote>' if said.live else ""
    return f'<div class="said"><h2>{html.escape(name)}</h2><p>{html.escape(said.what)}</p>{why}{given}</div>'


def _tryer(live: Live, load: Load) -> Callable[[], gr.HTML]:
    @guarded
    def try_it() -> gr.HTML:
        return gr.HTML(live.run(load), visible=True)

    return try_it


def _card(task: str, name: str, said: About, load: Load, tabs: gr.Tabs) -> None:
    with gr.Column(elem_classes="card", elem_id=f"card-{task}", min_width=0):
        gr.HTML(_words(name, said), padding=False)
        with gr.Row(elem_classes="buttons"):
            run = gr.Button("Try it", size="md", min_width=0) if said.live else None
            go = gr.Button("Open", variant="primary", size="md", min_width=0)
        shown = gr.HTML(visible=False, padding=False, elem_classes="live")
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
    go.click(lambda: gr.Tabs(selected=task), None, tabs, **quiet)
    if run and said.live:
        run.click(_tryer(said.live, load), None, shown, api_visibility="private", show_progress_on=run, trigger_mode="once")


def build(apps: Mapping[str, tuple[str, About]], load: Load, tabs: gr.Tabs) -> None:
    """Fill the current tab with a card for each of ``apps`` (task -> name and what it says); ``tabs`` are those that "Open" turns."""
    gr.HTML(f'<p class="welcome">{WELCOME}</p>', padding=False)
    with gr.Row(elem_classes="cards"):
        for task, (name, said) in apps.items():
            _card(task, name, said, load, tabs)
