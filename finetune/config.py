"""Settings of a run: our dataclass, the task's own, and ``TrainingArguments``; from flags or one YAML recipe.

A recipe is a YAML file with the same names as the flags; flags given beside it win.
"""

from __future__ import annotations

import importlib
from argparse import ArgumentTypeError
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import torch
import yaml
from transformers import HfArgumentParser, TrainingArguments

from tasks import names
from tasks.core.errors import FileError, InputError, UnknownTaskError

METHODS = ("lora", "head", "full")
DEFAULTS = {
    "output_dir": "runs/finetune",
    "eval_strategy": "epoch",
    "save_strategy": "epoch",
    "logging_steps": 50,
    "per_device_train_batch_size": 32,
    "learning_rate": 1e-3,
    "lr_scheduler_type": "cosine",
    "warmup_steps": 0.1,
    "train_sampling_strategy": "group_by_length",
    "load_best_model_at_end": True,
    "save_total_limit": 2,
    "remove_unused_columns": False,
    "report_to": "none",
    "hub_strategy": "end",
}


@dataclass
class FinetuneArguments:
    """What to train, on what, and how much of the model."""

    task: str | None = field(default=None, metadata={"help": "the task, such as event-detection"})
    model: str | None = field(default=None, metadata={"help": "encoder: a Hub id or a folder (default: the embedded one)"})
    revision: str | None = field(default=None, metadata={"help": "commit, tag or branch of a Hub encoder"})
    train_file: list[str] = field(default_factory=list, metadata={"help": "JSONL, CSV or Parquet files of training rows"})
    validation_file: list[str] = field(default_factory=list, metadata={"help": "files of development rows, to choose and calibrate on"})
    dataset_name: str | None = field(default=None, metadata={"help": "rows from the Hub instead, through datasets"})
    dataset_config_name: str | None = field(default=None, metadata={"help": "configuration of --dataset_name"})
    dataset_revision: str | None = field(default=None, metadata={"help": "commit, tag or branch of --dataset_name"})
    train_split: str = field(default="train", metadata={"help": "training split of --dataset_name"})
    validation_split: str = field(default="validation", metadata={"help": "development split of --dataset_name"})
    hold_out: list[str] = field(
        default_factory=list, metadata={"help": "FIELD=VALUE ...: rows with one of these values are development rows, not training rows"}
    )
    dev_share: float = field(
        default=0.0, metadata={"help": "share of each training file's rows that are development rows instead: every 1/share-th one"}
    )
    max_rows: int | None = field(default=None, metadata={"help": "at most so many rows of each file, for a quick look"})
    adapter: str | None = field(default=None, metadata={"help": "start from this adapter: shipped, another's name, a folder or a Hub id"})
    method: str = field(default="lora", metadata={"help": "what is trained: lora (and head), head, or full"})
    lora_rank: int = field(default=32, metadata={"help": "rank of the LoRA matrices"})
    lora_alpha: int | None = field(default=None, metadata={"help": "LoRA scale times rank (default: twice the rank)"})
    lora_dropout: float = field(default=0.1, metadata={"help": "dropout before the LoRA matrices"})
    attention_dropout: float | None = field(
        default=None, metadata={"help": "dropout of attention weights; at 0 a CPU trains twice as fast (default: the encoder's own)"}
    )
    early_stopping_patience: int = field(default=0, metadata={"help": "evaluations without a gain before training stops; 0: never"})
    card: str | None = field(default=None, metadata={"help": "Markdown that the model card opens with: data, licences, use"})

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(f"--method must be one of {', '.join(METHODS)}, not {self.method!r}.")
        check_share(self.dev_share)
        if not self.train_file and not self.dataset_name:
            raise InputError("There is nothing to train on: give --train_file or --dataset_name.")
        if wrong := [each for each in self.hold_out if "=" not in each]:
            raise InputError(f"--hold_out takes FIELD=VALUE, not {wrong[0]!r}.")
        for path in [*self.train_file, *self.validation_file]:
            if not Path(path).is_file():
                raise FileError(f"There is no file {path!r}: check --train_file and --validation_file.")


def check_share(share: float) -> None:
    """Raise ``InputError`` unless ``--dev_share`` leaves rows on both sides."""
    if not 0 <= share <= 0.5:
        raise InputError(f"--dev_share must be from 0 to 0.5, not {share}.")


class Parser(HfArgumentParser):
    """The stock parser, whose errors are one sentence and not the usage of two hundred flags."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; --help lists the flags.")

    def read(self, flags: Sequence[str]) -> tuple[Any, ...]:
        """The dataclasses; raises ``InputError`` for a flag that there is not, or a value that does not fit."""
        *parsed, rest = self.parse_args_into_dataclasses(args=list(flags), return_remaining_strings=True)
        if rest:
            raise InputError(f"There is no flag {rest[0]!r}; --help lists the flags.")
        return tuple(parsed)


def training_of(task: str | None) -> Any:
    """The ``Training`` class of a task; raises ``UnknownTaskError``."""
    if task not in names():
        raise UnknownTaskError(f"--task must be one of {', '.join(names())}, not {task!r}.")
    return importlib.import_module(f"tasks.{task.replace('-', '_')}.training").Training


def parse(arguments: Sequence[str]) -> tuple[FinetuneArguments, Any, TrainingArguments]:
    """Our settings, the task's options and ``TrainingArguments``, from flags or from a recipe and flags."""
    recipe, rest = _split(arguments)
    training = training_of(_task(recipe, rest))
    parser = Parser((FinetuneArguments, training.options_class, TrainingArguments))  # type: ignore[arg-type]
    here = {"metric_for_best_model": training.metric, "use_cpu": not torch.accelerator.is_available()}
    settings = DEFAULTS | here | recipe
    known = {action.dest for action in parser._actions}
    if unknown := sorted(set(settings) - known):
        raise InputError(f"The recipe sets {unknown[0]!r}, which is no setting: see python -m finetune --task NAME --help.")
    parser.set_defaults(**{name: _typed(parser, name, value) for name, value in settings.items()})
    ours, options, stock = parser.read(rest)
    if stock.ddp_find_unused_parameters is None:
        stock.ddp_find_unused_parameters = False  # every parameter has a gradient; looking for others costs time
    return ours, options, stock


def _split(arguments: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """The recipe's settings where the first argument is one, and the flags."""
    if not arguments or not arguments[0].endswith((".yaml", ".yml")):
        return {}, list(arguments)
    try:
        recipe = yaml.safe_load(Path(arguments[0]).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise FileError(f"The recipe {arguments[0]!r} can't be read: {error}") from error
    if not isinstance(recipe, dict):
        raise FileError(f"The recipe {arguments[0]!r} must be a list of name: value.")
    return recipe, list(arguments[1:])


def _task(recipe: dict[str, Any], flags: Sequence[str]) -> str | None:
    for place, flag in enumerate(flags):
        if flag == "--task" and place + 1 < len(flags):
            return flags[place + 1]
        if flag.startswith("--task="):
            return flag.removeprefix("--task=")
    return recipe.get("task")


def _typed(parser: HfArgumentParser, name: str, value: Any) -> Any:
    """A recipe's value in its flag's type: YAML reads 1e-3 as text, a bare ``no`` as false, and one file as no list."""
    action = next(action for action in parser._actions if action.dest == name)
    if action.nargs in ("+", "*") and not isinstance(value, list):
        value = [value]
    if value is False and "no" in (action.choices or ()):
        value = "no"
    if not isinstance(value, str) or not callable(action.type):
        return value
    try:
        return action.type(value)
    except (ValueError, TypeError, ArgumentTypeError) as error:
        raise InputError(f"The recipe sets {name!r} to {value!r}, which is no {getattr(action.type, '__name__', 'such value')}.") from error
