"""What stays of what is said: told once, corrected, forgotten; over messages understood by hand, whatever words the agent finds."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from tasks.conversation.correcting import mend
from tasks.conversation.forgetting import describe, items_of, to_forget
from tasks.conversation.linking import resolve
from tasks.conversation.remembering import Changes, remember, take_side
from tasks.conversation.replies import forgotten, noted
from tasks.conversation.state import LISTS, State, remove
from tasks.conversation.things import PRONOUNS
from tasks.conversation.types import Extraction
from tests.telling import HOSTILE, everywhere, ids, rich, similar, span, understood

HOME = understood("Agnes lives in Oslo.", {"Agnes": "PER", "Oslo": "LOC"}, [("Agnes", "residence", "Oslo")])
WORK = understood("Agnes works for Equinor.", {"Agnes": "PER", "Equinor": "ORG"}, [("Agnes", "employer", "Equinor")])
OTHER = understood("Jonas lives in Bergen.", {"Jonas": "PER", "Bergen": "LOC"}, [("Jonas", "residence", "Bergen")])
MINE = understood("I live in Oslo.", {"I": "PER", "Oslo": "LOC"}, [("I", "residence", "Oslo")])
TASTE = understood("I love Dune and hate opera.", {"Dune": "MISC", "opera": "MISC"}, tastes={"Dune": 1, "opera": -1})
FLOOD = understood("Bergen flooded last night.", {"Bergen": "LOC"}, events=[("flood", "flooded", "Bergen", "last night")])
ALL = [HOME, WORK, OTHER, TASTE, FLOOD]


def told(*messages: Extraction) -> State:
    """The state after these messages."""
    state = State()
    for each in messages:
        state, changes = remember(state, each, "correct" in each.kinds)
        assert State.of(json.loads(json.dumps(state.to_dict()))) == state and everywhere(state) <= ids(state)
        assert set(changes.all) <= {item.id for item in state.items} and set(changes.all) <= set(state.recent)
        if changes.all:
            assert noted(state, changes)
        state = state.next_turn()
    return state


def tastes(state: State) -> set[tuple[str, int]]:
    return {(each.target, each.sign) for each in state.preferences}


def forget(state: State, text: str, things: dict[str, str] | None = None) -> State:
    """The state after a message that wants something forgotten."""
    gone = to_forget(state, understood(text, things, kinds=["forget"]), similar)
    assert set(gone) <= ids(state)
    assert forgotten(state, items_of(state, gone))
    found = remove(state, gone)
    assert State.of(found.to_dict()) == found
    return found


# Told


def test_what_is_told_is_stored_with_its_place() -> None:
    state = told(*ALL)
    assert set(state.triples()) == {("Agnes", "residence", "Oslo"), ("Agnes", "employer", "Equinor"), ("Jonas", "residence", "Bergen")}
    assert tastes(state) == {("Dune", 1), ("opera", -1)}
    assert [(each.type, each.trigger, each.where, each.when) for each in state.events] == [("flood", "flooded", "Bergen", "last night")]
    sources = [each.source for each in state.items] + [each for entity in state.entities for each in entity.mentions]
    for source in sources:
        assert source is not None and ALL[source.turn].text[source.start : source.end] == source.text
    assert {source.turn for source in sources if source} == set(range(len(ALL)))


@pytest.mark.parametrize("message", [*ALL, MINE], ids=lambda each: each.text)
def test_nothing_is_stored_that_was_not_understood(message: Extraction) -> None:
    """A question has things in it, and states nothing."""
    asking = Extraction(message.text, {"ask": 0.9}, message.things)
    state, changes = remember(State(), asking)
    assert not state.items and not changes.all
    state, changes = remember(State(), Extraction(message.text, {"greet": 0.9}))
    assert state == State() and not changes.all


@pytest.mark.parametrize("message", ALL, ids=lambda each: each.text)
def test_the_same_thing_said_twice_is_stored_once(message: Extraction) -> None:
    once, twice = told(message), told(message, message)
    assert len(once.items) == len(twice.items) and len(once.entities) == len(twice.entities)
    assert [each.id for each in once.items] == [each.id for each in twice.items]


def test_a_relation_that_holds_both_ways_is_stored_once() -> None:
    one = understood("Agnes is married to Jonas.", {"Agnes": "PER", "Jonas": "PER"}, [("Agnes", "spouse", "Jonas")])
    other = understood("Jonas is married to Agnes.", {"Agnes": "PER", "Jonas": "PER"}, [("Jonas", "spouse", "Agnes")])
    assert len(told(one, other).facts) == 1


def test_a_relation_with_one_value_keeps_the_last_one() -> None:
    moved = understood("Agnes lives in Bergen now.", {"Agnes": "PER", "Bergen": "LOC"}, [("Agnes", "residence", "Bergen")])
    state = told(HOME, WORK, moved)
    assert set(state.triples()) == {("Agnes", "residence", "Bergen"), ("Agnes", "employer", "Equinor")}
    assert "Oslo" not in {each.name for each in state.entities}
    _, changes = remember(told(HOME), moved)
    assert len(changes.replaced) == 1 and "Oslo" in changes.replaced[0][1] and not changes.added
    both = told(HOME, understood("Agnes and Bo.", {"Agnes": "PER", "Bo": "PER"}, [("Agnes", "friend", "Bo")]))
    assert len(both.facts) == 2


def test_a_relation_with_many_values_keeps_them() -> None:
    more = understood("Agnes works for Statoil too.", {"Agnes": "PER", "Statoil": "ORG"}, [("Agnes", "employer", "Statoil")])
    assert len(told(WORK, more).facts) == 2


def test_the_last_word_on_a_taste_holds() -> None:
    state = told(TASTE, understood("I hate dune.", {"dune": "MISC"}, tastes={"dune": -1}))
    assert {(target.casefold(), sign) for target, sign in tastes(state)} == {("dune", -1), ("opera", -1)}


@pytest.mark.parametrize("word", sorted(PRONOUNS))
def test_no_pronoun_becomes_a_name(word: str) -> None:
    text = f"{word} met Bo, whom {word} knows."
    message = understood(text, {word: "PER", "Bo": "PER"}, [(word, "friend", "Bo")])
    for state in (State(), told(HOME)):
        found, _ = remember(state, message)
        assert not {each.name.lower() for each in found.entities} & PRONOUNS
        assert not [fact for fact in found.facts if fact.head == fact.tail]


def test_a_pronoun_means_who_was_told_of() -> None:
    state = told(HOME, understood("She works for Equinor.", {"She": "PER", "Equinor": "ORG"}, [("She", "employer", "Equinor")]))
    assert ("Agnes", "employer", "Equinor") in state.triples()


def test_a_side_is_taken_once_and_where_it_is_sure() -> None:
    def side(label: str, score: float, state: State) -> State:
        message = understood("Yes, do.", stance={"label": label, "score": score})
        return take_side(state, message, "We should plant trees", 0.6)[0]

    state = side("favor", 0.9, State())
    assert [(each.sign, each.about, each.target) for each in state.preferences] == [(1, "proposal", "We should plant trees")]
    assert [each.sign for each in side("against", 0.8, state).preferences] == [-1]
    assert side("neutral", 0.9, state) == state and side("against", 0.5, state) == state
    assert take_side(state, HOME, "We should plant trees", 0.6) == (state, None)


# Corrected


def corrected(state: State, message: Extraction) -> tuple[State, Changes]:
    """The state after a correction, as the agent makes it."""
    found, changes = remember(state, message, correcting=True)
    return (found, changes) if changes.all else mend(found, message)


@pytest.mark.parametrize(
    "message",
    [
        understood("No, Agnes works for Statoil.", {"Agnes": "PER", "Statoil": "ORG"}, [("Agnes", "employer", "Statoil")]),
        understood("No, not Equinor, Statoil!", {"Equinor": "ORG", "Statoil": "ORG"}),
        understood("sorry, I meant Statoil", {"Statoil": "ORG"}),
    ],
    ids=lambda each: each.text,
)
def test_a_correction_replaces(message: Extraction) -> None:
    state, changes = corrected(told(OTHER, WORK), message)
    assert set(state.triples()) == {("Jonas", "residence", "Bergen"), ("Agnes", "employer", "Statoil")}
    assert len(changes.replaced) == 1 and "Equinor" in changes.replaced[0][1]
    assert "Equinor" not in {each.name for each in state.entities}
    assert State.of(state.to_dict()) == state and everywhere(state) <= ids(state)


def test_a_correction_of_nothing_changes_nothing() -> None:
    message = understood("No, I meant Statoil.", {"Statoil": "ORG"}, kinds=["correct"])
    for state in (State(), told(TASTE, FLOOD)):
        found, changes = mend(state, message)
        if not changes.all:
            assert found == state
    assert mend(State(), understood("no no no", kinds=["correct"])) == (State(), Changes())


def test_a_taste_and_a_place_are_corrected_by_their_names() -> None:
    state, changes = corrected(told(TASTE), understood("Not Dune, Solaris!", {"Dune": "MISC", "Solaris": "MISC"}))
    assert tastes(state) == {("Solaris", 1), ("opera", -1)} and len(changes.replaced) == 1
    state, _ = corrected(told(FLOOD), understood("not Bergen, Oslo", {"Bergen": "LOC", "Oslo": "LOC"}))
    assert [(each.type, each.where) for each in state.events] == [("flood", "Oslo")]


# Forgotten


@pytest.mark.parametrize("text", ["Forget everything.", "please delete all of it", "Erase everything I told you!", "Let's start over."])
@pytest.mark.parametrize("state", [told(*ALL), rich(), State()], ids=["told", "rich", "empty"])
def test_forgetting_everything_leaves_nothing(text: str, state: State) -> None:
    found = forget(state, text)
    assert not any(getattr(found, name) for name in LISTS) and not found.focus and not found.called and not found.pending
    assert (found.turns, found.made) == (state.turns, state.made)


@pytest.mark.parametrize(
    ("text", "things"),
    [("Forget Agnes.", {"Agnes": "PER"}), ("Forget everything about Agnes.", {"Agnes": "PER"}), ("please delete agnes", None)],
)
def test_forgetting_somebody_leaves_the_others(text: str, things: dict[str, str] | None) -> None:
    found = forget(told(*ALL), text, things)
    assert found.triples() == [("Jonas", "residence", "Bergen")]
    assert {each.name for each in found.entities} >= {"Jonas", "Bergen"} and "Agnes" not in json.dumps(found.to_dict())
    assert tastes(found) == {("Dune", 1), ("opera", -1)} and len(found.events) == 1


@pytest.mark.parametrize(("text", "kept"), [("Forget where Agnes lives.", "employer"), ("Forget Agnes' employer.", "residence")])
def test_forgetting_one_thing_of_somebody_leaves_the_rest(text: str, kept: str) -> None:
    found = forget(told(*ALL), text, {"Agnes": "PER"})
    assert {(head, kind) for head, kind, _ in found.triples()} == {("Agnes", kept), ("Jonas", "residence")}


def test_forgetting_a_taste_leaves_the_others() -> None:
    found = forget(told(*ALL), "Forget that I like Dune.", {"Dune": "MISC"})
    assert tastes(found) == {("opera", -1)} and len(found.facts) == 3 and len(found.events) == 1


def test_forgetting_that_is_what_was_told_last() -> None:
    found = forget(told(*ALL, understood("Bo owns Rex.", {"Bo": "PER", "Rex": "MISC"}, [("Bo", "has pet", "Rex")])), "Forget that.")
    assert len(found.facts) == 3 and not {"Bo", "Rex"} & {each.name for each in found.entities}
    assert tastes(found) == {("Dune", 1), ("opera", -1)} and len(found.events) == 1


@pytest.mark.parametrize("text", ["Forget the submarine.", "forget it", "forget both", "Forget where he lives", "forget"])
def test_where_nothing_is_known_nothing_is_forgotten(text: str) -> None:
    assert to_forget(State(), understood(text), similar) == ()


def test_what_was_never_told_is_not_forgotten() -> None:
    assert forget(told(*ALL), "Forget my submarine.") == told(*ALL)


# Hostile words


@pytest.mark.parametrize("words", HOSTILE, ids=ascii)
def test_any_words_are_kept_and_forgotten_as_they_are(words: str) -> None:
    text = f"Bo of {words} fell"
    things = {"Bo": "PER", words: "MISC"}
    message = understood(text, things, [("Bo", "part of", words)], {words: 1}, [("accident", "fell", words, None)])
    state = told(HOME, message)
    assert (words in {each.target for each in state.preferences}) and len(state.items) == 4
    assert all(words in describe(state, each) for each in state.items[1:])
    for other in (f"no, not {words}, {words}", f"I meant {words}"):
        corrected(state, understood(other, {words: "MISC"}))
    gone = to_forget(state, understood(f"forget {words}", {words: "MISC"}), similar)
    assert set(gone) <= ids(state)
    empty: Sequence[str] = to_forget(State(), understood(f"forget {words}", {words: "MISC"}), similar)
    assert tuple(empty) == () and resolve(State(), text, span(text, words), "MISC") is None
