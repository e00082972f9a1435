"""Event detection: exact offsets, one shape of results, the same answer in any company, long texts, and refusals in one sentence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks import names, pipeline
from tasks.core.errors import AdapterError, InputError, UnknownTaskError
from tasks.core.types import Coverage, Span
from tasks.event_detection.ready import ReadyMade
from tasks.event_detection.task import EventDetection, EventDetector
from tasks.event_detection.types import Event, EventResult
from tests.events import BIO, MIXED, TEXT, assert_exact, assert_same, texts


@pytest.fixture(scope="module", params=["adapter", "messages", "tagger", "bare tagger", "classifier"])
def detector(request: pytest.FixtureRequest, make_classifier: Callable[..., Path]) -> EventDetector:
    """Every kind of pipeline in turn."""
    if request.param in ("adapter", "messages"):
        found: EventDetector = request.getfixturevalue("tiny" if request.param == "adapter" else "tiny_messages")
        return found
    labels = {"tagger": BIO, "bare tagger": ["none", "Attack", "Flood"], "classifier": ["Other", "Attack", "Flood"]}[request.param]
    ready: EventDetector = pipeline("event-detection", str(make_classifier(labels, "message" if request.param == "classifier" else "word")))
    return ready


@pytest.fixture(scope="module")
def any_tiny(any_model: Path, make_adapter: Callable[..., Path]) -> EventDetection:
    """Triggers, over each kind of encoder."""
    loaded: EventDetection = pipeline("event-detection", str(any_model), str(make_adapter(any_model)))
    return loaded


@pytest.fixture(scope="module")
def any_tagger(kind: str, make_classifier: Callable[..., Path]) -> ReadyMade:
    """A ready-made token classifier of each kind."""
    loaded: ReadyMade = pipeline("event-detection", str(make_classifier(BIO, kind=kind)))
    return loaded


# Offsets


@settings(max_examples=60, deadline=None)
@given(text=texts, threshold=st.sampled_from([0.0, 0.3, None]))
def test_offsets_are_exact_in_any_text(any_tiny: EventDetection, text: str, threshold: float | None) -> None:
    assert_exact(any_tiny(text, threshold=threshold), text)


@settings(max_examples=40, deadline=None)
@given(text=texts)
def test_offsets_of_ready_made_taggers_are_exact_in_any_text(any_tagger: ReadyMade, text: str) -> None:
    assert_exact(any_tagger(text, threshold=0.2), text)


def test_triggers_are_found_where_they_stand(tiny: EventDetection) -> None:
    triggers = [event.trigger for event in tiny(TEXT, threshold=0).events if event.trigger]
    assert Span(4, 9, "flood") in triggers and TEXT[4:9] == "flood"


def test_a_word_longer_than_a_window_is_one_trigger_at_most(make_model: Callable[..., Path], make_adapter: Callable[..., Path]) -> None:
    roberta = make_model("roberta")
    result = pipeline("event-detection", str(roberta), str(make_adapter(roberta)))("x" * 10_000, threshold=0)
    assert [event.trigger for event in result.events] in ([Span(0, 10_000, "x" * 10_000)], [])


# Shape


def test_one_input_gives_one_result_and_a_list_a_list(detector: EventDetector) -> None:
    assert isinstance(detector(TEXT), EventResult)
    assert detector([]) == []
    for count in (1, 2, 300):
        results = detector([TEXT] * count)
        assert isinstance(results, list) and len(results) == count
    assert len(detector((TEXT, ""))) == len(detector(text for text in (TEXT, ""))) == 2


def test_options_do_not_change_the_shape(detector: EventDetector) -> None:
    for options in (
        {"threshold": 0.0},
        {"threshold": 1.0},
        {"labels": detector.labels[:1]},
        {"labels": dict.fromkeys(detector.labels, "")},
    ):
        assert [result.text for result in detector(MIXED, **options)] == MIXED


@pytest.mark.parametrize("blank", ["", " ", "\n\t\r\n", "\u200b", "\x00"])
def test_blank_text_gives_an_empty_result(detector: EventDetector, blank: str) -> None:
    assert detector(blank, threshold=0) == EventResult(blank, (), Coverage(len(blank), len(blank)))


def test_messages_have_one_event_at_most_and_no_trigger(tiny_messages: EventDetection) -> None:
    for result in tiny_messages([*MIXED, "flood " * 500], threshold=0):
        assert len(result.events) <= 1 and all(event.trigger is None for event in result.events)
    assert any(result.events for result in tiny_messages(MIXED, threshold=0))


def test_results_are_frozen_and_plain_data(tiny: EventDetection) -> None:
    result = tiny(TEXT, threshold=0)
    event = result.to_dict()["events"][0]
    assert event.keys() == {"type", "score", "trigger", "arguments"} and event["trigger"].keys() == {"start", "end", "text"}
    assert result.to_dict().keys() == {"text", "events", "coverage"}
    with pytest.raises(FrozenInstanceError):
        result.text = ""  # type: ignore[misc]


# The same answer in any company


def test_a_batch_answers_as_single_texts_in_any_order(detector: EventDetector) -> None:
    single = [detector(text, threshold=0.3) for text in MIXED]
    for batch in (MIXED, MIXED[::-1], [*MIXED[3:], *MIXED[:3]]):
        for result in detector(batch, threshold=0.3):
            assert_same(result, single[MIXED.index(result.text)])


def test_neighbours_do_not_change_a_result(any_tiny: EventDetection) -> None:
    alone = any_tiny(TEXT, threshold=0.3)
    for neighbours in (["flood " * 3000], ["a"] * 400, MIXED):
        assert_same(any_tiny([*neighbours, TEXT, *neighbours], threshold=0.3)[len(neighbours)], alone)


def test_the_order_of_labels_does_not_matter(detector: EventDetector) -> None:
    labels = sorted(detector.labels)
    for text in MIXED:
        assert_same(detector(text, labels, 0.3), detector(text, labels[::-1], 0.3))


def test_another_label_leaves_the_scores_of_the_others(tiny: EventDetection) -> None:
    own = ["storm warning", "people leave"]

    def scores(labels: list[str], name: str) -> dict[Span | None, float]:
        return {event.trigger: event.score for event in tiny(TEXT, labels, 0).events if event.type == name}

    for name in own:
        alone, beside = scores([name], name), scores([*own, "Voting", "nurse"], name)
        assert all(beside[span] == pytest.approx(alone[span], abs=1e-4) for span in beside)


def covered(result: EventResult) -> set[int]:
    """The places of a text that are part of a trigger; -1 for a whole message."""
    spans = [event.trigger for event in result.events]
    places = {place for span in spans for place in (range(span.start, span.end) if span else [-1])}
    return {place for place in places if place < 0 or not result.text[place].isspace()}


def test_a_higher_threshold_leaves_fewer_events(detector: EventDetector) -> None:
    steps = [detector(MIXED, threshold=threshold) for threshold in (0.0, 0.3, 0.6, 0.9, 1.0)]
    assert all(event.score >= 0.6 for result in steps[2] for event in result.events)
    for lower, higher in pairwise(steps):
        assert all(covered(fewer) <= covered(more) for more, fewer in zip(lower, higher, strict=True))


def test_without_a_threshold_each_type_has_its_own(tiny: EventDetection) -> None:
    calibration = tiny.settings.calibration["tiny"]
    assert calibration.of("Motion") != calibration.threshold
    events = [event for result in tiny(MIXED) for event in result.events]
    assert events and all(event.score >= calibration.of(event.type) for event in events)


# Long texts


def test_a_long_text_is_read_to_its_end(detector: EventDetector) -> None:
    short, long = "the flood hit the town .", "the flood hit the town . " * 1000  # 6,000 words
    result = detector(long, threshold=0.0 if isinstance(detector, EventDetection) else 0.2)
    assert_exact(result, long)
    if detector(short, threshold=0.2).events and result.events and result.events[0].trigger:
        assert result.events[-1].trigger and result.events[-1].trigger.end > len(long) - 100


def test_a_megabyte_is_read_in_bounded_time(tiny: EventDetection, tiny_messages: EventDetection) -> None:
    start = time.perf_counter()
    for text in ("flood " * 20_000, "x" * 1_000_000, "#" * 200_000):
        assert tiny(text).coverage == tiny_messages(text).coverage == Coverage(len(text), len(text))
    assert time.perf_counter() - start < 60


def test_the_stream_is_lazy(tiny: EventDetection) -> None:
    taken: list[int] = []

    def endless() -> Iterator[str]:
        while True:
            taken.append(1)
            yield "flood"

    stream: Any = tiny.stream
    results = stream(endless())
    assert next(results).text == "flood" and len(taken) < 1000


# What is refused


@pytest.mark.parametrize("wrong", [None, b"bytes", b"", bytearray(b"a"), 5, 1.5, {"text": "a"}, {}, object()])
def test_an_input_that_is_no_text_is_refused(detector: EventDetector, wrong: Any) -> None:
    with pytest.raises(InputError, match="Give one string or a list of strings, not "):
        detector(wrong)


@pytest.mark.parametrize("wrong", [[None], ["fine", None], ["fine", b"bytes"], [["nested"]], [5]])
def test_a_list_that_holds_anything_else_is_refused(detector: EventDetector, wrong: Any) -> None:
    with pytest.raises(InputError, match="A text must be a string, not "):
        detector(wrong)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan"), float("inf"), "0.5", [0.5]])
def test_a_threshold_outside_0_to_1_is_refused(detector: EventDetector, threshold: Any) -> None:
    with pytest.raises(InputError, match="threshold must be a number from 0 to 1, not "):
        detector(TEXT, threshold=threshold)


@pytest.mark.parametrize(
    "labels", [[], "flood", [""], ["a", "A"], [None], [str(n) for n in range(10_000)]], ids=lambda labels: str(labels)[:20]
)
def test_bad_labels_are_refused(detector: EventDetector, labels: Any) -> None:
    with pytest.raises(InputError, match="label"):
        detector(TEXT, labels=labels)


def test_an_unknown_task_is_refused_with_the_names_of_all() -> None:
    assert "event-detection" in names() and "core" not in names()
    for wrong in ("event_detection", "summarization", "", "core", "../core", None):
        with pytest.raises(UnknownTaskError, match=r"Unknown task .*: choose one of .*event-detection"):
            pipeline(wrong)  # type: ignore[arg-type]


def test_a_plain_encoder_without_an_adapter_is_refused(bert: Path) -> None:
    with pytest.raises(AdapterError, match="give an adapter, or a token-classification model"):
        pipeline("event-detection", str(bert), adapter=None)


def test_half_an_event_is_never_built() -> None:
    for wrong in (
        lambda: Span(3, 3, ""),
        lambda: Span(0, 2, "abc"),
        lambda: Event("", 0.5, None),
        lambda: Event("Flood", 1.5, None),
        lambda: Event("Flood", float("nan"), None),
        lambda: EventResult("abc", (Event("Flood", 0.5, Span(0, 2, "xy")),), Coverage(3, 3)),
        lambda: Coverage(4, 3),
    ):
        with pytest.raises(ValueError):
            wrong()
