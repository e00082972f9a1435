"""JSONL rows, and where their entities stand in the windows that the encoder reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tasks.core import rows as rows_of
from tasks.core.encoder import Encoder, position_limit
from tasks.core.text import Ints, Tokens, Window, Windower
from tasks.relation_extraction.entities.data import house_type
from tasks.relation_extraction.types import TYPES

Row = dict[str, Any]
Place = tuple[int, int]  # half-open character offsets
Triple = tuple[int, int, str]  # head, tail (entities of the row by number), relation
Endpoints = Mapping[str, Sequence[str]]  # relation -> "PER LOC", ...: the types that its head and tail can have
WINDOW, OVERLAP = 256, 64  # tokens: half of Re-DocRED's relations cross sentences, and few of its documents are longer
UNTYPED = len(TYPES)
KINDS = 1 + 2 * (len(TYPES) + 1)  # of a token: in no entity; first or further token of a mention of each type or of none


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
    return rows_of.check_rows(rows, source, "relation extraction", _problem)


def _problem(row: Row) -> str | None:
    entities = given_entities(row)
    for start, end in (place for entity in entities for place in entity.mentions):
        if not 0 <= start < end <= len(row["text"]):
            return f"has an entity outside its text: {(start, end)}"
    if "labels" in row and not _are_names(row["labels"]):
        return 'needs names of relations as its "labels": a list, or name -> description'
    for head, tail, name in gold_relations(row):
        if not isinstance(name, str):
            return f"has a relation of type {name!r}, which is no name"
        if not (0 <= head < len(entities) and 0 <= tail < len(entities)) or head == tail:
            return f"has a relation {name!r} between entities {head} and {tail}, of {len(entities)}"
        if "labels" in row and name not in row["labels"]:
            return f'has a relation {name!r} that is not among its "labels"'
    return None


def _are_names(labels: object) -> bool:
    return isinstance(labels, list | tuple | Mapping) and all(isinstance(name, str) for name in labels)


def type_pair(head: Given, tail: Given) -> str:
    """The types of two entities as ``count_endpoints`` names them, "" where one has none."""
    return f"{head.type} {tail.type}" if head.type and tail.type else ""


def gap(head: Given, tail: Given) -> int:
    """Characters between the closest mentions of two entities."""
    return max(0, min(max(one[0], other[0]) - min(one[1], other[1]) for one in head.mentions for other in tail.mentions))


def count_endpoints(rows: Iterable[Row], least: int = 10, share: float = 0.01) -> dict[str, list[str]]:
    """For each relation that ``least`` typed pairs have, the pairs of types that make up ``share`` of these or more."""
    counts: dict[str, dict[str, int]] = {}
    for row in rows:
        entities = given_entities(row)
        for head, tail, name in gold_relations(row):
            if pair := type_pair(entities[head], entities[tail]):
                own = counts.setdefault(name, {})
                own[pair] = own.get(pair, 0) + 1
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
