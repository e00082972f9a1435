"""Texts to candidates of mentions: windows through the encoder once, with the shapes of their words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from tasks.core.casing import encode_marked, token_shapes
from tasks.core.encoder import Encoder
from tasks.core.heads import word_states
from tasks.core.text import batches, pad
from tasks.relation_extraction.entities.data import windower_of
from tasks.relation_extraction.entities.decode import Candidate, candidates
from tasks.relation_extraction.entities.model import EntityHead


class EntityScorer:
    """An encoder with its head; no state, so safe in threads."""

    def __init__(self, encoder: Encoder, head: EntityHead) -> None:
        self.encoder, self.head, self.windower = encoder, head, windower_of(encoder)

    @torch.inference_mode()
    def __call__(self, texts: Sequence[str]) -> list[list[Candidate]]:
        """The candidates of each text."""
        tokens, windows = self.windower(texts)
        found: list[list[Candidate]] = [[] for _ in texts]
        for group in batches(windows, self.encoder.batch_tokens):
            batch = self.encoder.collate(group)
            kinds, _ = pad([token_shapes(texts[window.text], tokens[window.text], window) for window in group], 0)
            shapes = torch.from_numpy(kinds).to(batch.ids.device)
            hidden = encode_marked(self.encoder.model, self.head.shapes, batch.ids, batch.mask, shapes)
            tables = self.head(word_states(hidden, batch.row, batch.first, batch.last)[0]).float().cpu().numpy()
            for window, table in zip(group, tables, strict=True):
                count = len(window.words)
                found[window.text] += candidates(
                    texts[window.text], window, tokens[window.text], np.asarray(table[:, :count, :count], np.float32)
                )
        return found
