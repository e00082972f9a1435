"""Tokens of a data set found in its text, or joined to one where the two disagree (``finetune.convert._sentence``)."""

from __future__ import annotations

import random

import pytest

from finetune.convert._sentence import Sentence
from tests.test_convert import cut


def test_tokens_are_found_whatever_the_spacing() -> None:
    """Random words and marks with random white space between them: every token is where its offsets say."""
    draw = random.Random(7)
    stock = ["fire", "São", "é", "🔥👩‍🚒", "'s", "(", ")", ",", "-", "3.5", "مطر", "’", "“", "`", "U.S."]
    for _ in range(300):
        tokens = draw.choices(stock, k=draw.randrange(1, 12))
        text = "".join(draw.choice(["", " ", "\u00a0", "\r\n "]) + token for token in tokens) + draw.choice(["", " "])
        sentence = Sentence.of(tokens, text)
        assert sentence.text == text
        assert [text[start:end] for start, end in sentence.tokens] == tokens


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("`` Run ! '' she said , and they did n't .", '"Run!" she said, and they didn\'t.'),
        ("The mayor ' s car -LRB- a long - lost gift -RRB- cost $ 20 .", "The mayor's car (a long-lost gift) cost $20."),
        ('He said " no " twice ; nobody ’ s fault .', 'He said "no" twice; nobody’s fault.'),
    ],
)
def test_tokens_that_disagree_with_the_text_are_joined_with_natural_spacing(tokens: str, text: str) -> None:
    sentence = Sentence.of(cut(tokens), "Something else.")
    assert sentence.text == text
    read = [sentence.text[start:end] for start, end in sentence.tokens]
    assert "".join(read) == text.replace(" ", "")
    assert len(read) == len(cut(tokens))
