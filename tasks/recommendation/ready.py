"""Ready-made models of the Hub: a sentence-transformers model, or any encoder without an adapter, stands for itself."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tasks.core.encoder import DEFAULT_MODEL, Encoder, download, load_encoder, pick_device
from tasks.core.errors import ModelError
from tasks.core.text import batches
from tasks.recommendation.catalogue import Catalogue
from tasks.recommendation.model import HistoryHead
from tasks.recommendation.scoring import Weights
from tasks.recommendation.stock import item_fields
from tasks.recommendation.store import Progress, Store, open_store

MODULES, POOLING = "modules.json", "1_Pooling/config.json"  # of sentence-transformers
KNOWN = ("Transformer", "Pooling", "Normalize")
MOST_FITTED = 20_000  # items whose texts give the directions of vectors
WEIGHTS = ["*.safetensors", "*.txt", "*.model"]  # of no use to tell what a model is


def is_ready_made(model: str, revision: str | None) -> bool:
    """Whether a model is one of sentence-transformers; the embedded encoder has its adapter."""
    return model != DEFAULT_MODEL and (_about(model, revision) / MODULES).is_file()


def load_ready(
    model: str | None, revision: str | None, device: str | None, catalogue: Catalogue, folder: Path, progress: Progress
) -> tuple[Store, HistoryHead, Weights]:
    """A store of the model's embeddings, and the untrained head: the latest of a history weigh most, by their texts alone.

    Raises ``ModelError`` for a pooling that is not of the first token or the mean, and for layers behind it.
    """
    if model is not None:
        _check_modules(_about(model, revision))
    encoder = load_encoder(model, revision, pick_device(device))
    first = model is not None and _pools_first(_about(model, revision))
    store = open_store(encoder, folder, partial(_first_states, encoder), "-first") if first else open_store(encoder, folder)
    head = HistoryHead(encoder.width)
    head.projection.fit([item_fields(catalogue.items[:MOST_FITTED], store, progress)])
    return store, head.to(encoder.device), Weights(near=Weights().near_unfamiliar)


def _about(model: str, revision: str | None) -> Path:
    """The folder with a model's descriptions, without its weights."""
    return Path(model) if Path(model).is_dir() else download(model, revision, ignore=WEIGHTS)


def _read(folder: Path, name: str) -> Any:
    """What a JSON file of the model says; None where there is no such file."""
    try:
        return json.loads((folder / name).read_text(encoding="utf-8")) if (folder / name).is_file() else None
    except (OSError, ValueError) as error:
        raise ModelError(f"{name} of {str(folder)!r} is damaged: get the model again.") from error


def _check_modules(folder: Path) -> None:
    kinds = [str(module.get("type", "")).split(".")[-1] for module in _read(folder, MODULES) or []]
    if other := [kind for kind in kinds if kind not in KNOWN]:
        raise ModelError(f"The model in {str(folder)!r} has a layer {other[0]!r}, which is not read: choose one without it.")


def _pools_first(folder: Path) -> bool:
    settings = _read(folder, POOLING)
    if settings is None:
        return False
    modes = {name for name, on in settings.items() if name.startswith("pooling_mode_") and on is True}
    mode = settings.get("pooling_mode", ", ".join(sorted(modes)))
    if mode in ("mean", "pooling_mode_mean_tokens"):
        return False
    if mode in ("cls", "pooling_mode_cls_token"):
        return True
    raise ModelError(f"The model in {str(folder)!r} pools by {mode!r}: choose one that takes the mean or the first token.")


@torch.inference_mode()
def _first_states(encoder: Encoder, texts: Any) -> Tensor:
    """The states of the texts' first tokens, (texts, width)."""
    windows = encoder.windower.single(texts)
    found = torch.empty(len(windows), encoder.width, device=encoder.device)
    for group in batches(windows, encoder.batch_tokens):
        batch = encoder.collate(group)
        hidden = encoder.model(input_ids=batch.ids, attention_mask=batch.mask).last_hidden_state
        found[[window.text for window in group]] = hidden[:, 0].float()
    return found
