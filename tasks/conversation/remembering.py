"""From what a message states to the state: new facts, tastes and events, each with where it was said; what replaces what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tasks.conversation.linking import called, focused, resolve
from tasks.conversation.relations import relations, say
from tasks.conversation.state import State, remove, with_entity, with_user
from tasks.conversation.things import HE, IT, PRONOUNS, SHE
from tasks.conversation.types import USER, EventNote, Extraction, Fact, Happening, Preference, Source, Taste, Told
from tasks.core.types import Span

# Events that a fact says already: "born in Lyon" is a place of birth.
SAID_BY = {
    "birth": {"place of birth", "date of birth"},
    "death": {"place of death", "date of death"},
    "wedding": {"spouse"},
}
REJECTED = re.compile(r"(?:\b(?:not|instead of|rather than|never)|n[’']t)\s+(?:in |on |at |by |a |an |the )*$", re.IGNORECASE)
_PERSONAL = re.compile(r"\b(?:" + "|".join(SHE | HE) + r")\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Changes:
    """Ids of what a message ``added``, and of what it ``replaced`` with the sentence that is no longer so; the sentences ``withdrawn``."""

    added: tuple[str, ...] = ()
    replaced: tuple[tuple[str, str], ...] = ()
    withdrawn: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Everything that is new."""
        return (*self.added, *(name for name, _ in self.replaced))


def source(state: State, span: Span) -> Source:
    """Where the message of this turn says something."""
    return Source(state.turns, span.start, span.end, span.text)


def meet(state: State, said: Extraction) -> tuple[State, dict[Span, str]]:
    """The state with the things that a message names, and the entity of each that is known or is now.

    A pronoun that means nobody known is left out. Nouns, dates and numbers of no fact stay out too.
    """
    ends = {span for fact in said.facts for span in (fact.head, fact.tail)}
    ends |= {taste.target for taste in said.tastes if taste.target.text[:1].isupper()}  # the record which "it" means later
    types = _types(said.facts)
    ids: dict[Span, str] = {}
    for thing in said.things:
        if thing.type in ("TIME", "NUM", "MISC") and thing.span not in ends:
            continue
        pronoun = thing.span.text.lower() in PRONOUNS
        found = (thing.refers if pronoun else None) or resolve(state, said.text, thing.span, thing.type)
        if pronoun and found is None:
            continue
        if thing.span not in ends and found == USER:
            continue
        mention = source(state, thing.span)
        if found == USER:
            state, ids[thing.span] = with_user(state, mention), USER
            continue
        name = next((each.name for each in state.entities if each.id == found), thing.span.text)
        state, ids[thing.span] = with_entity(state, name, types.get(thing.span, thing.type), mention)
        state = called(state, ids[thing.span], thing.span.text)
    return _pronouns(state, said, ids), ids


def _types(facts: Sequence[Told]) -> dict[Span, str]:
    """What a thing must be, as its facts have it: what somebody lives in is a place."""
    kinds = relations()
    found: dict[Span, str] = {}
    for fact in facts:
        kind = kinds.get(fact.type)
        for span, own in ((fact.head, kind.head), (fact.tail, kind.tail)) if kind else ():
            if own is not None:
                found.setdefault(span, own)
    return found


def _pronouns(state: State, said: Extraction, ids: dict[Span, str]) -> State:
    """Who "she" and "he" are where the message names one person before: remembered for later messages."""
    for match in _PERSONAL.finditer(said.text):
        people = {name for span, name in ids.items() if span.end <= match.start() and _is_person(state, name)}
        if len(people) == 1:
            state = called(state, people.pop(), match[0])
    return state


def _is_person(state: State, name: str) -> bool:
    return name != USER and state.entity(name).type == "PER"


def remember(state: State, said: Extraction, correcting: bool = False) -> tuple[State, Changes]:
    """The state after a telling message; with ``correcting``, what it says takes the place of what it contradicts."""
    state, ids = meet(state, said)
    added: list[str] = []
    replaced: list[tuple[str, str]] = []
    for told in said.facts:
        if told.head in ids and told.tail in ids and ids[told.head] != ids[told.tail]:
            state = _add_fact(state, said, told, ids, correcting, added, replaced)
    for taste in said.tastes:
        state = _add_taste(state, said, taste, correcting, added, replaced)
    for event in said.events:
        state = _add_event(state, event, said.facts, correcting, added, replaced)
    heads = [ids[told.head] for told in said.facts if told.head in ids]
    order = [*heads, *(name for _, name in sorted(ids.items(), key=lambda pair: pair[0].start))]
    state = focused(state, [name for name in order if name != USER])
    changes = Changes(tuple(dict.fromkeys(added)), tuple(replaced))
    return (replace(state, recent=changes.all) if changes.all else state), changes


def _add_fact(
    state: State, said: Extraction, told: Told, ids: dict[Span, str], correcting: bool, added: list[str], replaced: list[tuple[str, str]]
) -> State:
    head, tail = ids[told.head], ids[told.tail]
    if correcting and told.head.text.lower() in HE | SHE | IT:  # "not Busan, he was born in Daegu": whoever was born in Busan
        head = next((each.head for each in state.facts if each.type == told.type and _is_rejected(state, said, each)), head)
    kind = relations().get(told.type)
    same = [each for each in state.facts if each.type == told.type and (each.head, each.tail) == (head, tail)]
    if kind is not None and kind.symmetric:
        same += [each for each in state.facts if each.type == told.type and (each.head, each.tail) == (tail, head)]
    if same:
        return state
    number = f"f{state.made + 1}"
    fact = Fact(number, head, told.type, tail, told.score, source(state, told.evidence))
    old = _contradicted(state, fact, said, correcting, {*added, *(name for name, _ in replaced)})
    was = "" if old is None else sentence_of(state, old)
    state = replace(state, made=state.made + 1, facts=(*state.facts, fact))
    if old is None:
        added.append(number)
        return state
    replaced.append((number, was))
    return remove(state, [old.id])


def _contradicted(state: State, fact: Fact, said: Extraction, correcting: bool, own: set[str]) -> Fact | None:
    """The fact that a new one takes the place of; the same message's own facts stay."""
    others = [each for each in state.facts if (each.id not in own and each.source is not None) or each.id not in own]
    kind = relations().get(fact.type)
    same_head = [each for each in others if each.type == fact.type and each.head == fact.head]
    if kind is not None and kind.single and same_head:
        return same_head[-1]
    if not correcting:
        return None
    rejected = [each for each in same_head if _is_rejected(state, said, each)]
    if rejected or same_head:
        return (rejected or same_head)[-1]
    same_ends = [each for each in others if {each.head, each.tail} == {fact.head, fact.tail}]
    if same_ends:
        return same_ends[-1]
    same_tail = [each for each in others if each.type == fact.type and each.tail == fact.tail]
    if same_tail:
        return same_tail[-1]
    mirrored = [each for each in others if each.type == fact.type and fact.tail == each.head]
    return mirrored[-1] if mirrored and kind is not None and kind.symmetric else None


def _is_rejected(state: State, said: Extraction, fact: Fact) -> bool:
    return is_rejected(said.text, state.entity(fact.tail).name)


def is_denied(text: str, word: str) -> bool:
    """Whether the message denies that this happened: "nobody was hurt after all", "it was no flood"."""
    return any(
        re.search(rf"{negation}\W+(?:\w+\W+){{0,3}}{re.escape(word)}\b", text, re.IGNORECASE)
        for negation in (r"\b(?:nobody|no one|nothing|never|not|no|neither)\b", r"n[’']t\b")
    )


def is_rejected(text: str, name: str) -> bool:
    """Whether the message says "not" of this name."""
    return any(REJECTED.search(text[: match.start()]) for match in re.finditer(re.escape(name), text, re.IGNORECASE))


def _add_taste(state: State, said: Extraction, taste: Taste, correcting: bool, added: list[str], replaced: list[tuple[str, str]]) -> State:
    target = taste.target.text
    old = next((each for each in state.preferences if each.about == "taste" and each.target.casefold() == target.casefold()), None)
    if old is None and correcting:  # "it was Joker that I found bleak, not Parasite"
        same = [each for each in state.preferences if each.about == "taste" and each.sign == taste.sign]
        old = next((each for each in same if is_rejected(said.text, each.target)), None)
    number = f"p{state.made + 1}"
    new = Preference(number, target, taste.sign, taste.score, None, source(state, taste.target))
    if old is not None and old.sign == taste.sign and old.target.casefold() == target.casefold():
        return state
    state = replace(state, made=state.made + 1, preferences=(*state.preferences, new))
    if old is None:
        added.append(number)
        return state
    replaced.append((number, preference_sentence(old)))
    return remove(state, [old.id])


def _add_event(
    state: State, event: Happening, facts: Sequence[Told], correcting: bool, added: list[str], replaced: list[tuple[str, str]]
) -> State:
    if any(fact.type in SAID_BY.get(event.type, ()) for fact in facts):
        return state
    old = [each for each in state.events if each.type == event.type and each.trigger.casefold() == event.trigger.text.casefold()]
    number = f"v{state.made + 1}"
    where, when = (span.text if span else None for span in (event.where, event.when))
    note = EventNote(number, event.type, event.trigger.text, event.score, where, when, source(state, event.evidence))
    same_place = [each for each in old if each.where == where or where is None]
    if not correcting and same_place:
        return state
    state = replace(state, made=state.made + 1, events=(*state.events, note))
    if correcting and old:
        replaced.append((number, event_sentence(old[-1])))
        return remove(state, [old[-1].id])
    added.append(number)
    return state


def take_side(state: State, said: Extraction, proposal: str, least: float) -> tuple[State, str | None]:
    """The state with the side that the user takes towards the proposal, where a message takes one; and its id."""
    stance = said.stance
    if stance is None or stance["label"] == "neutral" or stance["score"] < least:
        return state, None
    number = f"p{state.made + 1}"
    sign = 1 if stance["label"] == "favor" else -1
    new = Preference(number, proposal, sign, stance["score"], None, source(state, Span.of(said.text, 0, len(said.text))), "proposal")
    others = tuple(each for each in state.preferences if (each.target, each.about) != (proposal, "proposal"))
    return replace(state, made=state.made + 1, preferences=(*others, new)), number


def sentence_of(state: State, fact: Fact) -> str:
    """A fact as a sentence without its full stop, to stand in another one."""
    said = say(state.entity(fact.head).name, fact.type, state.entity(fact.tail).name)
    return f"y{said[1:]}" if said.startswith("You") else said


def preference_sentence(each: Preference) -> str:
    """A preference as a sentence without its full stop."""
    if each.about == "proposal":
        return f"you are {'for' if each.sign > 0 else 'against'} “{each.target}”"
    return f"you {'like' if each.sign > 0 else 'don’t like'} {each.target}"


def event_sentence(each: EventNote) -> str:
    """An event as a few words."""
    place, time = (f", {value}" if value else "" for value in (each.where, each.when))
    return f"{each.type} (“{each.trigger}”{place}{time})"
