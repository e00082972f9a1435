"""From scores to what a message says: spans of tags, kinds and their probabilities, long texts, and the fit on development rows."""

from __future__ import annotations

import copy
import itertools
import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.conversation.data import MARKS, SIGNS, TAGS
from tasks.conversation.decode import Marked, Settings, kinds_of, spans_of
from tasks.conversation.fitting import fit
from tasks.conversation.model import MessageHead
from tasks.conversation.scoring import MessageReader, Reading
from tasks.conversation.types import KINDS
from tasks.core.calibration import Calibration
from tasks.core.encoder import Encoder, load_encoder
from tasks.core.errors import AdapterError
from tests.telling import HOSTILE, row

TEXTS = [
    "The flood hit the Lark Choir in Oslo.",
    "",
    "👩‍👩‍👧‍👦 Zoë fled 😀 née İpek",
    "no",
    "I love the nurse! Who was in the town, and what hit it? " * 3,
    *HOSTILE,
]
LONG = ("Zoë 😀 fled the town, née İpek; " * 80)[:2_000]


def logits(best: Sequence[int], width: int, odds: float = 4.0) -> Any:
    """Scores of which one stands out in each row."""
    made = np.zeros((len(best), width), np.float32)
    made[np.arange(len(best)), best] = odds
    return made


def decoded(tags: Sequence[int], signs: Sequence[int]) -> list[tuple[int, int, str]]:
    """The spans of tags and signs of words that lie in tens of characters."""
    places = [(10 * number, 10 * number + 9) for number in range(len(tags))]
    return [(each.start, each.end, each.mark) for each in spans_of(logits(tags, TAGS), logits(signs, len(SIGNS)), places)]


@pytest.fixture(scope="module")
def reader(make_model: Callable[..., Path]) -> MessageReader:
    """A tiny BERT with a new head that marks much."""
    encoder = load_encoder(str(make_model(max_position_embeddings=128)))
    return MessageReader(encoder, made_head(encoder), Settings(marks={name: Calibration(threshold=0.0) for name in MARKS}))


def made_head(encoder: Encoder) -> MessageHead:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        head = MessageHead(encoder.width).eval()
        with torch.no_grad():
            for weight in head.parameters():
                weight.add_(torch.randn_like(weight) * 0.2)
    return head.requires_grad_(False)


def assert_same(one: Reading, other: Reading) -> None:
    assert one.kinds == pytest.approx(other.kinds, abs=1e-3)
    assert [(each.start, each.end, each.mark) for each in one.marked] == [(each.start, each.end, each.mark) for each in other.marked]
    assert [each.logit for each in one.marked] == pytest.approx([each.logit for each in other.marked], abs=1e-3)


# Tags


@pytest.mark.parametrize(
    ("tags", "signs", "expected"),
    [
        ([0, 1, 2, 0], [0, 0, 0, 0], [(10, 29, "thing")]),
        ([1, 1, 2], [1, 2, 2], [(0, 9, "liked"), (10, 29, "disliked")]),
        ([2, 2, 0, 2], [0, 0, 0, 1], [(0, 19, "thing"), (30, 39, "liked")]),  # further words without a first one
        ([1, 4, 3, 2], [0, 0, 0, 0], [(0, 9, "thing"), (10, 19, "event"), (20, 29, "event"), (30, 39, "thing")]),
        ([3, 4, 4], [1, 1, 1], [(0, 29, "event")]),  # nobody likes an event
        ([1, 2, 2], [1, 1, 2], [(0, 29, "liked")]),
        ([0, 0], [1, 2], []),
        ([], [], []),
    ],
)
def test_spans_of_tags(tags: list[int], signs: list[int], expected: list[tuple[int, int, str]]) -> None:
    assert decoded(tags, signs) == expected


@settings(max_examples=80)
@given(st.lists(st.tuples(st.integers(0, TAGS - 1), st.integers(0, 2)), max_size=12))
def test_any_tags_give_spans_in_order_that_do_not_overlap(words: list[tuple[int, int]]) -> None:
    found = decoded([tag for tag, _ in words], [sign for _, sign in words])
    flat = [place for start, end, _ in found for place in (start, end)]
    assert flat == sorted(flat) and {mark for _, _, mark in found} <= set(MARKS)
    assert sum((end - start + 1) // 10 for start, end, _ in found) == sum(bool(tag) for tag, _ in words)


def test_scores_are_surer_where_the_logits_are_and_always_finite() -> None:
    def odds(size: float) -> float:
        (found,) = spans_of(logits([1, 2], TAGS, size), logits([1, 1], len(SIGNS), size), [(0, 1), (2, 3)])
        return found.logit

    values = [odds(size) for size in (0.5, 1.0, 4.0, 1_000.0, 1e30)]
    assert values == sorted(values) and values[0] < values[2] and np.isfinite(values).all()
    (plain,) = spans_of(logits([1], TAGS), logits([0], len(SIGNS)), [(0, 1)])
    (liked,) = spans_of(logits([1], TAGS), logits([1], len(SIGNS)), [(0, 1)])
    assert liked.logit < plain.logit  # it has to be liked, too


# Kinds


@settings(max_examples=80)
@given(st.lists(st.floats(-50, 50), min_size=len(KINDS), max_size=len(KINDS)), st.floats(0, 1))
def test_a_message_is_of_some_kind_always(values: list[float], threshold: float) -> None:
    found = kinds_of(values, Settings(Calibration(threshold=threshold)))
    assert found and set(found) <= set(KINDS) and all(0 <= each <= 1 for each in found.values())
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert len(found) == 1 or all(each >= threshold for each in found.values())


def test_kinds_have_thresholds_of_their_own() -> None:
    values = [0.0] * len(KINDS)
    assert set(kinds_of(values, Settings(Calibration(threshold=0.6, thresholds={"ask": 0.4, "greet": 0.5})))) == {"ask", "greet"}
    assert len(kinds_of(values, Settings(Calibration(threshold=0.6)))) == 1
    assert next(iter(kinds_of([-9, 3, *[-9.0] * 5], Settings()))) == list(KINDS)[1]


# Settings


def test_settings_come_back_through_json() -> None:
    made = Settings(Calibration(2.0, 0.5, thresholds={"ask": 0.3}), {name: Calibration(threshold=0.2) for name in MARKS})
    assert Settings.of({"calibration": json.loads(json.dumps(made.to_dict()))}) == made


@pytest.mark.parametrize(
    "wrong",
    [{}, {"calibration": None}, {"calibration": {"kinds": {}}}, {"calibration": {"kinds": {"temperature": 0}, "marks": {}}}]
    + [{"calibration": {"kinds": {}, "marks": dict.fromkeys(MARKS, each)}} for each in ({"colour": 1}, {"threshold": 2}, [1])],
    ids=str,
)
def test_damaged_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(AdapterError, match="is damaged"):
        Settings.of(wrong)


# Reading


def test_a_batch_is_read_as_each_text_alone(reader: MessageReader) -> None:
    together = reader.read(TEXTS)
    assert sum(len(each.marked) for each in together) > 20 and len({mark.mark for each in together for mark in each.marked}) > 2
    for text, found in zip(TEXTS, together, strict=True):
        assert_same(reader.read([text])[0], found)
    for found, again in zip(reversed(together), reader.read(TEXTS[::-1]), strict=True):
        assert_same(found, again)
    assert reader.read([]) == []


def test_spans_lie_where_they_say(reader: MessageReader) -> None:
    for text, message in zip([*TEXTS, LONG], reader([*TEXTS, LONG]), strict=True):
        spans = [each for each, _ in message.marked]
        assert all(0 <= each.start < each.end <= len(text) and text[each.start : each.end].strip() for each in spans)
        assert all(one.end <= other.start for one, other in itertools.pairwise(spans))
        assert all(0 <= score <= 1 for _, score in message.marked) and message.kinds


def test_every_word_of_a_long_message_is_read_once(encoder: Encoder) -> None:
    """A head that calls each word a thing marks them all, with the very offsets of the text."""
    head = MessageHead(encoder.width).eval().requires_grad_(False)
    head.tags.weight.zero_()
    head.tags.bias.copy_(torch.tensor([0.0, 9, 0, 0, 0]))
    text = ("Zoë 😀 fled the Town née İpek " * 80)[:2_000]
    (found,) = MessageReader(encoder, head, Settings()).read([text])
    assert [text[each.start : each.end] for each in found.marked] == text.split()
    assert len(found.kinds) == len(KINDS)


def test_a_blank_text_marks_nothing(reader: MessageReader) -> None:
    for message in reader(["", " \n\t"]):
        assert message.marked == [] and len(message.kinds) >= 1


def test_the_order_of_the_kinds_does_not_matter(reader: MessageReader) -> None:
    turned = dict(reversed(KINDS.items()))
    other = MessageReader(reader.encoder, reader.head, reader.settings, turned)
    for one, two in zip(reader.read(TEXTS[:5]), other.read(TEXTS[:5]), strict=True):
        assert dict(zip(KINDS, one.kinds, strict=True)) == pytest.approx(dict(zip(turned, two.kinds, strict=True)), abs=1e-3)


def test_marks_below_their_threshold_are_left_out(reader: MessageReader) -> None:
    strict = copy.copy(reader)
    strict.settings = Settings(marks={name: Calibration(temperature=1e6, shift=-20.0, threshold=1.0) for name in MARKS})
    assert not any(each.marked for each in strict(TEXTS)) and any(each.marked for each in reader(TEXTS))


def test_two_threads_read_what_one_does(reader: MessageReader) -> None:
    alone, found = reader.read(TEXTS), dict[int, list[Reading]]()

    def work(number: int) -> None:
        found[number] = reader.read(TEXTS)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for readings in (found[0], found[1]):
        for one, other in zip(alone, readings, strict=True):
            assert_same(one, other)


# The fit


class Told:
    """A reader that gives what it was told."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self.readings = readings

    def read(self, texts: Sequence[str]) -> list[Reading]:
        assert len(texts) == len(self.readings)
        return list(self.readings)


def test_thresholds_part_what_holds_from_what_does_not() -> None:
    rows = [row("a nurse", ["tell"], {"nurse": int(number % 3 > 0)}) for number in range(30)]
    odds = [1.5 + number / 10 if number % 3 else number / 15 for number in range(30)]  # these overlap a little
    readings = [Reading((3.0, *[-1.0] * 6), (Marked(2, 7, "liked", each),)) for each in odds]
    made = fit(Told(readings), [rows[:10], rows[10:]])  # type: ignore[arg-type]
    assert list(kinds_of(readings[0].kinds, made)) == ["tell"]
    liked = made.marks["liked"]
    assert liked.score(0.5) < liked.threshold < liked.score(3.0) and liked.temperature > 0
    for each in (made.kinds, *made.marks.values()):
        assert 0 <= each.threshold <= 1 and each.temperature > 0 and all(0 <= own <= 1 for own in each.thresholds.values())


@pytest.mark.parametrize("marked", [(), (Marked(0, 1, "event", -3.0),)], ids=["no marks", "wrong marks"])
@pytest.mark.parametrize("annotated", [True, False])
def test_rows_without_marks_make_no_trouble(annotated: bool, marked: tuple[Marked, ...]) -> None:
    rows = [row("a nurse", ["tell"], {}) if annotated else {"text": "a nurse", "kinds": ["tell"]}]
    made = fit(Told([Reading((0.0,) * len(KINDS), marked)]), [rows])  # type: ignore[arg-type]
    assert Settings.of({"calibration": made.to_dict()}) == made and set(made.marks) == set(MARKS)
