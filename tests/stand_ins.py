"""Stand-ins for the pipelines: rules over a few words that answer in the types of the tasks, and load no model."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from apps.recommendation import shipped
from tasks.core.types import Coverage, Span
from tasks.event_detection.types import Event, EventResult
from tasks.opinion_analysis.aspects import Floats
from tasks.opinion_analysis.types import POLARITIES, STANCES, Label, Opinion, OpinionResult
from tasks.relation_extraction.entities.linking import link
from tasks.relation_extraction.types import Relation, RelationResult
from tests.answering import Finder
from tests.conversing import Agent
from tests.recommending import Recommender

CRISIS = {
    "infrastructure and utilities": "bridge|power|railway|road|phone signal|sewage",
    "donations and volunteering": "donate|volunteer|blankets|donors|collects|free",
    "caution and advice": "warning|stay off|advises|evacuation|do not",
    "affected individuals": "missing|rescue|families|died|flats|house",
}


class Words:
    """A stand-in for the pipelines: a word is an event of the type that has its name; ``crisis`` reads whole messages."""

    def __init__(self, adapter: str) -> None:
        self.adapter = adapter
        self.labels = ["earthquake", "evacuation", "flood"]
        self.threshold = 0.5

    def one(self, text: str, labels: Sequence[str] | Mapping[str, str] | None, threshold: float | None) -> EventResult:
        coverage = Coverage(len(text), len(text))
        if self.adapter == "crisis":
            kinds = [kind for kind, words in CRISIS.items() if re.search(words, text, re.IGNORECASE)][:1]
            return EventResult(text, tuple(Event(kind, 0.75, None) for kind in kinds), coverage)
        names = list(labels) if labels else self.labels
        found = [(m.start(), m.end(), name) for name in names for m in re.finditer(re.escape(name), text, re.IGNORECASE)]
        events = [Event(name, 0.75, Span.of(text, start, end)) for start, end, name in sorted(found) if (threshold or 0.0) <= 0.75]
        return EventResult(text, tuple(events), coverage)

    def __call__(self, text: str, labels: Any = None, threshold: float | None = None) -> EventResult:
        if "explode" in text:
            raise RuntimeError("secret path /srv/model.bin")
        return self.one(text, labels, threshold)

    def stream(self, texts: Sequence[str], labels: Any = None, threshold: float | None = None) -> Iterator[EventResult]:
        for text in texts:
            yield self.one(text, labels, threshold)


TARGETS = "staff|café|cake|coffee|collection|labels|queue|audio guide|guide|shop|prices|garden|lift|toilets|screen|battery|text"
WORDS = {
    "positive": "superb|lovely|friendly|stunning|clear|delicious|excellent|helpful|brilliant|gorgeous|wonderful|adored",
    "negative": "endless|overpriced|cold|dirty|broken|rude|awful|confusing|useless|boring|expensive|explodes",
    "neutral": "average",
}


class Opinions:
    """A stand-in: each judging word is an opinion, on the nearest thing before it in its sentence, else after it."""

    def __call__(self, text: str, target: str | None = None, threshold: float | None = None) -> OpinionResult:
        if "explodes" in text:
            raise RuntimeError("secret path /srv/model.bin")
        return self.one(text, target, threshold)

    def one(self, text: str, target: str | None = None, threshold: float | None = None) -> OpinionResult:
        found = [opinion for sentence in re.finditer(r"[^.!?]+", text) for opinion in self.sentence(text, *sentence.span())]
        kept = tuple(opinion for opinion in found if (threshold or 0.0) <= opinion.score)
        tally = {name: 1 + 2 * sum(opinion.polarity == name for opinion in found) for name in POLARITIES}
        polarity = Label.of(POLARITIES, [tally[name] / sum(tally.values()) for name in POLARITIES])
        stance = Label.of(STANCES, (0.7, 0.2, 0.1)) if target else None
        return OpinionResult(text, polarity, kept, stance, Coverage(len(text), len(text)))

    def sentence(self, text: str, start: int, end: int) -> Iterator[Opinion]:
        things = [Span(m.start(), m.end(), m.group()) for m in re.compile(TARGETS, re.I).finditer(text, start, end)]
        for polarity, words in WORDS.items():
            for match in re.compile(words, re.I).finditer(text, start, end):
                before = [thing for thing in things if thing.end <= match.start()]
                near = before[-1] if before else things[0] if things else None
                yield Opinion(near, Span(match.start(), match.end(), match.group()), polarity, 0.75)

    def stream(self, texts: Sequence[str], target: Any = None, threshold: float | None = None) -> Iterator[OpinionResult]:
        return (self.one(text, target, threshold) for text in texts)

    def stances(self, texts: Sequence[str], target: str) -> Iterator[Label]:
        return Crowd().stances(texts, target)

    def embed(self, phrases: Sequence[str]) -> Floats:
        return np.eye(len(phrases), max(len(phrases), 512), dtype=np.float32)


KINDS = {
    "ORG": r"Institute|Group|Trust|University|Ministry|Chemicals|Party|Holdings|Friends|Nations|Movement|Clinic|NASA|Union",
    "PER": r"^(?:Ada|Ilse|Petra|Amara|Jonas|Mira|Tomas|Brandvold|Voss|Marie|Pierre|Wangari|Maathai|John|Snow)\b",
    "MISC": r"Prize|<img|Comirnaty|Parasol",
}
NAME = re.compile(r"<img[^>]*>|(?:[A-Z]\w+|[A-Z]\.)(?: (?:of (?:the )?)?[A-Z]\w+)*|\b\d+\b")
SAID = {"founder of": "found|set up", "located in": r"\bin\b|lies|into", "owned by": "belong|sold", "head of": "leads|direct|chief|mayor"}


class Capitals:
    """A stand-in for the pipeline: names are capitalised, and neighbours are related by the words between them."""

    def __call__(self, text: str, labels: Any = None, threshold: float | None = None) -> RelationResult:
        if "explode" in text:
            raise RuntimeError("secret path /srv/model.bin")
        return self.one(text, labels, threshold or 0.0)

    def stream(self, texts: Sequence[str], labels: Any = None, threshold: float | None = None) -> Iterator[RelationResult]:
        return (self(text, labels, threshold) for text in texts)

    def one(self, text: str, labels: Any, threshold: float) -> RelationResult:
        found = [Span(*match.span(), match.group()) for match in NAME.finditer(text)]
        entities = link([(span, self.kind(span.text), 0.9) for span in found])
        home = {span: number for number, one in enumerate(entities) for span in one.mentions}
        said = {name: re.escape(name.split()[0]) for name in labels} if labels else SAID
        relations = []
        for head, tail in pairwise(found):
            between = text[head.end : tail.start]
            for name, words in said.items():
                score = max(0.05, 0.95 - len(between) / 50)
                if re.search(words, between) and "." not in between and home[head] != home[tail] and score >= threshold:
                    first, last = text.rfind(".", 0, head.start) + 1, text.find(".", tail.end) + 1 or len(text)
                    begin = first + len(text[first:]) - len(text[first:].lstrip())
                    relations.append(Relation(home[head], home[tail], name, score, Span.of(text, begin, last)))
        return RelationResult(text, entities, tuple(sorted(relations, key=lambda each: -each.score)), Coverage(len(text), len(text)))

    def kind(self, name: str) -> str:
        if name.isdigit():
            return "TIME" if len(name) == 4 else "NUM"
        return next((kind for kind, words in KINDS.items() if re.search(words, name)), "LOC")


class Crowded(Capitals):
    """Three hundred entities and more relations, whatever the text is."""

    def one(self, text: str, labels: Any, threshold: float) -> RelationResult:
        if text.startswith("crowd"):
            text = " ".join(f"Ada{i} founded Trust{(i * 7) % 150} Union." for i in range(150))
        return super().one(text, labels, threshold)


PROPOSAL = "The market square should be closed to cars."
SIDES = {
    "favor": "kids|children|exhaust|asthma|noise|engine|cycl|trees|favour|yes|agree|good|beautiful",
    "against": "customers|shop|pharmacy|retail|bus|against|no!|waste|mill lane",
}
WIDTH = 256


class Crowd:
    """A stand-in for the pipeline: a side has its words, and texts are as close as the words that they share."""

    def __init__(self) -> None:
        self.embedded: list[int] = []
        self.judged: list[str] = []

    def stance(self, text: str) -> Label:
        if "explode" in text:
            raise RuntimeError("secret path /srv/model.bin")
        hits = [len(re.findall(words, text, re.IGNORECASE)) for words in SIDES.values()]
        sure = 0.9 if re.search("surely", text) else 0.7
        if hits[0] == hits[1]:
            return Label.of(STANCES, (0.25, 0.25, 0.5))
        side = (sure, 1 - sure) if hits[0] > hits[1] else (1 - sure, sure)
        return Label.of(STANCES, (*side, 0.0))

    def stances(self, texts: Sequence[str], target: str) -> Iterator[Label]:
        assert target
        for text in texts:
            self.judged.append(text)
            yield self.stance(text)

    def embed(self, phrases: Sequence[str]) -> Any:
        self.embedded.append(len(phrases))
        made = np.zeros((len(phrases), WIDTH), np.float32)
        for row, phrase in zip(made, phrases, strict=True):
            for word in re.findall(r"\w+", phrase.casefold()):
                row[hashlib.sha256(word.encode()).digest()[0]] += 1
        return made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), np.float32(1e-9))


PLAY = "Children could play there without fear of vans"
AIR = "Exhaust fumes make my asthma worse every day"


def load(task: str, adapter: str = "shipped") -> Any:
    """What the tests give the showcase in place of ``tasks.pipeline``."""
    if task == "opinion-analysis":
        return Opinions()
    if task == "relation-extraction":
        return Capitals()
    if task == "question-answering":
        return Finder()
    if task == "recommendation":
        return Recommender(shipped().items)
    if task == "conversation":
        return Agent()
    assert task == "event-detection"
    return Words(adapter)


def load_crowd(task: str, adapter: str = "shipped") -> Crowd:
    """What the tests give the page of the consultation in place of ``tasks.pipeline``."""
    assert task == "opinion-analysis"
    return Crowd()
