"""What training rows say of a word: how often it was a trigger, and of which types.

The encoder generalises; the lexicon remembers. A small encoder does not memorise thousands of trigger words, and
counts alone already find most of them at home, so calibration weighs the two together (a stacked generalisation,
Wolpert 1992): ``score = sigmoid(logit / temperature + shift + prior * evidence + unknown * [word never seen])``.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from tasks.core.errors import AdapterError
from tasks.event_detection.data import Row, gold_events

WORD = re.compile(r"\w+")
FILE = "lexicon.json"
TYPED, SEEN = 0.3, 3.0  # pseudo-counts: a word seen once as a trigger is weak evidence


class Lexicon:
    """Words (lower-cased) with how often they were seen, and how often as the first word of a trigger of each type."""

    def __init__(self, seen: Mapping[str, int], types: Mapping[str, Mapping[str, int]]) -> None:
        self.seen, self.types = seen, types

    @classmethod
    def count(cls, rows: Iterable[Row]) -> Lexicon:
        """The lexicon of ``rows``."""
        seen: Counter[str] = Counter()
        types: dict[str, Counter[str]] = defaultdict(Counter)
        for row in rows:
            seen.update(word.group().lower() for word in WORD.finditer(row["text"]))
            for start, end, name in gold_events(row):
                if first := WORD.search(row["text"], start, end):
                    types[first.group().lower()][name] += 1
        return cls(seen, types)

    def evidence(self, words: Sequence[str], names: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Log share of each word's occurrences that were of each type (words, names), 0 for words never seen; and
        (words, 1) 1 for these."""
        unknown = torch.tensor([float(word not in self.seen) for word in words])[:, None]
        base = torch.tensor([math.log(TYPED / (self.seen.get(word, 0) + SEEN)) for word in words])[:, None]
        table = base.repeat(1, len(names)) * (1 - unknown)
        place = {name: column for column, name in enumerate(names)}
        for row, word in enumerate(words):
            for name, count in self.types.get(word, {}).items():
                if name in place:
                    table[row, place[name]] = math.log((count + TYPED) / (self.seen.get(word, 0) + SEEN))
        return table, unknown

    def best_type(self, word: str, least_share: float) -> str | None:
        """The word's most frequent type, if at least ``least_share`` of its occurrences were triggers."""
        types = self.types.get(word, {})
        if not types or sum(types.values()) < least_share * max(self.seen.get(word, 0), 1):
            return None
        return max(types, key=lambda name: types[name])

    def to_dict(self) -> dict[str, Any]:
        """word -> [times seen, type -> times], in alphabetical order."""
        return {word: [self.seen[word], dict(self.types.get(word, {}))] for word in sorted(self.seen)}

    @classmethod
    def of(cls, data: Any) -> Lexicon:
        """The inverse of ``to_dict``; raises ``AdapterError``."""
        try:
            types = {word: {name: int(count) for name, count in names.items()} for word, (_, names) in data.items() if names}
            return cls({word: int(seen) for word, (seen, _) in data.items()}, types)
        except (TypeError, ValueError, AttributeError) as error:
            raise AdapterError(f"{FILE} is damaged: get the adapter again.") from error
