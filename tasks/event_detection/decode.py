"""Scores to events: plain functions over tensors, no model."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tasks.core.text import Tokens
from tasks.core.types import Span
from tasks.event_detection.types import Event

Candidate = tuple[int, int, float]  # unit, label, score


def best_labels(scores: Tensor, thresholds: Tensor) -> list[Candidate]:
    """Each unit's best label among those at or above their threshold.

    ``scores`` (units, labels) are probabilities, ``thresholds`` (labels,). Units with no such label are left
    out, so no Python runs for the words that are no triggers.
    """
    if not scores.numel():
        return []
    passing = torch.where(scores >= thresholds, scores, -1.0)
    best, label = passing.max(dim=1)
    units = torch.nonzero(best >= 0).squeeze(1)
    return list(zip(units.tolist(), label[units].tolist(), best[units].tolist(), strict=True))


def extend(word: int, continues: set[int]) -> int:
    """The last word of the trigger that begins at ``word``."""
    last = word
    while last + 1 in continues:
        last += 1
    return last


def trigger_span(text: str, tokens: Tokens, first: int, last: int) -> Span | None:
    """The characters of words ``first`` to ``last``, without punctuation that the tokenizer left on them; None where
    nothing is to be seen there (byte-level tokenizers make words of spaces)."""
    start, end = tokens.word_chars(first)[0], tokens.word_chars(last)[1]
    if not text[start:end].strip():
        return None
    inner_start, inner_end = start, end
    while inner_end > inner_start and not text[inner_end - 1].isalnum():
        inner_end -= 1
    while inner_start < inner_end and not text[inner_start].isalnum():
        inner_start += 1
    return Span.of(text, inner_start, inner_end) if inner_start < inner_end else Span.of(text, start, end)


def trigger_events(text: str, tokens: Tokens, found: Sequence[Candidate], continues: set[int], names: Sequence[str]) -> tuple[Event, ...]:
    """Events in text order from (word, label, score) candidates; ``continues`` are words inside a longer trigger."""
    best: dict[int, Candidate] = {}
    for candidate in found:  # a word longer than a window is scored in pieces
        if candidate[0] not in best or candidate[2] > best[candidate[0]][2]:
            best[candidate[0]] = candidate
    events = []
    for word, label, score in sorted(best.values()):
        span = trigger_span(text, tokens, word, extend(word, continues))
        if span is not None:
            events.append(Event(names[label], min(score, 1.0), span))
    return tuple(events)


def message_event(found: Sequence[Candidate], names: Sequence[str]) -> tuple[Event, ...]:
    """At most one event of a whole message: the best over its windows."""
    best = max(found, key=lambda candidate: candidate[2], default=None)
    return () if best is None else (Event(names[best[1]], min(best[2], 1.0), None),)
