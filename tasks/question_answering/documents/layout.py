"""Pieces of text into lines, paragraphs and tables: what HTML and DOCX have in common.

A paragraph stands between blank lines. A row of a table is one line, its cells apart by ``|``; unless a cell has several lines,
as in tables that only place things on the page: then each cell stands on its own. A table in a cell is read like any other.
"""

from __future__ import annotations

import re

from tasks.question_answering.documents.from_text import writable
from tasks.question_answering.documents.limits import Budget

DEEPEST = 24  # rows within cells within rows; beyond it cells are lines, for each level copies the text within it
_BLANK_LINES = re.compile(r"\n{3,}")
_SPACE = re.compile(r"[ \t\n\r\f\v\u00a0]+")


class Layout:
    """Takes pieces of text in their order and gives the whole; ``name`` is the file's, for the limit on its characters."""

    def __init__(self, name: str) -> None:
        self._budget = Budget(name)
        self._stack: list[list[str]] = [[]]  # text outside of tables, and of the open cells
        self._rows: list[list[str]] = []  # the cells of the open rows
        self._flat = 0  # open rows beyond the deepest
        self._line = ""  # what stands at the end of the innermost text, to know what separates it from the next

    def text(self, piece: str, kept: bool = False) -> None:
        """Add ``piece`` to the line, its white space as one space; ``kept``: as it is."""
        self._budget.characters(len(piece))
        piece = writable(piece.replace("\r\n", "\n").replace("\r", "\n")) if kept else _SPACE.sub(" ", writable(piece))
        if not kept and (self._line == "" or self._line[-1] in " \n"):
            piece = piece.lstrip(" ")
        self._write(piece)

    def line(self) -> None:
        """End the line, if there is one."""
        if self._line and not self._line.endswith("\n"):
            self._write("\n")

    def paragraph(self) -> None:
        """End the paragraph, if there is one: a blank line follows."""
        self.line()
        if self._line and not self._line.endswith("\n\n"):
            self._write("\n")

    def row(self) -> None:
        """Begin a row of a table."""
        self.line()
        if self._flat or len(self._rows) == DEEPEST:
            self._flat += 1
            return
        if not self._in_cell():
            self.cell()  # a row right in a row
        self._rows.append([])

    def cell(self) -> None:
        """Begin a cell; outside of a row, or too deep, it is a line."""
        if self._flat or self._in_cell():
            self.line()
        else:
            self._stack.append([])
            self._line = ""

    def end_cell(self) -> None:
        """End the innermost cell."""
        if self._flat or not self._rows or not self._in_cell():
            self.line()
        else:
            self._rows[-1].append("".join(self._stack.pop()).strip())
            self._line = "".join(self._stack[-1][-3:])[-3:]

    def end_row(self) -> None:
        """End the innermost row: its cells become a line, or lines."""
        if self._flat or not self._rows:
            self._flat = max(self._flat - 1, 0)
            self.line()
            return
        if self._in_cell():
            self.end_cell()
        cells = [cell for cell in self._rows.pop() if cell]
        self._write(("\n" if any("\n" in cell for cell in cells) else " | ").join(cells))
        self.line()

    def whole(self) -> str:
        """All of it; what is still open ends."""
        self._flat = 0
        while self._rows:
            self.end_row()
        lines = "\n".join(line.rstrip() for line in "".join(self._stack[0]).split("\n"))
        return _BLANK_LINES.sub("\n\n", lines).strip("\n")

    def _in_cell(self) -> bool:
        """Whether text goes into a cell, or stands outside of all tables: not between the cells of a row."""
        return len(self._stack) > len(self._rows)

    def _write(self, piece: str) -> None:
        if piece:
            self._stack[-1].append(piece)
            self._line = (self._line + piece)[-3:]
