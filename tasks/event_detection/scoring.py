"""Texts to scores: windows through the encoder, units against labels, calibration; no Python for words that match nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tasks.core.calibration import Calibration
from tasks.core.encoder import Batch, Encoder
from tasks.core.heads import pool_units
from tasks.core.labels import LabelCache
from tasks.core.text import Tokens, Window, batches
from tasks.event_detection.decode import Candidate, best_labels
from tasks.event_detection.lexicon import Lexicon
from tasks.event_detection.message import plain_message
from tasks.event_detection.model import EventHead, log_odds

NEAR = -4.6  # logit of a score of 0.01: a unit below it for every label is no event, whatever else is known of it


@dataclass(frozen=True, slots=True)
class Near:
    """The units of a batch that are near some label: their texts and words, (units, labels) logits and evidence."""

    text: list[int]
    word: list[int]
    logits: Tensor
    evidence: Tensor
    unknown: Tensor
    continues: list[tuple[int, int]]


class Plan:
    """How to score a list of labels: each with the calibration of the label set that it belongs to."""

    def __init__(self, names: Sequence[str], calibrations: Sequence[Calibration], sets: Sequence[str]) -> None:
        self.names, self.sets = names, sets
        columns = [(1 / each.temperature, each.shift, each.prior, each.unknown) for each in calibrations]
        self.scale, self.shift, self.prior, self.unknown = torch.tensor(columns).T

    def scores(self, near: Near) -> Tensor:
        """Probabilities (units, labels)."""
        return torch.sigmoid(near.logits * self.scale + self.shift + near.evidence * self.prior + near.unknown * self.unknown)


class Scorer:
    """An encoder with its head and lexicons (one a label set). Stateless but for the label cache: safe in threads."""

    def __init__(self, encoder: Encoder, head: EventHead, unit: str, lexicons: Mapping[str, Lexicon]) -> None:
        self.encoder, self.head, self.by_message, self.lexicons = encoder, head, unit == "message", lexicons
        self._embed_labels = LabelCache(encoder.embed)

    def candidates(
        self, texts: Sequence[str], labels: Mapping[str, str], plan: Plan, thresholds: Tensor
    ) -> tuple[list[Tokens], list[list[Candidate]], list[set[int]]]:
        """For each text its tokens, its (word, label, score) candidates, and the words that continue a trigger."""
        tokens, nears = self.near(texts, labels, plan)
        found: list[list[Candidate]] = [[] for _ in texts]
        continues: list[set[int]] = [set() for _ in texts]
        for near in nears:
            for unit, label, score in best_labels(plan.scores(near), thresholds):
                found[near.text[unit]].append((near.word[unit], label, score))
            for text, word in near.continues:
                continues[text].add(word)
        return tokens, found, continues

    def near(self, texts: Sequence[str], labels: Mapping[str, str], plan: Plan) -> tuple[list[Tokens], Iterator[Near]]:
        """The tokens of the texts, and batch for batch the units that are near some label."""
        if self.by_message:
            texts = [plain_message(text) for text in texts]
        tokens, windows = self.encoder.windower(texts)
        return tokens, self._near(texts, tokens, windows, self._embed_labels(labels), plan)

    @torch.inference_mode()
    def _near(self, texts: Sequence[str], tokens: list[Tokens], windows: list[Window], embedded: Tensor, plan: Plan) -> Iterator[Near]:
        for group in batches(windows, self.encoder.batch_tokens):
            batch = self.encoder.collate(group)
            hidden = self.encoder.model(input_ids=batch.ids, attention_mask=batch.mask).last_hidden_state
            owner, word, units = self._units(group, batch, hidden)
            logits, more = self.head(units, embedded)
            logits = log_odds(logits) if self.by_message else logits
            best = logits.max(dim=1).values
            inside = (more > best.clamp(min=0)) & (not self.by_message)  # a word begins a trigger or continues one: what is likelier
            kept = torch.nonzero((best >= NEAR) & ~inside).squeeze(1)
            longer = torch.nonzero(inside).squeeze(1).tolist()
            numbers = kept.tolist()
            places = [(int(owner[unit]), int(word[unit])) for unit in numbers]
            evidence, unknown = self._evidence(texts, tokens, places, plan)
            continues = [(int(owner[unit]), int(word[unit])) for unit in longer]
            yield Near([text for text, _ in places], [each for _, each in places], logits[kept].cpu(), evidence, unknown, continues)

    def _evidence(self, texts: Sequence[str], tokens: list[Tokens], places: list[tuple[int, int]], plan: Plan) -> tuple[Tensor, Tensor]:
        """What the lexicons say of these words (units, labels), and where they know nothing; 0 for labels without one."""
        evidence, unknown = torch.zeros(2, len(places), len(plan.names))
        for key in set(plan.sets) & set(self.lexicons):
            words = [texts[text][slice(*tokens[text].word_chars(word))].lower() for text, word in places]
            columns = [column for column, owner in enumerate(plan.sets) if owner == key]
            evidence[:, columns], unknown[:, columns] = self.lexicons[key].evidence(words, [plan.names[column] for column in columns])
        return evidence, unknown

    def _units(self, group: Sequence[Window], batch: Batch, hidden: Tensor) -> tuple[Any, Any, Tensor]:
        """For each unit of the batch: the text and the word that it is, and its state (units, width)."""
        owner = np.array([window.text for window in group])
        if self.by_message:
            rows = torch.arange(len(group), device=hidden.device)
            return owner, np.zeros_like(owner), pool_units(hidden, rows, torch.zeros_like(rows), batch.mask.sum(1) - 1)
        words = np.concatenate([window.words for window in group])
        return owner[batch.row.cpu().numpy()], words, pool_units(hidden, batch.row, batch.first, batch.last)
