"""Logits to answers: spans beside a double loop over all of them, what is told of them, scores, and damaged settings."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tasks.core.calibration import Calibration
from tasks.core.errors import AdapterError
from tasks.question_answering.decode import ANSWER, NONE, Found, Read, Settings, answers_of, shares, spans_of
from tasks.question_answering.model import Ends
from tasks.question_answering.types import Answer, AnswerResult

TEXT = "Ada Osei founded the Volta Trust in 2011 🌾."


def sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


# Spans

Told = list[list[tuple[int, int, float, float]]]


def told(start: Tensor, end: Tensor, inside: Tensor, longest: int, count: int) -> Told:
    """What ``spans_of`` gives of each window, without what it does not have."""
    fields = [each.tolist() for each in spans_of(Ends(start, end), inside, longest, count)]
    rows = [list(zip(*(field[row] for field in fields), strict=True)) for row in range(len(start))]
    return [[each for each in row if each[2] > -math.inf] for row in rows]


def by_hand(start: Tensor, end: Tensor, inside: Tensor, longest: int, count: int) -> Told:
    """The same by a loop over all begins and ends."""
    windows = []
    for row in range(len(start)):
        kept = [place for place in range(start.shape[1]) if inside[row, place]]
        first, last = ([each[row, place].item() for place in range(each.shape[1])] for each in (start, end))
        total = [sum(math.exp(each[place]) for place in (0, *kept)) for each in (first, last)]
        spans = [(s, e) for s in kept for e in kept if s <= e < s + longest]
        listed = [
            (s, e, first[s] + last[e] - first[0] - last[0], math.exp(first[s]) * math.exp(last[e]) / total[0] / total[1]) for s, e in spans
        ]
        windows.append(sorted(listed, key=lambda each: -each[2])[:count])
    return windows


def drawn(seed: int, rows: int, tokens: int) -> tuple[Tensor, Tensor, Tensor]:
    """Random logits, and in each row a run of tokens that are the context's."""
    generator = torch.Generator().manual_seed(seed)
    start, end = torch.randn(2, rows, tokens, generator=generator) * 3
    first = torch.randint(1, tokens, (rows, 1), generator=generator)
    last = torch.randint(1, tokens, (rows, 1), generator=generator)
    place = torch.arange(tokens)[None]
    return start, end, (place >= torch.minimum(first, last)) & (place <= torch.maximum(first, last))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(2, 9), st.integers(1, 12), st.integers(1, 100))
def test_spans_are_the_best_of_all(seed: int, rows: int, tokens: int, longest: int, count: int) -> None:
    asked = *drawn(seed, rows, tokens), longest, count
    for found, expected in zip(told(*asked), by_hand(*asked), strict=True):
        assert [each[:2] for each in found] == [each[:2] for each in expected]
        for one, other in zip(found, expected, strict=True):
            assert one[2:] == pytest.approx(other[2:], rel=1e-4, abs=1e-5)


def test_no_span_is_longer_than_asked_or_outside_the_context() -> None:
    start, end = torch.full((1, 6), 0.0), torch.full((1, 6), 0.0)
    start[0, 1], end[0, 5] = 9.0, 9.0  # the question's token and the last, which are padding and too far
    inside = torch.tensor([[False, False, True, True, True, False]])
    assert sorted(each[:2] for each in told(start, end, inside, 2, 50)[0]) == [(2, 2), (2, 3), (3, 3), (3, 4), (4, 4)]
    assert sorted(each[:2] for each in told(start, end, inside, 1, 50)[0]) == [(2, 2), (3, 3), (4, 4)]


def test_tokens_that_are_not_the_contexts_do_not_change_a_probability() -> None:
    inside = torch.tensor([[False, False, True, True, False]])
    one, other = (torch.tensor([[1.0, noise, 2.0, 0.5, noise]]) for noise in (-3.0, 8.0))
    assert told(one, one, inside, 9, 9) == told(other, other, inside, 9, 9)


def test_a_window_is_the_same_in_any_company() -> None:
    start, end, inside = drawn(3, 4, 12)
    alone = [told(start[[row]], end[[row]], inside[[row]], 5, 6)[0] for row in range(4)]
    padded = [torch.nn.functional.pad(each, (0, 7), value=each.max().item()) for each in (start, end)]
    assert told(padded[0], padded[1], torch.nn.functional.pad(inside, (0, 7)), 5, 6) == alone


@pytest.mark.parametrize("sure", [0.0, 4.0, 12.0, 20.0, 40.0])
def test_a_probability_is_at_most_one_however_sure_the_model_is(sure: float) -> None:
    start, end, inside = drawn(11, 400, 8)
    inside[:, 3] = True
    start[:, 3] += sure
    end[:, 3] += sure
    *_, probability = spans_of(Ends(start, end), inside, 8, 1)
    assert float(probability.max()) <= 1.0  # or an answer with it is refused as no probability


# Shares


def test_shares_are_a_softmax_of_the_margins() -> None:
    found = [Found(0, 1, margin, 0.5) for margin in (3.0, 1.0, -2.0)]
    total = sum(math.exp(each.margin) for each in found)
    assert shares(found) == pytest.approx([math.log(math.exp(each.margin) / total) for each in found])
    assert shares([]) == [] and shares(found[:1]) == [0.0]
    assert shares([Found(0, 1, 5000.0, 1.0), Found(1, 2, -5000.0, 0.0)]) == [0.0, -10000.0]


# Answers

FOUND = [
    Found(0, 8, 4.0, 0.5),  # Ada Osei
    Found(0, 3, 3.0, 0.2),  # Ada
    Found(17, 32, 2.0, 0.125),  # the Volta Trust
    Found(4, 16, 1.5, 0.1),  # Osei founded
    Found(36, 40, -1.0, 0.0625),  # 2011
    Found(41, 42, -2.0, 0.03125),  # 🌾
]
READ = Read(FOUND, 0.25)
PLAIN = Settings()


def names(answers: list[Answer]) -> list[str]:
    return [each.answer for each in answers]


def test_answers_are_the_likeliest_that_do_not_overlap() -> None:
    answers = answers_of(TEXT, READ, PLAIN, 9, False)
    assert names(answers) == ["Ada Osei", "the Volta Trust", "2011", "🌾"]
    assert [each.score for each in answers] == [0.5, 0.125, 0.0625, 0.03125]
    assert all(TEXT[each.start : each.end] == each.answer for each in answers)
    assert names(answers_of(TEXT, READ, PLAIN, 2, False)) == ["Ada Osei", "the Volta Trust"]
    assert names(answers_of(TEXT, READ, PLAIN, 1, False)) == ["Ada Osei"]


def test_spans_that_touch_do_not_overlap() -> None:
    touching = Read([Found(0, 3, 2.0, 0.5), Found(3, 8, 1.0, 0.25), Found(2, 4, 0.5, 0.125)], 0.0)
    assert names(answers_of(TEXT, touching, PLAIN, 9, False)) == ["Ada", " Osei"]


def test_that_the_text_does_not_say_stands_among_them_with_its_score() -> None:
    answers = answers_of(TEXT, READ, PLAIN, 9, True)
    assert names(answers) == ["Ada Osei", "", "the Volta Trust", "2011", "🌾"]
    assert answers[1] == Answer("", 0.25, 0, 0)
    assert names(answers_of(TEXT, READ, PLAIN, 2, True)) == ["Ada Osei", ""]
    assert names(answers_of(TEXT, READ, PLAIN, 1, True)) == ["Ada Osei"]
    assert names(answers_of(TEXT, READ._replace(none=0.75), PLAIN, 1, True)) == [""]


def test_where_nothing_was_found_there_is_no_answer() -> None:
    assert answers_of("", Read([], 1.0), PLAIN, 3, False) == []
    assert answers_of("", Read([], 1.0), PLAIN, 3, True) == [Answer("", 1.0, 0, 0)]


def test_a_least_score_is_for_spans_alone() -> None:
    assert names(answers_of(TEXT, READ, PLAIN, 9, True, least=0.125)) == ["Ada Osei", "", "the Volta Trust"]
    assert names(answers_of(TEXT, READ, PLAIN, 9, True, least=0.6)) == [""]
    assert answers_of(TEXT, READ, PLAIN, 9, False, least=0.6) == []


spans = st.tuples(st.integers(0, 30), st.integers(1, 12), st.sampled_from([-3.0, -0.5, 0.0, 0.5, 2.0]), st.floats(0, 1))


@given(st.lists(spans, max_size=10), st.floats(0, 1), st.integers(1, 6), st.booleans(), st.booleans())
def test_answers_are_sorted_apart_and_as_many_as_asked(
    drawn_spans: list[tuple[int, int, float, float]], none: float, count: int, impossible: bool, calibrated: bool
) -> None:
    found = [Found(start, min(start + size, len(TEXT)), margin, p) for start, size, margin, p in drawn_spans]
    read = Read(sorted(found, key=lambda each: (-each.margin, each.start, each.end)), none)
    own = Settings({ANSWER: Calibration(temperature=2.0, prior=0.5), NONE: Calibration(shift=-1.0)}) if calibrated else PLAIN
    answers = answers_of(TEXT, read, own, count, impossible)
    assert len(answers) <= count and (answers or not (impossible or found))
    AnswerResult("", tuple(answers), own.none_score(read), None)  # type: ignore[arg-type] # it checks the order of the scores
    kept = [each for each in answers if each.answer]
    assert all(one.end <= other.start or other.end <= one.start for number, one in enumerate(kept) for other in kept[:number])
    if calibrated and found:  # the likeliest is always told, but where none is likelier
        assert answers[0].score >= own.answer_score(read.spans[0], shares(read.spans)[0])


# Scores


def test_without_calibration_scores_are_those_of_the_model() -> None:
    assert PLAIN.answer_score(FOUND[0], -0.5) == 0.5 and PLAIN.none_score(READ) == 0.25


def test_with_calibration_scores_come_from_the_margins() -> None:
    own = Settings({ANSWER: Calibration(temperature=2.0, shift=0.5, prior=3.0), NONE: Calibration(temperature=4.0, shift=-0.25)})
    assert own.answer_score(FOUND[0], -0.5) == pytest.approx(sigmoid(4 / 2 + 0.5 - 1.5))
    assert own.none_score(READ) == pytest.approx(sigmoid(-4 / 4 - 0.25))
    answers = answers_of(TEXT, READ, own, 9, True)
    share = shares(FOUND)
    assert {each.answer: each.score for each in answers} == pytest.approx(
        {
            "Ada Osei": sigmoid(2 + 0.5 + 3 * share[0]),
            "the Volta Trust": sigmoid(1 + 0.5 + 3 * share[2]),
            "2011": sigmoid(-0.5 + 0.5 + 3 * share[4]),
            "🌾": sigmoid(-1 + 0.5 + 3 * share[5]),
            "": sigmoid(-1.25),
        }
    )


def test_each_calibration_is_used_where_it_is_there() -> None:
    assert Settings({ANSWER: Calibration(shift=9.0)}).none_score(READ) == 0.25
    assert Settings({NONE: Calibration(shift=9.0)}).answer_score(FOUND[0], 0.0) == 0.5


def test_a_text_without_a_span_surely_does_not_say() -> None:
    own = Settings({NONE: Calibration(temperature=5.0, shift=-2.0)})
    assert own.none_score(Read([], 1.0)) == pytest.approx(1.0)
    assert READ.best == 4.0


# Settings


def test_settings_are_read() -> None:
    data = {"calibration": {ANSWER: {"temperature": 2.0, "shift": 0.5, "prior": 1.5}, NONE: {}}, "other": "is of no account"}
    assert Settings.of(data) == Settings({ANSWER: Calibration(temperature=2.0, shift=0.5, prior=1.5), NONE: Calibration()})
    assert Settings.of({"calibration": {}}) == PLAIN


@pytest.mark.parametrize(
    "data",
    [
        {},
        [],
        None,
        {"calibration": None},
        {"calibration": [ANSWER]},
        {"calibration": {ANSWER: None}},
        {"calibration": {ANSWER: 0.5}},
        {"calibration": {ANSWER: {"heat": 1.0}}},
        {"calibration": {ANSWER: {"temperature": 0.0}}},
        {"calibration": {ANSWER: {"temperature": "1"}}},
        {"calibration": {NONE: {"shift": math.nan}}},
        {"calibration": {"default": {}}},
    ],
)
def test_damaged_settings_are_refused(data: Any) -> None:
    with pytest.raises(AdapterError, match=r"task.json is damaged: .* is missing or wrong. Get the adapter again"):
        Settings.of(data)
