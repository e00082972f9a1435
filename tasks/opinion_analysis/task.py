"""The opinion-analysis pipeline: load, call, stream.

python -m tasks opinion-analysis "The rooms are lovely, but breakfast was not worth the price."
python -m tasks opinion-analysis "Trams are full at eight." --target "We should run more trams"
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from itertools import islice, repeat
from pathlib import Path
from typing import Any, overload

from torch.nn import functional as F

from tasks.core.adapters import load_head, open_adapter
from tasks.core.encoder import Encoder, load_config, load_encoder
from tasks.core.errors import AdapterError, InputError
from tasks.core.text import check_text
from tasks.core.types import Coverage
from tasks.opinion_analysis.decode import Floats, Scores, choose, opinions
from tasks.opinion_analysis.model import OpinionHead
from tasks.opinion_analysis.scoring import Scorer
from tasks.opinion_analysis.types import POLARITIES, STANCES, Label, Opinion, OpinionResult

NAME = "opinion-analysis"
FOLDER = Path(__file__).parent
CHUNK = 256  # texts sorted by length together: enough to leave little padding, few enough for a live progress bar
SILENT = Label.of(POLARITIES, (0.0, 0.0, 1.0))  # polarity of a text without words
NO_SIDE = Label.of(STANCES, (0.0, 0.0, 1.0))  # its stance
Target = str | Sequence[str] | None


class OpinionAnalyzer:
    """What all opinion pipelines share: one text or many in, results of the same shape out."""

    @overload  # a str is a sequence of strings too
    def __call__(self, text: str, target: str | None = None, threshold: float | None = None) -> OpinionResult: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, text: Sequence[str], target: Target = None, threshold: float | None = None) -> list[OpinionResult]: ...
    def __call__(
        self, text: str | Sequence[str], target: Target = None, threshold: float | None = None
    ) -> OpinionResult | list[OpinionResult]:
        """Polarity and opinions of one text, or of each text of a list, in order.

        ``target``: a proposal, to be told the stance towards it too (a list: one for each text); ``threshold``: the
        least score in [0, 1] of an opinion (None: calibrated). Raises ``InputError``.
        """
        if isinstance(text, str):
            if target is not None and not isinstance(target, str):
                raise InputError(f"One text takes one proposal as target, a string, not {type(target).__name__}.")
            return next(self.stream([text], target, threshold))
        if isinstance(text, Mapping | bytes | bytearray) or not hasattr(text, "__iter__"):
            raise InputError(f"Give one string or a list of strings, not {type(text).__name__}.")
        return list(self.stream(list(text), target, threshold))

    def stream(self, texts: Sequence[str], target: Target = None, threshold: float | None = None) -> Iterator[OpinionResult]:
        """Results one after the other, in order, while later texts are still to be read: for progress bars."""
        if threshold is not None and not (isinstance(threshold, int | float) and 0 <= threshold <= 1):
            raise InputError(f"threshold must be a number from 0 to 1, not {threshold!r}.")
        rest, proposals = iter(texts), _proposals(texts, target)
        while chunk := [check_text(text) for text in islice(rest, CHUNK)]:
            towards = None if proposals is None else list(islice(proposals, len(chunk)))
            found = self._read(chunk, threshold)
            sides = [None] * len(chunk) if towards is None else self._stances(chunk, towards)
            for text, (polarity, told), stance in zip(chunk, found, sides, strict=True):
                yield OpinionResult(text, polarity, told, stance, Coverage(len(text), len(text)))

    def stances(self, texts: Sequence[str], target: Target) -> Iterator[Label]:
        """The stance of each text alone, in order: half the work of ``stream``, for consultations. Raises ``InputError``."""
        rest, proposals = iter(texts), _proposals(texts, target)
        if proposals is None:
            raise InputError("There is no target: give the proposal, such as 'We should plant more trees'.")
        while chunk := [check_text(text) for text in islice(rest, CHUNK)]:
            yield from self._stances(chunk, list(islice(proposals, len(chunk))))

    def embed(self, phrases: Sequence[str]) -> Floats:
        """Unit vectors (phrases, width) in the pretrained space, where phrases of like meaning lie close: cosines by ``@``."""
        return F.normalize(load_encoder().embed(phrases), dim=-1).cpu().numpy()

    def _read(self, texts: list[str], threshold: float | None) -> list[tuple[Label, tuple[Opinion, ...]]]:
        """Overall polarity and opinions of each text."""
        raise NotImplementedError

    def _stances(self, texts: list[str], proposals: list[str]) -> list[Label]:
        """Stance of each text towards its proposal."""
        groups: dict[str, list[int]] = defaultdict(list)
        for number, proposal in enumerate(proposals):
            groups[proposal].append(number)
        found = [NO_SIDE] * len(texts)
        for proposal, numbers in groups.items():
            for number, label in zip(numbers, self._stance([texts[number] for number in numbers], proposal), strict=True):
                found[number] = label
        return found

    def _stance(self, texts: list[str], proposal: str) -> list[Label]:
        raise NotImplementedError


class OpinionAnalysis(OpinionAnalyzer):
    """An encoder with an adapter. Safe to call from several threads."""

    def __init__(self, encoder: Encoder, head: OpinionHead, scores: Scores) -> None:
        self.scores, self.scorer = scores, Scorer(encoder, head)

    def _read(self, texts: list[str], threshold: float | None) -> list[tuple[Label, tuple[Opinion, ...]]]:
        made = []
        for text, reading in zip(texts, self.scorer.read(texts), strict=True):
            polarity = Label.of(POLARITIES, self.scores.polarity(reading.polarity)) if reading.words else SILENT
            made.append((polarity, opinions(text, choose(reading.candidates, self.scores.opinions, threshold))))
        return made

    def _stance(self, texts: list[str], proposal: str) -> list[Label]:
        logits = self.scorer.stance(texts, proposal)
        return [Label.of(STANCES, self.scores.stance(each)) if each.any() else NO_SIDE for each in logits]

    def polarities(self, text: str, targets: Sequence[tuple[int, int]]) -> list[Label]:
        """The polarity towards given targets of a text, each as half-open character offsets. Raises ``InputError``."""
        for target in targets:
            if not 0 <= target[0] < target[1] <= len(check_text(text)):
                raise InputError(f"The target {target!r} is not in the text: give (start, end) in characters.")
        (found,) = self.scorer.targets([text], [targets])
        return [Label.of(POLARITIES, self.scores.target(each)) for each in found]


def _proposals(texts: Sequence[str], target: Target) -> Iterator[str] | None:
    """One proposal for each text; raises ``InputError``."""
    if target is None:
        return None
    if isinstance(target, str):
        return repeat(_proposal(target))
    if not isinstance(target, Iterable) or not isinstance(texts, Sized):
        raise InputError("The target must be one proposal, or a list of proposals, one for each text of a list.")
    each = [_proposal(proposal) for proposal in target]
    if len(each) != len(texts):
        raise InputError(f"There are {len(each)} targets for {len(texts)} texts: give one proposal, or one for each text.")
    return iter(each)


def _proposal(target: object) -> str:
    if not isinstance(target, str) or not target.strip():
        raise InputError("The target must be a proposal in words, such as 'We should plant more trees'.")
    return target


def read_scores(data: Mapping[str, Any]) -> Scores:
    """The calibration in ``task.json``; raises ``AdapterError`` where it is damaged."""
    try:
        return Scores.of(data["calibration"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise AdapterError(f"task.json is damaged: {error!r} is missing or wrong. Get the adapter again.") from error


def load(
    model: str | None = None, adapter: str | None = "shipped", revision: str | None = None, device: str | None = None
) -> OpinionAnalyzer:
    """The pipeline over an encoder and an adapter, or over a ready-made classifier of the Hub.

    Raises ``ModelError`` or ``AdapterError``.
    """
    from tasks.opinion_analysis.ready import ReadyMade, is_ready_made

    if model is not None and is_ready_made(load_config(model, revision)):
        return ReadyMade.load(model, revision, device)
    if adapter is None:
        raise AdapterError("A plain encoder has no opinions to tell: give an adapter, or a sequence-classification model.")
    folder, data, merged = open_adapter(FOLDER, NAME, model, adapter, revision, device)
    head = OpinionHead(merged.width)
    load_head(head, folder)
    return OpinionAnalysis(merged, head.to(merged.device).eval().requires_grad_(False), read_scores(data))
