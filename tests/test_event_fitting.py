"""What training rows say of a word, what development rows say of scores, and messages as they are read."""

from __future__ import annotations

import pytest

from tasks.event_detection import fitting
from tasks.event_detection.data import merge_messages
from tasks.event_detection.lexicon import Lexicon
from tasks.event_detection.message import plain_message
from tasks.event_detection.task import EventDetection
from tests.events import TEXT

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
