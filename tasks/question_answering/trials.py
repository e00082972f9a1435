"""Development rows as documents: is the right paragraph found, and is it told when no document has the answer?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tasks.question_answering.asking import PASSAGES, Asked, ask, document_answers
from tasks.question_answering.data import Row
from tasks.question_answering.decode import Settings
from tasks.question_answering.documents.index import Method
from tasks.question_answering.documents.types import Document
from tasks.question_answering.library import Library
from tasks.question_answering.measures import f1
from tasks.question_answering.reader import Reader

QUESTIONS = 200  # of a file that are asked, half of them with their paragraph taken away
FIRST = 5  # documents among which the right one is looked for
METHODS: tuple[Method, ...] = ("hybrid", "dense", "bm25")


class Trial(NamedTuple):
    """A question, its answers, whether the documents hold them, and what was read for it."""

    question: str
    gold: Sequence[str]
    held: bool
    asked: Asked


def paragraphs(rows: Sequence[Row]) -> dict[str, str]:
    """The different contexts of the rows, with a name each."""
    return {context: f"{number}" for number, context in enumerate(dict.fromkeys(row["context"] for row in rows), 1)}


def trials(reader: Reader, library: Library, rows: Sequence[Row]) -> list[Trial]:
    """Questions to every other paragraph of the rows, as documents of an empty ``library``: as many that these answer as that they
    do not, as far as the rows go."""
    names = paragraphs(rows)
    held = {context for number, context in enumerate(names) if number % 2 == 0}
    library.add(Document(names[context], context) for context in held)
    answerable = [row for row in rows if row["answers"]["text"]]
    step = max(1, len(answerable) // QUESTIONS)
    chosen = answerable[::step][:QUESTIONS]
    questions = [row["question"] for row in chosen]
    asked = ask(reader, questions, library.find(questions, PASSAGES))
    return [Trial(row["question"], row["answers"]["text"], row["context"] in held, each) for row, each in zip(chosen, asked, strict=True)]


def trial_scores(tried: Sequence[Trial], settings: Settings) -> dict[str, float]:
    """``documents_f1``: of the questions that the documents answer, with "they do not say" among the answers;
    ``documents_no_answer``: share of the others that get none."""
    right: list[float] = []
    silent: list[float] = []
    for each in tried:
        (best, *_), _ = document_answers(each.asked, settings, 1, impossible=True)
        (right if each.held else silent).append(f1(best.answer, each.gold) if each.held else float(not best.answer))
    figures = {"documents_f1": right, "documents_no_answer": silent}
    return {name: sum(values) / len(values) for name, values in figures.items() if values}


def retrieval_scores(library: Library, rows: Sequence[Row]) -> dict[str, float]:
    """For each way of searching, the share of questions whose paragraph is among the first five of all paragraphs of the rows;
    ``library``: an empty one."""
    names = paragraphs(rows)
    library.add(Document(name, context) for context, name in names.items())
    figures = {"paragraphs": float(len(names))}
    for method in METHODS:
        found = [_is_found(library, row, names[row["context"]], method) for row in rows if row["answers"]["text"]]
        figures[f"found_{FIRST}_{method}"] = sum(found) / max(len(found), 1)
    return figures


def _is_found(library: Library, row: Row, name: str, method: Method) -> bool:
    hits = library.index.search_by(row["question"], 4 * FIRST, method)
    return name in list(dict.fromkeys(passage.document for passage, _ in hits))[:FIRST]
