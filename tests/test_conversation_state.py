"""The dialogue state: what comes back is what was given, what is no state is refused, and what a user does to it by hand."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.conversation.state import LISTS, MAX_ITEMS, MAX_TEXT, State, diff, remove, revise, with_entity
from tasks.conversation.types import USER, Entity, Fact, Source
from tasks.core.errors import InputError
from tests.telling import HOSTILE, rich

JUNK: list[Any] = [None, True, -1, 1.5, float("nan"), 10**30, "", "\ud83d", b"x", [], {}, [[]], [None], {"a": 1}, {1, 2}, object()]
names = st.sampled_from([*HOSTILE[:8], "Agnes", "agnes", "Bergen", "Lark Choir", "x"]) | st.text(min_size=1, max_size=6)
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


def everywhere(state: State) -> set[str]:
    """All ids that a state speaks of outside its lists."""
    pending = dict(state.pending)
    return {*state.recent, *state.focus, *dict(state.called), *([pending["id"]] if "id" in pending else [])}


def ids(state: State) -> set[str]:
    return {each.id for name in LISTS for each in getattr(state, name)}


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
        state = replace(state, facts=tuple(made))
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


# Removal


def test_a_fact_goes_with_the_ends_that_nothing_else_holds() -> None:
    found = remove(rich(), ["f5"])
    assert [each.id for each in found.facts] == ["f4", "f6"] and {each.id for each in found.entities} == {"user", "e1", "e3"}
    assert found.recent == ("v10",) and found.focus == ("e1",)
    assert (found.preferences, found.events, found.wish) == (rich().preferences, rich().events, rich().wish)


def test_an_entity_goes_with_all_its_facts() -> None:
    found = remove(rich(), ["e1"])
    assert found.facts == () and found.entities == () and found.focus == () and found.called == ()
    assert found.preferences == rich().preferences and found.events == rich().events


def test_what_was_asked_goes_with_what_it_was_about() -> None:
    assert remove(rich(), ["v11"]).pending == () and remove(rich(), ["v10"]).pending == rich().pending
    assert remove(rich(), ["v10"]).recent == ("f5",)


def test_entities_that_stand_alone_stay_when_others_go() -> None:
    state = replace(rich(), entities=(*rich().entities, Entity("e12", "Tromsø", "LOC", ())))
    assert "e12" in {each.id for each in remove(state, ["f5"]).entities}


@pytest.mark.parametrize("gone", [["f99"], ["f4", "f99"], [""], ["Agnes"]], ids=str)
def test_what_is_not_there_cannot_be_removed(gone: list[str]) -> None:
    with pytest.raises(InputError, match="may be gone already"):
        remove(rich(), gone)


@settings(max_examples=60)
@given(st.lists(st.sampled_from(sorted(ids(rich()))), unique=True))
def test_nothing_speaks_of_what_is_gone(gone: list[str]) -> None:
    found = remove(rich(), gone)
    assert not ids(found) & set(gone) and everywhere(replace(found, recent=())) <= ids(found)
    assert State.of(json.loads(json.dumps(found.to_dict()))) == found
    kept = {each.id for each in rich().preferences + rich().events} - set(gone)
    assert kept == {each.id for each in found.preferences + found.events}
    assert found.facts == tuple(each for each in rich().facts if not {each.id, each.head, each.tail} & set(gone))


def test_without_anything_to_remove_all_stays() -> None:
    assert remove(rich(), []) == rich()


# Corrections by hand


def test_a_fact_gets_another_tail_and_is_sure_then() -> None:
    found = revise(rich(), "f5", "  Oslo \n")
    assert ("Agnes", "residence", "Oslo") in found.triples() and len(found.facts) == 3
    fact = found.item("f5")
    assert isinstance(fact, Fact) and fact.source is None and fact.score == 1
    assert found.entity(fact.tail).type == "LOC"


def test_a_tail_may_be_somebody_who_is_known() -> None:
    found = revise(rich(), "f6", "bergen")
    assert ("Agnes", "member of", "Bergen") in found.triples() and len([each for each in found.entities if each.name == "Bergen"]) == 1


@pytest.mark.parametrize(
    ("value", "sign", "target", "item"),
    [("like", 1, "Dune", "item-1"), ("Dislike", -1, "Dune", "item-1"), ("Solaris", 1, "Solaris", None), ("likes", 1, "likes", None)],
)
def test_a_taste_gets_another_sign_or_target(value: str, sign: int, target: str, item: str | None) -> None:
    each = revise(rich(), "p7", value).preferences[0]
    assert (each.id, each.sign, each.target, each.item_id, each.source, each.strength) == ("p7", sign, target, item, None, 1.0)


def test_an_event_gets_another_type_and_an_entity_another_name() -> None:
    event = revise(rich(), "v10", "storm").events[0]
    assert (event.id, event.type, event.trigger, event.where, event.source) == ("v10", "storm", "flooded", "Bergen", None)
    found = revise(rich(), "e1", "Agnes Lind")
    assert found.triples()[0] == ("you", "sibling", "Agnes Lind") and found.entity("e1").mentions == rich().entity("e1").mentions


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("f5", "", "up to 200 characters"),
        ("f5", " \n\t", "up to 200 characters"),
        ("f5", "x" * 201, "up to 200 characters"),
        ("f5", None, "up to 200 characters"),
        ("f5", 5, "up to 200 characters"),
        ("f5", "agnes", "two different ends"),
        ("f99", "Oslo", "may be gone already"),
        ("", "Oslo", "may be gone already"),
    ],
)
def test_a_correction_that_is_none_is_refused(name: str, value: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        revise(rich(), name, value)


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("name", ["f5", "f6", "p7", "v10", "e1"])
def test_any_words_can_stand_in_a_correction(name: str, value: str) -> None:
    found = revise(rich(), name, value)
    assert State.of(json.loads(json.dumps(found.to_dict()))) == found and everywhere(found) <= ids(found)


# Entities and their ids


def test_an_entity_is_found_by_its_name_however_it_is_written() -> None:
    state, first = with_entity(State(), "Agnes", "PER", Source(0, 0, 5, "Agnes"))
    state, again = with_entity(state, "AGNES", "MISC", Source(1, 3, 8, "AGNES"))
    state, same = with_entity(state, "Agnes", "PER", Source(1, 3, 8, "AGNES"))
    assert first == again == same and [each.turn for each in state.entity(first).mentions] == [0, 1]
    state, other = with_entity(state, "Agneta", "PER")
    assert other != first and len(state.entities) == 2


def test_the_user_is_one_entity_with_an_id_of_its_own() -> None:
    state, number = with_entity(State(), USER, "PER", Source(0, 0, 1, "I"))
    assert number == USER and state.entity(USER).name == "you"


@settings(max_examples=80)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20), names), max_size=14))
def test_an_id_is_never_given_twice(steps: list[tuple[bool, int, str]]) -> None:
    state, owners = State(), dict[str, str]()
    for adds, number, name in steps:
        known = sorted(ids(state))
        if adds or not known:
            before = ids(state)
            state, found = with_entity(state, name, "MISC")
            if found not in before:
                assert found not in owners, "an id of what is gone stands for something else"
                owners[found] = name
        else:
            state = remove(state, [known[number % len(known)]])


# What a turn changed


def test_a_difference_names_what_is_new_gone_and_other() -> None:
    after = revise(remove(rich(), ["f4", "v11"]), "p7", "dislike")
    after = replace(after, facts=(*after.facts, Fact("f21", "e1", "friend", "e3", 0.5, None)))
    found = json.loads(json.dumps(diff(rich(), after)))
    assert [(each["list"], each["id"]) for each in found["added"]] == [("facts", "f21")]
    assert {(each["list"], each["id"]) for each in found["removed"]} == {("facts", "f4"), ("events", "v11")}
    assert [(each["list"], each["id"], each["sign"]) for each in found["changed"]] == [("preferences", "p7", -1)]
    assert diff(rich(), rich()) == {"added": [], "removed": [], "changed": []}
    back = diff(after, rich())
    assert {each["id"] for each in back["added"]} == {"f4", "v11"} and [each["id"] for each in back["removed"]] == ["f21"]
    assert [each["sign"] for each in back["changed"]] == [1]


def test_a_turn_counts_and_changes_nothing_else() -> None:
    assert rich().next_turn() == replace(rich(), turns=4)
    assert rich().item("f4") == rich().facts[0] and rich().item("e1") is None and len(rich().items) == 8
