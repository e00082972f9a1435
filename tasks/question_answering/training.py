"""Training of question answering: what ``finetune`` calls (its ``train.py`` says what every task gives it)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from tasks.core.adapters import fingerprint, load_head, save_adapter
from tasks.core.encoder import Encoder
from tasks.core.errors import InputError
from tasks.question_answering.data import READING_WINDOW, Collator, Row, check_rows, features
from tasks.question_answering.decode import Read, Settings
from tasks.question_answering.evaluation import read_scores, test_rows
from tasks.question_answering.fitting import fit, fit_documents
from tasks.question_answering.library import Library
from tasks.question_answering.model import ReaderHead, ReaderModel
from tasks.question_answering.negatives import OTHER, SWAPPED, unanswerable
from tasks.question_answering.reader import Reader
from tasks.question_answering.scoring import own_network
from tasks.question_answering.trials import Trial, trial_scores, trials

Files = Sequence[tuple[str, list[Row]]]


@dataclass
class Options:
    """Settings of question answering."""

    head_dropout: float = field(default=0.1, metadata={"help": "dropout before the head's layers"})
    other_share: float = field(default=0.15, metadata={"help": "rows to add with another paragraph, a share of the answerable rows"})
    swapped_share: float = field(default=0.25, metadata={"help": "rows to add with a name or number of the question swapped"})

    def __post_init__(self) -> None:
        for name in ("other_share", "swapped_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"--{name} must be a share from 0 to 1, not {getattr(self, name)}.")


class Training:
    """Data, model and evaluation of one run."""

    options_class = Options
    metric = "score"

    def __init__(self, encoder: Encoder, network: nn.Module, options: Options, train: Files, seed: int) -> None:
        self.encoder = encoder
        self.train_rows = [(source, check_rows(rows, source)) for source, rows in train]
        self.settings = Settings()
        self.dataset: list[dict[str, Any]] = []
        for _, rows in self.train_rows:
            made = [
                unanswerable(rows, kind, share, seed) for kind, share in ((OTHER, options.other_share), (SWAPPED, options.swapped_share))
            ]
            self.dataset += features(encoder, [*rows, *made[0], *made[1]])
        if not self.dataset:
            raise InputError("The training files hold no rows with a question and a context.")
        self.model = ReaderModel(network, ReaderHead(encoder.width, options.head_dropout))
        self.collate = Collator(encoder)

    def reader(self) -> Reader:
        """The model as it is now."""
        network: Any = self.model.encoder
        return Reader(self.encoder.with_model(network), own_network(network, self.model.head), READING_WINDOW)

    def evaluate(self, validation: Files) -> dict[str, float]:
        """F1 of each file, its made questions without answer among the rows; ``score`` is their mean."""
        self.calibrate(validation)
        best = {Path(name).name.split(".")[0]: each["f1"] for name, each in self.final_scores(validation).items()}
        return {"score": sum(best.values()) / max(len(best), 1), **best}

    def calibrate(self, validation: Files) -> None:
        """Fit the scores on all validation files."""
        reader = self.reader()
        self._rows = {source: test_rows(check_rows(rows, source)) for source, rows in validation}
        self._read: dict[str, list[Read]] = {
            source: reader([row["question"] for row in rows], [row["context"] for row in rows]) for source, rows in self._rows.items()
        }
        self.settings = fit([(rows, self._read[source]) for source, rows in self._rows.items()])
        self._trials: dict[str, list[Trial]] = {source: trials(reader, Library(self.encoder), rows) for source, rows in validation}
        tried = [each for some in self._trials.values() for each in some]
        self.settings = fit_documents(self.settings, [(each.gold, each.held, each.asked) for each in tried])

    def final_scores(self, validation: Files) -> dict[str, dict[str, float]]:
        """Scores of each validation file."""
        return {
            Path(source).name: read_scores(rows, self._read[source], self.settings) | trial_scores(self._trials[source], self.settings)
            for source, rows in self._rows.items()
        }

    def save(self, folder: Path, method: str, extra: dict[str, Any]) -> None:
        """Write the adapter as it is now."""
        base = {"name": self.encoder.name, "revision": self.encoder.revision, "fingerprint": fingerprint(self.encoder.model)}
        about = {"task": "question-answering", "method": method, "base": base}
        save_adapter(folder, self.encoder, self.model.encoder, self.model.head, {**about, **asdict(self.settings), **extra})

    def restore_head(self, folder: Path) -> None:
        """Take the head's weights from a checkpoint."""
        load_head(self.model.head, folder)
