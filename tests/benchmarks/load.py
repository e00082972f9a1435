"""The showcase under load: many visitors at once, each with its own texts, over every public endpoint that reads text.

    python -m tests.benchmarks.load --clients 50 --seconds 120

Starts ``python -m apps`` in a process of its own (or asks the one at ``--url``) and asks it over HTTP as the page's own script does.

1. Alone: every call is made once, one after the other; what comes is what must come under load, up to float noise.
2. Load: every visitor sends its calls in an order of its own, a text at the limit first where it has one, pauses, now and then reloads
   the page or leaves before the answer. A quarter of ``--seconds`` warms up, the rest counts.
3. Rush: ``--rush`` calls in one moment, more than the queue holds: each is answered, or told that the showcase is busy.

Every outcome is compared with the same call's alone. "Crossed": the answer of another visitor; "changed": another answer than alone;
"failed": no answer, or a refusal that is no clear sentence. Memory is the server's with all its children, a quarter of a minute after
the last call, but for the peak; its growth is counted from the warm-up to the end. The exit code is 1 where anything crossed, changed or
failed, where the server logged a traceback, or where memory grew by more than ``--growth``. Latencies are a visitor's, the time in the
queue included.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx

from tests.benchmarks import crowd, process
from tests.benchmarks.contest import table
from tests.benchmarks.crowd import BAD, SHORT, Ask
from tests.benchmarks.visitor import ANSWERED, BUSY, FAILED, LEFT, PATIENCE, REFUSED, Endpoint, Outcome, Visitor, endpoints

TASKS = (*crowd.TEXTS, "recommend", "converse")
CROSSED, CHANGED = "crossed", "changed"
WRONG = (CROSSED, CHANGED, FAILED)
NOISE = 1e-4
REST = 15.0  # seconds: every ten of them the server gives back what is free
LEAVES, RELOADS = 0.02, 0.05  # shares of calls
WEIGHTS = {SHORT: 10.0, "long": 4.0, "hostile": 3.0, BAD: 2.0, "limit": 0.0}  # a text at the limit is sent once a phase
Told = Callable[[str], None]


@dataclass
class Tally:
    """What came of the calls of a phase."""

    seconds: float = 0.0
    calls: list[tuple[Ask, str, float]] = field(default_factory=list)  # the call, what came of it, seconds
    wrong: list[str] = field(default_factory=list)

    def count(self, *kinds: str) -> int:
        """How many calls came to one of ``kinds``."""
        return sum(kind in kinds for _, kind, _ in self.calls)


class Rounds:
    """The visitors, what each may ask, and what must come: the outcomes alone, in ``expected``."""

    def __init__(self, http: httpx.AsyncClient, known: dict[str, Endpoint], options: argparse.Namespace) -> None:
        self.visitors = [Visitor(http, known) for _ in range(options.clients)]
        tasks = [task for task in TASKS if task in known]
        self.asks = [crowd.asks(number, tasks, options.limit) for number in range(options.clients)]
        self.expected: dict[int, Outcome] = {}
        self.pause = options.pause

    async def alone(self) -> Tally:
        """Every call once, one after the other."""
        tally, start = Tally(), perf_counter()
        for visitor, asks in zip(self.visitors, self.asks, strict=True):
            before: Outcome | None = None
            for place, ask in enumerate(asks):
                if ask.goes_on and before and before.kind == ANSWERED:
                    ask = asks[place] = ask.going_on(before.value)
                before = self.expected[id(ask)] = await visitor.ask(ask.task, ask.arguments)
                kind = FAILED if (before.kind != REFUSED if ask.size == BAD else before.kind not in (ANSWERED, REFUSED)) else before.kind
                note(tally, ask, Outcome(kind, before.value, before.seconds), kind)
        tally.seconds = perf_counter() - start
        return tally

    async def load(self, seconds: float, seed: int) -> Tally:
        """All visitors at once until the time is over; calls that are on their way then are waited for."""
        tally, start = Tally(), perf_counter()
        await asyncio.gather(*(self._visit(number, start + seconds, seed, tally) for number in range(len(self.visitors))))
        tally.seconds = perf_counter() - start
        return tally

    async def _visit(self, number: int, end: float, seed: int, tally: Tally) -> None:
        visitor, asks, draw = self.visitors[number], self.asks[number], random.Random(f"{seed} {number}")
        weights = [WEIGHTS[ask.size] for ask in asks]
        first = [ask for ask in asks if ask.size == "limit"]
        await asyncio.sleep(draw.uniform(0, self.pause))
        while perf_counter() < end:
            ask = first.pop() if first else draw.choices(asks, weights)[0]
            if draw.random() < RELOADS:
                visitor.reload()
            await self._call(visitor, ask, tally, leave=draw.random() < LEAVES)
            await asyncio.sleep(draw.uniform(0, 2 * self.pause))

    async def rush(self, calls: int) -> Tally:
        """So many visitors ask the same short thing in one moment."""
        tally, start = Tally(), perf_counter()
        short = [next(ask for ask in asks if ask.size == SHORT) for asks in self.asks]
        chosen = [short[number % len(short)] for number in range(calls)]
        pairs = [(Visitor(self.visitors[0].http, self.visitors[0].known), ask) for ask in chosen]
        await asyncio.gather(*(self._call(visitor, ask, tally) for visitor, ask in pairs))
        tally.seconds = perf_counter() - start
        return tally

    async def _call(self, visitor: Visitor, ask: Ask, tally: Tally, leave: bool = False) -> None:
        outcome = await visitor.ask(ask.task, ask.arguments, leave)
        note(tally, ask, outcome, self.fate(ask, outcome))

    def fate(self, ask: Ask, outcome: Outcome) -> str:
        """What came of a call under load: its outcome's kind where it is the one alone, or what is wrong."""
        expected = self.expected[id(ask)]
        if outcome.kind in (BUSY, FAILED, LEFT) or (outcome.kind == expected.kind and same(outcome.value, expected.value)):
            return outcome.kind
        return CROSSED if self._of_another(ask, outcome) else CHANGED

    def _of_another(self, ask: Ask, outcome: Outcome) -> bool:
        if set(crowd.MARK.findall(json.dumps(outcome.value))) - {ask.mark}:
            return True
        others = (each for asks in self.asks for each in asks if each.task == ask.task and each.visitor != ask.visitor)
        alone = (self.expected[id(each)] for each in others)
        return any(each.kind == outcome.kind and same(each.value, outcome.value) for each in alone)


def note(tally: Tally, ask: Ask, outcome: Outcome, kind: str) -> None:
    """Count a call, and keep the words of one that went wrong."""
    tally.calls.append((ask, kind, outcome.seconds))
    if kind in WRONG:
        asked, came = json.dumps(ask.arguments)[:120], json.dumps(outcome.value)[:200]
        tally.wrong.append(f"{kind}: {ask.task} of visitor {ask.visitor} ({ask.size}) {asked} -> {came}")


def same(one: Any, other: Any) -> bool:
    """Whether two answers are alike up to float noise."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= NOISE
    return bool(one == other)


def share(values: Sequence[float], part: float) -> float:
    """The value below which a ``part`` of the values lie."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def latencies(tally: Tally) -> str:
    """Calls, outcomes and seconds of each task, as a table."""
    rows = []
    for task in [*TASKS, "all"]:
        calls = [each for each in tally.calls if task in ("all", each[0].task)]
        seconds = [each[2] for each in calls if each[1] in (ANSWERED, REFUSED)]
        counts = Counter(kind for _, kind, _ in calls)
        if seconds:
            times = [f"{value:.2f}" for value in (statistics.median(seconds), share(seconds, 0.95), max(seconds))]
            outcomes = [f"{counts[kind]:,}" for kind in (ANSWERED, REFUSED, BUSY, LEFT)]
            rows.append([task, *outcomes, str(sum(counts[kind] for kind in WRONG)), *times])
    return table(["endpoint", ANSWERED, "bad input refused", "busy", LEFT, "wrong", "p50 s", "p95 s", "max s"], rows)


def report(counted: Tally, rush: Tally, held: dict[str, float], growth: float) -> str:
    """What is printed: latencies, throughput, the rush, memory."""
    done = counted.count(ANSWERED, REFUSED)
    lines = [latencies(counted), "", f"{done / counted.seconds:.1f} calls/s done in {counted.seconds:.0f} s."]
    if rush.calls:
        wait = max(seconds for _, _, seconds in rush.calls)
        lines.append(
            f"{len(rush.calls)} at once: {rush.count(ANSWERED, REFUSED)} answered, {rush.count(BUSY)} told that it is busy, "
            f"{rush.count(*WRONG)} wrong, the last after {wait:.1f} s."
        )
    if held:
        lines.append("Memory, MB: " + ", ".join(f"{name} {value:,.0f}" for name, value in held.items()) + f"; growth {growth:+.1%}.")
    return "\n".join(lines)


class Memory:
    """The memory of a process through the run; of an address that is not ours nothing is known."""

    def __init__(self, server: int | None) -> None:
        self.server, self.held, self.peak = server, dict[str, float](), 0.0

    async def mark(self, name: str, rest: float = REST) -> None:
        """Keep what is held under ``name``, after ``rest`` seconds without a call."""
        if self.server is not None:
            await asyncio.sleep(rest)
            self.held[name] = process.memory(self.server)

    async def watch(self) -> None:
        """Remember the most that is held, until cancelled."""
        while self.server is not None:
            self.peak = max(self.peak, process.memory(self.server))
            await asyncio.sleep(1)

    def growth(self) -> float:
        """Growth from the end of the warm-up to the end of all."""
        return self.held["after the rush"] / self.held["after warm-up"] - 1 if self.held else 0.0


async def run(url: str, server: int | None, options: argparse.Namespace) -> int:
    """All phases; how many things went wrong."""
    memory = Memory(server)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=options.clients)
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, limits=limits, trust_env=False) as http:
        await memory.mark("at start", 0)
        rounds = Rounds(http, await endpoints(http), options)
        watching = asyncio.create_task(memory.watch())
        alone = await rounds.alone()
        await memory.mark("after each call alone")
        print(f"Alone: {len(alone.calls)} calls in {alone.seconds:.0f} s, {alone.count(*WRONG)} wrong.", file=sys.stderr, flush=True)
        warm = await rounds.load(options.seconds / 4, seed=1)
        await memory.mark("after warm-up")
        counted = await rounds.load(options.seconds * 3 / 4, seed=2)
        await memory.mark("after the load")
        rush = await rounds.rush(options.rush)
        await memory.mark("after the rush")
        watching.cancel()
    if memory.held:
        memory.held["peak"] = max(memory.peak, *memory.held.values())
    print(f"{options.clients} visitors.\n\n{report(counted, rush, memory.held, memory.growth())}")
    wrong = [each for tally in (alone, warm, counted, rush) for each in tally.wrong]
    wrong += [f"memory grew by {memory.growth():.1%}"] * (memory.growth() > options.growth)
    print("\n".join(wrong[:20]), file=sys.stderr)
    return len(wrong)


@contextlib.contextmanager
def served(url: str | None) -> Iterator[tuple[str, int | None, Callable[[], int]]]:
    """The address, the server's process if it is ours, and what counts the tracebacks that it logged."""
    if url:
        yield url, None, lambda: 0
        return
    with tempfile.NamedTemporaryFile("w+", suffix=".log") as log, process.showcase(log) as (address, server):
        yield address, server, lambda: Path(log.name).read_text(encoding="utf-8").count("Traceback")


def main() -> None:
    """Measure and print; the exit code says whether all went well."""
    line = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    line.add_argument("--clients", type=int, default=50, help="visitors at once")
    line.add_argument("--seconds", type=float, default=120, help="of load, a quarter of them to warm up")
    line.add_argument("--url", help="of a showcase that is served already; its memory is not measured")
    line.add_argument("--pause", type=float, default=1.0, help="mean seconds between a visitor's calls")
    line.add_argument("--limit", type=int, default=2, help="visitors with a text at the page's limit, which takes half a minute")
    line.add_argument("--rush", type=int, default=100, help="calls in one moment at the end; the queue holds 64")
    line.add_argument("--growth", type=float, default=0.1, help="share by which memory may grow after the warm-up")
    options = line.parse_args()
    with served(options.url) as (url, server, tracebacks):
        wrong = asyncio.run(run(url, server, options))
        logged = tracebacks()
    print(f"Wrong: {wrong}; tracebacks in the server's log: {logged}.")
    sys.exit(1 if wrong or logged else 0)


if __name__ == "__main__":
    main()
