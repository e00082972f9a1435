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
        if len(ids) != len(set(ids)):
            raise ValueError("an id stands twice")
        if any(not {fact.head, fact.tail} <= known for fact in self.facts):
            raise ValueError("a fact names an entity that is not there")

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
    if data.get("version") != VERSION:
        raise ValueError(f"version {data.get('version')!r}")
    foreign = set(data) - {each.name for each in fields(State)} - {"version"}
    if foreign:
        raise ValueError(f"unknown field {min(map(str, foreign))!r}")
    _check_sizes(data)
    plain: dict[str, Any] = {name: _strings(data[name]) for name in ("recent", "focus", "wish", "shown", "noticed")}
    for name, kind in LISTS.items():
        plain[name] = tuple(_record(kind, each) for each in data[name])
    for name in ("called", "pending"):
        plain[name] = tuple((str(key), str(value)) for key, value in data[name].items())
    turns, made = data["turns"], data["made"]
    if type(turns) is not int or type(made) is not int or min(turns, made) < 0:
        raise ValueError("turns and made must be counts")
    return State(turns=turns, made=made, **plain)


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
        plain["mentions"] = tuple(Source(**each) for each in plain["mentions"])
    elif plain["source"] is not None:
        plain["source"] = Source(**plain["source"])
    for name in ("id", "head", "tail", "type", "name", "target", "trigger"):
        if name in plain and not isinstance(plain[name], str):
            raise ValueError(f"{name} must be a string")
    return kind(**plain)


def remove(state: State, gone: Sequence[str]) -> State:
    """Without these facts, preferences, events or entities (with all facts of theirs); an entity that nothing names any more goes too.

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
    if any(each.id == name for each in state.entities):
        renamed = tuple(replace(each, name=value) if each.id == name else each for each in state.entities)
        return replace(state, entities=renamed)
    item = state.item(name)
    if isinstance(item, Fact):
        state, tail = with_entity(state, value, state.entity(item.tail).type)
        if tail == item.head:
            raise InputError("A fact needs two different ends.")
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
    wanted = ((each.id == USER) if name == USER else each.name.casefold() == name.casefold() for each in state.entities)
    found = next((each for each, same in zip(state.entities, wanted, strict=True) if same), None)
    if found is None:
        number = USER if name == USER else f"e{state.made + 1}"
        found = Entity(number, "you" if name == USER else name, kind, (mention,) if mention else ())
        return replace(state, made=state.made + 1, entities=(*state.entities, found)), number
    if mention and mention not in found.mentions:
        more = replace(found, mentions=(*found.mentions, mention))
        state = replace(state, entities=tuple(more if each.id == found.id else each for each in state.entities))
    return state, found.id


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
