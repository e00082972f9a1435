"""Windows: every word of any text is read exactly once, within the limit, at its own characters."""

from __future__ import annotations

import time
import unicodedata
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.encoder import Encoder
from tasks.core.errors import InputError
from tasks.core.text import Tokens, Window, Windower, batches, pad, spelled

AWKWARD = [
    "plain words, and a full stop.",
    "👩‍👩‍👧‍👦 fled the flood 🌊🌊 at 😀:)",
    unicodedata.normalize("NFD", "Zoë häärt Ångström é"),
    "ضرب زلزال قوي المدينة اليوم",
    "רעידת אדמה בעיר",
    "first line\r\nsecond line\rthird\n\n\tfourth",
    "a\x00b \x00 c\ufeff d\u200b e",
    "half an emoji \ud83d and \udc00 the rest",
    "地震が町を襲った。避難した人々。",
    "[CLS] <s> [SEP] </s> [MASK] <pad>",
    "x" * 10_000 + " end",
    "ﬁ ǅ İstanbul ẞ ½ ℡ ®™ a̐éö̲",
    "don't re-open  U.S.A.,   $5.00/day—now…",
]
texts = st.one_of(
    st.text(max_size=300),
    st.text(st.characters(exclude_categories=()), max_size=120),  # lone surrogates too
    st.lists(st.sampled_from(AWKWARD), min_size=1, max_size=4).map(" ".join),
    st.lists(st.text("ab1.,é😀 ", min_size=1, max_size=12), min_size=1, max_size=150).map(" ".join),
    st.lists(st.integers(1, 130).map("x".__mul__), max_size=30).map(" ".join),  # words of about a window each
)


def assert_read_once(encoder: Encoder, text: str) -> None:
    """Every token belongs to exactly one owned unit, in order, inside a window that fits."""
    (tokens,), windows = encoder.windower([text])
    read: list[int] = []
    for window in windows:
        assert len(window.ids) <= encoder.windower.body + 2 <= 64
        assert len(window.words) == len(window.first) == len(window.last) > 0
        assert (window.first >= 1).all() and (window.last >= window.first).all() and window.last.max() < len(window.ids) - 1
        for first, last in zip(window.first, window.last, strict=True):
            read += window.ids[first : last + 1].tolist()
    assert read == tokens.encoding.ids
    words = [int(word) for window in windows for word in window.words]
    assert sorted(set(words)) == list(dict.fromkeys(words)) == list(range(tokens.count))
    assert_offsets(text, tokens, words)


def assert_offsets(text: str, tokens: Tokens, words: list[int]) -> None:
    """Words lie in the text, one after the other, and leave out nothing that can be read."""
    spans = [tokens.word_chars(word) for word in dict.fromkeys(words)]
    assert spans == [tuple(tokens.encoding.word_to_chars(word)) for word in dict.fromkeys(words)]
    assert all(0 <= start <= end <= len(text) for start, end in spans)
    assert all(left[1] <= right[0] or left == right for left, right in pairwise(sorted(spans)))
    inside = {place for start, end in spans for place in range(start, end)}
    assert not [char for place, char in enumerate(text) if char.isascii() and char.isalnum() and place not in inside]


@pytest.mark.parametrize("text", AWKWARD)
def test_awkward_texts_are_read_once_at_their_characters(any_encoder: Encoder, text: str) -> None:
    assert_read_once(any_encoder, text)


@settings(max_examples=150, deadline=None)
@given(text=texts)
def test_any_text_is_read_once_at_its_characters(any_encoder: Encoder, text: str) -> None:
    assert_read_once(any_encoder, text)


def test_words_are_cut_out_of_the_text_as_they_stand(encoder: Encoder) -> None:
    text = "😀 Zoë's  flood,\r\nאדמה the \x00 END."
    (tokens,), windows = encoder.windower([text])
    words = [text[slice(*tokens.word_chars(int(word)))] for window in windows for word in window.words]
    assert words == ["😀", "Zoë", "'", "s", "flood", ",", "אדמה", "the", "END", "."]


@pytest.mark.parametrize("blank", ["", " ", "\n\t\r\n", "\u200b", "\x00"])
def test_blank_text_has_no_window(encoder: Encoder, blank: str) -> None:
    (tokens,), windows = encoder.windower([blank])
    assert tokens.count == 0 and windows == []


def test_no_texts_are_no_windows(encoder: Encoder) -> None:
    assert encoder.windower([]) == ([], [])


def test_neighbouring_windows_overlap_and_words_have_context_on_both_sides(encoder: Encoder) -> None:
    windower = Windower(encoder.tokenizer, 34, 8)
    text = "flood " * 500
    _, windows = windower([text])
    assert len(windows) == -(-(500 - 8) // (32 - 8))
    for left, right in pairwise(windows):
        unread = len(left.ids) - 2 - int(left.last[-1])  # tokens after the last owned word
        assert unread + int(right.first[0]) - 1 == 8 and abs(unread - int(right.first[0]) + 1) <= 1


def test_a_window_that_is_nearly_all_words_of_many_tokens_still_moves_on(encoder: Encoder) -> None:
    windower = Windower(encoder.tokenizer, 10, 4)
    (tokens,), windows = windower(["abcdefgh " * 40])
    assert [int(word) for window in windows for word in window.words] == list(range(40)) and tokens.count == 40


def test_windows_carry_the_number_of_their_text(encoder: Encoder) -> None:
    tokens, windows = encoder.windower(["one", "", "two " * 100])
    assert [each.count for each in tokens] == [1, 0, 100]
    assert {window.text for window in windows} == {0, 2}


def test_a_megabyte_is_windowed_in_bounded_time_and_without_a_warning(
    default_encoder: Encoder, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    text = ("Rain fell on the hills for nine days, and the river rose. " * 20_000)[:1_000_000]
    start = time.perf_counter()
    (tokens,), windows = default_encoder.windower([text])
    assert time.perf_counter() - start < 30
    assert sum(len(window.words) for window in windows) == tokens.count > 200_000
    assert text[slice(*tokens.word_chars(tokens.count - 2))] and len({tokens.word_chars(word) for word in range(tokens.count)}) > 200_000
    assert not caplog.records and capfd.readouterr() == ("", "")


@pytest.mark.parametrize("wrong", [None, b"bytes", 5, ["nested"], {"a": 1}])
def test_what_is_no_string_is_refused(encoder: Encoder, wrong: Any) -> None:
    with pytest.raises(InputError, match=f"must be a string, not {type(wrong).__name__}"):
        encoder.windower(["fine", wrong])


def window(length: int) -> Window:
    nothing = np.zeros(0, np.int64)
    return Window(0, np.arange(length, dtype=np.int64), nothing, nothing, nothing)


@settings(deadline=None)
@given(lengths=st.lists(st.integers(1, 60), max_size=40), budget=st.integers(1, 300))
def test_batches_hold_every_window_once_within_the_budget(lengths: list[int], budget: int) -> None:
    groups = list(batches([window(length) for length in lengths], budget))
    assert sorted(len(each.ids) for group in groups for each in group) == sorted(lengths)
    assert all(len(group) == 1 or len(group) * max(len(each.ids) for each in group) <= budget for group in groups)


def test_pad_fills_up_and_masks() -> None:
    ids, mask = pad([np.array([5, 6]), np.array([7])], 9)
    assert ids.tolist() == [[5, 6], [7, 9]] and mask.tolist() == [[1, 1], [1, 0]]


@given(text=texts)
@settings(max_examples=60, deadline=None)
def test_whole_windows_list_all_their_words_and_own_each_word_once(encoder: Encoder, text: str) -> None:
    plain, whole = (Windower(encoder.tokenizer, 40, 12, whole=whole)([text])[1] for whole in (False, True))
    assert [window.ids.tolist() for window in plain] == [window.ids.tolist() for window in whole]
    for one, all_words in zip(plain, whole, strict=True):
        owned = [place for place in range(len(all_words.words)) if all_words.owns(place)]
        assert one.words.tolist() == all_words.words[owned].tolist() and one.first.tolist() == all_words.first[owned].tolist()
        assert all_words.first[0] == 1 and all_words.last[-1] == len(all_words.ids) - 2
        assert all_words.words.tolist() == sorted(all_words.words)


def test_paired_windows_hold_the_second_text_whole_as_the_tokenizer_joins_two(encoder: Encoder) -> None:
    tokenizer, second = encoder.tokenizer, "plant more trees"
    windower = Windower(tokenizer, 32, 8)
    (short,) = windower.paired(["one two"], second)
    assert short.ids.tolist() == tokenizer("one two", second)["input_ids"]
    windows = windower.paired(["one two three four five " * 20, ""], second)
    inner = tokenizer(second, add_special_tokens=False)["input_ids"]
    assert len(windows) > 2 and {window.text for window in windows} == {0}
    for window in windows:
        assert len(window.ids) <= 32
        rest = window.ids[int(window.last.max()) + 1 :].tolist()
        assert any(rest[at : at + len(inner)] == inner for at in range(len(rest)))
    assert [int(word) for window in windows for word in window.words] == list(range(100))


def test_a_second_text_that_leaves_no_room_is_refused(encoder: Encoder) -> None:
    with pytest.raises(InputError, match="say it shorter"):
        Windower(encoder.tokenizer, 32, 8).paired(["one"], "two " * 40)


@given(text=texts)
@settings(max_examples=60, deadline=None)
def test_a_spelled_text_keeps_its_characters(encoder: Encoder, text: str) -> None:
    plain, places = spelled(text)
    assert places is None or (len(places) == len(plain) and set(places.tolist()) == set(range(len(text))))
    (tokens,), _ = Windower(encoder.tokenizer, 40, 12, spell=spelled)([text])
    spans = [tokens.word_chars(word) for word in range(tokens.count)]
    assert all(0 <= start <= end <= len(text) for start, end in spans)
    assert all(left[1] <= right[0] or left == right for left, right in pairwise(spans))


def test_an_emoji_is_read_by_its_name_at_its_own_place(default_encoder: Encoder) -> None:
    text = "Nice 👍 day"
    (tokens,), (window,) = Windower(default_encoder.tokenizer, 40, 12, spell=spelled)([text])
    read = default_encoder.tokenizer.convert_ids_to_tokens(window.ids.tolist())
    assert read == ["[CLS]", "nice", "thumbs", "up", "sign", "day", "[SEP]"]
    assert [text[slice(*tokens.word_chars(word))] for word in range(5)] == ["Nice", "👍", "👍", "👍", "day"]
    assert tokens.words_in(5, 6) == (1, 3) and tokens.words_in(0, 6) == (0, 3) and tokens.words_in(4, 5) is None
