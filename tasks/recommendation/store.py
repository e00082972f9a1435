"""Embeddings of texts by their content: each text is encoded once on a machine, whatever catalogue it stands in.

A store is a folder of safetensors files, each with the keys and embeddings of the texts that one run encoded; the encoder's
fingerprint is in the folder's name. Without a writable folder everything still works, and is encoded again next time.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from torch import Tensor

from tasks.core.adapters import fingerprint
from tasks.core.encoder import Encoder

Progress = Callable[[int, int, str], None]
Bytes = NDArray[np.uint8]
CHUNK = 512  # texts that are encoded between two reports of progress
REMEMBERED = 20_000  # texts whose embeddings stay in memory
KEY = 16  # bytes of a text's digest
MANY = 1_000  # texts of one file, from which on all of it is read
LARGEST = 4 * 2**30  # bytes of a store; what was written first goes first


def quiet(done: int, total: int, doing: str) -> None:
    """Tell nobody."""


def default_folder() -> Path:
    """Where stores lie unless the caller says otherwise: the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "quipu"


class Store:
    """Embeddings of one encoder. ``embed`` gives embeddings (texts, width) of texts; safe to use from several threads."""

    def __init__(self, embed: Callable[[Sequence[str]], Tensor], width: int, folder: Path) -> None:
        self._embed, self._width, self._folder = embed, width, folder
        self._lock = threading.Lock()
        self._recent: dict[bytes, NDArray[np.float32]] = {}

    def __call__(self, texts: Sequence[str], progress: Progress = quiet) -> Tensor:
        """Embeddings (texts, width) in float32, of known texts from the store; ``progress(done, total, doing)`` tells of the others."""
        keys = [_key(text) for text in texts]
        with self._lock:
            known = {key: self._recent[key] for key in keys if key in self._recent}
            if len(known) < len(set(keys)):
                known = self._read(set(keys), known)
                new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
                if new:
                    made = self._encoded(list(new.values()), progress)
                    self._write(list(new), made)
                    known.update(zip(new, made, strict=True))
                latest = list((self._recent | known).items())[-REMEMBERED:]
                self._recent = {key: row if row.base is None else row.copy() for key, row in latest}  # a view would hold all rows
        rows = np.stack([known[key] for key in keys]) if keys else np.zeros((0, self._width), np.float32)
        return torch.from_numpy(rows.astype(np.float32, copy=False))

    def passing(self, texts: Sequence[str], progress: Progress = quiet) -> Tensor:
        """The same for what a user asks for: known texts from memory, and nothing is kept of the others."""
        keys = [_key(text) for text in texts]
        recent = self._recent
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in recent}
        made = dict(zip(new, self._encoded(list(new.values()), progress), strict=True)) if new else {}
        rows = [made[key] if key in made else recent[key] for key in keys]
        return torch.from_numpy(np.stack(rows)) if rows else torch.zeros(0, self._width)

    def _encoded(self, texts: list[str], progress: Progress) -> NDArray[np.float32]:
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))  # so that a chunk's windows have about one length
        made = np.zeros((len(texts), self._width), np.float32)
        for start in range(0, len(order), CHUNK):
            chunk = order[start : start + CHUNK]
            made[chunk] = self._embed([texts[at] for at in chunk]).float().cpu().numpy()
            progress(min(start + CHUNK, len(order)), len(order), "Reading the items")
        return made

    def _read(self, wanted: set[bytes], known: dict[bytes, NDArray[np.float32]]) -> dict[bytes, NDArray[np.float32]]:
        """What is ``known``, and the embeddings that are in the folder, of those wanted; a damaged file is as good as none."""
        beginnings = np.array([int.from_bytes(key[:8], sys.byteorder) for key in wanted], np.uint64)
        for path in self._files():
            if not wanted - known.keys():
                break
            try:
                with safe_open(path, "numpy") as file:
                    keys, vectors = file.get_tensor("keys"), file.get_slice("vectors")
                    if keys.shape[1:] != (KEY,) or vectors.get_shape() != [len(keys), self._width]:
                        continue
                    near = np.flatnonzero(np.isin(np.ascontiguousarray(keys[:, :8]).view(np.uint64), beginnings))
                    rows = {row: key for row in near.tolist() if (key := keys[row].tobytes()) in wanted}
                    found = file.get_tensor("vectors") if len(rows) > MANY else {row: vectors[row : row + 1][0] for row in rows}
                    known.update((key, found[row]) for row, key in rows.items())
            except (SafetensorError, OSError, KeyError, ValueError):
                continue
        return known

    def _write(self, keys: list[bytes], vectors: NDArray[np.float32]) -> None:
        digest = hashlib.sha256(b"".join(keys)).hexdigest()[:32]
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            partial = self._folder / f"{digest}.{os.getpid()}.partial"
            save_file({"keys": np.frombuffer(b"".join(keys), np.uint8).reshape(-1, KEY), "vectors": vectors}, partial)
            partial.replace(self._folder / f"{digest}.safetensors")
            self._forget()
        except (OSError, SafetensorError):
            return  # no room, or a folder that can't be written: the next start encodes again

    def _files(self) -> list[Path]:
        """The store's files, the newest first."""
        try:
            return sorted(self._folder.glob("*.safetensors"), key=lambda path: -path.stat().st_mtime)
        except OSError:
            return []

    def _forget(self) -> None:
        held = 0
        for path in self._files():
            held += path.stat().st_size
            if held > LARGEST:
                path.unlink(missing_ok=True)


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=KEY).digest()


def open_store(encoder: Encoder, folder: Path, embed: Callable[[Sequence[str]], Tensor] | None = None, way: str = "") -> Store:
    """Embeddings by ``encoder``, kept in ``folder``; ``embed``: in another way than its own, which ``way`` names."""
    return Store(embed or encoder.embed, encoder.width, folder / f"texts-{fingerprint(encoder.model)[:16]}{way}")
