"""What a reader of a web page sees, read by libxml2 as it streams by: no tree is built, so depth and size cost nothing.

Scripts, styles, comments and hidden elements are no text; entities are decoded; a block ends the line.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping

from lxml import etree

from tasks.core.errors import FileError
from tasks.question_answering.documents.from_text import clean, decode
from tasks.question_answering.documents.layout import Layout

PIECE = 65_536  # characters that the parser gets at a time
_UNSEEN = "script style template noscript iframe object embed svg math canvas audio video map datalist textarea select"
_PARAGRAPHS = "p h1 h2 h3 h4 h5 h6 ul ol dl table blockquote pre figure section article header footer main aside nav title form"
_LINES = "div li dt dd br hr address caption figcaption fieldset legend details summary center body"
UNSEEN, PARAGRAPHS, LINES = (frozenset(names.split()) for names in (_UNSEEN, _PARAGRAPHS, _LINES))
HEAD = 4096  # bytes in which a page says its encoding
# Encodings that a page may ask for; others in Python's list are no encodings of text, or slow on purpose-made bytes.
_EASTERN = "shift_jis cp932 euc_jp iso2022_jp gbk gb2312 gb18030 big5 euc_kr cp949 koi8-r koi8-u"
ENCODINGS = {codecs.lookup(name).name for name in ("utf-8", *_EASTERN.split())}
ENCODINGS |= {codecs.lookup(f"cp{number}").name for number in (866, 874, *range(1250, 1259))}
ENCODINGS |= {codecs.lookup(f"iso8859-{number}").name for number in (*range(2, 12), 13, 14, 15, 16)}  # Latin-1 means Windows-1252
_DECLARED = re.compile(rb"<(?:meta\b[^<>]{0,200}?charset|\?xml\b[^<>]{0,100}?encoding)\s{0,9}=\s{0,9}[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_HIDING = re.compile(r"display\s{0,9}:\s{0,9}none|visibility\s{0,9}:\s{0,9}hidden", re.IGNORECASE)


def read_html(data: bytes, name: str) -> str:
    """The visible text of a page: its title, then its body."""
    text = _decoded(data, name)
    target = _Target(Layout(name))
    parser = etree.HTMLParser(target=target, no_network=True, huge_tree=False)
    try:
        for start in range(0, len(text), PIECE):
            parser.feed(text[start : start + PIECE])
        parser.close()
    except etree.LxmlError as error:
        if not target.layout.whole():  # a parser that gave up on nothing but white space is no fault of the file's text
            raise FileError(f"{name!r} is not HTML that can be read: save the page again, or save it as text.") from error
    return target.layout.whole()


def _decoded(data: bytes, name: str) -> str:
    """In the encoding that the page names, unless its bytes say otherwise."""
    declared = _DECLARED.search(data[:HEAD])
    if declared and not data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            encoding = codecs.lookup(declared[1].decode("ascii", "replace")).name
            if encoding in ENCODINGS:
                return clean(data.decode(encoding), name)
        except (LookupError, UnicodeDecodeError):
            pass  # it names none, or another one than its own
    return decode(data, name)


class _Target:
    """Takes the parser's events; what it raises comes out of ``feed``."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._hidden = 0  # open elements from the outermost hidden one on
        self._kept = 0  # open ``pre`` elements

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self._hidden or tag in UNSEEN or _is_hidden(tag, attributes):
            self._hidden += 1  # the parser ends each element that it starts, and ``<br>`` at once
            return
        self._kept += tag == "pre"
        if tag == "tr":
            self.layout.row()
        elif tag in ("td", "th"):
            self.layout.cell()
        else:
            self._break(tag)

    def end(self, tag: str) -> None:
        if self._hidden:
            self._hidden -= 1
            return
        self._kept -= tag == "pre"
        if tag == "tr":
            self.layout.end_row()
        elif tag in ("td", "th"):
            self.layout.end_cell()
        elif tag != "br":
            self._break(tag)

    def data(self, text: str) -> None:
        if not self._hidden:
            self.layout.text(text, kept=self._kept > 0)

    def comment(self, text: str) -> None:
        """Comments are no text."""

    def close(self) -> None:
        """The parser asks for a result; ``layout`` has it."""

    def _break(self, tag: str) -> None:
        if tag in PARAGRAPHS:
            self.layout.paragraph()
        elif tag in LINES:
            self.layout.line()


def _is_hidden(tag: str, attributes: Mapping[str, str]) -> bool:
    if tag in ("html", "body"):
        return False  # a page that hides itself until its script has run is still meant to be read
    return "hidden" in attributes or bool(_HIDING.search(attributes.get("style", "")))
