"""Pairs in training and in use: what a batch tells of which pair; what a text gives, in any parts and any company."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from tasks.core.encoder import Encoder, load_encoder
from tasks.core.text import batches
from tasks.relation_extraction import features as feature_module
from tasks.relation_extraction import scoring
from tasks.relation_extraction.data import Endpoints, Given, place_entities, windower_of
from tasks.relation_extraction.features import Collator, with_pairs
from tasks.relation_extraction.model import Reading
from tasks.relation_extraction.scoring import NEAR, Candidate, RelationScorer, possible_types
from tasks.relation_extraction.types import TYPES
from tests.test_relation_data import DOCUMENT, PAIR, row
from tests.test_relation_data import TEXT as SAID
from tests.test_relation_model import BACK, NONE, ONE, OWN, SET, Tensors, collated, columns, made, shaken

LABELS = {**SET, "people vote": "", "hit": "a flood hit the school"}
NAMES = list(LABELS)
ENDS = {"flood": ["PER LOC"], "vote": ["ORG LOC", "LOC ORG", "PER PER"], "hit": ["NUM NUM"], "other": ["PER PER"]}
LETTERS = dict.fromkeys("bcdefghijklmnopqrst", "a vote in the school")
Found = dict[tuple[int, int, str], float]


def mentioned(text: str, **types: str | None) -> list[Given]:
    """An entity for each word, mentioned wherever it stands."""
    return [
        Given(kind, tuple((at, at + len(word)) for at in range(len(text)) if text.startswith(word, at))) for word, kind in types.items()
    ]


TEXT = "people fled the flood in the town and a nurse was in the school"
ENTITIES = mentioned(TEXT, people="PER", town="LOC", nurse="PER", school="ORG", flood=None)
LONG = "people fled the town " + "in the " * 60 + "town was a nurse " + "in a " * 50 + "school hit people in the town in 7"
FAR = mentioned(LONG, people="PER", town="LOC", nurse="PER", school="ORG")
MANY: list[tuple[str, list[Given]]] = [
    (TEXT, ENTITIES),
    ("", []),
    ("a vote in the town", mentioned("a vote in the town", vote="MISC", town="LOC")),
    (LONG, FAR),
    ("people fled", mentioned("people fled", people="PER")),
    (" \n", []),
    ("😀 Zoë fled\r\nthe school", mentioned("😀 Zoë fled\r\nthe school", Zoë="PER", school=None)),
]


@pytest.fixture(scope="module")
def scorer(encoder: Encoder) -> RelationScorer:
    """The tiny BERT with a head of random weights."""
    return RelationScorer(encoder, shaken(encoder))


@pytest.fixture(scope="module", params=["bert", "roberta", "modernbert"])
def any_scorer(request: pytest.FixtureRequest, make_model: Callable[..., Path]) -> RelationScorer:
    """The same over each kind of encoder that reads pairs."""
    encoder = load_encoder(str(make_model(request.param)))
    return RelationScorer(encoder, shaken(encoder))


@pytest.fixture(autouse=True)
def all_near(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every pair is a candidate, however low its logit."""
    monkeypatch.setattr(scoring, "NEAR", -1e9)


def named(found: Sequence[Candidate], names: Sequence[str] = NAMES) -> Found:
    return {(each.head, each.tail, names[each.label]): each.logit for each in found}


def only(scorer: RelationScorer, text: str = TEXT, entities: Sequence[Given] = ENTITIES, endpoints: Endpoints | None = None) -> Found:
    return named(scorer([text], [entities], LABELS, endpoints or {})[0])


def by_hand(scorer: RelationScorer, text: str, entities: Sequence[Given]) -> Found:
    """Every pair of every window read on its own, the highest of each."""
    best: Found = {}
    embedded = scorer.encoder.embed([f"{name}: {told}" if told else name for name, told in LABELS.items()])
    (tokens,), windows = windower_of(scorer.encoder)([text])
    for window in windows:
        placed = place_entities(window, tokens, entities)
        for one, other, *spans in placed.pairs.tolist():
            with torch.no_grad():
                read = Reading(*with_pairs([(window.ids, placed.kinds, [spans])], 0))
                (logits,) = scorer.head(scorer.head.read(scorer.encoder.model, read), embedded).tolist()
            for name, logit in zip(NAMES, logits, strict=True):
                key = placed.present[one], placed.present[other], name
                best[key] = max(logit, best.get(key, -1e9))
    return best


def cells(encoder: Encoder, batch: Tensors, name: str) -> set[tuple[int, str]]:
    names = columns(encoder, batch)
    return {(pair, names[column]) for pair, column in batch[name].nonzero().tolist()}


def every(pairs: Sequence[int], labels: Sequence[str]) -> set[tuple[int, str]]:
    return {(pair, label) for pair in pairs for label in labels}


# What a batch says


def test_a_document_tells_of_all_its_pairs(encoder: Encoder) -> None:
    _, (feature,) = made(encoder, ([DOCUMENT], SET))
    batch = collated(encoder, ([DOCUMENT], SET))
    related = [feature["pairs"].index(pair) for pair in batch["pairs"][:, 2:].tolist()]
    assert related == [0, 5, 1, 2, 3, 4]  # the related ones first
    assert cells(encoder, batch, "truth") == {(0, "nurse"), (1, "vote"), (1, "flood")}
    assert cells(encoder, batch, "known") == every(range(6), list(SET))
    assert (
        batch["choice"].tolist() == [False] and batch["pair_weight"].tolist() == [1.0] * 6 and batch["label_weight"].tolist() == [1.0] * 3
    )


def test_rows_of_one_relation_tell_of_one_pair_or_of_both(encoder: Encoder) -> None:
    batch = collated(encoder, ([ONE], SET))
    assert cells(encoder, batch, "truth") == {(0, "vote")} and batch["choice"].tolist() == [True]
    assert cells(encoder, batch, "known") == {*every([0], list(SET)), (1, "vote")}  # the other way round it does not hold
    sibling = collated(encoder, ([row(SAID, PAIR, (0, 1, "sibling"))], {"sibling": "", "vote": ""}))
    assert cells(encoder, sibling, "known") == every([0], ["sibling", "vote"])  # or it may
    both = collated(encoder, ([ONE, BACK, NONE], SET))
    assert cells(encoder, both, "truth") == {(0, "vote"), (2, "vote")}
    assert both["pairs"][2, 2:].tolist() == both["pairs"][1, 2:].tolist()  # of the second row the pair from the town
    assert cells(encoder, both, "known") == every(range(6), list(SET)) and both["choice"].tolist() == [True] * 3


def test_each_row_of_a_batch_tells_of_its_own_labels(encoder: Encoder) -> None:
    batch = collated(encoder, ([OWN, row(SAID, PAIR, labels=["nurse"])], {}), ([ONE], SET), ([NONE], {"town": ""}))
    assert sorted(columns(encoder, batch)) == ["flood", "hit", "nurse", "town", "vote"]
    assert cells(encoder, batch, "truth") == {(0, "hit"), (4, "vote")}
    expected = every([0, 1], ["hit", "nurse"]) | every([2, 3], ["nurse"]) | every([4], list(SET)) | {(5, "vote")}
    assert cells(encoder, batch, "known") == expected
    assert batch["choice"].tolist() == [False, False, True, True] and set(batch["label_weight"].tolist()) == {1.0}


def test_described_labels_are_sampled_and_weigh_as_much_as_all(encoder: Encoder) -> None:
    gold = row(SAID, PAIR, (0, 1, "b"))
    batch = collated(encoder, ([gold], LETTERS), ([OWN], {}), sample=6, hide=0.0)
    weights = dict(zip((each.split(" :")[0] for each in columns(encoder, batch)), batch["label_weight"].tolist(), strict=True))
    assert columns(encoder, batch)[0] == "nurse" and "hit : it hits" in columns(encoder, batch)  # sorted by length
    assert [weights.pop(name) for name in ("b", "hit", "nurse")] == [1.0] * 3
    assert set(weights.values()) == {3.0} and len(weights) == 6 < set(LETTERS).issuperset(weights) * 7
    for sample, hide, text in ((0, 0.0, "b : a vote in the school"), (6, 1.0, "b"), (18, 0.0, "b : a vote in the school")):
        whole = collated(encoder, ([gold], LETTERS), sample=sample, hide=hide)
        assert len(columns(encoder, whole)) == 19 and text in columns(encoder, whole) and set(whole["label_weight"].tolist()) == {1.0}


def test_pairs_without_a_relation_are_sampled_and_weigh_as_much_as_all(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_module, "UNRELATED", 7)
    words: list[tuple[str, str | None]] = [(word, None) for word in ("people", "fled", "flood", "town", "in")]
    batch = collated(encoder, ([row(SAID, words, (3, 0, "vote"), (3, 0, "nurse"), (0, 1, "flood"))], SET))
    assert batch["pair_weight"].tolist() == pytest.approx([1.0] * 2 + [18 / 7] * 7)
    assert cells(encoder, batch, "truth") == {(0, "flood"), (1, "vote"), (1, "nurse")}
    assert len({tuple(pair) for pair in batch["pairs"][:, 2:].tolist()}) == 9
    assert batch["owner"].max() == 9 and batch["pairs"][1, 2:].tolist() == batch["pairs"][1].tolist()[2:] != batch["pairs"][0].tolist()[2:]


def test_what_is_drawn_depends_on_the_seed_and_the_rows(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_module, "UNRELATED", 2)
    sets, batch = made(encoder, ([row(SAID, PAIR, (0, 1, "b"))], LETTERS), ([DOCUMENT], SET))

    def drawn(seed: int, some: list[dict[str, Any]]) -> list[Any]:
        return [value.tolist() for value in Collator(encoder, sets, 4, 0.5, seed)(some).values()]

    collate = Collator(encoder, sets, 4, 0.5, 1)
    first, _ = collate(batch), collate(batch[::-1])
    assert [value.tolist() for value in first.values()] == [value.tolist() for value in collate(batch).values()] == drawn(1, batch)
    assert len({str(drawn(seed, batch)) for seed in range(5)}) > 2


def test_some_rows_are_read_without_the_types_of_their_entities(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    long = row("people fled the school vote", [("people", "PER"), ("the school vote", "ORG")])
    with_types = [kind for kind in collated(encoder, ([long], SET), seed=2)["kinds"][0].tolist() if kind]
    monkeypatch.setattr(feature_module, "UNTYPED_SHARE", 1.0)
    without = [kind for kind in collated(encoder, ([long], SET), seed=2)["kinds"][0].tolist() if kind]
    assert set(with_types) == {1, 3, 4} and without == [13 if kind in (1, 3) else 14 for kind in with_types]
    monkeypatch.setattr(feature_module, "UNTYPED_SHARE", 0.2)
    sets, (feature,) = made(encoder, ([long], SET))
    untyped = sum(13 in Collator(encoder, sets, 0, 1.0, seed)([feature])["kinds"] for seed in range(200))
    assert 20 < untyped < 65


# Types at inference


def test_types_that_a_relation_can_hold_between() -> None:
    table = possible_types(["born", "open", "none"], {"born": ["PER LOC", "ORG ORG"], "none": [], "other": ["PER PER"]})
    assert table.shape == (7, 7, 3)
    for head in range(7):
        for tail in range(7):
            untyped = head == 6 or tail == 6
            pair = "" if untyped else f"{TYPES[head]} {TYPES[tail]}"
            assert table[head, tail].tolist() == [untyped or pair in ("PER LOC", "ORG ORG"), True, untyped]


def test_leaving_out_impossible_pairs_changes_no_other(any_scorer: RelationScorer) -> None:
    for text, entities in ((TEXT, ENTITIES), (LONG, FAR)):
        whole, pruned = only(any_scorer, text, entities), only(any_scorer, text, entities, ENDS)

        def possible(head: int, tail: int, name: str, types: Sequence[str | None] = [each.type for each in entities]) -> bool:
            return name not in ENDS or None in (types[head], types[tail]) or f"{types[head]} {types[tail]}" in ENDS[name]

        expected = {key: logit for key, logit in whole.items() if possible(*key)}
        assert 0 < len(expected) < len(whole)
        assert pruned == pytest.approx(expected, abs=1e-4)


def test_pairs_without_any_possible_relation_are_not_read(scorer: RelationScorer, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def counted(units: Sequence[scoring.Unit], tokens: int) -> object:
        sizes.extend(len(unit.pairs) for unit in units)
        return batches(units, tokens)

    monkeypatch.setattr(scoring, "batches", counted)
    labels = {"flood": "", "hit": ""}
    found = named(scorer([TEXT], [ENTITIES], labels, ENDS)[0], list(labels))
    assert sizes == [8 + 2]  # with the flood, which has no type, and the two people to the town
    assert {key[:2] for key in found if key[2] == "flood" and 4 not in key} == {(0, 1), (2, 1)}
    assert named(scorer([TEXT], [ENTITIES[:4]], {"hit": ""}, ENDS)[0]) == {} and sizes == [10]


# Parts and windows


def test_many_pairs_are_read_in_parts(any_scorer: RelationScorer, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = only(any_scorer)
    assert set(whole) == {(head, tail, name) for head in range(5) for tail in range(5) if head != tail for name in NAMES}
    for most in (1, 3, 19, 20):
        monkeypatch.setattr(scoring, "PAIRS", most)
        assert only(any_scorer) == pytest.approx(whole, abs=1e-4)


def test_each_pair_has_the_highest_logit_of_its_windows(any_scorer: RelationScorer) -> None:
    tokens, windows = windower_of(any_scorer.encoder)([LONG])
    present = [place_entities(window, tokens[0], FAR).present for window in windows]
    assert sum({0, 1} <= set(each) for each in present) > 1 and not any(each == [0, 1, 2, 3] for each in present)
    found = only(any_scorer, LONG, FAR)
    assert found == pytest.approx(by_hand(any_scorer, LONG, FAR), abs=1e-4)
    assert {key[:2] for key in found} == {(a, b) for each in present for a in each for b in each if a != b} != set()
    assert only(any_scorer) == pytest.approx(by_hand(any_scorer, TEXT, ENTITIES), abs=1e-4)


# The same answer in any company


def test_a_batch_answers_as_single_texts_in_any_order(any_scorer: RelationScorer) -> None:
    single = [only(any_scorer, *each, ENDS) for each in MANY]
    assert [bool(each) for each in single] == [True, False, True, True, False, False, True]
    for order in (list(range(7)), [6, 5, 4, 3, 2, 1, 0], [3, 0, 3]):
        texts, entities = zip(*(MANY[at] for at in order), strict=True)
        for at, found in zip(order, any_scorer(texts, entities, LABELS, ENDS), strict=True):
            assert named(found) == pytest.approx(single[at], abs=1e-4)


def test_labels_in_another_order_and_fewer_score_the_same(scorer: RelationScorer) -> None:
    whole = only(scorer)
    backwards = dict(reversed(LABELS.items()))
    assert named(scorer([TEXT], [ENTITIES], backwards, {})[0], list(backwards)) == pytest.approx(whole, abs=1e-4)
    alone = named(scorer([TEXT], [ENTITIES], {"nurse": ""}, {})[0], ["nurse"])
    assert alone == pytest.approx({key: logit for key, logit in whole.items() if key[2] == "nurse"}, abs=1e-4)
    described = named(scorer([TEXT], [ENTITIES], {"nurse": "a school"}, {})[0], ["nurse"])
    assert all(abs(described[key] - logit) > 1e-3 for key, logit in alone.items())


def test_entities_in_another_order_score_the_same(scorer: RelationScorer) -> None:
    order = [3, 1, 4, 0, 2]
    found = only(scorer, TEXT, [ENTITIES[at] for at in order])
    assert {(order[head], order[tail], name): logit for (head, tail, name), logit in found.items()} == pytest.approx(only(scorer), abs=1e-4)


def test_what_has_no_pair_has_no_candidate(scorer: RelationScorer) -> None:
    assert scorer([], [], LABELS, {}) == []
    assert scorer([TEXT, TEXT, ""], [[], ENTITIES[:1], []], LABELS, {}) == [[], [], []]
    blank = [Given("PER", ((6, 7),)), Given("LOC", ((29, 33),))]  # a space is no word
    assert scorer([TEXT], [blank], LABELS, {}) == [[]]


def test_one_candidate_alone_is_told(scorer: RelationScorer) -> None:
    (found,) = scorer([TEXT], [ENTITIES[:2]], {"flood": SET["flood"]}, ENDS)
    assert set(named(found, ["flood"])) == {(0, 1, "flood")}


def test_far_candidates_are_left_out(scorer: RelationScorer, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = only(scorer)
    least = sorted(whole.values())[len(whole) // 2]
    monkeypatch.setattr(scoring, "NEAR", least - 1e-4)
    near = only(scorer)
    assert near == pytest.approx({key: logit for key, logit in whole.items() if logit >= least}, abs=1e-4)
    assert 0 < len(near) < len(whole) and NEAR == -6.0
    found = scorer([TEXT], [ENTITIES], LABELS, {})[0]
    assert found == sorted(found, key=lambda each: each[:3])
