"""Texts to logits: windows through the encoder once, the tables of each window to candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from tasks.core.encoder import Encoder
from tasks.core.heads import word_states
from tasks.core.text import Tokens, Window, batches
from tasks.opinion_analysis.data import windower_of
from tasks.opinion_analysis.decode import Candidate, Floats, candidates
from tasks.opinion_analysis.model import OpinionHead, sign_logits


@dataclass(slots=True)
class Reading:
    """What the model says of one text: overall logits (a mean over its windows, by the words they own), candidates."""

    polarity: Floats = field(default_factory=lambda: np.zeros(3, np.float32))
    words: int = 0
    candidates: list[Candidate] = field(default_factory=list)


class Scorer:
    """An encoder with its head; no state, so safe in threads."""

    def __init__(self, encoder: Encoder, head: OpinionHead) -> None:
        self.encoder, self.head, self.windower = encoder, head, windower_of(encoder)

    @torch.inference_mode()
    def read(self, texts: Sequence[str]) -> list[Reading]:
        """Polarity and opinions of each text, from one pass."""
        tokens, windows = self.windower(texts)
        readings = [Reading() for _ in texts]
        for group in batches(windows, self.encoder.batch_tokens):
            batch = self.encoder.collate(group)
            hidden = self.encoder.model(input_ids=batch.ids, attention_mask=batch.mask).last_hidden_state
            overall = self.head.overall(hidden, batch.mask).float().cpu().numpy()
            tables = self.head.tables(word_states(hidden, batch.row, batch.first, batch.last)[0])
            spans, links, signs = (table.float().cpu().numpy() for table in tables)
            for number, window in enumerate(group):
                count, owned = len(window.words), _owned(window)
                reading = readings[window.text]
                reading.polarity, reading.words = _add(reading.polarity, reading.words, overall[number], owned)
                cut = spans[number, :, :count, :count], links[number, :, : count + 1, :count], signs[number, :count]
                reading.candidates += candidates(texts[window.text], window, tokens[window.text], *cut)
        return readings

    @torch.inference_mode()
    def stance(self, texts: Sequence[str], proposal: str) -> Floats:
        """Stance logits (texts, 3) towards one proposal; zeros for a blank text."""
        logits, words = np.zeros((len(texts), 3), np.float32), [0] * len(texts)
        for group in batches(self.windower.paired(texts, proposal), self.encoder.batch_tokens):
            batch = self.encoder.collate(group)
            ends = torch.tensor([int(window.last[-1]) + 1 for window in group], device=batch.ids.device)
            inside = (torch.arange(batch.ids.shape[1], device=batch.ids.device)[None, :] < ends[:, None]).to(batch.mask.dtype)
            hidden = self.encoder.model(input_ids=batch.ids, attention_mask=batch.mask).last_hidden_state
            found = self.head.towards(hidden, inside, batch.mask - inside).float().cpu().numpy()
            for window, each in zip(group, found, strict=True):
                logits[window.text], words[window.text] = _add(logits[window.text], words[window.text], each, _owned(window))
        return logits

    @torch.inference_mode()
    def targets(self, texts: Sequence[str], places: Sequence[Sequence[tuple[int, int]]]) -> list[Floats]:
        """Polarity logits (targets, 3) of given targets of each text, by character offsets; zeros where no word stands."""
        tokens, windows = self.windower(texts)
        found = [np.zeros((len(each), 3), np.float32) for each in places]
        for group in batches(windows, self.encoder.batch_tokens):
            batch = self.encoder.collate(group)
            hidden = self.encoder.model(input_ids=batch.ids, attention_mask=batch.mask).last_hidden_state
            signs = self.head.tables(word_states(hidden, batch.row, batch.first, batch.last)[0]).signs
            for number, window in enumerate(group):
                for column, (start, end) in enumerate(places[window.text]):
                    words = _words_in(window, tokens[window.text], start, end)
                    if words is not None and window.owns(words[0]):
                        spot = torch.tensor([words], device=signs.device)
                        row = torch.tensor([number], device=signs.device)
                        found[window.text][column] = sign_logits(signs, row, spot, torch.full_like(spot, -1))[0].cpu().numpy()
        return found


def _words_in(window: Window, tokens: Tokens, start: int, end: int) -> tuple[int, int] | None:
    """Places in the window of the first and last word of ``[start, end)``; what lies beyond the window is left out."""
    words = tokens.words_in(start, end)
    if words is None:
        return None
    inside = np.flatnonzero((window.words >= words[0]) & (window.words <= words[1]))
    return (int(inside[0]), int(inside[-1])) if len(inside) else None


def _owned(window: Window) -> int:
    return len(window.words) if window.owned is None else window.owned[1] - window.owned[0]


def _add(mean: Floats, count: int, value: Floats, more: int) -> tuple[Floats, int]:
    """A running weighted mean."""
    total = count + more
    return np.asarray((mean * count + value * more) / max(total, 1), np.float32), total
