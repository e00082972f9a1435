"""The reader over tiny models of each kind: any batch and any order give the same, and offsets are into the user's own text."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoModelForQuestionAnswering

from tasks.core.errors import InputError
from tasks.question_answering.decode import Found, Read
from tasks.question_answering.reader import Reader
from tasks.question_answering.ready import load_reader

LONG = "  People fled the town 😀 as the flood hit.\nZoë Ward, a nurse, was in the school;\tthe vote was 7:3. " * 6
PAIRS = [
    ("Who fled?", "People fled in the town."),
    ("Who was in the school?", LONG),
    ("Where?", "😀 Zoë fled\n\nto the “school” 🌾🌾"),
    ("", "the vote"),
    ("Who fled?", ""),
    ("Who fled?", " \n\t"),
    ("Who hit?", "half \ud83d emoji"),
    ("a", "a"),
    ("Who fled?", "अनुवाद 洪水が町を襲った。 e\u0301a\u0301 \u200b x"),
    ("Was it the vote of the school? 😀", "The nurse was in the town. " * 5),
]


@pytest.fixture(scope="module")
def reader(kind: str, make_model: Callable[..., Path]) -> Reader:
    """A ready-made reader of each kind."""
    return load_reader(str(make_model(kind, AutoModelForQuestionAnswering)), None, "cpu")


@pytest.fixture(scope="module")
def bert_reader(make_model: Callable[..., Path]) -> Reader:
    return load_reader(str(make_model("bert", AutoModelForQuestionAnswering)), None, "cpu")


def ask(reader: Reader, pairs: Sequence[tuple[str, str]], **options: Any) -> list[Read]:
    return reader([question for question, _ in pairs], [context for _, context in pairs], doc_stride=12, **options)


def assert_same(one: Sequence[Read], other: Sequence[Read]) -> None:
    """The same spans with the same numbers, up to noise; spans of the same margin may stand in another order."""
    for mine, theirs in zip(one, other, strict=True):
        assert mine.none == pytest.approx(theirs.none, abs=1e-5)
        found, wanted = ({each[:2]: each[2:] for each in read.spans} for read in (mine, theirs))
        assert found.keys() == wanted.keys()
        for place, numbers in found.items():
            assert numbers == pytest.approx(wanted[place], abs=1e-4)
        assert [each.margin for each in mine.spans] == sorted((each.margin for each in mine.spans), reverse=True)


def visible_span(text: str, found: Found) -> bool:
    """Whether a span lies in the text and begins and ends with what can be seen."""
    return 0 <= found.start < found.end <= len(text) and text[found.start : found.end].strip() == text[found.start : found.end]


def test_a_batch_is_read_as_each_alone_in_any_order(reader: Reader) -> None:
    alone = [read for pair in PAIRS for read in ask(reader, [pair])]
    assert_same(ask(reader, PAIRS), alone)
    assert_same(ask(reader, PAIRS[::-1])[::-1], alone)
    assert_same(ask(reader, [*PAIRS[3:], *PAIRS])[: len(PAIRS) - 3], alone[3:])
    told = [read.spans[0] for read in alone if read.spans]
    assert len({each.margin for each in told}) == len(told) == len(PAIRS) - 2


def test_spans_are_exact_in_any_text(reader: Reader) -> None:
    for (_, context), read in zip(PAIRS, ask(reader, PAIRS, count=30), strict=True):
        assert all(visible_span(context, each) for each in read.spans)
        assert len({each[:2] for each in read.spans}) == len(read.spans)
        assert all(0 <= each.probability <= 1 and math.isfinite(each.margin) for each in read.spans) and 0 <= read.none <= 1


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from("aeé洪 \n\t.,😀👩\u200d\u0301(“fld"), max_size=90), st.text(st.sampled_from("aé? 😀"), max_size=8))
def test_spans_of_any_characters_are_exact(reader: Reader, context: str, question: str) -> None:
    (read,) = ask(reader, [(question, context)], count=5)
    assert all(visible_span(context, each) for each in read.spans)


@pytest.mark.parametrize("context", ["", " ", "\n \t\u2003"])
def test_an_empty_context_says_nothing(reader: Reader, context: str) -> None:
    assert ask(reader, [("Who fled?", context)]) == [Read([], 1.0)]


def test_nothing_asked_is_nothing_read(reader: Reader) -> None:
    assert ask(reader, []) == []


def test_no_span_is_longer_than_asked(bert_reader: Reader) -> None:
    letters = "a b c d e f g h i j k l m n o p"
    for longest, count in itertools.product((1, 2, 5, 15), (1, 200)):
        (read,) = ask(bert_reader, [("who?", letters)], longest=longest, count=count)
        sizes = [len(letters[each.start : each.end].split()) for each in read.spans]
        assert max(sizes) <= longest and len(sizes) <= count
        if count == 200:
            assert len(sizes) == sum(16 - size for size in range(longest))  # all there are


def test_a_span_goes_out_to_the_ends_of_its_words(bert_reader: Reader) -> None:
    context = "Nightingales sang quietly, overnight"
    (read,) = ask(bert_reader, [("who?", context)], count=300)
    words = {(0, 12), (13, 17), (18, 25), (25, 26), (27, 36)}
    assert {each.start for each in read.spans} <= {start for start, _ in words} and len(read.spans) > 5
    assert {each.end for each in read.spans} <= {end for _, end in words}


# Long contexts


def letter(char: int) -> int:
    """The letter of a token's character where letters stand between single spaces, which belong to the next letter."""
    return char + char % 2


def by_hand(reader: Reader, question: str, context: str, count: int) -> tuple[list[tuple[int, int, float]], float]:
    """The best spans by begin and end, and the least probability of none, from the tokenizer's own windows; of letters."""
    batch = reader.encoder.tokenizer(
        question,
        context,
        truncation="only_second",
        max_length=reader.asker.limit,
        stride=12,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_token_type_ids=True,
        padding=True,
        return_tensors="pt",
    )
    typed = {"token_type_ids": batch["token_type_ids"]} if getattr(reader.encoder.model.config, "type_vocab_size", 0) > 1 else {}
    with torch.no_grad():
        output: Any = reader.encoder.model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], **typed)
    best: dict[tuple[int, int], float] = {}
    none = 1.0
    for row in range(len(batch["input_ids"])):
        inside = [place for place, text in enumerate(batch.sequence_ids(row)) if text == 1]
        start, end = output.start_logits[row], output.end_logits[row]
        none = min(none, float(start[[0, *inside]].softmax(0)[0] * end[[0, *inside]].softmax(0)[0]))
        for first in inside:
            for last in (each for each in inside if first <= each < first + 15):
                place = letter(int(batch["offset_mapping"][row][first][0])), letter(int(batch["offset_mapping"][row][last][1]) - 1) + 1
                margin = float(start[first] + end[last] - start[0] - end[0])
                best[place] = max(best.get(place, margin), margin)
    return sorted(((*place, margin) for place, margin in best.items()), key=lambda each: -each[2])[:count], none


def test_a_long_context_is_read_in_windows_with_offsets_into_the_whole(reader: Reader) -> None:
    context = " ".join("abcdefghij"[number * 7 % 10] for number in range(150))
    (read,) = ask(reader, [("who?", context)], count=40)
    expected, none = by_hand(reader, "who?", context, 8)
    assert read.none == pytest.approx(none, abs=1e-5)
    by_place = {each[:2]: each.margin for each in read.spans}
    assert {each[:2]: by_place.get(each[:2]) for each in expected} == pytest.approx({each[:2]: each[2] for each in expected}, abs=1e-3)
    assert read.spans[0].margin == pytest.approx(expected[0][2], abs=1e-3)
    assert max(each.start for each in read.spans) > 120  # beyond the first window


def test_what_stands_in_two_windows_is_told_once_with_its_higher_margin(bert_reader: Reader) -> None:
    letters = "a b c d e f g h i j k l m n o p q r s t u v w x y z"
    (narrow,), (wide,) = (
        bert_reader(["who?"], [letters], longest=2, count=500, max_seq_len=size, doc_stride=10 if size else 0) for size in (20, None)
    )
    assert len({each[:2] for each in narrow.spans}) == len(narrow.spans) == len(wide.spans) == 51
    each_window = [
        bert_reader(["who?"], [letters[2 * begin : 2 * (begin + 13) - 1]], longest=2, count=500)[0].spans for begin in range(0, 16, 3)
    ]
    highest: dict[tuple[int, int], float] = {}
    for begin, spans in zip(range(0, 16, 3), each_window, strict=True):
        for found in spans:
            place = found.start + 2 * begin, found.end + 2 * begin
            highest[place] = max(highest.get(place, -math.inf), found.margin)
    assert {each[:2]: each.margin for each in narrow.spans} == pytest.approx(highest, abs=1e-4)


# Threads and errors


def test_two_threads_do_not_disturb_each_other(reader: Reader) -> None:
    expected = ask(reader, PAIRS)
    failures: list[BaseException] = []

    def work(pairs: list[tuple[str, str]], wanted: list[Read]) -> None:
        try:
            for _ in range(3):
                assert_same(ask(reader, pairs), wanted)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=each) for each in ((PAIRS, expected), (PAIRS[::-1], expected[::-1]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_what_can_not_be_read_is_refused(bert_reader: Reader) -> None:
    with pytest.raises(InputError, match="A text must be a string, not NoneType"):
        bert_reader(["who?"], [None])  # type: ignore[list-item]
    with pytest.raises(InputError, match="doc_stride must be less than"):
        bert_reader(["who?"], [LONG], doc_stride=60)
