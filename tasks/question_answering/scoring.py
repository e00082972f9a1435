"""What gives the logits of windows: an encoder with our head, or a ready-made model."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from tasks.question_answering.model import Ends, ReaderHead, read
from tasks.question_answering.reader import Network


def own_network(network: Any, head: ReaderHead) -> Network:
    """An encoder with our head."""

    def logits(ids: Tensor, mask: Tensor, types: Tensor) -> Ends:
        return read(network, head, ids, mask, types)

    return logits


def ready_network(model: Any) -> Network:
    """Any extractive model of Transformers."""
    typed = getattr(model.config, "type_vocab_size", 0) > 1

    def logits(ids: Tensor, mask: Tensor, types: Tensor) -> Ends:
        output = model(input_ids=ids, attention_mask=mask, **({"token_type_ids": types} if typed else {}))
        return Ends(output.start_logits, output.end_logits)

    return logits
