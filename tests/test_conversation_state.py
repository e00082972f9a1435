"""The dialogue state: what comes back is what was given, and what is no state is refused."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.conversation.state import LISTS, MAX_ITEMS, MAX_TEXT, State, remove, revise, with_entity
from tasks.conversation.types import Fact, Source
from tasks.core.errors import InputError
from tests.telling import HOSTILE, rich

JUNK: list[Any] = [None, True, -1, 1.5, float("nan"), 10**30, "", "\ud83d", b"x", [], {}, [[]], [None], {"a": 1}, {1, 2}, object()]
names = st.sampled_from([*HOSTILE[:7], "Agnes", "agnes"]) | st.text(min_size=1, max_size=6)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda each: st.lists(each) | st.dictionaries(st.text(max_size=8), each),
    max_leaves=8,
)


def told_to() -> dict[str, Any]:
    """What a turn gives of the rich state, as another program gives it back."""
    data: dict[str, Any] = json.loads(json.dumps(rich().to_dict()))
    return data


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside plain data."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*path, key)
        yield from places(each, (*path, key))


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The rich state with another value at one place."""
    data = told_to()
    where: Any = data
    for key in path[:-1]:
        where = where[key]
    where[path[-1]] = value
    return data


# There and back


def test_a_state_comes_back_through_json_as_it_was() -> None:
    assert State.of(told_to()) == rich()
    assert State.of(told_to()).to_dict() == rich().to_dict() == told_to()
    assert State.of(None) == State() == State.of(json.loads(json.dumps(State().to_dict())))


def test_what_is_given_is_not_changed_or_shared() -> None:
    data = told_to()
    kept = copy.deepcopy(data)
    state = State.of(data)
    revise(remove(state, ["f4"]), "f5", "Oslo")
    state.to_dict()["facts"][0]["type"] = "friend"
    assert data == kept and state == rich()
    data["entities"][1]["name"] = "Zoë"
    data["recent"].append("f6")
    assert state == rich()


@settings(max_examples=30)
@given(st.lists(st.tuples(names, st.sampled_from(["PER", "LOC", "MISC"])), max_size=5))
def test_any_names_come_back(pairs: list[tuple[str, str]]) -> None:
    state, known = State(turns=1), []
    for name, kind in pairs:
        state, number = with_entity(state, name, kind, Source(0, 0, len(name), name))
        known.append(number)
    if len(set(known)) > 1:
        made = [Fact(f"f{number}", known[0], "friend", other, 0.5, None) for number, other in enumerate(known) if other != known[0]]
        state = replace(state, made=99, facts=tuple(made))
    assert State.of(json.loads(json.dumps(state.to_dict()))) == state


# What is no state


@pytest.mark.parametrize("path", sorted(places(told_to()), key=str), ids=str)
def test_no_damage_raises_anything_but_an_input_error(path: tuple[Any, ...]) -> None:
    for junk in JUNK:
        try:
            State.of(changed(path, junk))
        except InputError as error:
            assert len(str(error)) < 400 and "\n" not in str(error).strip()


@settings(max_examples=60)
@given(plain)
def test_what_is_something_else_is_refused(data: Any) -> None:
    if data is not None:
        with pytest.raises(InputError, match="no state of a conversation"):
            State.of(data)


@settings(max_examples=60)
@given(st.sampled_from(sorted(told_to())), plain)
def test_other_data_in_a_field_are_read_or_refused(name: str, data: Any) -> None:
    try:
        found = State.of(told_to() | {name: data})
    except InputError:
        return
    assert all(isinstance(getattr(found, each), tuple) for each in LISTS)


@pytest.mark.parametrize("name", sorted(told_to()))
def test_a_state_without_one_of_its_fields_is_refused(name: str) -> None:
    data = told_to()
    del data[name]
    with pytest.raises(InputError, match="give what a turn returned, unchanged"):
        State.of(data)


def deep(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 2},
        {"version": "1"},
        {"colour": "red"},
        {"turns": -1},
        {"turns": "3"},
        {"turns": True},
        {"made": 2.0},
        {"wish": "a request"},
        {"wish": [1]},
        {"wish": ["x" * (MAX_TEXT + 1)]},
        {"shown": ["x"] * (MAX_ITEMS + 1)},
        {"focus": deep(20)},
        {"focus": deep(5_000)},
        {"called": [["e1", "she"]]},
        {"called": {str(number): "she" for number in range(MAX_ITEMS + 1)}},
        {"pending": None},
        {"facts": [None]},
        {"facts": ["f4"]},
    ],
    ids=lambda wrong: "-".join(wrong),
)
def test_a_damaged_or_too_large_state_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="no state of a conversation"):
        State.of(told_to() | wrong)


def test_a_state_that_holds_itself_is_refused() -> None:
    data = told_to()
    data["wish"] = data
    with pytest.raises(InputError, match="too deep"):
        State.of(data)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("entities", 0, "type"), "PERSON"),
        (("entities", 1, "id"), "e2"),
        (("entities", 1, "name"), ""),
        (("entities", 1, "colour"), "red"),
        (("entities", 1, "mentions", 0, "end"), 99),
        (("entities", 1, "mentions", 0, "turn"), -1),
        (("facts", 0, "head"), "e99"),
        (("facts", 0, "tail"), "user"),
        (("facts", 0, "id"), "e1"),
        (("facts", 0, "id"), ["f4"]),
        (("facts", 0, "score"), 1.5),
        (("facts", 0, "score"), float("nan")),
        (("facts", 0, "type"), ""),
        (("preferences", 0, "sign"), 2),
        (("preferences", 0, "strength"), "0.9"),
        (("preferences", 0, "about"), "weather"),
        (("events", 0, "trigger"), ""),
        (("events", 0, "source", "text"), "longer than it was"),
    ],
    ids=str,
)
def test_a_record_that_is_wrong_is_refused(path: tuple[Any, ...], value: Any) -> None:
    with pytest.raises(InputError, match="no state of a conversation"):
        State.of(changed(path, value))
