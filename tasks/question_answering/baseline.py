"""The trivial baseline: the sentence of the context that shares most words with the question, rare words counting more."""

from __future__ import annotations

import math
import re
from collections import Counter

_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


def most_similar_sentence(question: str, context: str) -> str:
    """The sentence with the highest sum of inverse frequencies, within the context, of the words of the question; by cosine."""
    sentences = [each for each in _SENTENCE.split(context) if each.strip()]
    if not sentences:
        return ""
    bags = [set(_lower(each)) for each in sentences]
    seen = Counter(word for bag in bags for word in bag)
    weight = {word: math.log(1 + len(bags) / count) for word, count in seen.items()}
    asked = set(_lower(question))

    def likeness(bag: set[str]) -> float:
        length = math.sqrt(sum(weight[word] ** 2 for word in bag))
        return sum(weight[word] ** 2 for word in bag & asked) / length if length else 0.0

    return max(zip(sentences, bags, strict=True), key=lambda pair: likeness(pair[1]))[0]


def _lower(text: str) -> list[str]:
    return _WORD.findall(text.lower())
