"""Files into documents: TXT, Markdown, HTML, PDF and DOCX, by what they hold first and by how they are called second.

Files come from anywhere, so each is taken for hostile: its size is checked before it is read, what it unpacks to and how long
it takes are bounded (``limits``), links and devices are not followed, and whatever is wrong with it is one sentence.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from tasks.core.errors import FileError
from tasks.question_answering.documents.from_docx import read_docx
from tasks.question_answering.documents.from_html import read_html
from tasks.question_answering.documents.from_pdf import read_pdf
from tasks.question_answering.documents.from_text import read_text
from tasks.question_answering.documents.limits import MAX_BYTES
from tasks.question_answering.documents.names import apart, safe_name
from tasks.question_answering.documents.types import Document

SUFFIXES = (".txt", ".md", ".markdown", ".html", ".htm", ".pdf", ".docx")
HTML_SUFFIXES = (".html", ".htm", ".xhtml", ".xht")
HEAD = 1024  # bytes within which a file says what it is; PDF's own rule, too
NOT_OPEN = {  # how other files begin, and what they are
    b"\xd0\xcf\x11\xe0": "an old Word file (.doc), or locked with a password: save it as DOCX without one",
    b"{\\rtf": "an RTF file: save it as DOCX",
    b"\x89PNG": "a picture: run text recognition (OCR) on it first",
    b"\xff\xd8\xff": "a picture: run text recognition (OCR) on it first",
    b"\x1f\x8b": "a packed file: unpack it and add what is in it",
    b"7z\xbc\xaf": "a packed file: unpack it and add what is in it",
    b"Rar!": "a packed file: unpack it and add what is in it",
}
# Behind a byte order mark, white space, an XML declaration and one comment; all bounded, for the head is.
_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)


def read_document(path: str | Path, name: str | None = None) -> Document:
    """The document in the file at ``path``, called ``name`` (None: as its file).

    Raises ``FileError``, in one sentence that names the file and says what to do, where it can't be read whole.
    """
    shown = safe_name(Path(path).name if name is None else name)
    data = _bytes(Path(path), shown)
    if not data.strip():
        raise FileError(f"{shown!r} is empty: choose a file with text in it.")
    text, pages = _read(data, Path(path).suffix.lower(), shown)
    if not any(map(str.isalnum, text)):
        raise FileError(f"{shown!r} has no text in it: choose a file with text.")
    return Document(shown, text, pages)


def read_documents(paths: Iterable[str | Path]) -> tuple[list[Document], list[str]]:
    """The documents in the files at ``paths``, in order, and a sentence for each file that can't be read.

    Files of the same name are told apart: ``report.pdf`` and ``report (2).pdf``.
    """
    documents: list[Document] = []
    problems: list[str] = []
    taken: set[str] = set()
    for path in paths:
        name = apart(safe_name(Path(path).name), taken)
        try:
            documents.append(read_document(path, name))
            taken.add(name)
        except FileError as error:
            problems.append(str(error))
    return documents, problems


def _bytes(path: Path, name: str) -> bytes:
    """The file's bytes; a link is not followed, for whoever gave it may not read what it points to, and a pipe never ends."""
    try:
        if path.is_symlink():
            raise FileError(f"{name!r} is a link: choose the file that it points to.")
        with open(path, "rb", opener=_opener) as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise FileError(f"{name!r} is no file but a folder or a device: choose a file.")
            if state.st_size > MAX_BYTES:
                raise _too_large(name, state.st_size)
            data = file.read(MAX_BYTES + 1)  # it may still be growing
    except IsADirectoryError as error:
        raise FileError(f"{name!r} is a folder: choose the files in it.") from error
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        reason = getattr(error, "strerror", None) or error
        raise FileError(f"{name!r} can't be read ({reason}): check that it is there and may be read.") from error
    if len(data) > MAX_BYTES:
        raise _too_large(name, len(data))
    return data


def _opener(path: str, flags: int) -> int:
    """Without waiting for a pipe's other end, and without a link put there in the meantime; both are unknown to Windows."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))


def _too_large(name: str, size: int) -> FileError:
    return FileError(
        f"{name!r} has {size / 1e6:,.0f} MB, where {MAX_BYTES / 1e6:,.0f} are the most: split it, or save it without pictures."
    )


def _read(data: bytes, suffix: str, name: str) -> tuple[str, tuple[int, ...]]:
    """Text and pages, by the reader for what the bytes are."""
    head = data[:HEAD]
    if b"%PDF-" in head:
        return read_pdf(data, name)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return read_docx(data, name), ()
    for mark, kind in NOT_OPEN.items():
        if head.startswith(mark):
            raise FileError(f"{name!r} is {kind}.")
    if _HTML.match(head) or suffix in HTML_SUFFIXES:
        return read_html(data, name), ()
    if suffix in (".pdf", ".docx"):
        raise FileError(f"{name!r} is damaged or no {suffix[1:].upper()}, whatever its name says: save it again as {suffix[1:].upper()}.")
    return read_text(data, name), ()
