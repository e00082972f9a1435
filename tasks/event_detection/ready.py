"""Ready-made Hub models: token classifiers give triggers, sequence classifiers give one event a message.

Their labels are read from ``id2label`` (``B-``/``I-`` tagging or bare names); they have no room for a
caller's own types, only for a choice among theirs.
"""

from __future__ import annotations

import re
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification

from tasks.core.encoder import Encoder, load_config, load_pretrained, pick_device
from tasks.core.errors import InputError, ModelError
from tasks.core.labels import check_labels
from tasks.core.text import batches
from tasks.event_detection.decode import Candidate, best_labels, message_event, trigger_events
from tasks.event_detection.task import EventDetector
from tasks.event_detection.types import Event

NONE = {"o", "none", "other", "no event", "not labeled", "not applicable"}


def is_ready_made(config: Any) -> bool:
    """Whether the model's class already does the task."""
    return any(re.search("For(Token|Sequence)Classification$", name) for name in config.architectures or [])


def event_types(name: str, id2label: dict[int, str]) -> list[str | None]:
    """The event type of each output of a classifier, None for "no event"; ``B-`` and ``I-`` are taken off.

    Raises ``ModelError`` where the labels are only numbers.
    """
    labels = [id2label[number] for number in sorted(id2label)]
    if all(re.fullmatch(r"LABEL_\d+", label) for label in labels):
        raise ModelError(f"The labels of {name!r} are only numbers ({labels[0]}, …): name them in id2label of its config.json.")
    bare = [re.sub("^[BI]-", "", label) for label in labels]
    return [None if label.lower().replace("_", " ") in NONE else label for label in bare]


def beginnings(found: list[Candidate], inside: set[int]) -> list[Candidate]:
    """Without those that go on with the type of the word before: taggers write ``B-`` first, or ``I-`` from the start."""
    types = {word: label for word, label, _ in found}
    return [each for each in found if each[0] not in inside or types.get(each[0] - 1) != each[1]]


class ReadyMade(EventDetector):
    """A classifier with a fixed label set, in the place of an encoder with an adapter."""

    def __init__(self, encoder: Encoder, types: list[str | None], begins: list[bool], by_message: bool) -> None:
        self.encoder, self.by_message = encoder, by_message
        self.labels = sorted({name for name in types if name is not None})
        self.threshold = 0.5
        self._columns = torch.tensor([-1 if name is None else self.labels.index(name) for name in types])
        self._inside = torch.tensor([not begin for begin in begins])

    @classmethod
    def load(cls, model: str, revision: str | None, device: str | None) -> ReadyMade:
        """The classifier ``model`` of the Hub or of a folder."""
        config = load_config(model, revision)
        by_message = str(config.architectures[0]).endswith("SequenceClassification")
        auto = AutoModelForSequenceClassification if by_message else AutoModelForTokenClassification
        tokenizer, network = load_pretrained(auto, model, revision)
        encoder = Encoder(model, revision, tokenizer, network.to(pick_device(device)).eval().requires_grad_(False))
        begins = [not label.startswith("I-") for _, label in sorted(config.id2label.items())]
        return cls(encoder, event_types(model, config.id2label), begins, by_message)

    @torch.inference_mode()
    def _detect(self, texts: list[str], labels: Any, threshold: float | None) -> list[tuple[Event, ...]]:
        chosen = self._choose(labels)
        least = torch.tensor([(self.threshold if threshold is None else threshold) if name in chosen else 2.0 for name in self.labels])
        tokens, windows = self.encoder.windower(texts)
        found: list[list[Candidate]] = [[] for _ in texts]
        continues: list[set[int]] = [set() for _ in texts]
        for group in batches(windows, self.encoder.batch_tokens):
            batch = self.encoder.collate(group)
            logits = self.encoder.model(input_ids=batch.ids, attention_mask=batch.mask).logits.float().cpu()
            owner = [(window.text, int(word)) for window in group for word in ([0] if self.by_message else window.words)]
            rows = logits if self.by_message else logits[batch.row.cpu(), batch.first.cpu()]
            scores, inside = self._probabilities(rows)
            for unit, label, score in best_labels(scores, least):
                text, word = owner[unit]
                found[text].append((word, label, score))
                if inside[unit]:
                    continues[text].add(word)
        if self.by_message:
            return [message_event(candidates, self.labels) for candidates in found]
        starts = [beginnings(*each) for each in zip(found, continues, strict=True)]
        rest = [inside - {word for word, _, _ in begun} for inside, begun in zip(continues, starts, strict=True)]
        return [trigger_events(*each, self.labels) for each in zip(texts, tokens, starts, rest, strict=True)]

    def _probabilities(self, logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Probability of each type (units, types), its ``B-`` and ``I-`` outputs added up, and which units are inside a trigger."""
        outputs = logits.softmax(-1)
        typed = self._columns >= 0
        scores = torch.zeros(len(logits), len(self.labels)).index_add_(1, self._columns[typed], outputs[:, typed])
        return scores.clamp(max=1.0), self._inside[outputs.argmax(-1)]

    def _choose(self, labels: Any) -> set[str]:
        if labels is None:
            return set(self.labels)
        chosen = set(check_labels(labels, {}))
        if unknown := sorted(chosen - set(self.labels)):
            raise InputError(f"This model knows no event type {unknown[0]!r}: choose among {', '.join(self.labels)}.")
        return chosen
