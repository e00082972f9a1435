"""Questions with the windows of their contexts, as the tokenizer joins two texts: question first, then the context.

Cut by our own code and not by the tokenizer's truncation, which is a state that would cut the texts of another thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.core.encoder import position_limit
from tasks.core.errors import InputError
from tasks.core.text import Ints, encode

MAX_SEQ_LEN, DOC_STRIDE, MAX_QUESTION_LEN = 384, 128, 64  # those of the pipeline that Transformers had
LONGEST = 1_000_000  # tokens of a window that is asked for: as many as the model can read


@dataclass(frozen=True, slots=True)
class Asked:
    """One question with one window of its context.

    ``item``: number of the question; ``ids`` and ``types`` (tokens,): token ids and token types; ``first``: the position of
    the first token of the context; ``begin`` and ``count``: which of the context's tokens these are.
    """

    item: int
    ids: Ints
    types: Ints
    first: int
    begin: int
    count: int


class Asker:
    """Cuts contexts into windows, each behind its question, for one tokenizer and the configuration of its model.

    ``window``: tokens of a window where the caller does not say.
    """

    def __init__(self, tokenizer: Any, config: Any, window: int = MAX_SEQ_LEN) -> None:
        self.window = window
        if not tokenizer.is_fast:
            raise InputError("The tokenizer has no character offsets: choose a model with a fast tokenizer.")
        self.tokenizer = tokenizer
        pair = tokenizer("a", "b").encodings[0]
        one, other = (tokenizer(letter, add_special_tokens=False)["input_ids"] for letter in "ab")
        ids, types = np.array(pair.ids, np.int64), np.array(pair.type_ids, np.int64)
        at = _find(pair.ids, one, 0)
        then = _find(pair.ids, other, at + len(one))
        self._before, self._between, self._after = ids[:at], ids[at + len(one) : then], ids[then + len(other) :]
        typed = getattr(config, "type_vocab_size", 0) > 1
        self._types = types * typed
        self._ends = at, at + len(one), then, then + len(other)
        self.special = len(self._before) + len(self._between) + len(self._after)
        self.limit = position_limit(tokenizer, config, LONGEST)

    def __call__(
        self,
        questions: Sequence[str],
        contexts: Sequence[str],
        max_seq_len: int | None = None,
        doc_stride: int | None = None,
        max_question_len: int | None = None,
    ) -> tuple[list[Any], list[Asked]]:
        """The encoding of each context, and all windows, in the order of the questions; a blank context has none.

        ``max_seq_len``: tokens of a window, question and special tokens included, as far as the model reads; ``doc_stride``:
        tokens that two windows share; ``max_question_len``: tokens of a question, what goes beyond is cut (None: nothing is). Raises
        ``InputError``.
        """
        size = min(max_seq_len or self.window, self.limit)
        distinct = {text: number for number, text in enumerate(dict.fromkeys(contexts))}
        encoded = encode(self.tokenizer, list(distinct))
        asked: list[Asked] = []
        encodings = [encoded[distinct[context]] for context in contexts]
        for item, (question, context) in enumerate(zip(encode(self.tokenizer, questions), encodings, strict=True)):
            asked += self._cut(item, np.array(question.ids[:max_question_len], np.int64), context, size, doc_stride)
        return encodings, asked

    def _cut(self, item: int, question: Ints, context: Any, size: int, doc_stride: int | None) -> list[Asked]:
        ids = np.array(context.ids, np.int64)
        room = size - self.special - len(question)
        if room < 1:
            raise InputError(f"The question takes {len(question)} of {size} tokens: raise max_seq_len, or lower max_question_len.")
        stride = min(DOC_STRIDE, size // 2, room * 3 // 4) if doc_stride is None else doc_stride  # long questions leave little room
        step = room - stride
        if step < 1 and len(ids) > room:
            raise InputError(f"doc_stride must be less than the {room} tokens that a window has for the context, not {stride}.")
        windows = []
        for begin in range(0, max(len(ids) - stride, 1), step) if len(ids) > room else [0] * bool(len(ids)):
            part = ids[begin : begin + room]
            full = np.concatenate([self._before, question, self._between, part, self._after])
            first = len(self._before) + len(question) + len(self._between)
            windows.append(Asked(item, full, self._token_types(len(question), len(part)), first, begin, len(part)))
        return windows

    def _token_types(self, question: int, context: int) -> Ints:
        one, end, then, stop = self._ends
        types = self._types
        return np.concatenate(
            [types[:one], np.full(question, types[one]), types[end:then], np.full(context, types[then]), types[stop:]]
        ).astype(np.int64)


def _find(ids: Sequence[int], inner: Sequence[int], start: int) -> int:
    return next(at for at in range(start, len(ids)) if list(ids[at : at + len(inner)]) == list(inner))
