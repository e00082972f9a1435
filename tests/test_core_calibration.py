"""Calibration: a known temperature is found again, and few instances say little about a threshold."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tasks.core.calibration import MIN_SUPPORT, Calibration, fit_sigmoid, fit_thresholds
from tasks.core.metrics import best_threshold, expected_calibration_error, prf


def simulated(temperature: float, shift: float, count: int = 20_000) -> tuple[list[float], list[bool]]:
    """Logits, and truths that are drawn with ``sigmoid(logit / temperature + shift)``."""
    draw = torch.Generator().manual_seed(0)
    logits = torch.randn(count, generator=draw) * 4
    right = torch.rand(count, generator=draw) < torch.sigmoid(logits / temperature + shift)
    return logits.tolist(), right.tolist()


def fit(logits: list[float], right: list[bool]) -> tuple[float, float]:
    """Temperature and shift of one feature, the logit."""
    (slope,), shift = fit_sigmoid([[logit] for logit in logits], right)
    return 1 / slope, shift


@pytest.mark.parametrize(("temperature", "shift"), [(1.0, 0.0), (2.5, -1.0), (0.5, 0.7), (4.0, 2.0)])
def test_a_known_temperature_and_shift_are_found_again(temperature: float, shift: float) -> None:
    assert fit(*simulated(temperature, shift)) == (pytest.approx(temperature, rel=0.08), pytest.approx(shift, abs=0.08))


def test_calibrated_scores_can_be_trusted() -> None:
    logits, right = simulated(3.0, -1.0)
    temperature, shift = fit(logits, right)
    raw, calibrated = torch.tensor(logits).sigmoid().tolist(), (torch.tensor(logits) / temperature + shift).sigmoid().tolist()
    before, after = (expected_calibration_error(list(zip(scores, right, strict=True))) for scores in (raw, calibrated))
    assert after < 0.02 < 0.1 < before


def test_a_second_feature_gets_its_weight_and_one_that_never_varies_none() -> None:
    draw = torch.Generator().manual_seed(1)
    features = torch.randn(20_000, 3, generator=draw) * torch.tensor([2.0, 1.0, 0.0])
    right = torch.rand(20_000, generator=draw) < torch.sigmoid(features @ torch.tensor([0.5, -1.5, 9.0]) + 0.3)
    weights, shift = fit_sigmoid(features.tolist(), right.tolist())
    assert [*weights, shift] == pytest.approx([0.5, -1.5, 0.0, 0.3], abs=0.08)


@pytest.mark.parametrize("right", [[True, True], [False, False], []])
def test_truths_of_one_kind_leave_scores_as_they_are(right: list[bool]) -> None:
    assert fit_sigmoid([[1.0], [2.0]][: len(right)], right) == ([1.0], 0.0)


def test_few_rows_that_a_cut_would_split_perfectly_do_not_run_away() -> None:
    temperature, shift = fit([-2.0, -1.0, 1.0, 2.0], [False, False, True, True])
    assert temperature > 0.05 and abs(shift) < 1


def test_thresholds_of_labels_with_support_are_pulled_to_the_common_one() -> None:
    low = [("low", score, score >= 0.2) for score in [n / 100 for n in range(100)]]
    high = [("high", score, score >= 0.8) for score in [n / 100 for n in range(100)]]
    gold = {"low": 80, "high": 20, "rare": MIN_SUPPORT - 1}
    rows = [*low, *high, ("rare", 0.5, True)]
    common, own = fit_thresholds([rows], [gold], pull=40)
    best = best_threshold([(score, right) for _, score, right in rows], sum(gold.values()))[1]
    accepted = [right for _, score, right in rows if score >= common]
    assert prf(sum(accepted), len(accepted), sum(gold.values())) == best
    assert own == {
        "low": pytest.approx((80 * 0.2 + 40 * common) / 120, abs=1e-4),
        "high": pytest.approx((20 * 0.8 + 40 * common) / 60, abs=1e-4),
    }


def test_a_large_file_does_not_decide_the_threshold_for_a_small_one() -> None:
    def rows(least: float, count: int) -> list[tuple[str, float, bool]]:
        return [("a", n / 100, n / 100 >= least) for n in range(100)] * count

    small, large = rows(0.2, 1), rows(0.8, 50)
    alone, together = fit_thresholds([large], [{"a": 1000}])[0], fit_thresholds([small, large], [{"a": 80}, {"a": 1000}])
    assert alone == 0.8 and 0.2 <= together[0] < 0.8
    assert together[1]["a"] == pytest.approx(((80 * 0.2 + 40 * together[0]) / 120 + (1000 * 0.8 + 40 * together[0]) / 1040) / 2, abs=1e-4)


def test_a_label_has_its_own_threshold_or_the_common_one() -> None:
    calibration = Calibration(threshold=0.4, thresholds={"Flood": 0.7})
    assert (calibration.of("Flood"), calibration.of("Storm")) == (0.7, 0.4)


@pytest.mark.parametrize(
    "fields", [{"temperature": 0}, {"temperature": -1}, {"shift": float("nan")}, {"threshold": 2}, {"thresholds": {"a": -0.1}}], ids=str
)
def test_impossible_values_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is no calibration"):
        Calibration(**fields)
