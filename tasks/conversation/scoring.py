"""Messages to scores: windows through the encoder once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from tasks.conversation.data import windower_of
from tasks.conversation.decode import Floats, Marked, Settings, kinds_of, spans_of
from tasks.conversation.model import MessageHead
from tasks.conversation.types import KINDS
from tasks.core.casing import encode_marked, token_shapes
from tasks.core.encoder import Encoder
from tasks.core.heads import pool_units
from tasks.core.labels import LabelCache
from tasks.core.text import Tokens, Window, batches, pad

LEAST_THING = 0.1


@dataclass(frozen=True, slots=True)
class Reading:
    """What one message is read as: a logit for each of ``KINDS``, and all marked spans in text order."""

    kinds: tuple[float, ...]
    marked: tuple[Marked, ...]


class Message(NamedTuple):
    """The kinds of a message and its marked spans, with their probabilities."""

    kinds: dict[str, float]
    marked: list[tuple[Marked, float]]


class MessageReader:
    """An encoder with its head. Safe to call from several threads."""

    def __init__(self, encoder: Encoder, head: MessageHead, settings: Settings, labels: Mapping[str, str] = KINDS) -> None:
        self.encoder, self.head, self.settings, self.labels = encoder, head, settings, labels
        self.windower, self._embed = windower_of(encoder), LabelCache(encoder.embed)

    def __call__(self, texts: Sequence[str]) -> list[Message]:
        """Kinds and marked spans of each text, those that hold, with their probabilities."""
        return [Message(kinds_of(each.kinds, self.settings), self._marks(each)) for each in self.read(texts)]

    def _marks(self, reading: Reading) -> list[tuple[Marked, float]]:
        """A thing needs no more than a chance: whether anything is said of it is for the relations to tell."""
        scored = [(each, self.settings.marks[each.mark]) for each in reading.marked]
        least = {mark: LEAST_THING if mark == "thing" else fitted.threshold for mark, fitted in self.settings.marks.items()}
        return [(each, score) for each, fitted in scored if (score := fitted.score(each.logit)) >= least[each.mark]]

    @torch.inference_mode()
    def read(self, texts: Sequence[str]) -> list[Reading]:
        """The scores of each text; a blank one greets nobody and says nothing."""
        tokens, windows = self.windower(texts)
        labels = self._embed(self.labels)
        kinds: list[list[Floats]] = [[] for _ in texts]
        marked: list[list[Marked]] = [[] for _ in texts]
        for group in batches(windows, self.encoder.batch_tokens):
            batch = self.encoder.collate(group)
            shapes, _ = pad([token_shapes(texts[window.text], tokens[window.text], window) for window in group], 0)
            hidden = encode_marked(
                self.encoder.model, self.head.shapes, batch.ids, batch.mask, torch.from_numpy(shapes).to(batch.ids.device)
            )
            asked = self.head.kinds(hidden, batch.mask, labels).float().cpu().numpy()
            tags, signs = (each.float().cpu().numpy() for each in self.head.words(pool_units(hidden, batch.row, batch.first, batch.last)))
            rows = batch.row.cpu().numpy()
            for number, window in enumerate(group):
                kinds[window.text].append(asked[number])
                marked[window.text] += _owned(window, tokens[window.text], tags[rows == number], signs[rows == number])
        return [_reading(each, spans) for each, spans in zip(kinds, marked, strict=True)]


def _owned(window: Window, tokens: Tokens, tags: Floats, signs: Floats) -> list[Marked]:
    """The spans of a window that begin at a word that it owns."""
    places = [tokens.word_chars(int(word)) for word in window.words]
    owned = {places[number][0] for number in range(len(places)) if window.owns(number)}
    return [span for span in spans_of(tags, signs, places) if span.start in owned]


def _reading(kinds: Sequence[Floats], marked: Sequence[Marked]) -> Reading:
    """Of a long text, each kind's best window."""
    best = np.max(kinds, axis=0) if kinds else np.full(len(KINDS), -20.0)
    apart: list[Marked] = []
    for each in sorted(marked, key=lambda span: (span.start, -span.end)):
        if not apart or each.start >= apart[-1].end:
            apart.append(each)
    return Reading(tuple(best.tolist()), tuple(apart))
