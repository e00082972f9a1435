"""Training of the entity part: what ``finetune`` calls with ``--part entities``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from tasks.core.adapters import fingerprint, load_head, save_adapter
from tasks.core.encoder import Encoder
from tasks.core.errors import InputError
from tasks.relation_extraction.data import check_rows
from tasks.relation_extraction.entities.data import Collator, Row, features, known_types, lower_cased
from tasks.relation_extraction.entities.decode import Candidate, EntityScores, choose
from tasks.relation_extraction.entities.fitting import fit, mention_scores
from tasks.relation_extraction.entities.model import EntityHead, EntityModel
from tasks.relation_extraction.entities.scoring import EntityScorer

Files = Sequence[tuple[str, list[Row]]]


class EntityTraining:
    """Data, model and evaluation of one run; a file is annotated with the types that it has."""

    def __init__(self, encoder: Encoder, network: nn.Module, options: Any, train: Files, seed: int) -> None:
        self.encoder, self.scores = encoder, EntityScores()
        self.train_rows: list[tuple[str, list[Row]]] = []
        self.dataset: list[dict[str, Any]] = []
        for source, rows in train:
            check_rows(rows, source)
            self.train_rows.append((source, rows))
            self.dataset += features(encoder, [*rows, *lower_cased(rows, options.lower_cased, seed)], known_types(rows))
        if not self.dataset:
            raise InputError("The training files hold no rows with text.")
        self.model = EntityModel(network, EntityHead(encoder.width, options.head_dropout))
        self.collate = Collator(encoder)

    def evaluate(self, validation: Files) -> dict[str, float]:
        """F1 of the mentions of each file, with scores fitted on these; ``score`` is their mean."""
        self.calibrate(validation)
        best = {f"{Path(name).name.split('.')[0]}_f1": each["entity_f1"] for name, each in self.final_scores(validation).items()}
        return {"score": sum(best.values()) / len(best), **best}

    def calibrate(self, validation: Files) -> None:
        """Fit the scores on all validation files."""
        network: Any = self.model.encoder
        scorer = EntityScorer(self.encoder.with_model(network), self.model.head)
        self._found: dict[str, list[list[Candidate]]] = {
            source: scorer([row["text"] for row in check_rows(rows, source)]) for source, rows in validation
        }
        self.scores = fit([(rows, self._found[source]) for source, rows in validation])

    def final_scores(self, validation: Files) -> dict[str, dict[str, float]]:
        """Scores of each validation file as a user gets them."""
        table = {}
        for source, rows in validation:
            told = [{(c.start, c.end, c.type): score for c, score in choose(each, self.scores)} for each in self._found[source]]
            table[Path(source).name] = mention_scores(rows, told)
        return table

    def save(self, folder: Path, method: str, extra: dict[str, Any]) -> None:
        """Write the adapter as it is now."""
        base = {"name": self.encoder.name, "revision": self.encoder.revision, "fingerprint": fingerprint(self.encoder.model)}
        calibration = {name: asdict(each) for name, each in self.scores.types.items()}
        settings = {"task": "relation-extraction", "part": "entities", "method": method, "base": base, "calibration": calibration, **extra}
        save_adapter(folder, self.encoder, self.model.encoder, self.model.head, settings)

    def restore_head(self, folder: Path) -> None:
        """Take the head's weights from a checkpoint."""
        load_head(self.model.head, folder)
