"""The texts that the benchmarks read: the sample rows' own sentences, cut and joined to a fixed mix of lengths."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

TASKS = Path(__file__).parents[2] / "tasks"
LENGTHS = ((0.7, 10, 30), (0.2, 40, 100), (0.1, 200, 250))  # share, least and most tokens


def lengths(count: int, seed: int = 0) -> list[int]:
    """Token counts of ``count`` texts, special tokens included, in an order that has nothing to do with length."""
    draw = random.Random(seed)
    wanted = [draw.randint(least, most) for share, least, most in LENGTHS for _ in range(round(share * count))]
    wanted += [LENGTHS[0][1]] * (count - len(wanted))
    draw.shuffle(wanted)
    return wanted[:count]


def texts(count: int, token_count: Callable[[str], int], seed: int = 0, task: str = "event_detection") -> list[str]:
    """``count`` texts of the mix out of the sample of ``task``; ``token_count``: tokens of a text, without the special ones."""
    draw = random.Random(seed)
    with open(TASKS / task / "sample" / "train.jsonl", encoding="utf-8") as file:
        words = [json.loads(line)["text"].split() for line in file]
    costs = {word: token_count(word) for sentence in words for word in sentence}
    return [_text(wanted - 2, words, costs, draw) for wanted in lengths(count, seed)]


def _text(wanted: int, sentences: list[list[str]], costs: dict[str, int], draw: random.Random) -> str:
    text: list[str] = []
    while True:
        for word in draw.choice(sentences):
            wanted -= costs[word]
            if wanted < 0:
                return " ".join(text)
            text.append(word)
