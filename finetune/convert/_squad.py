"""The layout that SQuAD and the data sets made after it share: articles, their paragraphs, questions about these, and answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from finetune.convert._reading import Row, document, located
from finetune.convert._relations import string


def question_rows(path: Path, layout: str) -> Iterator[Row]:
    """Rows of a file, one per question, in its order; ``layout`` names the data set.

    Raises ``FileError`` that names article, paragraph and question, also for an answer that isn't where it says.
    """
    whole = document(path, layout)
    with located(path, 'its list "data"', layout):
        articles = _listed(whole["data"])
    for number, article in enumerate(articles, 1):
        with located(path, f"article {number}", layout):
            title, paragraphs = string(article["title"]), _listed(article["paragraphs"])
        for place, paragraph in enumerate(paragraphs, 1):
            where = f"article {number}, paragraph {place}"
            with located(path, where, layout):
                context, asked = string(paragraph["context"]), _listed(paragraph["qas"])
            for count, each in enumerate(asked, 1):
                with located(path, f"{where}, question {count}", layout):
                    row: Row = {"id": string(each["id"]), "title": title, "context": context, "question": string(each["question"])}
                    row["answers"] = _answers(each, context)
                yield row


def _answers(asked: Any, context: str) -> Row:
    """The columns of all annotators' answers, none for a question that is marked as impossible."""
    answers = [(string(each["text"]), each["answer_start"]) for each in _listed(asked["answers"])]
    impossible = asked.get("is_impossible", False)
    if not isinstance(impossible, bool):
        raise TypeError("is_impossible")
    if impossible == bool(answers):
        raise ValueError("it is impossible and has an answer" if impossible else "it has no answer and isn't marked as impossible")
    for text, start in answers:
        if not isinstance(start, int) or isinstance(start, bool):
            raise TypeError("answer_start")
        if not text or start < 0 or context[start : start + len(text)] != text:
            raise ValueError(f"its context doesn't have the answer {text[:40]!r} at {start}")
    return {"text": [text for text, _ in answers], "answer_start": [start for _, start in answers]}


def _listed(value: Any) -> Sequence[Any]:
    if not isinstance(value, list):
        raise TypeError("list")
    return value
