"""A visitor's conversation, over a stand-in agent: turns, errors, what is done by hand, and saved states."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from apps import components, conversation
from apps import conversation_talk as talking
from apps.conversation_talk import Talk
from apps.conversation_view import View, build_view, offers
from apps.recommendation_own import Own
from apps.shelf import Shelf
from tasks.core.errors import InputError
from tests.answering import Finder
from tests.conversing import SECRET, Agent
from tests.pages import building

NEVER = SimpleNamespace(reply=lambda *_, **__: pytest.fail("asked"))


def tell(talk: Talk, message: str, agent: Any = None) -> None:
    """One turn."""
    run = talk.begin(message)
    assert talk.finish(run, lambda said, state: (agent or Agent()).reply(said, state))


def ids(talk: Talk) -> dict[str, str]:
    """Target -> id of what is liked and disliked."""
    return {each.target: each.id for each in talk.state.preferences}


# ---------------------------------------------------------------------------------------------- a conversation


def test_a_turn_is_kept_and_what_is_new_is_known() -> None:
    talk = Talk()
    tell(talk, "I love tea.")
    tell(talk, "I hate rain.")
    assert talk.state.turns == 2 and set(ids(talk)) == {"tea", "rain"} and talk.new == {ids(talk)["rain"]}
    assert [role for role, _ in talk.messages()] == ["user", "assistant"] * 2


@pytest.mark.parametrize("message", ["", "  ", None, 5, "x" * 2001])
def test_what_is_no_message_is_refused_and_changes_nothing(message: Any) -> None:
    talk = Talk()
    with pytest.raises(InputError, match=r"no message yet|has 2,001 characters; one can have up to 2,000"):
        talk.begin(message)
    assert talk.pending is None and talk.messages() == []


def test_one_message_at_a_time_and_nothing_by_hand_meanwhile() -> None:
    talk = Talk()
    tell(talk, "I love tea.")
    run = talk.begin("I hate rain.")
    assert len(talk.messages()) == 4 and "Thinking" in talk.messages()[-1][1]
    for other in (lambda: talk.begin("Hello"), lambda: talk.delete(ids(talk)["tea"]), lambda: talk.correct(ids(talk)["tea"], ["coffee"])):
        with pytest.raises(InputError, match="still being answered"):
            other()
    assert talk.finish(run, lambda said, state: Agent().reply(said, state)) and set(ids(talk)) == {"tea", "rain"}
    talk.delete(ids(talk)["tea"])


def test_an_error_leaves_all_as_it_was() -> None:
    talk = Talk()
    tell(talk, "I love tea.")
    before = (talk.plain, talk.messages(), talk.new)
    run = talk.begin("explode")
    with pytest.raises(RuntimeError):
        talk.finish(run, lambda said, state: Agent().reply(said, state))
    assert (talk.plain, talk.messages(), talk.new) == before
    tell(talk, "I hate rain.")


def test_a_conversation_that_began_anew_hears_no_old_reply() -> None:
    talk = Talk()
    run = talk.begin("I love tea.")

    def slow(said: str, state: Any) -> Any:
        talk.clear()
        tell(talk, "I hate rain.")
        return Agent().reply(said, state)

    assert not talk.finish(run, slow)
    assert set(ids(talk)) == {"rain"} and talk.pending is None
    tell(talk, "I love snow.")


def test_two_hundred_messages_are_all() -> None:
    talk = Talk()
    tell(talk, "I love tea.")
    talk.plain = {**talk.plain, "turns": 199} if talk.plain else None
    tell(talk, "I love snow.")
    with pytest.raises(InputError, match="has 200 messages"):
        talk.begin("Hello")


def test_each_visitor_has_their_own() -> None:
    talk = Talk()
    tell(talk, "I love tea.")
    other = copy.deepcopy(talk)
    assert other.plain is None and other.messages() == []


def test_what_is_forgotten_is_said() -> None:
    talk = Talk()
    talk.begin("I love tea.", forgotten=True)
    assert "forgotten after an hour" in talk.messages()[0][1]


def test_deleting_correcting_and_undoing() -> None:
    talk = Talk()
    tell(talk, "I love tea, I hate rain.")
    tea, rain = ids(talk)["tea"], ids(talk)["rain"]
    talk.delete(rain)
    assert set(ids(talk)) == {"tea"} and talk.done == "Deleted: you dislike rain." and talk.undoable
    talk.undo()
    assert set(ids(talk)) == {"tea", "rain"} and not talk.undoable
    talk.correct(tea, ["dislike", "coffee"])
    liked = talk.state.item(tea)
    assert talk.done == "Corrected: you dislike coffee." and liked.source is None and tea in talk.new
    with pytest.raises(InputError, match="may be gone already"):
        talk.delete("nothing")
    tell(talk, "I love snow.")
    with pytest.raises(InputError, match="nothing to undo"):
        talk.undo()


def test_the_agent_respects_what_was_deleted_and_corrected() -> None:
    talk, agent = Talk(), Agent()
    tell(talk, "I love tea, I like rain.")
    talk.delete(ids(talk)["rain"])
    talk.correct(ids(talk)["tea"], ["coffee"])
    tell(talk, "What do I like?", agent)
    assert talk.turn and talk.turn.reply == "You like coffee." and agent.asked[0]["state"]["preferences"][0]["target"] == "coffee"


def test_a_saved_state_is_loaded_again(tmp_path: Path) -> None:
    talk, other = Talk(), Talk()
    tell(talk, "I love tea 🌊.")
    file = tmp_path / "saved.json"
    file.write_text(talk.saved(), encoding="utf-8")
    tell(other, "I hate rain.")
    other.load(file)
    assert other.plain == talk.plain and "1 preference" in other.messages()[0][1] and len(other.messages()) == 1


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"{}", b'{"version": 1}', b"[" * 100_000, b'{"version": 1, "where": NaN}'])
def test_another_file_is_a_sentence_and_changes_nothing(tmp_path: Path, content: bytes) -> None:
    talk = Talk()
    tell(talk, "I love tea.")
    before = (talk.plain, talk.messages())
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(InputError, match=r"no saved state|no state of a conversation"):
        talk.load(tmp_path / "x.json")
    assert (talk.plain, talk.messages()) == before


def test_a_state_that_could_not_be_shown_is_refused(tmp_path: Path) -> None:
    talk = Talk()
    tell(talk, "A flood in Accra.")
    plain = json.loads(talk.saved())
    plain["events"][0]["where"] = 5
    (tmp_path / "x.json").write_text(json.dumps(plain))
    with pytest.raises(InputError, match=r"no saved state|no state of a conversation"):
        Talk().load(tmp_path / "x.json")


def test_the_user_is_one_entity_however_often_they_speak_of_themselves() -> None:
    talk = Talk()
    tell(talk, "I live in Accra.")
    tell(talk, "I live in Tema.")
    assert talk.state.triples() == [("you", "lives in", "Accra"), ("you", "lives in", "Tema")]


# ---------------------------------------------------------------------------------------------- the page's handlers


@pytest.fixture(scope="module")
def view() -> View:
    with building(), components.page():
        return build_view(["One"])


def chat(view: View, agent: Any) -> Any:
    reader = Finder()
    return conversation._Chat(lambda task: agent if task == "conversation" else reader, view)


def test_a_message_is_shown_at_once_then_answered(view: View) -> None:
    agent, talk = Agent(), Talk()
    first, last = chat(view, agent).send(talk, Shelf(), Own(), "I love tea.", " Close\n it. ", [])
    assert first[view.box] == "" and first[view.send].interactive is False and "Thinking" in first[view.chat][-1]["content"]
    assert view.box not in last and last[view.send].interactive is True and "tea" in last[view.items]
    assert agent.asked[0] | {"state": None} == {
        "message": "I love tea.",
        "state": None,
        "documents": None,
        "catalogue": None,
        "proposal": "Close it.",
    }


@pytest.mark.parametrize(("message", "sentence"), [("explode", "Sorry"), ("refuse", "say it otherwise")])
def test_after_an_error_the_message_comes_back(view: View, message: str, sentence: str) -> None:
    talk = Talk()
    updates: list[dict[Any, Any]] = []
    with pytest.raises(gr.Error, match=sentence) as refused:
        for update in chat(view, Agent()).send(talk, Shelf(), Own(), message, "", []):
            updates.append(update)
    assert updates[-1][view.box] == message and updates[-1][view.send].interactive is True and updates[-1][view.chat] == []
    assert SECRET not in str(refused.value)


def test_an_empty_message_leaves_the_box_alone(view: View) -> None:
    with pytest.raises(gr.Error, match="no message yet"):
        next(chat(view, NEVER).send(Talk(), Shelf(), Own(), " ", "", []))
    with pytest.raises(gr.Error, match="has 501 characters"):
        list(chat(view, NEVER).send(Talk(), Shelf(), Own(), "Hello", "x" * 501, []))


def test_an_example_plays_and_offers_the_rest(view: View) -> None:
    agent, talk, shelf = Agent(), Talk(), Shelf()
    ready = components.examples("conversations.json")
    student, citizen = (next(each for each in ready if each["name"].startswith(name)) for name in ("Student", "Citizen"))
    updates = list(chat(view, agent).play(student, talk, shelf, Own()))
    assert [each["message"] for each in agent.asked] == student["messages"][:3] and all(each["documents"] for each in agent.asked)
    assert talk.offers == student["messages"][3:] and "1843" in updates[-1][view.evidence]
    list(chat(view, agent).play(citizen, talk, shelf, Own()))
    assert list(shelf.rows) == [citizen["document"]] and agent.asked[-1]["proposal"] == citizen["proposal"]


def test_an_example_stops_where_the_visitor_begins_anew(view: View) -> None:
    agent, talk = Agent(), Talk()
    playing = chat(view, agent).play(components.examples("conversations.json")[0], talk, Shelf(), Own())
    for _ in range(3):
        next(playing)
    talk.clear()
    assert list(playing) == [] and len(agent.asked) == 1 and talk.messages() == []


def test_a_visitor_who_leaves_keeps_nothing_busy(view: View) -> None:
    talk = Talk()
    sending = chat(view, Agent()).send(talk, Shelf(), Own(), "I love tea.", "", [])
    next(sending)
    sending.close()
    tell(talk, "I hate rain.")


@pytest.mark.parametrize("value", [None, "delete", [], ["delete"], ["delete", 5], ["correct", "a"], ["explode", "a"], ["correct", *"abcd"]])
def test_what_no_page_of_ours_sends_is_refused(view: View, value: Any) -> None:
    with pytest.raises(InputError, match="reload the page"):
        conversation._by_hand(view, Talk(), SimpleNamespace(value=value))  # type: ignore[arg-type]


def test_examples_are_complete_and_offers_are_escaped() -> None:
    ready = components.examples("conversations.json")
    assert len(ready) == 5 and sum("notice" in each for each in ready) == 1
    for example in ready:
        assert 4 <= len(example["messages"]) <= 6 and 2 <= example["play"] < len(example["messages"])
        assert all(len(message) <= talking.MAX_MESSAGE for message in example["messages"])
        assert "document" not in example or (conversation.FOLDER / example["document"]).is_file()
    talk = Talk()
    talk.offers = ['<img src=x onerror="x">']
    assert "<img" not in offers(talk) and "disabled" not in offers(talk)
