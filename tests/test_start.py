"""What each app says of itself, of which the start page is made; that page in a browser: ``test_browser``."""

from __future__ import annotations

import re
from html import unescape

import pytest

from apps import components, render, showcase
from apps.about import About, about
from tasks.core.types import Coverage, Span
from tasks.event_detection.types import Event, EventResult
from tests.stand_ins import load


@pytest.mark.parametrize("task", showcase.names())
def test_every_app_tells_what_it_does_and_why_and_shows_it(task: str) -> None:
    said = about(task)
    assert said.live and said.usage and len(said.what) < 260 and 60 < len(said.why) < 260
    shown = said.live.run(components.LazyPipelines(load))
    words = unescape(re.sub(r"<[^>]+>", " ", shown))
    assert len(set(re.findall(r"\w{4,}", words)) & set(re.findall(r"\w{4,}", said.live.given))) >= 1
    assert "data-steer" not in shown  # a card has nothing that would answer the press


def test_an_app_that_says_nothing_is_told_by_its_docstring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("apps.event_detection.ABOUT")
    said = about("event-detection")
    assert said == About("Event detection: triggers in a text, of the shipped types or of the user's own, and the disaster monitor.")


def test_marked_events_are_escaped() -> None:
    text = "<b>flood</b> & co"
    event = Event("<i>flood</i>", 0.9, Span.of(text, 3, 8))
    shown = render.marked(EventResult(text, (event,), Coverage(len(text), len(text))))
    assert shown.startswith('<p class="told-events">&lt;b&gt;<mark') and "flood <b>&lt;i&gt;flood&lt;/i&gt;</b></mark>" in shown
    assert "(no event found)" in render.marked(EventResult(text, (), Coverage(len(text), len(text))))
