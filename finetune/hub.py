"""Uploading to the Hugging Face Hub: an adapter with its card, never a pickle, a checkpoint or an optimizer state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from huggingface_hub import HfApi
from transformers import TrainingArguments

from tasks.core.errors import ModelError

UPLOADED = ["*.json", "*.safetensors", "*.txt", "README.md"]
LEFT_OUT = ["checkpoint-*", "trainer_state.json"]


def upload(folder: str | Path, repository: str, stock: TrainingArguments, message: str) -> None:
    """Commit the adapter in ``folder`` to ``repository``; raises ``ModelError`` where the Hub does not take it."""
    with explained(f"The adapter is in {str(folder)!r}; upload it later with: hf upload {repository} {folder}"):
        HfApi(token=stock.hub_token).upload_folder(
            repo_id=repository,
            folder_path=folder,
            commit_message=message,
            revision=stock.hub_revision,
            allow_patterns=UPLOADED,
            ignore_patterns=LEFT_OUT,
        )


@contextmanager
def explained(advice: str) -> Iterator[None]:
    """One sentence for whatever the Hub or the network says, and what to do."""
    try:
        yield
    except (OSError, httpx.HTTPError) as error:
        raise ModelError(f"The Hugging Face Hub refused or did not answer ({' '.join(str(error).split())[:160]}). {advice}") from error
