"""The reader: for each token of a context how likely an answer begins and ends there, and how likely there is none.

Question and context go through the encoder together; two linear maps of the states give the logits of begin and end, and the
first token stands for "the text does not say" (Devlin et al. 2019, section 4.3).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from tasks.core.heads import IMPOSSIBLE


class Ends(NamedTuple):
    """Logits (windows, tokens) that an answer begins or ends at a token; those of the first token: that there is none."""

    start: Tensor
    end: Tensor


class ReaderHead(nn.Module):
    """States of tokens to the logits of begin and end."""

    def __init__(self, width: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Linear(width, width)
        self.ends = nn.Linear(width, 2)

    def forward(self, states: Tensor) -> Ends:
        """``states`` (windows, tokens, width) to ``Ends``."""
        states = states.to(self.ends.weight.dtype)
        logits: Tensor = self.ends(self.dropout(torch.nn.functional.gelu(self.hidden(states)))).float()
        return Ends(*logits.unbind(-1))


class ReaderModel(nn.Module):
    """Encoder and head, with the loss for training."""

    accepts_loss_kwargs = False  # or Trainer multiplies the loss by the accumulation steps (HANDBOOK, trap 1)

    def __init__(self, encoder: nn.Module, head: ReaderHead) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_types: Tensor, inside: Tensor, spans: Tensor, span_weights: Tensor
    ) -> dict[str, Any]:
        """Loss of one batch, a mean over windows.

        ``input_ids``, ``attention_mask``, ``token_types`` (windows, tokens); ``inside`` (windows, tokens): the context's tokens,
        and the first; ``spans`` (windows, annotators, 2): first and last token of the answers, 0 and 0 where there is none;
        ``span_weights`` (windows, annotators): of each, with the sum 1.
        """
        ends = read(self.encoder, self.head, input_ids, attention_mask, token_types)
        parts = []
        for number, logits in enumerate(ends):
            likely = logits.masked_fill(~inside, IMPOSSIBLE).log_softmax(-1)
            parts.append(-(likely.gather(1, spans[:, :, number]) * span_weights).sum(1))
        return {"loss": (sum(parts) / 2).mean()}  # type: ignore[union-attr]


def read(network: Any, head: nn.Module, ids: Tensor, mask: Tensor, types: Tensor) -> Ends:
    """The logits of windows, by an encoder with our head."""
    typed = {"token_type_ids": types} if getattr(network.config, "type_vocab_size", 0) > 1 else {}
    ends: Ends = head(network(input_ids=ids, attention_mask=mask, **typed).last_hidden_state)
    return ends
