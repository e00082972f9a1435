"""Gradients of fine-tuning: the same however a batch is divided, over steps or over processes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import finetune.train
from tests.finetuning import MARKS, WEIGHTS, Fit, Flags, Gradients, finish, out_of, save_recipe, start, task_json

pytestmark = MARKS


def undivided(encoders: dict[str, str]) -> Flags:
    """Settings under which a step depends on its rows alone: no dropout, all labels, rows in order, plain SGD."""
    plain: Flags = {"lora_dropout": 0, "hide_descriptions": 0, "train_sampling_strategy": "sequential"}
    return plain | {"model": encoders["calm"], "optim": "sgd", "learning_rate": 0.05, "max_grad_norm": 0, "max_steps": 3}


@pytest.mark.parametrize("method", ["lora", "full"])
def test_loss_and_gradients_do_not_change_with_accumulation(
    method: str, fit: Fit, encoders: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept, losses = [], []
    for batch, accumulation in ((8, 1), (2, 4)):
        gradients = Gradients()
        monkeypatch.setattr(finetune.train, "EarlyStoppingCallback", lambda patience, watch=gradients: watch)
        changes = {"per_device_train_batch_size": batch, "gradient_accumulation_steps": accumulation, "early_stopping_patience": 1}
        trainer = fit(**undivided(encoders), **changes, method=method, output_dir=tmp_path / str(batch))
        kept.append(gradients.steps)
        losses.append([entry["loss"] for entry in trainer.state.log_history if "loss" in entry])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    assert len(kept[0]) == len(kept[1]) == 3
    for whole, divided in zip(*kept, strict=True):
        assert whole.keys() == divided.keys()
        for name, gradient in whole.items():
            torch.testing.assert_close(divided[name], gradient, rtol=1e-3, atol=1e-6)


def test_two_processes_train_what_one_trains_with_the_doubled_batch(
    fit: Fit, settings: Flags, encoders: dict[str, str], files: dict[str, str], tmp_path: Path
) -> None:
    one = out_of(fit(**undivided(encoders), output_dir=tmp_path / "one"))
    changes = {"per_device_train_batch_size": 4, "output_dir": str(tmp_path / "two")}
    recipe = save_recipe(tmp_path / "recipe.yaml", settings | undivided(encoders) | changes)
    process = start(["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "finetune", recipe])
    code, printed, said = finish(process)
    assert code == 0, said
    assert printed.count('"dev.jsonl"') == 1  # by one of them
    run = task_json(tmp_path / "two")["run"]
    assert run["batch"] == 8 and run["steps"] == 3  # 4 rows x 2 processes
    start_weights = load_file(one / "head.safetensors")
    for name in WEIGHTS:
        single, double = load_file(one / name), load_file(tmp_path / "two" / name)
        for key, weight in single.items():
            torch.testing.assert_close(double[key], weight, rtol=0, atol=1e-6)
    assert (start_weights["match.bias"] + 5).abs() > 1e-3  # it did move: a wrong factor would be seen
