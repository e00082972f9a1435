"""goodbooks-10k: ten thousand books, the shelves that readers put them on, and six million ratings (Zając 2017, CC BY-SA 4.0).

Zygmunt Zając: "Goodbooks-10k: a new dataset for book recommendations", FastML 2017. Licence: CC BY-SA 4.0. The files are in the
author's repository zygmuntz/goodbooks-10k on GitHub. Give ``books.csv`` for the items (``book_tags.csv`` and ``tags.csv`` beside it
bring the tags), or ``ratings.csv`` for the ratings.

Original layout, CSV files with a header::

    books.csv      book_id, goodreads_book_id, authors, original_publication_year, title, … (23 columns)
    book_tags.csv  goodreads_book_id, tag_id, count
    tags.csv       tag_id, tag_name
    ratings.csv    user_id, book_id, rating, sorted by time

Rows: ``{"item_id", "title", "creators": [...], "year", "tags": [...]}`` for each book, with the shelves that most readers use as
tags, but for those that say what a reader has or plans ("to-read", "owned"); ``{"user_id", "item_id", "rating"}`` for each rating.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from finetune.convert._reading import Row, located, records, refusal

LAYOUT = "goodbooks-10k"
MOST = 20  # tags of a book
_PERSONAL = re.compile(
    r"\b(reads?|reading|own(ed)?|owns|books?|library|shelf|shelves|favou?rites?|wish|list|kindle|ebooks?|audio(books?)?|default|finished|"
    r"unread|reread|dnf|buy|borrowed|have|want|maybe|my|i|stars?|series|\d+|tbr|abandoned|nook|e|audible)\b"
)
_WORDS = re.compile(r"[a-z]+(?: [a-z]+){0,3}")


def convert(path: Path) -> Iterator[Row]:
    """Rows of ``books.csv`` or of ``ratings.csv``; raises ``FileError`` for anything else."""
    if path.name == "ratings.csv":
        yield from _ratings(path)
    elif path.name == "books.csv":
        yield from _books(path)
    else:
        raise refusal(path, "its name", "it is neither books.csv nor ratings.csv", LAYOUT)


def _ratings(path: Path) -> Iterator[Row]:
    for number, cells in records(path, ("user_id", "book_id", "rating"), LAYOUT):
        with located(path, number, LAYOUT):
            row: Row = {"user_id": cells["user_id"], "item_id": cells["book_id"], "rating": int(cells["rating"])}
        yield row


def _books(path: Path) -> Iterator[Row]:
    tags = _tags(path.parent)
    columns = ("book_id", "goodreads_book_id", "authors", "original_publication_year", "title")
    for number, cells in records(path, columns, LAYOUT):
        with located(path, number, LAYOUT):
            row: Row = {
                "item_id": cells["book_id"],
                "title": cells["title"].strip(),
                "creators": [name.strip() for name in cells["authors"].split(",") if name.strip()],
                "year": int(float(cells["original_publication_year"])) if cells["original_publication_year"] else None,
                "tags": tags.get(cells["goodreads_book_id"], []),
            }
        yield row


def _tags(folder: Path) -> dict[str, list[str]]:
    """The commonest tags of each book by its other number, in alphabetical order; none where the files are not there."""
    if not (folder / "book_tags.csv").exists() or not (folder / "tags.csv").exists():
        return {}
    names = {cells["tag_id"]: _tag(cells["tag_name"]) for _, cells in records(folder / "tags.csv", ("tag_id", "tag_name"), LAYOUT)}
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    path = folder / "book_tags.csv"
    for number, cells in records(path, ("goodreads_book_id", "tag_id", "count"), LAYOUT):
        with located(path, number, LAYOUT):
            name = names[cells["tag_id"]]
            if name:
                counts[cells["goodreads_book_id"]][name] += int(cells["count"])
    return {book: sorted(sorted(of, key=lambda name: (-of[name], name))[:MOST]) for book, of in counts.items()}


def _tag(name: str) -> str:
    """A shelf's name as words, or "" for one that says nothing about the book."""
    words = " ".join(name.lower().replace("-", " ").replace("_", " ").split())
    return words if _WORDS.fullmatch(words) and not _PERSONAL.search(words) else ""
