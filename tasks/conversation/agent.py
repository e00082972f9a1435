"""What the agent does with a message: it forgets, corrects, notes, answers, recommends, or asks back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

from tasks.conversation import replies
from tasks.conversation.answering import UNSURE, Found, answer
from tasks.conversation.correcting import mend, withdraw
from tasks.conversation.forgetting import items_of, to_forget
from tasks.conversation.listening import Load, sentences
from tasks.conversation.relations import relations
from tasks.conversation.remembering import Changes, remember, take_side
from tasks.conversation.state import State, remove
from tasks.conversation.suggesting import Embed, foreign, kind_of, link, suggest, wish_in
from tasks.conversation.things import PRONOUNS
from tasks.conversation.types import Act, EventNote, Extraction, Fact

LEAST_STANCE = 0.6  # the probability from which a side is taken down
LONGEST_WISH = 4  # messages of one request
MEDICAL = ("injury", "illness")
PLACED = ("flood", "fire", "storm", "earthquake", "landslide", "explosion", "collapse", "power cut", "accident", "blockage", "evacuation")


@dataclass
class Moment:
    """One turn while it happens: the state so far, and what was done."""

    state: State
    said: Extraction
    acts: list[Act]

    def do(self, kind: str, text: str, **rest: Any) -> None:
        """Note an act."""
        self.acts.append(Act(kind, text, **rest))

    def wants(self, *kinds: str) -> bool:
        """Whether the message is of one of these kinds."""
        return any(kind in self.said.kinds for kind in kinds)


class Actor:
    """Acts on what was understood; ``load(task, adapter)`` gives the other tasks' pipelines, ``embed`` unit vectors of texts."""

    def __init__(self, load: Load, embed: Embed) -> None:
        self._load, self._embed = load, embed
        self._kinds: WeakKeyDictionary[Any, str] = WeakKeyDictionary()  # of catalogues, which takes an encoding of their items

    def __call__(self, state: State, said: Extraction, documents: Any, catalogue: Any, proposal: str | None) -> tuple[State, list[Act]]:
        """The state after the message, and what was done, in order."""
        now = Moment(state, said, [])
        if now.wants("forget"):
            self._forget(now)
        if now.wants("tell", "correct") or said.facts or said.tastes or said.events:
            self._note(now, proposal)
        if now.wants("ask") or (documents is not None and now.wants("recommend") and "?" in said.text):
            self._answer(now, documents)
        if now.wants("refine") or (now.wants("recommend") and not any(act.kind == "answered" for act in now.acts)):
            self._recommend(now, catalogue)
        if now.wants("greet") and (len(said.kinds) == 1 or not state.turns):
            now.acts.insert(0, Act("greeted", replies.greeting(said.text)))
        if not now.acts:
            now.do("noted", replies.NOTHING)
        return now.state, now.acts

    def _similar(self, text: str, others: Sequence[str]) -> list[float]:
        vectors = self._embed([text, *others])
        found: list[float] = (vectors[1:] @ vectors[0]).tolist()
        return found

    def _forget(self, now: Moment) -> None:
        gone = to_forget(now.state, now.said, self._similar)
        if not gone:
            now.do("unknown", replies.WHAT_TO_FORGET)
            return
        items = items_of(now.state, gone)
        text = replies.forgotten(now.state, items)
        now.state = remove(now.state, gone)
        now.do("forgot", text, rests_on=tuple(each.id for each in items))

    def _note(self, now: Moment, proposal: str | None) -> None:
        correcting = now.wants("correct")
        if self._fill(now):
            return
        before = now.state
        now.state, changes = remember(before, now.said, correcting)
        if correcting and not changes.replaced and not now.said.tastes and not now.said.events and _by_pronoun_alone(now.said):
            mended, better = mend(before, now.said)
            if better.all:
                now.state, changes = mended, better
        if not changes.all:
            now.state, changes = withdraw(now.state, now.said)
        if proposal is not None:
            now.state, side = take_side(now.state, now.said, proposal, LEAST_STANCE)
            changes = replace(changes, added=(*changes.added, *([side] if side else [])))
        if changes.all or changes.withdrawn:
            kind = "corrected" if changes.replaced or changes.withdrawn else "noted"
            now.do(kind, replies.noted(now.state, changes), rests_on=changes.all)
            self._notice(now, changes)
            self._ask_where(now, changes)
        elif correcting and not now.wants("ask", "recommend", "refine", "forget"):
            now.do("asked", replies.WHAT_TO_CHANGE)
        elif not now.wants("ask", "recommend", "refine", "forget", "greet"):
            now.do("noted", replies.NOTHING)

    def _fill(self, now: Moment) -> bool:
        """Whether the message is the answer to what the agent asked; the event then has its place."""
        pending, now.state = dict(now.state.pending), replace(now.state, pending=())
        if pending.get("slot") != "where" or now.said.facts or now.said.events:
            return False
        places = [each.span for each in now.said.things if each.type in ("LOC", "ORG", "MISC")]
        event = now.state.item(pending["id"])
        if not places or not isinstance(event, EventNote):
            return False
        filled = replace(event, where=places[0].text)
        events = tuple(filled if each.id == event.id else each for each in now.state.events)
        now.state = replace(now.state, events=events, recent=(event.id,))
        now.do("noted", replies.noted(now.state, Changes((event.id,))), rests_on=(event.id,))
        return True

    def _notice(self, now: Moment, changes: Changes) -> None:
        kinds = relations()
        items = [now.state.item(name) for name in changes.all]
        medical = any(
            (isinstance(each, EventNote) and each.type in MEDICAL)
            or (isinstance(each, Fact) and each.type in kinds and kinds[each.type].medical)
            for each in items
        )
        if medical and "medical" not in now.state.noticed:
            now.state = replace(now.state, noticed=(*now.state.noticed, "medical"))
            now.do("notice", replies.NO_ADVICE)

    def _ask_where(self, now: Moment, changes: Changes) -> None:
        events = [each for each in now.state.events if each.id in changes.added and each.type in PLACED and each.where is None]
        if events and not now.wants("ask", "recommend", "refine", "correct"):
            now.state = replace(now.state, pending=(("slot", "where"), ("id", events[0].id)))
            now.do("asked", replies.WHERE, rests_on=(events[0].id,))

    def _answer(self, now: Moment, documents: Any) -> None:
        for question in questions(now.said.text):
            found = answer(now.state, question, documents, self._load("question-answering", "shipped"))
            if found is None or (found.score < UNSURE and not now.wants("ask")):
                if not now.wants("ask"):
                    continue
                now.do("unknown", replies.UNKNOWN if documents is None else replies.UNKNOWN_DOCUMENTS)
            else:
                now.do("answered", replies.answered(found), rests_on=found.ids, evidence=(found.evidence or _told(now.state, found),))

    def _recommend(self, now: Moment, catalogue: Any) -> None:
        words = request(now.said)
        wish = wish_in(words)
        own = catalogue if catalogue is not None else self._load("recommendation", "shipped")
        if now.wants("recommend") or not now.state.wish:
            now.state = replace(now.state, wish=(wish,) if wish else ())
        else:
            now.state = replace(now.state, wish=(*now.state.wish, wish)[-LONGEST_WISH:])
        if own not in self._kinds:
            self._kinds[own] = kind_of(own, self._embed)
        kind = self._kinds[own]
        if wanted := foreign(words, kind, self._embed):
            if not now.wants("ask"):
                now.do("unknown", replies.foreign(wanted, kind))
            return
        now.state = link(now.state, own)
        items = suggest(now.state, own)
        if not items:
            now.do("asked", replies.NO_MORE if now.state.shown else replies.WHAT_YOU_LIKE)
            return
        now.state = replace(now.state, shown=(*now.state.shown, *(each["item_id"] for each in items))[-100:])
        known = {each.item_id: each.id for each in now.state.preferences}
        used = {known[why["item_id"]] for each in items for why in each["because"] if why["item_id"] in known}
        now.do("recommended", replies.recommended(items), rests_on=tuple(sorted(used)), items=tuple(items))


def _by_pronoun_alone(said: Extraction) -> bool:
    """Whether the facts that a message states, if any, are of "it", "he" or "she": then it may only give a new value."""
    return all(fact.head.text.lower() in PRONOUNS for fact in said.facts)


def _told(state: State, found: Found) -> dict[str, Any]:
    """The evidence of an answer from what was told: where the first of its items was said."""
    sources = [item.source for name in found.ids if (item := state.item(name)) is not None and item.source is not None]
    return {
        "answer": found.answer or found.sentence,
        "score": found.score,
        "turn": sources[0].turn if sources else None,
        "passage": sources[0].text if sources else found.sentence,
    }


def questions(text: str) -> list[str]:
    """The sentences that ask, three at most; the whole message where none ends with a question mark."""
    found = [sentence.text for sentence in sentences(text) if sentence.text.endswith("?")]
    return found[:3] or [text]


def request(said: Extraction) -> str:
    """The words of a message that ask for suggestions: without the sentences that state a fact or a taste."""
    stated = [fact.evidence.start for fact in said.facts] + [taste.target.start for taste in said.tastes]
    return " ".join(each.text for each in sentences(said.text) if not any(each.start <= place < each.end for place in stated))
