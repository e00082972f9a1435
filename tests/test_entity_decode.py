"""Tables of word pairs to mentions: candidates of hand-made tables, which of two that overlap, and what development rows fit."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.calibration import Calibration
from tasks.core.encoder import Encoder
from tasks.core.text import Tokens, Window
from tasks.relation_extraction.entities.data import windower_of
from tasks.relation_extraction.entities.decode import LONGEST, MOST, NEAR, Candidate, EntityScores, Floats, candidates, choose
from tasks.relation_extraction.entities.fitting import EVERYTHING, fit, mention_scores
from tasks.relation_extraction.types import TYPES

Row = dict[str, Any]
TEXT = "Ada Osei 😀 fled the town."  # words: Ada Osei 😀 fled the town .
FAR = -9.0


def sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def read(encoder: Encoder, text: str = TEXT) -> tuple[Tokens, Window]:
    (tokens,), (window,) = windower_of(encoder)([text])
    return tokens, window


def tables(count: int, **cells: tuple[int, int, float]) -> Floats:
    """Tables of ``count`` words with (first, last, logit) for some types, and nothing near elsewhere."""
    made = np.full((len(TYPES), count, count), FAR, np.float32)
    for name, (first, last, logit) in cells.items():
        made[TYPES.index(name), first, last] = logit
    return made


# Candidates


def test_cells_become_characters_the_likeliest_first(encoder: Encoder) -> None:
    tokens, window = read(encoder)
    found = candidates(TEXT, window, tokens, tables(7, PER=(0, 1, 2.0), LOC=(5, 5, 3.0), MISC=(2, 2, -1.5), TIME=(3, 6, 0.5)))
    assert found == [
        Candidate(20, 24, "LOC", 3.0),
        Candidate(0, 8, "PER", 2.0),
        Candidate(11, len(TEXT), "TIME", 0.5),
        Candidate(9, 10, "MISC", -1.5),
    ]
    assert [TEXT[each.start : each.end] for each in found] == ["town", "Ada Osei", "fled the town.", "😀"]


def test_what_is_far_or_ends_before_it_begins_is_no_candidate(encoder: Encoder) -> None:
    tokens, window = read(encoder)
    assert candidates(TEXT, window, tokens, tables(7)) == []
    assert candidates(TEXT, window, tokens, tables(7, PER=(3, 1, 9.0))) == []
    assert [each.logit for each in candidates(TEXT, window, tokens, tables(7, PER=(0, 0, NEAR), LOC=(1, 1, NEAR - 0.01)))] == [NEAR]


def test_one_place_may_be_of_two_types(encoder: Encoder) -> None:
    tokens, window = read(encoder)
    found = candidates(TEXT, window, tokens, tables(7, PER=(0, 1, 1.0), ORG=(0, 1, 2.0)))
    assert found == [Candidate(0, 8, "ORG", 2.0), Candidate(0, 8, "PER", 1.0)]


def test_mentions_have_a_longest_length(encoder: Encoder) -> None:
    tokens, window = read(encoder, "town " * 40)
    made = tables(40, PER=(0, LONGEST - 1, 1.0), LOC=(1, LONGEST + 1, 5.0))
    assert candidates("town " * 40, window, tokens, made) == [Candidate(0, 5 * LONGEST - 1, "PER", 1.0)]


def test_of_too_many_the_likeliest_stay(encoder: Encoder) -> None:
    tokens, window = read(encoder, "town " * 30)
    made = np.random.default_rng(0).permutation(len(TYPES) * 900).reshape(len(TYPES), 30, 30).astype(np.float32)
    found = candidates("town " * 30, window, tokens, made)
    allowed = [made[kind, i, j] for kind in range(len(TYPES)) for i in range(30) for j in range(i, min(30, i + LONGEST))]
    assert len(found) == MOST and [each.logit for each in found] == sorted(allowed, reverse=True)[:MOST]


@pytest.mark.parametrize("words", [62, 63, 100, 150])
def test_a_mention_at_any_place_of_a_long_text_is_read_once(encoder: Encoder, words: int) -> None:
    (tokens,), windows = windower_of(encoder)(["town " * words])
    assert (len(windows) > 1) == (words > 62)  # a window holds 62
    for word in range(words - 1):
        found = []
        for window in windows:
            places = {int(each): place for place, each in enumerate(window.words)}
            both = word in places and word + 1 in places
            made = tables(len(places), ORG=(places[word], places[word + 1], 1.0)) if both else tables(len(places))
            found += candidates("town " * words, window, tokens, made)
        assert found == [Candidate(5 * word, 5 * word + 9, "ORG", 1.0)]


# Scores


def test_each_type_has_its_calibration() -> None:
    scores = EntityScores({"PER": Calibration(temperature=2.0, shift=-1.0, threshold=0.25)})
    assert scores(Candidate(0, 1, "PER", 3.0)) == pytest.approx(sigmoid(3 / 2 - 1)) and scores.threshold("PER") == 0.25
    assert scores(Candidate(0, 1, "LOC", 3.0)) == pytest.approx(sigmoid(3)) and scores.threshold("LOC") == 0.5


# Which are told


def test_of_overlapping_ones_the_likeliest_is_told() -> None:
    outer, inner, apart = Candidate(0, 8, "PER", 1.0), Candidate(4, 8, "ORG", 2.0), Candidate(8, 10, "LOC", 0.5)
    scores = EntityScores()
    (first, likely), (second, less) = choose([outer, inner, apart], scores)
    assert (first, second) == (inner, apart) and (likely, less) == pytest.approx((sigmoid(2), sigmoid(0.5)))
    likelier = EntityScores({"PER": Calibration(shift=2.0)})  # by the score, not by the logit
    assert [each for each, _ in choose([outer, inner, apart], likelier)] == [outer, apart]
    assert [each for each, _ in choose([outer._replace(logit=2.0), inner], scores)] == [outer._replace(logit=2.0)]  # the first of equals


def test_what_is_left_out_takes_nobodys_place() -> None:
    """A candidate below the threshold of its type, or overlapped by a likelier one, does not hide others."""
    likely, chain, far = Candidate(0, 5, "PER", 2.0), Candidate(4, 9, "PER", 1.0), Candidate(8, 12, "PER", 0.5)
    assert [each for each, _ in choose([likely, chain, far], EntityScores())] == [likely, far]
    strict = EntityScores({"ORG": Calibration(threshold=0.99)})
    low = Candidate(0, 5, "ORG", 3.0)
    assert [each for each, _ in choose([low, likely], strict)] == [likely]


def test_each_type_has_its_threshold_and_the_callers_come_first() -> None:
    found = [Candidate(10 * number, 10 * number + 5, name, 0.0) for number, name in enumerate(TYPES)]
    scores = EntityScores({"ORG": Calibration(threshold=0.51), "LOC": Calibration(threshold=0.4)})
    assert [each.type for each, _ in choose(found, scores)] == [name for name in TYPES if name != "ORG"]  # 0.5 is enough
    assert [each.type for each, _ in choose(found, scores, EVERYTHING)] == list(TYPES)
    thresholds = dict.fromkeys(TYPES, 0.9) | {"NUM": 0.3}
    assert [each.type for each, _ in choose(found, scores, thresholds)] == ["NUM"]
    assert choose([], scores) == []


made = st.builds(
    lambda start, size, name, logit: Candidate(start, start + size, name, logit),
    st.integers(0, 12),
    st.integers(1, 6),
    st.sampled_from(TYPES[:3]),
    st.sampled_from([-2.0, 0.0, 1.0, 3.0]),
)


@given(st.lists(made, max_size=12, unique_by=lambda each: each[:3]), st.integers(0, 99))
def test_choosing_does_not_depend_on_the_order(found: list[Candidate], seed: int) -> None:
    scores = EntityScores({"PER": Calibration(temperature=2.0, threshold=0.3)})
    chosen = choose(found, scores)
    assert choose(random.Random(seed).sample(found, len(found)), scores) == chosen
    kept = [each for each, _ in chosen]
    assert all(one.end <= other.start for one, other in itertools.pairwise(kept))
    assert all(score == scores(each) >= scores.threshold(each.type) for each, score in chosen)
    for each in found:  # what is left out is unlikely, or overlaps one that is as likely
        beaten = any(each.start < other.end and other.start < each.end and scores(each) <= score for other, score in chosen)
        assert each in kept or beaten or scores(each) < scores.threshold(each.type)


# Calibration


def drawn(name: str, temperature: float, shift: float, count: int = 3000, seed: int = 0) -> tuple[list[Row], list[list[Candidate]]]:
    """Rows with a candidate each, which is right with the probability ``sigmoid(logit / temperature + shift)``."""
    generator = np.random.default_rng(seed)
    rows, found = [], []
    for logit in (generator.normal(size=count) * 3).tolist():
        right = generator.random() < sigmoid(logit / temperature + shift)
        rows.append({"text": "", "entities": [{"type": name, "start": 0, "end": 4}] if right else []})
        found.append([Candidate(0, 4, name, logit)])
    return rows, found


@pytest.mark.parametrize(("temperature", "shift"), [(0.5, 0.0), (1.0, -1.0), (3.0, 1.0)])
def test_the_fit_finds_what_candidates_were_drawn_with(temperature: float, shift: float) -> None:
    scores = fit([drawn("LOC", temperature, shift)])
    assert scores.types["LOC"].temperature == pytest.approx(temperature, rel=0.15)
    assert scores.types["LOC"].shift == pytest.approx(shift, abs=0.15)
    others = [each for name, each in scores.types.items() if name != "LOC"]
    assert list(scores.types) == list(TYPES) and {(each.temperature, each.shift) for each in others} == {(1.0, 0.0)}


def test_files_of_two_types_fit_each_its_own() -> None:
    person, place = drawn("PER", 0.5, 1.0), drawn("LOC", 3.0, -1.0, seed=1)
    together = fit([person, place])
    for name, file in (("PER", person), ("LOC", place)):
        alone = fit([file]).types[name]
        assert (together.types[name].temperature, together.types[name].shift) == (alone.temperature, alone.shift)


def test_a_file_says_nothing_of_types_that_it_does_not_have() -> None:
    rows, found = drawn("PER", 1.0, 0.0, 200)
    more = [[*each, Candidate(10, 14, "ORG", 5.0), Candidate(20, 24, "NUM", -3.0)] for each in found]
    assert fit([(rows, more)]) == fit([(rows, found)])


def test_a_candidate_that_the_fit_finds_useless_keeps_a_temperature() -> None:
    """Where a higher logit is rather wrong, scores hardly go by it, and never the other way round."""
    rows, found = drawn("PER", 1.0, 0.0, 400)
    against = [[each._replace(logit=-each.logit) for each in group] for group in found]
    assert fit([(rows, against)]).types["PER"].temperature == pytest.approx(20)


def parted(name: str, count: int, low: float, high: float) -> tuple[list[Row], list[list[Candidate]]]:
    """Rows with a right candidate each and two wrong ones beside it; ``high`` and ``low`` are their logits."""
    rows = [{"text": "", "entities": [{"type": name, "start": 0, "end": 4}]} for _ in range(count)]
    wrong = [Candidate(10, 14, name, low), Candidate(20, 24, name, low - 0.5)]
    return rows, [[Candidate(0, 4, name, high), *wrong] for _ in range(count)]


def test_what_is_right_is_told_and_nothing_else() -> None:
    files = [parted("PER", 50, -3.0, -2.0), parted("LOC", 50, 1.0, 2.0)]
    scores = fit(files)
    for rows, found in files:
        for row, each in zip(rows, found, strict=True):
            (told, score), *others = choose(each, scores)
            assert others == [] and (told.start, told.end) == (row["entities"][0]["start"], row["entities"][0]["end"])
            assert score > 0.7 and all(scores(other) < 0.3 for other in each[1:])


def test_types_of_few_instances_or_none_have_the_threshold_of_all() -> None:
    rows, found = parted("PER", 60, -1.0, 1.0)
    few, more = parted("ORG", 5, -1.0, 1.0)
    scores = fit([(rows + few, found + more)])
    assert len({scores.threshold(name) for name in TYPES if name != "PER"}) == 1
    assert 0 < scores.threshold("ORG") < 1


def test_thresholds_are_fitted_on_what_overlaps_leave() -> None:
    """Wrong candidates that a likelier right one overlaps are never told, so the threshold need not keep them out."""
    rows, found = parted("PER", 60, -1.0, 3.0)
    hidden = [[*each, Candidate(2, 6, "PER", 2.9)] for each in found]
    seen = [[*each, Candidate(30, 34, "PER", 2.9)] for each in found]
    one, other = fit([(rows, hidden)]), fit([(rows, seen)])
    assert all([c[:2] for c, _ in choose(each, one)] == [(0, 4)] for each in hidden)
    assert one(Candidate(0, 0, "PER", 2.9)) == other(Candidate(0, 0, "PER", 2.9))  # the same probabilities
    assert one.threshold("PER") <= other.threshold("PER")


def test_without_rows_nothing_is_fitted() -> None:
    for scores in (fit([]), fit([([], [])])):
        assert {(each.temperature, each.shift) for each in scores.types.values()} == {(1.0, 0.0)}


# Scores of mentions


def gold(*mentions: tuple[int, int, str | None]) -> Row:
    return {"text": "", "entities": [{"type": name, "start": start, "end": end} for start, end, name in mentions]}


def test_mentions_are_scored_as_by_hand() -> None:
    rows = [gold((0, 3, "PER"), (5, 8, "LOC")), gold((0, 3, "person"))]
    found = [{(0, 3, "PER"): 0.9, (5, 9, "LOC"): 0.6, (5, 8, "ORG"): 0.8}, dict[tuple[int, int, str], float]()]
    # told: one right, one wrong by its border, and one of a type that the rows do not have, which is not counted
    assert mention_scores(rows, found) == {
        "entity_precision": 1 / 2,
        "entity_recall": 1 / 3,
        "entity_f1": 2 / 5,
        "entity_ece": pytest.approx((abs(0.9 - 1) + 0.6) / 2),
    }


def test_place_type_and_row_must_be_right() -> None:
    rows = [gold((0, 3, "PER")), gold((4, 7, "LOC"))]
    none: dict[tuple[int, int, str], float] = {}
    for wrong in ((0, 3, "LOC"), (4, 7, "LOC"), (0, 2, "PER"), (1, 3, "PER")):
        assert mention_scores(rows, [{wrong: 1.0}, none])["entity_f1"] == 0
    both: list[dict[tuple[int, int, str], float]] = [{(0, 3, "PER"): 1.0}, {(4, 7, "LOC"): 1.0}]
    assert mention_scores(rows, both) == {"entity_precision": 1, "entity_recall": 1, "entity_f1": 1, "entity_ece": 0}


def test_mentions_of_no_type_are_not_asked_for() -> None:
    rows = [gold((0, 3, None), (4, 7, "LABEL_1"), (8, 9, "NUM"))]
    assert mention_scores(rows, [{(8, 9, "NUM"): 0.5}])["entity_recall"] == 1
    nothing = {"entity_precision": 0, "entity_recall": 0, "entity_f1": 0, "entity_ece": 0}
    assert mention_scores([gold()], [{(0, 3, "PER"): 0.9}]) == mention_scores([], []) == nothing


def test_every_mention_of_an_entity_counts() -> None:
    rows = [{"text": "", "entities": [{"type": "PER", "mentions": [{"start": 0, "end": 3}, {"start": 5, "end": 8}]}]}]
    found = [{(0, 3, "PER"): 0.75}]
    assert mention_scores(rows, found) == {
        "entity_precision": 1,
        "entity_recall": 0.5,
        "entity_f1": pytest.approx(2 / 3),
        "entity_ece": pytest.approx(0.25),
    }
