"""Rows -> features -> tensors: which pairs of a window's entities are related, and which relations that is known of."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from tasks.core.encoder import Encoder
from tasks.core.labels import label_text
from tasks.relation_extraction.data import (
    UNTYPED,
    Row,
    both_ways,
    given_entities,
    gold_relations,
    is_choice,
    place_entities,
    windower_of,
)

TRAINING_WINDOW, TRAINING_OVERLAP = 128, 32  # of training rows: a third of the time, and twice the steps
UNRELATED = 16  # pairs of a training row without a relation that a batch reads
UNTYPED_SHARE = 0.2  # of training rows read without their entities' types, as callers may give them
SYMMETRIC = ("sibling", "spouse", "said to be the same as", "sister city")  # in FewRel, which says each pair one way only
LONGEST_LABEL = 48  # tokens of a label text in training


def features(encoder: Encoder, rows: Sequence[Row], source: str, names: Iterable[str]) -> list[dict[str, Any]]:
    """One feature a window with two entities or more, ready for ``Collator``.

    ``source``: the label set of the file; ``names``: the relations that are trained on, others are left out.
    """
    wanted, choice, directed = set(names), is_choice(rows), both_ways(rows)
    tokens, windows = windower_of(encoder, TRAINING_WINDOW, TRAINING_OVERLAP)([row["text"] for row in rows])
    entities = [given_entities(row) for row in rows]
    made = []
    for window in windows:
        row = rows[window.text]
        placed = place_entities(window, tokens[window.text], entities[window.text])
        gold = {triple for triple in gold_relations(row) if triple[2] in wanted}
        left_out = choice and len(gold) < len(gold_relations(row))
        labels = sorted(wanted & set(row["labels"])) if "labels" in row else None
        if not len(placed.pairs) or left_out or labels == []:
            continue
        at = {(placed.present[one], placed.present[other]): number for number, (one, other) in enumerate(placed.pairs[:, :2].tolist())}
        cells = sorted((at[head, tail], name) for head, tail, name in gold if (head, tail) in at)
        made.append(
            {
                "input_ids": window.ids.tolist(),
                "kinds": placed.kinds.tolist(),
                "pairs": placed.pairs[:, 2:].tolist(),
                "cells": cells,
                "choice": choice,
                "directed": directed,
                "label_set": source,
                "labels": labels,
            }
        )
    return made


def with_pairs(rows: Sequence[tuple[ArrayLike, ArrayLike, ArrayLike]], pad_id: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The fields of ``model.Reading`` of windows with pairs, each (ids, kinds, (pairs, 4) mentions)."""
    arrays = [(np.asarray(ids), np.asarray(kinds), np.asarray(pairs, np.int64).reshape(-1, 4)) for ids, kinds, pairs in rows]
    longest = max(len(ids) + 2 * len(pairs) for ids, _, pairs in arrays)
    ids, kinds = np.full((len(rows), longest), pad_id), np.zeros((len(rows), longest), np.int64)
    owner = np.full((len(rows), longest), -1)
    placed = []
    for row, (own, marks, pairs) in enumerate(arrays):
        text, count = len(own), len(pairs)
        ids[row, :text], kinds[row, :text], owner[row, :text] = own, marks, 0
        owner[row, text : text + 2 * count] = np.repeat(np.arange(1, count + 1), 2)
        places = text + 2 * np.arange(count)
        placed.append(np.concatenate([np.full((count, 1), row), places[:, None], pairs], axis=1))
    return torch.from_numpy(ids), torch.from_numpy(kinds), torch.from_numpy(owner), torch.from_numpy(np.concatenate(placed))


class Collator:
    """Features to the tensors of ``RelationModel.forward``.

    A share ``hide`` of the batches reads labels by their names alone, all of its label sets; the others read descriptions
    too, which are long, and so only the gold labels and ``sample`` others of each set, which then weigh as much as all.
    What is drawn depends on ``seed`` and the rows alone, so a resumed run draws the same.
    """

    def __init__(self, encoder: Encoder, label_sets: Mapping[str, Mapping[str, str]], sample: int, hide: float, seed: int) -> None:
        self.encoder, self.label_sets, self.sample, self.hide, self.seed = encoder, label_sets, sample, hide, seed
        self.descriptions = {name: text for labels in label_sets.values() for name, text in labels.items() if text}

    def __call__(self, batch: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Tensors of one batch, by the names of the model's arguments."""
        draw = random.Random(f"{self.seed} {[feature['input_ids'] for feature in batch]}")
        bare = draw.random() < self.hide
        weights = self._draw_labels(batch, draw, 0 if bare else self.sample)
        names = list(weights)
        texts = {name: label_text(name, "" if bare else self.descriptions.get(name, "")) for name in names}
        names.sort(key=lambda name: len(texts[name]))
        encoded = self.encoder.tokenizer(
            [texts[name] for name in names], padding=True, truncation=True, max_length=LONGEST_LABEL, return_tensors="pt", verbose=False
        )
        batch = [self._sample_pairs(each, draw) for each in batch]
        kinds = [_without_types(each["kinds"]) if draw.random() < UNTYPED_SHARE else each["kinds"] for each in batch]
        rows = [(each["input_ids"], own, each["pairs"]) for each, own in zip(batch, kinds, strict=True)]
        known, truth = self._cells(batch, names)
        fields = dict(
            zip(("input_ids", "kinds", "owner", "pairs"), with_pairs(rows, self.encoder.tokenizer.pad_token_id or 0), strict=True)
        )
        return fields | {
            "pair_weight": torch.tensor([weight for each in batch for weight in each["pair_weight"]]),
            "choice": torch.tensor([each["choice"] for each in batch]),
            "label_ids": encoded["input_ids"],
            "label_mask": encoded["attention_mask"],
            "label_weight": torch.tensor([weights[name] for name in names]),
            "known": known,
            "truth": truth,
        }

    def _sample_pairs(self, feature: Mapping[str, Any], draw: random.Random) -> dict[str, Any]:
        """The feature with its related pairs and ``UNRELATED`` others at most, which then weigh as much as all."""
        related = sorted({pair for pair, _ in feature["cells"]})
        others = [pair for pair in range(len(feature["pairs"])) if pair not in set(related)]
        drawn = sorted(draw.sample(others, min(len(others), UNRELATED)))
        place = {pair: number for number, pair in enumerate([*related, *drawn])}
        return {
            **feature,
            "pairs": [feature["pairs"][pair] for pair in place],
            "cells": [(place[pair], name) for pair, name in feature["cells"]],
            "pair_weight": [1.0] * len(related) + [len(others) / max(len(drawn), 1)] * len(drawn),
        }

    def _draw_labels(self, batch: Sequence[Mapping[str, Any]], draw: random.Random, sample: int) -> dict[str, float]:
        """The labels to read, and what each weighs where it is not true."""
        weights: dict[str, float] = {}
        for each in batch:
            weights |= dict.fromkeys([name for _, name in each["cells"]] + (each["labels"] or []), 1.0)
        for key in sorted({each["label_set"] for each in batch if each["labels"] is None}):
            others = sorted(set(self.label_sets[key]) - set(weights))
            drawn = draw.sample(others, sample) if 0 < sample < len(others) else others
            weights |= dict.fromkeys(drawn, len(others) / max(len(drawn), 1))
        return weights

    def _cells(self, batch: Sequence[Mapping[str, Any]], names: Sequence[str]) -> tuple[Tensor, Tensor]:
        """(pairs, labels): of which pairs and labels the rows tell, and which of these hold."""
        count, column = sum(len(each["pairs"]) for each in batch), {name: number for number, name in enumerate(names)}
        known, truth = torch.zeros(2, count, len(names), dtype=torch.bool)
        start = 0
        for each in batch:
            rows = slice(start, start + len(each["pairs"]))
            for pair, name in each["cells"]:
                truth[start + pair, column[name]] = True
            told = each["labels"] if each["labels"] is not None else self.label_sets[each["label_set"]]
            columns = torch.tensor([column[name] for name in told if name in column], dtype=torch.long)
            if not each["choice"] or each["directed"]:
                known[rows, columns] = True
            elif each["cells"]:
                ((pair, name),) = each["cells"]
                known[start + pair, columns] = True
                known[start + 1 - pair, column[name]] = name not in SYMMETRIC
            start += len(each["pairs"])
        return known, truth


def _without_types(kinds: Sequence[int]) -> list[int]:
    """The same kinds as of entities without types."""
    return [kind and 2 * UNTYPED + (1 if kind % 2 else 2) for kind in kinds]
