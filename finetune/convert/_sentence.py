"""Sentences that are annotated by token, as text with exact character offsets.

Most data sets give a sentence both as plain text and as tokens. The tokens are found again in the plain text, so
its own spacing and case stay as they were. Where the two disagree, or there are tokens alone, the tokens, which the
annotation counts, are joined with natural spacing instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from finetune.convert._reading import Row
from tasks.core.types import Span

Offsets = list[tuple[int, int]]

# How tokenizers of the Penn Treebank's school write what stands in the text as something else.
_WRITTEN = {"``": '"', "''": '"', "-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}"}
_CLOSING = re.compile(r"[,.;:!?%)\]}'\u2019\u201d\u2026]+|[-/]|n['\u2019]t|['\u2019]\w{1,2}")
_OPENING = re.compile(r"[(\[{$£€`\u2018\u201c]+|[-/]")
_CONTRACTION = re.compile(r"['\u2019](s|t|d|m|re|ve|ll)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text and the half-open character offsets of its tokens."""

    text: str
    tokens: Offsets

    @classmethod
    def of(cls, tokens: Sequence[str], written: str) -> Sentence:
        """The sentence ``written``, whose ``tokens`` are given too."""
        if isinstance(tokens, str) or not all(isinstance(token, str) for token in tokens):
            raise TypeError("tokens")
        written.encode()  # half a character (a lone surrogate) can't be written to a file: refused here, where the line is known
        offsets = _aligned(tokens, written)
        return cls(written, offsets) if offsets is not None else cls.joined(tokens)

    @classmethod
    def joined(cls, tokens: Sequence[str]) -> Sentence:
        """The sentence of ``tokens`` with a space wherever English has one; an empty token has no characters in it."""
        return cls(*_joined(tokens))

    def span(self, first: int, end: int, said: str) -> Row:
        """The tokens from ``first`` up to ``end``, as a span; ``said`` is what the annotation says stands there.

        What is said may be part of a token, since some annotations were made on characters.
        """
        if not 0 <= first < end <= len(self.tokens):
            raise ValueError(f"{said!r} is said to stand at tokens {first} to {end} of a sentence of {len(self.tokens)} tokens")
        span = Span.of(self.text, self.tokens[first][0], self.tokens[end - 1][1])
        if _bare(said) not in _bare(span.text):
            raise ValueError(f"{said!r} is said to stand where the text has {span.text!r}")
        return asdict(span)


def pick(sentences: Sequence[Sentence], number: int) -> Sentence:
    """Sentence ``number``; a negative number is no sentence."""
    if not 0 <= number < len(sentences):
        raise ValueError(f"an annotation names sentence {number} of {len(sentences)}, counted from 0")
    return sentences[number]


def event(name: Any, trigger: Row, arguments: Sequence[Row] = ()) -> Row:
    """One event of a row."""
    if not isinstance(name, str):
        raise TypeError("type")
    return {"type": name, "trigger": trigger, "arguments": list(arguments)}


def event_rows(document: str, sentences: Sequence[Sentence], events: Sequence[list[Row]]) -> Iterator[Row]:
    """A row per sentence that isn't blank, its events in text order and none twice."""
    for number, (sentence, found) in enumerate(zip(sentences, events, strict=True)):
        distinct = [each for place, each in enumerate(found) if each not in found[:place]]
        distinct.sort(key=lambda each: (each["trigger"]["start"], each["trigger"]["end"], each["type"]))
        if sentence.text.strip():
            yield {"id": f"{document}_{number}", "doc_id": document, "text": sentence.text, "events": distinct}


def _bare(text: str) -> str:
    """``text`` without spaces and without the differences in how quotes and brackets are written."""
    for token, written in _WRITTEN.items():
        text = text.replace(token, written)
    return "".join(text.split())


def _aligned(tokens: Sequence[str], written: str) -> Offsets | None:
    """Offsets of the tokens in the text if nothing but white space stands between them."""
    offsets: Offsets = []
    at = 0
    for token in tokens:
        while written[at : at + 1].isspace():
            at += 1
        form = next((form for form in (token, _WRITTEN.get(token)) if form and written.startswith(form, at)), None)
        if form is None:
            return None
        offsets.append((at, at + len(form)))
        at += len(form)
    return None if written[at:].strip() else offsets


def _joined(tokens: Sequence[str]) -> tuple[str, Offsets]:
    """The tokens as a text with a space wherever English has one, and their offsets in it."""
    text, left, quoted, joins = "", "", False, True
    offsets: Offsets = []
    for token in tokens:
        word = _WRITTEN.get(token, token)
        if word == '"':
            closes = token == "''" or (token == '"' and quoted)
            opens = not closes
        else:
            closes = bool(_CLOSING.fullmatch(word) or _CONTRACTION.fullmatch(left + word))
            opens = bool(_OPENING.fullmatch(word))
        text += word if joins or closes or not word else f" {word}"
        offsets.append((len(text) - len(word), len(text)))
        quoted = opens if word == '"' else quoted ^ (word.count('"') % 2 == 1)
        joins = opens or (joins and not word)
        left = word
    return text, offsets
