"""Scores -> opinions: plain functions over arrays, no ``nn.Module``.

A *candidate* is a pair of spans (or one of them alone) with the features that its probability is computed from; of
candidates that say the same in overlapping words the likeliest stays.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.core.text import Tokens, Window, visible
from tasks.core.types import Span
from tasks.opinion_analysis.types import POLARITIES, Opinion

Floats = NDArray[np.float32]
Place = tuple[int, int] | None  # half-open character offsets, None where the text does not say
EXPLICIT, IMPLICIT, BARE = "explicit", "implicit", "bare"  # target and expression; expression alone; target alone
NEAR = -3.0  # spans with a lower logit are not looked at
MOST_BEHIND = -20.0  # logits that one target's link may be behind another's: beyond that it makes no difference
MOST_SPANS = 48  # of a kind in a window, the likeliest: what a text of 126 words can say, and bounded work on a hostile one


class Candidate(NamedTuple):
    """What may be an opinion: ``features`` are what the probability of its kind is computed from."""

    kind: str
    target: Place
    expression: Place
    polarity: str
    features: tuple[float, ...]


def _check_finite(*numbers: float) -> None:
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError(f"{numbers} are not finite.")


@dataclass(frozen=True, slots=True)
class Logistic:
    """Probability of a candidate being right: ``sigmoid(weights · features + shift)``; it is told from ``threshold`` on."""

    weights: tuple[float, ...]
    shift: float = 0.0
    threshold: float = 0.3

    def __post_init__(self) -> None:
        _check_finite(*self.weights, self.shift, self.threshold)

    def __call__(self, features: Sequence[float]) -> float:
        logit = sum(weight * feature for weight, feature in zip(self.weights, features, strict=True)) + self.shift
        return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0


@dataclass(frozen=True, slots=True)
class Softmax:
    """Probabilities of classes that exclude each other: ``softmax(scale * logits + shift)``."""

    scale: float = 1.0
    shift: tuple[float, ...] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        _check_finite(self.scale, *self.shift)

    def __call__(self, logits: Sequence[float] | Floats) -> list[float]:
        shifted = self.scale * np.asarray(logits, np.float64) + self.shift
        shares = np.exp(shifted - shifted.max())
        whole: list[float] = (shares / shares.sum()).tolist()
        return whole


UNFITTED = {EXPLICIT: Logistic((0.5, 0.5, 0.5, 0.5, 0.2, 1.0)), IMPLICIT: Logistic((0.5, 0.5, 0.5, 0.2, 1.0)), BARE: Logistic((1.0, 1.0))}


@dataclass(frozen=True, slots=True)
class Scores:
    """How logits become probabilities, fitted on development rows."""

    opinions: Mapping[str, Logistic] = field(default_factory=lambda: dict(UNFITTED))
    polarity: Softmax = Softmax()
    target: Softmax = Softmax()
    stance: Softmax = Softmax()

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Scores:
        """From the fields of ``task.json``; raises ``KeyError``, ``TypeError`` or ``ValueError`` where one is wrong."""
        kinds = {kind: Logistic(tuple(data["opinions"][kind]["weights"]), **_rest(data["opinions"][kind], "weights")) for kind in UNFITTED}
        if any(len(kinds[kind].weights) != len(UNFITTED[kind].weights) for kind in UNFITTED):
            raise ValueError("weights")
        softmaxes = [Softmax(shift=tuple(data[name]["shift"]), **_rest(data[name], "shift")) for name in ("polarity", "target", "stance")]
        if any(len(each.shift) != 3 for each in softmaxes):
            raise ValueError("shift")
        return cls(kinds, *softmaxes)


def _rest(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key != name}


def log_shares(logits: Floats) -> Floats:
    """Logarithm of the softmax over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    shares: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shares


def near_spans(table: Floats) -> NDArray[np.int64]:
    """(spans, 2): first and last words whose logit in ``table`` (W, W) is not hopeless, at most ``MOST_SPANS``."""
    first, last = np.nonzero(np.triu(table > NEAR))
    if len(first) > MOST_SPANS:
        best = np.sort(np.argsort(-table[first, last], kind="stable")[:MOST_SPANS])
        first, last = first[best], last[best]
    return np.stack([first, last], axis=1)


def candidates(text: str, window: Window, tokens: Tokens, spans: Floats, links: Floats, signs: Floats) -> list[Candidate]:
    """The candidates that this window of ``text`` owns.

    ``spans`` (2, W, W), ``links`` (2, W + 1, W), ``signs`` (W, 4, 3): one window of the model's ``Tables``.
    """
    targets, expressions = near_spans(spans[0]), near_spans(spans[1])
    target_sign = signs[targets[:, 0], 0] + signs[targets[:, 1], 1]
    expression_sign = signs[expressions[:, 0], 2] + signs[expressions[:, 1], 3]
    target_logit, expression_logit = spans[0][tuple(targets.T)], spans[1][tuple(expressions.T)]
    heads = np.concatenate([np.zeros((1, 2), np.int64), targets + 1])
    starts, ends = (links[side][heads[:, side][:, None], expressions[:, side][None, :]] for side in (0, 1))
    leads = lead(starts + ends, heads)
    alone = log_shares(target_sign)
    pairs = log_shares(np.concatenate([np.zeros((1, 3), np.float32), target_sign])[:, None, :] + expression_sign[None, :, :])

    def place(words: NDArray[np.int64]) -> Place:
        first, last = (int(window.words[word]) for word in words)
        return visible(text, tokens.word_chars(first)[0], tokens.word_chars(last)[1])

    found = []
    owned_targets = [window.owns(int(first)) for first, _ in targets]
    places = [place(words) for words in targets]
    for number, owned in enumerate(owned_targets):
        if owned and places[number]:
            best = int(alone[number].argmax())
            found.append(Candidate(BARE, places[number], None, POLARITIES[best], (float(target_logit[number]), float(alone[number, best]))))
    for column, words in enumerate(expressions):
        if not window.owns(int(words[0])):
            continue
        expression = place(words)
        for line in range(len(heads)) if expression else ():
            best = int(pairs[line, column].argmax())
            scored = (starts, ends, leads, pairs[:, :, best])
            linked = tuple(float(each[line, column]) for each in scored)
            if line == 0:
                found.append(Candidate(IMPLICIT, None, expression, POLARITIES[best], (float(expression_logit[column]), *linked)))
            elif places[line - 1] and min(linked[:2]) > NEAR:
                features = (float(target_logit[line - 1]), float(expression_logit[column]), *linked)
                found.append(Candidate(EXPLICIT, places[line - 1], expression, POLARITIES[best], features))
    return found


def lead(links: Floats, heads: NDArray[np.int64]) -> Floats:
    """How far each target (lines of ``links``) is behind the best other one for an expression (columns): 0 where it is
    the best itself. Targets that overlap, ``heads`` being their words, are no others to each other."""
    together = (heads[:, None, 0] <= heads[None, :, 1]) & (heads[None, :, 0] <= heads[:, None, 1])
    rivals = np.where(together[:, :, None], MOST_BEHIND, links[None, :, :]).max(axis=1, initial=MOST_BEHIND)
    behind: Floats = np.clip(links - np.maximum(rivals, MOST_BEHIND), MOST_BEHIND, 0).astype(np.float32)
    return behind


def overlap(one: Place, other: Place) -> bool:
    """Whether two spans share a character; what is not said shares none."""
    return one is not None and other is not None and one[0] < other[1] and other[0] < one[1]


def contradict(one: Candidate, other: Candidate) -> bool:
    """Whether only one of two candidates can hold: the same judgement read twice, or a target with and without words
    (within the words, too)."""
    if one.expression is None or other.expression is None:
        return overlap(one.target, other.target) or overlap(one.target, other.expression) or overlap(one.expression, other.target)
    if not overlap(one.expression, other.expression):
        return False
    return one.target is None or other.target is None or overlap(one.target, other.target)


def choose(found: Iterable[Candidate], scores: Mapping[str, Logistic], least: float | None = None) -> list[tuple[float, Candidate]]:
    """(score, candidate) from each kind's threshold on (or from ``least``), the likeliest first, none contradicting another.

    A target that is mentioned without being judged is no opinion.
    """
    scored = [(scores[each.kind](each.features), each) for each in found if each.kind != BARE or each.polarity != "neutral"]
    scored = [(score, each) for score, each in scored if score >= (scores[each.kind].threshold if least is None else least)]
    kept: list[tuple[float, Candidate]] = []
    taken: dict[int, list[Candidate]] = defaultdict(list)  # by character: only what overlaps can contradict
    for score, each in sorted(scored, key=lambda pair: (pair[1].kind == BARE, -pair[0], pair[1].target or (), pair[1].expression or ())):
        characters = [at for place in (each.target, each.expression) if place for at in range(*place)]
        if not any(contradict(each, other) for at in characters for other in taken[at]):
            kept.append((score, each))
            for at in characters:
                taken[at].append(each)
    return kept


def opinions(text: str, chosen: Iterable[tuple[float, Candidate]]) -> tuple[Opinion, ...]:
    """Results in text order."""

    def span(place: Place) -> Span | None:
        return None if place is None else Span.of(text, *place)

    made = [Opinion(span(each.target), span(each.expression), each.polarity, score) for score, each in chosen]
    return tuple(sorted(made, key=lambda each: min(s.start for s in (each.target, each.expression) if s is not None)))
