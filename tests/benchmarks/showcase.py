"""The showcase from a cold start on two cores: seconds until each app answers first, memory with all apps, and where the time goes.

    python -m tests.benchmarks.showcase

Every figure comes from processes of its own with ``--threads`` threads, and is the median of ``--rounds``:

- served: ``python -m apps`` started, until its page is answered, and a first call of each endpoint after the other, over HTTP;
- alone: the same for one app, whose first answer is counted from the start of its process;
- steps: what a process does in that time, one import and one pipeline after the other, with the memory that it holds after each;
- sessions: what each new visitor costs, as Gradio keeps sessions and as ``apps.sessions`` does.

The page cache is as it is; for a machine that was just started, run it first thing. Aims: a first answer within 10 s, and 1.5 GB.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.benchmarks import process
from tests.benchmarks.contest import table
from tests.benchmarks.visitor import ANSWERED, PATIENCE, Visitor, endpoints

TEXT = "Ann Lee founded Acme in Lima after the earthquake. The food there was great, but the service was slow."
CALLS: dict[str, tuple[str, tuple[Any, ...]]] = {  # task: its endpoint, and what it is given
    "event-detection": ("detect_events", (TEXT,)),
    "opinion-analysis": ("analyze_opinions", (TEXT, "Restaurants should open later.")),
    "question-answering": ("answer_question", ("Who founded Acme?", TEXT)),
    "recommendation": ("recommend", (["kind-of-blue-miles-davis"], [], "slow, nocturnal, with strings")),
    "relation-extraction": ("extract_relations", (TEXT,)),
    "conversation": ("converse", (TEXT,)),
}
MODULES = ("gradio", "apps.showcase", "torch", "transformers", "peft")  # in the order in which a server meets them
Taken = list[tuple[str, float, float]]  # step, seconds, MB held after it


def steps(tasks: Sequence[str]) -> Taken:
    """A child's side: do what a server does, step by step."""
    import importlib

    taken: Taken = []

    @contextlib.contextmanager
    def step(name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        taken.append((name, time.perf_counter() - start, process.resident(os.getpid())))

    for module in MODULES:
        with step(f"import {module}"):
            importlib.import_module(module)
        if module == "apps.showcase":
            with step("build the page"):
                sys.modules[module].build()
    from tasks import pipeline
    from tasks.core.encoder import default_folder, load_encoder

    with step("check the encoder's SHA-256"):
        default_folder()
    with step("load the encoder"):
        load_encoder()
    with apart(step):
        for task in tasks:
            with step(f"{task}: load"):
                made = pipeline(task)
            with step(f"{task}: first call"):
                first_call(task, made)
            with step(f"{task}: next call"):
                first_call(task, made)
    return taken


@contextlib.contextmanager
def apart(step: Callable[[str], contextlib.AbstractContextManager[None]]) -> Iterator[None]:
    """Count merges of adapters, inside of what loads them, as steps too."""
    from tasks.core import adapters

    merge = adapters.merge

    def watched(encoder: Any, folder: Path) -> Any:
        with step(f"(of which merging {folder.parent.name}/{folder.name})"):
            return merge(encoder, folder)

    adapters.merge = watched
    try:
        yield
    finally:
        adapters.merge = merge


def first_call(task: str, made: Any) -> None:
    """What the endpoint of a task asks of its pipeline."""
    _, given = CALLS[task]
    if task == "question-answering":
        made(question=given[0], context=given[1])
    elif task == "recommendation":
        made(history=[*given[0]], query=given[2])
    elif task == "conversation":
        made.reply(*given)
    else:
        made(given[0])


def child(options: argparse.Namespace, tasks: Sequence[str]) -> Taken:
    """The steps of a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.showcase", "--steps", *tasks]
    done = subprocess.run(command, env=environment(options.threads), stdout=subprocess.PIPE, check=True, text=True, cwd=process.ROOT)
    return [(name, seconds, held) for name, seconds, held in json.loads(done.stdout.splitlines()[-1])]


def environment(threads: int) -> dict[str, str]:
    """That of a machine with so many cores."""
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "RAYON_NUM_THREADS": str(threads)}


def served(options: argparse.Namespace, tasks: Sequence[str]) -> Taken:
    """The page of these apps until it is served, then a first call of each: seconds of each, and memory after it."""
    start = time.perf_counter()
    with open(os.devnull, "w") as log, process.showcase(log, *tasks, environment=environment(options.threads)) as (address, server):
        taken: Taken = [("page", time.perf_counter() - start, process.memory(server))]
        taken += asyncio.run(first_answers(address, tasks, server))
        taken.append(("peak", 0.0, process.peak(server)))
    return taken


async def first_answers(address: str, tasks: Sequence[str], server: int) -> Taken:
    """Seconds of a first call of each task, over HTTP, and the server's memory after it."""
    async with httpx.AsyncClient(base_url=address, timeout=PATIENCE, trust_env=False) as http:
        visitor, taken = Visitor(http, await endpoints(http)), Taken()
        for task in tasks:
            outcome = await visitor.ask(*CALLS[task])
            if outcome.kind != ANSWERED:
                raise SystemExit(f"{task} gave no answer: {outcome.value}")
            taken.append((task, outcome.seconds, process.memory(server)))
    return taken


def median(rounds: Sequence[Taken]) -> Taken:
    """The median of each step over rounds of the same steps."""
    return [
        (each[0][0], statistics.median(one[1] for one in each), statistics.median(one[2] for one in each))
        for each in zip(*rounds, strict=True)
    ]


def report(together: Taken, alone: dict[str, Taken]) -> str:
    """First answers and memory, of every app alone and of all in one process."""
    first = {name: (seconds, held) for name, seconds, held in together}
    rows = []
    for task, taken in alone.items():
        (_, page, _), (_, answer, _), (_, _, peak) = taken
        rows.append([task, f"{page:.1f}", f"{page + answer:.1f}", f"{peak:,.0f}", f"{first[task][0]:.1f}", f"{first[task][1]:,.0f}"])
    head = ["", "page served s", "first answer s", "peak MB", "among all: first call s", "memory then MB"]
    lines = [table(head, rows), ""]
    total = sum(seconds for _, seconds, _ in together)
    lines.append(f"All in one process: page after {first['page'][0]:.1f} s, every app answered after {total:.1f} s,")
    lines.append(f"peak {first['peak'][1]:,.0f} MB.")
    return "\n".join(lines[:2]) + "\n" + " ".join(lines[2:])


def report_steps(taken: Taken) -> str:
    """Where the time goes."""
    return table(["step", "s", "memory after it MB"], [[name, f"{seconds:.2f}", f"{held:,.0f}"] for name, seconds, held in taken])


def known() -> list[str]:
    """The tasks that have an app, and of which a call is known."""
    from tasks import names

    return [task for task in names() if task in CALLS and (process.ROOT / "apps" / f"{task.replace('-', '_')}.py").exists()]


def report_sessions(rounds: int = 50) -> str:
    """Python's memory and milliseconds of a new visitor's session, each the mean of ``rounds``."""
    from gradio.state_holder import SessionState

    from apps import showcase
    from apps.sessions import Session

    demo, rows = showcase.build(), []
    for name, make in (("Gradio's", SessionState), ("ours", Session)):
        start = time.perf_counter()
        for _ in range(rounds):
            make(demo)
        seconds = (time.perf_counter() - start) / rounds
        tracemalloc.start()
        kept = [make(demo) for _ in range(rounds)]
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        rows.append([name, f"{held / len(kept) / 1e6:.2f}", f"{1000 * seconds:.2f}"])
    return table(["a new session", "MB", "ms"], rows)


def main() -> None:
    """Measure and print."""
    line = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    line.add_argument("--threads", type=int, default=2, help="processor threads of each process")
    line.add_argument("--rounds", type=int, default=3, help="processes for each figure; the median is shown")
    line.add_argument("--tasks", nargs="+", choices=CALLS, help="only these apps")
    line.add_argument("--steps", nargs="*", help=argparse.SUPPRESS)
    options = line.parse_args()
    if options.steps is not None:
        print(json.dumps(steps(options.steps)))
        return
    print(f"{report_sessions()}\n")
    tasks, rounds = options.tasks or known(), range(options.rounds)
    together = median([served(options, tasks) for _ in rounds])
    alone = {task: median([served(options, [task]) for _ in rounds]) for task in tasks}
    print(f"{report(together, alone)}\n\n{report_steps(median([child(options, tasks) for _ in rounds]))}")


if __name__ == "__main__":
    main()
