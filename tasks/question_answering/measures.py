"""What is counted of answers: exact match and F1 of words, as the scorer of SQuAD has them (Rajpurkar et al. 2016, section 6.1)."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

from tasks.core.metrics import prf

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_MARKS = str.maketrans("", "", string.punctuation)


def normal(answer: str) -> list[str]:
    """The words of an answer in lower case, without punctuation and articles."""
    return _ARTICLES.sub(" ", answer.lower().translate(_MARKS)).split()


def exact(answer: str, gold: Sequence[str]) -> float:
    """1.0 where the answer is one of ``gold``, or where both are empty."""
    return float(any(normal(answer) == normal(each) for each in gold or [""]))


def f1(answer: str, gold: Sequence[str]) -> float:
    """The best F1 of words over the ``gold`` answers; where there are none, 1.0 for an empty answer."""
    return max(_f1(normal(answer), normal(each)) for each in gold or [""])


def _f1(one: Sequence[str], other: Sequence[str]) -> float:
    if not one or not other:
        return float(one == other)
    return prf(sum((Counter(one) & Counter(other)).values()), len(one), len(other)).f1
