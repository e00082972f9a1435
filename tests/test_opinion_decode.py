"""Tables to opinions: candidates of hand-made tables, what contradicts what, and scores that survive JSON."""

from __future__ import annotations

import json
import math
import random
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.encoder import Encoder
from tasks.core.text import Tokens, Window, Windower, visible
from tasks.opinion_analysis.decode import (
    BARE,
    EXPLICIT,
    IMPLICIT,
    MOST_SPANS,
    NEAR,
    UNFITTED,
    Candidate,
    Floats,
    Logistic,
    Scores,
    Softmax,
    candidates,
    choose,
    contradict,
    log_shares,
    near_spans,
    opinions,
)
from tasks.opinion_analysis.types import POLARITIES

TEXT = "the school was a flood ."
FAR = -9.0
places = st.one_of(st.none(), st.tuples(st.integers(0, 12), st.integers(1, 6)).map(lambda each: (each[0], each[0] + each[1])))


@st.composite
def made(draw: st.DrawFn) -> Candidate:
    """A candidate of any kind whose only feature is its logit."""
    target, expression = draw(places), draw(places)
    if target is None and expression is None:
        expression = (0, 1)
    kind = BARE if expression is None else IMPLICIT if target is None else EXPLICIT
    return Candidate(kind, target, expression, draw(st.sampled_from(POLARITIES)), (draw(st.sampled_from([-3.0, -1.0, 0.0, 1.0, 3.0])),))


ONE = {kind: Logistic((1.0,), threshold=0.4) for kind in UNFITTED}


def read(encoder: Encoder, text: str = TEXT) -> tuple[Tokens, Window]:
    (tokens,), (window,) = encoder.windower([text])
    return tokens, window


def tables(count: int) -> tuple[Floats, Floats, Floats]:
    """Tables of ``count`` words in which nothing is near."""
    return np.full((2, count, count), FAR, np.float32), np.full((2, count + 1, count), FAR, np.float32), np.zeros((count, 4, 3), np.float32)


# Spans


def test_spans_are_near_from_the_first_word_to_the_last() -> None:
    table = np.full((5, 5), FAR, np.float32)
    for first, last in ((1, 1), (0, 3), (4, 2), (2, 4)):
        table[first, last] = NEAR + 1
    table[3, 3] = NEAR
    assert near_spans(table).tolist() == [[0, 3], [1, 1], [2, 4]]


def test_of_too_many_spans_the_likeliest_stay_in_the_order_of_the_text() -> None:
    table = np.random.default_rng(0).permutation(900).reshape(30, 30).astype(np.float32)
    found = [tuple(span) for span in near_spans(table).tolist()]
    best = sorted(((table[i, j], (i, j)) for i in range(30) for j in range(i, 30)), reverse=True)[:MOST_SPANS]
    assert found == sorted(span for _, span in best)


# Candidates


def test_a_pair_an_expression_alone_and_a_target_alone(encoder: Encoder) -> None:
    tokens, window = read(encoder)
    spans, links, signs = tables(len(window.words))
    spans[0, 1, 1], spans[1, 3, 4] = 2.0, 3.0  # "school", "a flood"
    links[0, 2, 3], links[1, 2, 4] = 4.0, 5.0
    links[0, 0, 3], links[1, 0, 4] = -1.0, -2.0
    signs[1, 0], signs[1, 1] = (0, 1, 0), (0, 1, 0)
    signs[3, 2], signs[4, 3] = (0, 0, 2), (0, 0, 3)
    found = {each.kind: each for each in candidates(TEXT, window, tokens, spans, links, signs)}
    school, flood = (4, 10), (15, 22)
    assert {kind: (each.target, each.expression, each.polarity) for kind, each in found.items()} == {
        EXPLICIT: (school, flood, "neutral"),
        IMPLICIT: (None, flood, "neutral"),
        BARE: (school, None, "negative"),
    }
    both, alone, words = (
        math.log(math.exp(best) / sum(map(math.exp, all_three))) for best, all_three in ((5, (0, 2, 5)), (2, (0, 2, 0)), (5, (0, 0, 5)))
    )
    for kind, first, share in ((EXPLICIT, (2, 3, 4, 5), both), (IMPLICIT, (3, -1, -2), words), (BARE, (2,), alone)):
        features = found[kind].features
        assert len(features) == len(UNFITTED[kind].weights)
        assert (*features[: len(first)], features[-1]) == pytest.approx((*first, share), rel=1e-5)


def test_a_pair_without_a_link_is_none(encoder: Encoder) -> None:
    tokens, window = read(encoder)
    spans, links, signs = tables(len(window.words))
    spans[0, 1, 1] = spans[1, 4, 4] = 5.0
    for start, end in ((FAR, 5.0), (5.0, FAR)):
        links[0, 2, 4], links[1, 2, 4] = start, end
        assert sorted(each.kind for each in candidates(TEXT, window, tokens, spans, links, signs)) == [BARE, IMPLICIT]
    links[0, 2, 4] = links[1, 2, 4] = 5.0
    assert sorted(each.kind for each in candidates(TEXT, window, tokens, spans, links, signs)) == [BARE, EXPLICIT, IMPLICIT]


def test_nothing_near_is_no_candidate(encoder: Encoder) -> None:
    tokens, window = read(encoder)
    assert candidates(TEXT, window, tokens, *tables(len(window.words))) == []


@pytest.mark.parametrize("words", [62, 63, 100, 150])
def test_an_opinion_at_any_place_of_a_long_text_is_read_once(encoder: Encoder, words: int) -> None:
    text = "the " * words
    (tokens,), windows = Windower(encoder.tokenizer, 64, 20, whole=True)([text])
    assert len(windows) > (words > 62)  # a window holds 62
    for word in range(words - 1):
        found = []
        for window in windows:
            places = {int(each): place for place, each in enumerate(window.words)}
            spans, links, signs = tables(len(places))
            if word in places and word + 1 in places:
                target, expression = places[word], places[word + 1]
                spans[0, target, target] = spans[1, expression, expression] = 5.0
                links[:, target + 1, expression] = 5.0
            found += candidates(text, window, tokens, spans, links, signs)
        start = 4 * word
        explicit = [(each.target, each.expression) for each in found if each.kind == EXPLICIT]
        assert explicit == [((start, start + 3), (start + 4, start + 7))]
        assert sorted(each.kind for each in found) == [BARE, EXPLICIT, IMPLICIT]


@given(st.text(st.sampled_from("ab \n\u00a0\u2003😀"), max_size=12), st.data())
def test_white_space_is_no_part_of_a_span(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    place = visible(text, start, end)
    assert (place is None) == (not text[start:end].strip())
    if place:
        assert start <= place[0] < place[1] <= end and text[slice(*place)] == text[start:end].strip()


# Which of two candidates


def said(target: Any, expression: Any, logit: float = 0.0, polarity: str = "positive") -> Candidate:
    kind = BARE if expression is None else IMPLICIT if target is None else EXPLICIT
    return Candidate(kind, target, expression, polarity, (logit,))


@pytest.mark.parametrize(
    ("one", "other", "only_one"),
    [
        (said((0, 3), (8, 12)), said((0, 3), (10, 15)), True),  # the same judgement with other borders
        (said((0, 3), (8, 12)), said((4, 7), (8, 12)), False),  # two things, one judgement of both
        (said((0, 3), (8, 12)), said((0, 3), (13, 15)), False),  # one thing, judged twice
        (said((0, 3), (8, 12)), said(None, (8, 12)), True),
        (said((0, 3), (8, 12)), said((0, 3), None), True),
        (said((0, 3), (8, 12)), said((4, 6), None), False),
        (said((8, 10), (0, 3)), said((4, 6), None), False),
        (said((0, 3), None), said((2, 5), None), True),
        (said((0, 3), None), said((3, 5), None), False),
    ],
)
def test_what_contradicts_what(one: Candidate, other: Candidate, only_one: bool) -> None:
    assert contradict(one, other) is contradict(other, one) is only_one


@given(made(), made())
def test_contradiction_goes_both_ways(one: Candidate, other: Candidate) -> None:
    assert contradict(one, other) == contradict(other, one) and contradict(one, one)


@given(st.lists(made(), max_size=12, unique_by=lambda each: each[1:3]), st.integers(0, 99))
def test_choosing_does_not_depend_on_the_order(found: list[Candidate], seed: int) -> None:
    chosen = choose(found, ONE)
    assert choose(random.Random(seed).sample(found, len(found)), ONE) == chosen
    kept = [each for _, each in chosen]
    assert not any(contradict(one, other) for place, one in enumerate(kept) for other in kept[:place])
    assert all(score >= 0.4 and score == pytest.approx(1 / (1 + math.exp(-each.features[0]))) for score, each in chosen)
    for each in found:  # what is left out is unlikely, says nothing, or contradicts what is kept
        silent = each.kind == BARE and each.polarity == "neutral"
        assert each in kept or silent or ONE[each.kind](each.features) < 0.4 or any(contradict(each, other) for other in kept)


def test_the_likelier_of_two_stays_and_words_come_before_a_bare_target() -> None:
    weak, strong, bare = said((0, 3), (8, 12), 0.0), said((0, 3), (10, 15), 2.0), said((0, 3), None, 9.0)
    assert [each for _, each in choose([weak, strong, bare], ONE)] == [strong]
    assert [each for _, each in choose([weak, bare], ONE)] == [weak]


def test_each_kind_has_its_threshold_and_the_callers_counts_for_all() -> None:
    found = [said((0, 3), (8, 12), 1.0), said(None, (20, 25), 1.0), said((30, 33), None, 1.0)]
    scores = {EXPLICIT: Logistic((1.0,), threshold=0.7), IMPLICIT: Logistic((1.0,), threshold=0.8), BARE: Logistic((1.0,), threshold=0.8)}
    assert [each.kind for _, each in choose(found, scores)] == [EXPLICIT]
    assert len(choose(found, scores, 0.7)) == 3 and choose(found, scores, 0.74) == []


def test_opinions_come_in_the_order_of_the_text() -> None:
    chosen = [(0.9, said((15, 16), (17, 22))), (0.8, said(None, (11, 14), polarity="neutral")), (0.7, said((4, 10), (23, 24)))]
    found = opinions(TEXT, chosen)
    assert [(each.target and each.target.text, each.expression and each.expression.text) for each in found] == [
        ("school", "."),
        (None, "was"),
        ("a", "flood"),
    ]
    assert [(each.score, each.polarity) for each in found] == [(0.7, "positive"), (0.8, "neutral"), (0.9, "positive")]


# Probabilities


def test_a_logistic_is_a_sigmoid() -> None:
    assert Logistic((0.5, 2.0), -1.0)((4.0, 0.25)) == pytest.approx(1 / (1 + math.exp(-1.5)))
    assert Logistic((1.0,))((1e6,)) == 1.0 and Logistic((1.0,))((-1e6,)) == 0.0
    with pytest.raises(ValueError):
        Logistic((1.0,))((1.0, 2.0))


@given(st.lists(st.floats(-50, 50), min_size=3, max_size=3), st.floats(0.1, 5), st.floats(-100, 100))
def test_a_softmax_sums_to_one_and_does_not_feel_a_constant(logits: list[float], scale: float, constant: float) -> None:
    shares = Softmax(scale)(logits)
    assert sum(shares) == pytest.approx(1) and all(0 <= share <= 1 for share in shares)
    assert Softmax(scale)([each + constant for each in logits]) == pytest.approx(shares, abs=1e-6)
    assert log_shares(np.array([logits]))[0] == pytest.approx(np.log(np.maximum(Softmax()(logits), 1e-300)), abs=1e-3)


def test_a_softmax_has_scale_and_shift() -> None:
    assert Softmax(2.0, (0.0, math.log(2), math.log(3)))((0.5, 0.5, 0.5)) == pytest.approx([1 / 6, 2 / 6, 3 / 6])
    assert Softmax(2.0)((1.0, 0.0, 0.0))[0] == pytest.approx(math.exp(2) / (math.exp(2) + 2))


def test_scores_survive_json() -> None:
    fitted = Scores(
        {kind: Logistic(tuple(0.1 * n for n, _ in enumerate(each.weights)), -0.5, 0.25) for kind, each in UNFITTED.items()},
        Softmax(1.5, (0.1, -0.2, 0.3)),
        stance=Softmax(0.5),
    )
    for each in (fitted, Scores()):
        assert Scores.of(json.loads(json.dumps(asdict(each)))) == each


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("opinions",), None),
        (("opinions", EXPLICIT), None),
        (("opinions", EXPLICIT), {"shift": 0.0}),
        (("opinions", BARE, "weights"), [1.0]),
        (("opinions", BARE, "weights"), 1.0),
        (("opinions", BARE, "weights"), [1.0, "a"]),
        (("opinions", BARE, "threshold"), math.nan),
        (("opinions", IMPLICIT, "extra"), 1.0),
        (("polarity",), {}),
        (("target", "shift"), [0.0, 0.0]),
        (("stance", "shift"), None),
        (("stance", "extra"), 1.0),
        (("stance", "scale"), "1"),
    ],
)
def test_damaged_scores_are_refused(path: tuple[str, ...], value: Any) -> None:
    data: dict[str, Any] = json.loads(json.dumps(asdict(Scores())))
    place = data
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises((KeyError, TypeError, ValueError)):
        Scores.of(data)
