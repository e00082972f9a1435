"""A searchable index of documents' passages: by meaning (embeddings), by words (BM25), or by both.

Adding a document embeds its new passages alone: a text that is known, from an earlier version or under another name, costs
nothing. Searches go on while another thread adds: they see the index as it was before, or as it is after, and nothing between.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tasks.core.errors import InputError, ModelError
from tasks.core.text import check_text
from tasks.question_answering.documents import storage
from tasks.question_answering.documents.blocks import Block, Snapshot, document_digest, text_key
from tasks.question_answering.documents.bm25 import Floats
from tasks.question_answering.documents.passages import passages
from tasks.question_answering.documents.terms import Terms, Vocabulary
from tasks.question_answering.documents.types import Document, Passage

Embed = Callable[[list[str]], Any]
Method = Literal["dense", "bm25", "hybrid"]
Progress = Callable[[int, int], None]
LEXICAL_WEIGHT = 0.6  # of the BM25 score in a hybrid one, fitted on development questions; the cosine has the rest
CHUNK = 256  # passages that are embedded between two reports of progress
FORGOTTEN = 5_000  # passages of removed documents that are still known, in case they come back
DECIMALS = 5  # of scores: the same text in two places must tie, which the last bits of a matrix product do not


@dataclass(frozen=True, slots=True)
class Change:
    """What ``add`` did with a document: it has so many passages now, of which so many were ``embedded`` anew."""

    name: str
    action: Literal["added", "replaced", "unchanged"]
    passages: int
    embedded: int


class PassageIndex:
    """Passages of documents, kept in memory; exact search.

    ``embed`` gives embeddings (texts, width) of texts, as a tensor or an array, of any length (``Encoder.embed``);
    ``fingerprint`` names the encoder, and a saved index opens only for the same.
    """

    def __init__(self, embed: Embed, fingerprint: str = "") -> None:
        self._embed, self.fingerprint = embed, fingerprint
        self._vocabulary = Vocabulary()
        self._now = Snapshot((), 0)
        self._known: dict[bytes, tuple[Block, int]] = {}
        self._removed: list[Block] = []
        self._lock = threading.RLock()  # for those who change the index; searches need none

    def __len__(self) -> int:
        """How many passages there are."""
        return len(self._now.passages)

    @property
    def names(self) -> tuple[str, ...]:
        """The documents' names, in the order in which they were added."""
        return tuple(self._now.names)

    def document(self, name: str) -> Document:
        """The document called ``name``; raises ``InputError`` where there is none."""
        return _named(self._now, name).document

    def add(self, documents: Iterable[Document], progress: Progress | None = None) -> list[Change]:
        """Add documents, all or none; one of a known name replaces it where its content differs, and does nothing where not.

        ``progress(done, all)`` is called with the passages that had to be embedded. Raises ``ModelError`` where ``embed``
        gives something else than finite embeddings.
        """
        with self._lock:
            blocks = dict(self._now.names)
            wanted = [(document, document_digest(document), passages(document)) for document in documents]
            fresh = self._embedded([passage.text for _, _, made in wanted for passage in made], progress)
            changes = []
            for document, digest, made in wanted:
                before = blocks.get(document.name)
                if before is not None and before.digest == digest:
                    changes.append(Change(document.name, "unchanged", len(made), 0))
                    continue
                block, embedded = self._block(document, digest, made, fresh)
                blocks[document.name] = block
                changes.append(Change(document.name, "added" if before is None else "replaced", len(made), embedded))
            self._swap(blocks)
            return changes

    def remove(self, name: str) -> None:
        """Remove the document called ``name``; raises ``InputError`` where there is none."""
        with self._lock:
            _named(self._now, name)
            self._swap({each: block for each, block in self._now.names.items() if each != name})

    def search(self, question: str, k: int = 10) -> list[tuple[Passage, float]]:
        """The ``k`` passages that fit the question best, by meaning and words, with their scores."""
        return self.search_by(question, k, "hybrid")

    def search_by(
        self, question: str, k: int = 10, method: Method = "hybrid", weight: float = LEXICAL_WEIGHT
    ) -> list[tuple[Passage, float]]:
        """The ``k`` best passages, best first, those added first where scores are the same; none for a blank question.

        ``dense``: the cosine of the embeddings, -1 to 1; ``bm25``: the share of the question's words, by their weight, 0 to 1,
        and only passages that have one; ``hybrid``: both, the second with ``weight``, the first with the rest of 1.
        """
        if method not in ("dense", "bm25", "hybrid"):
            raise InputError(f"There is no search {method!r}: choose 'dense', 'bm25' or 'hybrid'.")
        if k < 1:
            raise InputError(f"k is {k}: ask for one passage at least.")
        now = self._now
        if not check_text(question).strip() or not now.passages:
            return []
        scores = np.round(self._scores(now, question, method, weight), DECIMALS)
        rows = [row for row in _best(scores, k) if method != "bm25" or scores[row] > 0]
        return [(now.passages[row], float(scores[row])) for row in rows]

    def save(self, folder: str | Path) -> None:
        """Write the index into ``folder``, whole or not at all; raises ``FileError`` where it can't be written."""
        with self._lock:
            storage.save(Path(folder), self._now, self._vocabulary.terms, self.fingerprint)

    @classmethod
    def load(cls, folder: str | Path, embed: Embed, fingerprint: str = "") -> PassageIndex:
        """The index that was saved in ``folder``.

        Raises ``FileError`` where it is damaged or none, and ``ModelError`` where it was made with another encoder.
        """
        index = cls(embed, fingerprint)
        blocks, terms = storage.load(Path(folder), fingerprint)
        index._vocabulary = Vocabulary(terms)
        index._swap({block.document.name: block for block in blocks})
        return index

    def _scores(self, now: Snapshot, question: str, method: Method, weight: float) -> Floats:
        """A score for each passage."""
        lexical = now.lexical.scores(*self._vocabulary.known(question)) if method != "dense" else np.float32(0)
        if method == "bm25":
            return np.asarray(lexical)
        (vector,) = self._vectors([question])
        dense: Floats = now.vectors @ vector
        return dense if method == "dense" else (1 - weight) * dense + weight * lexical

    def _embedded(self, texts: Sequence[str], progress: Progress | None) -> dict[bytes, Floats]:
        """Vectors of the texts that are not known yet, by their keys, each once."""
        new = {key: text for key, text in ((text_key(text), text) for text in texts) if key not in self._known}
        keys = list(new)
        made: dict[bytes, Floats] = {}
        for start in range(0, len(keys), CHUNK):
            chunk = keys[start : start + CHUNK]
            made.update(zip(chunk, self._vectors([new[key] for key in chunk]), strict=True))
            if progress is not None:
                progress(start + len(chunk), len(keys))
        return made

    def _vectors(self, texts: list[str]) -> Floats:
        """Embeddings of length 1; an embedding of zeros stays one, and is like nothing."""
        found = self._embed(texts)
        array = np.asarray(found.detach().float().cpu() if hasattr(found, "detach") else found, np.float32)
        if array.ndim != 2 or len(array) != len(texts) or not np.isfinite(array).all():
            raise ModelError(f"The encoder gives embeddings of shape {array.shape} for {len(texts)} texts, or no numbers: choose another.")
        width = next((block.vectors.shape[1] for block in self._now.blocks if block.passages), array.shape[1])
        if array.shape[1] != width:
            raise ModelError(f"The encoder gives {array.shape[1]} numbers a text, and the index has {width}: make the index again.")
        lengths = np.linalg.norm(array, axis=1, keepdims=True)
        normal: Floats = (array / np.where(lengths > 0, lengths, 1)).astype(np.float32)
        return normal

    def _block(self, document: Document, digest: str, made: list[Passage], fresh: dict[bytes, Floats]) -> tuple[Block, int]:
        """The document's block, and how many of its vectors were embedded for it."""
        rows: list[tuple[Floats, Terms]] = []
        keys = [text_key(passage.text) for passage in made]
        for key, passage in zip(keys, made, strict=True):
            known = self._known.get(key)
            rows.append(known[0].row(known[1]) if known else (fresh[key], self._vocabulary.numbered(passage.text)))
        vectors = np.stack([vector for vector, _ in rows]) if rows else np.zeros((0, 0), np.float32)
        terms = np.concatenate([np.zeros(0, np.int32), *(terms for _, terms in rows)])
        lengths: NDArray[np.int64] = np.array([len(terms) for _, terms in rows], np.int64)
        block = Block(document, digest, made, keys, vectors, terms, lengths)
        return block, len({key for key in keys if key not in self._known})

    def _swap(self, blocks: dict[str, Block]) -> None:
        """Make ``blocks`` what is searched, and what is known; blocks that went are known until there are too many of them."""
        held = {id(block) for block in blocks.values()}
        gone = [block for block in self._now.blocks if id(block) not in held]
        for block in gone:
            block.vectors = block.vectors.copy()  # a view would keep all vectors of its time in memory
        self._removed += gone
        while sum(len(block.passages) for block in self._removed) > FORGOTTEN:
            self._removed.pop(0)
        everything = (*self._removed, *blocks.values())
        self._known = {key: (block, row) for block in everything for row, key in enumerate(block.keys)}
        self._now = Snapshot(tuple(blocks.values()), len(self._vocabulary))


def _named(now: Snapshot, name: str) -> Block:
    if name not in now.names:
        raise InputError(f"There is no document {name!r}: there are {', '.join(map(repr, now.names)) or 'none'}.")
    return now.names[name]


def _best(scores: Floats, k: int) -> list[int]:
    """The rows of the ``k`` highest scores, highest first, the first rows first among equals."""
    k = min(k, len(scores))
    rows = np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k])  # more than k where scores are the same
    best: list[int] = rows[np.argsort(-scores[rows], kind="stable")][:k].tolist()
    return best
