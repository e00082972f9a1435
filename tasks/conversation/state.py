"""The dialogue state: plain JSON outside, checked records inside, changed only by the functions here.

``State.of(data)`` reads what ``to_dict()`` wrote; ``remove`` and ``revise`` are what a user does to an item by hand; ``diff`` says what
a turn changed. Every function returns a new state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, TypeVar

from tasks.conversation.types import USER, Entity, EventNote, Fact, Preference, Source
from tasks.core.errors import InputError

VERSION = 1
MAX_ITEMS = 2_000  # of each kind
MAX_TEXT = 10_000  # characters of one string
MAX_MENTIONS = 50  # of one entity, the latest
LISTS: dict[str, type[Entity] | type[Fact] | type[Preference] | type[EventNote]] = {
    "entities": Entity,
    "facts": Fact,
    "preferences": Preference,
    "events": EventNote,
}
ITEMS = ("facts", "preferences", "events")  # what the user said; entities are their ends
Item = Fact | Preference | EventNote
Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class State:
    """What is known of one conversation.

    ``turns``: user messages so far; ``made``: ids given so far; ``recent``: ids of the items that the last telling message added or
    changed; ``focus``: ids of entities, the latest named first, and ``called`` the pronoun each was given; ``wish``: the words of the
    request that is being refined; ``shown``: items recommended for it; ``pending``: what the agent asked, ``{"slot", "id"}``;
    ``noticed``: notices given.
    """

    turns: int = 0
    made: int = 0
    entities: tuple[Entity, ...] = ()
    facts: tuple[Fact, ...] = ()
    preferences: tuple[Preference, ...] = ()
    events: tuple[EventNote, ...] = ()
    recent: tuple[str, ...] = ()
    focus: tuple[str, ...] = ()
    called: tuple[tuple[str, str], ...] = ()
    wish: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    pending: tuple[tuple[str, str], ...] = ()
    noticed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        ids = [each.id for name in LISTS for each in getattr(self, name)]
        known = {each.id for each in self.entities}
        pending = dict(self.pending)
        if len(ids) != len(set(ids)):
            raise ValueError("an id stands twice")
        if any(not {fact.head, fact.tail} <= known for fact in self.facts):
            raise ValueError("a fact names an entity that is not there")
        meant = {*self.recent, pending.get("id", "")} - ({""} if not pending else set())
        if not {*self.focus, *(name for name, _ in self.called)} <= known or not meant <= set(ids):
            raise ValueError("an id means nothing that is there")

    @classmethod
    def of(cls, data: Mapping[str, Any] | None) -> State:
        """The state in ``data`` (None: an empty one); raises ``InputError`` where that is no state of ours."""
        if data is None:
            return cls()
        try:
            return _read(data)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"This is no state of a conversation ({str(error)[:200]}): give what a turn returned, unchanged.") from error

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        plain = asdict(self)
        plain |= {name: [asdict(each) for each in getattr(self, name)] for name in LISTS}
        for each in plain["entities"]:
            each["mentions"] = [dict(mention) for mention in each["mentions"]]
        for name in ("recent", "focus", "wish", "shown", "noticed"):
            plain[name] = list(plain[name])
        return {"version": VERSION} | plain | {"called": dict(self.called), "pending": dict(self.pending)}

    def next_turn(self) -> State:
        """The same, one message later."""
        return replace(self, turns=self.turns + 1)

    def entity(self, name: str) -> Entity:
        """The entity with this id."""
        return next(each for each in self.entities if each.id == name)

    def item(self, name: str) -> Item | None:
        """The fact, preference or event with this id."""
        return next((each for kind in ITEMS for each in getattr(self, kind) if each.id == name), None)

    @property
    def items(self) -> list[Item]:
        """Facts, preferences and events."""
        return [*self.facts, *self.preferences, *self.events]

    def triples(self) -> list[tuple[str, str, str]]:
        """The facts by names."""
        names = {each.id: each.name for each in self.entities}
        return [(names[fact.head], fact.type, names[fact.tail]) for fact in self.facts]


def _read(data: Mapping[str, Any]) -> State:
    if type(data.get("version")) is not int or data["version"] != VERSION:
        raise ValueError("another version")
    foreign = set(data) - {each.name for each in fields(State)} - {"version"}
    if foreign:
        raise ValueError(f"unknown field {min(map(str, foreign))!r}")
    _check_sizes(data)
    plain: dict[str, Any] = {name: _strings(data[name]) for name in ("recent", "focus", "wish", "shown", "noticed")}
    for name, kind in LISTS.items():
        if not isinstance(data[name], list | tuple):
            raise ValueError(f"{name} must be a list")
        plain[name] = tuple(_record(kind, each) for each in data[name])
    for name in ("called", "pending"):
        plain[name] = tuple(zip(_strings(list(data[name])), _strings(list(data[name].values())), strict=True))
    turns, made = data["turns"], data["made"]
    if type(turns) is not int or type(made) is not int or min(turns, made) < 0:
        raise ValueError("turns and made must be counts")
    read = State(turns=turns, made=made, **plain)
    if max((int(each.id[1:]) for each in (*read.entities, *read.items) if each.id[1:].isdecimal()), default=0) > made:
        raise ValueError("an id was not given yet")
    return read


def _check_sizes(value: Any, depth: int = 0) -> None:
    if depth > 6:
        raise ValueError("too deep")
    if isinstance(value, str) and len(value) > MAX_TEXT:
        raise ValueError(f"a text of {len(value):,} characters")
    if isinstance(value, Mapping | list | tuple):
        if len(value) > MAX_ITEMS:
            raise ValueError(f"a list of {len(value):,}")
        for each in value.values() if isinstance(value, Mapping) else value:
            _check_sizes(each, depth + 1)


def _strings(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise ValueError("a list of strings is something else")
    return tuple(value)


def _record(kind: type[Record], data: Mapping[str, Any]) -> Record:
    plain = dict(data)
    if kind is Entity:
        plain["mentions"] = tuple(_source(each) for each in plain["mentions"])
    elif plain["source"] is not None:
        plain["source"] = _source(plain["source"])
    for name in ("id", "head", "tail", "type", "name", "target", "trigger", "about"):
        if name in plain and (not isinstance(plain[name], str) or not plain[name]):
            raise ValueError(f"{name} must be a text")
    for name in ("item_id", "where", "when"):
        if not isinstance(plain.get(name), str | None):
            raise ValueError(f"{name} must be a text or nothing")
    return kind(**plain)


def _source(data: Mapping[str, Any]) -> Source:
    if not isinstance(data["text"], str) or any(type(data[name]) is not int for name in ("turn", "start", "end")):
        raise ValueError("a source must have a text and whole numbers")
    return Source(**data)


def remove(state: State, gone: Sequence[str]) -> State:
    """Without these facts, preferences, events or entities (with all facts of theirs); an entity that nothing names any more goes too,
    and where nothing is left, neither are the words of requests.

    Raises ``InputError`` where there is no such id.
    """
    known = {each.id for name in LISTS for each in getattr(state, name)}
    if missing := [each for each in gone if each not in known]:
        raise InputError(f"Nothing here has the id {missing[0]!r}: it may be gone already.")
    out = set(gone)
    facts = tuple(each for each in state.facts if not {each.id, each.head, each.tail} & out)
    used = {end for fact in facts for end in (fact.head, fact.tail)}
    lost = {end for fact in state.facts for end in (fact.head, fact.tail)} - used | out
    events = tuple(each for each in state.events if each.id not in out)
    out |= {each.id for each in state.facts} - {each.id for each in facts}
    if not out.isdisjoint(each.id for each in state.items) and out >= {each.id for each in state.items}:
        return State(state.turns, state.made, noticed=state.noticed)
    return replace(
        state,
        entities=tuple(each for each in state.entities if each.id not in lost),
        facts=facts,
        preferences=tuple(each for each in state.preferences if each.id not in out),
        events=events,
        recent=tuple(each for each in state.recent if each not in out),
        focus=tuple(each for each in state.focus if each not in lost),
        called=tuple(pair for pair in state.called if pair[0] not in lost),
        pending=() if dict(state.pending).get("id") in out else state.pending,
    )


def revise(state: State, name: str, value: str) -> State:
    """Correct an item by hand: the tail of a fact, the type of an event, the name of an entity; a preference takes "like" or "dislike"
    (then its sign changes), or another target. What was corrected so has no source. Raises ``InputError``.
    """
    value = " ".join(value.split()) if isinstance(value, str) else ""
    if not value or len(value) > 200:
        raise InputError("Write what it should be instead, in up to 200 characters.")
    if name == USER:
        raise InputError("You are called “you” here: correct the facts instead.")
    if any(each.id == name for each in state.entities):
        if any(each.id != name and each.name.casefold() == value.casefold() for each in state.entities):
            raise InputError(f"There is something called {value!r} already: correct the facts instead.")
        renamed = tuple(replace(each, name=value) if each.id == name else each for each in state.entities)
        return replace(state, entities=renamed)
    item = state.item(name)
    if isinstance(item, Fact):
        state, tail = with_entity(state, value, state.entity(item.tail).type)
        if tail == item.head or any((each.head, each.type, each.tail) == (item.head, item.type, tail) for each in state.facts):
            raise InputError("A fact needs two different ends, and stands here once.")
        return _cleared(_replaced(state, "facts", replace(item, tail=tail, source=None, score=1.0)))
    if isinstance(item, Preference):
        sign = {"like": 1, "dislike": -1}.get(value.lower())
        new = replace(item, sign=sign) if sign else replace(item, target=value, item_id=None)
        return _replaced(state, "preferences", replace(new, source=None, strength=1.0))
    if isinstance(item, EventNote):
        return _replaced(state, "events", replace(item, type=value, source=None, score=1.0))
    raise InputError(f"Nothing here has the id {name!r}: it may be gone already.")


def _replaced(state: State, kind: str, new: Item) -> State:
    changed: dict[str, Any] = {kind: tuple(new if each.id == new.id else each for each in getattr(state, kind))}
    return replace(state, **changed)


def _cleared(state: State) -> State:
    """Without the entities that neither a fact nor a mention holds any more."""
    used = {end for fact in state.facts for end in (fact.head, fact.tail)}
    return replace(state, entities=tuple(each for each in state.entities if each.id in used or each.mentions))


def with_entity(state: State, name: str, kind: str, mention: Source | None = None) -> tuple[State, str]:
    """The state with an entity of this name, which may be there, and its id."""
    found = next((each for each in state.entities if each.id != USER and each.name.casefold() == name.casefold()), None)
    if found is None:
        number = f"e{state.made + 1}"
        found = Entity(number, name, kind, (mention,) if mention else ())
        return replace(state, made=state.made + 1, entities=(*state.entities, found)), number
    return _mentioned(state, found, mention), found.id


def with_user(state: State, mention: Source | None = None) -> State:
    """The state with the user among its entities, by the name "you"."""
    found = next((each for each in state.entities if each.id == USER), None)
    if found is None:
        return replace(state, entities=(*state.entities, Entity(USER, "you", "PER", (mention,) if mention else ())))
    return _mentioned(state, found, mention)


def _mentioned(state: State, entity: Entity, mention: Source | None) -> State:
    if mention is None or mention in entity.mentions:
        return state
    more = replace(entity, mentions=(*entity.mentions, mention)[-MAX_MENTIONS:])
    return replace(state, entities=tuple(more if each.id == entity.id else each for each in state.entities))


def diff(before: State, after: State) -> dict[str, list[dict[str, Any]]]:
    """What changed: ``added``, ``removed`` and ``changed`` facts, preferences and events, each as plain data with its ``list``."""
    old = {each.id: (name, each) for name in ITEMS for each in getattr(before, name)}
    new = {each.id: (name, each) for name in ITEMS for each in getattr(after, name)}
    plain = {key: {"list": name} | asdict(each) for table in (old, new) for key, (name, each) in table.items()}
    return {
        "added": [plain[key] for key in new if key not in old],
        "removed": [{"list": old[key][0]} | asdict(old[key][1]) for key in old if key not in new],
        "changed": [plain[key] for key in new if key in old and old[key] != new[key]],
    }
