"""A visitor as the page's own script is one: joins the queue over HTTP, and reads the stream of its session until the answer comes."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import httpx

ANSWERED, REFUSED, BUSY, FAILED, LEFT = "answered", "refused", "busy", "failed", "left"
APOLOGY = "went wrong on our side"
PATIENCE = 900.0  # seconds without a word from the server; it sends a heartbeat every quarter of a minute


@dataclass(frozen=True)
class Endpoint:
    """A public endpoint: its number, and what it takes where a caller leaves values out (the page's script fills these in)."""

    number: int
    defaults: tuple[Any, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of a call: answered (``value``: the endpoint's values), refused (the sentence), busy, failed (why) or left."""

    kind: str
    value: Any
    seconds: float = 0.0


async def endpoints(http: httpx.AsyncClient) -> dict[str, Endpoint]:
    """The public endpoints of the server, by name."""
    info = (await http.get("/gradio_api/info")).raise_for_status().json()["named_endpoints"]
    config = (await http.get("/config")).raise_for_status().json()
    numbers = {made["api_name"]: made["id"] for made in config["dependencies"] if made.get("api_name")}
    defaults = {name[1:]: tuple(each.get("parameter_default") for each in about["parameters"]) for name, about in info.items()}
    return {name: Endpoint(numbers[name], values) for name, values in defaults.items()}


class Visitor:
    """One browser tab: a session of its own, one call at a time."""

    def __init__(self, http: httpx.AsyncClient, known: dict[str, Endpoint]) -> None:
        self.http, self.known = http, known
        self.reload()

    def reload(self) -> None:
        """Begin a new session, as a reloaded page does."""
        self._session = secrets.token_hex(6)

    async def ask(self, task: str, arguments: tuple[Any, ...], leave: bool = False) -> Outcome:
        """Call an endpoint; ``leave``: close the stream once the call waits or runs, as a closed tab does."""
        start = perf_counter()
        try:
            outcome = await self._ask(self.known[task], arguments, leave)
        except (httpx.HTTPError, ValueError, KeyError) as error:
            outcome = Outcome(FAILED, f"{type(error).__name__}: {error}")
        if outcome.kind == LEFT:
            self.reload()
        return Outcome(outcome.kind, outcome.value, perf_counter() - start)

    async def _ask(self, endpoint: Endpoint, arguments: tuple[Any, ...], leave: bool) -> Outcome:
        data = [*arguments, *endpoint.defaults[len(arguments) :]]
        # Escaped, as a browser does: half of an emoji is no UTF-8.
        body = json.dumps({"data": data, "fn_index": endpoint.number, "session_hash": self._session})
        joined = await self.http.post("/gradio_api/queue/join", content=body, headers={"Content-Type": "application/json"})
        if joined.status_code != 200:
            return turned_away(joined.status_code, joined.text)
        event = joined.json()["event_id"]
        async with self.http.stream("GET", "/gradio_api/queue/data", params={"session_hash": self._session}) as stream:
            async for line in stream.aiter_lines():
                message = json.loads(line[5:]) if line.startswith("data:") else {}
                if outcome := told(message, event):
                    return outcome
                if leave and message:
                    return Outcome(LEFT, None)
        return Outcome(FAILED, "the stream ended without an answer")


def turned_away(status: int, text: str) -> Outcome:
    """What a call is that could not join the queue."""
    busy = status == 503 and ("Queue is full" in text or "too many calls are waiting" in text)  # Gradio's sentence, and ours in its place
    return Outcome(BUSY, text) if busy else Outcome(FAILED, f"HTTP {status}: {text[:200]}")


def told(message: dict[str, Any], event: str) -> Outcome | None:
    """The outcome that a message of the stream tells of the call ``event``, if it does."""
    if message.get("msg") == "unexpected_error":
        return Outcome(FAILED, message.get("message"))
    if message.get("msg") != "process_completed":
        return None
    if message.get("event_id") != event:
        return Outcome(FAILED, "the answer of another call came")
    if message["success"]:
        return Outcome(ANSWERED, message["output"]["data"])
    said = message["output"].get("error")
    return Outcome(REFUSED if is_refusal(said) else FAILED, said)


def is_refusal(said: Any) -> bool:
    """Whether this is a sentence that tells a visitor what to mend, and not an apology, an exception's text or nothing."""
    return isinstance(said, str) and " " in said and said[-1:] in ".?!" and "Traceback" not in said and APOLOGY not in said
