"""Training of event detection: what ``finetune`` calls (its ``train.py`` says what every task gives it)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from torch import nn

from tasks.core.adapters import fingerprint, load_head, save_adapter
from tasks.core.calibration import Calibration
from tasks.core.encoder import Encoder
from tasks.core.errors import FileError, InputError
from tasks.event_detection.data import Collator, LabelSets, Row, check_rows, choose_label_set, features, gold_events
from tasks.event_detection.evaluation import RAW, Candidates, calibrate, candidates, scores
from tasks.event_detection.model import EventHead, EventModel
from tasks.event_detection.task import CUSTOM, NAME, EventDetection, Settings


@dataclass
class Options:
    """Settings of event detection."""

    unit: str = field(default="word", metadata={"help": "what an event is read off: 'word' (triggers) or 'message'"})
    label_file: str | None = field(default=None, metadata={"help": "JSON: label set -> type -> description"})
    label_sample: int = field(default=0, metadata={"help": "labels of a set, beside the gold ones, that a batch encodes; 0: all"})
    hide_descriptions: float = field(default=0.3, metadata={"help": "how often a label stands without its description in training"})
    hold_out_types: int = field(default=0, metadata={"help": "types of the first set left out of training, to measure unseen labels"})
    max_empty: float = field(default=1.0, metadata={"help": "event-free rows of a file to train on, for each row with an event; 0: all"})
    custom_threshold: float | None = field(default=None, metadata={"help": "threshold for a user's own labels, measured on held-out types"})

    def __post_init__(self) -> None:
        if self.unit not in ("word", "message"):
            raise InputError(f"--unit must be 'word' or 'message', not {self.unit!r}.")


class Training:
    """Data, model and evaluation of one run. The first training file's label set is the default one."""

    options_class = Options
    metric = "f1"

    def __init__(self, encoder: Encoder, network: nn.Module, options: Options, train: Sequence[tuple[str, list[Row]]], seed: int) -> None:
        self.encoder, self.options = encoder, options
        self.declared = read_label_file(options.label_file)
        self.sets: LabelSets = {}  # what is trained on
        self.complete: LabelSets = {}  # the same with the types that are held out
        self.train_rows: list[tuple[str, list[Row]]] = []
        self.dataset: list[dict[str, Any]] = []
        self.held_out: list[str] = []
        for source, rows in train:
            self._add(source, check_rows(rows, source), seed)
        if not self.dataset:
            raise InputError("The training files hold no rows with text.")
        self.default = next(iter(self.sets))
        units = sum(len(feature["first"]) for feature in self.dataset) / len(self.dataset)
        self.model = EventModel(network, EventHead(encoder.width), units)
        self.collate = Collator(encoder, self.sets, options.label_sample, options.hide_descriptions, seed)
        self.settings = Settings(options.unit, self.default, self.sets, {})

    def _add(self, source: str, rows: list[Row], seed: int) -> None:
        name, labels = choose_label_set(rows, self.declared, Path(source).name.split(".")[0])
        if not self.sets and self.options.hold_out_types:
            if self.options.hold_out_types >= len(labels):
                raise InputError(f"--hold_out_types must leave some of the {len(labels)} types of set {name!r} to train on.")
            self.held_out = Random(seed).sample(sorted(labels), self.options.hold_out_types)
        self.complete.setdefault(name, labels)
        self.sets.setdefault(name, self._without_held_out(labels))
        if self.options.unit == "word" and self.options.max_empty:
            rows = thin_out(rows, self.options.max_empty, seed)
        self.train_rows.append((source, rows))
        self.dataset += features(self.encoder, rows, name, self.sets[name], self.options.unit)

    def pipeline(self) -> EventDetection:
        """The task's pipeline around the model as it is now."""
        network: Any = self.model.encoder
        return EventDetection(self.encoder.with_model(network), self.model.head, self.settings)

    def evaluate(self, validation: Sequence[tuple[str, list[Row]]]) -> dict[str, float]:
        """F1 of each validation file at its best threshold, and their mean as ``f1``: what early stopping watches."""
        found = {source: each for source, _, each in self._candidates(validation)}
        best = {f"{Path(source).name.split('.')[0]}_f1": each.best()[1].f1 for source, each in found.items()}
        return {"f1": sum(best.values()) / len(best), **best}

    def calibrate(self, validation: Sequence[tuple[str, list[Row]]]) -> None:
        """Fit temperature and thresholds of each label set on all validation files that use it."""
        groups: dict[str, list[Candidates]] = {}
        for _, key, each in self._candidates(validation):
            groups.setdefault(key, []).append(each)
        fitted = {key: calibrate(group) for key, group in groups.items() if key in self.sets}
        if self.default in fitted:
            common = fitted[self.default]
            least = common.threshold if self.options.custom_threshold is None else self.options.custom_threshold
            fitted[CUSTOM] = Calibration(common.temperature, common.shift, least)
        self.settings = replace(self.settings, calibration=fitted)

    def final_scores(self, validation: Sequence[tuple[str, list[Row]]]) -> dict[str, dict[str, float]]:
        """Scores of each validation file as a user gets them, at the calibrated thresholds; and on held-out types."""
        pipeline = self.pipeline()
        table = {Path(source).name: scores(pipeline, check_rows(rows, source)) for source, rows in validation}
        if self.held_out:
            calibration = self.settings.calibration.get(CUSTOM, RAW)
            unseen = {name: self.complete[self.default][name] for name in self.held_out}
            for source, rows in [*self.train_rows, *validation]:
                there = [row for row in rows if any(event["type"] in unseen for event in row.get("events", []))]
                if there:
                    table[f"{Path(source).name}, {len(unseen)} unseen types"] = candidates(pipeline, there, unseen, calibration).summary()
        return table

    def _without_held_out(self, labels: Mapping[str, str]) -> dict[str, str]:
        return {name: text for name, text in labels.items() if name not in self.held_out}

    def _candidates(self, validation: Sequence[tuple[str, list[Row]]]) -> list[tuple[str, str, Candidates]]:
        """For each file its source, its label set and its candidates; types that no set has count as the default set's."""
        pipeline = self.pipeline()
        result = []
        for source, rows in validation:
            name, labels = choose_label_set(check_rows(rows, source), self.declared | self.complete, "")
            if not name:
                name, labels = self.default, labels | self.complete[self.default]
            result.append((source, name, candidates(pipeline, rows, self._without_held_out(labels))))
        return result

    def save(self, folder: Path, method: str, extra: dict[str, Any]) -> None:
        """Write the adapter as it is now."""
        base = {"name": self.encoder.name, "revision": self.encoder.revision, "fingerprint": fingerprint(self.encoder.model)}
        settings = {"task": NAME, "method": method, "base": base, **self.settings.to_dict(), **extra}
        save_adapter(folder, self.encoder, self.model.encoder, self.model.head, settings)

    def restore_head(self, folder: Path) -> None:
        """Take the head's weights from a checkpoint."""
        load_head(self.model.head, folder)


def thin_out(rows: Sequence[Row], max_empty: float, seed: int) -> list[Row]:
    """The rows with events, and of the others so many for each of these, drawn once: silence is learned fast."""
    full, empty = ([row for row in rows if bool(gold_events(row)) is wanted] for wanted in (True, False))
    return full + Random(seed).sample(empty, min(len(empty), round(max_empty * len(full))))


def read_label_file(path: str | None) -> LabelSets:
    """Label sets of a JSON file, ``{}`` where there is none."""
    if path is None:
        return {}
    try:
        sets: LabelSets = json.loads(Path(path).read_text(encoding="utf-8"))
        return {key: {name: str(text or "") for name, text in labels.items()} for key, labels in sets.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise FileError(f"--label_file {path!r} is not a JSON object of label set -> type -> description: {error}") from error
