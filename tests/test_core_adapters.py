"""Adapters: saved and reloaded bit for bit, merged into a copy, and found by name."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from tasks.core.adapters import (
    HEAD,
    LORA,
    SETTINGS,
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
