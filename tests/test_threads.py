"""Threads: pipelines over one encoder never see each other's adapter, labels or truncation."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tasks import pipeline
from tasks.core.encoder import Encoder
from tasks.event_detection.types import EventResult

TEXTS = ["The flood hit the town.", "An earthquake struck, and people fled! " * 20, "vote in the school", "😀 a nurse " * 30]
LABELS = [None, ["flood", "a vote"], ["people leave the town", "school", "nurse"]]


def rounded(result: EventResult) -> list[Any]:
    return [(event.type, event.trigger, pytest.approx(event.score, abs=1e-4)) for event in result.events]


def test_two_adapters_over_one_encoder_answer_from_eight_threads_as_from_one(bert: Path, make_adapter: Callable[..., Path]) -> None:
    folders = [make_adapter(bert, seed=seed) for seed in (0, 1)]
    alone = [pipeline("event-detection", str(bert), str(folder)) for folder in folders]
    calls = [(which, text, labels) for which in (0, 1) for text in TEXTS for labels in LABELS]
    expected = [rounded(alone[which](text, labels, 0.2)) for which, text, labels in calls]
    assert expected[: len(calls) // 2] != expected[len(calls) // 2 :]  # the adapters do differ
    together = [pipeline("event-detection", str(bert), str(folder)) for folder in folders]  # with empty label caches
    order = random.Random(0).choices(range(len(calls)), k=300)

    def call(number: int) -> EventResult:
        which, text, labels = calls[number]
        result: EventResult = together[which](text, labels, 0.2)
        return result

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(call, order))
    for number, result in zip(order, results, strict=True):
        assert [(event.type, event.trigger, event.score) for event in result.events] == expected[number]


def test_pipelines_loaded_from_eight_threads_are_right(bert: Path, make_adapter: Callable[..., Path]) -> None:
    folders = [str(make_adapter(bert, seed=seed)) for seed in (2, 3)]
    expected = [rounded(pipeline("event-detection", str(bert), folder)(TEXTS[0], None, 0)) for folder in folders]
    with ThreadPoolExecutor(8) as pool:
        loaded = list(pool.map(lambda number: pipeline("event-detection", str(bert), folders[number % 2])(TEXTS[0], None, 0), range(16)))
    for number, result in enumerate(loaded):
        assert [(event.type, event.trigger, event.score) for event in result.events] == expected[number % 2]


def test_embedding_labels_never_cuts_the_texts_of_another_thread(encoder: Encoder) -> None:
    text = "flood " * 2000

    def work(number: int) -> int:
        if number % 2:
            return len(encoder.embed([f"label {number}", text]))
        return encoder.windower([text])[0][0].count

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(work, range(400))) == {2, 2000}
