"""Text into overlapping windows of tokens, exactly: nothing is cut off and every word knows its characters.

A *word* is what the tokenizer's own pre-tokenizer says is one (for BERT: letters and digits together, each
punctuation mark alone). Windows begin and end at words and overlap; each word is *owned* by the window in
which it stands farthest from an edge, so it is read once with context on both sides. All per-token work is
in the tokenizer's native code or in NumPy.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from tasks.core.errors import InputError

Ints = NDArray[np.int64]
Spell = Callable[[str], tuple[str, Ints | None]]
PADDING = 0.05  # share of a batch
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Window:
    """Tokens of one text that fit the encoder together, and the words that this window answers for.

    ``ids``: token ids with the special tokens; ``words``: numbers of the owned words in the text (of a ``whole``
    window: of all its words); ``first`` and ``last``: for each of these, the positions in ``ids`` of its first and
    last token; ``owned``: the half-open range of ``words`` that this window owns; None: all.
    """

    text: int
    ids: Ints
    words: Ints
    first: Ints
    last: Ints
    owned: tuple[int, int] | None = None

    def owns(self, place: int) -> bool:
        """Whether the window owns the word at ``place`` of ``words``."""
        return self.owned is None or self.owned[0] <= place < self.owned[1]


class Tokens:
    """The words of one text; ``word_chars`` gives a word's character offsets, ``words_in`` the words at offsets.

    ``places``: where the text that was encoded is a spelling of the user's, the place of each of its characters there.
    """

    __slots__ = ("_places", "_spans", "count", "encoding")

    def __init__(self, encoding: Any, count: int, places: Ints | None = None) -> None:
        self.encoding, self.count, self._places = encoding, count, places
        self._spans: tuple[Ints, Ints, Ints] | None = None

    def word_chars(self, word: int) -> tuple[int, int]:
        """Half-open character offsets of word number ``word``."""
        words, starts, ends = self._words()
        at = int(np.searchsorted(words, word))
        return int(starts[at]), int(ends[at])

    def words_in(self, start: int, end: int) -> tuple[int, int] | None:
        """First and last word that have a character in ``[start, end)``, None where there is none."""
        words, starts, ends = self._words()
        inside = words[(starts < end) & (ends > start) & (ends > starts)]
        return (int(inside[0]), int(inside[-1])) if len(inside) else None

    def _words(self) -> tuple[Ints, Ints, Ints]:
        """Numbers, starts and ends of the words; once, for the encoding's own look-up goes through all of them at each call."""
        if self._spans is None:
            numbers, offsets = np.array(self.encoding.word_ids, np.int64), np.array(self.encoding.offsets, np.int64).reshape(-1, 2)
            first = np.flatnonzero(np.diff(numbers, prepend=-2) != 0)
            starts, ends = offsets[first, 0], offsets[np.append(first[1:], len(numbers))[: len(first)] - 1, 1]
            if self._places is not None and len(self._places):
                last = len(self._places) - 1
                ends = np.where(ends > starts, self._places[np.clip(ends - 1, 0, last)] + 1, self._places[np.clip(ends, 0, last)])
                starts = self._places[np.clip(starts, 0, last)]
            self._spans = numbers[first], starts, ends
        return self._spans


def spelled(text: str) -> tuple[str, Ints | None]:
    """The text with its emoji by their Unicode names, and the place in ``text`` of each character; None: unchanged.

    "Great 👍" -> "Great  thumbs up sign ". Vocabularies without emoji read all of them as one unknown token.
    """
    if text.isascii() or not any(map(_is_emoji, text)):
        return text, None
    parts = [f" {unicodedata.name(char).lower()} " if _is_emoji(char) else char for char in text]
    return "".join(parts), np.repeat(np.arange(len(text)), [len(part) for part in parts])


def _is_emoji(char: str) -> bool:
    return char >= "\u2190" and unicodedata.category(char) == "So" and bool(unicodedata.name(char, ""))


def check_text(text: object) -> str:
    """Return ``text`` if it is a string, else raise ``InputError``."""
    if not isinstance(text, str):
        raise InputError(f"A text must be a string, not {type(text).__name__}: pass one string or a list of strings.")
    return text


def visible(text: str, start: int, end: int) -> tuple[int, int] | None:
    """``(start, end)`` without white space at its edges, which some tokenizers take for a part of words, or for words."""
    inner = text[start:end].strip()
    begin = text.find(inner, start)
    return (begin, begin + len(inner)) if inner else None


class Windower:
    """Cuts texts into windows for one tokenizer.

    Parameters: a fast ``tokenizer``; ``size`` tokens a window, special tokens included; ``overlap`` tokens that two
    neighbouring windows share; ``whole``: list all words of a window, not the owned ones alone; ``spell``: what is
    encoded of a text instead, and the place there of each of its characters (``spelled``). ``between`` are the tokens
    that the tokenizer puts between two texts.
    """

    def __init__(self, tokenizer: Any, size: int, overlap: int, whole: bool = False, spell: Spell | None = None) -> None:
        if not tokenizer.is_fast:
            raise InputError("The tokenizer has no character offsets: choose a model with a fast tokenizer.")
        self._tokenizer = tokenizer
        inner = [tokenizer(letter, add_special_tokens=False)["input_ids"] for letter in "ab"]
        self._prefix, self._suffix = _around(tokenizer("a")["input_ids"], inner[0])
        self.between = _around(_around(tokenizer("a", "b")["input_ids"], inner[0])[1].tolist(), inner[1])[0]
        self.size = size
        self.body = size - len(self._prefix) - len(self._suffix)
        self.overlap = min(overlap, self.body // 2)
        self.whole, self.spell = whole, spell

    def __call__(self, texts: Sequence[str]) -> tuple[list[Tokens], list[Window]]:
        """Tokens of each text, and the windows of all of them in text order; a blank text has no window."""
        tokens: list[Tokens] = []
        windows: list[Window] = []
        texts, places = self._spelled(texts)
        for number, encoding in enumerate(encode(self._tokenizer, texts)):
            tokens.append(Tokens(encoding, len(set(encoding.word_ids)), places[number]))
            windows.extend(self._cut(number, encoding, self._suffix))
        return tokens, windows

    def paired(self, texts: Sequence[str], second: str) -> list[Window]:
        """Windows of the texts, each followed by the whole of ``second``, as the tokenizer joins two texts.

        Raises ``InputError`` where ``second`` takes more than half of a window.
        """
        texts, _ = self._spelled(texts)
        (encoding,) = encode(self._tokenizer, [second])
        if len(encoding.ids) > self.size // 2:
            raise InputError(f"{second[:60]!r}… takes {len(encoding.ids)} tokens, where {self.size // 2} are the most: say it shorter.")
        suffix = np.concatenate([self.between, np.array(encoding.ids, np.int64), self._suffix])
        return [window for number, each in enumerate(encode(self._tokenizer, texts)) for window in self._cut(number, each, suffix)]

    def single(self, texts: Sequence[str]) -> list[Window]:
        """One window a text, without words; what goes beyond it is cut off: for names and descriptions."""
        none = np.zeros(0, np.int64)
        bodies = [np.array(encoding.ids[: self.body], np.int64) for encoding in encode(self._tokenizer, texts)]
        return [Window(number, np.concatenate([self._prefix, body, self._suffix]), none, none, none) for number, body in enumerate(bodies)]

    def _spelled(self, texts: Sequence[str]) -> tuple[Sequence[str], Sequence[Ints | None]]:
        """The texts as they are encoded, and the places of their characters where these differ."""
        if self.spell is None:
            return texts, [None] * len(texts)
        both = [self.spell(check_text(text)) for text in texts]
        return [text for text, _ in both], [places for _, places in both]

    def _cut(self, text: int, encoding: Any, suffix: Ints) -> Iterator[Window]:
        """Windows of one text, each with ``suffix``; none of a blank text."""
        body = self.size - len(self._prefix) - len(suffix)
        ids = np.array(encoding.ids, np.int64)
        starts, words = _word_starts(encoding.word_ids, body)
        ends = np.append(starts[1:], len(ids))
        for begin, end, low, high in _spans(starts, ends, body, min(self.overlap, body // 2)) if len(words) else ():
            shift = len(self._prefix) - begin
            full = np.concatenate([self._prefix, ids[begin:end], suffix])
            listed, owned = slice(low, high), None
            if self.whole:
                listed = slice(int(np.searchsorted(starts, begin)), int(np.searchsorted(ends, end)) + 1)
                owned = low - listed.start, high - listed.start
            yield Window(text, full, words[listed], starts[listed] + shift, ends[listed] - 1 + shift, owned)


def encode(tokenizer: Any, texts: Sequence[str]) -> Sequence[Any]:
    """Encodings of the texts, without special tokens; none of a blank one.

    Without the tokenizer's own truncation: that is a state, which would cut the texts of another thread.
    """
    clean = [_SURROGATES.sub("\ufffd", text) if check_text(text).strip() else "" for text in texts]  # spaces are words to some
    if not clean:
        return []
    encodings: Sequence[Any] = tokenizer(clean, add_special_tokens=False, return_attention_mask=False, verbose=False).encodings
    return encodings


def _around(ids: Sequence[int], inner: Sequence[int]) -> tuple[Ints, Ints]:
    """What stands before and after ``inner`` in ``ids``."""
    at = next(i for i in range(len(ids)) if list(ids[i : i + len(inner)]) == list(inner))
    return np.array(ids[:at], np.int64), np.array(ids[at + len(inner) :], np.int64)


def _word_starts(word_ids: Iterable[int | None], longest: int) -> tuple[Ints, Ints]:
    """Positions of each word's first token, and the words' numbers.

    A word longer than a window (ten thousand letters in a row) is read in pieces of ``longest`` tokens.
    """
    numbers = np.array([-1 if word is None else word for word in word_ids], np.int64)
    starts = np.flatnonzero(np.diff(numbers, prepend=-2) != 0)
    lengths = np.diff(starts, append=len(numbers))
    if len(starts) and lengths.max() > longest:
        starts = np.concatenate([np.arange(start, start + length, longest) for start, length in zip(starts, lengths, strict=True)])
    return starts, numbers[starts]


def _spans(starts: Ints, ends: Ints, body: int, overlap: int) -> Iterator[tuple[int, int, int, int]]:
    """Windows as (first token, end token, first owned word, end of owned words); no word is longer than ``body``."""
    count = len(starts)
    low = word = 0
    while True:
        begin = int(starts[word])
        stop = int(np.searchsorted(ends, begin + body, side="right"))
        end = int(ends[stop - 1])
        if stop >= count:
            yield begin, end, low, count
            return
        # The next window shares ``overlap`` tokens, or fewer where the word that did not fit leaves it less room.
        following = int(np.searchsorted(starts, max(end - overlap, ends[stop] - body), side="left"))
        high = max((following + stop + 1) // 2, low)
        if high > low:
            yield begin, end, low, high
        low, word = high, following


class Sized(Protocol):
    """What ``batches`` sorts: a window, or something else with tokens."""

    @property
    def ids(self) -> Ints: ...


Item = TypeVar("Item", bound=Sized)


def batches(windows: Sequence[Item], tokens: int) -> Iterator[list[Item]]:
    """Windows sorted by length, in batches of at most ``tokens`` padded tokens (always at least one window).

    A batch that is no longer small (an eighth of ``tokens``) is closed early where the next window would leave more
    than ``PADDING`` of it empty: lengths jump in the tail, and an encoder's time goes by padded tokens. The order of
    the caller's texts is not lost, since every window carries its text's number.
    """
    batch: list[Item] = []
    held = 0
    for window in sorted(windows, key=lambda window: len(window.ids)):
        size = len(window.ids)
        jumps = held >= tokens // 8 and len(batch) * size - held > PADDING * held
        if batch and (jumps or (len(batch) + 1) * size > tokens):
            yield batch
            batch, held = [], 0
        batch.append(window)
        held += size
    if batch:
        yield batch


def pad(rows: Sequence[Ints], value: int) -> tuple[Ints, Ints]:
    """Rows of ids as one (rows, longest) array filled up with ``value``, and its 0/1 mask."""
    lengths = np.fromiter((len(row) for row in rows), np.int64, len(rows))
    mask = np.arange(lengths.max())[None, :] < lengths[:, None]
    ids = np.full(mask.shape, value, np.int64)
    ids[mask] = np.concatenate(rows)
    return ids, mask.astype(np.int64)
