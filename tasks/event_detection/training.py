"""Training of event detection: what ``finetune`` calls (its ``train.py`` says what every task gives it)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from torch import nn

from tasks.core.adapters import fingerprint, load_head, save_adapter, write_json
from tasks.core.calibration import Calibration
from tasks.core.encoder import Encoder
from tasks.core.errors import FileError, InputError
from tasks.event_detection.data import Collator, LabelSets, Row, check_rows, choose_label_set, features, gold_events
from tasks.event_detection.evaluation import candidates, scores
from tasks.event_detection.fitting import fit_scores, fit_thresholds_of
from tasks.event_detection.lexicon import FILE as LEXICON
from tasks.event_detection.lexicon import Lexicon
from tasks.event_detection.model import EventHead, EventModel
from tasks.event_detection.task import CUSTOM, NAME, EventDetection, Settings


@dataclass
class Options:
    """Settings of event detection."""

    unit: str = field(default="word", metadata={"help": "what an event is read off: 'word' (triggers) or 'message'"})
    label_file: str | None = field(default=None, metadata={"help": "JSON: label set -> type -> description"})
    hide_descriptions: float = field(default=0.3, metadata={"help": "share of batches that read bare label names, all of a set"})
    label_sample: int = field(default=0, metadata={"help": "labels of a set, beside the gold ones, that other batches read; 0: all"})
    bare_names: bool = field(default=False, metadata={"help": "read the label file's own labels without descriptions afterwards"})
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
        self._set_names: list[str] = []
        for source, rows in train:
            self._add(source, check_rows(rows, source), seed)
        if not self.dataset:
            raise InputError("The training files hold no rows with text.")
        self.default = next(iter(self.sets))
        units = sum(len(feature["first"]) for feature in self.dataset) / len(self.dataset)
        self.model = EventModel(network, EventHead(encoder.width), units, options.unit == "message")
        self.collate = Collator(encoder, self.sets, options.label_sample, options.hide_descriptions, seed)
        if options.bare_names:
            self.declared, self.sets, self.complete = (without_descriptions(sets) for sets in (self.declared, self.sets, self.complete))
        self.settings = Settings(options.unit, self.default, self.sets, {})
        self.lexicons = self._count_words() if options.unit == "word" else {}

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
        self._set_names.append(name)
        self.dataset += features(self.encoder, rows, name, self.sets[name], self.options.unit)

    def _count_words(self) -> dict[str, Lexicon]:
        """A lexicon of each label set, over the training files that use it."""
        files = {source: (name, rows) for name, (source, rows) in zip(self._set_names, self.train_rows, strict=True)}
        return {key: Lexicon.count(row for name, rows in files.values() if name == key for row in rows) for key in self.sets}

    def pipeline(self) -> EventDetection:
        """The task's pipeline around the model as it is now."""
        network: Any = self.model.encoder
        return EventDetection(self.encoder.with_model(network), self.model.head, self.settings, self.lexicons)

    def evaluate(self, validation: Sequence[tuple[str, list[Row]]]) -> dict[str, float]:
        """F1 of each validation file at its best threshold, and their mean as ``f1``: what early stopping watches."""
        pipeline = self.pipeline()
        found = {source: candidates(pipeline, rows, labels) for source, _, rows, labels in self._files(validation)}
        best = {f"{Path(source).name.split('.')[0]}_f1": each.best()[1].f1 for source, each in found.items()}
        return {"f1": sum(best.values()) / len(best), **best}

    def calibrate(self, validation: Sequence[tuple[str, list[Row]]]) -> None:
        """Fit the scores, then the thresholds, of each label set on all validation files that use it."""
        groups: dict[str, list[tuple[list[Row], dict[str, str]]]] = {}
        for _, key, rows, labels in self._files(validation):
            groups.setdefault(key, []).append((rows, labels))
        groups = {key: files for key, files in groups.items() if key in self.sets}
        raw = self.pipeline()
        fitted = {key: fit_scores(raw, [rows for rows, _ in files], files[0][1]) for key, files in groups.items()}
        self.settings = replace(self.settings, calibration=fitted)
        scored = self.pipeline()
        for key, files in groups.items():
            fitted[key] = fit_thresholds_of(fitted[key], [candidates(scored, rows, labels) for rows, labels in files])
        self.settings = replace(self.settings, calibration=fitted | self._custom(raw, fitted, groups))

    def _custom(
        self, raw: EventDetection, fitted: Mapping[str, Calibration], groups: Mapping[str, list[tuple[list[Row], dict[str, str]]]]
    ) -> dict[str, Calibration]:
        """For a user's own labels, of which no lexicon knows: the default set's scores fitted on the logit alone."""
        if self.default not in fitted:
            return {}
        bare = EventDetection(raw.scorer.encoder, raw.scorer.head, raw.settings, {})
        files = groups[self.default]
        alone = fit_scores(bare, [rows for rows, _ in files], files[0][1])
        least = fitted[self.default].threshold if self.options.custom_threshold is None else self.options.custom_threshold
        return {CUSTOM: replace(alone, threshold=least)}

    def final_scores(self, validation: Sequence[tuple[str, list[Row]]]) -> dict[str, dict[str, float]]:
        """Scores of each validation file as a user gets them, at the calibrated thresholds; and on held-out types."""
        pipeline = self.pipeline()
        table = {Path(source).name: scores(pipeline, check_rows(rows, source)) for source, rows in validation}
        if self.held_out:
            unseen = {name: self.complete[self.default][name] for name in self.held_out}
            for source, rows in [*self.train_rows, *validation]:
                there = [row for row in rows if any(event["type"] in unseen for event in row.get("events", []))]
                if there:
                    table[f"{Path(source).name}, {len(unseen)} unseen types"] = candidates(pipeline, there, unseen).summary()
        return table

    def _without_held_out(self, labels: Mapping[str, str]) -> dict[str, str]:
        return {name: text for name, text in labels.items() if name not in self.held_out}

    def _files(self, validation: Sequence[tuple[str, list[Row]]]) -> list[tuple[str, str, list[Row], dict[str, str]]]:
        """For each file its source, label set, rows and labels; types that no set has count as the default set's."""
        result = []
        for source, rows in validation:
            name, labels = choose_label_set(check_rows(rows, source), self.declared | self.complete, "")
            if not name:
                name, labels = self.default, labels | self.complete[self.default]
            result.append((source, name, rows, self._without_held_out(labels)))
        return result

    def save(self, folder: Path, method: str, extra: dict[str, Any]) -> None:
        """Write the adapter as it is now."""
        base = {"name": self.encoder.name, "revision": self.encoder.revision, "fingerprint": fingerprint(self.encoder.model)}
        settings = {"task": NAME, "method": method, "base": base, **self.settings.to_dict(), **extra}
        save_adapter(folder, self.encoder, self.model.encoder, self.model.head, settings)
        if self.lexicons:
            write_json(folder / LEXICON, {key: lexicon.to_dict() for key, lexicon in self.lexicons.items()}, indent=None)

    def restore_head(self, folder: Path) -> None:
        """Take the head's weights from a checkpoint."""
        load_head(self.model.head, folder)


def without_descriptions(sets: LabelSets) -> LabelSets:
    """The same label sets, by name alone."""
    return {key: dict.fromkeys(labels, "") for key, labels in sets.items()}


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
