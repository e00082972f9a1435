"""Event detection with the caller's own labels."""

from __future__ import annotations

import pytest

from tasks.event_detection.task import EventDetection
from tests.events import TEXT, assert_same


def test_labels_from_a_generator_last_for_all_texts(tiny: EventDetection) -> None:
    labels = ["people flee", "flood"]
    results = tiny([TEXT] * 600, (label for label in labels), 0)
    assert {event.type for result in results for event in result.events} <= set(labels)
    assert_same(results[-1], results[0])


def test_own_labels_keep_their_spelling(tiny: EventDetection) -> None:
    types = {event.type for event in tiny(TEXT, {" Überschwemmung_NEU ": "a flood"}, 0).events}
    assert types == {"Überschwemmung_NEU"}


def test_a_known_name_is_read_with_its_description(tiny: EventDetection) -> None:
    assert_same(tiny(TEXT, ["Disaster"], 0), tiny(TEXT, {"Disaster": "a flood or an earthquake"}, 0))
    other = tiny(TEXT, {"Disaster": "someone teaches a class"}, 0)
    assert [event.score for event in other.events] != pytest.approx([event.score for event in tiny(TEXT, ["Disaster"], 0).events], abs=1e-4)


def test_a_type_of_another_set_is_known_by_name(tiny: EventDetection) -> None:
    assert_same(tiny(TEXT, ["Teaching"], 0), tiny(TEXT, {"Teaching": "someone teaches"}, 0))
