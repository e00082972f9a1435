"""Training of opinion analysis: what ``finetune`` calls (its ``train.py`` says what every task gives it)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from tasks.core.adapters import fingerprint, load_head, save_adapter
from tasks.core.encoder import Encoder
from tasks.core.errors import InputError
from tasks.opinion_analysis.data import Collator, Row, check_rows, features, unrelated
from tasks.opinion_analysis.decode import Scores
from tasks.opinion_analysis.evaluation import MAIN, scores
from tasks.opinion_analysis.fitting import RememberingScorer, fit
from tasks.opinion_analysis.model import OpinionHead, OpinionModel
from tasks.opinion_analysis.task import NAME, OpinionAnalysis


@dataclass
class Options:
    """Settings of opinion analysis."""

    unrelated: float = field(
        default=0.3, metadata={"help": "neutral stance rows to add (texts with others' proposals), a share of the rows"}
    )
    head_dropout: float = field(default=0.1, metadata={"help": "dropout before the head's layers"})

    def __post_init__(self) -> None:
        if not 0 <= self.unrelated <= 1:
            raise InputError(f"--unrelated must be a share from 0 to 1, not {self.unrelated}.")


class Training:
    """Data, model and evaluation of one run; a file's rows say themselves what they are annotated with."""

    options_class = Options
    metric = "score"

    def __init__(self, encoder: Encoder, network: nn.Module, options: Options, train: Sequence[tuple[str, list[Row]]], seed: int) -> None:
        self.encoder, self.scores = encoder, Scores()
        self.train_rows: list[tuple[str, list[Row]]] = []
        self.dataset: list[dict[str, Any]] = []
        for source, rows in train:
            for group in alike(check_rows(rows, source)):
                added = unrelated(group, options.unrelated, seed) if "stance" in group[0] else []
                self.dataset += features(encoder, group + added)
            self.train_rows.append((source, rows))
        if not self.dataset:
            raise InputError("The training files hold no rows with text.")
        self.model = OpinionModel(network, OpinionHead(encoder.width, options.head_dropout))
        self.collate = Collator(encoder)

    def pipeline(self) -> OpinionAnalysis:
        """The task's pipeline around the model as it is now, which reads every text once."""
        network: Any = self.model.encoder
        pipeline = OpinionAnalysis(self.encoder.with_model(network), self.model.head, self.scores)
        pipeline.scorer = RememberingScorer(pipeline.scorer.encoder, pipeline.scorer.head)
        return pipeline

    def evaluate(self, validation: Sequence[tuple[str, list[Row]]]) -> dict[str, float]:
        """The main figure of each kind of annotation in each file, with scores fitted on these; ``score`` is their mean."""
        self.calibrate(validation)
        table = self.final_scores(validation)
        best = {f"{Path(name).name.split('.')[0]}_{key}": figures[key] for name, figures in table.items() for key in MAIN if key in figures}
        if not best:
            raise InputError("The validation files hold nothing to choose by: give rows with opinions, a polarity or a stance.")
        return {"score": sum(best.values()) / len(best), **best}

    def calibrate(self, validation: Sequence[tuple[str, list[Row]]]) -> None:
        """Fit the scores on all validation files."""
        self._calibrated = self.pipeline()
        groups = [group for source, rows in validation for group in alike(check_rows(rows, source))]
        self.scores = fit(self._calibrated.scorer, [group for group in groups if "behaviour" not in group[0]])
        self._calibrated.scores = self.scores

    def final_scores(self, validation: Sequence[tuple[str, list[Row]]]) -> dict[str, dict[str, float]]:
        """Scores of each validation file as a user gets them."""
        return {Path(source).name: scores(self._calibrated, rows) for source, rows in validation}

    def save(self, folder: Path, method: str, extra: dict[str, Any]) -> None:
        """Write the adapter as it is now."""
        base = {"name": self.encoder.name, "revision": self.encoder.revision, "fingerprint": fingerprint(self.encoder.model)}
        settings = {"task": NAME, "method": method, "base": base, "calibration": asdict(self.scores), **extra}
        save_adapter(folder, self.encoder, self.model.encoder, self.model.head, settings)

    def restore_head(self, folder: Path) -> None:
        """Take the head's weights from a checkpoint."""
        load_head(self.model.head, folder)


def alike(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows by what they are annotated with; behaviour rows, which are for scores alone, stay together."""
    groups: dict[tuple[bool, bool, bool], list[Row]] = {}
    for row in rows:
        key = (True, False, False) if "behaviour" in row else (False, "stance" in row, "opinions" in row)
        groups.setdefault(key, []).append(row)
    return list(groups.values())
