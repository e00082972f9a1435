"""Every app as a tab of one page. Nothing is listed here: a task with a module of its name in ``apps`` has an app."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from typing import Any

import gradio as gr

import tasks
from apps import start, usage
from apps.about import about, module
from apps.components import PIPELINES, Load, header, page

NAME = "Quipu"
WHAT = "Applications of deep learning on text, on your own machine."


def names() -> list[str]:
    """The tasks that have an app."""
    return [task for task in tasks.names() if importlib.util.find_spec(module(task))]


def title(task: str) -> str:
    """A task's name as a heading: ``event-detection`` is "Event detection"."""
    return task.replace("-", " ").capitalize()


def build(chosen: Sequence[str] | None = None, load: Load = PIPELINES) -> gr.Blocks:
    """The page with the ``chosen`` apps (None: all): in tabs behind a start page, if there are several."""
    apps = {task: importlib.import_module(module(task)).build(load) for task in chosen or names()}
    demo = page()
    with demo:
        header(NAME, WHAT)
        if len(apps) == 1:
            gr.Markdown(f"## {title(next(iter(apps)))}")
            _app(*next(iter(apps.items())))
        else:
            with gr.Tabs() as tabs:
                with gr.Tab(start.TITLE, id="start"):
                    start.build({task: (title(task), about(task)) for task in apps}, load, tabs)
                for task, app in apps.items():
                    with gr.Tab(title(task), id=task):
                        _app(task, app)
    return demo


def _app(task: str, app: Any) -> None:
    """An app in the current place, and below it how it is used in code."""
    app.render()
    usage.build(task, about(task))
