"""Rows of opinion analysis to tensors: words by their characters, windows that hold an opinion whole, what a row leaves open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.encoder import Encoder, load_encoder
from tasks.core.errors import InputError
from tasks.core.text import spelled
from tasks.opinion_analysis.data import Collator, check_rows, features, gold_opinions, has_expressions, overall_polarity, unrelated

Row = dict[str, Any]
TEXT = "the school was a flood."


def row(text: str, *said: tuple[str | None, str | None, str], **more: Any) -> Row:
    """A row with (target, expression, polarity) by the words that ``text`` has once."""

    def span(words: str | None) -> dict[str, Any] | None:
        if words is None:
            return None
        assert text.count(words) == 1
        return {"start": text.index(words), "end": text.index(words) + len(words), "text": words}

    return {"text": text, "opinions": [{"target": span(t), "expression": span(e), "polarity": p} for t, e, p in said], **more}


def tensors(encoder: Encoder, *rows: Row) -> dict[str, torch.Tensor]:
    return Collator(encoder)(features(encoder, rows))


def cells(batch: dict[str, torch.Tensor], name: str) -> set[tuple[int, ...]]:
    return {tuple(cell) for cell in batch[name].tolist()}


# Characters to words


def test_spans_become_words(encoder: Encoder) -> None:
    batch = tensors(encoder, row(TEXT, ("school", "a flood", "negative"), (None, "was", "neutral")))
    assert cells(batch, "spans") == {(0, 0, 1, 1), (0, 1, 3, 4), (0, 1, 2, 2)}
    assert cells(batch, "links") == {(0, 0, 2, 3), (0, 1, 2, 4), (0, 0, 0, 2), (0, 1, 0, 2)}  # the school is 1 + 1, unnamed 0
    assert cells(batch, "opinions") == {(0, 1, 1, 3, 4, 1), (0, -1, -1, 2, 2, 2)}
    assert cells(batch, "unsure") == set()
    assert batch["row"].tolist() == [0] * 6 and batch["annotated"].tolist() == [0] and batch["expressed"].tolist() == [True]


@pytest.mark.parametrize(
    ("text", "target", "expression"),
    [
        ("😀 the café\u0301 🥐 was lovely!", "café\u0301", "lovely"),
        ("Zoe\u0308's flood 👩‍👩‍👧 hit", "flood", "hit"),
        ("a\u0301\u0302b  school was   ok", "school", "ok"),
        ("half \ud83d emoji school was bad", "school", "bad"),
    ],
)
def test_words_are_found_behind_any_character(any_encoder: Encoder, text: str, target: str, expression: str) -> None:
    (feature,) = features(any_encoder, [row(text, (target, expression, "positive"))])
    start, end, begin, stop, polarity = feature["opinions"][0]
    read, places = spelled(text)
    known = any_encoder.tokenizer(read.replace("\ud83d", "\ufffd"), return_offsets_mapping=True)
    for words, span in (((start, end), target), ((begin, stop), expression)):
        first, last = feature["first"][words[0]], feature["last"][words[1]]
        low, high = known["offset_mapping"][first][0], known["offset_mapping"][last][1]
        if places is not None:
            low, high = places[low], places[high - 1] + 1
        assert text[low:high].strip() in (
            span,
            span + "!",
            span.removesuffix("\u0301"),
        )  # to some "!" is of the word, to BERT an accent is not
    assert polarity == 0 and feature["input_ids"] == known["input_ids"]


def test_a_span_within_a_word_is_the_word_and_one_on_white_space_is_none(encoder: Encoder) -> None:
    inside = {"text": TEXT, "opinions": [{"target": {"start": 6, "end": 8}, "expression": {"start": 15, "end": 17}, "polarity": "neutral"}]}
    assert features(encoder, [inside])[0]["opinions"] == [[1, 1, 3, 3, 2]]
    blank = {"text": TEXT, "opinions": [{"target": {"start": 3, "end": 4}, "expression": {"start": 15, "end": 16}, "polarity": "neutral"}]}
    assert features(encoder, [blank, inside])[0]["opinions"] == []


# Windows


@settings(max_examples=30, deadline=None)
@given(before=st.integers(0, 150), between=st.integers(0, 15), after=st.integers(0, 150))
def test_an_opinion_of_a_long_text_lies_in_every_window_that_holds_both_spans(
    encoder: Encoder, before: int, between: int, after: int
) -> None:
    text = "the " * before + "school " + "was " * between + "bad" + " in" * after
    found = features(encoder, [row(text, ("school", "bad", "negative"))])
    school, bad = (encoder.tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in ("school", "bad"))
    for feature in found:
        ids = feature["input_ids"]
        assert len(ids) <= 64
        whole = school in ids and bad in ids and len(ids) >= ids.index(bad) + 1 + len("bad")
        assert bool(feature["opinions"]) == whole
        for start, end, begin, stop, polarity in feature["opinions"]:
            assert (start, polarity) == (end, 1) and (begin, stop) == (start + between + 1,) * 2
            assert ids[feature["first"][start]] == school and ids[feature["first"][begin]] == bad
    assert any(feature["opinions"] for feature in found)


def test_each_window_counts_words_for_itself(encoder: Encoder) -> None:
    text = "the " * 100 + "school bad"
    batch = tensors(encoder, row("a bad vote", ("vote", "bad", "negative")), row(text, ("school", "bad", "negative")))
    assert len(batch["input_ids"]) > 2 and len(batch["annotated"]) == len(batch["input_ids"])
    for window, start, end, begin, stop, _ in batch["opinions"].tolist():
        count = int((batch["row"] == window).sum())
        assert 0 <= start <= end < count and 0 <= begin <= stop < count
    assert {opinion[0] for opinion in batch["opinions"].tolist()} == {0, len(batch["input_ids"]) - 1}


# What a file leaves open


def test_without_expressions_in_a_file_neutral_targets_are_neither_true_nor_false(encoder: Encoder) -> None:
    rows = [row(TEXT, ("school", None, "neutral"), ("flood", None, "negative")), row("a vote", ("vote", None, "positive"))]
    assert not has_expressions(rows)
    batch = tensors(encoder, *rows)
    assert batch["expressed"].tolist() == [False, False]
    assert cells(batch, "spans") == {(0, 0, 4, 4), (1, 0, 1, 1)} and cells(batch, "unsure") == {(0, 0, 1, 1)}
    assert len(batch["links"]) == 0 and len(batch["opinions"]) == 3


def test_with_expressions_in_a_file_neutral_targets_count(encoder: Encoder) -> None:
    batch = tensors(encoder, row(TEXT, ("school", None, "neutral")), row("a bad vote", ("vote", "bad", "negative")))
    assert batch["expressed"].tolist() == [True, True] and cells(batch, "unsure") == set()
    assert (0, 0, 1, 1) in cells(batch, "spans")


def test_a_target_felt_two_ways_is_a_target(encoder: Encoder) -> None:
    batch = tensors(encoder, row(TEXT, ("school", None, "neutral"), ("school", None, "negative")))
    assert cells(batch, "spans") == {(0, 0, 1, 1)} and cells(batch, "unsure") == set()


def test_each_row_brings_what_it_is_annotated_with(encoder: Encoder) -> None:
    rows: list[Row] = [{"text": "a vote", "polarity": "negative"}, row(TEXT, ("school", "a flood", "positive"))]
    rows.append({"text": "the school", "target": "people vote", "stance": "against"})
    batch = tensors(encoder, *rows)
    assert batch["polarity"].tolist() == [1, -1, -1] and batch["stance"].tolist() == [-1, -1, 1]
    assert batch["annotated"].tolist() == [1] and set(batch["row"].tolist()) == {0}
    assert len(batch["first"]) == len(batch["last"]) == 6  # words of the annotated row alone
    for name in ("spans", "links", "opinions"):
        assert set(batch[name][:, 0].tolist()) == {0}


def test_a_stance_row_is_text_and_proposal_as_the_tokenizer_joins_them(any_encoder: Encoder) -> None:
    rows = [
        {"text": "people fled", "target": "the school was a town", "stance": "favor"},
        {"text": "a", "target": "in", "stance": "neutral"},
    ]
    found = sorted(features(any_encoder, rows), key=lambda feature: -len(feature["input_ids"]))
    for feature, each in zip(found, rows, strict=True):
        assert feature["input_ids"] == any_encoder.tokenizer(each["text"], each["target"])["input_ids"]
        alone = any_encoder.tokenizer(each["text"])["input_ids"]
        assert feature["input_ids"][: feature["text_end"]] == alone[: feature["text_end"]] and feature["text_end"] == len(alone) - 1
    batch = Collator(any_encoder)(found)
    assert batch["text_mask"].sum(1).tolist() == [feature["text_end"] for feature in found]
    assert (batch["text_mask"] <= batch["attention_mask"]).all()


def test_a_long_text_has_the_whole_proposal_in_each_window(encoder: Encoder) -> None:
    proposal = encoder.tokenizer("people vote", add_special_tokens=False)["input_ids"]
    found = features(encoder, [{"text": "the flood " * 80, "target": "people vote", "stance": "favor"}])
    assert len(found) > 2
    for feature in found:
        assert feature["input_ids"][-len(proposal) - 1 : -1] == proposal and len(feature["input_ids"]) <= 64


def test_a_proposal_that_takes_half_a_window_is_refused(encoder: Encoder) -> None:
    with pytest.raises(InputError, match="tokens, where 32 are the most: say it shorter"):
        features(encoder, [{"text": "a", "target": "flood " * 33, "stance": "favor"}])


def test_blank_texts_give_no_features_and_no_rows_none(make_model: Callable[..., Path]) -> None:
    encoder = load_encoder(str(make_model("roberta")))
    assert features(encoder, [{"text": " \n", "polarity": "neutral"}, {"text": "", "target": "vote", "stance": "favor"}]) == []
    assert features(encoder, []) == []


# Overall polarity, unrelated proposals


@pytest.mark.parametrize(
    ("polarities", "overall"),
    [("++", "positive"), ("---", "negative"), ("+", None), ("+-", None), ("+=", None), ("==", None), ("", None)],
)
def test_two_opinions_that_agree_are_the_overall_polarity(polarities: str, overall: str | None) -> None:
    names = {"+": "positive", "-": "negative", "=": "neutral"}
    said = [(None, word, names[sign]) for word, sign in zip(("school", "was", "flood"), polarities, strict=False)]
    assert overall_polarity(row(TEXT, *said)) == overall
    assert overall_polarity(row(TEXT, *said, polarity="neutral")) == "neutral"  # what is annotated comes first


def test_targets_without_words_of_opinion_say_nothing_of_the_whole() -> None:
    assert overall_polarity(row(TEXT, ("school", None, "negative"), ("flood", None, "negative"))) is None
    assert overall_polarity({"text": TEXT, "target": "vote", "stance": "favor"}) is None


@given(
    sides=st.lists(st.tuples(st.text(), st.sampled_from(["tax", "tram", "park"])), max_size=30),
    share=st.floats(0, 1),
    seed=st.integers(0, 99),
)
def test_unrelated_rows_are_neutral_to_a_proposal_that_is_not_the_texts_own(sides: list[tuple[str, str]], share: float, seed: int) -> None:
    rows = [{"text": f"{number} {text}", "target": target, "stance": "favor"} for number, (text, target) in enumerate(sides)]
    own = {each["text"]: each["target"] for each in rows}
    made = unrelated(rows, share, seed)
    assert made == unrelated(rows, share, seed)
    assert len(made) == (round(share * len(rows)) if len(set(own.values())) > 1 else 0)
    assert all(each["stance"] == "neutral" and each["target"] in own.values() for each in made)
    assert all(each["target"] != own[each["text"]] for each in made) and len({each["text"] for each in made}) == len(made)


# Wrong rows


SPAN = {"start": 0, "end": 3, "text": "the"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text": None}, 'Row 2 of a.jsonl has no "text"'),
        ({}, 'needs "opinions", "polarity" or "stance" beside "text"'),
        ({"polarity": "good"}, "has the polarity 'good': choose among positive, negative, neutral"),
        ({"opinions": [{"target": SPAN, "expression": None, "polarity": "favor"}]}, "has an opinion of polarity 'favor'"),
        ({"opinions": [{"target": SPAN | {"end": 99}, "expression": None, "polarity": "neutral"}]}, r"outside its text: \(0, 99\)"),
        ({"opinions": [{"target": None, "expression": SPAN | {"end": 0}, "polarity": "neutral"}]}, r"outside its text: \(0, 0\)"),
        ({"opinions": [{"target": None, "expression": None, "polarity": "neutral"}]}, "neither a target nor an expression"),
        ({"opinions": [{"target": SPAN, "polarity": "neutral"}]}, "'expression'.* is missing or wrong"),
        ({"opinions": [{"target": {"start": "a", "end": 3}, "expression": None, "polarity": "neutral"}]}, "is missing or wrong"),
        ({"opinions": None}, "is missing or wrong"),
        ({"stance": "favor"}, 'needs a "target" .the proposal. and a stance among favor, against, neutral'),
        ({"stance": "favor", "target": " "}, 'needs a "target"'),
        ({"stance": "positive", "target": "vote"}, "and a stance among"),
    ],
)
def test_the_first_wrong_row_is_named(changes: Row, message: str) -> None:
    good = row(TEXT, ("school", "a flood", "negative"))
    assert check_rows([good, {"text": "", "polarity": None}], "a.jsonl")[0] == good
    with pytest.raises(InputError, match=message) as error:
        check_rows([good, {"text": TEXT} | changes, {"text": None}], "a.jsonl")
    assert str(error.value).startswith("Row 2 of a.jsonl ")


def test_gold_opinions_are_offsets() -> None:
    assert gold_opinions(row(TEXT, ("school", "a flood", "negative"), (None, "was", "neutral"))) == {
        ((4, 10), (15, 22), "negative"),
        (None, (11, 14), "neutral"),
    }
    assert gold_opinions({"text": TEXT, "polarity": "neutral"}) == set()
