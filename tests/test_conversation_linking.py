"""Which entity a thing in a message is: by pronoun, by name, by a part of a name; and what is nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.conversation.linking import KEPT, called, focused, resolve
from tasks.conversation.state import State, with_entity
from tasks.conversation.things import FIRST_PERSON, PRONOUNS, type_of
from tasks.conversation.types import ENTITY_TYPES, USER
from tests.telling import HOSTILE, rich, span


def known(*named: tuple[str, str]) -> State:
    """A state with these entities, the last one in focus."""
    state, ids = State(turns=1), list[str]()
    for name, kind in named:
        state, number = with_entity(state, name, kind)
        ids.insert(0, number)
    return focused(state, ids)


def meant(state: State, text: str, words: str, kind: str = "PER") -> str | None:
    """The name of the entity that the words of a text mean."""
    found = resolve(state, text, span(text, words), kind)
    return None if found is None else USER if found == USER else state.entity(found).name


@pytest.mark.parametrize("word", sorted(FIRST_PERSON))
@pytest.mark.parametrize("state", [State(), rich()], ids=["empty", "rich"])
def test_a_first_person_is_the_user(word: str, state: State) -> None:
    assert meant(state, f"{word.capitalize()} said so", word.capitalize()) == USER


@pytest.mark.parametrize("word", sorted(PRONOUNS - FIRST_PERSON))
def test_a_pronoun_means_nobody_where_nobody_is_known(word: str) -> None:
    assert meant(State(), f"so {word} said", word) is None
    assert meant(known(("1990", "TIME"), ("12", "NUM")), f"so {word} said", word) is None


@pytest.mark.parametrize("word", sorted(PRONOUNS - FIRST_PERSON))
@pytest.mark.parametrize("state", [rich(), known(("Agnes", "PER"), ("Oslo", "LOC"))], ids=["rich", "two"])
def test_a_pronoun_never_means_the_user(word: str, state: State) -> None:
    assert meant(state, f"so {word} said", word) != USER


def test_pronouns_mean_who_was_named_last() -> None:
    state = known(("Agnes", "PER"), ("Oslo", "LOC"), ("Jonas", "PER"), ("the choir", "ORG"))
    assert meant(state, "he is there", "he") == "Jonas" and meant(state, "it is there", "it", "MISC") == "the choir"
    agnes = next(each.id for each in state.entities if each.name == "Agnes")
    state = focused(state, [agnes])
    assert meant(state, "she is there", "she") == "Agnes"


def test_who_was_called_she_is_not_he() -> None:
    state = known(("Jonas", "PER"), ("Agnes", "PER"))
    agnes = next(each.id for each in state.entities if each.name == "Agnes")
    state = called(state, agnes, "her")
    assert meant(state, "he left", "he") == "Jonas" and meant(state, "she left", "she") == "Agnes"
    only = called(known(("Agnes", "PER")), "e1", "she")
    assert meant(only, "he left", "he") is None
    assert called(state, USER, "she") == state and called(state, agnes, "Agnes") == state


def test_a_name_means_who_has_it_however_it_is_written() -> None:
    state = known(("Agnes Lind", "PER"), ("Lark Choir", "ORG"), ("Oslo", "LOC"))
    for words, name in (("AGNES LIND", "Agnes Lind"), ("Agnes", "Agnes Lind"), ("Lind", "Agnes Lind"), ("oslo", "Oslo")):
        assert meant(state, f"and {words} was there", words) == name
    assert meant(state, "then the choir sang", "choir", "ORG") == "Lark Choir"
    assert meant(known(("Agnes", "PER")), "Agnes Lind sang", "Agnes Lind") == "Agnes"


@pytest.mark.parametrize(
    ("text", "words", "kind"),
    [("a choir sang", "choir", "ORG"), ("Jonas sang", "Jonas", "PER"), ("Ag sang", "Ag", "PER"), ("in 1990", "1990", "TIME")],
)
def test_others_are_new(text: str, words: str, kind: str) -> None:
    assert meant(known(("Agnes Lind", "PER"), ("Lark Choir", "ORG")), text, words, kind) is None


def test_a_number_is_only_itself() -> None:
    state = known(("12 May 1990", "TIME"), ("Hall 12", "LOC"))
    assert meant(state, "in 1990", "1990", "TIME") is None and meant(state, "the 12 of them", "12", "NUM") is None
    assert meant(state, "on 12 may 1990", "12 may 1990", "TIME") == "12 May 1990"


@pytest.mark.parametrize("words", HOSTILE, ids=ascii)
@pytest.mark.parametrize("kind", ENTITY_TYPES)
def test_any_words_mean_something_or_nothing(words: str, kind: str) -> None:
    text = f"so the {words} said"
    other = known(("Agnes", "PER"), (words[:9], kind))
    for state in (State(), rich(), other):
        assert resolve(state, text, span(text, words), kind) in {None, *(each.id for each in state.entities)}


def test_the_focus_holds_few_and_only_what_is_there() -> None:
    state = known(*((f"Person {number}", "PER") for number in range(2 * KEPT)))
    assert len(state.focus) == KEPT and len(set(state.focus)) == KEPT
    found = focused(state, ["e99", "e3", "e3", "e1"])
    assert found.focus[:2] == ("e3", "e1") and "e99" not in found.focus and len(found.focus) == KEPT
    assert focused(State(), ["e1"]) == State() and focused(replace(rich(), focus=()), []).focus == ()


@pytest.mark.parametrize(
    ("words", "kind"),
    [("she", "PER"), ("my", "PER"), ("it", "MISC"), ("1990", "TIME"), ("7", "NUM"), ("2,000", "NUM"), ("flute", "MISC"), ("Oslo", "MISC")],
)
def test_words_that_no_finder_knows_have_a_type(words: str, kind: str) -> None:
    assert type_of(f"a {words} b", 2, 2 + len(words), ()) == kind
