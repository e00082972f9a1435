"""Written dialogues played through the agent: is the state after each turn what the user said, no more and no less?

A row is ``{"name", "documents": [{"name", "text"}], "turns": [{"user", "kinds", "state": {"facts": [[head, relation, tail], ...],
"preferences": [{"item", "sign"}], "events": [{"type", "trigger"}]}, "reply_has": [...]}]}``; the user is "I" there.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.conversation.relations import relations
from tasks.conversation.state import State
from tasks.conversation.types import Turn
from tasks.core.metrics import prf

Slots = Counter[tuple[str, ...]]
_ARTICLE = re.compile(r"^(?:the|a|an) ")


def plain(name: str) -> str:
    """A name for comparison: without its capitals and a leading article."""
    return _ARTICLE.sub("", name.casefold())


def expected(state: Mapping[str, Any]) -> Slots:
    """The slots that a row expects."""
    facts = [_fact("you" if head == "I" else head, kind, "you" if tail == "I" else tail) for head, kind, tail in state["facts"]]
    tastes = [("taste", plain(each["item"]), str(each["sign"])) for each in state["preferences"]]
    return Counter([*facts, *tastes, *(("event", each["type"], each["trigger"].casefold()) for each in state["events"])])


def stored(state: State) -> Slots:
    """The slots of a state of ours."""
    tastes = [("taste", plain(each.target), str(each.sign)) for each in state.preferences if each.about == "taste"]
    events = [("event", each.type, each.trigger.casefold()) for each in state.events]
    return Counter([*(_fact(*triple) for triple in state.triples()), *tastes, *events])


def _fact(head: str, kind: str, tail: str) -> tuple[str, ...]:
    ends = [plain(head), plain(tail)]
    known = relations().get(kind)
    return ("fact", kind, *(sorted(ends) if known is not None and known.symmetric else ends))


def play(agent: Any, dialogue: Mapping[str, Any], only_adding: bool = False) -> Iterator[tuple[Turn, State]]:
    """The agent's turns, and the state after each; ``only_adding``: as if nothing had been said before, all states put together."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / each["name"] for each in dialogue["documents"]]
        for path, each in zip(paths, dialogue["documents"], strict=True):
            path.write_text(each["text"], encoding="utf-8")
        state: Mapping[str, Any] | None = None
        for turn in dialogue["turns"]:
            made: Turn = agent.reply(turn["user"], None if only_adding else state, documents=[str(path) for path in paths] or None)
            state = made.state
            yield made, State.of(state)


def dialogue_scores(agent: Any, rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Slots after each turn.

    ``slot_recall``: expected ones that are stored; ``slot_precision``: stored ones that are expected; both of all turns together, and of
    facts, tastes and events apart; ``turns_exact``: turns whose state is exactly right; ``answers``: expected answers that are said;
    ``tasks_done``: dialogues with the right state at the end and all answers.
    """
    found, truth, both = Counter[str](), Counter[str](), Counter[str]()
    exact, turns, said, wanted, done = 0, 0, 0, 0, 0
    for row in rows:
        right = True
        for (made, state), turn in zip(play(agent, row), row["turns"], strict=True):
            own, gold = stored(state), expected(turn["state"])
            for counts, slots in ((found, own), (truth, gold), (both, own & gold)):
                counts.update(Counter({"all": slots.total()}))
                for slot, count in slots.items():
                    counts[slot[0]] += count
            turns, exact = turns + 1, exact + (own == gold)
            hits = [words.casefold() in made.reply.casefold() for words in turn["reply_has"]]
            wanted, said = wanted + len(hits), said + sum(hits)
            right = right and all(hits)
            last = own == gold
        done += right and last
    table = {"slot": "all", "fact": "fact", "taste": "taste", "event": "event"}
    figures: dict[str, float] = {}
    for name, key in table.items():
        score = prf(both[key], found[key], truth[key])
        figures |= {f"{name}_precision": score.precision, f"{name}_recall": score.recall}
    return figures | {"turns_exact": exact / max(turns, 1), "answers": said / max(wanted, 1), "tasks_done": done / max(len(rows), 1)}


def adding_scores(agent: Any, rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Slots of an agent that reads each message on its own and only ever adds: the baseline."""
    found = truth = both = 0
    for row in rows:
        total: Slots = Counter()
        for (_, state), turn in zip(play(agent, row, only_adding=True), row["turns"], strict=True):
            total |= stored(state)
            gold = expected(turn["state"])
            found, truth, both = found + total.total(), truth + gold.total(), both + (total & gold).total()
    score = prf(both, found, truth)
    return {"slot_precision": score.precision, "slot_recall": score.recall}
