"""Result types shared by the tasks: frozen, checked when built, and plain data through ``to_dict``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


class Result:
    """Base of result dataclasses."""

    def to_dict(self) -> dict[str, Any]:
        """Plain, JSON-safe data with the field names of the dataclass."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open character offsets into the user's text, and the text there."""

    start: int
    end: int
    text: str

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end or len(self.text) != self.end - self.start:
            raise ValueError(f"Span [{self.start}, {self.end}) does not fit its text {self.text[:40]!r}.")

    @classmethod
    def of(cls, text: str, start: int, end: int) -> Span:
        """The span ``text[start:end]``."""
        return cls(start, end, text[start:end])


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many characters of the text were read, of how many."""

    read: int
    total: int

    def __post_init__(self) -> None:
        if not 0 <= self.read <= self.total:
            raise ValueError(f"Coverage {self.read} of {self.total} is impossible.")


def check_score(score: float) -> None:
    """Raise ``ValueError`` unless ``score`` is a probability."""
    if not 0.0 <= score <= 1.0:
        raise ValueError(f"Score {score} is not a probability.")
