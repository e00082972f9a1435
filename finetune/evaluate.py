"""Scores of a pipeline on rows, beside trivial baselines learned from the training rows.

python -m finetune.evaluate --task event-detection --validation_file dev.jsonl --train_file train.jsonl
python -m finetune.evaluate --task event-detection --adapter runs/mine --validation_file dev.jsonl --update_card true
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from finetune.card import replace_scores, table
from finetune.config import Parser, check_share
from finetune.rows import divide
from tasks import names, pipeline
from tasks.core.errors import FileError, InputError, QuipuError, UnknownTaskError
from tasks.core.files import read_rows


@dataclass
class EvaluateArguments:
    """What to evaluate, and on what."""

    task: str = field(default="", metadata={"help": "the task, such as event-detection"})
    validation_file: list[str] = field(default_factory=list, metadata={"help": "files of rows to score"})
    train_file: list[str] = field(default_factory=list, metadata={"help": "training rows of the baselines; left out: none"})
    catalogue_file: str | None = field(default=None, metadata={"help": "items of a recommender, which the training rows rate"})
    dev_share: float = field(
        default=0.0, metadata={"help": "as in training: score this share of the rows, the baseline learns from the rest"}
    )
    model: str | None = field(default=None, metadata={"help": "encoder or ready-made model: a Hub id or a folder"})
    adapter: str = field(default="shipped", metadata={"help": "a shipped adapter's name, a folder or a Hub id"})
    revision: str | None = field(default=None, metadata={"help": "commit, tag or branch of what comes from the Hub"})
    device: str | None = field(default=None, metadata={"help": "torch device; default: CUDA where there is one"})
    output_file: str | None = field(default=None, metadata={"help": "write the scores as JSON there"})
    update_card: bool = field(default=False, metadata={"help": "put the table into the card of the adapter's folder"})

    def __post_init__(self) -> None:
        if self.task not in names():
            raise UnknownTaskError(f"--task must be one of {', '.join(names())}, not {self.task!r}.")
        check_share(self.dev_share)
        if not self.validation_file:
            raise InputError("There is nothing to score: give --validation_file.")
        for path in [*self.validation_file, *self.train_file]:
            if not Path(path).is_file():
                raise FileError(f"There is no file {path!r}.")
        if self.update_card and not (Path(self.adapter) / "README.md").is_file():
            raise InputError("--update_card needs --adapter FOLDER, with the model card README.md in it.")


def evaluate(arguments: EvaluateArguments) -> dict[str, dict[str, float]]:
    """Scores of each file, and of the baselines where there are training rows."""
    module = importlib.import_module(f"tasks.{arguments.task.replace('-', '_')}.evaluation")
    share = arguments.dev_share
    train = [row for path in arguments.train_file for row in (divide(read_rows(path), share)[0] if share else read_rows(path))]
    catalogue = {"items": arguments.catalogue_file, "ratings": train or None} if arguments.catalogue_file else {}
    loaded = pipeline(arguments.task, arguments.model, arguments.adapter, arguments.revision, arguments.device, **catalogue)
    result: dict[str, dict[str, float]] = {}
    for path in arguments.validation_file:
        rows: list[dict[str, Any]] = divide(read_rows(path), share)[1] if share else read_rows(path)
        result[Path(path).name] = module.scores(loaded, rows)
        if train:
            result |= {f"{Path(path).name}, {name}": figures for name, figures in module.baselines(loaded, train, rows).items()}
    return result


def main(arguments: Sequence[str]) -> int:
    """Evaluate, print a table; returns the exit code."""
    try:
        (ours,) = Parser(EvaluateArguments).read(arguments)  # type: ignore[arg-type]
        result = evaluate(ours)
        if ours.update_card:
            replace_scores(Path(ours.adapter), result)
    except (QuipuError, ValueError) as error:
        print(f"finetune.evaluate: {error}", file=sys.stderr)
        return 2
    if ours.output_file:
        Path(ours.output_file).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
