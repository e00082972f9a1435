"""SQuAD 1.1 and 2.0: questions about paragraphs of Wikipedia, and the words there that answer (Rajpurkar et al. 2016, 2018, CC BY-SA 4.0).

Pranav Rajpurkar, Jian Zhang, Konstantin Lopyrev, Percy Liang: "SQuAD: 100,000+ Questions for Machine Comprehension of
Text", EMNLP 2016; Pranav Rajpurkar, Robin Jia, Percy Liang: "Know What You Don't Know: Unanswerable Questions for SQuAD",
ACL 2018. Licence: CC BY-SA 4.0. The files ``train-v1.1.json``, ``dev-v1.1.json``, ``train-v2.0.json`` and
``dev-v2.0.json`` are linked from the data set's site rajpurkar.github.io/SQuAD-explorer.

Original layout, one document; ``is_impossible`` and ``plausible_answers`` in 2.0 alone::

    {"version",
     "data": [{"title",
               "paragraphs": [{"context",
                               "qas": [{"id", "question", "answers": [{"text", "answer_start"}, ...],
                                        "is_impossible": true, "plausible_answers": [...]}, ...]}, ...]}, ...]}

Rows: ``{"id", "title", "context", "question", "answers": {"text": [...], "answer_start": [...]}}``, one per question, with
the answers of all annotators; none for a question that is impossible, whose plausible answers are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from finetune.convert._reading import Row
from finetune.convert._squad import question_rows


def convert(path: Path) -> Iterator[Row]:
    """Rows of one of the files; raises ``FileError`` for anything else."""
    return question_rows(path, "SQuAD")
