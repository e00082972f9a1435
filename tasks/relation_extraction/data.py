"""JSONL rows -> features -> tensors: which pairs of a text's entities are related, and which labels that is known of."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from tasks.core.encoder import Encoder, position_limit
from tasks.core.errors import InputError
from tasks.core.labels import label_text
from tasks.core.text import Ints, Tokens, Window, Windower
from tasks.relation_extraction.entities.data import house_type
from tasks.relation_extraction.types import TYPES

Row = dict[str, Any]
Place = tuple[int, int]  # half-open character offsets
Triple = tuple[int, int, str]  # head, tail (entities of the row by number), relation
Endpoints = Mapping[str, Sequence[str]]  # relation -> "PER LOC", ...: the types that its head and tail can have
WINDOW, OVERLAP = 256, 64  # tokens: half of Re-DocRED's relations cross sentences, and few of its documents are longer
TRAINING_WINDOW, TRAINING_OVERLAP = 128, 32  # of training rows: a third of the time, and twice the steps
UNTYPED = len(TYPES)
LONGEST_LABEL = 48  # tokens of a label text in training
KINDS = 1 + 2 * (len(TYPES) + 1)  # of a token: in no entity; first or further token of a mention of each type or of none
UNRELATED = 16  # pairs of a training row without a relation that a batch reads
UNTYPED_SHARE = 0.2  # of training rows read without their entities' types, as callers may give them
SYMMETRIC = ("sibling", "spouse", "said to be the same as", "sister city")  # in FewRel, which says each pair one way only


class Given(NamedTuple):
    """An entity as the model reads it: its type, None where it has none of ours, and where it is mentioned."""

    type: str | None
    mentions: tuple[Place, ...]


def windower_of(encoder: Encoder, size: int = WINDOW, overlap: int = OVERLAP) -> Windower:
    """Windows that list all their words: a pair is read in every window that mentions both."""
    size = position_limit(encoder.tokenizer, encoder.model.config, size)
    return Windower(encoder.tokenizer, size, min(overlap, size // 3), whole=True)


def given_entities(row: Row) -> list[Given]:
    """The entities of a row."""
    return [
        Given(house_type(each.get("type")), tuple((span["start"], span["end"]) for span in each.get("mentions", [each])))
        for each in row["entities"]
    ]


def gold_relations(row: Row) -> set[Triple]:
    """The relations of a row."""
    return {(each["head"], each["tail"], each["type"]) for each in row.get("relations", ())}


def told_labels(row: Row) -> dict[str, str] | None:
    """The relations that a row says it knows of (a list of names, or name -> description); None where it does not say."""
    if "labels" not in row:
        return None
    labels = row["labels"]
    return dict(labels) if isinstance(labels, Mapping) else dict.fromkeys(labels, "")


def is_choice(rows: Sequence[Row]) -> bool:
    """Whether each row asks for the one relation of two marked words, as FewRel and SemEval-2010 do."""
    return all(len(row["entities"]) == 2 and "labels" not in row and len(row.get("relations", ())) <= 1 for row in rows)


def both_ways(rows: Iterable[Row]) -> bool:
    """Whether the direction is asked for too: some relations go from the second entity to the first."""
    return any(head > tail for row in rows for head, tail, _ in gold_relations(row))


def check_rows(rows: Iterable[Row], source: str) -> list[Row]:
    """The rows, each with entities and relations that fit its text; raises ``InputError`` naming the first bad one."""
    checked = []
    for number, row in enumerate(rows, 1):
        if not isinstance(row.get("text"), str):
            raise InputError(f'Row {number} of {source} has no "text".')
        try:
            problem = _problem(row)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise InputError(f"Row {number} of {source} is not a relation-extraction row: {error!r} is missing or wrong.") from error
        if problem:
            raise InputError(f"Row {number} of {source} {problem}.")
        checked.append(row)
    return checked


def _problem(row: Row) -> str | None:
    entities = given_entities(row)
    for start, end in (place for entity in entities for place in entity.mentions):
        if not 0 <= start < end <= len(row["text"]):
            return f"has an entity outside its text: {(start, end)}"
    for head, tail, name in gold_relations(row):
        if not (0 <= head < len(entities) and 0 <= tail < len(entities)) or head == tail:
            return f"has a relation {name!r} between entities {head} and {tail}, of {len(entities)}"
        if "labels" in row and name not in row["labels"]:
            return f'has a relation {name!r} that is not among its "labels"'
    return None


def count_endpoints(rows: Iterable[Row], least: int = 10, share: float = 0.01) -> dict[str, list[str]]:
    """For each relation that ``least`` typed pairs have, the pairs of types that make up ``share`` of these or more."""
    counts: dict[str, dict[str, int]] = {}
    for row in rows:
        entities = given_entities(row)
        for head, tail, name in gold_relations(row):
            one, other = entities[head].type, entities[tail].type
            if one and other:
                own = counts.setdefault(name, {})
                own[f"{one} {other}"] = own.get(f"{one} {other}", 0) + 1
    return {
        name: sorted(pair for pair, count in own.items() if count >= share * sum(own.values()))
        for name, own in sorted(counts.items())
        if sum(own.values()) >= least
    }


@dataclass(frozen=True, slots=True)
class Placed:
    """The entities of one window.

    ``kinds`` (tokens,): the kind of each token; ``present``: the numbers of the entities that the window mentions whole;
    ``pairs`` (pairs, 6): head and tail, counted through ``present``, and the first and last tokens of their mentions: of
    those two which are closest to each other.
    """

    kinds: Ints
    present: list[int]
    pairs: Ints


def place_entities(window: Window, tokens: Tokens, entities: Sequence[Given]) -> Placed:
    """Where the entities of the text stand in one of its windows; a mention that it holds half of is not there."""
    kinds = np.zeros(len(window.ids), np.int64)
    mentions: list[tuple[int, int, int]] = []
    present: list[int] = []
    for number, entity in enumerate(entities):
        kind = 1 + 2 * (TYPES.index(entity.type) if entity.type else UNTYPED)
        spans = [span for place in entity.mentions if (span := _token_span(window, tokens, place)) is not None]
        for first, last in spans:
            kinds[first : last + 1] = kind + 1
            kinds[first] = kind
        if spans:
            mentions += [(len(present), first, last) for first, last in spans]
            present.append(number)
    return Placed(kinds, present, _closest(np.array(mentions, np.int64).reshape(-1, 3)))


def _closest(mentions: Ints) -> Ints:
    """For each pair of different entities of ``mentions`` (entity, first, last) the two mentions with the least between them."""
    entity, first, last = mentions.T
    gap = np.maximum(first[:, None] - last[None, :], first[None, :] - last[:, None])
    one, other = np.nonzero(entity[:, None] != entity[None, :])
    order = np.argsort(gap[one, other], kind="stable")
    one, other = one[order], other[order]
    _, nearest = np.unique(entity[one] * (entity.max(initial=0) + 1) + entity[other], return_index=True)
    one, other = one[nearest], other[nearest]
    return np.stack([entity[one], entity[other], first[one], last[one], first[other], last[other]], axis=1)


def _token_span(window: Window, tokens: Tokens, place: Place) -> Place | None:
    words = tokens.words_in(*place)
    if words is None or not len(window.words) or words[0] < window.words[0] or words[1] > window.words[-1]:
        return None
    one, other = np.searchsorted(window.words, words).tolist()
    return int(window.first[one]), int(window.last[other])


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
        if not len(placed.pairs) or left_out:
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
                "labels": sorted(wanted & set(row["labels"])) if "labels" in row else None,
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
