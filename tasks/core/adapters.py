"""Adapters: LoRA weights, heads and settings in one folder, saved and reloaded bit for bit.

A folder holds ``adapter_config.json`` and ``adapter_model.safetensors`` (LoRA, in PEFT's own format; absent
where only a head was trained; ``encoder/`` instead where the whole encoder was), ``head.safetensors``,
``task.json`` (task, base model with its fingerprint, labels, calibration) and ``README.md`` (the card).

At inference the LoRA weights are merged into a copy of the encoder that shares the embedding matrix, half of
the default's weights. ``tests/benchmarks/adapters.py``, rank 32, processor time a text of 32 tokens, alone and
(in a batch of 32): merged 13.8 (8.9) ms, LoRA beside shared weights 17.5 (11.2) ms, ``set_adapter`` under a lock
on one model 20.4 (11.3) ms. Two tasks hold 134 MB of weights merged and 101 MB otherwise, and a merged copy has
no switch that another thread could throw.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tasks.core.encoder import Encoder, download, load_encoder, read_encoder
from tasks.core.errors import AdapterError, ModelError

warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)  # peft's, to nobody's use
HEAD, LORA, SETTINGS, ENCODER = "head.safetensors", "adapter_model.safetensors", "task.json", "encoder"
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")
CONFIG = "adapter_config.json"
NEEDED: dict[str, tuple[str, ...]] = {"lora": (CONFIG, LORA), "full": (ENCODER,), "head": ()}  # beside the head, by method
TARGETS = (  # every linear layer of the blocks, as BERT, RoBERTa, MPNet, DeBERTa, ModernBERT, Nomic, DistilBERT and ALBERT name them
    r"(.*\.)?layers?\.\d+\.(.*\.)?((query|key|value|[qkvo]|in|out|gate|up|down)(_proj|_lin)?|dense|fc[12]|lin[12]|W(qkv|i|o))"
    r"|.*\.albert_layers\.\d+\.(attention\.(query|key|value|dense)|ffn|ffn_output)"
)


def lora_config(rank: int, alpha: int, dropout: float) -> LoraConfig:
    """LoRA on all linear layers of the encoder's blocks (Hu et al. 2021), not on poolers or embeddings."""
    return LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=TARGETS, task_type="FEATURE_EXTRACTION")


def fingerprint(model: nn.Module) -> str:
    """SHA-256 over the shape and the first 256 values of every encoder weight: tells one base model from another."""
    digest = hashlib.sha256()
    for name, weight in sorted(model.state_dict().items()):
        if weight.is_floating_point() and "pooler" not in name:
            digest.update(f"{name}{tuple(weight.shape)}".encode())
            digest.update(weight.flatten()[:256].float().cpu().numpy().tobytes())
    return digest.hexdigest()


def save_adapter(folder: Path, encoder: Encoder, model: Any, head: nn.Module, settings: dict[str, Any]) -> None:
    """Write the adapter of ``model`` (a PEFT model, or a bare one) and ``head``; ``settings`` goes to ``task.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    if hasattr(model, "peft_config"):
        weights = get_peft_model_state_dict(model, save_embedding_layers=False)
        _save(weights, folder / LORA)
        config = model.peft_config["default"].to_dict()
        config |= {"base_model_name_or_path": encoder.name, "inference_mode": True}
        write_json(folder / CONFIG, _plain(config))
    elif settings.get("method") == "full":
        model.save_pretrained(folder / ENCODER)
        encoder.tokenizer.save_pretrained(folder / ENCODER)
    _save(head.state_dict(), folder / HEAD)
    write_json(folder / SETTINGS, settings)


def load_lora(model: nn.Module, folder: Path) -> Any:
    """``model`` wrapped with the folder's LoRA weights, not merged."""
    try:
        config = LoraConfig.from_pretrained(str(folder))
        config.base_model_name_or_path = None
        wrapped = get_peft_model(model, config)
    except (TypeError, ValueError, KeyError, OSError) as error:
        raise AdapterError(f"The adapter in {str(folder)!r} does not fit this encoder: {_first_line(error)}.") from error
    put_lora(wrapped, folder)
    return wrapped


def put_lora(wrapped: Any, folder: Path) -> None:
    """Put the folder's LoRA weights into a PEFT model."""
    weights = read_weights(folder, LORA)
    _check_shapes(weights, get_peft_model_state_dict(wrapped, save_embedding_layers=False), folder)
    set_peft_model_state_dict(wrapped, weights)


def load_head(head: nn.Module, folder: Path) -> None:
    """Put the folder's head weights into ``head``."""
    weights = read_weights(folder, HEAD)
    _check_shapes(weights, head.state_dict(), folder)
    head.load_state_dict(weights)


def merge(encoder: Encoder, folder: Path) -> Encoder:
    """The encoder with the folder's adapter merged into its own copy of the weights; ``encoder`` stays as it is."""
    if (folder / ENCODER).is_dir():
        return read_encoder(str(inside(folder, ENCODER)), None, str(encoder.device))
    if not (folder / LORA).exists() and not (folder / CONFIG).exists():
        return encoder  # only a head was trained
    embeddings: Any = encoder.model.get_input_embeddings()  # type: ignore[operator]
    shared = {id(weight): weight for weight in embeddings.parameters()}
    wrapped = load_lora(copy.deepcopy(encoder.model, shared), folder)
    return encoder.with_model(wrapped.merge_and_unload().eval().requires_grad_(False))


def find_adapter(task_folder: Path, adapter: str, revision: str | None) -> Path:
    """The folder of ``adapter``: ``"shipped"``, another shipped one by name, a folder, or a Hub repository."""
    shipped = task_folder / ("adapter" if adapter == "shipped" else f"adapter_{adapter}")
    if adapter.isidentifier() and shipped.is_dir():
        return shipped
    if adapter and Path(adapter).is_dir():
        return Path(adapter)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", adapter) or ".." in adapter:
        known = [*sorted(path.name.removeprefix("adapter_") for path in task_folder.glob("adapter_*")), "shipped"]
        raise AdapterError(f"There is no adapter {adapter!r}: give a folder, a Hub id (owner/name) or one of {', '.join(known)}.")
    return _download(adapter, revision)


def _download(adapter: str, revision: str | None) -> Path:
    try:
        return download(adapter, revision)
    except ModelError as error:
        raise AdapterError(str(error)) from error


def read_settings(folder: Path, task: str) -> dict[str, Any]:
    """The folder's ``task.json``, checked to be for ``task``."""
    path = inside(folder, SETTINGS)
    if not path.is_file():
        raise AdapterError(f"{str(folder)!r} holds no {SETTINGS}: it is not an adapter of this project.")
    try:
        settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found, base = settings["task"], settings["base"]
        needed = NEEDED[settings["method"]] if base["fingerprint"] else ()
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise AdapterError(f"{SETTINGS} in {str(folder)!r} is damaged: get the adapter again.") from error
    if found != task:
        raise AdapterError(f"The adapter in {str(folder)!r} is for {found}, not for {task}.")
    for name in needed:
        require(folder, name)
    return settings


def check_base(encoder: Encoder, settings: dict[str, Any], folder: Path) -> None:
    """Refuse an adapter that was trained over another encoder."""
    base = settings.get("base", {})
    if base.get("fingerprint") != fingerprint(encoder.model):
        trained = f"{base.get('name')!r}" + (f" at revision {base['revision']!r}" if base.get("revision") else "")
        raise AdapterError(
            f"The adapter in {str(folder)!r} was trained over {trained}, not over {encoder.name!r}: load it with that model."
        )


def open_adapter(
    home: Path, task: str, model: str | None, adapter: str, revision: str | None, device: str | None
) -> tuple[Path, dict[str, Any], Encoder]:
    """The folder of ``adapter``, its settings, and its encoder (or ``model``) with it merged in; ``home``: the task's folder.

    Raises ``ModelError`` or ``AdapterError``.
    """
    folder = find_adapter(home, adapter, None if model else revision)
    data = read_settings(folder, task)
    base = data.get("base", {})
    encoder = load_encoder(model or base.get("name"), revision if model else base.get("revision"), device)
    if data.get("method") != "full":
        check_base(encoder, data, folder)
    return folder, data, merge(encoder, folder)


def inside(folder: Path, name: str) -> Path:
    """``folder / name``; refuses a path (or a link) that leaves the folder. Hub snapshots link into their own cache."""
    path = (folder / name).resolve()
    home = folder.resolve()
    if home.parent.name == "snapshots":
        home = home.parent.parent
    if not path.is_relative_to(home):
        raise AdapterError(f"{name!r} leaves the adapter's folder {str(folder)!r}: it was not opened.")
    return path


def require(folder: Path, name: str) -> Path:
    """The path of ``name`` in the folder; raises ``AdapterError`` where it is missing or leaves the folder."""
    path = inside(folder, name)
    if not path.exists():
        pickles = sorted(found.name for found in folder.iterdir() if found.suffix in PICKLES)
        if pickles:
            raise AdapterError(f"{pickles[0]} is a pickle, which can run code when opened: ask for {name} instead.")
        raise AdapterError(f"{name} is missing from {str(folder)!r}: get the adapter again.")
    return path


def read_weights(folder: Path, name: str) -> dict[str, Tensor]:
    """Tensors of a safetensors file of the folder; a pickle in its place is refused unopened."""
    path = require(folder, name)
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise AdapterError(f"{name} in {str(folder)!r} is not a safetensors file: get the adapter again.") from error


def write_json(path: Path, data: dict[str, Any], indent: int | None = 2) -> None:
    """JSON (``indent`` None: on one line), written whole or not at all."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        json.dump(data, file, ensure_ascii=False, indent=indent)
        file.write("\n")
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)


def _save(weights: dict[str, Tensor], path: Path) -> None:
    save_file({name: weight.detach().cpu().contiguous() for name, weight in weights.items()}, path)


def _check_shapes(found: dict[str, Tensor], wanted: dict[str, Tensor], folder: Path) -> None:
    names = sorted(set(found) ^ set(wanted))
    if names:
        raise AdapterError(f"The adapter in {str(folder)!r} does not fit this encoder: weight {names[0]!r} is on one side only.")
    for name, weight in wanted.items():
        if found[name].shape != weight.shape:
            raise AdapterError(
                f"The adapter in {str(folder)!r} does not fit: {name} has shape {tuple(found[name].shape)}, not {tuple(weight.shape)}."
            )
        if not torch.isfinite(found[name]).all():
            raise AdapterError(f"The adapter in {str(folder)!r} is damaged: {name} holds values that are not finite.")


def _plain(config: dict[str, Any]) -> dict[str, Any]:
    """PEFT's settings as JSON: sets become sorted lists, enums their values, what is unset is left out."""
    plain = {}
    for key, value in config.items():
        if value is None:
            continue
        plain[key] = sorted(value) if isinstance(value, set) else getattr(value, "value", value)
    return plain


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
