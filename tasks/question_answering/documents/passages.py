"""Documents into passages: about as long as the encoder reads at once, cut where a reader would pause.

A text is first taken apart into units: headings, sentences, and the lines of lists and tables. Units are then put together until
a passage has ``LEAST`` to ``MOST`` words, with its end at the strongest break that fits: before a heading, else at a paragraph's
end, else at a sentence's. Only in the last case do two passages share a sentence, for what it says may belong to both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from tasks.question_answering.documents.lines import is_heading, usual_width, wraps
from tasks.question_answering.documents.sentences import sentence_starts
from tasks.question_answering.documents.types import Document, Passage

LEAST, MOST = 60, 110  # words of a passage
NEAR = 25  # words from which a passage ends before a heading
SHARED = 30  # words of a sentence that two passages share, at most
PIECE = 70  # words of the pieces into which a sentence longer than a passage is cut
WORD = 10  # characters that count as a word at least: a word of a thousand letters is no short text
SENTENCE, PARAGRAPH, SECTION = 0, 1, 2  # how strong the break before a unit is
HEADINGS = 4  # that may stand above one another; more are a list of names
_CHUNK = re.compile(rf"\S{{1,{PIECE}}}")
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")  # Chinese, Japanese, Korean: words without spaces


@dataclass(frozen=True, slots=True)
class Unit:
    """What is never cut: its offsets without white space around it, its words, and the strength of the break before it."""

    start: int
    end: int
    size: int
    level: int


def passages(document: Document) -> list[Passage]:
    """The passages of a document, in order; every character of it but white space is in one at least."""
    text, made = document.text, []
    units = list(_units(text))
    for first, stop in _groups(units):
        start, end = units[first].start, units[stop - 1].end
        made.append(Passage(document.name, document.page(start), start, end, text[start:end]))
    return made


def _units(text: str) -> Iterator[Unit]:
    for start, end, level in _blocks(text):
        starts = [start + each for each in sentence_starts(text[start:end])]
        for begin, stop in zip(starts, [*starts[1:], end], strict=True):
            yield from _pieces(text, begin, stop, level if begin == start else SENTENCE)


def _blocks(text: str) -> Iterator[tuple[int, int, int]]:
    """Runs of lines that belong together, as (start, end, level of the break before): paragraphs, headings, items, rows."""
    lines = [match.span() for match in re.finditer(r"[^\n]+", text)]
    start, width, after_blank, heading = -1, 0, True, False
    for number, (begin, end) in enumerate(lines):
        line = text[begin:end]
        if not line.strip():
            after_blank = True
            continue
        following = text[slice(*lines[number + 1])] if number + 1 < len(lines) and lines[number + 1][0] == end + 1 else ""
        if start < 0:
            start, width = begin, _width(text, lines, number)
            after_blank = after_blank or text[max(0, begin - 2) : begin] == "\n\n"
            heading = is_heading(line, after_blank) and not wraps(line, following, width)
        if wraps(line, following, width):
            continue
        yield start, end, SECTION if heading else PARAGRAPH
        start, after_blank = -1, False


def _width(text: str, lines: Sequence[tuple[int, int]], number: int) -> int:
    """The usual width of the lines from ``number`` on, as far as a paragraph goes."""
    return usual_width([end - begin for begin, end in lines[number : number + 8] if text[begin:end].strip()])


def _pieces(text: str, start: int, end: int, level: int) -> Iterator[Unit]:
    """A unit, or where it is longer than a passage, several."""
    part = text[start:end]
    size = _size(part)
    if size <= MOST:
        bare = part.strip()
        if bare:
            begin = start + len(part) - len(part.lstrip())
            yield Unit(begin, begin + len(bare), size, level)
        return
    begin, total, last = -1, 0, start
    for match in _CHUNK.finditer(text, start, end):
        more = _size(match[0])
        if begin >= 0 and total + more > PIECE:
            yield Unit(begin, last, total, level)
            begin, total, level = -1, 0, SENTENCE
        begin, total, last = (match.start() if begin < 0 else begin), total + more, match.end()
    yield Unit(begin, last, total, level)


def _size(text: str) -> int:
    """Words, where long ones count as several, and each letter of a script without spaces as one."""
    wide = 0 if text.isascii() else len(_WIDE.findall(text))
    return max(len(text.split()), len(text) // WORD, wide)


def _groups(units: Sequence[Unit]) -> Iterator[tuple[int, int]]:
    """Half-open ranges of units that make a passage each."""
    left = [*accumulate((unit.size for unit in reversed(units)), initial=0)][::-1]  # words from each unit on
    first = 0
    while first < len(units):
        stop = _before_headings(units, first, _stop(units, first))
        if left[stop] < NEAR and left[first] <= MOST:
            stop = len(units)  # the last few words are no passage of their own
        yield first, stop
        first = stop - 1 if stop < len(units) and _shared(units, first, stop) else stop


def _stop(units: Sequence[Unit], first: int) -> int:
    """Where the passage that begins with unit ``first`` ends."""
    total, best, stop = 0, (-1, -1), len(units)
    for place in range(first, len(units)):
        unit = units[place]
        enough = NEAR if unit.level == SECTION else LEAST
        if place > first and (total + unit.size > MOST or (unit.level > SENTENCE and total >= enough)):
            stop = place
            break
        if total >= LEAST * 2 // 3:
            best = max(best, (unit.level, place))
        total += unit.size
    if stop < len(units) and units[stop].level < best[0]:
        stop = best[1]  # rather at the end of a paragraph that is somewhat shorter than within the next
    return stop


def _before_headings(units: Sequence[Unit], first: int, stop: int) -> int:
    """``stop``, or the place before the headings that would stand there without what they head."""
    place = stop
    while stop < len(units) and place > first and stop - place <= HEADINGS and units[place - 1].level == SECTION:
        place -= 1
    return place if first < place and stop - place <= HEADINGS else stop


def _shared(units: Sequence[Unit], first: int, stop: int) -> bool:
    """Whether the last sentence before ``stop`` is to open the next passage, too."""
    last, following = units[stop - 1], units[stop]
    small = last.size <= SHARED and last.size + following.size <= MOST
    return small and following.level == SENTENCE and stop - 1 > first
