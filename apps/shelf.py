"""A visitor's documents on the page of question answering: added, replaced and removed one after the other, and theirs alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from apps.render_questions import Row
from tasks.core.errors import FileError, InputError
from tasks.question_answering.documents.index import Change
from tasks.question_answering.documents.names import apart, safe_name
from tasks.question_answering.documents.reading import read_document
from tasks.question_answering.documents.types import Document

MAX_FILES = 50
MAX_CHARACTERS = 4_000_000  # of all documents: some 1,500 pages, minutes of work on two cores
Tell = Callable[[int, int, str, str], None]  # so many are done, of how many; what is going on; and what is counted


def _quiet(done: int, total: int, doing: str, unit: str) -> None:
    """Tell nobody."""


class Shelf:
    """One visitor's library (None before the first document), its rows, and a sentence for each file that was not read last time.

    Kept in a ``gr.State``, which copies what it begins with for each visitor: a copy is an empty shelf. No dataclass, for
    Gradio copies the fields of those.
    """

    def __init__(self) -> None:
        self.library: Any = None
        self.rows: dict[str, Row] = {}
        self.problems: list[str] = []
        self._busy = threading.Lock()

    def __deepcopy__(self, memo: dict[int, Any]) -> Shelf:
        return Shelf()

    @property
    def busy(self) -> bool:
        """Whether documents are being read at this moment."""
        return self._busy.locked()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One change at a time, for a second one would not know what the first is about to add; raises ``InputError``."""
        if not self._busy.acquire(blocking=False):
            raise InputError("Your documents are still being read: wait until the bar is full, then try again.")
        try:
            yield
        finally:
            self._busy.release()

    def add(self, paths: Sequence[str | Path], make: Callable[[], Any], tell: Tell = _quiet) -> None:
        """Read files and index them; ``make`` gives an empty library. Raises ``InputError`` for what is no upload at all."""
        with self._alone():
            documents, problems = self._read(_checked(paths), tell)
            changes = []
            if documents:
                tell(0, len(documents), "Indexing", "documents")
                self.library = self.library if self.library is not None else make()
                changes, more = self.library.add(documents, lambda done, total: tell(done, total, "Indexing", "passages"))
                problems += more
            self.rows = {name: replace(row, action="kept") for name, row in self.rows.items()}
            self.rows |= {row.name: row for row in map(_row, changes, documents)}
            self.problems = problems

    def _read(self, paths: Sequence[Path], tell: Tell) -> tuple[list[Document], list[str]]:
        """The documents of the files, and a sentence for each that can't be read or is too much."""
        documents: dict[str, Document] = {}
        problems: list[str] = []
        for number, path in enumerate(paths):
            name = apart(safe_name(path.name), documents)
            tell(number, len(paths), f"Reading {name}", "files")
            if paths.index(path) < number:
                problems.append(f"{safe_name(path.name)!r} was given twice: it was read once.")
                continue
            try:
                document = read_document(path, name)
                self._check_room(documents, document)
                documents[name] = document
            except FileError as error:
                problems.append(str(error))
        tell(len(paths), len(paths), "Reading", "files")
        return list(documents.values()), problems

    def _check_room(self, documents: dict[str, Document], new: Document) -> None:
        """Raise ``FileError`` where the library would hold too much with the ``new`` document."""
        kept = [row.characters for name, row in self.rows.items() if name not in documents and name != new.name]
        if len(kept) + len(documents) + 1 > MAX_FILES:
            raise FileError(f"{new.name!r} was left out: there are up to {MAX_FILES} documents. Remove one first.")
        size = sum(kept) + sum(len(each.text) for each in [*documents.values(), new])
        if size > MAX_CHARACTERS:
            raise FileError(
                f"{new.name!r} was left out: all documents would have {size:,} characters, and the page holds {MAX_CHARACTERS:,}. "
                "Remove one first, or use the command line: python -m tasks question-answering QUESTION --documents FILE …"
            )

    def remove(self, name: str) -> None:
        """Take a document out; raises ``InputError`` where there is none of this name."""
        with self._alone():
            if name not in self.rows:
                raise InputError("Choose the document to remove first; what the page showed may have been forgotten after an hour.")
            self.library.remove(name)
            self.rows = {each: replace(row, action="kept") for each, row in self.rows.items() if each != name}
            self.problems = []

    def clear(self) -> None:
        """Forget all documents."""
        with self._alone():
            self.library, self.rows, self.problems = None, {}, []


def _row(change: Change, document: Document) -> Row:
    return Row(change.name, change.passages, len(document.text), change.action, document.blank_pages)


def _checked(paths: Any) -> list[Path]:
    """The paths; raises ``InputError`` where there are none, or too many."""
    if not paths:
        raise InputError("There are no files yet: drop some on the box, or press “Try with three short example documents”.")
    if len(paths) > MAX_FILES:
        raise InputError(f"These are {len(paths):,} files; the page takes up to {MAX_FILES} documents. Choose fewer.")
    return [Path(path) for path in paths]
