"""Training of the reading of messages: what ``finetune`` calls (its ``train.py`` says what every task gives it)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from torch import nn

from tasks.conversation.data import Collator, Row, check_rows, features
from tasks.conversation.decode import Settings
from tasks.conversation.evaluation import message_scores
from tasks.conversation.fitting import fit
from tasks.conversation.model import MessageHead, MessageModel
from tasks.conversation.scoring import MessageReader
from tasks.conversation.task import NAME
from tasks.core.adapters import fingerprint, load_head, save_adapter
from tasks.core.encoder import Encoder
from tasks.core.errors import InputError

MAIN = ("kinds_f1", "f1")


@dataclass
class Options:
    """Settings of conversation."""

    head_dropout: float = field(default=0.1, metadata={"help": "dropout before the head's layers"})
    lower_cased: float = field(default=0.2, metadata={"help": "share of the rows that are read once more without their capitals"})

    def __post_init__(self) -> None:
        if not 0 <= self.lower_cased <= 1:
            raise InputError(f"--lower_cased must be a share from 0 to 1, not {self.lower_cased}.")


class Training:
    """Data, model and evaluation of one run."""

    options_class = Options
    metric = "score"

    def __init__(self, encoder: Encoder, network: nn.Module, options: Options, train: Sequence[tuple[str, list[Row]]], seed: int) -> None:
        self.encoder, self.settings = encoder, Settings()
        self.train_rows = [(source, check_rows(rows, source)) for source, rows in train]
        rows = [row for _, group in self.train_rows for row in group]
        if not rows:
            raise InputError("The training files hold no rows with text.")
        self.dataset = features(encoder, rows + lower_cased(rows, options.lower_cased, seed))
        self.model = MessageModel(network, MessageHead(encoder.width, options.head_dropout))
        self.collate = Collator(encoder)

    def reader(self) -> MessageReader:
        """The reader around the model as it is now."""
        network: Any = self.model.encoder
        return MessageReader(self.encoder.with_model(network), self.model.head, self.settings)

    def evaluate(self, validation: Sequence[tuple[str, list[Row]]]) -> dict[str, float]:
        """The main figures of each file, with scores fitted on these; ``score`` is their mean."""
        self.calibrate(validation)
        table = self.final_scores(validation)
        best = {f"{name.split('.')[0]}_{key}": figures[key] for name, figures in table.items() for key in MAIN if key in figures}
        return {"score": sum(best.values()) / len(best), **best}

    def calibrate(self, validation: Sequence[tuple[str, list[Row]]]) -> None:
        """Fit the scores on all validation files."""
        self.settings = fit(self.reader(), [check_rows(rows, source) for source, rows in validation])

    def final_scores(self, validation: Sequence[tuple[str, list[Row]]]) -> dict[str, dict[str, float]]:
        """Scores of each validation file as a user gets them."""
        reader = self.reader()
        return {Path(source).name: message_scores(reader, rows) for source, rows in validation}

    def save(self, folder: Path, method: str, extra: dict[str, Any]) -> None:
        """Write the adapter as it is now."""
        base = {"name": self.encoder.name, "revision": self.encoder.revision, "fingerprint": fingerprint(self.encoder.model)}
        settings = {"task": NAME, "method": method, "base": base, "calibration": self.settings.to_dict(), **extra}
        save_adapter(folder, self.encoder, self.model.encoder, self.model.head, settings)

    def restore_head(self, folder: Path) -> None:
        """Take the head's weights from a checkpoint."""
        load_head(self.model.head, folder)


def lower_cased(rows: Sequence[Row], share: float, seed: int) -> list[Row]:
    """So many more rows as ``share`` of ``rows``, without their capitals; none whose length this would change."""
    drawn = Random(seed).sample(list(rows), round(share * len(rows)))
    made = [copy.deepcopy(row) for row in drawn if len(row["text"].lower()) == len(row["text"])]
    for row in made:
        row["text"] = row["text"].lower()
        for span in [*row.get("things", ()), *row.get("events", ())]:
            span["text"] = row["text"][span["start"] : span["end"]]
    return made
