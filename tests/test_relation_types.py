"""What relation extraction returns: nothing half or impossible is built, and all of it is plain data."""

from __future__ import annotations

import json
import math
from dataclasses import FrozenInstanceError, replace

import pytest

from tasks.core.types import Coverage, Span
from tasks.relation_extraction.types import TYPES, Entity, Relation, RelationResult

TEXT = "Zoë Osei 🥐 left Accra. Osei was born there."
FULL, SHORT, PLACE = Span.of(TEXT, 0, 8), Span.of(TEXT, 23, 27), Span.of(TEXT, 16, 21)
PERSON, TOWN = Entity("PER", 0.75, FULL, (FULL, SHORT)), Entity("LOC", 0.5, PLACE, (PLACE,))
BORN = Relation(0, 1, "place of birth", 0.25, Span.of(TEXT, 0, len(TEXT)))


def result(*relations: Relation, text: str = TEXT, entities: tuple[Entity, ...] = (PERSON, TOWN)) -> RelationResult:
    return RelationResult(text, entities, relations, Coverage(len(text), len(text)))


def test_the_spans_of_this_file_are_what_they_seem() -> None:
    assert (FULL.text, SHORT.text, PLACE.text) == ("Zoë Osei", "Osei", "Accra")
    assert TYPES == ("PER", "ORG", "LOC", "TIME", "NUM", "MISC")


# Entities


def test_the_name_of_an_entity_is_one_of_its_mentions() -> None:
    assert replace(PERSON, span=SHORT).span == SHORT
    for mentions in ((), (SHORT,)):
        with pytest.raises(ValueError, match="is none of the entity's mentions"):
            replace(PERSON, mentions=mentions)


def test_mentions_are_in_text_order_and_each_there_once() -> None:
    inner = Span.of(TEXT, 0, 3)
    assert replace(PERSON, mentions=(inner, FULL, SHORT)).mentions[0] == inner  # of one start the shorter comes first
    for mentions in ((SHORT, FULL), (FULL, FULL), (FULL, SHORT, SHORT), (FULL, inner)):
        with pytest.raises(ValueError, match="in text order, each once"):
            replace(PERSON, mentions=mentions)


def test_an_entity_may_be_without_a_type() -> None:
    assert replace(PERSON, type=None).to_dict()["type"] is None


@pytest.mark.parametrize("score", [-0.1, 1.0001, math.nan, math.inf])
def test_scores_are_probabilities(score: float) -> None:
    with pytest.raises(ValueError, match="is not a probability"):
        replace(PERSON, score=score)
    with pytest.raises(ValueError, match="is not a probability"):
        replace(BORN, score=score)


# Relations


@pytest.mark.parametrize(("head", "tail"), [(0, 0), (2, 2), (-1, 0), (0, -1)])
def test_a_relation_needs_two_entities(head: int, tail: int) -> None:
    with pytest.raises(ValueError, match=f"needs two entities, not {head} and {tail}"):
        replace(BORN, head=head, tail=tail)


# Results


@pytest.mark.parametrize("wrong", [Span(0, 3, "Zoe"), Span(1, 9, "Zoë Osei"), Span(40, 50, "x" * 10)])
def test_a_result_holds_only_spans_of_its_text(wrong: Span) -> None:
    assert result(BORN).relations == (BORN,)
    with pytest.raises(ValueError, match="is not in the text"):
        result(entities=(Entity("PER", 1.0, wrong, (wrong,)), TOWN))
    both = tuple(sorted((FULL, wrong), key=lambda span: (span.start, span.end)))
    with pytest.raises(ValueError, match="is not in the text"):
        result(entities=(replace(PERSON, mentions=both), TOWN))
    with pytest.raises(ValueError, match="is not in the text"):
        result(replace(BORN, evidence=wrong))


@pytest.mark.parametrize(("head", "tail"), [(0, 2), (2, 0), (5, 6)])
def test_a_relation_holds_between_entities_of_the_result(head: int, tail: int) -> None:
    assert result(replace(BORN, head=1, tail=0)).relations[0].head == 1
    with pytest.raises(ValueError, match="an entity that the result does not have"):
        result(BORN, replace(BORN, head=head, tail=tail))


def test_results_are_frozen() -> None:
    for built, field in ((PERSON, "type"), (BORN, "head"), (result(), "entities")):
        with pytest.raises(FrozenInstanceError):
            setattr(built, field, None)


def test_a_result_is_plain_data() -> None:
    full, short = {"start": 0, "end": 8, "text": "Zoë Osei"}, {"start": 23, "end": 27, "text": "Osei"}
    place, evidence = {"start": 16, "end": 21, "text": "Accra"}, {"start": 0, "end": 43, "text": TEXT}
    assert json.loads(json.dumps(result(BORN).to_dict())) == {
        "text": TEXT,
        "entities": [
            {"type": "PER", "score": 0.75, "span": full, "mentions": [full, short]},
            {"type": "LOC", "score": 0.5, "span": place, "mentions": [place]},
        ],
        "relations": [{"head": 0, "tail": 1, "type": "place of birth", "score": 0.25, "evidence": evidence}],
        "coverage": {"read": 43, "total": 43},
    }


def test_an_empty_text_has_all_fields() -> None:
    data = {"text": "", "entities": (), "relations": (), "coverage": {"read": 0, "total": 0}}
    assert result(text="", entities=()).to_dict() == data
