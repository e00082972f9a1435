"""Every app as a tab of one page. Nothing is listed here: a task with a module of its name in ``apps`` has an app."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence

import gradio as gr

import tasks
from apps.components import PIPELINES, Load, header, page

NAME = "Quipu"
WHAT = "Applications of deep learning on text, on your own machine."


def names() -> list[str]:
    """The tasks that have an app."""
    return [task for task in tasks.names() if importlib.util.find_spec(_module(task))]


def _module(task: str) -> str:
    return f"apps.{task.replace('-', '_')}"


def title(task: str) -> str:
    """A task's name as a heading: ``event-detection`` is "Event detection"."""
    return task.replace("-", " ").capitalize()


def build(chosen: Sequence[str] | None = None, load: Load = PIPELINES) -> gr.Blocks:
    """The page with the ``chosen`` apps (None: all), in tabs if there are several."""
    apps = {task: importlib.import_module(_module(task)).build(load) for task in chosen or names()}
    demo = page()
    with demo:
        header(NAME, WHAT)
        if len(apps) == 1:
            gr.Markdown(f"## {title(next(iter(apps)))}")
            next(iter(apps.values())).render()
        else:
            with gr.Tabs():
                for task, app in apps.items():
                    with gr.Tab(title(task), id=task):
                        app.render()
    return demo
