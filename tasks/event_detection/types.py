"""What event detection returns."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.core.types import Coverage, Result, Span, check_score


@dataclass(frozen=True, slots=True)
class Argument(Result):
    """A participant of an event: its role, and where the text names it."""

    role: str
    score: float
    span: Span

    def __post_init__(self) -> None:
        check_score(self.score)


@dataclass(frozen=True, slots=True)
class Event(Result):
    """An event of one type; ``trigger`` is None where the whole message reports it."""

    type: str
    score: float
    trigger: Span | None
    arguments: tuple[Argument, ...] = ()

    def __post_init__(self) -> None:
        check_score(self.score)
        if not self.type:
            raise ValueError("An event needs a type.")


@dataclass(frozen=True, slots=True)
class EventResult(Result):
    """The events of one text, in text order."""

    text: str
    events: tuple[Event, ...]
    coverage: Coverage

    def __post_init__(self) -> None:
        for event in self.events:
            span = event.trigger
            if span is not None and self.text[span.start : span.end] != span.text:
                raise ValueError(f"Trigger {span} is not in the text.")
