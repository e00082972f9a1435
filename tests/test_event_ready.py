"""Event detection by ready-made models: their labels are the types."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tasks import pipeline
from tasks.core.errors import InputError, ModelError
from tasks.event_detection.ready import beginnings, event_types
from tests.events import BIO, TEXT


def test_the_types_of_a_ready_made_model_are_its_labels(make_classifier: Callable[..., Path]) -> None:
    assert pipeline("event-detection", str(make_classifier(BIO))).labels == ["Attack", "Flood"]
    assert pipeline("event-detection", str(make_classifier(["Other", "Flood"], "message"))).labels == ["Flood"]


@pytest.mark.parametrize(
    ("labels", "types"),
    [
        (["O", "B-Attack", "I-Attack"], [None, "Attack", "Attack"]),
        (["none", "Attack"], [None, "Attack"]),
        (["No_event", "not labeled", "Flood"], [None, None, "Flood"]),
    ],
)
def test_tags_become_types(labels: list[str], types: list[str | None]) -> None:
    assert event_types("a model", dict(enumerate(labels))) == types


@pytest.mark.parametrize("per", ["word", "message"])
def test_labels_that_are_only_numbers_are_refused(make_classifier: Callable[..., Path], per: str) -> None:
    with pytest.raises(ModelError, match=r"labels of .* are only numbers \(LABEL_0, …\): name them in id2label"):
        pipeline("event-detection", str(make_classifier(["LABEL_0", "LABEL_1"], per)))


def test_a_type_that_a_ready_made_model_does_not_know_is_refused(make_classifier: Callable[..., Path]) -> None:
    ready = pipeline("event-detection", str(make_classifier(BIO)))
    with pytest.raises(InputError, match="knows no event type 'Storm': choose among Attack, Flood"):
        ready(TEXT, labels=["Flood", "Storm"])


def test_a_choice_of_types_leaves_out_the_others(make_classifier: Callable[..., Path]) -> None:
    ready = pipeline("event-detection", str(make_classifier(["none", "Attack", "Flood"])))
    assert {event.type for event in ready(TEXT, threshold=0).events} == {"Attack", "Flood"}
    assert {event.type for event in ready(TEXT, ["Flood"], 0).events} == {"Flood"}


def test_tags_that_begin_without_a_b_begin_a_trigger() -> None:
    found = [(2, 0, 0.9), (3, 0, 0.8), (4, 1, 0.7), (5, 1, 0.6), (8, 0, 0.5)]
    assert beginnings(found, {3, 4, 8}) == [(2, 0, 0.9), (4, 1, 0.7), (5, 1, 0.6), (8, 0, 0.5)]
