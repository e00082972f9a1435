"""Logits of begin and end -> spans -> answers: plain functions, no ``nn.Module``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from tasks.core.calibration import Calibration
from tasks.core.errors import AdapterError
from tasks.core.heads import IMPOSSIBLE
from tasks.question_answering.model import Ends
from tasks.question_answering.types import Answer

MAX_ANSWER_LEN = 15  # tokens, as in the pipeline that Transformers had: 98 of 100 answers are shorter
ANSWER, NONE = "answer", "none"  # calibrations: that an answer is right, and that the text does not say
PASSAGE, SILENCE = "passage", "silence"  # the same of passages of documents


class Found(NamedTuple):
    """A span that may answer: its characters, and its ``margin``, the log-odds that it answers against that its window does
    not say, which can be compared across windows and texts; ``probability``: of begin times end in its window."""

    start: int
    end: int
    margin: float
    probability: float


class Read(NamedTuple):
    """What was found in one context, the likeliest first; ``none``: the least probability over the windows that these do not
    say."""

    spans: list[Found]
    none: float

    @property
    def best(self) -> float:
        """The margin of the likeliest span; where there is none, a very low one."""
        return self.spans[0].margin if self.spans else IMPOSSIBLE


@dataclass(frozen=True, slots=True)
class Settings:
    """What a reader says of itself in ``task.json``. Without calibration (a ready-made model) scores are what its softmax says."""

    calibration: Mapping[str, Calibration] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Settings:
        """From the fields of ``task.json``; raises ``AdapterError`` where one is missing."""
        try:
            calibration = {name: Calibration(**fields) for name, fields in data["calibration"].items()}
            if set(calibration) - {ANSWER, NONE, PASSAGE, SILENCE}:
                raise ValueError("calibration")
            return cls(calibration)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise AdapterError(f"task.json is damaged: {error!r} is missing or wrong. Get the adapter again.") from error

    def answer_score(self, found: Found, rivals: float) -> float:
        """The probability that a span is right; ``rivals``: log of its share among the spans of its text."""
        own = self.calibration.get(ANSWER)
        return own.score(found.margin, rivals) if own else found.probability

    def passage_score(self, found: Found, rivals: float, fit: float) -> float:
        """The same of a span of a passage that fits its question so well; ``rivals``: among the spans of all passages read."""
        own = self.calibration.get(PASSAGE)
        return own.score(found.margin, rivals, fit) if own else found.probability

    def documents_none_score(self, scores: Sequence[float], read: Sequence[Read]) -> float:
        """The probability that the documents do not say, from the scores of the spans that were found in their passages."""
        own = self.calibration.get(SILENCE)
        return own.score(-log_odds(max(scores, default=0.0))) if own else min((each.none for each in read), default=1.0)

    def none_score(self, read: Read) -> float:
        """The probability that the text does not say."""
        own = self.calibration.get(NONE)
        return own.score(-read.best) if own else read.none


def log_odds(score: float) -> float:
    """Of a probability, within what a float can tell."""
    kept = min(max(score, 1e-9), 1 - 1e-9)
    return math.log(kept / (1 - kept))


def shares(spans: Sequence[Found]) -> list[float]:
    """For each span the log of its share among all: softmax of the margins."""
    if not spans:
        return []
    top = max(each.margin for each in spans)
    total = top + math.log(sum(math.exp(each.margin - top) for each in spans))
    return [each.margin - total for each in spans]


def spans_of(ends: Ends, inside: Tensor, longest: int, count: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The best spans of each window: first and last token (windows, count), their margins, and their probabilities.

    ``ends``: logits; ``inside`` (windows, tokens): the context's tokens; ``longest``: tokens of a span. Where a window has
    fewer spans the margin is ``-inf``.
    """
    start, end = (logits.masked_fill(~inside, -math.inf) for logits in ends)
    tokens = start.shape[1]
    reach = min(longest, tokens)
    padded = torch.nn.functional.pad(end, (0, reach - 1), value=-math.inf)
    both = start[:, :, None] + padded.unfold(1, reach, 1)  # (windows, tokens, length - 1)
    best, at = both.flatten(1).topk(min(count, tokens * reach), dim=1)
    first = at // reach
    null = ends.start[:, :1] + ends.end[:, :1]
    certain = [torch.cat([own[:, :1], logits], 1).logsumexp(1, keepdim=True) for own, logits in zip(ends, (start, end), strict=True)]
    return first, first + at % reach, best - null, (best - certain[0] - certain[1]).exp().clamp(max=1.0)


def answers_of(context: str, read: Read, settings: Settings, count: int, impossible: bool, least: float = 0.0) -> list[Answer]:
    """The ``count`` likeliest answers to one question, spans that overlap a likelier one left out.

    ``impossible``: whether "" stands among them, with the probability that the text does not say; there is always one
    answer then. ``least``: the least score of a span.
    """
    answers: list[Answer] = []
    for found, share in zip(read.spans, shares(read.spans), strict=True):
        if len(answers) == count:
            break
        score = settings.answer_score(found, share)
        if score >= least and not any(found.start < each.end and each.start < found.end for each in answers):
            answers.append(Answer(context[found.start : found.end], score, found.start, found.end))
    if impossible:
        answers.append(Answer("", settings.none_score(read), 0, 0))
    return sorted(answers, key=lambda each: -each.score)[:count]
