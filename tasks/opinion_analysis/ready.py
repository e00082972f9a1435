"""Ready-made Hub models: polarity classifiers, NLI models for the stance, token classifiers for targets.

Their labels are read from ``id2label``. A polarity classifier tells the overall polarity; an NLI model the stance (does
the text entail the proposal, or contradict it?), and the polarity by the hypotheses of zero-shot classification (Yin et
al. 2019); a token classifier tells the polarity of the targets that it tags (``B-POS``), and from these the overall one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification

from tasks.core.encoder import Encoder, load_config, load_pretrained, pick_device
from tasks.core.errors import InputError, ModelError
from tasks.core.text import Tokens, Window, batches, visible
from tasks.core.types import Span
from tasks.opinion_analysis.decode import Floats
from tasks.opinion_analysis.task import SILENT, OpinionAnalyzer
from tasks.opinion_analysis.types import POLARITIES, STANCES, Label, Opinion

POLARITY_NAMES = {  # as the Hub's models write them
    "positive": ("positive", "pos", "very positive", "4 stars", "5 stars"),
    "negative": ("negative", "neg", "very negative", "1 star", "2 stars"),
    "neutral": ("neutral", "neu", "3 stars"),
}
NLI_NAMES = {"favor": ("entailment", "entail"), "against": ("contradiction", "contradict"), "neutral": ("neutral",)}
HYPOTHESES = {
    "positive": "The opinion expressed here is positive.",
    "negative": "The opinion expressed here is negative.",
    "neutral": "No opinion is expressed here.",
}
OUTSIDE = {"o", "none", "outside"}


def is_ready_made(config: Any) -> bool:
    """Whether the model's class already does a part of the task."""
    return any(re.search("For(Token|Sequence)Classification$", name) for name in config.architectures or [])


def our_label(label: str, names: dict[str, tuple[str, ...]]) -> str | None:
    """Our label for a model's, None where there is none."""
    plain = label.lower().replace("_", " ").strip()
    return next((own for own, known in names.items() if plain in known), None)


def mapped(labels: Sequence[str], names: dict[str, tuple[str, ...]]) -> list[str] | None:
    """Our label of each of a model's ``labels``, None where one of them has none or one of ours but "neutral" is missing."""
    found = [own for own in (our_label(label, names) for label in labels) if own is not None]
    return found if len(found) == len(labels) and set(names) - {"neutral"} <= set(found) else None


class ReadyMade(OpinionAnalyzer):
    """What the ready-made models share: a classifier with fixed outputs in the place of an encoder with an adapter."""

    def __init__(self, encoder: Encoder, labels: list[str]) -> None:
        self.encoder, self.labels = encoder, labels

    @classmethod
    def load(cls, model: str, revision: str | None, device: str | None) -> ReadyMade:
        """The classifier ``model`` of the Hub or of a folder. Raises ``ModelError`` where its labels say nothing to us."""
        config = load_config(model, revision)
        labels = [config.id2label[number] for number in sorted(config.id2label)]
        tagger = str(config.architectures[0]).endswith("TokenClassification")
        kind, ours = _kind(model, labels, tagger)
        tokenizer, network = load_pretrained(
            AutoModelForTokenClassification if tagger else AutoModelForSequenceClassification, model, revision
        )
        encoder = Encoder(model, revision, tokenizer, network.to(pick_device(device)).eval().requires_grad_(False))
        return kind(encoder, ours)

    @torch.inference_mode()
    def _shares(self, windows: Sequence[Window], count: int, names: Sequence[str]) -> Floats:
        """Probabilities (texts, names) of sequence classification, a mean over each text's windows; zeros for a blank text."""
        sums, sizes = np.zeros((count, len(names)), np.float32), np.zeros((count, 1), np.float32)
        columns = [names.index(label) for label in self.labels]
        for group in batches(windows, self.encoder.batch_tokens):
            batch = self.encoder.collate(group)
            segments = self._segments(group, batch.ids.shape[1])
            shares = self.encoder.model(input_ids=batch.ids, attention_mask=batch.mask, **segments).logits.float().softmax(-1).cpu().numpy()
            for window, each in zip(group, shares, strict=True):
                np.add.at(sums[window.text], columns, each * len(window.words))
                sizes[window.text] += len(window.words)
        return np.asarray(sums / np.maximum(sizes, 1), np.float32)

    def _segments(self, group: Sequence[Window], length: int) -> dict[str, torch.Tensor]:
        """Which tokens are of the second text, for models that were trained to be told so."""
        if "token_type_ids" not in self.encoder.tokenizer.model_input_names:
            return {}
        second = torch.tensor([int(window.last[-1]) + 1 for window in group]) + len(self.encoder.windower.between)
        sizes = torch.tensor([len(window.ids) for window in group])
        places = torch.arange(length)[None, :]
        return {"token_type_ids": ((places >= second[:, None]) & (places < sizes[:, None])).long().to(self.encoder.device)}

    def _stance(self, texts: list[str], proposal: str) -> list[Label]:
        raise InputError(f"{self.encoder.name!r} tells no stance: leave target out, or load an NLI model or an adapter.")


class PolarityModel(ReadyMade):
    """A sequence classifier of polarity."""

    def _read(self, texts: list[str], threshold: float | None) -> list[tuple[Label, tuple[Opinion, ...]]]:
        shares = self._shares(self.encoder.windower(texts)[1], len(texts), POLARITIES)
        return [(_label(POLARITIES, each), ()) for each in shares]


class NliModel(ReadyMade):
    """A sequence classifier of natural-language inference: the text is the premise, the proposal the hypothesis."""

    def _read(self, texts: list[str], threshold: float | None) -> list[tuple[Label, tuple[Opinion, ...]]]:
        entailed = np.stack([self._pair_shares(texts, HYPOTHESES[name])[:, 0] for name in POLARITIES], axis=1)
        totals = entailed.sum(axis=1, keepdims=True)
        return [(_label(POLARITIES, each), ()) for each in entailed / np.where(totals > 0, totals, 1)]

    def _stance(self, texts: list[str], proposal: str) -> list[Label]:
        return [_label(STANCES, each) for each in self._pair_shares(texts, proposal)]

    def _pair_shares(self, texts: list[str], hypothesis: str) -> Floats:
        return self._shares(self.encoder.windower.paired(texts, hypothesis), len(texts), STANCES)


class TargetTagger(ReadyMade):
    """A token classifier whose tags say where targets are and what is felt about them."""

    @torch.inference_mode()
    def _read(self, texts: list[str], threshold: float | None) -> list[tuple[Label, tuple[Opinion, ...]]]:
        tokens, windows = self.encoder.windower(texts)
        words: list[dict[int, tuple[int, float]]] = [{} for _ in texts]
        for group in batches(windows, self.encoder.batch_tokens):
            batch = self.encoder.collate(group)
            logits = self.encoder.model(input_ids=batch.ids, attention_mask=batch.mask).logits.float().softmax(-1).cpu()
            scores, tags = logits[batch.row.cpu(), batch.first.cpu()].max(-1)
            owners = [(window.text, int(word)) for window in group for word in window.words]
            for (text, word), tag, score in zip(owners, tags.tolist(), scores.tolist(), strict=True):
                words[text][word] = tag, score
        least = 0.0 if threshold is None else threshold
        return [_tagged(text, *each, self.labels, least) for text, each in zip(texts, zip(tokens, words, strict=True), strict=True)]


def _kind(model: str, labels: list[str], tagger: bool) -> tuple[type[ReadyMade], list[str]]:
    if tagger:
        bare = [re.sub("^[BI]-", "", label) for label in labels]
        polar = mapped([label for label in bare if label.lower() not in OUTSIDE], POLARITY_NAMES)
        if polar:
            return TargetTagger, labels
    elif polarities := mapped(labels, POLARITY_NAMES):
        return PolarityModel, polarities
    elif stances := mapped(labels, NLI_NAMES):
        return NliModel, stances
    raise ModelError(
        f"The labels of {model!r} ({', '.join(labels[:5])}) are neither polarities nor entailment and contradiction: name them so in "
        "id2label of its config.json, or choose another model."
    )


def _label(names: Sequence[str], shares: Floats) -> Label:
    """The likeliest of ``names``; in float32 the shares of a text may sum to a little more than 1."""
    exact = shares.astype(float) if shares.any() else np.array([0.0, 0.0, 1.0])
    return Label.of(names, (exact / exact.sum()).tolist())


def _tagged(
    text: str, tokens: Tokens, words: dict[int, tuple[int, float]], labels: Sequence[str], least: float
) -> tuple[Label, tuple[Opinion, ...]]:
    """Runs of words of one polarity as targets; ``B-`` begins a new one."""
    runs: list[tuple[str, list[int], list[float]]] = []
    for word in sorted(words):
        tag, score = words[word]
        bare = re.sub("^[BI]-", "", labels[tag])
        polarity = our_label(bare, POLARITY_NAMES)
        if polarity is None:
            continue
        last = runs[-1] if runs else None
        if last and last[0] == polarity and last[1][-1] == word - 1 and not labels[tag].startswith("B-"):
            last[1].append(word)
            last[2].append(score)
        else:
            runs.append((polarity, [word], [score]))
    told = []
    for polarity, place, shares in runs:
        if found := visible(text, tokens.word_chars(place[0])[0], tokens.word_chars(place[-1])[1]):
            told.append(Opinion(Span.of(text, *found), None, polarity, sum(shares) / len(shares)))
    told = [each for each in told if each.score >= least]
    weights: dict[str, float] = defaultdict(float)
    for each in told:
        weights[each.polarity] += each.score
    total = sum(weights.values())
    overall = Label.of(POLARITIES, [weights[name] / total for name in POLARITIES]) if total else SILENT
    return overall, tuple(told)
