"""Edges of the conversation: states that others wrote, white space, long texts, words that only look like names."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tasks.conversation.agent import Actor, questions, request
from tasks.conversation.data import Collator
from tasks.conversation.decode import Marked
from tasks.conversation.fitting import fit
from tasks.conversation.forgetting import to_forget
from tasks.conversation.generator import Phraser, grounded
from tasks.conversation.linking import resolve
from tasks.conversation.remembering import remember
from tasks.conversation.scoring import Reading
from tasks.conversation.state import State, remove, revise, with_entity
from tasks.conversation.types import USER, Fact
from tasks.core.encoder import Encoder
from tasks.core.errors import InputError
from tests.telling import Reader, embed, everywhere, ids, rich, row, similar, span, understood
from tests.test_conversation_generator import PLAIN, make_chat

I_LIVE = understood("I live in Oslo.", {"I": "PER", "Oslo": "LOC"}, [("I", "residence", "Oslo")])
I_WORK = understood("I work for Equinor.", {"I": "PER", "Equinor": "ORG"}, [("I", "employer", "Equinor")])


def load(task: str, adapter: str) -> Any:
    return Reader()


def test_the_user_is_told_of_twice() -> None:
    state, _ = remember(State(), I_LIVE)
    state, _ = remember(state.next_turn(), I_WORK)
    assert set(state.triples()) == {("you", "residence", "Oslo"), ("you", "employer", "Equinor")}


def test_a_thing_called_user_is_not_the_user() -> None:
    state, number = with_entity(State(), "user", "MISC")
    assert number != USER and state.entity(number).name == "user"


@pytest.mark.parametrize("value", ["user"])
def test_a_tail_called_user_can_be_given_by_hand(value: str) -> None:
    assert revise(rich(), "f5", value).triples()[1][2] == "user"


def test_a_second_person_is_not_the_user() -> None:
    text = "so you said"
    assert resolve(rich(), text, span(text, "you"), "PER") is None


@pytest.mark.parametrize("text", ["Who is Agnes?  ", "Hi. \n Who?", "Who?\n \nWhere?", "Who? \t"])
def test_white_space_is_no_sentence(text: str) -> None:
    assert questions(text)[0] in ("Who is Agnes?", "Who?")
    request(understood(text))
    Actor(load, embed)(State(), understood(text, kinds=["ask"]), None, None, None)


def test_what_goes_with_an_entity_is_no_longer_recent() -> None:
    found = remove(rich(), ["e1"])  # f5 goes with it
    assert everywhere(found) <= ids(found)
    remove(found, to_forget(found, understood("forget that", kinds=["forget"]), similar))


def test_forgetting_everything_forgets_what_was_wished() -> None:
    state = rich()
    found = remove(state, to_forget(state, understood("forget everything", kinds=["forget"]), similar))
    assert "something calm" not in json.dumps(found.to_dict())


@pytest.mark.parametrize(
    "change",
    [
        {"made": 0},  # then ids are given twice
        {"pending": {"slot": "where"}},
        {"pending": {"slot": "where", "id": "v99"}},
        {"focus": ["e99"]},
        {"recent": ["f99"]},
        {"version": True},
        {"facts": ""},
        {"facts": {}},
    ],
    ids=str,
)
def test_a_state_that_cannot_be_ours_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        State.of(rich().to_dict() | change)


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("preferences", "item_id", ["a"]),
        ("preferences", "item_id", 5),
        ("events", "where", 5),
        ("events", "when", [1]),
        ("facts", "id", ""),
    ],
)
def test_fields_that_should_be_text_are_checked(name: str, field: str, value: Any) -> None:
    data = rich().to_dict()
    data[name][0][field] = value
    with pytest.raises(InputError):
        State.of(data)


@pytest.mark.parametrize(("field", "value"), [("text", [1, 2, 3, 4, 5]), ("turn", 1.5), ("turn", float("nan"))])
def test_sources_are_checked(field: str, value: Any) -> None:
    data = rich().to_dict()
    data["facts"][0]["source"][field] = value
    with pytest.raises(InputError):
        State.of(data)


def test_a_version_that_is_too_deep_is_refused() -> None:
    deep: Any = []
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(InputError):
        State.of(rich().to_dict() | {"version": deep})


@pytest.mark.parametrize("where", ["pending", "called"])
def test_what_maps_holds_texts_only(where: str) -> None:
    with pytest.raises(InputError):
        State.of(rich().to_dict() | {where: {"slot": [1]}})


def test_a_revision_makes_no_two_entities_of_one_name() -> None:
    try:
        found = revise(rich(), "e2", "Agnes")
    except InputError:
        return
    assert len({each.name for each in found.entities}) == len(found.entities)


def test_a_revision_makes_no_fact_twice() -> None:
    twice = replace(rich(), facts=(*rich().facts, Fact("f12", "e1", "residence", "e3", 0.5, None)))
    try:
        found = revise(twice, "f12", "Bergen")
    except InputError:
        return
    assert len(set(found.triples())) == len(found.triples())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("Agnes is 19.", "Agnes was born in 1990."),
        ("Paris is where she lives.", "Agnes lives in Oslo."),
        ("So it is Ann.", "Noted: Annex."),
    ],
)
def test_a_part_of_a_word_is_not_given_nor_a_name_at_the_beginning(words: str, said: str) -> None:
    assert not grounded(words, said)


@pytest.mark.parametrize(
    "wrong", [{"pending": (("slot", "where"),)}, {"pending": (("slot", "where"), ("id", "v99"))}, {"focus": ("e99",)}], ids=str
)
def test_no_state_can_speak_of_what_is_not_there(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="means nothing"):
        replace(rich(), **wrong)


def test_rounding_a_threshold_loses_no_mark() -> None:
    """Marks that are right exactly where the odds are 2: all are found on the rows that the threshold was fitted on."""
    rows = [row("a nurse", ["tell"], {"nurse": number % 2}) for number in range(30)]
    readings = [Reading((3.0, *[-1.0] * 6), (Marked(2, 7, "liked", 2.0 if number % 2 else 0.5),)) for number in range(30)]
    reader: Any = type("Told", (), {"read": lambda self, texts: readings})()
    liked = fit(reader, [rows]).marks["liked"]
    assert liked.score(0.5) < liked.threshold <= liked.score(2.0)


def test_labels_that_do_not_fit_the_encoder_are_cut_in_training_as_in_reading(encoder: Encoder) -> None:
    """The tiny BERT has 64 positions, and its tokenizer spells most words letter by letter."""
    assert Collator(encoder).labels["input_ids"].shape[1] <= 64


def test_a_long_reply_is_not_lost_where_the_generator_cannot_read_it(tmp_path: Any) -> None:
    """With tests/test_conversation_generator.py's tiny model of 1,600 positions: IndexError from generate()."""
    build = make_chat.__wrapped__ if hasattr(make_chat, "__wrapped__") else make_chat._get_wrapped_function()  # type: ignore[attr-defined]
    chat = Phraser(build(type("Factory", (), {"mktemp": lambda self, name: tmp_path})())(PLAIN), device="cpu")
    said = "Noted: " + "Agnes lives in Oslo; " * 400
    assert chat(said) == said
