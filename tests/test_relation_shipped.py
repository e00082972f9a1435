"""The shipped adapters for entities and relations: what any user would try first."""

from __future__ import annotations

import pytest

from tasks import pipeline
from tasks.relation_extraction.task import FOLDER, RelationExtraction

pytestmark = pytest.mark.skipif(not (FOLDER / "adapter" / "head.safetensors").exists(), reason="the adapter is not trained yet")
FACTS = "Marie Curie was born in Warsaw in 1867 and married Pierre Curie. She worked at the University of Paris."


@pytest.fixture(scope="module")
def extract() -> RelationExtraction:
    loaded: RelationExtraction = pipeline("relation-extraction")
    return loaded


def test_names_places_and_times_are_found_with_their_types(extract: RelationExtraction) -> None:
    found = {(entity.span.text, entity.type) for entity in extract(FACTS).entities}
    assert {("Marie Curie", "PER"), ("Warsaw", "LOC"), ("1867", "TIME"), ("University of Paris", "ORG")} <= found


def test_casing_tells_names_from_words(extract: RelationExtraction) -> None:
    (name,) = extract("We flew to Turkey in spring.").entities[:1]
    assert (name.span.text, name.type) == ("Turkey", "LOC")
    assert "turkey" not in {entity.span.text for entity in extract("We roasted a turkey for dinner.").entities}


def test_a_fact_is_told_in_its_direction(extract: RelationExtraction) -> None:
    result = extract(FACTS, labels=["place of birth"])
    told = [(result.entities[each.head].span.text, result.entities[each.tail].span.text) for each in result.relations]
    assert told[0] == ("Marie Curie", "Warsaw")
    assert result.relations[0].evidence.text == "Marie Curie was born in Warsaw in 1867 and married Pierre Curie."


def test_a_relation_of_ones_own(extract: RelationExtraction) -> None:
    labels = {"chief executive of": "person who leads the organisation", "river that flows through the city": ""}
    result = extract("Tim Cook, the CEO of Apple, flew to Dublin.", labels=labels)
    best = result.relations[0]
    told = (result.entities[best.head].span.text, best.type, result.entities[best.tail].span.text)
    assert told == ("Tim Cook", "chief executive of", "Apple")


def test_types_that_make_no_sense_are_not_proposed(extract: RelationExtraction) -> None:
    result = extract(FACTS, threshold=0.0)
    ends = extract.settings.endpoints
    assert len(result.relations) > 20
    for each in result.relations:
        if each.type in ends:
            assert f"{result.entities[each.head].type} {result.entities[each.tail].type}" in ends[each.type]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Lionel Messi never played for China.", "member of sports team"),
        ("Grace Hopper was not born in Lisbon.", "place of birth"),
        ("Had the vote gone the other way, Rosa Lind would have founded Alder Bank.", "founded by"),
        ("Omar Haddad may one day work for Nordlicht.", "employer"),
    ],
)
def test_what_is_denied_or_only_possible_is_not_told(extract: RelationExtraction, text: str, label: str) -> None:
    assert len(extract.entities([text])[0]) == 2
    assert extract(text, labels=[label]).relations == ()
    assert extract(text, labels={f"has {label}": ""}).relations == ()


def test_its_affirmed_twin_is_told(extract: RelationExtraction) -> None:
    for text, label in [
        ("Lionel Messi played for Barcelona.", "member of sports team"),
        ("Grace Hopper was born in New York.", "place of birth"),
        ("Omar Haddad works for Nordlicht.", "employer"),
    ]:
        assert [each.type for each in extract(text, labels=[label]).relations] == [label]
