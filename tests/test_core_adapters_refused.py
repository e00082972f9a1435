"""Adapters where anything is wrong: refused in one sentence, each through the front door, ``load(model, adapter)``."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tasks.core.adapters import (
    HEAD,
    LORA,
    SETTINGS,
    check_base,
    read_settings,
)
from tasks.core.encoder import Encoder
from tasks.core.errors import AdapterError
from tasks.event_detection.task import NAME, load


@pytest.fixture
def damaged(adapter: Path, tmp_path: Path) -> Path:
    """A copy of the adapter, to be damaged."""
    return Path(shutil.copytree(adapter, tmp_path / "damaged"))


def edit_settings(folder: Path, **changes: Any) -> None:
    data = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    (folder / SETTINGS).write_text(json.dumps(data | changes), encoding="utf-8")


def edit_weights(folder: Path, name: str, change: Callable[[dict[str, Tensor]], Any]) -> None:
    weights = load_file(folder / name)
    change(weights)
    save_file(weights, folder / name)


def refused(bert: Path, folder: Path | str, message: str) -> None:
    with pytest.raises(AdapterError, match=message) as caught:
        load(str(bert), str(folder))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [LORA, HEAD])
@pytest.mark.parametrize("suffix", [".bin", ".pt", ".pkl", ".ckpt"])
def test_a_pickle_is_refused_unopened(bert: Path, damaged: Path, name: str, suffix: str) -> None:
    (damaged / name).unlink()
    pickled = (damaged / name).with_suffix(suffix)
    pickled.write_bytes(pickle.dumps(Bomb(damaged / "exploded")))
    refused(bert, damaged, rf"{pickled.name} is a pickle, which can run code when opened: ask for {name}")
    assert not (damaged / "exploded").exists()


@pytest.mark.parametrize("name", [LORA, HEAD])
def test_a_pickle_under_the_name_of_safetensors_is_refused_unopened(bert: Path, damaged: Path, name: str) -> None:
    (damaged / name).write_bytes(pickle.dumps(Bomb(damaged / "exploded")))
    refused(bert, damaged, f"{name} .* is not a safetensors file")
    assert not (damaged / "exploded").exists()


class Bomb:
    """An object whose unpickling leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", [LORA, HEAD])
@pytest.mark.parametrize("content", [b"", b"garbage", b"\xff" * 100])
def test_garbage_is_refused(bert: Path, damaged: Path, name: str, content: bytes) -> None:
    (damaged / name).write_bytes(content)
    refused(bert, damaged, f"{name} .* is not a safetensors file: get the adapter again")


@pytest.mark.parametrize("name", [LORA, HEAD])
def test_a_missing_file_is_named(bert: Path, damaged: Path, name: str) -> None:
    (damaged / name).unlink()
    refused(bert, damaged, f"{name} is missing from .*: get the adapter again")


def test_lora_without_any_of_its_files_is_not_taken_for_a_head_alone(bert: Path, damaged: Path) -> None:
    (damaged / LORA).unlink()
    (damaged / "adapter_config.json").unlink()
    refused(bert, damaged, "adapter_config.json is missing from")


def test_lora_without_its_configuration_is_refused_without_asking_the_hub(
    bert: Path, damaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (damaged / "adapter_config.json").unlink()
    monkeypatch.chdir(damaged.parent.parent)
    refused(bert, f"{damaged.parent.name}/{damaged.name}", "adapter_config.json is missing from .*: get the adapter again")


def test_a_full_adapter_without_its_encoder_is_refused(bert: Path, make_adapter: Callable[..., Path], tmp_path: Path) -> None:
    folder = shutil.copytree(make_adapter(bert, method="full"), tmp_path / "full")
    shutil.rmtree(folder / "encoder")
    refused(bert, folder, "encoder is missing from .*: get the adapter again")


def test_a_foreign_base_is_refused(make_model: Callable[..., Path], adapter: Path, bert: Path) -> None:
    refused(make_model(seed=1), adapter, f"was trained over '{bert}', not over .*: load it with that model")


def test_the_default_refuses_an_adapter_of_another_encoder(adapter: Path, default_encoder: Encoder) -> None:
    with pytest.raises(AdapterError, match=r"was trained over .*, not over 'sentence-transformers/all-MiniLM-L6-v2'"):
        check_base(default_encoder, read_settings(adapter, NAME), adapter)


@pytest.mark.parametrize("name", [LORA, HEAD])
def test_a_wrong_shape_is_refused(bert: Path, damaged: Path, name: str) -> None:
    def cut(weights: dict[str, Tensor]) -> None:
        key = max(weights, key=lambda key: weights[key].numel())
        weights[key] = weights[key][:, :-1].contiguous()

    edit_weights(damaged, name, cut)
    refused(bert, damaged, r"does not fit: .* has shape \(\d+, \d+\), not \(\d+, \d+\)")


@pytest.mark.parametrize("name", [LORA, HEAD])
def test_a_missing_weight_is_refused(bert: Path, damaged: Path, name: str) -> None:
    edit_weights(damaged, name, lambda weights: weights.pop(sorted(weights)[0]))
    refused(bert, damaged, "does not fit this encoder: weight .* is on one side only")


@pytest.mark.parametrize("name", [LORA, HEAD])
def test_a_weight_too_many_is_refused(bert: Path, damaged: Path, name: str) -> None:
    edit_weights(damaged, name, lambda weights: weights.update(extra=torch.ones(2)))
    refused(bert, damaged, "does not fit this encoder: weight 'extra' is on one side only")


@pytest.mark.parametrize("name", [LORA, HEAD])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_refused(bert: Path, damaged: Path, name: str, value: float) -> None:
    edit_weights(damaged, name, lambda weights: next(iter(weights.values())).view(-1).__setitem__(0, value))
    refused(bert, damaged, "is damaged: .* holds values that are not finite")


@pytest.mark.parametrize("name", [LORA, HEAD, SETTINGS, "adapter_config.json", "lexicon.json"])
def test_a_link_that_leaves_the_folder_is_not_followed(bert: Path, damaged: Path, tmp_path: Path, name: str) -> None:
    (damaged / name).rename(tmp_path / name)
    (damaged / name).symlink_to(tmp_path / name)
    refused(bert, damaged, f"'{name}' leaves the adapter's folder .*: it was not opened")


def test_an_encoder_that_is_a_link_out_of_the_folder_is_not_followed(bert: Path, make_adapter: Callable[..., Path], tmp_path: Path) -> None:
    folder = shutil.copytree(make_adapter(bert, method="full"), tmp_path / "full")
    (folder / "encoder").rename(tmp_path / "elsewhere")
    (folder / "encoder").symlink_to(tmp_path / "elsewhere")
    refused(bert, folder, "'encoder' leaves the adapter's folder")


def test_links_into_the_hubs_own_cache_are_followed(bert: Path, adapter: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "models--me--mine" / "snapshots" / "c0ffee"
    snapshot.mkdir(parents=True)
    (snapshot.parent.parent / "blobs").mkdir()
    for path in adapter.iterdir():
        blob = snapshot.parent.parent / "blobs" / path.name
        shutil.copyfile(path, blob)
        (snapshot / path.name).symlink_to(blob)
    assert load(str(bert), str(snapshot)).labels


def test_a_foreign_task_is_refused(bert: Path, damaged: Path) -> None:
    edit_settings(damaged, task="question-answering")
    refused(bert, damaged, "is for question-answering, not for event-detection")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b'"text"', b"\xff\xfe", b"{}", b'{"task": {}}', b"[" * 100_000])
def test_settings_that_are_no_settings_are_refused(bert: Path, damaged: Path, content: bytes) -> None:
    (damaged / SETTINGS).write_bytes(content)
    refused(bert, damaged, "task.json|is for {}, not")


@pytest.mark.parametrize(
    "change",
    [
        {"unit": "page"},
        {"unit": None},
        {"default": "no such set"},
        {"default": []},
        {"label_sets": {}},
        {"label_sets": []},
        {"label_sets": {"tiny": ["A"]}},
        {"label_sets": {"tiny": {}}},
        {"label_sets": {"tiny": {"A": 3}}},
        {"calibration": []},
        {"calibration": {"tiny": 3}},
        {"calibration": {"tiny": {"warmth": 1.0}}},
        {"calibration": {"tiny": {"temperature": "hot"}}},
        {"calibration": {"tiny": {"temperature": 0.0}}},
        {"calibration": {"tiny": {"thresholds": {"Motion": "low"}}}},
        {"base": "a name"},
        {"base": None},
        {"method": []},
    ],
    ids=str,
)
def test_damaged_settings_are_refused(bert: Path, damaged: Path, change: dict[str, Any]) -> None:
    edit_settings(damaged, **change)
    refused(bert, damaged, "task.json|was trained over")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "3",
        '{"tiny": []}',
        '{"tiny": {"flood": 3}}',
        '{"tiny": {"flood": [1, ["Disaster"]]}}',
        '{"tiny": {"flood": [1, {"A": "x"}]}}',
    ],
)
def test_a_damaged_lexicon_is_refused(bert: Path, damaged: Path, content: str) -> None:
    (damaged / "lexicon.json").write_text(content, encoding="utf-8")
    refused(bert, damaged, "lexicon.json .*is damaged: get the adapter again|lexicon.json is damaged")


def test_a_folder_without_settings_is_no_adapter(bert: Path, tmp_path: Path) -> None:
    refused(bert, tmp_path, "holds no task.json: it is not an adapter of this project")
