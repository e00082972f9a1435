"""Original public files of a data set into our rows: one module per data set, found by ``names()``.

    python -m finetune.convert maven train.jsonl --output maven.train.jsonl

A converter is a module in this folder with a docstring (what the data set is, whose, its licence, where to get
it, its layout) and ``convert(path)``, which yields rows in our format; a converter of P-ids is ``convert(path, names)``
and gets the file of ``--names``. Adding one is adding a file; a name that begins with an underscore is a helper.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

__all__ = ["load", "names"]


def names() -> list[str]:
    """Names of the converters."""
    return [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]


def load(name: str) -> ModuleType:
    """The converter ``name``, one of ``names()``."""
    return importlib.import_module(f"{__name__}.{name}")
