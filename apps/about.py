"""What an app says of itself: each declares its own ``ABOUT``, from which the start page and "Use it in your code" are made."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apps.components import Load


@dataclass(frozen=True, slots=True)
class Live:
    """A short input that a card quotes, and what runs the task's pipeline on it and gives the HTML of its result."""

    given: str
    run: Callable[[Load], str]


@dataclass(frozen=True, slots=True)
class Usage:
    """The same call in every form: an endpoint with its named arguments, Python code that prints, a command for the terminal."""

    endpoint: str
    arguments: dict[str, Any]
    python: str
    terminal: str


@dataclass(frozen=True, slots=True)
class About:
    """A sentence or two for a newcomer, why it matters, and examples; those that there are not are left out of the page."""

    what: str
    why: str = ""
    live: Live | None = None
    usage: Usage | None = None


def module(task: str) -> str:
    """The name of a task's app."""
    return f"apps.{task.replace('-', '_')}"


def about(task: str) -> About:
    """What the app of ``task`` says of itself; one that declares nothing is told by the first line of its docstring."""
    app = importlib.import_module(module(task))
    declared = getattr(app, "ABOUT", None)
    return declared if isinstance(declared, About) else About((getattr(app, "__doc__", None) or "").strip().split("\n")[0])
