"""The endpoint of the conversation page, over a stand-in agent."""

from __future__ import annotations

import re
from typing import Any

import pytest
from gradio_client import Client

from tasks.conversation.state import State
from tests.conversing import SECRET

PAGE = "conversation", "Send"


def test_one_endpoint_is_public(client: Client) -> None:
    api = client.view_api(return_format="dict", print_info=False)
    assert isinstance(api, dict) and list(api["named_endpoints"]) == ["/converse"]
    taken = api["named_endpoints"]["/converse"]["parameters"]
    assert [(each["parameter_name"], each.get("parameter_default")) for each in taken] == [
        ("message", None),
        ("state", None),
        ("proposal", None),
    ]


def test_converse_takes_and_gives_the_state(client: Client) -> None:
    first = client.predict("I love tea.", api_name="/converse")
    assert set(first) == {"reply", "state", "extraction", "acts"} and State.of(first["state"]).turns == 1
    second = client.predict("What do I like?", first["state"], api_name="/converse")
    assert second["reply"] == "You like tea." and second["acts"][0]["rests_on"]
    assert client.predict("What do I like?", api_name="/converse")["reply"] == "You like nothing."  # nothing was kept
    assert client.predict("Yes.", None, "Close it.", api_name="/converse")["extraction"]["stance"]["label"] == "favor"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((" ",), "There is no message yet"),
        ((5,), "There is no message yet"),
        (("x" * 2001,), "has 2,001 characters"),
        (("Hello", "state"), "must be what the last call returned"),
        (("Hello", {"version": 9}), "This is no state of a conversation"),
        (("Hello", None, "x" * 501), "has 501 characters"),
        (("explode",), "Sorry, something went wrong on our side"),
    ],
)
def test_wrong_calls_become_sentences(client: Client, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(Exception, match=re.escape(message)) as refused:
        client.predict(*arguments, api_name="/converse")
    assert "Traceback" not in str(refused.value) and SECRET not in str(refused.value)
