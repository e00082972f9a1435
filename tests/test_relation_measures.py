"""Scores of relation extraction, worked out by hand: triples, choices, behaviours, found entities, trivial baselines."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.core.calibration import Calibration
from tasks.core.errors import InputError
from tasks.core.types import Span
from tasks.relation_extraction.baseline import commonest_choice_scores, known_name_scores, type_pair_scores
from tasks.relation_extraction.decode import Settings
from tasks.relation_extraction.evaluation import baselines, matched, near, scores
from tasks.relation_extraction.measures import (
    behaviours,
    choice_scores,
    given_scores,
    is_behaviour,
    known_labels,
    official_macro_f1,
    shares_sentence,
    triple_scores,
)
from tasks.relation_extraction.scoring import Candidate
from tasks.relation_extraction.types import Entity
from tests.test_relation_data import PAIR, TEXT, Row, row

Triple = tuple[int, int, str]
DOCUMENT_TEXT = "Ada met Bo. Cy met Bo in Oslo."
DOCUMENT: Row = {
    "text": DOCUMENT_TEXT,
    "sentences": [[0, 11], [12, 30]],
    "entities": [
        {"type": "PER", "mentions": [{"start": 0, "end": 3, "sentence": 0}]},
        {"type": "PER", "mentions": [{"start": 8, "end": 10, "sentence": 0}, {"start": 19, "end": 21, "sentence": 1}]},
        {"type": "PER", "mentions": [{"start": 12, "end": 14, "sentence": 1}]},
        {"type": "LOC", "mentions": [{"start": 25, "end": 29, "sentence": 1}]},
    ],
    "relations": [{"head": 0, "tail": 1, "type": "met"}, {"head": 2, "tail": 3, "type": "in"}, {"head": 0, "tail": 3, "type": "in"}],
}


def entity(kind: str | None, *places: tuple[int, int], score: float = 1.0) -> Entity:
    spans = tuple(Span.of(DOCUMENT_TEXT, *place) for place in places)
    return Entity(kind, score, spans[0], spans)


def ask(*triples: Triple, **more: Any) -> Row:
    return row(TEXT, PAIR, *triples, **more)


# Measures


def test_entities_share_a_sentence() -> None:
    assert [shares_sentence(DOCUMENT, *pair) for pair in ((0, 1), (1, 2), (0, 2), (0, 3), (3, 1))] == [True, True, False, False, True]
    assert shares_sentence(ask(), 0, 1)


def test_rows_are_annotated_with_what_they_have_or_list() -> None:
    assert known_labels([ask((0, 1, "a")), ask(labels=["b"]), ask((0, 1, "c"), labels={"c": "", "d": "x"})]) == {"a", "b", "c", "d"}
    assert known_labels([ask(), {"text": ""}]) == set()


def test_triples_are_counted() -> None:
    gold = [(0, 0, 1, "a"), (0, 1, 0, "a"), (1, 0, 1, "b"), (1, 0, 1, "c")]
    found = {(0, 0, 1, "a"): 0.95, (1, 0, 1, "b"): 0.55, (1, 1, 0, "b"): 0.45}
    figures = triple_scores("x_", found, gold)
    assert figures == pytest.approx({"x_precision": 2 / 3, "x_recall": 0.5, "x_f1": 4 / 7, "x_ece": (0.05 + 0.45 + 0.45) / 3})
    assert set(triple_scores("", {}, []).values()) == {0.0}


def test_the_official_score_of_semeval_by_hand() -> None:
    # gold:   a12 a12 a21 b12 b12 b21 none c12
    # told:   a12 a21 a21 b12 none a12 b12  none
    one, other = "({},{})".format("e1", "e2"), "({},{})".format("e2", "e1")
    gold = [f"a{one}", f"a{one}", f"a{other}", f"b{one}", f"b{one}", f"b{other}", "none", f"c{one}"]
    told = [f"a{one}", f"a{other}", f"a{other}", f"b{one}", "none", f"a{one}", f"b{one}", "none"]
    a = 2 * 2 / (3 + 4)  # two hits, three to tell, four told
    b = 2 * 1 / (3 + 2)
    assert official_macro_f1(gold, told, ["a", "b", "c"]) == pytest.approx((a + b + 0) / 3)
    rows = [ask(*triple) for triple in ([(0, 1, "a")], [(0, 1, "a")], [(1, 0, "a")], [(0, 1, "b")], [(0, 1, "b")], [(1, 0, "b")], [])]
    rows.append(ask((0, 1, "c")))
    predicted: list[Triple | None] = [(0, 1, "a"), (1, 0, "a"), (1, 0, "a"), (0, 1, "b"), None, (0, 1, "a"), (0, 1, "b"), None]
    assert choice_scores(rows, predicted) == pytest.approx({"accuracy": 3 / 8, "macro_f1": (a + b) / 3})
    assert official_macro_f1([f"a b{one}"], [f"a{one}"], ["a", "a b"]) == 0.0  # no name is the beginning of another


def test_without_directions_macro_f1_is_of_the_relations() -> None:
    rows = [ask((0, 1, name)) for name in "aaab"]
    predicted: list[Triple | None] = [(0, 1, "a"), (0, 1, "b"), None, (0, 1, "b")]
    assert choice_scores(rows, predicted) == pytest.approx({"accuracy": 0.5, "macro_f1": (0.5 + 2 / 3) / 2})


def test_behaviours_by_hand() -> None:
    rows = [
        ask((0, 1, "a"), behaviour="affirmed", labels=["a", "b"]),
        ask((0, 1, "a"), behaviour="affirmed", labels=["a"]),
        ask(behaviour="not said", labels=["a"]),
        ask((1, 0, "b"), behaviour="not said", labels=["a", "b"]),
        ask(behaviour="negated", labels=["a"]),
    ]
    told: list[dict[Triple, float]] = [{(0, 1, "a"): 0.9, (1, 0, "b"): 0.6}, {(1, 0, "a"): 0.9}, {}, {(1, 0, "b"): 0.7}, {(0, 1, "a"): 0.5}]
    assert behaviours(rows, told) == {"affirmed": 0.5, "negated": 0.0, "not_said": 1.0}
    assert is_behaviour(rows) and not is_behaviour(rows[2:]) and not is_behaviour([*rows, ask()]) and not is_behaviour([])
    other: dict[Triple, float] = {(0, 1, "z"): 0.9}  # a relation that the row does not ask about
    assert given_scores(rows[:1] + rows[2:3], [[], []], [told[0], other], []) == {"affirmed": 1.0, "not_said": 1.0}


def test_given_scores_of_documents_by_hand() -> None:
    rows = [DOCUMENT, ask((0, 1, "met"), (1, 0, "met"), labels=["met"])]
    told: list[dict[Triple, float]] = [
        {(0, 1, "met"): 1.0, (0, 3, "in"): 1.0, (0, 2, "met"): 1.0, (1, 0, "near"): 1.0},  # nobody asks who is near
        {(0, 1, "met"): 1.0, (0, 1, "in"): 1.0},  # the second row does not know of "in"
    ]
    figures = given_scores(rows, [[], []], told, [])
    assert figures["given_precision"] == pytest.approx(3 / 4) and figures["given_recall"] == pytest.approx(3 / 5)
    assert figures["given_sentence_precision"] == 1.0 and figures["given_sentence_recall"] == pytest.approx(2 / 4)
    assert set(given_scores(rows[1:], [[]], told[1:], [])) == {"given_precision", "given_recall", "given_f1", "given_ece"}


def test_the_one_relation_of_a_row_is_chosen_by_hand() -> None:
    found = [Candidate(0, 1, 0, 1.0), Candidate(0, 1, 2, 9.0), Candidate(1, 0, 1, 8.0), Candidate(0, 1, 1, -5.0)]
    rows, names = [ask((0, 1, "a")), ask((0, 1, "b"))], ["a", "b", "unasked"]
    assert given_scores(rows, [found, []], [{}, {}], names) == pytest.approx({"accuracy": 0.5, "macro_f1": 0.5})
    assert given_scores(rows, [[], found[2:]], [{}, {}], names) == pytest.approx({"accuracy": 0.5, "macro_f1": 0.5})
    directed, told = [*rows, ask((1, 0, "b"))], [{(0, 1, "a"): 0.4, (1, 0, "a"): 0.6}, {}, {(1, 0, "b"): 0.9}]
    assert given_scores(directed, [found] * 3, told, names) == pytest.approx({"accuracy": 1 / 3, "macro_f1": (0 + 2 / 3) / 2})


# As a user gets them


class Fake:
    """A pipeline that finds what it was given; ``asked``: the relations that it was asked for."""

    def __init__(self, entities: list[tuple[Entity, ...]], found: dict[tuple[int, int, str], float]) -> None:
        self.found, self.given, self.asked = found, entities, list[Any]()
        self.settings = Settings({"met": "they met", "other": "x"}, {"met": ["PER PER"]}, {"default": Calibration(threshold=0.6)})

    def entities(self, texts: list[str]) -> list[tuple[Entity, ...]]:
        return self.given[: len(texts)]

    def scorer(self, texts: list[str], entities: Any, labels: dict[str, str], endpoints: Any) -> list[list[Candidate]]:
        self.asked.append((labels, endpoints, [len(each) for each in entities]))
        names = list(labels)
        return [[Candidate(h, t, names.index(n), logit) for (h, t, n), logit in sorted(self.found.items()) if n in names] for _ in texts]


FOUND = (  # Ada; Bo, both times and with a wrong end; Cy as an organisation; a Norwegian town without its last letter
    entity("PER", (0, 3), score=0.8),
    entity("PER", (8, 10), (19, 21), (19, 24), score=0.8),
    entity("ORG", (12, 14), score=0.8),
    entity("LOC", (25, 28), score=0.8),
)


def test_found_entities_are_the_gold_ones_that_they_are_mentions_of() -> None:
    assert matched(DOCUMENT, FOUND) == [0, 1, 2, -4]
    mixed = entity("PER", (0, 3), (8, 10), (19, 21))  # one mention of Ada, two of Bo
    assert matched(DOCUMENT, [mixed, entity(None, (4, 7)), entity(None, (0, 3), (8, 10))]) == [1, -2, 0]
    assert matched(DOCUMENT, []) == []


def test_found_entities_are_near_in_a_sentence() -> None:
    pairs = ((0, 1), (1, 2), (0, 2), (2, 3), (0, 3))
    assert [near(DOCUMENT, FOUND[one], FOUND[other]) for one, other in pairs] == [True, True, False, True, False]
    assert near({key: value for key, value in DOCUMENT.items() if key != "sentences"}, FOUND[0], FOUND[3])


def test_scores_from_raw_text_by_hand() -> None:
    logits = {(0, 1, "met"): 2.0, (1, 0, "met"): 0.1, (2, 3, "in"): 3.0, (1, 2, "met"): 1.0, (0, 2, "met"): 5.0, (0, 1, "other"): 9.0}
    pipeline: Any = Fake([FOUND], logits)
    figures = scores(pipeline, [DOCUMENT])
    # raw, in a sentence: told Ada met Bo (right), Bo met Cy, Cy in a town that is none; to find: Ada met Bo, Cy in Oslo
    assert figures["raw_sentence_precision"] == pytest.approx(1 / 3) and figures["raw_sentence_recall"] == pytest.approx(1 / 2)
    # given: Ada met Bo, Cy in Oslo are right, Bo met Cy and Ada met Cy not; of three
    assert figures["given_f1"] == pytest.approx(2 * 2 / (4 + 3)) and figures["given_sentence_f1"] == pytest.approx(2 * 2 / (3 + 2))
    assert figures["entity_precision"] == pytest.approx(3 / 5) and figures["entity_recall"] == pytest.approx(3 / 5)  # ORG is not asked for
    asked = {"in": "", "met": "they met"}
    assert pipeline.asked == [(asked, {"met": ["PER PER"]}, [4]), (asked, {"met": ["PER PER"]}, [4])]


def test_rows_are_scored_for_what_they_are_annotated_with() -> None:
    pipeline: Any = Fake([FOUND], {(0, 1, "met"): 2.0})
    mentions_alone = {key: value for key, value in DOCUMENT.items() if key != "relations"}
    assert {name.split("_")[0] for name in scores(pipeline, [mentions_alone])} == {"entity"} and pipeline.asked == []
    untyped = row(TEXT, [("people", None), ("town", None), ("flood", None)], (0, 1, "met"))
    assert set(scores(pipeline, [untyped])) == {"given_precision", "given_recall", "given_f1", "given_ece"}
    assert scores(pipeline, [row(TEXT, [("people", None), ("town", None)], (0, 1, "met"))]) == {"accuracy": 1.0, "macro_f1": 1.0}
    rows = [ask((0, 1, "met"), behaviour="affirmed", labels={"met": "never mind"}), ask(behaviour="negated", labels={"near": "close by"})]
    assert scores(pipeline, rows) == {"affirmed": 1.0, "negated": 1.0}
    assert pipeline.asked[-1][0] == {"met": "they met", "near": "close by"}
    assert scores(pipeline, []) == {} and scores(pipeline, [{"text": "a", "entities": []}]) == {}


# Baselines


def test_names_are_known_that_are_mostly_annotated() -> None:
    train = [row("Oslo and Bo", [("Oslo", "LOC"), ("Bo", "PER")]), row("Bo Lund or bo", [("Bo Lund", "PER")]), row("Oslo Oslo", [])]
    rows = [row("Bo Lund saw Bo in Oslo", [("Bo Lund", "PER"), ("Oslo", "LOC")])]
    # known: Bo (one of two), Bo Lund; Oslo is annotated once of three times. Found: Bo Lund, Bo. Right: Bo Lund
    assert known_name_scores(train, rows) == pytest.approx({"entity_precision": 0.5, "entity_recall": 0.5, "entity_f1": 0.5})


def test_the_commonest_choice_is_given_to_all() -> None:
    train = [ask((0, 1, "a"))] * 2 + [ask((1, 0, "b"))] * 3
    rows = [ask((1, 0, "b")), ask((0, 1, "b")), ask((0, 1, "a")), ask()]
    assert commonest_choice_scores(train, rows) == pytest.approx({"accuracy": 0.25, "macro_f1": (2 * 1 / (2 + 4) + 0) / 2})
    ((name, figures),) = baselines(None, train, rows).items()
    assert name == "commonest relation, known names" and figures == pytest.approx(commonest_choice_scores(train, rows) | FULL)


FULL = {"entity_precision": 1.0, "entity_recall": 1.0, "entity_f1": 1.0}


def test_the_commonest_relation_of_two_types_by_hand() -> None:
    three: list[tuple[str, str | None]] = [*PAIR, ("flood", "MISC")]
    train = [row(TEXT, three, (0, 1, "in"), (2, 1, "hit"))] * 3 + [row(TEXT, three, (0, 1, "near"), (0, 2, "fled"))] * 2
    # PER LOC: "in" holds for 3 of 5, MISC LOC "hit" for 3 of 5, PER MISC "fled" for 2 of 5. From .42 on: 6 of 10 right,
    # of 10 to tell: .60; from 0 on: 8 of 15: .64
    rows = [row(TEXT, three, (0, 1, "in"), (1, 2, "fled")), row(TEXT, three, (0, 2, "fled"), (2, 1, "hit"))]
    figures = type_pair_scores(train, rows)
    assert figures == pytest.approx({"given_precision": 3 / 6, "given_recall": 3 / 4, "given_f1": 6 / 10})
    assert list(baselines(None, train, rows)) == ["commonest relation of the types, known names"]
    few = [row(TEXT, three, (0, 1, "in"), (0, 2, "fled"))] + [row(TEXT, three, (0, 1, "in"))] * 9
    assert type_pair_scores(few, rows)["given_precision"] == 0.5  # "fled" of one in ten is not told, "in" is to both
    inside = type_pair_scores([DOCUMENT], [DOCUMENT])
    assert inside["given_sentence_recall"] == 1.0 and inside["given_recall"] == pytest.approx(2 / 3)


def test_a_baseline_learns_from_rows_of_its_own_kind() -> None:
    affirmed = [ask((0, 1, "a"), behaviour="affirmed", labels=["a"])]
    assert baselines(None, [ask((0, 1, "a"))], affirmed) == {}
    with pytest.raises(InputError, match="No training row is annotated with what the rows to score are"):
        baselines(None, [DOCUMENT | {"entities": []}], [row(TEXT, [("people", None), ("town", None)], (0, 1, "a"))])
