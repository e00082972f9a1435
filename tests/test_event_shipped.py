"""The shipped adapters for events: sentences written for these tests."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from tasks.event_detection.task import EventDetection
from tests.events import MIXED, assert_exact, assert_same, texts

FOUND = [
    ("disaster", "Last night a powerful earthquake struck the coast.", "earthquake", {"Catastrophe"}),
    ("disaster", "Firefighters rescued eleven hikers from the ridge.", "rescued", {"Rescuing"}),
    ("disaster", "The landslide destroyed two bridges.", "destroyed", {"Destroying"}),
    ("health", "Three patients died at the clinic on Monday.", "died", {"Death"}),
    ("health", "Nurses treated the wounded in tents.", "treated", {"Recovering", "Cure", "Giving", "Assistance"}),
    ("environment", "Lightning damaged the old oak and the chapel roof.", "damaged", {"Damaging"}),
    ("environment", "Volunteers built a new footpath through the wetland.", "built", {"Building", "Creating", "Manufacturing"}),
    ("education", "The university was founded by two teachers.", "founded", {"Creating", "Coming_to_be"}),
    ("democracy", "Residents protested in front of the town hall.", "protested", {"Protest"}),
    ("democracy", "The mayor was elected for a second term.", "elected", {"Choosing", "Change_of_leadership"}),
]
SILENT = ["It is a quiet green valley.", "My sister is taller than me.", "The box is made of oak.", "Seven is a prime number."]


def test_the_shipped_adapter_has_mavens_types_and_wikievents_by_name(shipped: EventDetection) -> None:
    assert len(shipped.labels) == 166 and "Catastrophe" in shipped.labels
    assert any(len(labels) == 33 for labels in shipped.settings.label_sets.values())


def test_the_shipped_adapter_finds_the_obvious_triggers(shipped: EventDetection) -> None:
    missed = []
    for (domain, _, trigger, types), result in zip(FOUND, shipped([text for _, text, _, _ in FOUND]), strict=True):
        found = {event.trigger.text: event.type for event in result.events if event.trigger}
        if found.get(trigger) not in types:
            missed.append((domain, trigger, found))
    assert len(missed) <= 2, missed


def test_the_shipped_adapter_is_mostly_silent_where_nothing_happens(shipped: EventDetection) -> None:
    assert sum(len(result.events) for result in shipped(SILENT)) <= 1


@pytest.mark.parametrize(
    ("text", "labels", "trigger", "name"),
    [
        ("After the earthquake the governor ordered the evacuation of the port.", ["earthquake", "evacuation"], "earthquake", "earthquake"),
        ("After the earthquake the governor ordered the evacuation of the port.", ["earthquake", "evacuation"], "evacuation", "evacuation"),
        ("The clinic began the vaccination of children on Friday.", {"vaccination": "people get a vaccine"}, "vaccination", "vaccination"),
    ],
)
def test_own_labels_find_their_trigger(shipped: EventDetection, text: str, labels: Any, trigger: str, name: str) -> None:
    found = {event.trigger.text: event.type for event in shipped(text, labels).events if event.trigger}
    assert found.get(trigger) == name, found


def test_the_shipped_adapter_reads_to_the_end_of_a_long_text(shipped: EventDetection) -> None:
    text = "It is a quiet green valley. " * 850 + "A powerful earthquake struck the coast."  # 5,000 words
    result = shipped(text)
    assert_exact(result, text)
    assert "earthquake" in {event.trigger.text for event in result.events if event.trigger}


def test_the_shipped_adapter_answers_alike_in_any_company(shipped: EventDetection) -> None:
    sentences = [text for _, text, _, _ in FOUND] + SILENT + MIXED
    single = [shipped(text) for text in sentences]
    for result in shipped(sentences[::-1]):
        assert_same(result, single[sentences.index(result.text)])


@settings(max_examples=20, deadline=None)
@given(text=texts)
def test_the_shipped_adapters_offsets_are_exact(shipped: EventDetection, text: str) -> None:
    assert_exact(shipped(text, threshold=0.05), text)


def test_the_crisis_adapter_says_what_a_message_reports(shipped_crisis: EventDetection) -> None:
    messages = {
        "Praying for everyone in the valley tonight, stay strong": "sympathy",
        "Please donate blankets and water at the fire station, volunteers needed": "donation",
        "The bridge on Route 9 has collapsed and the power is out": "infrastructure",
        "Twelve people killed and forty injured, officials say": "affected",
        "Storm warning until 9 pm: stay indoors and away from the river": "caution",
    }
    results = shipped_crisis(list(messages))
    assert all(len(result.events) <= 1 and all(event.trigger is None for event in result.events) for result in results)
    wrong = [r.text for r, word in zip(results, messages.values(), strict=True) if not r.events or word not in r.events[0].type.lower()]
    assert len(wrong) <= 1, wrong


def test_the_crisis_adapter_is_silent_where_nothing_is_reported(shipped_crisis: EventDetection) -> None:
    assert shipped_crisis("").events == ()
    assert sum(len(result.events) for result in shipped_crisis(["lol what a match", "new shoes today", "is it friday yet"])) <= 1
