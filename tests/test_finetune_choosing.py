"""Choosing in fine-tuning: evaluation, early stopping, the best checkpoint, calibration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks.core.files import read_rows
from tasks.event_detection.training import Training
from tests.finetuning import MARKS, Fit, out_of, same_weights, save_rows, task_json

pytestmark = MARKS


def scripted(monkeypatch: pytest.MonkeyPatch, *values: float) -> None:
    """Evaluations that come out as ``values``, whatever the model does."""
    rest = iter(values)
    monkeypatch.setattr(Training, "evaluate", lambda self, validation: {"f1": next(rest)})


def test_the_best_checkpoint_is_the_one_that_is_kept(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, 0.1, 0.9, 0.2)
    trainer = fit(save_total_limit=5)
    assert trainer.state.best_global_step == 4
    assert same_weights(out_of(trainer) / "checkpoint-4", out_of(trainer))
    assert not same_weights(out_of(trainer) / "checkpoint-6", out_of(trainer))


def test_early_stopping_stops(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, 0.9, 0.1, 0.1)
    trainer = fit(early_stopping_patience=1)
    assert trainer.state.global_step == 4
    assert trainer.state.best_global_step == 2


def test_only_so_many_checkpoints_stay(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, 0.1, 0.2, 0.3)
    assert [path.name for path in out_of(fit(save_total_limit=1)).glob("checkpoint-*")] == ["checkpoint-6"]


def test_calibration_scores_and_run_land_in_the_adapter(fit: Fit) -> None:
    data = task_json(out_of(fit(learning_rate=5e-3)))
    assert data["default"] == "few"
    assert set(data["calibration"]) == {"few", "custom"}
    for each in data["calibration"].values():
        assert 0 <= each["threshold"] <= 1 and each["temperature"] > 0
    assert data["run"]["train_rows"] == {"train.jsonl": 24}
    assert {"f1", "identification_f1", "ece"} <= set(data["scores"]["dev.jsonl"])


def test_held_out_types_are_no_default_labels_are_reported_and_leave_the_calibration(fit: Fit, files: dict[str, str]) -> None:
    trainer = fit(hold_out_types=3)
    data = task_json(out_of(trainer))
    known = set(json.loads(Path(files["labels.json"]).read_text(encoding="utf-8"))["few"])
    held_out = known - set(data["label_sets"]["few"])
    assert len(held_out) == 3
    targets = {name for feature in trainer.training.dataset for _, name in feature["targets"]}
    assert targets and not targets & held_out
    assert set(data["calibration"]) == {"few", "custom"}
    assert any("3 unseen types" in source for source in data["scores"])


def test_types_that_only_the_development_rows_have_do_not_lose_the_calibration(fit: Fit, files: dict[str, str], tmp_path: Path) -> None:
    rows = read_rows(files["dev.jsonl"])
    rows[0]["events"][0]["type"] = "Something_else"
    trainer = fit(label_file=None, validation_file=save_rows(tmp_path / "dev.jsonl", rows))
    assert set(task_json(out_of(trainer))["calibration"]) == {"train", "custom"}


def test_without_development_rows_the_last_weights_are_kept(fit: Fit) -> None:
    changes = {"validation_file": None, "eval_strategy": "no", "load_best_model_at_end": "false"}
    data = task_json(out_of(fit(**changes)))
    assert data["scores"] == {} and data["calibration"] == {}
