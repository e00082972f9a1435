"""Answers from what the user told, and from documents; each rests on its evidence, or there is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tasks.conversation.relations import say
from tasks.conversation.state import State
from tasks.conversation.types import Preference

_I_TOLD = re.compile(
    r"\b(?:i|we) (?:\w+ )?(?:say|said|tell|told|mention|mentioned|give|gave|call|called)\b|\btold you\b|\bi[’']ve told\b", re.IGNORECASE
)
_ALL_TOLD = re.compile(
    r"\bwhat (?:else )?(?:do|did|have|has|can) you (?:\w+ )?(?:know|remember|store|stored|learn|learned|note|noted|keep)"
    r"|\bwhat (?:have i|i(?:[’']ve| have)?) told you\b",
    re.IGNORECASE,
)
_TASTES = re.compile(
    r"\b(?:do|did|which|what|who)\b.*\b(?:i|my|me)\b.*\b(?:like[ds]?|love[ds]?|enjoy(?:ed)?|hate[ds]?|dislike[ds]?|favou?rites?|prefer(?:red)?"
    r"|support(?:ed)?|against|stand)\b",
    re.IGNORECASE,
)
_DISLIKES = re.compile(r"\b(?:hate[ds]?|dislike[ds]?|against|(?:not|n[’']t) (?:like|stand|enjoy|want))\b", re.IGNORECASE)
LEAST_TOLD = 0.25  # the probability of an answer from what was told
LEAST_FOUND = 0.1  # and from documents, whose user has asked for an answer: below .5 against silence it is said to be unsure
UNSURE = 0.5
Read = Callable[..., Any]  # a question-answering pipeline
VERBS = {("taste", 1): "You like", ("taste", -1): "You don’t like", ("proposal", 1): "You are for", ("proposal", -1): "You are against"}


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence that what the user told amounts to, and the items that it rests on."""

    text: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """An answer and how likely it is, against that nothing is said.

    From what was told: the ``sentence`` and the ``ids`` of the items that it rests on; from a document: its ``evidence``, as in
    ``types.Act``.
    """

    answer: str
    score: float
    sentence: str = ""
    ids: tuple[str, ...] = ()
    evidence: dict[str, Any] | None = None


def listed(names: list[str], joint: str = "and") -> str:
    """Names in one phrase: "A, B and C"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {joint} {names[-1]}"


def statements(state: State) -> Iterator[Statement]:
    """Sentences for all that was told; facts that differ in their tail alone stand in one."""
    names = {each.id: each.name for each in state.entities}
    groups: dict[tuple[str, str], list[Any]] = {}
    for fact in state.facts:
        groups.setdefault((fact.head, fact.type), []).append(fact)
    for (head, kind), facts in groups.items():
        sentence = say(names[head], kind, listed([names[fact.tail] for fact in facts]))
        yield Statement(sentence[:1].upper() + sentence[1:] + ".", tuple(fact.id for fact in facts))
    yield from liked(list(state.preferences))
    for event in state.events:
        if event.source is not None:
            yield Statement(event.source.text.rstrip(".!") + ".", (event.id,))


def liked(preferences: list[Preference]) -> Iterator[Statement]:
    """A sentence for each sign."""
    for (about, sign), words in VERBS.items():
        if chosen := [each for each in preferences if (each.about, each.sign) == (about, sign)]:
            yield Statement(f"{words} {listed([each.target for each in chosen])}.", tuple(each.id for each in chosen))


def answer(state: State, question: str, documents: Any, read: Read) -> Found | None:
    """The better answer of what was told and what the documents say; None where neither says."""
    told = _from_told(state, question, read)
    if told is not None and any(pattern.search(question) for pattern in (_I_TOLD, _ALL_TOLD, _TASTES)):
        return told
    found = [told, None if documents is None else _from_documents(question, documents, read)]
    return max((each for each in found if each is not None), key=lambda each: each.score, default=None)


def _from_told(state: State, question: str, read: Read) -> Found | None:
    known = list(statements(state))
    if not known:
        return None
    if _ALL_TOLD.search(question):
        return Found("", 1.0, " ".join(each.text for each in known), tuple(name for each in known for name in each.ids))
    if _TASTES.search(question) and state.preferences:
        named = [each for each in state.preferences if re.search(rf"(?<!\w){re.escape(each.target)}(?!\w)", question, re.IGNORECASE)]
        sign = -1 if _DISLIKES.search(question) else 1
        if chosen := list(liked(named or [each for each in state.preferences if each.sign == sign])):
            return Found("", 1.0, " ".join(each.text for each in chosen), tuple(name for each in chosen for name in each.ids))
    best, chance = _best(read(question=question, context=" ".join(each.text for each in known), top_k=2))
    if best is None or best.score < LEAST_TOLD:
        return None
    start = 0
    for each in known:
        if best.start < start + len(each.text) + 1:
            return Found(best.answer, chance, each.text, each.ids)
        start += len(each.text) + 1
    return None


def _from_documents(question: str, documents: Any, read: Read) -> Found | None:
    best, chance = _best(read(question=question, documents=documents, top_k=2))
    if best is None or best.score < LEAST_FOUND:
        return None
    where = best.document
    evidence = {
        "answer": best.answer,
        "score": best.score,
        "document": where.name,
        "page": where.page,
        "start": best.start,
        "end": best.end,
        "passage": where.passage.text,
    }
    return Found(best.answer, chance, evidence=evidence)


def _best(result: Any) -> tuple[Any, float]:
    """The likeliest answer that says something, None where there is none; and its share against saying nothing."""
    best = next((each for each in result.answers if each.answer), None)
    return best, 0.0 if best is None else best.score / (best.score + result.no_answer_score)
