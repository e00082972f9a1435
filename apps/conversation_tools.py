"""What a visitor gives the agent to work with: documents to answer from, and a catalogue to recommend from."""

from __future__ import annotations

from typing import Any

import gradio as gr

from apps import render_recommendation
from apps.components import Load, guarded
from apps.conversation_view import View
from apps.question_documents import adder, shown
from apps.recommendation_own import SAMPLES, Make, Own, teller
from apps.shelf import Shelf
from apps.uploads import PROGRESS
from apps.wishes import SCALE, scale_of
from tasks.core.errors import InputError

NO_FILES = "There are no files yet: drop some on the box."


def connect(load: Load, make: Make, view: View) -> None:
    """Let the buttons add and remove."""
    _documents(load, view)
    _catalogue(make, view)


def _documents(load: Load, view: View) -> None:
    paths, button, table, tools, chosen, remove = view.documents
    held = [view.shelf, table, tools, chosen]
    index = adder(load)

    @guarded
    def add(shelf: Shelf, given: list[str] | None, progress: gr.Progress = PROGRESS) -> tuple[Any, ...]:
        if not given:
            raise InputError(NO_FILES)
        return index(shelf, given, progress)

    @guarded
    def take(shelf: Shelf, name: str | None) -> tuple[Any, ...]:
        shelf.remove(name or "")
        return shown(shelf)

    work: dict[str, Any] = {"api_visibility": "private", "trigger_mode": "once"}
    button.click(add, [view.shelf, paths], [*held, paths], show_progress_on=paths, concurrency_id="talk_documents", **work)
    remove.click(take, [view.shelf, chosen], held, show_progress="hidden", **work)


def _catalogue(make: Make, view: View) -> None:
    *files, button, sample, table, back = view.catalogue

    @guarded
    def read(
        own: Own, items: str | None, ratings: str | None, lowest: float, highest: float, progress: gr.Progress = PROGRESS
    ) -> tuple[Any, ...]:
        told = own.read(items, ratings, scale_of(lowest, highest), make, teller(progress))
        return own, told, gr.Button(visible=True)

    def albums() -> tuple[Any, ...]:
        return Own(), render_recommendation.NOTHING_READ, gr.Button(visible=False), None, None

    inputs, outputs = [view.own, *files], [view.own, table, back]
    work: dict[str, Any] = {"api_visibility": "private", "show_progress_on": table, "trigger_mode": "once"}
    work["concurrency_id"] = "talk_catalogue"
    button.click(read, inputs, outputs, **work)
    sample.click(lambda: (*SAMPLES, *SCALE), None, files, api_visibility="private", queue=False).then(read, inputs, outputs, **work)
    back.click(albums, None, [*outputs, *files[:2]], api_visibility="private", show_progress="hidden")
