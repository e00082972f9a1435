"""The event-detection pipeline: load, call, stream.

python -m tasks event-detection "A 7.1 earthquake struck off the coast on Sunday."
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, overload

import torch

from tasks.core.adapters import inside, load_head, open_adapter
from tasks.core.calibration import Calibration
from tasks.core.encoder import Encoder, load_config
from tasks.core.errors import AdapterError, InputError
from tasks.core.labels import check_labels
from tasks.core.text import check_text
from tasks.core.types import Coverage
from tasks.event_detection.data import LabelSets
from tasks.event_detection.decode import message_event, trigger_events
from tasks.event_detection.lexicon import FILE as LEXICON
from tasks.event_detection.lexicon import Lexicon
from tasks.event_detection.model import EventHead
from tasks.event_detection.scoring import Plan, Scorer
from tasks.event_detection.types import Event, EventResult

NAME = "event-detection"
FOLDER = Path(__file__).parent
CHUNK = 256  # texts sorted by length together: enough to leave little padding, few enough for a live progress bar
UNITS = ("word", "message")  # what an event is read off
CUSTOM = "custom"  # calibration of labels that are in no shipped set


@dataclass(frozen=True, slots=True)
class Settings:
    """What an adapter says of itself in ``task.json``: ``unit`` is ``"word"`` (triggers) or ``"message"``;
    ``default`` names the label set that is used where the caller gives none."""

    unit: str
    default: str
    label_sets: LabelSets
    calibration: dict[str, Calibration]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Settings:
        """From the fields of ``task.json``; raises ``AdapterError`` where one is missing."""
        try:
            calibration = {name: Calibration(**fields) for name, fields in data["calibration"].items()}
            texts = [text for labels in data["label_sets"].values() for text in labels.values()]
            if data["unit"] not in UNITS or not data["label_sets"][data["default"]] or not all(isinstance(text, str) for text in texts):
                raise ValueError("unit, default or label_sets")
            return cls(data["unit"], data["default"], data["label_sets"], calibration)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise AdapterError(f"task.json is damaged: {error!r} is missing or wrong. Get the adapter again.") from error

    def to_dict(self) -> dict[str, Any]:
        """The fields of ``task.json``."""
        return asdict(self)

    def known(self) -> dict[str, str]:
        """Every label that the adapter was trained on, with its description."""
        return {name: text for labels in reversed(list(self.label_sets.values())) for name, text in labels.items()}

    def set_of(self, label: str) -> str:
        """The first label set that holds ``label``, or ``CUSTOM``."""
        return next((key for key in (self.default, *self.label_sets) if label in self.label_sets[key]), CUSTOM)

    def calibration_of(self, key: str) -> Calibration:
        """The calibration of a label set; where it had no development rows, that of custom labels."""
        return self.calibration.get(key) or self.calibration.get(CUSTOM) or Calibration()

    def plan(self, names: Sequence[str]) -> Plan:
        """How to score these labels, each as if it stood alone."""
        sets = [self.set_of(name) for name in names]
        return Plan(names, [self.calibration_of(key) for key in sets], sets)

    def threshold_of(self, label: str) -> float:
        """The calibrated threshold of ``label``."""
        return self.calibration_of(self.set_of(label)).of(label)


class EventDetector:
    """What all event pipelines share: one text or many in, results of the same shape out."""

    labels: list[str]
    threshold: float

    @overload  # a str is a sequence of strings too
    def __call__(self, text: str, labels: Any = None, threshold: float | None = None) -> EventResult: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, text: Sequence[str], labels: Any = None, threshold: float | None = None) -> list[EventResult]: ...
    def __call__(self, text: str | Sequence[str], labels: Any = None, threshold: float | None = None) -> EventResult | list[EventResult]:
        """Events of one text, or of each text of a list, in order.

        ``labels``: the event types to look for (names, or name -> description; None: the default ones);
        ``threshold``: the least score in [0, 1] (None: the calibrated threshold of each type).
        Raises ``InputError``.
        """
        if isinstance(text, str):
            return next(self.stream([text], labels, threshold))
        if isinstance(text, Mapping | bytes | bytearray) or not hasattr(text, "__iter__"):
            raise InputError(f"Give one string or a list of strings, not {type(text).__name__}.")
        return list(self.stream(text, labels, threshold))

    def stream(self, texts: Sequence[str], labels: Any = None, threshold: float | None = None) -> Iterator[EventResult]:
        """Results one after the other, in order, while later texts are still to be read: for progress bars."""
        if threshold is not None and not (isinstance(threshold, int | float) and 0 <= threshold <= 1):
            raise InputError(f"threshold must be a number from 0 to 1, not {threshold!r}.")
        if isinstance(labels, Iterator):
            labels = list(labels)  # every chunk reads them again
        rest = iter(texts)
        while chunk := [check_text(text) for text in islice(rest, CHUNK)]:
            for text, events in zip(chunk, self._detect(chunk, labels, threshold), strict=True):
                yield EventResult(text, events, Coverage(len(text), len(text)))

    def _detect(self, texts: list[str], labels: Any, threshold: float | None) -> list[tuple[Event, ...]]:
        raise NotImplementedError


class EventDetection(EventDetector):
    """An encoder with an adapter: units of text matched against label texts. Safe to call from several threads."""

    def __init__(self, encoder: Encoder, head: EventHead, settings: Settings, lexicons: Mapping[str, Lexicon]) -> None:
        self.settings, self.scorer = settings, Scorer(encoder, head, settings.unit, lexicons)
        self.labels = list(settings.label_sets[settings.default])
        self.threshold = settings.calibration.get(settings.default, Calibration()).threshold

    def _detect(self, texts: list[str], labels: Any, threshold: float | None) -> list[tuple[Event, ...]]:
        chosen = self.settings.label_sets[self.settings.default] if labels is None else check_labels(labels, self.settings.known())
        names = list(chosen)
        least = [self.settings.threshold_of(name) if threshold is None else threshold for name in names]
        tokens, found, continues = self.scorer.candidates(texts, chosen, self.settings.plan(names), torch.tensor(least))
        if self.settings.unit == "message":
            return [message_event(candidates, names) for candidates in found]
        return [trigger_events(*each, names) for each in zip(texts, tokens, found, continues, strict=True)]


def read_lexicons(folder: Path) -> dict[str, Lexicon]:
    """The lexicons of an adapter, one a label set; none where it has no such file."""
    path = inside(folder, LEXICON)
    if not path.exists():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return {key: Lexicon.of(words) for key, words in data.items()}
    except (ValueError, AttributeError, RecursionError) as error:
        raise AdapterError(f"{LEXICON} in {str(folder)!r} is damaged: get the adapter again.") from error


def load(
    model: str | None = None, adapter: str | None = "shipped", revision: str | None = None, device: str | None = None
) -> EventDetector:
    """The pipeline over an encoder and an adapter, or over a ready-made token or sequence classifier of the Hub.

    Raises ``ModelError`` or ``AdapterError``.
    """
    from tasks.event_detection.ready import ReadyMade, is_ready_made

    if model is not None and is_ready_made(load_config(model, revision)):
        return ReadyMade.load(model, revision, device)
    if adapter is None:
        raise AdapterError("A plain encoder finds no events by itself: give an adapter, or a token-classification model.")
    folder, data, merged = open_adapter(FOLDER, NAME, model, adapter, revision, device)
    head = EventHead(merged.width)
    load_head(head, folder)
    return EventDetection(merged, head.to(merged.device).eval().requires_grad_(False), Settings.of(data), read_lexicons(folder))
