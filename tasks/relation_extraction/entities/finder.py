"""Finding the entities of texts: with our own adapter, or with a tagger of the Hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.core.calibration import Calibration
from tasks.core.encoder import Encoder
from tasks.core.errors import AdapterError
from tasks.core.types import Span
from tasks.relation_extraction.entities.decode import EntityScores, choose
from tasks.relation_extraction.entities.linking import link
from tasks.relation_extraction.entities.model import EntityHead
from tasks.relation_extraction.entities.scoring import EntityScorer
from tasks.relation_extraction.types import TYPES, Entity


class EntityFinder:
    """An encoder with the entity adapter. Safe to call from several threads."""

    def __init__(self, encoder: Encoder, head: EntityHead, scores: EntityScores) -> None:
        self.scorer, self.scores = EntityScorer(encoder, head), scores

    def __call__(self, texts: Sequence[str]) -> list[tuple[Entity, ...]]:
        """The entities of each text."""
        found = []
        for text, candidates in zip(texts, self.scorer(texts), strict=True):
            chosen = choose(candidates, self.scores)
            found.append(link([(Span.of(text, each.start, each.end), each.type, score) for each, score in chosen]))
        return found


def read_scores(data: Mapping[str, Any]) -> EntityScores:
    """The calibration in ``task.json``; raises ``AdapterError`` where it is damaged."""
    try:
        return EntityScores({name: Calibration(**data["calibration"][name]) for name in TYPES})
    except (KeyError, TypeError, ValueError) as error:
        raise AdapterError(f"task.json is damaged: {error!r} is missing or wrong. Get the adapter again.") from error
