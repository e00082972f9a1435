"""JSONL rows -> features -> tensors: what kinds a message is of, and which of its words are things, tastes and events.

A row is ``{"text", "kinds": [...]}``, and where its words are annotated too, ``"things": [{"start", "end", "text", "sign"?}]``, ``"events":
[{"type", "start", "end", "text"}]`` and ``"facts": [{"head", "type", "tail"}]``, which index ``things``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tasks.conversation.types import KINDS
from tasks.core.casing import token_shapes
from tasks.core.encoder import Encoder, collate
from tasks.core.labels import label_text
from tasks.core.rows import check_rows as check_row_list
from tasks.core.text import Tokens, Window, Windower, pad

Row = dict[str, Any]
Mark = tuple[int, int, str]  # half-open character offsets, one of MARKS
MARKS = ("thing", "liked", "disliked", "event")
SPANS = ("thing", "event")  # what is tagged; whether a thing is liked is asked of each of its words apart
TAGS = 1 + 2 * len(SPANS)  # none; the first and the further words of each
SIGNS = ("thing", "liked", "disliked")
UNKNOWN = -100  # the tag of a word that is not annotated
OVERLAP = 32  # tokens of two neighbouring windows


def check_rows(rows: Iterable[Row], source: str) -> list[Row]:
    """The rows; raises ``InputError`` naming the first bad one."""
    return check_row_list(rows, source, "conversation", _problem)


def _problem(row: Row) -> str | None:
    if foreign := [kind for kind in row["kinds"] if kind not in KINDS]:
        return f"has the kind {foreign[0]!r}: choose from {', '.join(KINDS)}"
    spans = [*row.get("things", ()), *row.get("events", ())]
    if wrong := [span for span in spans if row["text"][span["start"] : span["end"]] != span["text"] or not span["text"]]:
        return f"has a span that is not in its text: {wrong[0]}"
    count = len(row.get("things", ()))
    if any(not (0 <= fact["head"] < count and 0 <= fact["tail"] < count) for fact in row.get("facts", ())):
        return "has a fact about a thing that it does not list"
    return None


def gold_marks(row: Row) -> set[Mark]:
    """What the words of an annotated row are."""
    signs = {1: "liked", -1: "disliked"}
    marks = {(each["start"], each["end"], signs.get(each.get("sign", 0), "thing")) for each in row.get("things", ())}
    return marks | {(each["start"], each["end"], "event") for each in row.get("events", ())}


def windower_of(encoder: Encoder) -> Windower:
    """Windows that list all their words: a span belongs to the window that owns its first word."""
    return Windower(encoder.tokenizer, encoder.windower.size, OVERLAP, whole=True)


def features(encoder: Encoder, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """One feature a window, ready for ``Collator``."""
    tokens, windows = windower_of(encoder)([row["text"] for row in rows])
    return [
        {
            "input_ids": window.ids.tolist(),
            "shapes": token_shapes(rows[window.text]["text"], tokens[window.text], window).tolist(),
            "first": window.first.tolist(),
            "last": window.last.tolist(),
            **_tags(window, tokens[window.text], rows[window.text]),
            "kinds": [float(kind in rows[window.text]["kinds"]) for kind in KINDS],
        }
        for window in windows
    ]


def _tags(window: Window, tokens: Tokens, row: Row) -> dict[str, list[int]]:
    """Of each word its tag, 0 or ``1 + 2 * span`` for the first word of a span and one more for the others; and of things the sign."""
    if "things" not in row:
        return {name: [UNKNOWN] * len(window.words) for name in ("tags", "signs")}
    tags, signs = dict.fromkeys(window.words.tolist(), 0), dict.fromkeys(window.words.tolist(), UNKNOWN)
    for start, end, mark in sorted(gold_marks(row)):
        first, last = tokens.words_in(start, end) or (0, -1)
        for word in range(first, last + 1):
            if word in tags:
                tags[word] = 1 + 2 * SPANS.index("event" if mark == "event" else "thing") + int(word > first)
                signs[word] = UNKNOWN if mark == "event" else SIGNS.index(mark)
    return {"tags": list(tags.values()), "signs": list(signs.values())}


class Collator:
    """Features to the tensors of ``MessageModel.forward``."""

    def __init__(self, encoder: Encoder) -> None:
        self.pad = encoder.tokenizer.pad_token_id or 0
        texts = [label_text(name, text) for name, text in KINDS.items()]
        size = min(64, encoder.windower.size)
        self.labels = encoder.tokenizer(texts, padding=True, truncation=True, max_length=size, return_tensors="pt", verbose=False)

    def __call__(self, batch: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Tensors of one batch, by the names of the model's arguments."""
        units = collate([_window(number, feature) for number, feature in enumerate(batch)], self.pad)
        return {
            "input_ids": units.ids,
            "attention_mask": units.mask,
            "shapes": torch.from_numpy(pad([np.array(feature["shapes"], np.int64) for feature in batch], 0)[0]),
            "row": units.row,
            "first": units.first,
            "last": units.last,
            "tags": torch.tensor([tag for feature in batch for tag in feature["tags"]], dtype=torch.long),
            "signs": torch.tensor([sign for feature in batch for sign in feature["signs"]], dtype=torch.long),
            "label_ids": self.labels["input_ids"],
            "label_mask": self.labels["attention_mask"],
            "kinds": torch.tensor([feature["kinds"] for feature in batch]),
        }


def _window(number: int, feature: Mapping[str, Any]) -> Window:
    first, last = np.array(feature["first"], np.int64), np.array(feature["last"], np.int64)
    return Window(number, np.array(feature["input_ids"], np.int64), first, first, last)
