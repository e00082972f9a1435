"""What a message wants forgotten: everything, somebody, one fact of somebody, or what was said last."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from tasks.conversation.linking import resolve
from tasks.conversation.relations import relations
from tasks.conversation.remembering import event_sentence, preference_sentence, sentence_of
from tasks.conversation.state import ITEMS, Item, State
from tasks.conversation.types import USER, EventNote, Extraction, Fact, Preference
from tasks.core.types import Span

Similar = Callable[[str, Sequence[str]], list[float]]  # cosines of one text with others
LEAST_LIKENESS = 0.3  # of a message with what it may mean, where they share no word
_ALL = re.compile(
    r"\b(?:everything|all(?: of (?:it|that|this))?|(?:my|the) (?:whole|entire|full) \w+)\b|\bstart (?:over|again|afresh)\b", re.IGNORECASE
)
_LAST = re.compile(r"\b(?:that|this|it|those|these|them|both|last (?:one|thing|bit))\b", re.IGNORECASE)
_BOTH = re.compile(r"\b(?:both|the two)\b", re.IGNORECASE)
_ONE = re.compile(
    r"\b(?:who|whom|whose|where|when|which|how)\b"
    r"|\bwhat\b(?! (?:(?:i|we)(?:[’']ve| have)? (?:just )?(?:said|told|mentioned|wrote|say|tell)))",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"\b(?:about|of|on)\b", re.IGNORECASE)
_WORD = re.compile(r"[\w’']+")
_EMPTY = frozenset((Path(__file__).parent / "forgetting.txt").read_text(encoding="utf-8").split())  # say nothing of what is meant


def to_forget(state: State, said: Extraction, similar: Similar) -> tuple[str, ...]:
    """Ids of the items that the message wants forgotten, and of entities with all that is known of them; none where it means nothing."""
    text = said.text
    named = _named(state, said)
    if _ALL.search(text) and not (named and _ABOUT.search(text)):
        return tuple(each.id for each in state.items) + tuple(each.id for each in state.entities)
    if _BOTH.search(text) and not named:
        people = [name for name in state.focus if name != USER and state.entity(name).type == "PER"][:2]
        return tuple(people)
    facts = [fact for fact in state.facts if not named or {fact.head, fact.tail} & set(named)]
    if kind := _relation_named(text, facts):
        return tuple(fact.id for fact in facts if fact.type == kind)
    if _ONE.search(text) and facts:
        return (_likest(text, [(fact.id, f"{sentence_of(state, fact)}: {_described(fact)}") for fact in facts], similar, -1.0),)
    if found := (*named, *_mentioning(state, text)):
        return tuple(dict.fromkeys(found))
    if _LAST.search(text) and state.recent:
        return state.recent
    everything = [(each.id, describe(state, each)) for each in state.items]
    best = _likest(text, everything, similar, LEAST_LIKENESS) if everything else ""
    return (best,) if best else ()


def _named(state: State, said: Extraction) -> list[str]:
    """Entities that the message names, by a thing or word for word, and that "he" or "she" means; never the user."""
    found = {each.id for each in state.entities if each.id != USER and _says(said.text, each.name)}
    for thing in said.things:
        meant = thing.refers or resolve(state, said.text, thing.span, thing.type)
        if meant is not None and meant != USER:
            found.add(meant)
    if not found and (match := re.search(r"\b(?:he|him|his|she|her|hers)\b", said.text, re.IGNORECASE)):
        meant = resolve(state, said.text, Span.of(said.text, match.start(), match.end()), "PER")
        found |= {meant} if meant else set()
    values = {each.id for each in state.entities if each.type in ("TIME", "NUM")}
    return [each.id for each in state.entities if each.id in found and (each.id not in values or found <= values)]


def _says(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) is not None


def _relation_named(text: str, facts: Sequence[Fact]) -> str | None:
    """The relation whose name the message says: "the author", "the date of her death"."""
    words = set(_WORD.findall(text.lower()))
    kinds = {fact.type for fact in facts}
    said = [kind for kind in kinds if set(_WORD.findall(kind.lower())) - {"of", "at", "by", "in"} <= words]
    return max(sorted(said), key=len, default=None)


def _mentioning(state: State, text: str) -> list[str]:
    """Preferences and events that share the most words with the message, beside those that say nothing; and facts where none do."""
    words = {word for word in _WORD.findall(text.lower()) if word not in _EMPTY}
    scored = []
    for each in state.items:
        own = set(_WORD.findall(describe(state, each).lower())) | set(_WORD.findall(each.source.text.lower() if each.source else ""))
        scored.append((len(words & own), each))
    most = max((count for count, _ in scored), default=0)
    return [each.id for count, each in scored if most and count == most]


def _likest(text: str, choices: Sequence[tuple[str, str]], similar: Similar, least: float) -> str:
    scores = similar(text, [sentence for _, sentence in choices])
    score, best = max(zip(scores, (name for name, _ in choices), strict=True))
    return best if score >= least else ""


def _described(fact: Fact) -> str:
    kind = relations().get(fact.type)
    return kind.description if kind else fact.type


def describe(state: State, each: Item) -> str:
    """An item as a sentence without its full stop."""
    if isinstance(each, Fact):
        return sentence_of(state, each)
    if isinstance(each, Preference):
        return preference_sentence(each)
    assert isinstance(each, EventNote)
    return event_sentence(each)


def items_of(state: State, gone: Sequence[str]) -> list[Item]:
    """The items that go with these ids: themselves, and the facts of entities."""
    out = set(gone)
    kept = [each for name in ITEMS for each in getattr(state, name)]
    return [each for each in kept if each.id in out or (isinstance(each, Fact) and {each.head, each.tail} & out)]
