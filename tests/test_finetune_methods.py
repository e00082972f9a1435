"""The methods of fine-tuning: what each trains, saves and loads, and the same weights from the same seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from finetune.train import TaskTrainer
from tasks import pipeline
from tasks.core.encoder import load_encoder
from tasks.core.files import read_rows
from tasks.event_detection.training import Training
from tests.finetuning import MARKS, Fit, Rows, out_of, same_weights, texts

pytestmark = MARKS


def changed(trainer: TaskTrainer, encoder: str) -> set[str]:
    """Which parts of the model are not as they were: ``encoder``, ``lora``."""
    before = load_encoder(encoder, None, "cpu").model.state_dict()
    network: Any = trainer.training.model.encoder
    parts = set()
    for name, weight in network.state_dict().items():
        plain = name.removeprefix("base_model.model.").replace(".base_layer", "")
        if "lora_B" in name:
            parts |= {"lora"} if weight.any() else set()
        elif "lora_A" not in name and not torch.equal(weight, before[plain]):
            parts.add("encoder")
    return parts


@pytest.mark.parametrize(("method", "parts"), [("lora", {"lora"}), ("head", set()), ("full", {"encoder"})])
def test_each_method_changes_its_part_and_is_loaded_as_it_was_trained(
    method: str, parts: set[str], fit: Fit, encoders: dict[str, str], files: dict[str, str]
) -> None:
    trainer = fit(method=method, learning_rate=5e-3)
    assert changed(trainer, encoders["tiny"]) == parts
    fresh = Training(load_encoder(encoders["tiny"]), trainer.training.model.encoder, trainer.training.options, read_sources(files), 0)
    assert not torch.equal(trainer.training.model.head.match.salience.weight, fresh.model.head.match.salience.weight)
    loaded = pipeline("event-detection", model=encoders["tiny"], adapter=str(out_of(trainer)), device="cpu")
    found, live = loaded(texts(files["dev.jsonl"]), threshold=0.0), trainer.training.pipeline()(texts(files["dev.jsonl"]), threshold=0.0)
    assert sum(len(result.events) for result in live) > 20
    for one, other in zip(found, live, strict=True):
        assert [(event.type, event.trigger) for event in one.events] == [(event.type, event.trigger) for event in other.events]
        assert [event.score for event in one.events] == pytest.approx([event.score for event in other.events], abs=1e-5)


def read_sources(files: dict[str, str]) -> list[tuple[str, Rows]]:
    return [(files["train.jsonl"], read_rows(files["train.jsonl"]))]


def test_a_full_encoder_trained_again_into_its_folder_is_loaded_anew(fit: Fit, encoders: dict[str, str], files: dict[str, str]) -> None:
    """Not the weights of the first run out of a cache."""
    scores = []
    for seed in (1, 2):
        trainer = fit(method="full", learning_rate=5e-3, seed=seed)
        loaded = pipeline("event-detection", model=encoders["tiny"], adapter=str(out_of(trainer)), device="cpu")
        scores.append([event.score for event in loaded(texts(files["dev.jsonl"])[0], threshold=0.0).events])
    assert scores[0] != scores[1]


def test_fixed_seeds_give_the_same_weights_and_another_seed_others(fit: Fit, tmp_path: Path) -> None:
    one, same, other = (out_of(fit(output_dir=tmp_path / name, seed=seed)) for name, seed in (("a", 5), ("b", 5), ("c", 6)))
    assert same_weights(one, same)
    assert not same_weights(one, other)
