"""Bytes into text: the encoding told by the bytes themselves, and what is no text refused; also Markdown, which is read as it is."""

from __future__ import annotations

import codecs
import re

from tasks.core.errors import FileError
from tasks.question_answering.documents.limits import Budget

MARKS = [  # the longer ones first: UTF-32's little-endian mark begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
]
SAMPLE = 4096  # bytes that tell UTF-16 without a mark
BINARY = 0.01  # share of control characters: text has next to none, random bytes a tenth
_CONTROL = re.compile("[\0-\x08\x0e-\x1f\x7f]")
_UNWRITABLE = re.compile("[\0-\x08\x0e-\x1f\x7f\ud800-\udfff]")


def read_text(data: bytes, name: str) -> str:
    """The text of a TXT or Markdown file."""
    text = decode(data, name)
    Budget(name).characters(len(text))
    return text


def decode(data: bytes, name: str) -> str:
    """``data`` as text with ``\\n`` at line ends; raises ``FileError`` where it is none.

    A byte order mark decides; else UTF-16 shows by its zero bytes; else it is UTF-8, where a few broken bytes (a file that was
    cut off within a letter) become U+FFFD; else Windows-1252, in which all bytes that the web calls Latin-1 are written.
    """
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return clean(data[len(mark) :].decode(encoding, "replace"), name)
    unmarked = _utf16(data[:SAMPLE])
    return clean(data.decode(unmarked, "replace") if unmarked else _bytewise(data), name)


def clean(text: str, name: str) -> str:
    """``text`` with ``\\n`` at line ends and without what no text holds; raises ``FileError`` where that is much of it."""
    if len(_CONTROL.findall(text)) + text.count("\ufffd") > BINARY * len(text) + 1:
        raise FileError(f"{name!r} holds no text that can be read: choose a PDF, DOCX, HTML, Markdown or text file.")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n").replace("\v", "\n")
    return writable(lines)


def writable(text: str) -> str:
    """``text`` without the characters that UTF-8 or a page can't hold: controls become spaces, half an emoji U+FFFD."""
    return _UNWRITABLE.sub(lambda match: "\ufffd" if match[0] >= "\ud800" else " ", text)


def _utf16(sample: bytes) -> str | None:
    """UTF-16 in its byte order where half of the text has a zero byte on the same side, as Latin letters have."""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) < len(sample) * 0.2 or min(even, odd) > len(sample) * 0.02:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _bytewise(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
        broken = text.count("\ufffd")
        whole = len(text) - len(text.encode("ascii", "ignore")) - broken
        # Two-byte letters do not come about by chance: more whole than broken ones, and it was meant as UTF-8.
        return text if whole > broken else data.decode("cp1252", "replace")
