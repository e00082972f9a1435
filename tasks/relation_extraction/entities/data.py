"""JSONL rows -> features of mentions -> tensors: which word pairs are mentions of which type."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tasks.core.casing import token_shapes
from tasks.core.encoder import Encoder, collate
from tasks.core.text import Tokens, Window, Windower, pad
from tasks.relation_extraction.types import TYPES

Row = dict[str, Any]
Mention = tuple[int, int, str]  # half-open character offsets, type
OVERLAP = 32  # tokens of two neighbouring windows
NAMES = {  # what others call the six types; the first words of a type name decide
    "PER": "per person people",
    "ORG": "org organisation organization corporation company group institution norp team",
    "LOC": "loc location gpe fac place city country facility geo",
    "TIME": "time date tim",
    "NUM": "num number cardinal ordinal quantity percent money",
    "MISC": "misc miscellaneous product creative event work art law language disease chemical drug",
}
_TYPE_OF = {word: name for name, words in NAMES.items() for word in words.split()}


def house_type(name: str | None) -> str | None:
    """One of our six types for the name that a data set or a tagger has for it, None where it is none of them."""
    words = re.split(r"[^a-z]+", (name or "").lower())
    return _TYPE_OF.get(words[0])


def windower_of(encoder: Encoder) -> Windower:
    """Windows that list all their words: a mention belongs to the window that owns its first word."""
    return Windower(encoder.tokenizer, encoder.windower.size, OVERLAP, whole=True)


def gold_mentions(row: Row) -> set[Mention]:
    """The mentions of a row with their types as ours; entities without a type are not counted."""
    found = set()
    for entity in row.get("entities", ()):
        if name := house_type(entity.get("type")):
            found |= {(span["start"], span["end"], name) for span in entity.get("mentions", [entity])}
    return found


def known_types(rows: Iterable[Row]) -> tuple[str, ...]:
    """The types that a file is annotated with: those that it has."""
    present = {name for row in rows for _, _, name in gold_mentions(row)}
    return tuple(name for name in TYPES if name in present)


def lower_cased(rows: Sequence[Row], share: float, seed: int) -> list[Row]:
    """So many more rows as ``share`` of ``rows``, without their capitals; none whose length this would change."""
    drawn = random.Random(seed).sample(rows, round(share * len(rows)))
    return [row | {"text": row["text"].lower()} for row in drawn if len(row["text"].lower()) == len(row["text"])]


def features(encoder: Encoder, rows: Sequence[Row], known: Sequence[str]) -> list[dict[str, Any]]:
    """One feature a window, ready for ``Collator``; ``known``: the types that the rows are annotated with."""
    tokens, windows = windower_of(encoder)([row["text"] for row in rows])
    made = []
    for window in windows:
        row = rows[window.text]
        placed = [_in_window(window, tokens[window.text], mention) for mention in sorted(gold_mentions(row))]
        made.append(
            {
                "input_ids": window.ids.tolist(),
                "shapes": token_shapes(row["text"], tokens[window.text], window).tolist(),
                "first": window.first.tolist(),
                "last": window.last.tolist(),
                "spans": [span for span in placed if span is not None],
                "known": [name in known for name in TYPES],
            }
        )
    return made


def _in_window(window: Window, tokens: Tokens, mention: Mention) -> list[int] | None:
    """A mention as [type, first and last word by places in the window]; None where it does not lie in it whole."""
    words = tokens.words_in(*mention[:2])
    if words is None or words[0] < window.words[0] or words[1] > window.words[-1]:
        return None
    return [TYPES.index(mention[2]), *np.searchsorted(window.words, words).tolist()]


class Collator:
    """Features to the tensors of ``EntityModel.forward``."""

    def __init__(self, encoder: Encoder) -> None:
        self.pad = encoder.tokenizer.pad_token_id or 0

    def __call__(self, batch: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Tensors of one batch, by the names of the model's arguments."""
        windows = collate([_window(number, feature) for number, feature in enumerate(batch)], self.pad)
        spans = sorted({(number, *span) for number, feature in enumerate(batch) for span in feature["spans"]})
        return {
            "input_ids": windows.ids,
            "attention_mask": windows.mask,
            "shapes": torch.from_numpy(pad([np.array(feature["shapes"], np.int64) for feature in batch], 0)[0]),
            "row": windows.row,
            "first": windows.first,
            "last": windows.last,
            "spans": torch.tensor(spans, dtype=torch.long).reshape(-1, 4),
            "known": torch.tensor([feature["known"] for feature in batch]),
        }


def _window(number: int, feature: Mapping[str, Any]) -> Window:
    first, last = np.array(feature["first"], np.int64), np.array(feature["last"], np.int64)
    return Window(number, np.array(feature["input_ids"], np.int64), first, first, last)
