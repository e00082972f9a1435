"""Answers from documents: the passages that fit a question are read, and their spans stand in one list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tasks.core.types import Span
from tasks.question_answering.decode import Found, Read, Settings, shares
from tasks.question_answering.library import Hit
from tasks.question_answering.reader import Reader
from tasks.question_answering.types import Answer, Evidence

PASSAGES = 8  # that are read for each question


class Candidate(NamedTuple):
    """A span of a passage; ``rivals``: log of its share among the spans of all passages that were read for the question."""

    found: Found
    rivals: float
    hit: Hit

    def answer(self, score: float) -> Answer:
        """The span as an answer, with its evidence."""
        document, passage, _ = self.hit
        start, end = passage.start + self.found.start, passage.start + self.found.end
        evidence = Evidence(document.name, document.page(start), Span(passage.start, passage.end, passage.text))
        return Answer(document.text[start:end], score, start, end, evidence)


class Asked(NamedTuple):
    """What was read for one question: the candidates, and for each passage what the reader says of it."""

    candidates: list[Candidate]
    read: list[Read]


def ask(reader: Reader, questions: Sequence[str], hits: Sequence[Sequence[Hit]], **options: Any) -> list[Asked]:
    """Read the passages ``hits`` of each question; ``options`` of ``Reader``."""
    pairs = [(question, hit) for question, found in zip(questions, hits, strict=True) for hit in found]
    read = iter(reader([question for question, _ in pairs], [hit.passage.text for _, hit in pairs], **options))
    return [_asked(found, [next(read) for _ in found]) for found in hits]


def _asked(hits: Sequence[Hit], read: list[Read]) -> Asked:
    spans = [(found, hit) for hit, each in zip(hits, read, strict=True) for found in each.spans]
    rivals = shares([found for found, _ in spans])
    return Asked([Candidate(found, share, hit) for (found, hit), share in zip(spans, rivals, strict=True)], read)


def document_answers(asked: Asked, settings: Settings, count: int, impossible: bool) -> tuple[list[Answer], float]:
    """The ``count`` likeliest answers, and the probability that the documents do not say; ``impossible`` as in ``answers_of``."""
    scored = [(settings.passage_score(each.found, each.rivals, each.hit.score), each) for each in asked.candidates]
    silent = settings.documents_none_score([score for score, _ in scored], asked.read)
    answers: list[Answer] = []
    for score, each in sorted(scored, key=lambda pair: -pair[0]):
        if len(answers) == count:
            break
        answer = each.answer(score)
        if not any(_overlap(answer, other) for other in answers):
            answers.append(answer)
    if impossible:
        answers.append(Answer("", silent, 0, 0))
    return sorted(answers, key=lambda each: -each.score)[:count], silent


def _overlap(one: Answer, other: Answer) -> bool:
    assert one.document is not None and other.document is not None
    return one.document.name == other.document.name and one.start < other.end and other.start < one.end
