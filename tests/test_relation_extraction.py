"""Relation extraction as it is called: exact offsets, the caller's entities and relations, the same answer in any company."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import get_peft_model

from tasks import pipeline
from tasks.core.adapters import lora_config
from tasks.core.calibration import Calibration
from tasks.core.encoder import load_encoder
from tasks.core.errors import InputError
from tasks.core.types import Coverage, Span
from tasks.relation_extraction.decode import CUSTOM, DEFAULT
from tasks.relation_extraction.entities.decode import EntityScores
from tasks.relation_extraction.task import RelationExtraction, as_given, load
from tasks.relation_extraction.training import Options, Training
from tasks.relation_extraction.types import TYPES, Entity, RelationResult
from tests.conftest import shake
from tests.test_relation_data import DOCUMENT, row

TEXT = "People fled the flood in the town. A nurse was in the school!"
MIXED = ["", TEXT, "😀 Zoë fled\r\nthe flood", "vote in a town " * 20, " \n", "רעידת אדמה in the school", "A nurse.", "\ud83d the town"]
GIVEN: list[Any] = [{"start": 0, "end": 6, "type": "PER"}, {"start": 29, "end": 33, "type": "LOC"}, {"start": 37, "end": 42, "type": "PER"}]
LABELS = {"flood": "a flood hit the town", "vote": "people vote", "nurse": ""}
texts = st.one_of(
    st.text(max_size=80),
    st.text(st.characters(exclude_categories=()), max_size=40),
    st.lists(st.sampled_from([*MIXED[:3], *MIXED[4:], "é\u0301😀", "  ", "\x00", "[SEP]"]), max_size=4).map(" ".join),
)


@pytest.fixture(scope="module")
def make_part(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``make_part(base, part, **settings)``: the folder of an adapter of one part with random weights, none zero."""

    def build(base: Path, part: str = "relations", **changes: Any) -> Path:
        folder, encoder = tmp_path_factory.mktemp(part), load_encoder(str(base))
        rows = [DOCUMENT, row("a flood", [("a", None), ("flood", None)])]
        with torch.random.fork_rng():
            torch.manual_seed(0)
            network: Any = get_peft_model(copy.deepcopy(encoder.model), lora_config(4, 8, 0.0))
            training = Training(encoder, network, Options(part=part), [("a.jsonl", rows)], 0)
            shake(training.model)
        if part == "entities":
            training.scores = EntityScores(dict.fromkeys(TYPES, Calibration(temperature=4.0)))
        else:
            fitted = {
                DEFAULT: Calibration(4.0, -2.0, threshold=0.45, thresholds={"vote": 0.6}),
                CUSTOM: Calibration(2.0, -3.0, threshold=0.3),
            }
            settings = {"labels": LABELS, "endpoints": {"flood": ["PER LOC"]}, "calibration": fitted, **changes}
            training.settings = replace(training.settings, **settings)
        training.save(folder, "lora", {})
        return folder

    return build


@pytest.fixture(scope="module")
def parts(bert: Path, make_part: Callable[..., Path]) -> dict[str, str]:
    """Folders of both parts over the tiny BERT."""
    return {"adapter": str(make_part(bert)), "entity_adapter": str(make_part(bert, "entities"))}


@pytest.fixture(scope="module")
def tiny(bert: Path, parts: dict[str, str]) -> RelationExtraction:
    """The tiny BERT with both parts."""
    return load(str(bert), **parts)


@pytest.fixture(scope="module", params=["bert", "roberta", "modernbert"])
def any_tiny(request: pytest.FixtureRequest, make_model: Callable[..., Path], make_part: Callable[..., Path]) -> RelationExtraction:
    """Both parts over each kind of encoder that reads pairs."""
    base = make_model(request.param)
    return load(str(base), str(make_part(base)), entity_adapter=str(make_part(base, "entities")))


def told(result: RelationResult) -> dict[tuple[int, int, str], float]:
    return {(each.head, each.tail, each.type): each.score for each in result.relations}


def assert_same(one: RelationResult, other: RelationResult) -> None:
    """The same result, with scores up to float noise."""
    assert (one.text, one.coverage) == (other.text, other.coverage)
    assert [(e.type, e.span, e.mentions) for e in one.entities] == [(e.type, e.span, e.mentions) for e in other.entities]
    assert told(one) == pytest.approx(told(other), abs=1e-4)


# Offsets and shape


@settings(max_examples=25, deadline=None)
@given(text=texts)
def test_offsets_are_exact_in_any_text(any_tiny: RelationExtraction, text: str) -> None:
    result = any_tiny(text, threshold=0.2)
    assert result.text == text and result.coverage == Coverage(len(text), len(text))
    spans = [span for each in result.entities for span in each.mentions]
    assert all(text[span.start : span.end] == span.text == span.text.strip() != "" for span in spans)
    for each in result.relations:
        head, tail = result.entities[each.head], result.entities[each.tail]
        inside = [[m for m in e.mentions if each.evidence.start <= m.start and m.end <= each.evidence.end] for e in (head, tail)]
        assert all(inside) and text[each.evidence.start : each.evidence.end] == each.evidence.text
    assert json.loads(json.dumps(result.to_dict())) == json.loads(json.dumps(asdict(result)))


def test_one_input_gives_one_result_and_a_list_a_list(tiny: RelationExtraction) -> None:
    found = tiny(TEXT, threshold=0.2)
    assert isinstance(found, RelationResult) and len(found.entities) > 1 and found.relations
    assert tiny([]) == tiny([], entities=[]) == tiny((), labels=["a"]) == []
    assert [result.text for result in tiny([f"a {number}" for number in range(70)])] == [f"a {number}" for number in range(70)]
    lazy: Any = (text for text in (TEXT, ""))
    assert len(tiny((TEXT, ""))) == len(tiny(lazy)) == 2
    given: list[dict[str, Any]] = [{"threshold": 0.3}, {"labels": ["x"]}, {"entities": [[]] * len(MIXED)}]
    for options in given:
        assert [result.text for result in tiny(MIXED, **options)] == MIXED
    assert tiny.labels == list(LABELS)


@pytest.mark.parametrize("blank", ["", " ", "\n\t\r\n"])
def test_a_blank_text_gives_an_empty_result(any_tiny: RelationExtraction, blank: str) -> None:
    empty = RelationResult(blank, (), (), Coverage(len(blank), len(blank)))
    assert any_tiny(blank, threshold=0) == any_tiny(blank, entities=[]) == empty


def test_a_result_is_plain_data(tiny: RelationExtraction) -> None:
    result = tiny("People fled the town.", entities=["People", "town"], threshold=0)
    plain = json.loads(json.dumps(result.to_dict()))
    assert plain["entities"][1] == {
        "type": None,
        "score": 1.0,
        "span": (town := {"start": 16, "end": 20, "text": "town"}),
        "mentions": [town],
    }
    assert plain["relations"][0].keys() == {"head", "tail", "type", "score", "evidence"} and len(plain["relations"]) == 6
    assert plain["relations"][0]["evidence"] == {"start": 0, "end": 21, "text": "People fled the town."}
    assert plain["text"] == result.text and plain["coverage"] == {"read": 21, "total": 21}


def test_the_stream_is_lazy_and_in_order(tiny: RelationExtraction) -> None:
    taken: list[int] = []

    def endless() -> Iterator[str]:
        while True:
            taken.append(1)
            yield f"flood {len(taken)}"

    source: Any = endless()
    stream = tiny.stream(source)
    assert [next(stream).text for _ in range(3)] == ["flood 1", "flood 2", "flood 3"] and len(taken) < 1000


# Entities, labels and thresholds of the caller


def test_entities_are_given_in_any_form(tiny: RelationExtraction) -> None:
    whole = tiny(TEXT, entities=GIVEN, threshold=0)
    assert [(each.type, each.span.text) for each in whole.entities] == [("PER", "People"), ("LOC", "town"), ("PER", "nurse")]
    assert {key[:2] for key in told(whole) if key[2] == "flood"} == {(0, 1), (2, 1)}  # a person and a place: as learned
    assert {key[:2] for key in told(whole) if key[2] == "vote"} == {(a, b) for a in range(3) for b in range(3) if a != b}
    forms: list[Any] = [whole.entities, [each.to_dict() for each in whole.entities], (each for each in GIVEN)]
    forms.append([{"mentions": [{"start": each["start"], "end": each["end"]}], "type": each["type"]} for each in GIVEN])
    forms.append([{**each, "type": {"PER": "person", "LOC": "GPE"}[each["type"]]} for each in GIVEN])
    for form in forms:
        assert told(tiny(TEXT, entities=form, threshold=0)) == pytest.approx(told(whole), abs=1e-6)
    names = tiny(TEXT, entities=["People", "town", "nurse"], threshold=0)
    assert {key[:2] for key in told(names) if key[2] == "flood"} == {(a, b) for a in range(3) for b in range(3) if a != b}  # any may be
    assert tiny(TEXT, entities=["the"]).entities == (
        Entity(None, 1.0, Span(12, 15, "the"), tuple(Span(at, at + 3, "the") for at in (12, 25, 50))),
    )
    assert tiny(TEXT, entities=[]).entities == () and tiny(TEXT, entities=["People"]).relations == ()
    backwards = told(tiny(TEXT, entities=GIVEN[::-1], threshold=0))
    assert {(2 - head, 2 - tail, name): score for (head, tail, name), score in backwards.items()} == pytest.approx(told(whole), abs=1e-4)


def test_a_list_of_texts_takes_a_list_of_entities_for_each(tiny: RelationExtraction) -> None:
    given: list[Any] = [[], GIVEN, ["Zoë", "flood"], ["vote", "town"], [], ["in", "school"], [], ["the", "town"]]
    for result, text, own in zip(tiny(MIXED, given, threshold=0.1), MIXED, given, strict=True):
        assert_same(result, tiny(text, own, threshold=0.1))
        assert len(result.entities) == len(own)


def test_entities_that_were_found_can_be_given_back(tiny: RelationExtraction) -> None:
    found = tiny(MIXED, threshold=0.1)
    assert tiny.entities(MIXED) == [result.entities for result in found] and sum(len(each.relations) for each in found) > 5
    for again, result in zip(tiny(MIXED, [result.entities for result in found], threshold=0.1), found, strict=True):
        assert_same(again, result)


def test_scores_are_calibrated_logits_and_each_relation_has_its_threshold(tiny: RelationExtraction) -> None:
    labels = {**LABELS, "new": "a new school"}
    result = tiny(TEXT, entities=GIVEN, labels=labels, threshold=0)
    (found,) = tiny.scorer([TEXT], [[as_given(each) for each in result.entities]], labels, tiny.settings.endpoints)
    expected = {}
    for each in found:
        name = list(labels)[each.label]
        logit = each.logit / 2 - 3 if name == "new" else each.logit / 4 - 2
        expected[each.head, each.tail, name] = 1 / (1 + math.exp(-logit))
    assert told(result) == pytest.approx(expected, abs=1e-4) and len(expected) > 10
    least = {"flood": 0.45, "vote": 0.6, "nurse": 0.45, "new": 0.3}
    kept = {key: score for key, score in expected.items() if score >= least[key[2]]}
    assert told(tiny(TEXT, entities=GIVEN, labels=labels)) == pytest.approx(kept, abs=1e-4) and 0 < len(kept) < len(expected)
    scores = [each.score for each in result.relations]
    assert scores == sorted(scores, reverse=True)


def test_labels_are_names_or_descriptions_in_any_order(tiny: RelationExtraction) -> None:
    whole = told(tiny(TEXT, entities=GIVEN, threshold=0))
    assert told(tiny(TEXT, entities=GIVEN, labels=["nurse", "flood", "vote"], threshold=0)) == pytest.approx(whole, abs=1e-4)
    one = told(tiny(TEXT, entities=GIVEN, labels=["vote"], threshold=0))  # brings the adapter's description
    assert one == pytest.approx({key: score for key, score in whole.items() if key[2] == "vote"}, abs=1e-4)
    other = told(tiny(TEXT, entities=GIVEN, labels={"vote": "a nurse in a school"}, threshold=0))
    assert other.keys() == one.keys() and all(abs(other[key] - score) > 1e-5 for key, score in one.items())
    assert {key[2] for key in told(tiny(TEXT, labels=["fled from", "in"], threshold=0))} == {"fled from", "in"}


def test_a_higher_threshold_leaves_fewer_relations(tiny: RelationExtraction) -> None:
    steps = [tiny(MIXED, threshold=threshold) for threshold in (0, 0.4, 0.6, 1.0)]
    assert sum(len(result.relations) for result in steps[1]) > 5
    for threshold, (lower, higher) in zip((0.4, 0.6, 1.0), pairwise(steps), strict=True):
        for one, other in zip(lower, higher, strict=True):
            assert one.entities == other.entities
            assert told(other) == {key: score for key, score in told(one).items() if score >= threshold}


def test_where_one_is_chosen_two_entities_have_one_relation(bert: Path, parts: dict[str, str], make_part: Callable[..., Path]) -> None:
    chooser = load(str(bert), str(make_part(bert, choice=True)), entity_adapter=parts["entity_adapter"])
    several = load(str(bert), **parts)(TEXT, entities=GIVEN, threshold=0)
    result = chooser(TEXT, entities=GIVEN, threshold=0)
    assert sorted(sorted((each.head, each.tail)) for each in result.relations) == [[0, 1], [0, 2], [1, 2]]
    for each in result.relations:
        rivals = [score for (head, tail, _), score in told(several).items() if {head, tail} == {each.head, each.tail}]
        assert each.score == pytest.approx(max(rivals), abs=1e-4) and len(rivals) > 3


def test_a_batch_answers_as_single_texts_in_any_order(any_tiny: RelationExtraction) -> None:
    single = {text: any_tiny(text, threshold=0.1) for text in MIXED}
    for batch in (MIXED, MIXED[::-1], [*MIXED[3:], *MIXED[:3]]):
        for result, text in zip(any_tiny(batch, threshold=0.1), batch, strict=True):
            assert_same(result, single[text])
    assert any_tiny(TEXT, threshold=0.1) == any_tiny(TEXT, threshold=0.1)


def test_eight_threads_answer_as_one(bert: Path, parts: dict[str, str], tiny: RelationExtraction) -> None:
    together, calls = load(str(bert), **parts), [(text, labels) for text in MIXED[:6] for labels in (None, ["vote"], {"x": "a nurse"})]
    alone = [tiny(text, labels=labels, threshold=0.1) for text, labels in calls]
    order = [number * 7 % len(calls) for number in range(2 * len(calls))]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda number: together(calls[number][0], labels=calls[number][1], threshold=0.1), order))
    for number, result in zip(order, results, strict=True):
        assert_same(result, alone[number])


# What is refused


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ((None,), "Give one string or a list of strings, not NoneType"),
        (({"text": "a"},), "Give one string or a list of strings, not dict"),
        ((["fine", None],), "A text must be a string, not NoneType"),
        ((TEXT, "People"), "entities must be a list"),
        ((TEXT, ["Ada"]), "The entity 'Ada' is not in the text"),
        (([TEXT, TEXT], [GIVEN]), "There are 1 lists of entities for 2 texts: give one for each text"),
        (([TEXT], {"a": GIVEN}), "entities must be a list: of entities for one text, of such lists for a list of texts"),
        ((TEXT, None, []), "The label list is empty"),
        *(((TEXT, None, None, wrong), "threshold must be a number from 0 to 1, not ") for wrong in (-0.1, 1.1, math.nan, "0.5", [0.5])),
    ],
    ids=str,
)
def test_wrong_use_is_one_sentence(tiny: RelationExtraction, call: Any, message: str) -> None:
    with pytest.raises(InputError) as error:
        tiny(*call)
    assert message in str(error.value) and len(str(error.value).splitlines()) == 1


def test_an_entity_adapter_stands_beside_the_shipped_relations(bert: Path, parts: dict[str, str], tiny: RelationExtraction) -> None:
    loaded = pipeline("relation-extraction", model=str(bert), adapter=parts["entity_adapter"])
    assert loaded.entities(MIXED) == tiny.entities(MIXED)
    assert set(loaded.labels) != set(LABELS) and loaded.labels == list(loaded.settings.labels)
    assert loaded.scorer.encoder.width == 384 and [each.text for each in loaded(MIXED)] == MIXED
