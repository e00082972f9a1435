"""The text of a PDF, page by page: lines that were wrapped run on, words that were hyphenated are whole again."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator, Sequence
from typing import Any

from pypdf import PdfReader, apply_configuration
from pypdf.errors import DependencyError

from tasks.core.errors import FileError
from tasks.question_answering.documents.from_text import writable
from tasks.question_answering.documents.limits import MAX_PAGES, Budget
from tasks.question_answering.documents.lines import usual_width, wraps

# Pages are programs. pypdf's own limits, where a page of text needs far less than they allow.
LIMITS: dict[str, Any] = {"stream_parsing_work_maximum_count": 250_000, "xform_maximum_invocations_per_extraction": 500}
LIMITS |= {"zlib_maximum_output_length": 50_000_000, "stream_decoding_work_maximum_length": 100_000_000}
_HYPHENATED = re.compile(r"([^\W\d_]{2,40})[-\u00ad\u2010] ?\n ?([^\W\d_]{2,40})")
logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it warns of each flaw that it mends, on the user's screen


def read_pdf(data: bytes, name: str) -> tuple[str, tuple[int, ...]]:
    """The text, and the offset at which each page begins; a page that can't be read is a page without text.

    Raises ``FileError`` where it is locked, damaged, too long, or has no text at all, as a scan.
    """
    budget = Budget(name)
    pages: list[str] = []
    failed: Exception | None = None
    try:
        with apply_configuration(**LIMITS):
            for page in _pages(data, name):
                try:
                    pages.append(_page_text(page, budget))
                except FileError:
                    raise
                except Exception as error:  # as below; the other pages still have their text
                    failed = error
                    pages.append("")
    except FileError:
        raise
    except DependencyError as error:
        raise FileError(f"{name!r} is encrypted with AES: pip install cryptography, or save a copy without encryption.") from error
    except Exception as error:  # damaged PDFs make pypdf raise anything: KeyError, RecursionError, struct.error, its own kinds
        raise _damaged(name) from error
    if not any(map(_has_text, pages)):
        if failed is not None:
            raise _damaged(name) from failed
        raise FileError(f"{name!r} has no text in its {len(pages)} pages, as scans have none: run text recognition (OCR) on it first.")
    return _joined(pages)


def _pages(data: bytes, name: str) -> Iterator[object]:
    reader = PdfReader(io.BytesIO(data), strict=False)
    if reader.is_encrypted and not reader.decrypt(""):  # many are encrypted only to forbid printing: the empty password opens them
        raise FileError(f"{name!r} is locked with a password: save a copy without one and add that.")
    count = len(reader.pages)
    if count > MAX_PAGES:
        raise FileError(f"{name!r} has {count:,} pages, where {MAX_PAGES:,} are the most: split it and add the parts.")
    for number in range(count):
        yield reader.pages[number]


def _page_text(page: object, budget: Budget) -> str:
    budget.time()
    # Within the page, too: the visitor is called at each of its operators.
    text = str(page.extract_text(visitor_operand_before=lambda *_: budget.time()))  # type: ignore[attr-defined]
    budget.characters(len(text))
    lines = [line.strip(" ") for line in writable(text.replace("\r", "\n").replace("\u00a0", " ").replace("\t", " ")).split("\n")]
    return "\n".join(lines).strip("\n")


def _damaged(name: str) -> FileError:
    return FileError(f"{name!r} is damaged or no PDF, whatever its name says: open it in a viewer and print it to PDF again.")


def _has_text(page: str) -> bool:
    return any(char.isalnum() for char in page)


def _joined(pages: Sequence[str]) -> tuple[str, tuple[int, ...]]:
    """The pages' texts as one, and where each begins; a sentence that runs on over a page's end is not cut there."""
    known = _hyphened(pages)
    texts = [_reflowed(_HYPHENATED.sub(lambda match: _rejoined(match, known), page)) for page in pages]
    parts: list[str] = []
    starts: list[int] = []
    at = 0
    for number, text in enumerate(texts):
        starts.append(at)
        following = texts[number + 1] if number + 1 < len(texts) else ""
        gap = "\n" if following[:1].islower() and text[-1:] not in ".!?" else "\n\n"
        parts.append(text + (gap if number + 1 < len(texts) else ""))
        at += len(parts[-1])
    return "".join(parts), tuple(starts)


def _hyphened(pages: Sequence[str]) -> set[str]:
    """The words that the text writes with a hyphen within a line."""
    return {word.lower() for page in pages for word in re.findall(r"(?<![\w-])[^\W\d_]{2,40}-[^\W\d_]{2,40}(?![\w-])", page)}


def _rejoined(match: re.Match[str], known: set[str]) -> str:
    """A word from its two halves, with the hyphen where the text has it elsewhere (well-known) or a name begins after it."""
    first, second = match.groups()
    hyphen = "-" if f"{first}-{second}".lower() in known or second[0].isupper() else ""
    return f"{first}{hyphen}{second}"


def _reflowed(page: str) -> str:
    """The page with lines that were wrapped run on."""
    lines = page.split("\n")
    width = usual_width([len(line) for line in lines if line])
    pieces = []
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        joint = "" if line.endswith("-") else " "
        pieces.append(line + (joint if wraps(line, following, width) else "\n"))
    return "".join(pieces).rstrip()
