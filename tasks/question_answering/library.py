"""Documents to ask: files are read, cut into passages and indexed once; questions find the passages that fit them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from tasks.core.adapters import fingerprint
from tasks.core.encoder import Encoder, position_limit
from tasks.core.errors import InputError
from tasks.core.text import Windower
from tasks.question_answering.documents.index import Change, PassageIndex, Progress
from tasks.question_answering.documents.reading import read_documents
from tasks.question_answering.documents.types import Document, Passage

PASSAGE = 256  # tokens of a passage that its embedding sees, as many as the encoder was trained with
File = str | Path | Document


class Hit(NamedTuple):
    """A passage that fits a question, with its document and how well it fits."""

    document: Document
    passage: Passage
    score: float


class Library:
    """Documents in memory, searched by meaning and by words. Safe to use from several threads.

    ``encoder``: gives the embeddings; ``index``: one that was made before, None for an empty one.
    """

    def __init__(self, encoder: Encoder, index: PassageIndex | None = None) -> None:
        self.index = index if index is not None else PassageIndex(passage_embedder(encoder), fingerprint(encoder.model))
        self._lock = threading.Lock()  # between a change and the search that relies on it

    @classmethod
    def load(cls, folder: str | Path, encoder: Encoder) -> Library:
        """The library that was saved in ``folder``; raises ``FileError``, or ``ModelError`` where another encoder made it."""
        return cls(encoder, PassageIndex.load(folder, passage_embedder(encoder), fingerprint(encoder.model)))

    def save(self, folder: str | Path) -> None:
        """Write the library to ``folder``, whole or not at all; raises ``FileError``."""
        self.index.save(folder)

    def __len__(self) -> int:
        """How many passages there are."""
        return len(self.index)

    @property
    def names(self) -> tuple[str, ...]:
        """The documents' names."""
        return self.index.names

    @property
    def characters(self) -> int:
        """Characters of all documents."""
        return sum(len(self.index.document(name).text) for name in self.names)

    def add(self, files: Iterable[File], progress: Progress | None = None) -> tuple[list[Change], list[str]]:
        """Add files (paths, or ``Document`` objects); what was done with each, and a sentence for each that can't be read.

        Of a name that is known, the new content takes the place of the old one. ``progress(done, all)``: passages embedded.
        """
        documents, problems = read_files(files)
        return self.index.add(documents, progress), problems

    def remove(self, name: str) -> None:
        """Take a document out; raises ``InputError`` where there is none of this name."""
        self.index.remove(name)

    def find(self, questions: Sequence[str], count: int) -> list[list[Hit]]:
        """The ``count`` passages that fit each question best."""
        return [
            [Hit(self.index.document(passage.document), passage, score) for passage, score in self.index.search(each, count)]
            for each in questions
        ]

    def find_in(self, files: Sequence[File], questions: Sequence[str], count: int) -> list[list[Hit]]:
        """The same when the library holds these files and no others; those that it held before cost nothing again.

        Raises ``InputError`` where a file can't be read.
        """
        documents, problems = read_files(files)
        if problems:
            raise InputError(" ".join(problems))
        with self._lock:
            self.index.add(documents)
            for name in set(self.names) - {document.name for document in documents}:
                self.index.remove(name)
            return self.find(questions, count)


def read_files(files: Iterable[File]) -> tuple[list[Document], list[str]]:
    """The documents of files, and a sentence for each that can't be read. Raises ``InputError`` for what is no file at all."""
    if isinstance(files, str | bytes | Path | Document):
        raise InputError("documents must be a list of files: put brackets around the one.")
    given: list[Any] = list(files)
    wrong = [each for each in given if not isinstance(each, str | Path | Document)]
    if wrong:
        raise InputError(f"A document must be the path of a file, or a Document, not {type(wrong[0]).__name__}.")
    read, problems = read_documents(each for each in given if not isinstance(each, Document))
    return [*(each for each in given if isinstance(each, Document)), *read], problems


def passage_embedder(encoder: Encoder) -> Any:
    """Embeddings of passages by the encoder, which reads ``PASSAGE`` tokens of each."""
    windower = Windower(encoder.tokenizer, position_limit(encoder.tokenizer, encoder.model.config, PASSAGE), 0)

    def embed(texts: list[str]) -> Tensor:
        return encoder.embed(texts, windower)

    return embed
