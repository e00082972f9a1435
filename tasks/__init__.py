"""Task modules over pretrained Transformers: ``pipeline(name)`` loads one, ``names()`` lists them.

Importing this package imports no model code; a task's own modules are imported when it is asked for.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any

from tasks.core.errors import InputError, UnknownTaskError

__all__ = ["names", "pipeline"]


def names() -> list[str]:
    """Names of the tasks, in the Hub's style (``event-detection``): every folder beside ``core`` is one."""
    return [module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__) if module.ispkg and module.name != "core"]


def pipeline(
    task: str,
    model: str | None = None,
    adapter: str | None = "shipped",
    revision: str | None = None,
    device: str | None = None,
    **options: Any,
) -> Any:
    """Load a task.

    Parameters: ``task`` is one of ``names()``; ``model`` a Hub id or a folder (None: the embedded default
    encoder); ``adapter`` ``"shipped"``, the name of another shipped adapter, a folder, a Hub id, or None for
    no adapter; ``revision`` the commit, tag or branch of what comes from the Hub; ``device`` a torch device
    (None: CUDA where there is one, else CPU). Further ``options`` are the task's own loading options.

    Raises ``UnknownTaskError``, ``InputError``, ``ModelError`` or ``AdapterError``, each with what to do.
    """
    if task not in names():
        raise UnknownTaskError(f"Unknown task {task!r}: choose one of {', '.join(names())}.")
    module = importlib.import_module(f"tasks.{task.replace('-', '_')}.task")
    if foreign := [name for name in options if name not in inspect.signature(module.load).parameters]:
        raise InputError(f"{task} is loaded with no {foreign[0]!r}: leave it out.")
    return module.load(model=model, adapter=adapter, revision=revision, device=device, **options)
