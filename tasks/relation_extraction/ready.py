"""Ready-made token classifiers of the Hub, which find the entities in place of our adapter.

Their labels are read from ``id2label`` (``B-``/``I-`` tagging, ``S-``/``E-`` too, or bare names) and mapped to the six types.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch
from transformers import AutoModelForTokenClassification

from tasks.core.encoder import Encoder, load_config, load_pretrained, pick_device
from tasks.core.errors import ModelError
from tasks.core.heads import pool_units
from tasks.core.text import Tokens, batches, visible
from tasks.core.types import Span
from tasks.relation_extraction.entities.data import house_type
from tasks.relation_extraction.entities.linking import Mention, link
from tasks.relation_extraction.types import Entity

Tag = tuple[str | None, bool, float]  # type, whether a mention begins, score


def is_ready_made(config: Any) -> bool:
    """Whether the model's class already finds entities."""
    return any(name.endswith("ForTokenClassification") for name in config.architectures or [])


def read_tags(name: str, id2label: dict[int, str]) -> list[tuple[str | None, bool]]:
    """For each output of a tagger its type as ours (None: no entity, or none of ours), and whether it begins a mention.

    Raises ``ModelError`` where no label is one of our types.
    """
    labels = [id2label[number] for number in sorted(id2label)]
    tags = [(house_type(re.sub("^[BIESLU]-", "", label)), label.startswith(("B-", "S-", "U-"))) for label in labels]
    if not any(kind for kind, _ in tags):
        raise ModelError(f"The labels of {name!r} ({', '.join(labels[:6])}) are no types of entities that are known here.")
    return tags


class ReadyMade:
    """A tagger in the place of the entity adapter."""

    def __init__(self, encoder: Encoder, tags: list[tuple[str | None, bool]]) -> None:
        self.encoder, self.tags = encoder, tags

    @classmethod
    def load(cls, model: str, revision: str | None, device: str | None) -> ReadyMade:
        """The tagger ``model`` of the Hub or of a folder."""
        config = load_config(model, revision)
        tokenizer, network = load_pretrained(AutoModelForTokenClassification, model, revision)
        encoder = Encoder(model, revision, tokenizer, network.to(pick_device(device)).eval().requires_grad_(False))
        return cls(encoder, read_tags(model, config.id2label))

    @torch.inference_mode()
    def __call__(self, texts: Sequence[str]) -> list[tuple[Entity, ...]]:
        """The entities of each text: words of one type after another, until one begins anew; a word's tag is its first token's."""
        tokens, windows = self.encoder.windower(texts)
        tagged: list[dict[int, Tag]] = [{} for _ in texts]
        for group in batches(windows, self.encoder.batch_tokens):
            batch = self.encoder.collate(group)
            logits = self.encoder.model(input_ids=batch.ids, attention_mask=batch.mask).logits
            scores, best = pool_units(logits, batch.row, batch.first, batch.first).softmax(-1).max(-1)
            words = [(window.text, int(word)) for window in group for word in window.words]
            for (text, word), number, score in zip(words, best.tolist(), scores.tolist(), strict=True):
                tagged[text][word] = (*self.tags[number], score)
        return [link(_mentions(*each)) for each in zip(texts, tokens, tagged, strict=True)]


def _mentions(text: str, tokens: Tokens, tags: dict[int, Tag]) -> list[Mention]:
    places = [(visible(text, tokens.word_chars(run[0])[0], tokens.word_chars(run[-1])[1]), kind, score) for run, kind, score in _runs(tags)]
    return [(Span.of(text, *place), kind, min(score, 1.0)) for place, kind, score in places if place]


def _runs(tags: dict[int, Tag]) -> list[tuple[list[int], str, float]]:
    """Mentions as (words, type, mean score)."""
    runs: list[tuple[list[int], str, list[float]]] = []
    for word, (kind, begins, score) in sorted(tags.items()):
        if kind is None:
            continue
        if runs and not begins and runs[-1][1] == kind and runs[-1][0][-1] == word - 1:
            runs[-1][0].append(word)
            runs[-1][2].append(score)
        else:
            runs.append(([word], kind, [score]))
    return [(words, kind, sum(scores) / len(scores)) for words, kind, scores in runs]
