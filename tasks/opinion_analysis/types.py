"""What opinion analysis returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.core.types import Coverage, Result, Span, check_score

POLARITIES = ("positive", "negative", "neutral")
STANCES = ("favor", "against", "neutral")


@dataclass(frozen=True, slots=True)
class Label(Result):
    """The likeliest label, its probability, and the probability of each."""

    label: str
    score: float
    scores: dict[str, float]

    def __post_init__(self) -> None:
        check_score(self.score)
        if self.scores.get(self.label) != self.score:
            raise ValueError(f"Label {self.label!r} does not have its score among {self.scores}.")

    @classmethod
    def of(cls, labels: Sequence[str], shares: Sequence[float]) -> Label:
        """The label with the highest of ``shares``, which sum to 1; the first of equal ones."""
        scores = dict(zip(labels, shares, strict=True))
        best = max(labels, key=lambda label: scores[label])
        return cls(best, scores[best], scores)


@dataclass(frozen=True, slots=True)
class Opinion(Result):
    """What is judged and the words that judge it; one of the two may be None: not said in the text."""

    target: Span | None
    expression: Span | None
    polarity: str
    score: float

    def __post_init__(self) -> None:
        check_score(self.score)
        if self.target is None and self.expression is None:
            raise ValueError("An opinion needs a target or an expression.")
        if self.polarity not in POLARITIES:
            raise ValueError(f"{self.polarity!r} is no polarity.")


@dataclass(frozen=True, slots=True)
class OpinionResult(Result):
    """The overall polarity of one text, its opinions in text order, and its stance where a proposal was given."""

    text: str
    polarity: Label
    opinions: tuple[Opinion, ...]
    stance: Label | None
    coverage: Coverage

    def __post_init__(self) -> None:
        for opinion in self.opinions:
            for span in (opinion.target, opinion.expression):
                if span is not None and self.text[span.start : span.end] != span.text:
                    raise ValueError(f"{span} is not in the text.")
