"""A document's text with its pages, and the passages that it is cut into."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says: its ``name`` (a base name, safe to show), all of its ``text``, and the character offset in the text at
    which each of its ``pages`` begins (empty: it has none)."""

    name: str
    text: str
    pages: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.pages and (self.pages[0] != 0 or self.pages[-1] > len(self.text) or sorted(self.pages) != list(self.pages)):
            raise ValueError(f"The pages of {self.name!r} do not begin in its text, one after the other.")

    def page(self, offset: int) -> int | None:
        """The page, from 1, that the character at ``offset`` stands on; None where there are no pages."""
        return bisect_right(self.pages, offset) if self.pages else None

    @property
    def blank_pages(self) -> tuple[int, ...]:
        """Numbers, from 1, of the pages without text, such as scans: a reader should be told that nothing is found there."""
        ends = (*self.pages[1:], len(self.text)) if self.pages else ()
        return tuple(n for n, (start, end) in enumerate(zip(self.pages, ends, strict=True), 1) if not self.text[start:end].strip())


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a document that is found and read as one: the document's name, the page on which it begins, half-open character
    offsets into the document's text, and the text between them."""

    document: str
    page: int | None
    start: int
    end: int
    text: str

    def __post_init__(self) -> None:
        if self.start < 0 or self.end - self.start != len(self.text):
            raise ValueError(f"The offsets [{self.start}, {self.end}) do not fit the passage {self.text[:40]!r}.")
