"""What the index keeps of one document, and of all of them together."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tasks.question_answering.documents.bm25 import Floats, Lexical
from tasks.question_answering.documents.terms import Terms
from tasks.question_answering.documents.types import Document, Passage

DIGEST = 16  # bytes


@dataclass(slots=True)
class Block:
    """A document, its passages, a ``key`` for each passage's text, the passages' ``vectors`` (passages, width) of length 1, and
    their ``terms``, one passage after the other, ``lengths`` of each."""

    document: Document
    digest: str
    passages: list[Passage]
    keys: list[bytes]
    vectors: Floats
    terms: Terms
    lengths: NDArray[np.int64]

    def row(self, number: int) -> tuple[Floats, Terms]:
        """Vector and terms of passage ``number``."""
        end = int(self.lengths[: number + 1].sum())
        return self.vectors[number], self.terms[end - int(self.lengths[number]) : end]


def text_key(text: str) -> bytes:
    """What tells a passage's text from all others."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST).digest()


def document_digest(document: Document) -> str:
    """What tells a document's content from all others; its name is no part of it."""
    pages = ",".join(map(str, document.pages))
    return hashlib.blake2b(f"{pages}\0{document.text}".encode("utf-8", "surrogatepass"), digest_size=DIGEST).hexdigest()


class Snapshot:
    """All blocks as they are at one time, never changed; what a search needs of all of them is made once, when it is first needed."""

    def __init__(self, blocks: Sequence[Block], terms: int) -> None:
        self.blocks = tuple(blocks)
        self._terms = terms
        self._lock = threading.RLock()  # two searches must not build the same twice

    @cached_property
    def names(self) -> dict[str, Block]:
        """The blocks by their documents' names."""
        return {block.document.name: block for block in self.blocks}

    @cached_property
    def passages(self) -> list[Passage]:
        """All passages, by their rows."""
        return [passage for block in self.blocks for passage in block.passages]

    @property
    def vectors(self) -> Floats:
        """All passages' vectors; the blocks keep views of it, so that nothing is held twice."""
        with self._lock:
            return self._vectors

    @property
    def lexical(self) -> Lexical:
        """BM25 over all passages."""
        with self._lock:
            return self._lexical

    @cached_property
    def _vectors(self) -> Floats:
        filled = [block for block in self.blocks if block.passages]
        whole: Floats = np.concatenate([block.vectors for block in filled]) if filled else np.zeros((0, 0), np.float32)
        at = 0
        for block in filled:
            block.vectors = whole[at : at + len(block.passages)]
            at += len(block.passages)
        return whole

    @cached_property
    def _lexical(self) -> Lexical:
        terms = np.concatenate([np.zeros(0, np.int32), *(block.terms for block in self.blocks)])
        lengths = np.concatenate([np.zeros(0, np.int64), *(block.lengths for block in self.blocks)])
        return Lexical(terms, lengths, self._terms)
