"""What the agent does with a message: answers that rest on what was told, suggestions with their reasons, and nothing beside."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tasks.conversation.agent import Actor, questions, request
from tasks.conversation.answering import answer, statements
from tasks.conversation.state import LISTS, State
from tasks.conversation.suggesting import KINDS, foreign, kind_of, knows, link, suggest
from tasks.conversation.types import Act, Extraction, Preference
from tasks.recommendation.types import Item
from tests.recommending import Recommender
from tests.telling import HOSTILE, Reader, embed, ids, rich, understood

ITEMS = [
    Item("a1", "Calm Harbour", ("Ines Duarte",), 1999, ("album", "calm", "music"), "a record to listen to, a song of the band"),
    Item("a2", "Loud Harbour", ("Jonas Brandt",), 2001, ("album", "loud", "music"), "a record to listen to, a song of the band"),
    Item("a3", "Dune", (), 1990, ("album", "calm", "music"), "an album of a band, music to listen to"),
    Item("a4", "Opera", (), 1990, ("album", "loud", "music"), "an album of a band, music to listen to"),
]


class Catalogue(Recommender):
    """The stand-in, which also leaves out what it is told to."""

    def open(self, rated: Sequence[tuple[str, float]], options: dict[str, Any]) -> Iterator[int]:
        return (each for each in super().open(rated, options) if self.catalogue.items[each].item_id not in options.get("exclude", ()))


@pytest.fixture
def catalogue() -> Recommender:
    """A catalogue of four albums."""
    return Catalogue(ITEMS)


class Others:
    """The other tasks' pipelines, as stand-ins; what was asked for is kept."""

    def __init__(self, catalogue: Recommender) -> None:
        self.reader, self.loaded = Reader(), list[str]()
        self.made = {"question-answering": self.reader, "recommendation": catalogue}

    def __call__(self, task: str, adapter: str) -> Any:
        self.loaded.append(task)
        return self.made[task]


@pytest.fixture
def others(catalogue: Recommender) -> Others:
    return Others(catalogue)


def act(others: Others, state: State, said: Extraction, **given: Any) -> tuple[State, list[Act]]:
    """What the agent does; whatever it is, it says something, and the state can be given back."""
    options = {"documents": None, "catalogue": None, "proposal": None} | given
    found, acts = Actor(others, embed)(state, said, **options)
    assert acts and all(each.text for each in acts)
    assert State.of(json.loads(json.dumps(found.to_dict()))) == found
    json.dumps([each.to_dict() for each in acts])
    return found, acts


def liking(*pairs: tuple[str, int]) -> State:
    tastes = [Preference(f"p{number}", target, sign, 0.8, None, None) for number, (target, sign) in enumerate(pairs, 1)]
    return State(turns=1, made=len(pairs), preferences=tuple(tastes))


# Answers


def test_an_answer_rests_on_what_says_so() -> None:
    reader = Reader()
    found = answer(rich(), "In which town does Agnes live? She lives in", None, reader)
    assert found is not None and (found.answer, found.ids, found.evidence) == ("Bergen", ("f5",), None)
    assert "Bergen" in found.sentence and 0 <= found.score <= 1
    assert all(each["documents"] is None for each in reader.asked)


@pytest.mark.parametrize("question", ["What do you know about me?", "What have I told you?", "What do you remember?"])
def test_all_that_was_told_is_told_again(question: str) -> None:
    found = answer(rich(), question, None, Reader())
    assert found is not None and set(found.ids) <= ids(rich()) and {"f4", "f5", "f6", "p7", "p8", "v10"} <= set(found.ids)
    assert all(name in found.sentence for name in ("Agnes", "Bergen", "Dune", "opera"))


def test_tastes_are_told_by_their_sign() -> None:
    liked, disliked = (answer(rich(), question, None, Reader()) for question in ("What do I like?", "What do I hate?"))
    assert liked is not None and "Dune" in liked.sentence and "opera" not in liked.sentence
    assert disliked is not None and "opera" in disliked.sentence and "Dune" not in disliked.sentence


@pytest.mark.parametrize("question", ["Who?", "What do I like?", "What have I told you?", *HOSTILE], ids=ascii)
def test_where_nothing_was_told_there_is_no_answer(question: str) -> None:
    reader = Reader()
    assert answer(State(), question, None, reader) is None and reader.asked == []


def test_what_the_reader_does_not_find_is_no_answer() -> None:
    assert answer(rich(), "zzz?", None, Reader()) is None


@pytest.mark.parametrize("words", HOSTILE, ids=ascii)
def test_statements_say_any_words_as_they_are(words: str) -> None:
    state = liking((words, 1))
    assert any(words in each.text for each in statements(state))
    for question in (f"Do I like {words}?", words, "What do I like?"):
        found = answer(state, question, None, Reader())
        assert found is None or set(found.ids) == {"p1"}


def test_a_question_stores_nothing(others: Others) -> None:
    said = understood("Does Bo live in Paris?", {"Bo": "PER", "Paris": "LOC"}, kinds=["ask"])
    for state in (State(), rich()):
        found, acts = act(others, state, said)
        assert all(getattr(found, name) == getattr(state, name) for name in LISTS)
        assert {each.kind for each in acts} <= {"answered", "unknown"}
        assert all(set(each.rests_on) <= ids(found) for each in acts)
    assert [each.kind for each in act(others, State(), said)[1]] == ["unknown"]


def test_few_questions_are_answered_of_many() -> None:
    assert questions("Hello. Who? What! Where is it?") == ["Who?", "Where is it?"]
    assert questions("tell me") == ["tell me"] and len(questions("a? " * 600)) == 3
    assert all(questions(each) for each in (*HOSTILE, "?", "??\n?"))


# Suggestions


def test_what_is_known_of_the_catalogue_is_linked(catalogue: Recommender) -> None:
    state = link(liking(("dune", 1), ("Opera", -1), ("chess", 1)), catalogue)
    assert [each.item_id for each in state.preferences] == ["a3", "a4", None]
    assert link(state, catalogue) == state
    side = Preference("p9", "Dune", 1, 0.8, None, None, "proposal")
    assert link(replace(State(), preferences=(side,)), catalogue).preferences == (side,)
    for words in HOSTILE:
        assert knows(catalogue, liking((words, 1)).preferences[0]) is None


def test_suggestions_are_of_the_catalogue_and_new(catalogue: Recommender) -> None:
    state = link(liking(("Dune", 1), ("Opera", -1), ("harbours", 1)), catalogue)
    found = suggest(replace(state, wish=("something calm",), shown=("a2", "gone")), catalogue)
    (asked,) = catalogue.asked
    assert "a3" in asked["history"] and any(each[0] == "a4" for each in asked["history"] if not isinstance(each, str))
    assert "something calm" in asked["query"] and "harbours" in asked["query"] and list(asked["exclude"]) == ["a2"]
    assert found and {each["item_id"] for each in found} <= {"a1", "a2"}
    assert all(set(each) == {"item_id", "title", "by", "score", "because"} for each in found)
    json.dumps(found)


def test_a_catalogue_is_of_a_kind_and_a_request_may_be_for_another(catalogue: Recommender) -> None:
    assert kind_of(catalogue, embed) == "music"
    assert foreign(KINDS["music"], "music", embed) is None and foreign(KINDS["books"], "music", embed) == "books"
    assert kind_of(Recommender([Item("b", "?", (), None, ())]), embed) in KINDS


def test_a_request_is_answered_from_the_catalogue(others: Others) -> None:
    said = understood("Recommend a calm album.", kinds=["recommend"])
    state, acts = act(others, liking(("Dune", 1)), said)
    (made,) = [each for each in acts if each.kind == "recommended"]
    assert made.items and all(each["title"] in made.text for each in made.items) and set(made.rests_on) <= ids(state)
    assert set(state.shown) >= {each["item_id"] for each in made.items} and state.wish
    again, acts = act(others, state, understood("more calm, please", kinds=["refine"]))
    assert not set(state.shown) & {each["item_id"] for made in acts for each in made.items}
    assert {each.target for each in again.preferences} == {"Dune"}


def test_an_own_catalogue_takes_the_place_of_the_shipped_one(others: Others) -> None:
    own = Catalogue(ITEMS[:1])
    _, acts = act(others, State(), understood("Recommend a calm album to listen to.", kinds=["recommend"]), catalogue=own)
    assert own.asked and others.loaded == [] and {each["item_id"] for made in acts for each in made.items} <= {"a1"}


def test_a_request_leaves_out_what_it_states() -> None:
    said = understood("I love Dune. What else is calm?", {"Dune": "MISC"}, tastes={"Dune": 1}, kinds=["tell", "recommend"])
    assert request(said) == "What else is calm?"


# Acts


@pytest.mark.parametrize("state", [State(), rich()], ids=["empty", "rich"])
@pytest.mark.parametrize("kinds", [["tell"], ["ask"], ["recommend"], ["refine"], ["correct"], ["forget"], ["greet"]], ids=str)
@pytest.mark.parametrize("text", ["?", *HOSTILE], ids=ascii)
def test_any_message_gets_a_reply(text: str, kinds: Sequence[str], state: State, others: Others) -> None:
    act(others, state, understood(text, {text: "MISC"}, tastes={text: 1}, kinds=kinds))
    act(others, state, understood(text, kinds=[*kinds, "greet"]))


def test_a_greeting_changes_nothing(others: Others) -> None:
    state, acts = act(others, rich(), understood("hello", kinds=["greet"]))
    assert state == rich() and [each.kind for each in acts] == ["greeted"] and others.loaded == []


def test_illness_is_noticed_once(others: Others) -> None:
    said = understood("Bo has asthma.", {"Bo": "PER", "asthma": "MISC"}, [("Bo", "medical condition", "asthma")])
    state, acts = act(others, State(), said)
    assert [each.kind for each in acts] == ["noted", "notice"]
    more = understood("Bo has gout.", {"Bo": "PER", "gout": "MISC"}, [("Bo", "medical condition", "gout")])
    _, acts = act(others, state, more)
    assert "notice" not in [each.kind for each in acts]


def test_the_place_that_was_asked_for_is_filled_in(others: Others) -> None:
    state, acts = act(others, State(), understood("It flooded!", events=[("flood", "flooded", None, None)]))
    assert [each.kind for each in acts] == ["noted", "asked"] and dict(state.pending)["id"] == state.events[0].id
    state, acts = act(others, state.next_turn(), understood("In Bergen.", {"Bergen": "LOC"}))
    assert [(each.type, each.where) for each in state.events] == [("flood", "Bergen")] and not state.pending
    assert [each.kind for each in acts] == ["noted"]
