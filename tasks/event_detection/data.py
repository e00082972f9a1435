"""JSONL rows -> examples -> features: which units are triggers, of which types, in which label set."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tasks.core.encoder import Encoder, collate
from tasks.core.errors import InputError
from tasks.core.labels import label_text
from tasks.core.text import Tokens, Window
from tasks.event_detection.message import plain_message

Row = dict[str, Any]
Gold = set[tuple[int, int, str]]  # start, end, type; (0, 0, type) for a whole message
LabelSets = dict[str, dict[str, str]]  # set -> name -> description
NOTHING = ("Not labeled", "Not applicable")  # CrisisLexT26's two ways to say that a message reports nothing


def gold_events(row: Row) -> Gold:
    """The events of a row: ``{"text", "events": [...]}``, or a CrisisLexT26 message ``{"text", "type"}``."""
    if "events" in row:
        spans = [(event.get("trigger") or {"start": 0, "end": 0}, event["type"]) for event in row["events"]]
        return {(span["start"], span["end"], name) for span, name in spans}
    if "type" in row:
        return set() if row["type"] in NOTHING else {(0, 0, row["type"])}
    raise InputError('A row needs "events" (or, for whole messages, "type") beside "text".')


def check_rows(rows: Iterable[Row], source: str) -> list[Row]:
    """The rows, each with a text and triggers that lie in it; raises ``InputError`` naming the first bad one."""
    checked = []
    for number, row in enumerate(rows, 1):
        text = row.get("text")
        if not isinstance(text, str):
            raise InputError(f'Row {number} of {source} has no "text".')
        try:
            outside = [span for span in gold_events(row) if not 0 <= span[0] <= span[1] <= len(text)]
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"Row {number} of {source} is not an event-detection row: {error!r} is missing or wrong.") from error
        if outside:
            raise InputError(f"Row {number} of {source} has a trigger outside its text: {outside[0]}.")
        checked.append(row)
    return checked


def choose_label_set(rows: Sequence[Row], declared: LabelSets, name: str) -> tuple[str, dict[str, str]]:
    """The smallest declared set that holds all types of ``rows``; where none does, the rows' own types as set ``name``."""
    types = {event[2] for row in rows for event in gold_events(row)}
    fitting = [(len(labels), key) for key, labels in declared.items() if types <= set(labels)]
    if fitting:
        key = min(fitting)[1]
        return key, declared[key]
    return name, dict.fromkeys(sorted(types), "")


def unit_targets(tokens: Tokens, gold: Gold) -> tuple[dict[int, set[str]], set[int]]:
    """Types of each trigger's first word, and the words that continue a trigger."""
    targets: dict[int, set[str]] = {}
    continued: set[int] = set()
    for start, end, name in gold:
        words = sorted({word for place in range(start, end) if (word := tokens.encoding.char_to_word(place)) is not None})
        if words:
            targets.setdefault(words[0], set()).add(name)
            continued.update(words[1:])
    return targets, continued


def merge_messages(rows: Iterable[Row]) -> list[Row]:
    """One row for all that read the same when made plain (reposts), with their most frequent type."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        text = plain_message(row["text"])
        groups.setdefault(text.lower(), []).append((text, min((name for _, _, name in gold_events(row)), default="")))
    merged = []
    for group in groups.values():
        text, name = group[0][0], Counter(name for _, name in group).most_common(1)[0][0]
        merged.append({"text": text, "events": [{"type": name, "trigger": None}] if name else []})
    return merged


def message_unit(window: Window) -> tuple[list[int], list[int]]:
    """First and last position of the one unit that a message-level window has: all of its tokens."""
    return [0], [len(window.ids) - 1]


def features(encoder: Encoder, rows: Sequence[Row], label_set: str, names: Iterable[str], unit: str) -> list[dict[str, Any]]:
    """One feature a window, ready for ``Collator``; types outside ``names`` (held out) are left out."""
    wanted = set(names)
    rows = merge_messages(rows) if unit == "message" else rows
    tokens, windows = encoder.windower([row["text"] for row in rows])
    gold = [{event for event in gold_events(row) if event[2] in wanted} for row in rows]
    weights = balance([min((name for _, _, name in events), default="") for events in gold]) if unit == "message" else {}
    made = []
    for window in windows:
        events = gold[window.text]
        weight = weights.get(min((name for _, _, name in events), default=""), 1.0)
        made.append(_feature(window, tokens[window.text], events, label_set, unit) | {"row_weight": weight})
    return made


def balance(names: Sequence[str]) -> dict[str, float]:
    """A weight a type: the square root of how much rarer than the mean type it is."""
    counts = Counter(names)
    return {name: (len(names) / len(counts) / count) ** 0.5 for name, count in counts.items()}


def _feature(window: Window, tokens: Tokens, gold: Gold, label_set: str, unit: str) -> dict[str, Any]:
    feature: dict[str, Any] = {"input_ids": window.ids.tolist(), "label_set": label_set}
    if unit == "message":
        first, last = message_unit(window)
        return feature | {"first": first, "last": last, "targets": [[0, name] for _, _, name in sorted(gold)], "continued": [0]}
    targets, continued = unit_targets(tokens, gold)
    words = window.words.tolist()
    pairs = [[place, name] for place, word in enumerate(words) for name in sorted(targets.get(word, ()))]
    flags = [int(word in continued) for word in words]
    return feature | {"first": window.first.tolist(), "last": window.last.tolist(), "targets": pairs, "continued": flags}


class Collator:
    """Features to the tensors of ``EventModel.forward``.

    A share ``hide`` of the batches reads all labels of its sets by their names alone; the others read descriptions
    too, which are long, and so only the gold labels and ``sample`` others of each set (0: all), which then weigh as
    much as all. What is drawn depends on ``seed`` and the rows alone, so a resumed run draws the same.
    """

    def __init__(self, encoder: Encoder, label_sets: Mapping[str, Mapping[str, str]], sample: int, hide: float, seed: int) -> None:
        self.encoder, self.label_sets, self.sample, self.hide, self.seed = encoder, label_sets, sample, hide, seed

    def __call__(self, batch: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Tensors of one batch, by the names of the model's arguments."""
        draw = random.Random(f"{self.seed} {[feature['input_ids'] for feature in batch]}")
        bare = draw.random() < self.hide
        labels, weights = self._draw_labels(batch, draw, 0 if bare else self.sample)
        texts = [label_text(name, "" if bare else self.label_sets[key][name]) for key, name in labels]
        encoded = self.encoder.tokenizer(texts, padding=True, truncation=True, max_length=64, return_tensors="pt", verbose=False)
        place = {label: number for number, label in enumerate(labels)}
        windows = [_window(number, feature) for number, feature in enumerate(batch)]
        units = collate(windows, self.encoder.tokenizer.pad_token_id or 0)
        pairs, offset = [], 0
        for feature in batch:
            pairs += [[offset + unit, place[feature["label_set"], name]] for unit, name in feature["targets"]]
            offset += len(feature["first"])
        allowed = torch.tensor([[float(key == feature["label_set"]) for key, _ in labels] for feature in batch])
        return {
            "input_ids": units.ids,
            "attention_mask": units.mask,
            "row": units.row,
            "first": units.first,
            "last": units.last,
            "label_ids": encoded["input_ids"],
            "label_mask": encoded["attention_mask"],
            "label_weight": torch.tensor(weights)[None, :].expand(len(batch), -1).contiguous(),
            "allowed": allowed,
            "targets": torch.tensor(pairs, dtype=torch.long).reshape(-1, 2),
            "continued": torch.tensor([float(flag) for feature in batch for flag in feature["continued"]]),
            "row_weight": torch.tensor([feature["row_weight"] for feature in batch]),
        }

    def _draw_labels(self, batch: Sequence[dict[str, Any]], draw: random.Random, sample: int) -> tuple[list[tuple[str, str]], list[float]]:
        """The (set, name) of each label to read, and its weight where it is no target."""
        labels: list[tuple[str, str]] = []
        weights: list[float] = []
        for key in sorted({feature["label_set"] for feature in batch}):
            gold = {name for feature in batch if feature["label_set"] == key for _, name in feature["targets"]}
            others = sorted(set(self.label_sets[key]) - gold)
            drawn = draw.sample(others, sample) if 0 < sample < len(others) else others
            labels += [(key, name) for name in [*sorted(gold), *drawn]]
            weights += [1.0] * len(gold) + [len(others) / max(len(drawn), 1)] * len(drawn)
        return labels, weights


def _window(number: int, feature: dict[str, Any]) -> Window:
    first, last = np.array(feature["first"], np.int64), np.array(feature["last"], np.int64)
    return Window(number, np.array(feature["input_ids"], np.int64), first, first, last)
