"""Interruptions of fine-tuning: a run that is taken up again ends at the weights of one that never stopped."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.finetuning import MARKS, Fit, Flags, finish, flags, out_of, same_weights, start, task_json

pytestmark = MARKS


def test_a_run_killed_in_its_middle_ends_at_the_weights_of_one_that_was_not(settings: Flags, tmp_path: Path) -> None:
    settings = settings | {"max_steps": 40, "eval_steps": 10, "save_steps": 10}
    whole = start(["-m", "finetune", *flags(settings | {"output_dir": tmp_path / "whole"})])
    broken = start(["-m", "finetune", *flags(settings | {"output_dir": tmp_path / "broken"})])
    while broken.poll() is None and not (tmp_path / "broken" / "checkpoint-20").exists():
        time.sleep(0.001)
    broken.kill()
    assert finish(broken)[0] == -signal.SIGKILL
    assert not (tmp_path / "broken" / "task.json").exists()
    resumed = start(["-m", "finetune", *flags(settings | {"output_dir": tmp_path / "broken", "resume_from_checkpoint": "true"})])
    for process in (whole, resumed):
        code, _, said = finish(process)
        assert code == 0, said
    assert same_weights(tmp_path / "whole", tmp_path / "broken")
    assert task_json(tmp_path / "whole")["calibration"] == task_json(tmp_path / "broken")["calibration"]
    assert task_json(tmp_path / "whole")["scores"] == task_json(tmp_path / "broken")["scores"]


@pytest.mark.parametrize("method", ["lora", "head", "full"])
def test_resuming_from_a_named_checkpoint_ends_at_the_same_weights(method: str, fit: Fit, tmp_path: Path) -> None:
    last = {"method": method, "load_best_model_at_end": False}  # the best may be of before
    whole = out_of(fit(**last, save_total_limit=5, output_dir=tmp_path / "whole"))
    resumed = fit(**last, output_dir=tmp_path / "resumed", resume_from_checkpoint=whole / "checkpoint-2")
    assert resumed.state.global_step == 6
    assert same_weights(whole, out_of(resumed))


def test_resuming_skips_a_checkpoint_that_was_cut_off_in_writing(fit: Fit, tmp_path: Path) -> None:
    whole = out_of(fit(save_total_limit=5, output_dir=tmp_path / "whole"))
    broken = tmp_path / "broken"
    shutil.copytree(whole / "checkpoint-2", broken / "checkpoint-2")
    shutil.copytree(whole / "checkpoint-4", broken / "checkpoint-4")
    (broken / "checkpoint-4" / "trainer_state.json").unlink()
    (broken / "checkpoint-4" / "optimizer.pt").write_bytes(b"half")
    assert same_weights(whole, out_of(fit(output_dir=broken, resume_from_checkpoint="true")))


def test_resuming_where_there_is_nothing_yet_starts_from_the_beginning(fit: Fit, tmp_path: Path) -> None:
    assert fit(output_dir=tmp_path / "new", resume_from_checkpoint="true").state.global_step == 6
