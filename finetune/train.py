"""One trainer for every task: the stock ``Trainer`` with the task's own data, metrics and files.

    python -m finetune --task event-detection --train_file a.jsonl --validation_file b.jsonl --output_dir runs/a
    python -m finetune finetune/recipes/event_detection.yaml
    accelerate launch -m finetune finetune/recipes/event_detection.yaml --bf16

A task takes part by a ``training.py`` with ``Training(encoder, network, options, train, seed)``, where ``train``
is a list of (source, rows). It has ``options_class`` (a dataclass of flags), ``metric`` (the name that choosing
goes by), ``dataset`` (features with ``input_ids``), ``collate``, ``model`` (``forward`` returns a loss that is a
mean over rows; ``model.encoder`` is the network), ``evaluate(validation)``, ``calibrate(validation)``,
``final_scores(validation)``, ``save(folder, method, extra)`` and ``restore_head(folder)``.
"""

from __future__ import annotations

import copy
import inspect
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from torch import nn
from transformers import EarlyStoppingCallback, Trainer, TrainingArguments, set_seed
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR, HubStrategy

from finetune.card import write_card
from finetune.config import FinetuneArguments, training_of
from finetune.hub import explained, upload
from finetune.rows import read_splits
from tasks.core.adapters import ENCODER, LORA, check_base, find_adapter, lora_config, put_lora, read_settings
from tasks.core.encoder import Encoder, load_encoder, read_encoder
from tasks.core.errors import AdapterError, FileError, InputError, MissingPackageError
from tasks.core.files import Row

Splits = list[tuple[str, list[Row]]]


class TaskTrainer(Trainer):
    """``Trainer`` whose checkpoints are adapters and whose evaluation is the task's own."""

    def __init__(self, training: Any, validation: Splits, method: str, arguments: TrainingArguments, **options: Any) -> None:
        self.training, self.validation, self.method = training, validation, method
        super().__init__(training.model, arguments, training.collate, training.dataset, validation or None, **options)

    def evaluate(self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval") -> dict[str, float]:
        """The task's metrics on all validation files; every process computes the same."""
        self.training.model.eval()
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in self.training.evaluate(self.validation).items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def create_model_card(self, *arguments: Any, **options: Any) -> None:
        """The card is written at the end, with scores (``finetune.card``)."""

    def init_hf_repo(self, token: str | None = None, private: bool | None = None) -> None:
        """Create the repository before training starts, so that a missing login is not found out at the end."""
        with explained("Log in with `hf auth login`, or leave --push_to_hub out."):
            super().init_hf_repo(token, private)

    def push_to_hub(self, commit_message: str | None = "End of training", *arguments: Any, **options: Any) -> None:  # type: ignore[override]
        """Upload what lies in ``output_dir``, as it is: the finished adapter with its card."""
        if self.is_world_process_zero():
            upload(str(self.args.output_dir), str(self.hub_model_id), self.args, str(commit_message))

    def _push_from_checkpoint(self, checkpoint_folder: str) -> None:
        if self.is_world_process_zero() and self.args.hub_strategy != HubStrategy.END:
            upload(checkpoint_folder, str(self.hub_model_id), self.args, f"Training in progress, step {self.state.global_step}")

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        if self.args.should_save:
            self.training.save(Path(str(output_dir or self.args.output_dir)), self.method, {})

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        restore(self.training, Path(resume_from_checkpoint))

    def _load_best_model(self) -> None:
        restore(self.training, Path(str(self.state.best_model_checkpoint)))


def restore(training: Any, folder: Path) -> None:
    """Put a checkpoint's weights into the live model."""
    training.restore_head(folder)
    network = training.model.encoder
    if (folder / LORA).exists():
        put_lora(network, folder)
    elif (folder / ENCODER).is_dir():
        with torch.random.fork_rng(devices=[]):  # weights that are not there are drawn, which must not change the order of the rows
            network.load_state_dict(read_encoder(str(folder / ENCODER), None, "cpu").model.state_dict())


def start_from(training: Any, encoder: Encoder, ours: FinetuneArguments) -> None:
    """Begin with another adapter's weights; raises ``AdapterError`` where they don't fit."""
    home = Path(inspect.getfile(type(training))).parent
    folder = find_adapter(home, str(ours.adapter), None if ours.model else ours.revision)
    settings = read_settings(folder, str(ours.task))
    if settings["method"] != ours.method:
        raise AdapterError(f"The adapter {ours.adapter!r} was made with --method {settings['method']}: go on with the same.")
    if ours.method != "full":
        check_base(encoder, settings, folder)
    if ours.method == "lora":
        _check_lora(training.model.encoder.peft_config["default"], folder, str(ours.adapter))
    try:
        restore(training, folder)
    except RuntimeError as error:  # a whole encoder of another shape
        raise AdapterError(
            f"The encoder of the adapter {ours.adapter!r} does not fit {encoder.name!r}: go on with its own --model."
        ) from error


def _check_lora(config: Any, folder: Path, name: str) -> None:
    """Refuse LoRA weights of another rank, or of another scale, with which they would mean something else."""
    made = LoraConfig.from_pretrained(str(folder))
    for flag, theirs, own in (("lora_rank", made.r, config.r), ("lora_alpha", made.lora_alpha, config.lora_alpha)):
        if theirs != own:
            raise AdapterError(f"The adapter {name!r} was made with --{flag} {theirs}, not {own}: go on with the same.")


def wrap(encoder: Encoder, ours: FinetuneArguments) -> Any:
    """The network to train: a copy of the encoder's with LoRA, frozen, or free."""
    network: Any = copy.deepcopy(encoder.model)
    if ours.attention_dropout is not None:
        set_attention_dropout(network, ours.attention_dropout)
    if ours.method == "lora":
        return get_peft_model(network, lora_config(ours.lora_rank, ours.lora_alpha or 2 * ours.lora_rank, ours.lora_dropout))
    return network.requires_grad_(ours.method == "full")


def set_attention_dropout(network: nn.Module, share: float) -> None:
    """Drop ``share`` of the attention weights in training; raises ``InputError`` for an encoder that keeps it elsewhere."""
    if not 0 <= share < 1:
        raise InputError(f"--attention_dropout must be from 0 to below 1, not {share}.")
    layers: list[Any] = [module for module in network.modules() if hasattr(module, "is_causal")]
    for layer in layers:
        if isinstance(getattr(layer, "dropout", None), nn.Dropout):
            layer.dropout.p = share
        else:
            layer.attention_dropout = share
    if not layers:
        raise InputError("This encoder's attention dropout can't be set: leave --attention_dropout out.")


def train(ours: FinetuneArguments, options: Any, stock: TrainingArguments) -> dict[str, Any]:
    """Train, choose the best checkpoint, calibrate, and write the adapter with its card to ``output_dir``.

    Returns the scores of each validation file. Raises ``InputError`` for rows that don't fit the task.
    """
    start = time.monotonic()
    set_seed(stock.seed)
    splits, validation = read_splits(ours)
    if not validation and stock.eval_strategy != "no":
        raise InputError("There is nothing to choose on: give --validation_file, or --eval_strategy no --load_best_model_at_end false.")
    encoder = load_encoder(ours.model, ours.revision, "cpu")
    training = training_of(ours.task)(encoder, wrap(encoder, ours), options, splits, stock.seed)
    if ours.adapter:
        start_from(training, encoder, ours)
    callbacks = [EarlyStoppingCallback(ours.early_stopping_patience)] if ours.early_stopping_patience else []
    try:
        trainer = TaskTrainer(training, validation, ours.method, stock, callbacks=callbacks)
    except RuntimeError as error:  # --report_to names what is not installed
        raise MissingPackageError(str(error)) from error
    result = trainer.train(resume_from_checkpoint=_checkpoint(stock))
    training.model.eval()
    scores: dict[str, Any] = {}
    if validation:
        training.calibrate(validation)
        scores = training.final_scores(validation)
    if trainer.is_world_process_zero():
        folder = Path(str(stock.output_dir))
        run = _describe(ours, options, stock, training, {"steps": result.global_step, "seconds": round(time.monotonic() - start)})
        training.save(folder, ours.method, {"scores": scores, "run": run})
        write_card(folder, ours.card)
        if stock.push_to_hub:
            trainer.push_to_hub()
    return scores


def _checkpoint(stock: TrainingArguments) -> str | None:
    """What ``--resume_from_checkpoint`` means: a folder, or with "true" the last complete checkpoint if there is one."""
    wanted = str(stock.resume_from_checkpoint)
    if wanted.lower() in ("none", "false"):
        return None
    if wanted.lower() != "true":
        if not _complete(Path(wanted)):
            raise FileError(f"--resume_from_checkpoint {wanted!r} is no complete checkpoint: name another, or say true for the last one.")
        return wanted
    found = [folder for folder in Path(str(stock.output_dir)).glob(f"{PREFIX_CHECKPOINT_DIR}-*") if _complete(folder)]
    return str(max(found, key=lambda folder: int(folder.name.split("-")[-1]))) if found else None


def _complete(folder: Path) -> bool:
    """Whether a checkpoint was written to its end; a killed run may leave half of one. The state is what comes last."""
    try:
        json.loads((folder / TRAINER_STATE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def _describe(ours: FinetuneArguments, options: Any, stock: TrainingArguments, training: Any, figures: dict[str, Any]) -> dict[str, Any]:
    """What made this adapter, for its card: data by file name, never a path of the machine."""
    data: Counter[str] = Counter()
    for source, rows in training.train_rows:
        data[Path(source).name] += len(rows)
    settings = {
        "method": ours.method,
        "lora_rank": ours.lora_rank,
        "learning_rate": stock.learning_rate,
        "epochs": stock.num_train_epochs,
        "batch": stock.per_device_train_batch_size * stock.gradient_accumulation_steps * stock.world_size,
        "seed": stock.seed,
        "bf16": stock.bf16,
    }
    begun = {"started_from": Path(ours.adapter).name} if ours.adapter else {}
    return {"train_rows": dict(data), **begun, **settings, **figures}
