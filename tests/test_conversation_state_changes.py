"""The dialogue state under a user's hands: removal, corrections, names and their ids, and what a turn changed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.conversation.state import State, diff, remove, revise, with_entity, with_user
from tasks.conversation.types import USER, Entity, Fact, Source
from tasks.core.errors import InputError
from tests.telling import HOSTILE, everywhere, ids, rich

names = st.sampled_from([*HOSTILE[:7], "Agnes", "agnes", "Bergen"]) | st.text(min_size=1, max_size=6)

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
    state = with_user(with_user(State(), Source(0, 0, 1, "I")), Source(1, 0, 2, "my"))
    assert [(each.id, each.name, len(each.mentions)) for each in state.entities] == [(USER, "you", 2)]


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
