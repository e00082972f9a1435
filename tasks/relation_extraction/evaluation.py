"""Scores of relation extraction on rows, as a user gets them, for what the rows are annotated with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.core.errors import InputError
from tasks.relation_extraction.baseline import commonest_choice_scores, known_name_scores, type_pair_scores
from tasks.relation_extraction.data import Place, Row, given_entities, gold_relations, is_choice, told_labels
from tasks.relation_extraction.entities.data import gold_mentions
from tasks.relation_extraction.entities.fitting import mention_scores
from tasks.relation_extraction.fitting import told
from tasks.relation_extraction.measures import Triple, given_scores, is_behaviour, known_labels, shares_sentence, triple_scores
from tasks.relation_extraction.task import RelationExtraction, as_given
from tasks.relation_extraction.types import Entity


def scores(pipeline: RelationExtraction, rows: Sequence[Row]) -> dict[str, float]:
    """Scores as a user gets them.

    ``entity_``: precision, recall and F1 of mentions (offsets and type exact) where entities have types. With given
    entities: ``given_`` of all triples and ``given_sentence_`` of those within a sentence; ``accuracy`` and ``macro_f1`` of
    rows that ask for one relation. ``raw_sentence_``: from raw text, within a sentence: a found entity is the gold
    entity of which it has a mention (both offsets exact). Behaviour rows: the share that holds of each behaviour.
    """
    if is_behaviour(rows):
        return _given(pipeline, rows)
    figures: dict[str, float] = {}
    typed = any(gold_mentions(row) for row in rows)
    found = pipeline.entities([row["text"] for row in rows]) if typed else []
    if typed:
        mentions = [{(span.start, span.end, each.type or ""): each.score for each in group for span in each.mentions} for group in found]
        figures |= mention_scores(rows, mentions)
    if any(gold_relations(row) for row in rows):
        figures |= _given(pipeline, rows)
        figures |= _raw(pipeline, rows, found) if typed and not is_choice(rows) else {}
    return figures


def _labels(pipeline: RelationExtraction, rows: Sequence[Row]) -> dict[str, str]:
    described = {name: text for row in rows for name, text in (told_labels(row) or {}).items() if text}
    return {name: pipeline.settings.labels.get(name) or described.get(name, "") for name in sorted(known_labels(rows))}


def _given(pipeline: RelationExtraction, rows: Sequence[Row]) -> dict[str, float]:
    labels = _labels(pipeline, rows)
    found = pipeline.scorer([row["text"] for row in rows], [given_entities(row) for row in rows], labels, pipeline.settings.endpoints)
    return given_scores(rows, found, told(found, list(labels), pipeline.settings), list(labels))


def _raw(pipeline: RelationExtraction, rows: Sequence[Row], entities: Sequence[Sequence[Entity]]) -> dict[str, float]:
    """Scores of triples between entities that were found, within a sentence."""
    labels, whole = _labels(pipeline, rows), known_labels(rows)
    read = [[as_given(each) for each in group] for group in entities]
    found = pipeline.scorer([row["text"] for row in rows], read, labels, pipeline.settings.endpoints)
    triples: dict[Triple, float] = {}
    gold: set[Triple] = set()
    for number, (row, group, each) in enumerate(zip(rows, entities, told(found, list(labels), pipeline.settings), strict=True)):
        known = row.get("labels", whole)
        gold |= {(number, *triple) for triple in gold_relations(row) if shares_sentence(row, *triple[:2])}
        home = matched(row, group)
        for (head, tail, name), score in each.items():
            if name in known and near(row, group[head], group[tail]):
                key = (number, home[head], home[tail], name)
                triples[key] = max(score, triples.get(key, 0.0))
    return triple_scores("raw_sentence_", triples, gold)


def matched(row: Row, found: Sequence[Entity]) -> list[int]:
    """For each found entity the number of the gold entity that most of its mentions are of, or a negative number of its own."""
    owner: dict[Place, int] = {place: number for number, entity in enumerate(given_entities(row)) for place in entity.mentions}
    result = []
    for number, entity in enumerate(found):
        votes = [owner[span.start, span.end] for span in entity.mentions if (span.start, span.end) in owner]
        result.append(max(sorted(set(votes)), key=votes.count) if votes else -1 - number)
    return result


def near(row: Row, one: Entity, other: Entity) -> bool:
    """Whether two found entities are mentioned in one sentence of the row."""

    def places(entity: Entity) -> set[int]:
        return {at for at, (start, end) in enumerate(row["sentences"]) for span in entity.mentions if start <= span.start < end}

    return "sentences" not in row or bool(places(one) & places(other))


def baselines(pipeline: Any, train: Sequence[Row], rows: Sequence[Row]) -> dict[str, Mapping[str, float]]:
    """Scores of the trivial baseline by its name: the names seen in training for entities; for relations the most frequent
    relation of the pair of types, and of all pairs where these have no types. None for behaviour rows."""
    if is_behaviour(rows):
        return {}
    names, figures = [], dict[str, float]()
    related = any(gold_relations(row) for row in rows)
    if related and is_choice(rows):
        fitting = [row for row in train if is_choice([row])]
        names, figures = ["commonest relation"], commonest_choice_scores(fitting, rows) if fitting else {}
    elif related:
        names, figures = ["commonest relation of the types"], type_pair_scores([row for row in train if not is_choice([row])], rows)
    if any(gold_mentions(row) for row in rows) and any(gold_mentions(row) for row in train):
        names.append("known names")
        figures |= known_name_scores(train, rows)
    if not figures:
        raise InputError("No training row is annotated with what the rows to score are: give others, or none, for no baseline.")
    return {", ".join(names): figures}
