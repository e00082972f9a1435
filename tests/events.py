"""Texts to find events in, and what every result on them holds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st

from tasks.core.types import Coverage
from tasks.event_detection.types import EventResult

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
    """All of the text is read, and every trigger is where it says, in the order of the text."""
    assert result.text == text and result.coverage == Coverage(len(text), len(text))
    spans = [event.trigger for event in result.events if event.trigger is not None]
    assert all(text[span.start : span.end] == span.text and span.text.strip() for span in spans)
    assert [span.start for span in spans] == sorted({span.start for span in spans})
    assert all(0 <= event.score <= 1 for event in result.events)
