"""The shipped agent: a hundred written dialogues with the state expected after each turn, and what it must never do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tasks import pipeline
from tasks.__main__ import main
from tasks.conversation.dialogues import dialogue_scores, expected, play, stored
from tasks.conversation.state import State
from tasks.conversation.types import Turn
from tasks.core.errors import InputError
from tasks.core.files import read_rows

SAMPLE = Path(__file__).parent.parent / "tasks" / "conversation" / "sample"
LETTER = "Ms Sidibe may get up after two days. The stitches come out on 4 March. She should not lift more than three kilos."


@pytest.fixture(scope="module")
def agent() -> Any:
    """The agent as it is shipped."""
    return pipeline("conversation")


def talk(agent: Any, *messages: str, **options: Any) -> list[Turn]:
    """The turns of a conversation."""
    turns: list[Turn] = []
    for message in messages:
        turns.append(agent.reply(message, turns[-1].state if turns else None, **options))
    return turns


def triples(turn: Turn) -> set[tuple[str, str, str]]:
    return set(State.of(turn.state).triples())


@pytest.mark.parametrize(
    ("file", "recall", "precision", "answers"), [("dialogues", 0.9, 0.91, 0.92), ("dialogues_unseen", 0.74, 0.77, 0.6)]
)
def test_the_state_holds_what_the_user_said(agent: Any, file: str, recall: float, precision: float, answers: float) -> None:
    figures = dialogue_scores(agent, read_rows(str(SAMPLE / f"{file}.jsonl")))
    assert figures["slot_recall"] >= recall
    assert figures["slot_precision"] >= precision
    assert figures["answers"] >= answers


@pytest.mark.parametrize(
    "name",
    ["music_quiet_evening", "music_changed_mind", "health_sleep_and_tea", "democracy_square_rules", "education_teacher", "newspaper"],
)
def test_each_turn_of_these_leaves_exactly_the_expected_state(agent: Any, name: str) -> None:
    (dialogue,) = (row for row in read_rows(str(SAMPLE / "dialogues.jsonl")) if row["name"] == name)
    for (_, state), turn in zip(play(agent, dialogue), dialogue["turns"], strict=True):
        assert stored(state) == expected(turn["state"]), turn["user"]


def test_every_source_is_in_its_message(agent: Any) -> None:
    messages = ["Olu Bright plays the oud. She lives in Gorran.", "I adore Hejira 🎧 but I hate Thriller.", "A storm tore off our roof."]
    for turn in talk(agent, *messages):
        state = State.of(turn.state)
        for source in [item.source for item in state.items if item.source] + [each for one in state.entities for each in one.mentions]:
            assert messages[source.turn][source.start : source.end] == source.text


def test_a_correction_replaces_and_the_answer_follows(agent: Any) -> None:
    *_, mended, asked = talk(agent, "Olu Bright lives in Gorran.", "No, I meant Marrek.", "Where does Olu Bright live?")
    assert triples(mended) == {("Olu Bright", "residence", "Marrek")}
    assert "Marrek" in asked.reply and asked.acts[-1].kind == "answered"


def test_what_is_forgotten_is_nowhere_in_the_state(agent: Any) -> None:
    *_, last = talk(agent, "Olu Bright has asthma.", "I like jazz.", "Forget everything about Olu Bright.")
    assert "Olu" not in json.dumps(last.state) and "asthma" not in json.dumps(last.state)
    assert [each["target"] for each in last.state["preferences"]] == ["jazz"]


def test_what_nobody_told_is_not_known(agent: Any) -> None:
    (turn,) = talk(agent, "When was the Gorran town hall built?")
    assert [act.kind for act in turn.acts] == ["unknown"] and not turn.state["facts"]


@pytest.mark.parametrize(
    "message",
    [
        "If I lived in Paris I would play the cello.",
        "Olu never worked for Gorran Mills.",
        "Does Olu live in Marrek?",
        "Maybe the dam will burst.",
    ],
)
def test_what_is_not_so_is_not_stored(agent: Any, message: str) -> None:
    (turn,) = talk(agent, message)
    assert not turn.state["facts"] and not turn.state["events"] and not turn.state["preferences"]


def test_documents_answer_with_their_evidence(agent: Any, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text(LETTER, encoding="utf-8")
    (turn,) = talk(agent, "When do the stitches come out?", documents=[str(tmp_path / "letter.txt")])
    (evidence,) = turn.acts[-1].evidence
    assert evidence["answer"] == "4 March" == LETTER[evidence["start"] : evidence["end"]]
    assert evidence["document"] == "letter.txt" and "4 March" in turn.reply


def test_recommendations_go_by_what_was_told(agent: Any) -> None:
    turns = talk(agent, "Kind of Blue is my favourite record.", "What should I hear next?", "Something newer, please.")
    first, second = ({each["item_id"] for each in turn.acts[-1].items} for turn in turns[1:])
    assert first and second and not first & second
    assert any(why["name"] == "Kind of Blue" for each in turns[1].acts[-1].items for why in each["because"])
    assert turns[1].acts[-1].rests_on == (turns[0].state["preferences"][0]["id"],)


def test_other_things_than_the_catalogue_holds_are_not_recommended(agent: Any) -> None:
    (turn,) = talk(agent, "Which exercise would you recommend for my back?")
    assert not any(act.items for act in turn.acts)


def test_a_side_is_taken_towards_the_proposal(agent: Any) -> None:
    (turn,) = talk(agent, "Night buses would waste money, I am against them.", proposal="We should run night buses")
    assert [(each["target"], each["sign"]) for each in turn.state["preferences"] if each["about"] == "proposal"] == [
        ("We should run night buses", -1)
    ]


def test_health_comes_with_a_notice_once(agent: Any) -> None:
    turns = talk(agent, "I have asthma.", "I take salbutamol.")
    assert [sum(act.kind == "notice" for act in turn.acts) for turn in turns] == [1, 0]


@pytest.mark.parametrize("message", ["", "  \n", "x" * 2001, None, 5, ["a"]])
def test_what_is_no_message_is_refused(agent: Any, message: Any) -> None:
    with pytest.raises(InputError):
        agent.reply(message)


@pytest.mark.parametrize(
    "message", ["<img src=x onerror=alert(1)>", "💥" * 300, "\ud800", "a" * 2000, "{{7*7}} %s {head}", "Привет, как дела?"]
)
def test_any_message_is_answered(agent: Any, message: str) -> None:
    (turn,) = talk(agent, message)
    assert turn.reply
    assert State.of(json.loads(json.dumps(turn.state))).turns == 1


def test_the_terminal_holds_a_conversation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "messages.txt").write_text("I love Blue Train.\nWhat do I like?\n", encoding="utf-8")
    assert main(["conversation", "--input", str(tmp_path / "messages.txt"), "--output", str(tmp_path / "turns.jsonl")]) == 0
    last = read_rows(str(tmp_path / "turns.jsonl"))[-1]
    assert "Blue Train" in last["result"]["reply"] and last["result"]["state"]["turns"] == 2
