"""Rows with entities to tensors: types as ours, words by their characters, how they are written, what windows cut."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.encoder import Encoder
from tasks.relation_extraction.entities.data import (
    NAMES,
    OVERLAP,
    Collator,
    features,
    gold_mentions,
    house_type,
    known_types,
    lower_cased,
    token_shapes,
    windower_of,
)
from tasks.relation_extraction.types import TYPES

Row = dict[str, Any]
TEXT = "Ada Osei fled the town."


def place(text: str, words: str, at: int = 0) -> dict[str, Any]:
    start = text.index(words, at)
    return {"start": start, "end": start + len(words), "text": words}


def row(text: str, **entities: str) -> Row:
    """A row whose entities are the words given for each type."""
    return {"text": text, "entities": [{"type": name, **place(text, words)} for name, words in entities.items()]}


def words_of(encoder: Encoder, text: str, feature: dict[str, Any], span: list[int]) -> str:
    """The characters of a feature's span, as the tokenizer places its tokens."""
    known = encoder.tokenizer(text, return_offsets_mapping=True)
    assert feature["input_ids"] == known["input_ids"]
    offsets = known["offset_mapping"]
    return text[offsets[feature["first"][span[1]]][0] : offsets[feature["last"][span[2]]][1]]


# Types


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("PER", "PER"),
        ("person", "PER"),
        ("People", "PER"),
        ("ORG", "ORG"),
        ("Organisation", "ORG"),
        ("NORP", "ORG"),
        ("company", "ORG"),
        ("gpe", "LOC"),
        ("LOCATION", "LOC"),
        ("FAC", "LOC"),
        ("geo-political", "LOC"),
        ("DATE", "TIME"),
        ("tim", "TIME"),
        ("CARDINAL", "NUM"),
        ("PERCENT", "NUM"),
        ("money", "NUM"),
        ("MISC", "MISC"),
        ("WORK_OF_ART", "MISC"),
        ("Disease/Syndrome", "MISC"),
        ("person-fictional", "PER"),
        ("PERSON3", "PER"),
        ("O", None),
        ("LABEL_0", None),
        ("B-PER", None),
        ("personal", None),
        ("the city", None),
        ("", None),
        ("3", None),
        ("İL", None),
        (None, None),
    ],
)
def test_the_first_word_of_a_type_decides(name: str | None, ours: str | None) -> None:
    assert house_type(name) == ours


def test_our_own_types_are_themselves_and_no_name_is_of_two() -> None:
    assert [house_type(name) for name in TYPES] == list(TYPES) == list(NAMES)
    words = " ".join(NAMES.values()).split()
    assert len(words) == len(set(words))


# What a row says


def test_gold_mentions_are_all_mentions_of_all_typed_entities() -> None:
    entities = [
        {"type": "person", "mentions": [{"start": 0, "end": 8}, {"start": 0, "end": 3}, {"start": 0, "end": 8}]},
        {"type": "GPE", "start": 18, "end": 22},
        {"type": "LABEL_3", "start": 9, "end": 13},
        {"type": None, "start": 9, "end": 13},
        {"start": 14, "end": 17},
    ]
    assert gold_mentions({"text": TEXT, "entities": entities}) == {(0, 8, "PER"), (0, 3, "PER"), (18, 22, "LOC")}
    assert gold_mentions({"text": TEXT}) == gold_mentions({"text": TEXT, "entities": []}) == set()


def test_a_file_is_annotated_with_the_types_that_it_has() -> None:
    rows = [row(TEXT, GPE="town"), row(TEXT, fled="fled"), row(TEXT, MISC="the", person="Ada"), {"text": "a"}]
    assert known_types(rows) == ("PER", "LOC", "MISC")
    assert known_types(rows[1:2]) == known_types([]) == ()


# Rows without capitals


def test_lower_cased_rows_are_rows_in_small_letters() -> None:
    rows = [row(f"Ada Osei fled {number}.", PER="Ada Osei") for number in range(40)]
    more = lower_cased(rows, 0.24, 7)  # 9.6 rows
    assert len(more) == 10 and len({each["text"] for each in more}) == 10
    for each in more:
        original = rows[int(each["text"].removeprefix("ada osei fled ").removesuffix("."))]
        assert each == {"text": original["text"].lower(), "entities": original["entities"]}
    assert rows[0]["text"] == "Ada Osei fled 0."
    assert lower_cased(rows, 0.24, 7) == more != lower_cased(rows, 0.24, 8)
    assert lower_cased(rows, 0.0, 7) == lower_cased([], 0.5, 7) == [] and len(lower_cased(rows, 1.0, 7)) == 40


def test_rows_whose_offsets_would_move_are_left_out() -> None:
    assert len("İzmir".lower()) == len("İzmir") + 1
    rows = [row("İzmir and Ada", PER="Ada"), row("Straße and ADA", PER="ADA")]
    assert [each["text"] for each in lower_cased(rows, 1.0, 0)] == ["straße and ada"]


# How words are written


def test_every_token_has_the_shape_of_its_word(encoder: Encoder) -> None:
    text = "flood Town VOTE iPhone x2 A 😀 Zoë."
    (tokens,), (window,) = windower_of(encoder)([text])
    expected = {"flood": 0, "Town": 1, "VOTE": 2, "iPhone": 3, "x2": 4, "A": 5, "😀": 0, "Zoë": 1, ".": 0}
    read = encoder.tokenizer(text)
    shapes = token_shapes(text, tokens, window).tolist()
    assert len(shapes) == len(read["input_ids"]) and shapes[0] == shapes[-1] == 0
    assert shapes[1:-1] == [list(expected.values())[word] for word in read.word_ids()[1:-1]]
    assert shapes.count(3) == len("iPhone")  # in letters, each of the word's


def test_the_windows_of_a_long_text_have_the_shapes_of_their_own_words(encoder: Encoder) -> None:
    text = "flood Town " * 60
    (tokens,), windows = windower_of(encoder)([text])
    assert len(windows) > 2
    for window in windows:
        shapes = token_shapes(text, tokens, window)
        assert [int(shapes[at]) for at in window.first] == [int(word) % 2 for word in window.words]
        assert shapes[0] == shapes[-1] == 0


# Characters to words


def test_mentions_become_words(encoder: Encoder) -> None:
    (feature,) = features(encoder, [row(TEXT, LOC="town", PER="Ada Osei", TIME="fled")], ("PER", "LOC"))
    assert feature["spans"] == [[0, 0, 1], [3, 2, 2], [2, 4, 4]]  # in text order: type, first and last word
    assert feature["known"] == [True, False, True, False, False, False]
    assert feature["input_ids"] == encoder.tokenizer(TEXT)["input_ids"]
    assert len(feature["first"]) == len(feature["last"]) == 6
    assert set(feature) == {"input_ids", "shapes", "first", "last", "spans", "known"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ada fled.", "Ada"),
        ("😀 the café\u0301 🥐 Flood was", "Flood"),
        ("Zoe\u0308's Flood 👩‍👩‍👧 hit", "Flood 👩‍👩‍👧 hit"),
        ("a\u0301\u0302b  School was   ok", "School was   ok"),
        ("a\r\n\t Vote in a town", "Vote"),
        ("Żółć Łódź fled", "Żółć Łódź"),
        ("İzmir Straße ǅ", "Straße"),
        ("на Волге hit", "Волге"),
    ],
)
def test_words_are_found_behind_any_character(any_encoder: Encoder, text: str, words: str) -> None:
    (feature,) = features(any_encoder, [row(text, PER=words)], TYPES)
    ((kind, first, last),) = feature["spans"]
    found = words_of(any_encoder, text, feature, [kind, first, last]).strip()
    assert kind == 0 and found.startswith(words) and found.removeprefix(words) in ("", ".")  # to some "." is of the word


def test_a_mention_within_a_word_is_the_word_and_one_on_white_space_is_none(encoder: Encoder) -> None:
    inside, blank = {"type": "PER", "start": 5, "end": 7}, {"type": "PER", "start": 3, "end": 4}
    both, over = {"type": "LOC", "start": 6, "end": 11}, {"type": "LOC", "start": 8, "end": 10}
    (feature,) = features(encoder, [{"text": TEXT, "entities": [inside, blank, both, over]}], TYPES)
    assert feature["spans"] == [[0, 1, 1], [2, 1, 2], [2, 2, 2]]


def test_blank_texts_give_no_features_and_no_rows_none(any_encoder: Encoder) -> None:
    assert features(any_encoder, [{"text": " \n", "entities": []}, {"text": ""}], TYPES) == []
    assert features(any_encoder, [], TYPES) == []


# Windows


@settings(max_examples=30, deadline=None)
@given(before=st.integers(0, 150), words=st.integers(1, 12), after=st.integers(0, 150))
def test_every_window_that_holds_a_mention_whole_has_it(encoder: Encoder, before: int, words: int, after: int) -> None:
    name = "school" + " vote" * (words - 1)
    text = "the " * before + name + " in" * after
    found = features(encoder, [row(text, ORG=name)], TYPES)
    school, vote, last_word = (encoder.tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in ("school", "vote", "in"))
    assert last_word not in (school, vote)
    for feature in found:
        ids = feature["input_ids"]
        assert len(ids) <= 64
        whole = school in ids and ids.count(vote) == words - 1
        assert bool(feature["spans"]) == whole
        for kind, first, last in feature["spans"]:
            assert (kind, last - first) == (1, words - 1)
            assert ids[feature["first"][first]] == school and ids[feature["last"][last]] == (vote if words > 1 else school)
    assert any(feature["spans"] for feature in found)  # the overlap is longer than the mention


def test_a_mention_longer_than_the_overlap_may_be_in_no_window(encoder: Encoder) -> None:
    text = "flood " * 100
    assert OVERLAP < 70
    whole = {"text": text, "entities": [{"type": "PER", "start": 0, "end": len(text) - 1}]}
    assert [feature["spans"] for feature in features(encoder, [whole], TYPES)] == [[], [], []]


# Batches


def test_a_batch_has_the_rows_side_by_side(encoder: Encoder) -> None:
    rows = [row("a nurse fled Accra", LOC="Accra", MISC="a nurse"), {"text": "Vote", "entities": []}, row("a 2 vote", NUM="2")]
    found = features(encoder, rows[:2], ("LOC", "MISC")) + features(encoder, rows[2:], ("NUM",))
    batch = Collator(encoder)([*found, found[0]])
    lengths = [len(feature["input_ids"]) for feature in (*found, found[0])]
    assert batch["input_ids"].shape == batch["attention_mask"].shape == batch["shapes"].shape == (4, max(lengths))
    for number, feature in enumerate((*found, found[0])):
        assert batch["input_ids"][number].tolist() == feature["input_ids"] + [0] * (max(lengths) - lengths[number])
        assert batch["attention_mask"][number].tolist() == [1] * lengths[number] + [0] * (max(lengths) - lengths[number])
        assert batch["shapes"][number].tolist() == feature["shapes"] + [0] * (max(lengths) - lengths[number])
        own = batch["row"] == number
        assert batch["first"][own].tolist() == feature["first"] and batch["last"][own].tolist() == feature["last"]
    assert batch["spans"].tolist() == [[0, 2, 3, 3], [0, 5, 0, 1], [2, 4, 1, 1], [3, 2, 3, 3], [3, 5, 0, 1]]
    two = [name in ("LOC", "MISC") for name in TYPES]
    assert batch["known"].tolist() == [two, two, [name == "NUM" for name in TYPES], two]
    assert batch["known"].dtype == torch.bool and batch["shapes"].max() == 4


def test_a_batch_without_mentions_has_an_empty_list_of_them(encoder: Encoder) -> None:
    batch = Collator(encoder)(features(encoder, [{"text": "Vote", "entities": []}], ()))
    assert batch["spans"].shape == (0, 4) and batch["spans"].dtype == torch.long
    assert batch["known"].tolist() == [[False] * len(TYPES)]


def test_padding_is_the_tokenizers_own(any_encoder: Encoder) -> None:
    found = features(any_encoder, [row("Ada fled", PER="Ada"), row("a nurse in the town fled", PER="nurse")], TYPES)
    batch = Collator(any_encoder)(found)
    padded = batch["input_ids"][batch["attention_mask"] == 0]
    assert len(padded) and set(padded.tolist()) == {any_encoder.tokenizer.pad_token_id}
