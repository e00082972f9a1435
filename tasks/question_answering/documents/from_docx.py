"""The text of a Word document (DOCX): its paragraphs and tables in their order, then its notes, streamed out of its parts.

Only the parts with text are unpacked, and no more of them than ``limits`` allows; macros, pictures, embedded files and links
are never opened. Read with libxml2 rather than python-docx, which leaves out content controls, text boxes and notes, refuses
files with macros, and unpacks every part before it reads one.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree

from tasks.core.errors import FileError
from tasks.question_answering.documents.layout import Layout
from tasks.question_answering.documents.limits import MAX_PARTS, MAX_RATIO, MAX_UNPACKED, SMALL

PIECE = 65_536  # bytes that the parser gets at a time
NOTES = ("footnotes", "endnotes")
# Elements whose text is not read: what was deleted, formulas of fields, copies for older programs, and names of pictures.
UNSEEN = frozenset(("del", "moveFrom", "delText", "instrText", "delInstrText", "Fallback", "docPr", "binData", "posOffset", "sdtPr", "rPr"))
DAMAGED = "is damaged or no Word document, whatever its name says: open it in Word or LibreOffice and save it again as DOCX"


def read_docx(data: bytes, name: str) -> str:
    """The text of a DOCX or DOCM file, without its comments, headers and footers."""
    layout = Layout(name)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_sizes(archive, len(data), name)
            main = _main_part(archive, name)
            notes = [posixpath.join(posixpath.dirname(main), f"{kind}.xml") for kind in NOTES]
            for part in (main, *(note for note in notes if note in archive.namelist())):
                _parse(archive, part, _Text(layout), name)
                layout.paragraph()
    except FileError:
        raise
    except Exception as error:  # zipfile and zlib raise a dozen kinds on purpose-made files, and none of them is a user's concern
        raise FileError(f"{name!r} {DAMAGED}.") from error
    return layout.whole()


def _check_sizes(archive: zipfile.ZipFile, size: int, name: str) -> None:
    """By what the file says of itself; ``_pieces`` counts what really comes out."""
    parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MAX_PARTS or unpacked > MAX_UNPACKED or unpacked > max(SMALL, MAX_RATIO * size):
        raise FileError(f"{name!r} unpacks to {unpacked:,} bytes in {len(parts):,} parts, more than a document needs: save its text alone.")
    if any(part.flag_bits & 1 for part in parts):
        raise FileError(f"{name!r} is locked with a password: save a copy without one and add that.")


def _main_part(archive: zipfile.ZipFile, name: str) -> str:
    """The part that the package names as its document; most writers call it ``word/document.xml``, but not all."""
    found = _Relations()
    _parse(archive, "_rels/.rels", found, name)
    if found.main is None or found.main not in archive.namelist():
        raise FileError(f"{name!r} {DAMAGED}.")
    if not found.main.startswith("word/"):
        kind = "an Excel or PowerPoint file" if found.main.startswith(("xl/", "ppt/")) else "no Word document"
        raise FileError(f"{name!r} is {kind}: save its text as PDF, DOCX or text, and add that.")
    return found.main


def _parse(archive: zipfile.ZipFile, part: str, target: Any, name: str) -> None:
    parser = etree.XMLParser(target=target, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    for piece in _pieces(archive, part, name):
        parser.feed(piece)
    parser.close()


def _pieces(archive: zipfile.ZipFile, part: str, name: str) -> Iterator[bytes]:
    """The part's bytes, at most ``MAX_UNPACKED``: a header may say less than comes out."""
    count = 0
    with archive.open(part) as file:
        while piece := file.read(PIECE):
            count += len(piece)
            if count > MAX_UNPACKED:
                raise FileError(f"{name!r} unpacks to more than {MAX_UNPACKED:,} bytes, more than a document needs: save its text alone.")
            yield piece


class _Target:
    """Takes the parser's events. Word's files have no document type, so one that has may only hold harm (entity bombs)."""

    def doctype(self, *_: object) -> None:
        raise ValueError("a document type")

    def start(self, tag: str, attributes: Mapping[str, str]) -> None: ...

    def end(self, tag: str) -> None: ...

    def data(self, text: str) -> None: ...

    def close(self) -> None: ...


class _Relations(_Target):
    """Finds the package's main document."""

    main: str | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if attributes.get("Type", "").endswith("/officeDocument") and attributes.get("TargetMode") != "External":
            self.main = posixpath.normpath(attributes.get("Target", "").lstrip("/"))


class _Text(_Target):
    """Writes a part's text; elements are known by their local names, for there are two name spaces (ISO's strict one, and Word's)."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._unseen = 0  # open elements from the outermost unseen one on
        self._in_text = 0  # open ``w:t`` elements

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        local = _local(tag)
        if self._unseen or local in UNSEEN:
            self._unseen += 1
        elif local == "t":
            self._in_text += 1
        elif local == "tr":
            self._layout.row()
        elif local == "tc":
            self._layout.cell()
        elif local in ("p", "br", "cr"):
            self._layout.line()
        elif local in ("tab", "ptab"):
            self._layout.text(" ")
        elif local in ("noBreakHyphen", "softHyphen"):
            self._layout.text("-" if local == "noBreakHyphen" else "")
        elif local == "tbl":
            self._layout.paragraph()

    def end(self, tag: str) -> None:
        local = _local(tag)
        if self._unseen:
            self._unseen -= 1
        elif local == "t":
            self._in_text -= 1
        elif local == "tr":
            self._layout.end_row()
        elif local == "tc":
            self._layout.end_cell()
        elif local in ("p", "tbl"):
            self._layout.paragraph()

    def data(self, text: str) -> None:
        if self._in_text and not self._unseen:
            self._layout.text(text)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
