"""How words are written, for encoders that read lower-cased text: ``Turkey`` and ``turkey``.

A vector for the shape of its word is added to the embedding of each token, so that all layers see it; the added vectors start at zero.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from torch import Tensor, nn

from tasks.core.text import Ints, Tokens, Window

SHAPES = 6
_DIGIT = re.compile(r"\d")


def shape(word: str) -> int:
    """How a word is written: 0 without capitals, 1 Capitalised, 2 CAPITALS, 3 miXed, 4 with a digit, 5 one capital letter."""
    if _DIGIT.search(word):
        return 4
    if word.islower() or word.lower() == word:
        return 0
    if word.isupper():
        return 2 if len(word) > 1 else 5
    return 1 if word[0].isupper() and word[1:].islower() else 3


def token_shapes(text: str, tokens: Tokens, window: Window) -> Ints:
    """The shape of the word of each token of the window, 0 for special tokens."""
    kinds = np.zeros(len(window.ids), np.int64)
    for word, first, last in zip(window.words.tolist(), window.first.tolist(), window.last.tolist(), strict=True):
        kinds[first : last + 1] = shape(text[slice(*tokens.word_chars(word))].strip())
    return kinds


def shape_embedding(width: int) -> nn.Embedding:
    """A vector for each shape, all zeros."""
    vectors = nn.Embedding(SHAPES, width)
    nn.init.zeros_(vectors.weight)
    return vectors


def encode_marked(network: Any, marks: nn.Embedding, ids: Tensor, mask: Tensor, kinds: Tensor) -> Tensor:
    """States (rows, tokens, width) of tokens whose embeddings have the vector of their kind (rows, tokens) added."""
    embedded = network.get_input_embeddings()(ids)
    hidden: Tensor = network(inputs_embeds=embedded + marks(kinds).to(embedded.dtype), attention_mask=mask).last_hidden_state
    return hidden
