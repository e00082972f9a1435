"""Rows of relation extraction to features: exact tokens of entities, the pairs of a window, what each kind of row says of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.encoder import Encoder
from tasks.core.errors import InputError
from tasks.core.text import Tokens, Window
from tasks.relation_extraction import data
from tasks.relation_extraction.data import (
    Given,
    both_ways,
    check_rows,
    count_endpoints,
    given_entities,
    gold_relations,
    is_choice,
    place_entities,
    told_labels,
    windower_of,
)
from tasks.relation_extraction.features import features, with_pairs
from tasks.relation_extraction.types import TYPES

Row = dict[str, Any]
TEXT = "people fled the flood in the town"
SET = ["flood", "nurse", "vote"]


def row(text: str, entities: list[tuple[str, str | None]], *relations: tuple[int, int, str], **more: Any) -> Row:
    """A row whose entities are mentioned wherever their words stand."""
    made = [{"type": kind, "mentions": places(text, words)} for words, kind in entities]
    return {"text": text, "entities": made, "relations": [{"head": h, "tail": t, "type": n} for h, t, n in relations], **more}


def places(text: str, words: str) -> list[dict[str, Any]]:
    starts = [at for at in range(len(text)) if text.startswith(words, at)]
    return [{"start": at, "end": at + len(words), "text": words} for at in starts]


PAIR: list[tuple[str, str | None]] = [("people", "PER"), ("town", "LOC")]
THREE = [*PAIR, ("flood", "MISC")]
DOCUMENT = row(TEXT, THREE, (0, 1, "nurse"), (2, 1, "vote"), (2, 1, "flood"))


def read(encoder: Encoder, text: str) -> tuple[Tokens, list[Window]]:
    (tokens,), windows = windower_of(encoder)([text])
    return tokens, windows


# Rows


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text": None}, 'has no "text"'),
        ({"entities": None}, "is no row of relation extraction"),
        ({"entities": [{"type": "PER", "start": 0}]}, "'end'.* is missing or wrong"),
        ({"entities": [{"type": "PER", "start": "0", "end": 3}]}, "is missing or wrong"),
        ({"entities": ["people"]}, "is missing or wrong"),
        ({"entities": [{"start": 30, "end": 34}]}, r"has an entity outside its text: \(30, 34\)"),
        ({"entities": [{"start": 4, "end": 4}]}, r"outside its text: \(4, 4\)"),
        ({"entities": [{"mentions": [{"start": 0, "end": 3}, {"start": -1, "end": 3}]}]}, r"outside its text: \(-1, 3\)"),
        ({"relations": [{"head": 0, "tail": 2, "type": "nurse"}]}, "a relation 'nurse' between entities 0 and 2, of 2"),
        ({"relations": [{"head": -1, "tail": 0, "type": "nurse"}]}, "between entities -1 and 0, of 2"),
        ({"relations": [{"head": 1, "tail": 1, "type": "nurse"}]}, "between entities 1 and 1, of 2"),
        ({"relations": [{"head": 1, "type": "nurse"}]}, "'tail'.* is missing or wrong"),
        ({"relations": [{"head": "0", "tail": 1, "type": "nurse"}]}, "is missing or wrong"),
        (
            {"relations": [{"head": 0, "tail": 1, "type": "nurse"}], "labels": ["vote"]},
            "a relation 'nurse' that is not among its \"labels\"",
        ),
    ],
    ids=str,
)
def test_the_first_wrong_row_is_named(changes: Row, message: str) -> None:
    good = row(TEXT, PAIR, (0, 1, "nurse"))
    assert check_rows([good], "a.jsonl") == [good]
    wrong = row(TEXT, PAIR) | changes
    with pytest.raises(InputError, match=message) as error:
        check_rows([good, wrong, {"text": None}], "a.jsonl")
    assert str(error.value).startswith("Row 2 of a.jsonl ") and len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    "changes",
    [{"labels": None}, {"labels": "nurse"}, {"labels": [None]}, {"relations": [{"head": 0, "tail": 1, "type": None}]}],
    ids=str,
)
def test_names_that_are_none_are_wrong(changes: Row) -> None:
    with pytest.raises(InputError, match="Row 1 of"):
        check_rows([row(TEXT, PAIR) | changes], "a.jsonl")


def test_entities_have_one_mention_or_many_and_our_types() -> None:
    made = {"text": TEXT, "entities": [{"type": "person", "start": 0, "end": 6}, {"type": "x", "mentions": places(TEXT, "the")}]}
    assert given_entities(made) == [Given("PER", ((0, 6),)), Given(None, ((12, 15), (25, 28)))]
    assert gold_relations(made) == set() and gold_relations(DOCUMENT) == {(0, 1, "nurse"), (2, 1, "vote"), (2, 1, "flood")}


def test_what_rows_ask_for() -> None:
    one, back, none = row(TEXT, PAIR, (0, 1, "vote")), row(TEXT, PAIR, (1, 0, "vote")), row(TEXT, PAIR)
    assert is_choice([one, back, none])
    for other in (DOCUMENT, row(TEXT, PAIR, (0, 1, "vote"), (1, 0, "vote")), row(TEXT, PAIR, (0, 1, "vote"), labels=["vote"])):
        assert not is_choice([one, other])
    assert both_ways([one, back]) and not both_ways([one, none]) and both_ways([DOCUMENT])
    assert told_labels(one) is None and told_labels({"labels": []}) == {}
    assert told_labels({"labels": ["a", "b"]}) == {"a": "", "b": ""} and told_labels({"labels": {"a": "x"}}) == {"a": "x"}


def test_endpoints_are_the_types_that_are_not_rare() -> None:
    def rows(count: int, one: str | None, other: str | None, name: str) -> list[Row]:
        return [row(TEXT, [("people", one), ("town", other)], (0, 1, name))] * count

    counted = [*rows(8, "PER", "LOC", "born"), *rows(2, "LOC", "PER", "born"), *rows(9, "PER", None, "born")]
    counted += [
        *rows(9, "ORG", "LOC", "rare"),
        *rows(5, "ORG", None, "rare"),
        *rows(99, "PER", "gpe", "often"),
        *rows(1, "NUM", "ORG", "often"),
    ]
    assert count_endpoints(counted) == {"born": ["LOC PER", "PER LOC"], "often": ["NUM ORG", "PER LOC"]}
    assert count_endpoints(counted, least=9, share=0.25) == {"born": ["PER LOC"], "often": ["PER LOC"], "rare": ["ORG LOC"]}


# Entities in windows


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        (TEXT, ["people", "the town"]),
        ("😀 the café\u0301 🥐 was in Zoe\u0308 town", ["café\u0301", "Zoe\u0308 town"]),
        ("👩‍👩‍👧 in  the   𝔸bc school \r\nהעיר vote", ["𝔸bc school", "העיר"]),
        ("half \ud83d emoji school was", ["emoji school", "half"]),
    ],
)
def test_entities_are_exact_tokens_behind_any_character(any_encoder: Encoder, text: str, mentions: list[str]) -> None:
    entities = [Given(kind, ((text.index(words), text.index(words) + len(words)),)) for words, kind in zip(mentions, TYPES, strict=False)]
    tokens, (window,) = read(any_encoder, text)
    placed = place_entities(window, tokens, entities)
    offsets = any_encoder.tokenizer(text.replace("\ud83d", "\ufffd"), return_offsets_mapping=True)["offset_mapping"]
    assert placed.present == [0, 1] and len(placed.kinds) == len(offsets) == len(window.ids)
    spans = []
    for number, words in enumerate(mentions):
        first = placed.kinds.tolist().index(2 * number + 1)
        last = first + placed.kinds.tolist().count(2 * number + 2)
        assert set(placed.kinds[first + 1 : last + 1].tolist()) <= {2 * number + 2}
        read_there = text[offsets[first][0] : offsets[last][1]].strip()  # the space before a word is part of it to some
        assert read_there in (words, words.removesuffix("\u0301"))  # to BERT an accent is none
        spans.append([first, last])
    assert np.count_nonzero(placed.kinds) == sum(last - first + 1 for first, last in spans)
    assert placed.pairs.tolist() == [[0, 1, *spans[0], *spans[1]], [1, 0, *spans[1], *spans[0]]]


@pytest.mark.parametrize("kind", [*TYPES, None])
def test_each_type_has_kinds_of_its_own(encoder: Encoder, kind: str | None) -> None:
    tokens, (window,) = read(encoder, "in the school vote in")
    number = TYPES.index(kind) if kind else len(TYPES)
    kinds = place_entities(window, tokens, [Given(kind, ((3, 18),))]).kinds.tolist()
    pieces = len(encoder.tokenizer("the")["input_ids"]) - 2
    assert kinds.count(2 * number + 1) == 1 and kinds.count(2 * number + 2) == pieces + 1
    assert max(kinds) < data.KINDS and kinds[0] == kinds[1] == kinds[-1] == 0


@settings(max_examples=40, deadline=None)
@given(before=st.integers(0, 150), between=st.integers(0, 30), after=st.integers(0, 100))
def test_a_mention_that_a_window_cuts_is_not_there(encoder: Encoder, before: int, between: int, after: int) -> None:
    text = "in " * before + "school vote town nurse " + "was " * between + "flood" + " hit" * after
    entities = [
        Given("ORG", ((text.index("school"), text.index(" nurse") + 6),)),
        Given(None, ((text.index("flood"), text.index("flood") + 5),)),
    ]
    long, short = (encoder.tokenizer(words, add_special_tokens=False)["input_ids"] for words in ("school vote town nurse", "flood"))
    tokens, windows = read(encoder, text)
    seen = set()
    for window in windows:
        ids = window.ids.tolist()
        there = [at for at in range(len(ids)) if ids[at : at + 4] == long], [at for at in range(len(ids)) if ids[at] == short[0]]
        placed = place_entities(window, tokens, entities)
        assert placed.present == [number for number in (0, 1) if there[number]]
        assert placed.kinds.tolist() == [
            3 if at in there[0] else 4 if set(range(at - 3, at)) & set(there[0]) else 13 if at in there[1] else 0 for at in range(len(ids))
        ]
        if all(there):
            (one,), (other,) = there
            assert placed.pairs.tolist() == [[0, 1, one, one + 3, other, other], [1, 0, other, other, one, one + 3]]
        else:
            assert placed.pairs.shape == (0, 6)
        seen |= set(placed.present)
    assert seen == {0, 1}


@settings(max_examples=40, deadline=None)
@given(words=st.lists(st.sampled_from(["school", "vote", "flood", "in"]), min_size=2, max_size=25))
def test_a_pair_is_read_at_its_closest_mentions(encoder: Encoder, words: list[str]) -> None:
    text = " ".join(words)
    names = [name for name in ("vote", "flood", "school") if name in words]
    entities = [Given(None, tuple((each["start"], each["end"]) for each in places(text, name))) for name in names]
    pieces = np.cumsum([1] + [len(encoder.tokenizer(word, add_special_tokens=False)["input_ids"]) for word in words])
    tokens, (window,) = read(encoder, text)
    at = [[int(pieces[place]) for place, word in enumerate(words) if word == name] for name in names]
    found = {(one, other): spans for one, other, *spans in place_entities(window, tokens, entities).pairs.tolist()}
    assert set(found) == {(one, other) for one in range(len(names)) for other in range(len(names)) if one != other}
    for (one, other), (first, last, begin, end) in found.items():
        assert first == last and begin == end and first in at[one] and begin in at[other]
        assert abs(first - begin) == min(abs(a - b) for a in at[one] for b in at[other])
        assert found[other, one] == [begin, end, first, last] or abs(first - begin) == abs(found[other, one][0] - found[other, one][2])


# Features


def test_a_document_row_has_all_pairs_and_the_relations_that_are_wanted(encoder: Encoder) -> None:
    (made,) = features(encoder, [DOCUMENT], "a", SET)
    assert made["input_ids"] == encoder.tokenizer(TEXT)["input_ids"] and len(made["pairs"]) == 6
    order = [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
    assert made["cells"] == [(order.index((0, 1)), "nurse"), (order.index((2, 1)), "flood"), (order.index((2, 1)), "vote")]
    assert (made["choice"], made["directed"], made["label_set"], made["labels"]) == (False, True, "a", None)
    assert [kind for kind in made["kinds"] if kind] == [1, 11, 5]
    (fewer,) = features(encoder, [DOCUMENT], "a", ["vote", "hit"])
    assert fewer == made | {"cells": [(5, "vote")]}


def test_rows_of_one_relation_and_rows_with_labels_of_their_own(encoder: Encoder) -> None:
    one, back, none = row(TEXT, PAIR, (0, 1, "vote")), row(TEXT, PAIR, (1, 0, "nurse")), row(TEXT, PAIR)
    alike = features(encoder, [one, none], "a", SET)
    assert [(each["cells"], each["choice"], each["directed"]) for each in alike] == [([(0, "vote")], True, False), ([], True, False)]
    directed = features(encoder, [one, back, none], "a", SET)
    assert [(each["cells"], each["directed"]) for each in directed] == [([(0, "vote")], True), ([(1, "nurse")], True), ([], True)]
    assert features(encoder, [one, back], "a", ["nurse"]) == [features(encoder, [one, back], "a", SET)[1]]  # or it would be "none"
    own = [row(TEXT, PAIR, (0, 1, "vote"), labels={"vote": "", "hit": "it hits", "nurse": ""}), row(TEXT, PAIR, labels=[])]
    made = features(encoder, own, "a", SET)
    assert [(each["labels"], each["choice"]) for each in made] == [(["nurse", "vote"], False)]  # a row that knows of none is not read


def test_windows_without_two_entities_are_left_out(encoder: Encoder) -> None:
    far = row("people " + "in " * 200 + "town", PAIR, (0, 1, "vote"))
    assert features(encoder, [far, row(TEXT, PAIR[:1]), row("", []), row(" ", [])], "a", SET) == []
    (made,) = features(encoder, [row("people " + "in " * 200 + "town was people", PAIR, (1, 0, "vote"))], "a", SET)
    assert made["cells"] == [(1, "vote")] and made["pairs"][1][0] < made["pairs"][1][2]
    assert features(encoder, [], "a", SET) == []


def test_pairs_have_two_tokens_each_behind_the_text() -> None:
    rows: list[Any] = [
        ([5, 6, 7, 8], [0, 1, 2, 0], [[1, 2, 3, 3], [3, 3, 1, 2]]),
        ([5, 6, 7], [0, 0, 3], []),
        ([5, 9], [1, 3], [[0, 0, 1, 1]]),
    ]
    ids, kinds, owner, pairs = with_pairs(rows, 99)
    assert ids.tolist() == [[5, 6, 7, 8, 99, 99, 99, 99], [5, 6, 7, *[99] * 5], [5, 9, *[99] * 6]]
    assert kinds.tolist() == [[0, 1, 2, 0, 0, 0, 0, 0], [0, 0, 3, 0, 0, 0, 0, 0], [1, 3, 0, 0, 0, 0, 0, 0]]
    assert owner.tolist() == [[0, 0, 0, 0, 1, 1, 2, 2], [0, 0, 0, *[-1] * 5], [0, 0, 1, 1, *[-1] * 4]]
    assert pairs.tolist() == [[0, 4, 1, 2, 3, 3], [0, 6, 3, 3, 1, 2], [2, 2, 0, 0, 1, 1]]
