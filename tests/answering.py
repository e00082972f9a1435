"""A stand-in for the pipeline of question answering: it reads by rules, over a real library."""

from __future__ import annotations

import re
import threading
import time
from typing import Any

import numpy as np

from tasks.core.types import Coverage, Span
from tasks.question_answering.documents.index import PassageIndex
from tasks.question_answering.library import Library
from tasks.question_answering.types import Answer, AnswerResult, Evidence

WIDTH = 64
THING = re.compile(r"\b(?:[A-Z]\w+(?: [A-Z]\w+)*|\d[\d,.]*\d|\d)\b")
SENTENCE = re.compile(r"[^.!?]+[.!?]?")
SMALL = {"a", "an", "the", "of", "in", "is", "was", "to", "who", "what", "how", "many", "when", "where", "did", "does", "it"}
SECRET = "secret path /srv/model.bin"


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold())) - SMALL


def embed(texts: list[str]) -> Any:
    """Texts are as close as the words that they share; those that are about patience take their time."""
    made = np.full((len(texts), WIDTH), 1e-6, np.float32)
    for row, text in zip(made, texts, strict=True):
        if "patience" in text:
            time.sleep(3)
        for word in words(text):
            row[sum(word.encode()) % WIDTH] += 1
    return made


def written(context: str | None, place: Evidence | None, start: int, end: int) -> str:
    """The words at these offsets of the text, or of the document that ``place`` names."""
    if place is None:
        return (context or "")[start:end]
    return place.passage.text[start - place.passage.start : end - place.passage.start]


class Shelves(Library):
    """A real library over the words' embedding."""

    def __init__(self) -> None:
        self.index = PassageIndex(embed)
        self._lock = threading.Lock()


class Finder:
    """A stand-in for the pipeline: names and numbers of the sentences that share words with the question, by how many they share."""

    def library(self) -> Shelves:
        return Shelves()

    def __call__(self, question: str, context: str | None = None, documents: Any = None, top_k: int = 1) -> AnswerResult:
        if "explode" in question:
            raise RuntimeError(SECRET)
        if documents is None:
            assert context is not None
            return self.result(question, [(*each, None) for each in self.spans(question, context)], context, top_k, len(context))
        found: list[tuple[float, int, int, Any]] = []
        texts = {name: documents.index.document(name) for name in documents.names}
        for passage, _ in documents.index.search(question, 8):
            evidence = Span(passage.start, passage.end, passage.text)
            for score, start, end in self.spans(question, passage.text):
                at = passage.start + start
                place = Evidence(passage.document, texts[passage.document].page(at), evidence)
                found.append((score, at, passage.start + end, place))
        return self.result(question, found, None, top_k, documents.characters)

    def spans(self, question: str, text: str) -> list[tuple[float, int, int]]:
        asked = words(question)
        found = []
        for sentence in SENTENCE.finditer(text):
            share = len(asked & words(sentence[0])) / max(1, len(asked))
            for match in THING.finditer(text, *sentence.span()):
                if share and not words(match[0]) <= asked and words(match[0]):
                    found.append((0.97 * share, *match.span()))
        return found

    def result(self, question: str, found: list[Any], context: str | None, top_k: int, total: int) -> AnswerResult:
        answers = [Answer(written(context, place, start, end), score, start, end, place) for score, start, end, place in found]
        none = 1 - max((each.score for each in answers), default=0.0)
        answers.append(Answer("", none, 0, 0))
        answers.sort(key=lambda each: -each.score)
        return AnswerResult(question, tuple(answers[:top_k]), none, Coverage(total, total))
