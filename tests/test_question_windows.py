"""Questions with the windows of their contexts: nothing of a context is left out, and the ids are those of the tokenizer itself."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoConfig, AutoTokenizer, CanineTokenizer

from tasks.core.errors import InputError
from tasks.question_answering.windows import Asked, Asker

QUESTION = "Who fled the flood?"
SHORT = "People fled in the town. 😀 Zoë\n(the nurse) was hit"
LONG = "The flood hit the town and people fled. " * 12
LETTERS = " ".join("abcdefghij" * 30)  # one token a letter or two, in every vocabulary of these tests


@pytest.fixture(scope="module")
def make_asker(make_model: Callable[..., Path]) -> Callable[..., Asker]:
    """The asker of a tiny model of a kind."""

    def build(kind: str = "bert", **config: Any) -> Asker:
        folder = make_model(kind, **config)
        return Asker(AutoTokenizer.from_pretrained(folder), AutoConfig.from_pretrained(folder))

    return build


@pytest.fixture(scope="module")
def asker(kind: str, make_asker: Callable[..., Asker]) -> Asker:
    """The asker of a tiny model of each kind."""
    return make_asker(kind)


@pytest.fixture(scope="module")
def bert_asker(make_asker: Callable[..., Asker]) -> Asker:
    return make_asker()


def cut(asker: Asker, question: str, context: str, *options: Any, **named: Any) -> tuple[list[int], list[Asked]]:
    """The token ids of the context, and its windows."""
    (encoding,), windows = asker([question], [context], *options, **named)
    return encoding.ids, windows


def assert_read_whole(ids: Sequence[int], windows: Sequence[Asked], size: int, stride: int) -> None:
    """Every token of the context is in a window, windows are full but for the last and share ``stride`` tokens."""
    read = {place: int(window.ids[window.first + place - window.begin]) for window in windows for place in places(window)}
    assert [read.get(place) for place in range(len(ids))] == list(ids)
    for one, other in itertools.pairwise(windows):
        assert len(one.ids) == size and one.begin + one.count - other.begin == stride
    assert len(windows[-1].ids) <= size and (len(windows) == 1 or windows[-1].count > stride)


def places(window: Asked) -> range:
    return range(window.begin, window.begin + window.count)


# One window


@pytest.mark.parametrize("question", [QUESTION, "a", " who  flees 😀? ", "the vote\nof the school", ""])
@pytest.mark.parametrize("context", [SHORT, "a", "  the town", "half \ud83d emoji"])
def test_a_short_context_has_the_ids_and_types_of_the_tokenizer_itself(asker: Asker, kind: str, question: str, context: str) -> None:
    expected = asker.tokenizer(question, context.replace("\ud83d", "\ufffd")).encodings[0]
    ids, (window,) = cut(asker, question, context)
    assert window.ids.tolist() == expected.ids
    assert window.types.tolist() == (expected.type_ids if kind == "bert" else [0] * len(expected.ids))
    assert (window.item, window.begin, window.count) == (0, 0, len(ids))
    assert [number for number, text in enumerate(expected.sequence_ids) if text == 1] == [window.first + n for n in range(window.count)]
    assert window.ids[window.first : window.first + window.count].tolist() == ids


def test_the_context_has_token_types_of_its_own_in_bert(bert_asker: Asker) -> None:
    _, (window,) = cut(bert_asker, QUESTION, SHORT)
    assert window.types.tolist() == [0] * window.first + [1] * (window.count + 1)


@pytest.mark.parametrize("types", [0, 1])
def test_a_model_without_token_types_gets_none(make_asker: Callable[..., Asker], types: int) -> None:
    _, windows = cut(make_asker("bert", type_vocab_size=types), QUESTION, LONG, 40, 8)
    assert len(windows) > 1 and not any(window.types.any() for window in windows)


# Several windows


@pytest.mark.parametrize(("size", "stride"), [(40, 0), (40, 1), (40, 12), (62, 20), (30, 3)])
def test_every_token_is_read_in_windows_that_overlap_by_doc_stride(asker: Asker, size: int, stride: int) -> None:
    ids, windows = cut(asker, "the vote?", LONG, size, stride)
    assert len(windows) > 2
    assert_read_whole(ids, windows, size, stride)


def test_each_window_has_the_question_and_the_special_tokens(asker: Asker) -> None:
    (encoding,), windows = asker([QUESTION], [LETTERS], 60, 10)
    assert len(windows) > 5
    one = asker.tokenizer(QUESTION, "a").encodings[0]
    before, after = one.sequence_ids.index(1), len(one.ids) - 1 - one.sequence_ids[::-1].index(1)
    for window in windows:
        assert window.ids[: window.first].tolist() == one.ids[:before]
        assert window.ids[window.first + window.count :].tolist() == one.ids[after + 1 :]
        assert window.ids[window.first : window.first + window.count].tolist() == encoding.ids[window.begin : window.begin + window.count]
        assert len(window.types) == len(window.ids)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 200), st.integers(8, 64), st.integers(0, 70))
def test_any_length_any_window_and_any_stride(bert_asker: Asker, length: int, size: int, stride: int) -> None:
    room = size - 4  # three special tokens and a question of one
    context = " ".join("abcdefghij"[number % 10] for number in range(length))
    if length > room and stride >= room:
        with pytest.raises(InputError, match=f"less than the {room} tokens that a window has for the context, not {stride}"):
            cut(bert_asker, "a", context, size, stride)
    else:
        ids, windows = cut(bert_asker, "a", context, size, stride)
        assert len(ids) == length and len(windows) == (1 if length <= room else -(-(length - stride) // (room - stride)))
        assert_read_whole(ids, windows, size, stride)


def test_a_context_that_just_fits_is_one_window_and_one_token_more_makes_two(bert_asker: Asker) -> None:
    assert len(cut(bert_asker, "a", LETTERS[: 2 * 16], 20, 4)[1]) == 1
    assert [window.begin for window in cut(bert_asker, "a", LETTERS[: 2 * 17], 20, 4)[1]] == [0, 12]


def test_by_default_windows_share_half_or_128_tokens(make_asker: Callable[..., Asker]) -> None:
    wide = make_asker("bert", max_position_embeddings=512)
    ids, windows = cut(wide, "a", LETTERS * 3)
    assert_read_whole(ids, windows, 384, 128)
    assert_read_whole(*cut(wide, "a", LETTERS, 100), 100, 50)


# Several questions


def test_windows_stand_in_the_order_of_the_questions(bert_asker: Asker) -> None:
    questions, contexts = ["a", "the vote?", "b c", "flood", "a"], [LONG, " \n", LONG, SHORT, ""]
    encodings, windows = bert_asker(questions, contexts, 40, 8)
    assert [len(each.ids) for each in encodings] == [len(cut(bert_asker, "a", context, 40, 8)[0]) for context in contexts]
    assert sorted({window.item for window in windows}) == [0, 2, 3]
    assert [window.item for window in windows] == sorted(window.item for window in windows)
    for item, (question, context) in enumerate(zip(questions, contexts, strict=True)):
        alone = cut(bert_asker, question, context, 40, 8)[1]
        together = [window for window in windows if window.item == item]
        assert [(each.ids.tolist(), each.types.tolist(), each.first, each.begin, each.count) for each in together] == [
            (each.ids.tolist(), each.types.tolist(), each.first, each.begin, each.count) for each in alone
        ]


def test_no_questions_have_no_windows(bert_asker: Asker) -> None:
    assert bert_asker([], []) == ([], [])


# Limits and errors


def test_a_question_is_cut_at_its_length(bert_asker: Asker) -> None:
    ids, (window,) = cut(bert_asker, LETTERS, "the town", max_question_len=5)
    assert window.ids[1:6].tolist() == bert_asker.tokenizer("a b c d e", add_special_tokens=False)["input_ids"]
    assert window.first == 7 and window.ids[7:-1].tolist() == ids


def test_a_question_is_whole_where_no_length_is_asked_for(make_asker: Callable[..., Asker]) -> None:
    asker = make_asker("bert", max_position_embeddings=512)
    ids = asker.tokenizer(LETTERS, add_special_tokens=False)["input_ids"]
    _, (window,) = cut(asker, LETTERS, "the town")
    assert len(ids) > 64 and window.ids[1 : window.first - 1].tolist() == ids


@pytest.mark.parametrize(("kind", "limit"), [("bert", 64), ("roberta", 62), ("deberta", 64), ("modernbert", 64)])
def test_windows_stay_within_the_positions_of_the_model(make_asker: Callable[..., Asker], kind: str, limit: int) -> None:
    for size in (None, 64, 65, 5000):
        ids, windows = cut(make_asker(kind), "a", LONG, size, 10)
        assert_read_whole(ids, windows, min(size or limit, limit), 10)


@pytest.mark.parametrize("size", [400, 512])
def test_a_caller_may_ask_for_windows_as_long_as_the_model_takes(make_asker: Callable[..., Asker], size: int) -> None:
    ids, windows = cut(make_asker("bert", max_position_embeddings=512), "a", LETTERS * 3, size, 20)
    assert_read_whole(ids, windows, size, 20)


def test_the_default_stride_fits_beside_a_long_question(bert_asker: Asker) -> None:
    ids, windows = cut(bert_asker, LETTERS[:60], LETTERS)  # 30 tokens of the question leave 31 of 64, where 32 would be shared
    assert {place for window in windows for place in places(window)} == set(range(len(ids)))


def test_a_question_that_leaves_no_room_is_refused(bert_asker: Asker) -> None:
    with pytest.raises(InputError, match=r"The question takes 61 of 64 tokens: raise max_seq_len, or lower max_question_len\."):
        cut(bert_asker, LETTERS, "a", max_question_len=61)
    assert len(cut(bert_asker, LETTERS, "a", max_question_len=60)[1]) == 1
    with pytest.raises(InputError, match="takes 2 of 5 tokens"):
        cut(bert_asker, "a b", "a", 5)


def test_a_stride_is_of_no_account_to_a_context_of_one_window(bert_asker: Asker) -> None:
    assert len(cut(bert_asker, "a", "the town", 20, 500)[1]) == 1


@pytest.mark.parametrize("wrong", [None, 3, b"a", ["a"]])
def test_what_is_no_text_is_refused(bert_asker: Asker, wrong: Any) -> None:
    for given_texts in (([wrong], ["a"]), (["a"], [wrong] if not isinstance(wrong, list) else [b"a"])):
        with pytest.raises(InputError, match="must be a string"):
            bert_asker(*given_texts)


def test_a_tokenizer_without_offsets_is_refused(make_model: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="choose a model with a fast tokenizer"):
        Asker(CanineTokenizer(), AutoConfig.from_pretrained(make_model()))


def test_the_tokenizers_own_truncation_is_of_no_account(make_model: Callable[..., Path]) -> None:
    folder = make_model()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    asker = Asker(tokenizer, AutoConfig.from_pretrained(folder))
    before = [window.ids for window in cut(asker, QUESTION, LONG, 40, 8)[1]]
    tokenizer(LONG, truncation=True, max_length=8, padding="max_length")
    after = [window.ids for window in cut(asker, QUESTION, LONG, 40, 8)[1]]
    assert len(before) == len(after) > 2 and all(np.array_equal(*pair) for pair in zip(before, after, strict=True))
