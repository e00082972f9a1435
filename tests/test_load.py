"""The load benchmark finds what it looks for: a server that is only acted crosses, changes, refuses and fails."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.benchmarks import crowd, load, process
from tests.benchmarks.visitor import ANSWERED, BUSY, FAILED, LEFT, REFUSED, Visitor, endpoints, is_refusal, told, turned_away

Answer = Callable[[list[Any]], Any]  # of a call's values; an ``httpx.Response`` turns it away, a ``str`` is a refusal
OPTIONS = argparse.Namespace(clients=3, limit=0, pause=0.0)


def echo(data: list[Any]) -> Any:
    """A well-behaved endpoint."""
    good = isinstance(data[0], str) and len(data[0]) <= crowd.LIMIT and data[1] == "" and data[2] is None
    return {"text": data[0], "score": 0.5} if good else "The text can't be read: send a string."


class Acted:
    """A server with one endpoint, as Gradio speaks."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.waiting = answer, dict[str, Any]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/config":
            return httpx.Response(200, json={"dependencies": [{"id": 7, "api_name": "detect_events"}, {"id": 8, "api_name": False}]})
        if path == "/gradio_api/info":
            parameters = [{}, {"parameter_default": ""}, {"parameter_default": None}]
            return httpx.Response(200, json={"named_endpoints": {"/detect_events": {"parameters": parameters}}})
        if path == "/gradio_api/queue/join":
            body = json.loads(request.content)
            assert body["fn_index"] == 7 and len(body["data"]) == 3
            made = self.answer(body["data"])
            self.waiting[body["session_hash"]] = made
            return made if isinstance(made, httpx.Response) else httpx.Response(200, json={"event_id": "e"})
        made = self.waiting.pop(request.url.params["session_hash"])
        output = {"error": made} if isinstance(made, str) else {"data": [made]}
        done = {"msg": "process_completed", "event_id": "e", "success": not isinstance(made, str), "output": output}
        stream = "".join(f"data: {json.dumps(each)}\n\n" for each in ({"msg": "estimation"}, done))
        return httpx.Response(200, text=stream)


def phases(answer: Answer) -> tuple[load.Tally, load.Tally]:
    """Three visitors alone at a server that is well, then in a rush at one that gives ``answer``."""

    async def both() -> tuple[load.Tally, load.Tally]:
        server = Acted(echo)
        async with httpx.AsyncClient(transport=httpx.MockTransport(server), base_url="http://acted") as http:
            rounds = load.Rounds(http, await endpoints(http), OPTIONS)
            alone = await rounds.alone()
            server.answer = answer
            return alone, await rounds.rush(6)

    return asyncio.run(both())


def neighbour(data: list[Any]) -> Any:
    """The answer of the visitor before."""
    return {"text": crowd.MARK.sub(lambda found: crowd.mark((int(found[0][5:]) - 1) % 3), data[0]), "score": 0.5}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (echo, ANSWERED),
        (lambda data: {"text": data[0], "score": 0.50001}, ANSWERED),
        (lambda data: {"text": data[0], "score": 0.6}, load.CHANGED),
        (neighbour, load.CROSSED),
        (lambda data: "There is no text yet: write one.", load.CHANGED),
        (lambda data: "Sorry, something went wrong on our side.", FAILED),
        (lambda data: httpx.Response(503, json={"detail": "Queue is full. Max size is 64 and size is 64."}), BUSY),
        (lambda data: httpx.Response(500, text="Internal Server Error"), FAILED),
    ],
)
def test_what_a_server_does_is_called_by_its_name(answer: Answer, kind: str) -> None:
    alone, rush = phases(answer)
    assert alone.wrong == [] and alone.count(REFUSED) == 3 and alone.count(ANSWERED) > 3
    assert rush.count(kind) == 6 and len(rush.wrong) == 6 * (kind in load.WRONG)


def test_a_bad_input_that_is_answered_is_wrong_even_alone() -> None:
    async def alone() -> load.Tally:
        server = Acted(lambda data: {"text": str(data[0])})
        async with httpx.AsyncClient(transport=httpx.MockTransport(server), base_url="http://acted") as http:
            return await load.Rounds(http, await endpoints(http), OPTIONS).alone()

    assert asyncio.run(alone()).count(FAILED) == 3


def test_visitors_leave_and_come_back_as_others() -> None:
    async def leave() -> tuple[str, bool]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(Acted(echo)), base_url="http://acted") as http:
            visitor = Visitor(http, await endpoints(http))
            before = visitor._session
            return (await visitor.ask("detect_events", ("x",), leave=True)).kind, visitor._session != before

    assert asyncio.run(leave()) == (LEFT, True)


def test_a_refusal_is_a_sentence() -> None:
    assert is_refusal("The threshold must be a number from 0 to 1, or empty; it is '7'.")
    assert not any(map(is_refusal, [None, "", "ValueError", "Traceback (most recent call last): x.", "Sorry, it went wrong on our side."]))
    assert turned_away(503, "Queue is stopped.").kind == FAILED
    other = told({"msg": "process_completed", "event_id": "b", "success": True, "output": {"data": []}}, "a")
    assert other is not None and other.kind == FAILED


def test_every_visitor_has_texts_of_its_own() -> None:
    asks = [crowd.asks(number, load.TASKS, limit=2) for number in range(12)]
    texts = [str(ask.arguments) for each in asks for ask in each if ask.size in ("short", "long") and ask.task in crowd.TEXTS]
    assert len(set(texts)) == len(texts) and all(set(crowd.MARK.findall(text)) for text in texts)
    for number, each in enumerate(asks):
        assert set(crowd.MARK.findall(str(each))) == {crowd.mark(number)} == {ask.mark for ask in each}
        assert {ask.task for ask in each} == set(load.TASKS) and {"short", "hostile", "bad"} <= {ask.size for ask in each}
        assert [ask.size for ask in each].count("limit") == (number < 2)
    assert {ask.task for each in asks for ask in each if ask.size == "long"} == set(crowd.TEXTS)
    assert max(len(ask.arguments[0]) for ask in asks[0] if ask.size == "limit") == crowd.LIMIT
    assert str(crowd.asks(3, load.TASKS, 0)) == str(crowd.asks(3, load.TASKS, 0))


def test_memory_is_that_of_a_process_and_its_children() -> None:
    assert 5 < process.memory(os.getpid()) < 100_000 and os.getpid() in process.family(os.getpid())
    memory = load.Memory(None)
    assert memory.growth() == 0.0
    memory.held = {"after warm-up": 1_000.0, "after the load": 1_500.0, "after the rush": 1_100.0}
    assert memory.growth() == pytest.approx(0.1)


def test_what_came_is_put_in_a_table() -> None:
    ask = crowd.Ask(1, "recommend", (["x"],), "short")
    tally = load.Tally(2.0, [(ask, ANSWERED, float(second)) for second in range(1, 101)] + [(ask, BUSY, 0.1), (ask, load.CROSSED, 1.0)])
    said = load.report(tally, load.Tally(), {"at start": 1_234.0}, 0.05)
    assert "| recommend | 100 | 0 | 1 | 0 | 1 | 50.50 | 96.00 | 100.00 |" in said
    assert "50.0 calls/s" in said and "at start 1,234; growth +5.0%" in said
