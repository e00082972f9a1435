"""A stand-in for the agent: it understands a few sentences by rules, over the real state, and loads no model."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tasks.conversation.state import State, remove, revise, with_entity, with_user
from tasks.conversation.types import (
    USER,
    Act,
    EventNote,
    Extraction,
    Fact,
    Happening,
    Named,
    Preference,
    Source,
    Taste,
    Told,
    Turn,
)
from tasks.core.errors import InputError
from tasks.core.types import Span

SECRET = "secret path /srv/model.bin"
NAME = r"[A-Z<][\w=\"'(>-]*(?: [A-Z]\w*)*"
LIKES = re.compile(r"I (love|like|hate|don't like|dislike) ([^.,;]+)")
FACTS = {"founder of": "founded", "released": "released", "works for": "works for", "lives in": "live in"}
EVENT = re.compile(r"(flood|fire)\w*(?: in ([A-Z]\w+))?(?: on ([A-Z]\w+))?")
ITEMS = ({"item_id": "blue", "title": "Blue", "score": 0.8, "because": "you like Pink Moon"},)


class Agent:
    """Each message is one act; ``asked`` is what it was given."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def reply(
        self, message: str, state: dict[str, Any] | None = None, documents: Any = None, catalogue: Any = None, proposal: str | None = None
    ) -> Turn:
        self.asked.append({"message": message, "state": state, "documents": documents, "catalogue": catalogue, "proposal": proposal})
        if "explode" in message:
            raise RuntimeError(SECRET)
        if "refuse" in message:
            raise InputError("This the agent does not read: say it otherwise.")
        if "patience" in message:
            time.sleep(2)
        before = State.of(state)
        kind, after, found, act = self.act(message, before, documents, catalogue)
        stance = {"label": "favor", "score": 0.9} if proposal else None
        if stance:
            source = Source(before.turns, 0, len(message), message)
            after, number = numbered(after)
            after = replace(after, preferences=(*after.preferences, Preference(number, proposal or "", 1, 0.9, None, source, "proposal")))
        after = replace(after, turns=before.turns + 1)
        extraction = Extraction(message, {kind: 0.97}, stance=stance, **found)
        return Turn(act.text, after.to_dict(), extraction, (act,))

    def act(self, message: str, state: State, documents: Any, catalogue: Any) -> tuple[str, State, dict[str, Any], Act]:
        if state.recent and (match := re.match(r"No, I meant (.+?)\.?$", message)):
            return "correct", revise(state, state.recent[-1], match[1]), {}, Act("corrected", f"Corrected: {match[1]}.")
        if match := re.match(r"Forget (.+?)\.?$", message):
            gone = [each.id for each in state.preferences if each.target in match[1]]
            return "forget", remove(state, gone), {}, Act("forgot", "Forgotten.")
        if message.startswith("What do I like"):
            liked = [each for each in state.preferences if each.sign > 0 and each.about == "taste"]
            names = ", ".join(each.target for each in liked) or "nothing"
            return "ask", state, {}, Act("answered", f"You like {names}.", tuple(each.id for each in liked))
        if "listen" in message or "recommend" in message:
            return "recommend", state, {}, Act("recommended", "How about this?", items=self.items(catalogue))
        if message.endswith("?"):
            return "ask", state, {}, self.answer(message, documents)
        after, found = self.told(message, state)
        return "tell", after, found, Act("noted" if after.made > state.made else "unknown", "Noted." if found else "I did not get that.")

    def items(self, catalogue: Any) -> tuple[dict[str, Any], ...]:
        if catalogue is None:
            return ITEMS
        return tuple({"item_id": each.item_id, "title": each.title, "score": 0.5, "because": ""} for each in catalogue.catalogue.items[:3])

    def answer(self, message: str, documents: Any) -> Act:
        for name in documents.names if documents is not None else ():
            whole = documents.index.document(name).text
            asked = max(re.findall(r"\w+", message), key=len)
            for sentence in re.finditer(r"[^.]+\.", whole):
                if asked in sentence[0] and (number := re.search(r"\d[\d,]*\d|[A-Z]\w+ [A-Z]\w+", sentence[0])):
                    start, end = (sentence.start() + each for each in number.span())
                    place = {"document": name, "page": None, "start": start, "end": end, "passage": sentence[0]}
                    return Act("answered", f"{number[0]}.", (), ({"answer": number[0], "score": 0.9} | place,))
        return Act("unknown", "I do not know.")

    def told(self, message: str, state: State) -> tuple[State, dict[str, Any]]:
        turn, found = state.turns, {"things": [], "facts": [], "tastes": [], "events": []}
        recent: list[str] = []
        for match in LIKES.finditer(message):
            sign = 1 if match[1] in ("love", "like") else -1
            state, number = numbered(state)
            source = Source(turn, match.start(), match.end(), match[0])
            state = replace(state, preferences=(*state.preferences, Preference(number, match[2], sign, 0.8, None, source)))
            found["tastes"].append(Taste(Span.of(message, *match.span(2)), sign, 0.8))
            recent.append(number)
        for relation, match in facts(message):
            source = Source(turn, match.start(), match.end(), match[0])
            if match[1] == "I":
                state, head = with_user(state, source), USER
            else:
                state, head = with_entity(state, match[1], "PER", source)
            state, tail = with_entity(state, match[2], "ORG", source)
            state, number = numbered(state)
            state = replace(state, facts=(*state.facts, Fact(number, head, relation, tail, 0.9, source)))
            ends = [Span.of(message, *match.span(group)) for group in (1, 2)]
            found["facts"].append(Told(ends[0], relation, ends[1], 0.9, Span.of(message, *match.span())))
            found["things"] += [Named(ends[0], "PER", 0.9), Named(ends[1], "ORG", 0.9)]
            recent.append(number)
        for match in EVENT.finditer(message):
            state, number = numbered(state)
            source = Source(turn, match.start(), match.end(), match[0])
            state = replace(state, events=(*state.events, EventNote(number, match[1], match[1], 0.7, match[2], match[3], source)))
            spans = [Span.of(message, *match.span(group)) if match[group] else None for group in (2, 3)]
            trigger, whole = Span.of(message, *match.span(1)), Span.of(message, *match.span())
            found["events"].append(Happening(match[1], trigger, 0.7, spans[0], spans[1], whole))
            recent.append(number)
        return replace(state, recent=tuple(recent)), {name: tuple(each) for name, each in found.items() if each}


def numbered(state: State) -> tuple[State, str]:
    """A new id."""
    return replace(state, made=state.made + 1), f"i{state.made + 1}"


def facts(message: str) -> Iterator[tuple[str, re.Match[str]]]:
    for relation, words in FACTS.items():
        for match in re.finditer(rf"({NAME}) {words} ({NAME})", message):
            yield relation, match
