"""What the conversation page shows: the chat's messages, what was understood, its graph; and that no words of a user are markup."""

from __future__ import annotations

import html
import re
from typing import Any

from apps import render_conversation as render
from apps import render_understood as understood
from tasks.conversation.state import State
from tasks.conversation.types import Act, Extraction, Turn
from tests.browsing import ATTACK
from tests.conversing import Agent
from tests.markup import Reader

HOSTILE = ATTACK + "**b** ![i](http://elsewhere.example/i.png) `x` $y$ [l](javascript:alert(1)) 🌊\n\n    code | \ud83d &amp;"


def told(*messages: str, proposal: str | None = None) -> Turn:
    """The last turn of a conversation."""
    agent, state = Agent(), None
    for message in messages:
        turn = agent.reply(message, state, proposal=proposal)
        state = turn.state
    return turn


def words_of(markup: str) -> str:
    """What a reader sees."""
    return Reader(re.sub(r"</?b(?: [^>]*)?>", "", markup).replace("<br>", "\n")).words


def tags(markup: str) -> set[str]:
    return {tag for tag, _ in Reader(markup.replace("<br>", " ")).tags}


def test_words_of_users_are_neither_markup_nor_markdown() -> None:
    made = render.safe(HOSTILE)
    assert "<br>" in made and not set("<>*`![]()$|_\\\n:") & set(made.replace("<br>", ""))
    assert html.unescape(made.replace("<br>", "\n")) == HOSTILE.replace("\ud83d", "?")


def test_who_said_what() -> None:
    said = render.user("Hello <b>there</b>")
    assert render.YOU in said and 'translate="no"' in said and "<b>there" not in said
    answered = render.agent(told("I love tea."))
    assert render.AGENT in answered and "Noted" in words_of(answered)


def test_recommended_items_have_their_reasons() -> None:
    because = [{"kind": "item", "name": "Pink <Moon>", "share": 0.9, "item_id": "p"}, {"kind": "tag", "name": "folk", "share": 0.001}]
    calm = {"item_id": "c", "title": "", "because": "it is calm"}
    made = render.offered([{"item_id": "b", "title": ATTACK, "by": "<i>Ada", "score": 0.8, "because": because}, calm])
    assert tags(made) == {"ol", "li", "b", "span"} and "80 %" in html.unescape(made)
    assert "because you like" in made and "folk" not in made and "it is calm" in html.unescape(made) and made.count("<li>") == 2


def test_an_answer_has_its_passage_with_the_answer_marked() -> None:
    passage = "x" * 900 + " The ferry costs <b>35</b> crowns. " + "y" * 900
    found = {"answer": "<b>35</b>", "score": 0.9, "document": "a<i>.pdf", "page": 3, "start": 5, "end": 7, "passage": passage}
    made = render.agent(Turn("35.", {}, Extraction("?", {}), (Act("answered", "35.", evidence=(found,)),)))
    assert '<mark class="best">' + render.safe("<b>35</b>") + "</mark>" in made and render.safe("a<i>.pdf, page 3") in made
    assert len(words_of(made)) < 900 and "\n" not in made
    said = render.rested(Act("answered", "x", evidence=({"answer": "Tea", "score": 0.5, "turn": 2, "passage": "I love tea."},)))
    year = render.rested(Act("answered", "x", evidence=({"answer": "35", "score": 0.5, "turn": None, "passage": "In 1835: 35."},)))
    assert "1835&#58; <mark" in year and "message" not in year
    assert "message 3" in said and '<mark class="best">tea</mark>' in said


def test_a_reply_in_other_words_than_its_acts_is_told_in_full() -> None:
    act = Act("recommended", "How about", items=({"title": "Blue"},))
    made = render.agent(Turn("Here you are: Blue.", {}, Extraction("?", {}), (act,)))
    assert render.safe("Here you are: Blue.") in made and made.count("<li>") == 1 and "How about" not in made


def test_each_item_has_its_controls_and_where_it_is_from() -> None:
    turn = told("Ada Osei founded Volta Trust.", "I love tea.", "A flood in Accra on Monday.")
    state = State.of(turn.state)
    made = understood.items(state, {state.events[0].id})
    reader = Reader(made)
    things = [attributes for tag, attributes in reader.tags if tag == "li"]
    assert [each["data-id"] for each in things] == [each.id for each in state.items]
    labels = [attributes["aria-label"] for tag, attributes in reader.tags if tag == "button"]
    named = ("Ada Osei founder of Volta Trust", "you like tea", "flood: flood")
    assert labels == [f"{do}: {name}" for name in named for do in ("Correct", "Delete")]
    assert [each["class"] for each in things].count("thing new") == 1 and things[-1]["class"] == "thing new"
    assert "Message 1: " in reader.words and "Ada Osei founded Volta Trust" in reader.words
    assert "Accra" in made and "Monday" in made and "where" in reader.words


def test_likes_and_dislikes_go_to_their_sides() -> None:
    state = State.of(told("I love tea, I hate rain.").state)
    made = understood.items(state)
    assert made.count("strength like") == 1 == made.count("strength dislike") and made.count("width:40.0%") == 2
    assert "you like" in made and "you dislike" in made
    side = State.of(told("Yes.", proposal="Close the street.").state)
    assert "you are for" in understood.items(side)


def test_nothing_yet_and_what_was_done_by_hand() -> None:
    empty = understood.items(State())
    assert understood.NOTHING in empty and "data-do" not in empty
    done = understood.items(State(), done=f"Deleted: {ATTACK}.", undo=True)
    assert 'data-do="undo"' in done and "<img" not in done and 'role="status"' in done
    assert understood.NO_MESSAGE in understood.read(None) and understood.NO_EVIDENCE in understood.evidence(None, State())


def test_what_is_not_ours_is_escaped_everywhere() -> None:
    turn = told(f"I love {ATTACK}, <img src=x> founded <b>Trust.", f"A fire in <b>x on Monday {ATTACK}", proposal=ATTACK)
    state = State.of(turn.state)
    assert state.preferences and state.events
    shown = [understood.items(state, done=ATTACK), understood.read(turn.extraction), understood.evidence(turn, state), render.agent(turn)]
    for made in shown:
        assert not {"img", "script"} & tags(made)
    assert "onerror" in understood.items(state)


def test_the_last_message_is_marked_and_its_kinds_are_told() -> None:
    turn = told("I love tea, and Ada Osei founded Volta Trust.", "I hate rain. A flood in Accra.", proposal="x")
    made = understood.read(turn.extraction)
    assert '<mark class="dislike">rain<small>−</small></mark>' in made and '<mark class="event">flood<small>flood</small></mark>' in made
    assert "97 %" in made and "tell" in made and "favor" in made and 'title="the user states' in made
    first = understood.read(told("I love tea, and Ada Osei founded Volta Trust.").extraction)
    assert '<mark class="named">Ada Osei<small>person</small></mark>' in first and "founder of" in first


def test_the_graph_has_facts_tastes_and_events() -> None:
    turn = told("I live in Accra.", "I love Accra. I hate rain.", "A flood in Accra on Monday.")
    drawn: dict[str, Any] = understood.graph(State.of(turn.state))
    names = {node["id"]: node["name"] for node in drawn["nodes"]}
    edges = {(names[each["head"]], each["relation"], names[each["tail"]]) for each in drawn["edges"]}
    wanted = {("you", "lives in", "Accra"), ("you", "likes", "Accra"), ("you", "dislikes", "rain"), ("flood", "where", "Accra")}
    assert edges == wanted | {("flood", "when", "Monday")} and list(names.values()).count("Accra") == 1
    assert {"event", "time"} <= {each["name"] for each in drawn["types"]}
    assert {each["color"] for each in drawn["nodes"] if each["type"] == "event"} == {understood.EVENT_COLOR}
    (home,) = (each for each in drawn["edges"] if each["relation"] == "lives in")
    assert home["evidence"] == [{"text": "I live in Accra", "source": "message 1"}]


def test_evidence_names_what_was_told() -> None:
    turn = told("I love tea.", "What do I like?")
    made = understood.evidence(turn, State.of(turn.state))
    assert understood.USED in made and "you like tea" in made and "Message 1" in made
