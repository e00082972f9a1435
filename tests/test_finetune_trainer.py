"""Flags of Hugging Face's Trainer that reach beyond the run: bf16, trackers, and the Hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainerCallback

from finetune.__main__ import main
from tests.finetuning import ADAPTER, MARKS, Fit, Flags, flags, out_of, task_json

pytestmark = MARKS


def test_bf16_on_a_cpu(fit: Fit) -> None:
    trainer = fit(bf16=True)
    assert trainer.accelerator.mixed_precision == "bf16"
    assert next(trainer.training.model.head.parameters()).dtype == torch.float32
    assert task_json(out_of(trainer))["run"]["bf16"] is True


def test_report_to_gets_losses_and_scores(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers.integrations import integration_utils

    logged: set[str] = set()

    class Diary(TrainerCallback):
        def on_log(self, *arguments: Any, logs: Any = None, **options: Any) -> None:
            logged.update(logs)

    monkeypatch.setitem(integration_utils.INTEGRATION_TO_CALLBACK, "diary", Diary)
    fit(report_to="diary")
    assert {"loss", "grad_norm", "eval_f1"} <= logged


def test_report_to_what_is_not_installed_is_one_sentence(settings: Flags, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(flags(settings | {"report_to": "comet_ml"})) == 2
    said = capsys.readouterr().err
    assert "comet" in said.lower() and len(said.strip().splitlines()) == 1


class Hub:
    """The Hub's two calls; keeps what was uploaded, and the files' content."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import huggingface_hub

        self.commits: list[dict[str, bytes]] = []
        monkeypatch.setattr(huggingface_hub.HfApi, "create_repo", self._create)
        monkeypatch.setattr(huggingface_hub.HfApi, "upload_folder", self._upload)

    def _create(self, repo_id: str, **options: Any) -> Any:
        return type("Url", (), {"repo_id": f"me/{repo_id}"})()

    def _upload(self, *, repo_id: str, folder_path: Any, allow_patterns: Any = None, ignore_patterns: Any = None, **options: Any) -> None:
        from huggingface_hub.utils import filter_repo_objects

        assert repo_id == "me/mine"
        names = [str(path.relative_to(folder_path)) for path in Path(folder_path).rglob("*") if path.is_file()]
        chosen = filter_repo_objects(names, allow_patterns=allow_patterns, ignore_patterns=ignore_patterns)
        self.commits.append({name: (Path(folder_path) / name).read_bytes() for name in chosen})


def test_push_to_hub_uploads_the_adapter_with_its_card_and_no_pickle(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(monkeypatch)
    fit(push_to_hub=True, hub_model_id="mine")
    (commit,) = hub.commits
    assert set(commit) == ADAPTER
    assert json.loads(commit["task.json"])["scores"]["dev.jsonl"]
    assert b"| dev.jsonl |" in commit["README.md"]


def test_push_at_every_save_uploads_no_pickle_either(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(monkeypatch)
    fit(push_to_hub=True, hub_model_id="mine", hub_strategy="every_save")
    assert len(hub.commits) == 4
    assert all(set(commit) == ADAPTER - {"README.md"} for commit in hub.commits[:3])
    assert set(hub.commits[3]) == ADAPTER


def test_push_to_hub_without_a_login_is_one_sentence(
    settings: Flags, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import huggingface_hub

    def refuse(*arguments: Any, **options: Any) -> None:
        raise huggingface_hub.errors.LocalTokenNotFoundError("Token is required")

    monkeypatch.setattr(huggingface_hub.HfApi, "create_repo", refuse)
    assert main(flags(settings | {"push_to_hub": True, "hub_model_id": "mine"})) == 2
    said = capsys.readouterr().err
    assert "hf auth login" in said and len(said.strip().splitlines()) == 1
