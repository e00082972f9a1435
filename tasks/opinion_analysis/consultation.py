"""A consultation: how many are for and against a proposal, and the strongest arguments on each side.

    p = pipeline("opinion-analysis")
    found = consult(p, contributions, "We should close the market square to cars.")
    found.shares.favor, found.against[0].text, len(found.against[0].similar)

What an argument is and how strong, see ``arguments``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.core.errors import InputError
from tasks.core.types import Result, check_score
from tasks.opinion_analysis.arguments import Argument, Voice, plain, strongest
from tasks.opinion_analysis.types import STANCES, Label

Z = 1.959964  # of the normal distribution's middle 95 %

Progress = Callable[[str, float | None], None]


@dataclass(frozen=True, slots=True)
class Share(Result):
    """How many took a stance, their share of all, and the 95 % interval of that share."""

    label: str
    count: int
    share: float
    low: float
    high: float

    def __post_init__(self) -> None:
        for each in (self.share, self.low, self.high):
            check_score(each)
        if not self.low <= self.share <= self.high:
            raise ValueError(f"The share {self.share} is not in its interval [{self.low}, {self.high}].")


@dataclass(frozen=True, slots=True)
class Shares(Result):
    """The share of each stance among ``total`` contributions."""

    total: int
    favor: Share
    against: Share
    neutral: Share

    def __post_init__(self) -> None:
        if self.favor.count + self.against.count + self.neutral.count != self.total:
            raise ValueError(f"The counts of {self} do not sum to its total.")


@dataclass(frozen=True, slots=True)
class Consultation(Result):
    """What ``consult`` found; ``stances`` go with ``texts``, None where a text is blank and counts for nothing."""

    proposal: str
    texts: tuple[str, ...]
    stances: tuple[Label | None, ...]
    shares: Shares
    favor: tuple[Argument, ...]
    against: tuple[Argument, ...]

    def __post_init__(self) -> None:
        if len(self.texts) != len(self.stances):
            raise ValueError(f"There are {len(self.stances)} stances for {len(self.texts)} texts.")

    @property
    def copies(self) -> int:
        """How many contributions are copies of an earlier one, letter case and spaces aside: a campaign's form letters."""
        said = [plain(text) for text, stance in zip(self.texts, self.stances, strict=True) if stance]
        return len(said) - len(set(said))

    @property
    def misread(self) -> float:
        """How many contributions are to be expected to have another stance, by the scores, which are probabilities."""
        return sum(1 - stance.score for stance in self.stances if stance)


def wilson(count: int, total: int, z: float = Z) -> tuple[float, float]:
    """Wilson's score interval of the share ``count / total``; (0, 1), nothing known, of none.

    Wilson 1927, "Probable inference, the law of succession, and statistical inference", JASA 22; recommended for small
    samples and for shares near 0 and 1 by Brown, Cai and DasGupta 2001, "Interval estimation for a binomial proportion".
    """
    if total == 0:
        return 0.0, 1.0
    share, pull = count / total, z * z / total
    middle = (share + pull / 2) / (1 + pull)
    half = z * math.sqrt(share * (1 - share) / total + pull / (4 * total)) / (1 + pull)
    return min(max(0.0, middle - half), share), max(min(1.0, middle + half), share)  # a rounding error beyond the share


def shares(stances: Sequence[str]) -> Shares:
    """Count, share and Wilson's 95 % interval of each stance (``favor``, ``against``, ``neutral``).

    What the interval covers is sampling alone: were the contributions drawn at random from a large public, it would hold
    the public's share 95 times in 100. It does not cover self-selection: people who take part in a consultation, or in a
    campaign with a form letter, are not drawn at random, and no formula makes them so. Nor does it cover the model's own
    errors: a stance that is misread is counted as it was read. Raises ``InputError`` where a stance is none of the three.
    """
    if unknown := set(stances) - set(STANCES):
        raise InputError(f"{min(unknown)!r} is no stance: it must be one of {', '.join(STANCES)}.")
    total = len(stances)
    counts = [(label, sum(stance == label for stance in stances)) for label in STANCES]
    return Shares(total, *(Share(label, count, count / max(total, 1), *wilson(count, total)) for label, count in counts))


def consult(pipeline: Any, texts: Sequence[str], proposal: str, k: int = 5, progress: Progress | None = None) -> Consultation:
    """Stances, shares and the ``k`` strongest arguments on each side of many contributions to one ``proposal``.

    ``progress`` hears what is done and the share of it that is done, None where that isn't known. Raises ``InputError``
    where all texts are blank, and what the pipeline raises.
    """
    places = [place for place, text in enumerate(texts) if text.strip()]
    if not places:
        raise InputError("There are no contributions: all of them are blank.")
    hear = progress or (lambda what, share: None)
    voices: list[Voice] = []
    stances: list[Label | None] = [None] * len(texts)
    for place, stance in zip(places, pipeline.stances([texts[place] for place in places], proposal), strict=True):
        voices.append((texts[place], stance))
        stances[place] = stance
        hear(f"Reading {len(places):,} contributions", len(voices) / len(places))
    hear("Comparing arguments", None)

    def judge(sentences: Sequence[str]) -> Iterator[Label]:
        found: Iterator[Label] = pipeline.stances(sentences, proposal)
        return found

    sides = [
        tuple(
            Argument(found.text, found.score, places[found.index], tuple(places[index] for index in found.similar))
            for found in strongest(voices, side, pipeline.embed, k, judge, proposal)
        )
        for side in ("favor", "against")
    ]
    counted = shares([stance.label for stance in stances if stance])
    return Consultation(proposal, tuple(texts), tuple(stances), counted, sides[0], sides[1])
