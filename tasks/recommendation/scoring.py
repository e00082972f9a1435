"""How well items fit users: the history model, the words, and the item-item signal, added up into one logit an item.

All of it is a product of the item's vector with one vector of the user, plus what other users' ratings say; so a catalogue of any
size is searched by one scan (``scan.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from tasks.recommendation.model import HistoryHead
from tasks.recommendation.neighbours import Matrix
from tasks.recommendation.scan import longest

REMEMBERED = 100  # the latest entries of a history that are read; of those before, the weight has fallen to nothing
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Weights:
    """What the parts of a logit weigh, fitted on development users.

    ``near``: of the item-item signal, in which an entry of the history fades by ``pace`` a step, and ``near_unfamiliar`` the same
    beside a head that has learned nothing of such items (``HistoryHead.familiar``); ``words``: of the query, and
    ``tag``: of a tag that it names (these two by trial, for there are no data). The score is ``sigmoid(slope * logit + shift)``,
    with the item-item signal (``rated``) and without it (``plain``), each (slope, shift); where words are a part of it, the slope is
    ``spoken`` times that, so that they, who weigh most, make no score certain.
    """

    near: float = 8.0
    near_unfamiliar: float = 22.0
    pace: float = 0.8
    words: float = 25.0
    tag: float = 5.0
    spoken: float = 0.35
    rated: tuple[float, float] = (0.1, -3.0)
    plain: tuple[float, float] = (0.1, -3.0)

    @classmethod
    def of(cls, settings: dict[str, Any]) -> Weights:
        """From an adapter's ``task.json``."""
        found: dict[str, Any] = settings.get("weights", {})
        made: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}
        return cls(**made)


@dataclass(frozen=True, slots=True)
class Taste:
    """One user: places of items and strengths, the oldest first; the vector of their words (size,) or None, and the numbers of the
    tags that these name, with 1 for a wanted one and -1 for one that is not."""

    items: tuple[int, ...] = ()
    strengths: tuple[float, ...] = ()
    words: Tensor | None = None
    tags: tuple[tuple[int, float], ...] = ()

    @property
    def spoken(self) -> bool:
        """Whether words tell something."""
        return self.words is not None or bool(self.tags)

    @property
    def blank(self) -> bool:
        """Whether nothing is known of the user."""
        return not self.items and not self.spoken

    def without(self, place: int) -> Taste:
        """The same user, had they not named the item at ``place`` of ``items``."""
        items, strengths = self.items, self.strengths
        return replace(self, items=items[:place] + items[place + 1 :], strengths=strengths[:place] + strengths[place + 1 :])

    def recent(self) -> Taste:
        """The same user with what is read of their history."""
        return replace(self, items=self.items[-REMEMBERED:], strengths=self.strengths[-REMEMBERED:])


@dataclass(slots=True)
class Scorer:
    """Scores over one catalogue: ``vectors`` (items, size) in float16, ``tags`` (items, tags), sparse, 1 where an item has a tag, and
    ``matrix``, the item-item signal, or None."""

    head: HistoryHead
    vectors: Tensor
    tags: Matrix
    matrix: Matrix | None = None
    weights: Weights = field(default_factory=Weights)
    length: float = field(init=False)

    def __post_init__(self) -> None:
        self.length = longest(self.vectors)

    @torch.inference_mode()
    def pointing(self, tastes: Sequence[Taste]) -> Tensor:
        """The users' vectors (users, size): a logit is the product with an item's vector."""
        tastes = [taste.recent() for taste in tastes]
        length = max(1, *(len(taste.items) for taste in tastes)) if tastes else 1
        places = torch.zeros(len(tastes), length, dtype=torch.long)
        strengths, mask = torch.zeros(len(tastes), length), torch.zeros(len(tastes), length, dtype=torch.bool)
        for row, taste in enumerate(tastes):
            if taste.items:
                here = slice(length - len(taste.items), None)
                places[row, here], strengths[row, here] = torch.tensor(taste.items), torch.tensor(taste.strengths)
                mask[row, here] = True
        device = self.vectors.device
        out: Tensor = self.head(self.vectors[places.to(device)].float(), strengths.to(device), mask.to(device))[:, -1].float()
        out = out * mask.any(1, keepdim=True).to(device)
        for row, taste in enumerate(tastes):
            if taste.words is not None:
                out[row] += self.weights.words * taste.words.to(out)
        return out

    def added(self, tastes: Sequence[Taste], columns: NDArray[np.int64] | None = None) -> Floats | None:
        """What is added to the products of vectors, (users, items) or (users, columns); None where that is nothing."""
        parts = [part for part in (self._near(tastes, columns), self._named(tastes, columns)) if part is not None]
        return sum(parts[1:], parts[0]) if parts else None

    def _named(self, tastes: Sequence[Taste], columns: NDArray[np.int64] | None) -> Floats | None:
        """What the tags that users name add."""
        if not any(taste.tags for taste in tastes):
            return None
        wanted = np.zeros((self.tags.shape[1], len(tastes)), np.float32)
        for user, taste in enumerate(tastes):
            for tag, sign in taste.tags:
                wanted[tag, user] = sign * self.weights.tag
        return np.ascontiguousarray(((self.tags if columns is None else self.tags[columns]) @ wanted).T)

    def _near(self, tastes: Sequence[Taste], columns: NDArray[np.int64] | None) -> Floats | None:
        """What others' ratings add."""
        if self.matrix is None:
            return None
        recent = [taste.recent() for taste in tastes]
        named = sorted({place for taste in recent for place in taste.items})
        at = {place: row for row, place in enumerate(named)}
        weights = [self._fading(taste.strengths) for taste in recent]
        start = np.cumsum([0, *map(len, weights)])
        where = np.array([at[place] for taste in recent for place in taste.items], np.int64)
        mixing = sparse.csr_matrix((np.concatenate([np.zeros(0, np.float32), *weights]), where, start), shape=(len(recent), len(named)))
        rows = self.matrix[named]
        found: Floats = (mixing @ (rows if columns is None else rows[:, columns])).toarray()
        familiar = self.head.familiar
        return (familiar * self.weights.near + (1 - familiar) * self.weights.near_unfamiliar) * found

    def _fading(self, strengths: Sequence[float]) -> Floats:
        """The weights of a history's entries in the item-item signal: the latest most, the disliked against."""
        strong = np.array(strengths, np.float32)
        gains = np.where(strong >= 0, 0.7 + 0.4 * strong, 0.3 * strong)
        return np.asarray(gains * self.weights.pace ** np.arange(len(strong) - 1, -1, -1), np.float32)

    def logits(self, tastes: Sequence[Taste], columns: NDArray[np.int64], vectors: Tensor | None = None) -> Floats:
        """Logits (users, columns) of some items; ``vectors``: other ones for these."""
        wanted = self.vectors[columns].float() if vectors is None else vectors
        found: Floats = (self.pointing(tastes) @ wanted.T).cpu().numpy()
        added = self.added(tastes, columns)
        return found if added is None else found + added

    def scores(self, tastes: Sequence[Taste], columns: NDArray[np.int64], vectors: Tensor | None = None) -> Floats:
        """Logits of the scores (users, columns): calibrated, before the sigmoid."""
        slope, shift = self.weights.plain if self.matrix is None else self.weights.rated
        slopes = np.array([slope * (self.weights.spoken if taste.spoken else 1) for taste in tastes], np.float32)
        return slopes[:, None] * self.logits(tastes, columns, vectors) + np.float32(shift)
