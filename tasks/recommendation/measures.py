"""How good lists are: of what users took up later, how much is in the list and how high (over the whole catalogue, never a sample)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from tasks.core.errors import InputError
from tasks.recommendation.ratings import Interactions
from tasks.recommendation.scoring import Taste

LENGTH = 10  # of the lists that are measured
GIVEN = 0.8  # of a history is shown, the rest is to be found


def ndcg(found: Sequence[int], wanted: Collection[int], length: int = LENGTH) -> float:
    """Normalised discounted cumulative gain of a list, in [0, 1] (Järvelin and Kekäläinen 2002)."""
    gain = sum(1 / np.log2(rank + 2) for rank, place in enumerate(found[:length]) if place in wanted)
    best = sum(1 / np.log2(rank + 2) for rank in range(min(length, len(wanted))))
    return float(gain / best) if wanted else 0.0


def recall(found: Sequence[int], wanted: Collection[int], length: int = LENGTH) -> float:
    """Share of ``wanted`` that is in the list, in [0, 1]."""
    return sum(place in wanted for place in found[:length]) / len(wanted) if wanted else 0.0


def given_and_later(ratings: Interactions) -> tuple[list[Taste], list[set[int]]]:
    """Each user's first ``GIVEN`` of a history, and the places of what comes later; users with nothing on one side are left out."""
    tastes, later = [], []
    for items, strengths in ratings.histories():
        cut = int(len(items) * GIVEN)
        if 0 < cut < len(items):
            tastes.append(Taste(tuple(items[:cut].tolist()), tuple(strengths[:cut].tolist())))
            later.append(set(items[cut:].tolist()))
    if not tastes:
        raise InputError("No user of these rows has two ratings: there is nothing to predict.")
    return tastes, later
