"""Event detection: exact offsets, the same answer in any company, the caller's labels, and refusals in one sentence."""

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
from tasks.core.errors import AdapterError, InputError, ModelError, UnknownTaskError
from tasks.core.types import Coverage, Span
from tasks.event_detection import fitting
from tasks.event_detection.data import merge_messages
from tasks.event_detection.lexicon import Lexicon
from tasks.event_detection.message import plain_message
from tasks.event_detection.ready import ReadyMade, beginnings, event_types
from tasks.event_detection.task import EventDetection, EventDetector
from tasks.event_detection.types import Event, EventResult

TEXT = "The flood hit the town. An earthquake struck, and people fled!"
MIXED = [
    "",
    TEXT,
    "😀 Zoë fled\r\nthe flood",
    "vote " * 150,
    " \n",
    "רעידת אדמה in the school",
    "A nurse.",
    "x" * 400 + " hit",
    "\ud83d the",
]
BIO = ["O", "B-Attack", "I-Attack", "B-Flood", "I-Flood"]
texts = st.one_of(
    st.text(max_size=200),
    st.text(st.characters(exclude_categories=()), max_size=80),
    st.lists(st.sampled_from([*MIXED, "é😀", "  ", "\x00", "...", "[SEP]", "<s>"]), max_size=6).map(" ".join),
)


def outline(result: EventResult) -> list[tuple[Any, ...]]:
    """The events of a result without their scores."""
    return [(event.type, event.trigger) for event in result.events]


def assert_same(one: EventResult, other: EventResult, tolerance: float = 1e-4) -> None:
    """The same events, with scores up to float noise."""
    assert (one.text, one.coverage, outline(one)) == (other.text, other.coverage, outline(other))
    assert [event.score for event in one.events] == pytest.approx([event.score for event in other.events], abs=tolerance)


def assert_exact(result: EventResult, text: str) -> None:
    assert result.text == text and result.coverage == Coverage(len(text), len(text))
    spans = [event.trigger for event in result.events if event.trigger is not None]
    assert all(text[span.start : span.end] == span.text and span.text.strip() for span in spans)
    assert [span.start for span in spans] == sorted({span.start for span in spans})
    assert all(0 <= event.score <= 1 for event in result.events)


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


# The caller's labels


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


# Ready-made models


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


# What training rows say of a word, and what development rows say of scores


def test_a_lexicon_weighs_a_words_types_and_knows_what_it_has_never_seen() -> None:
    rows = [
        {"text": "Flood, flood!", "events": [{"type": "Disaster", "trigger": {"start": 0, "end": 5}}]},
        {"text": "a flood", "events": []},
    ]
    lexicon = Lexicon.count(rows)
    assert (lexicon.seen["flood"], lexicon.types["flood"]) == (3, {"Disaster": 1})
    assert (lexicon.best_type("flood", 0.3), lexicon.best_type("flood", 0.5), lexicon.best_type("storm", 0.1)) == ("Disaster", None, None)
    evidence, unknown = lexicon.evidence(["flood", "a", "storm"], ["Disaster", "Voting"])
    assert evidence[0, 0] > evidence[0, 1] and evidence[2].tolist() == [0, 0] and unknown.flatten().tolist() == [0, 0, 1]
    again = Lexicon.of(lexicon.to_dict())
    assert (again.seen, again.types) == (dict(lexicon.seen), dict(lexicon.types))


def test_scores_that_fall_with_the_truth_are_left_as_they_are(tiny: EventDetection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "fit_sigmoid", lambda features, right: ([-0.5], 7.0))
    fitted = fitting.fit_scores(tiny, [[{"text": TEXT, "events": []}]], tiny.settings.label_sets["tiny"])
    assert (fitted.temperature, fitted.shift) == (1.0, 0.0)


# Messages


@pytest.mark.parametrize(
    ("message", "plain"),
    [
        ("RT @someone: #StormWatch roads closed http://x.example/y", "Storm Watch roads closed"),
        ("rivers &amp; dams", "rivers & dams"),
        ("the bridge is clos…", "the bridge is"),
        ("http://x.example", "http://x.example"),
        ("", ""),
    ],
)
def test_messages_are_read_without_addressing_and_links(message: str, plain: str) -> None:
    assert plain_message(message) == plain


def test_reposts_are_one_row_with_the_type_of_most() -> None:
    rows = [
        {"text": text, "type": name} for text, name in [("Roads closed", "A"), ("RT @x: roads closed", "B"), ("Roads closed http://y", "B")]
    ]
    (merged,) = merge_messages(rows)
    assert merged["text"].lower() == "roads closed" and [event["type"] for event in merged["events"]] == ["B"]


# The shipped adapters: sentences written for these tests

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
