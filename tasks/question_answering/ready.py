"""Ready-made extractive readers of the Hub, in place of our encoder with its adapter."""

from __future__ import annotations

from typing import Any

from transformers import AutoModelForQuestionAnswering

from tasks.core.encoder import Encoder, load_pretrained, pick_device
from tasks.question_answering.reader import Reader
from tasks.question_answering.scoring import ready_network


def is_ready_made(config: Any) -> bool:
    """Whether the model's class already reads answers."""
    return any(name.endswith("ForQuestionAnswering") for name in config.architectures or [])


def load_reader(model: str, revision: str | None, device: str | None) -> Reader:
    """The reader ``model`` of the Hub or of a folder. Raises ``ModelError``."""
    tokenizer, network = load_pretrained(AutoModelForQuestionAnswering, model, revision)
    return as_reader(model, revision, tokenizer, network.to(pick_device(device)).eval().requires_grad_(False))


def as_reader(name: str, revision: str | None, tokenizer: Any, network: Any) -> Reader:
    """A reader around an extractive model that is loaded already."""
    return Reader(Encoder(name, revision, tokenizer, network), ready_network(network))
