"""Adapters: saved and reloaded bit for bit, merged into a copy, and refused in one sentence where anything is wrong."""

from __future__ import annotations

import copy
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tasks.core.adapters import (
    HEAD,
    LORA,
    SETTINGS,
    check_base,
    find_adapter,
    fingerprint,
    load_head,
    load_lora,
    merge,
    read_settings,
    save_adapter,
)
from tasks.core.encoder import Encoder, load_encoder
from tasks.core.errors import AdapterError
from tasks.event_detection.model import EventHead
from tasks.event_detection.task import FOLDER, NAME, load

TEXT = "An earthquake struck the town and people fled."


def states(encoder: Encoder, model: Any) -> Tensor:
    batch = encoder.collate(encoder.windower([TEXT])[1])
    with torch.inference_mode():
        states: Tensor = model(input_ids=batch.ids, attention_mask=batch.mask).last_hidden_state
    return states


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


def test_saving_and_loading_keeps_every_bit(any_model: Path, make_adapter: Callable[..., Path], tmp_path: Path) -> None:
    folder, encoder = make_adapter(any_model), load_encoder(str(any_model))
    network, head = load_lora(copy.deepcopy(encoder.model), folder), EventHead(encoder.width)
    load_head(head, folder)
    save_adapter(tmp_path / "again", encoder, network, head, read_settings(folder, NAME))
    for name in (LORA, HEAD):
        first, second = load_file(folder / name), load_file(tmp_path / "again" / name)
        assert first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)
        assert all(weight.any() for weight in first.values())
    for name in (SETTINGS, "adapter_config.json"):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_merged_weights_answer_as_unmerged_ones_and_the_base_stays(any_model: Path, make_adapter: Callable[..., Path]) -> None:
    folder, encoder = make_adapter(any_model), load_encoder(str(any_model))
    before = {name: weight.clone() for name, weight in encoder.model.state_dict().items()}
    plain = states(encoder, encoder.model)
    unmerged = states(encoder, load_lora(copy.deepcopy(encoder.model), folder).eval())
    merged = merge(encoder, folder)
    torch.testing.assert_close(states(encoder, merged.model), unmerged, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(unmerged, plain, atol=1e-2)
    after = encoder.model.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    assert not any("lora" in name for name, _ in merged.model.named_modules())


def test_merged_copies_share_the_embedding_matrix_alone(bert: Path, adapter: Path) -> None:
    encoder = load_encoder(str(bert))
    merged = merge(encoder, adapter)
    shared = {
        name
        for (name, mine), theirs in zip(encoder.model.named_parameters(), merged.model.parameters(), strict=True)
        if mine.data_ptr() == theirs.data_ptr()
    }
    assert shared == {"embeddings.word_embeddings.weight"}


def test_a_head_alone_needs_no_merging(bert: Path, make_adapter: Callable[..., Path]) -> None:
    folder = make_adapter(bert, method="head")
    assert not (folder / LORA).exists()
    encoder = load_encoder(str(bert))
    assert merge(encoder, folder) is encoder
    assert load(str(bert), str(folder))(TEXT, threshold=0).events


def test_a_fully_trained_encoder_comes_with_its_adapter(bert: Path, make_adapter: Callable[..., Path]) -> None:
    folder = make_adapter(bert, method="full")
    encoder = merge(load_encoder(str(bert)), folder)
    assert torch.equal(encoder.embed([TEXT]), load_encoder(str(bert)).embed([TEXT]))
    assert load(str(bert), str(folder))(TEXT, threshold=0).events


def test_saved_files_hold_no_pickle_and_name_no_machine_path(default_encoder: Encoder, make_adapter: Callable[..., Path]) -> None:
    folder = make_adapter(None)
    assert {path.name for path in folder.iterdir()} == {LORA, HEAD, SETTINGS, "adapter_config.json", "lexicon.json"}
    text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.json"))
    assert "sentence-transformers/all-MiniLM-L6-v2" in text and "/site-packages/" not in text and str(Path.home()) + "/" not in text


def test_fingerprints_tell_models_apart(make_model: Callable[..., Path], bert: Path) -> None:
    same, other = load_encoder(str(make_model())), load_encoder(str(make_model(seed=1)))
    mine = fingerprint(load_encoder(str(bert)).model)
    assert mine == fingerprint(same.model) != fingerprint(other.model)


# What is refused: each through the front door, `load(model, adapter)`.


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


def test_an_unknown_name_lists_the_shipped_ones(tmp_path: Path) -> None:
    for name in ("adapter", "adapter_crisis", "adapter_floods"):
        (tmp_path / name).mkdir()
    assert find_adapter(tmp_path, "shipped", None) == tmp_path / "adapter"
    assert find_adapter(tmp_path, "crisis", None) == tmp_path / "adapter_crisis"
    with pytest.raises(AdapterError, match=r"no adapter 'storms': give a folder, a Hub id .* or one of crisis, floods, shipped\."):
        find_adapter(tmp_path, "storms", None)


@pytest.mark.parametrize("name", ["", "../adapter", "a/b/c", "owner/..", "\0", "/no/such/folder", "https://example.org/x", "a b"])
def test_a_name_that_is_no_adapter_is_refused_without_asking(name: str) -> None:
    with pytest.raises(AdapterError, match="There is no adapter"):
        find_adapter(FOLDER, name, None)


def test_a_hub_adapter_is_fetched_at_its_revision_and_without_pickles(bert: Path, adapter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def fetch(name: str, **options: Any) -> str:
        asked.update(name=name, **options)
        return str(adapter)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    assert find_adapter(FOLDER, "me/my-events", "v2") == adapter
    assert (asked["name"], asked["revision"]) == ("me/my-events", "v2")
    assert {pattern.rpartition(".")[2] for pattern in asked["allow_patterns"]} <= {"json", "safetensors", "txt", "model", "md"}


def test_without_a_network_a_hub_adapter_is_refused(network: list[Any]) -> None:
    with pytest.raises(AdapterError, match=r"'nobody/none' at revision 'v1' could not be loaded: .* check the name and the network"):
        find_adapter(FOLDER, "nobody/none", "v1")
    network.clear()
