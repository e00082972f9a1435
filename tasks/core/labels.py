"""Labels are text: a name, and a description where there is one, encoded by the task's own encoder."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor

from tasks.core.errors import InputError

MAX_LABELS = 1000
Labels = Mapping[str, str]  # name -> description, "" where there is none


def readable(name: str) -> str:
    """The words of a type name: ``Cause_to_be_included`` -> ``cause to be included``, ``Life.BeBorn`` -> ``life: be born``."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.replace("_", " ")).replace(".", ": ")
    return " ".join(words.split()).lower()


def label_text(name: str, description: str = "") -> str:
    """What the encoder reads for a label."""
    return f"{readable(name)}: {description}" if description else readable(name)


def check_labels(labels: object, known: Labels) -> dict[str, str]:
    """A user's labels (names, or name -> description) as a name -> description dict.

    A name that the adapter knows brings its description. Raises ``InputError`` for a list that is empty,
    holds a blank, a doubled or a non-string label, or is longer than ``MAX_LABELS``.
    """
    if isinstance(labels, str) or not isinstance(labels, Iterable):
        raise InputError('labels must be a list of names, such as ["flood", "evacuation"], or name -> description.')
    names = list(labels)
    if not names:
        raise InputError("The label list is empty: give at least one label, or leave it out for the default ones.")
    if len(names) > MAX_LABELS:
        raise InputError(f"{len(names):,} labels are too many: give at most {MAX_LABELS:,} at a call.")
    seen: set[str] = set()
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise InputError(f"A label must be a non-empty string, not {name!r}.")
        if name.strip().casefold() in seen:
            raise InputError(f"Label {name.strip()!r} is given twice: give each label once.")
        seen.add(name.strip().casefold())
    if isinstance(labels, Mapping):
        return {name.strip(): _description(name, labels[name]) for name in names}
    return {name.strip(): known.get(name.strip(), "") for name in names}


def _description(name: str, value: object) -> str:
    if value is not None and not isinstance(value, str):
        raise InputError(f"The description of label {name!r} must be a string, not {type(value).__name__}.")
    return " ".join((value or "").split())


class LabelCache:
    """Embeddings of label texts, computed once each; safe to use from several threads."""

    def __init__(self, embed: Callable[[Sequence[str]], Tensor], limit: int = 20_000) -> None:
        self._embed, self._limit = embed, limit
        self._rows: dict[str, Tensor] = {}
        self._lock = threading.Lock()

    def __call__(self, labels: Labels) -> Tensor:
        """Embeddings (labels, width) in the order of ``labels``."""
        texts = [label_text(name, description) for name, description in labels.items()]
        with self._lock:
            new = sorted({text for text in texts if text not in self._rows})
            if len(self._rows) + len(new) > self._limit:
                self._rows.clear()
                new = sorted(set(texts))
            if new:
                self._rows.update(zip(new, self._embed(new).unbind(), strict=True))
            return torch.stack([self._rows[text] for text in texts])
