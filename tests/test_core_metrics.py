"""Metrics against values worked out by hand, against scikit-learn, and against trying everything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_recall_fscore_support

from tasks.core.metrics import PRF, best_threshold, expected_calibration_error, macro_f1, micro, prf

classes = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=30)


def test_counts_worked_out_by_hand() -> None:
    assert prf(3, 4, 6) == PRF(0.75, 0.5, pytest.approx(0.6))


def test_nothing_to_divide_by_is_nought() -> None:
    assert prf(0, 0, 0) == prf(0, 3, 0) == prf(0, 0, 3) == micro([], []) == PRF(0.0, 0.0, 0.0)
    assert macro_f1([], [], []) == expected_calibration_error([]) == 0.0


def test_micro_counts_a_tuple_once_and_keeps_texts_apart() -> None:
    gold = {(0, 5, 9, "Flood"), (1, 5, 9, "Flood")}
    assert micro([(0, 5, 9, "Flood"), (0, 5, 9, "Flood"), (1, 5, 9, "Storm")], gold) == PRF(0.5, 0.5, 0.5)


def test_macro_f1_worked_out_by_hand() -> None:
    assert macro_f1("aab", "abb", "ab") == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert macro_f1("aab", "abb", "abc") == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)


@given(classes)
def test_macro_f1_is_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    predicted, gold = zip(*pairs, strict=True)
    assert macro_f1(predicted, gold, "abc") == pytest.approx(
        f1_score(gold, predicted, labels=list("abc"), average="macro", zero_division=0)
    )


@given(classes)
def test_micro_is_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    predicted, gold = zip(*pairs, strict=True)
    ours = micro(*({(n, name) for n, name in enumerate(names) if name != "c"} for names in (predicted, gold)))
    theirs = precision_recall_fscore_support(gold, predicted, labels=["a", "b"], average="micro", zero_division=0)
    assert (ours.precision, ours.recall, ours.f1) == pytest.approx(theirs[:3])


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), max_size=25), st.integers(0, 5))
def test_best_threshold_is_the_best_of_all(pairs: list[tuple[int, bool]], missed: int) -> None:
    scored = [(score / 6, right) for score, right in pairs]
    gold = sum(right for _, right in scored) + missed

    def at(threshold: float) -> PRF:
        accepted = [right for score, right in scored if score >= threshold]
        return prf(sum(accepted), len(accepted), gold)

    threshold, best = best_threshold(scored, gold)
    assert best.f1 == max([at(score).f1 for score, _ in scored], default=0.0)
    assert best.f1 == 0 or at(threshold) == best


def test_calibration_error_worked_out_by_hand() -> None:
    assert expected_calibration_error([(0.95, True), (0.95, False), (0.25, False), (0.25, True)]) == pytest.approx((0.9 + 0.5) / 4)
    assert expected_calibration_error([(1.0, True), (0.0, False)]) == 0.0
