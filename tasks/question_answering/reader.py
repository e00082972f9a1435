"""Questions and contexts to the spans that may answer: all windows through the encoder, sorted by length, the best spans kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from tasks.core.encoder import Encoder
from tasks.core.text import Tokens, batches, visible
from tasks.question_answering.data import collate_asked
from tasks.question_answering.decode import MAX_ANSWER_LEN, Found, Read, spans_of
from tasks.question_answering.model import Ends
from tasks.question_answering.windows import MAX_SEQ_LEN, Asked, Asker

SPANS = 8  # spans that are kept of each window, more where the caller asks for more
Network = Callable[[Tensor, Tensor, Tensor], Ends]  # ids, mask, token types (windows, tokens)


class Reader:
    """An extractive reader; no state, so safe in threads.

    ``network``: what gives the logits of windows, ours or a ready-made model; ``encoder``: its tokenizer and weights; ``window``:
    tokens of a window where the caller does not say.
    """

    def __init__(self, encoder: Encoder, network: Network, window: int = MAX_SEQ_LEN) -> None:
        self.encoder, self.network = encoder, network
        self.asker = Asker(encoder.tokenizer, encoder.model.config, window)

    @torch.inference_mode()
    def __call__(
        self, questions: Sequence[str], contexts: Sequence[str], longest: int = MAX_ANSWER_LEN, count: int = SPANS, **windows: Any
    ) -> list[Read]:
        """What each context says to its question; ``count``: spans of each window; ``windows``: options of ``Asker``."""
        encodings, asked = self.asker(questions, contexts, **windows)
        tokens = [Tokens(each, 0) for each in encodings]
        spans: list[dict[tuple[int, int], Found]] = [{} for _ in questions]
        none = [1.0] * len(questions)
        for group in batches(asked, self.encoder.batch_tokens):
            for window, found, silent in self._read(group, longest, count):
                none[window.item] = min(none[window.item], silent)
                for first, last, margin, probability in found:
                    shift = window.begin - window.first
                    place = _characters(contexts[window.item], tokens[window.item], first + shift, last + shift)
                    known = spans[window.item].get(place) if place else None
                    if place and (known is None or known.margin < margin):
                        spans[window.item][place] = Found(*place, margin, probability)
        order = [sorted(each.values(), key=lambda found: (-found.margin, found.start, found.end)) for each in spans]
        return [Read(*each) for each in zip(order, none, strict=True)]

    def _read(self, group: Sequence[Asked], longest: int, count: int) -> list[tuple[Asked, list[tuple[int, int, float, float]], float]]:
        """For each window its best spans (first and last token, margin, probability), and the probability that it does not say."""
        pad_id, device = self.encoder.tokenizer.pad_token_id or 0, self.encoder.device
        ends = Ends(*(each.float().cpu() for each in self.network(*(field.to(device) for field in collate_asked(group, pad_id)))))
        place = torch.arange(ends.start.shape[1])[None]
        first, size = (torch.tensor([getattr(window, name) for window in group])[:, None] for name in ("first", "count"))
        inside = (place >= first) & (place < first + size)
        fields = [each.tolist() for each in spans_of(ends, inside, longest, count)]
        seen = inside.clone()
        seen[:, 0] = True
        silent = [logits.masked_fill(~seen, -torch.inf).log_softmax(1)[:, 0] for logits in ends]
        return [
            (window, [each for each in zip(*(field[row] for field in fields), strict=True) if each[2] > -torch.inf], none)
            for row, (window, none) in enumerate(zip(group, (silent[0] + silent[1]).exp().tolist(), strict=True))
        ]


def _characters(text: str, tokens: Tokens, first: int, last: int) -> tuple[int, int] | None:
    """The characters of a run of tokens, out to the ends of its words, without white space at its edges."""
    words = [tokens.encoding.token_to_word(token) for token in (first, last)]
    if None in words:  # some tokenizers know no words
        start, end = (tokens.encoding.token_to_chars(token) for token in (first, last))
        return visible(text, start[0], end[1])
    return visible(text, tokens.word_chars(words[0])[0], tokens.word_chars(words[1])[1])
