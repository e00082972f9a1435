"""SQuADShifts: SQuAD's kind of questions about newer Wikipedia, news, Reddit and product reviews (Miller et al. 2020, CC BY 4.0).

John Miller, Karl Krauth, Benjamin Recht, Ludwig Schmidt: "The Effect of Natural Distribution Shift on Question Answering
Models", ICML 2020. Licence: CC BY 4.0. The files ``new_wiki_v1.0.json``, ``nyt_v1.0.json``, ``reddit_v1.0.json`` and
``amazon_reviews_v1.0.json`` are linked from the authors' page modestyachts.github.io/squadshifts-website.

Original layout, that of SQuAD 1.1 in one document, with the answers of three annotators or more::

    {"version",
     "data": [{"title",
               "paragraphs": [{"context",
                               "qas": [{"id", "question", "answers": [{"text", "answer_start"}, ...]}, ...]}, ...]}, ...]}

Rows: ``{"id", "title", "context", "question", "answers": {"text": [...], "answer_start": [...]}}``, one per question, with
the answers of all annotators.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from finetune.convert._reading import Row
from finetune.convert._squad import question_rows


def convert(path: Path) -> Iterator[Row]:
    """Rows of one of the files; raises ``FileError`` for anything else."""
    return question_rows(path, "SQuADShifts")
