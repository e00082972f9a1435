"""Export: an adapter in half precision, and one that is merged into a plain encoder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

from finetune.export import main as export
from tasks import pipeline
from tests.finetuning import ADAPTER, MARKS, WEIGHTS, Fit, Flags, flags, out_of, texts

pytestmark = MARKS


@pytest.mark.parametrize("method", ["lora", "head", "full"])
def test_an_export_in_half_precision_loads_and_holds_only_the_adapter(
    method: str, fit: Fit, encoders: dict[str, str], files: dict[str, str], tmp_path: Path
) -> None:
    folder = out_of(fit(method=method, learning_rate=5e-3))
    small = tmp_path / "small"
    assert export(flags({"adapter": folder, "output_dir": small, "dtype": "float16"})) == 0
    names = {path.name for path in small.iterdir()}
    lora = {"adapter_config.json", WEIGHTS[0]}
    assert names == {"lora": ADAPTER, "head": ADAPTER - lora, "full": ADAPTER - lora | {"encoder"}}[method]
    for path in small.rglob("*.safetensors"):
        assert {weight.dtype for weight in load_file(path).values()} == {torch.float16}
    whole, half = (pipeline("event-detection", encoders["tiny"], str(each), device="cpu") for each in (folder, small))
    for one, other in zip(*(each(texts(files["dev.jsonl"]), threshold=0.0) for each in (whole, half)), strict=True):
        assert [event.score for event in one.events] == pytest.approx([event.score for event in other.events], abs=0.01)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_merged_export_is_a_plain_encoder(method: str, fit: Fit, files: dict[str, str], tmp_path: Path) -> None:
    trainer = fit(method=method, learning_rate=5e-3)
    assert export(flags({"adapter": out_of(trainer), "output_dir": tmp_path / "merged", "merge": True})) == 0
    assert not list((tmp_path / "merged").glob("*.bin"))
    plain = AutoModel.from_pretrained(tmp_path / "merged").eval()
    batch = AutoTokenizer.from_pretrained(tmp_path / "merged")(texts(files["dev.jsonl"]), padding=True, return_tensors="pt")
    inputs = {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"]}
    live = trainer.training.model.encoder.eval()
    with torch.inference_mode():
        torch.testing.assert_close(plain(**inputs).last_hidden_state, live(**inputs).last_hidden_state, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"adapter": "nowhere"}, "Give --adapter, the folder of a trained adapter"),
        ({"dtype": "int4"}, "--dtype must be one of float32, float16"),
        ({}, "holds no task.json"),
    ],
)
def test_wrong_use_of_export_is_one_sentence(changes: Flags, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert export(flags({"adapter": tmp_path / "empty", "output_dir": tmp_path / "out"} | changes)) == 2
    said = capsys.readouterr().err.strip()
    assert message in said and len(said.splitlines()) == 1
