"""Answers and where they were found; each checks itself when built."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.core.types import Coverage, Result, Span, check_score


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where in which document an answer stands: ``name`` of the document, ``page`` (from 1; None where it has no pages),
    and the ``passage`` that was read, with its offsets in the document's text."""

    name: str
    page: int | None
    passage: Span


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: ``start`` and ``end`` are character offsets into the context, or into the text of the document that
    ``document`` names; "" and 0, 0 where the text does not say."""

    answer: str
    score: float
    start: int
    end: int
    document: Evidence | None = None

    def __post_init__(self) -> None:
        check_score(self.score)
        if not 0 <= self.start <= self.end or len(self.answer) != self.end - self.start:
            raise ValueError(f"The offsets [{self.start}, {self.end}) do not fit the answer {self.answer[:40]!r}.")
        if self.document is not None and self.answer:
            passage = self.document.passage
            at = self.start - passage.start
            if at < 0 or passage.text[at : at + len(self.answer)] != self.answer:
                raise ValueError(f"The answer {self.answer[:40]!r} is not in its passage.")


@dataclass(frozen=True, slots=True)
class AnswerResult(Result):
    """The answers to one question, the likeliest first; ``no_answer_score``: how likely it is that the text does not say."""

    question: str
    answers: tuple[Answer, ...]
    no_answer_score: float
    coverage: Coverage

    def __post_init__(self) -> None:
        check_score(self.no_answer_score)
        scores = [each.score for each in self.answers]
        if scores != sorted(scores, reverse=True):
            raise ValueError("Answers must stand in the order of their scores.")
