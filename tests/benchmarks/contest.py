"""Contenders side by side: each in a process of its own, in turns, so that what else the machine does hits all alike.

A contender is a function that loads and returns its work; ``serve`` runs it in the child, ``hold`` takes the
turns in the parent, which imports nothing heavy (a child's peak memory would begin at its parent's).
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Work = Callable[[], tuple[float, float] | None]  # one turn; wall and processor seconds where it knows better than the clock


@dataclass
class Figures:
    """What was measured of one contender: wall-clock and processor seconds a turn, seconds from the start of its
    process to its first answer, peak memory in MB."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    first: float = 0.0
    memory: float = 0.0

    def median(self) -> float:
        return statistics.median(self.wall)

    def median_cpu(self) -> float:
        return statistics.median(self.cpu)


def serve(load: Callable[[], Work]) -> None:
    """The child's side: load, give a first answer, then one turn for each line on standard input."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    work = load()
    print("{}", file=out, flush=True)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        own = work()
        seconds = [time.perf_counter() - wall, time.process_time() - cpu]
        print(json.dumps(own or seconds), file=out, flush=True)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=out, flush=True)


def hold(module: str, contenders: Sequence[str], arguments: Sequence[str], rounds: int, threads: int) -> dict[str, Figures]:
    """One turn to warm up and ``rounds`` that count, for ``python -m module --serve NAME arguments`` of each name."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "true", "RAYON_NUM_THREADS": str(threads)}
    figures = {name: Figures() for name in contenders}
    children = {}
    try:
        for name in contenders:
            start = time.perf_counter()
            command = [sys.executable, "-m", module, "--serve", name, "--threads", str(threads), *arguments]
            children[name] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
            _answer(children[name])
            figures[name].first = time.perf_counter() - start
        for turn in range(rounds + 1):
            for name, child in children.items():
                wall, cpu = json.loads(_ask(child))
                if turn:
                    figures[name].wall.append(wall)
                    figures[name].cpu.append(cpu)
        for name, child in children.items():
            figures[name].memory = float(child.communicate()[0])
    finally:
        for child in children.values():
            child.kill()
            child.wait()
    return figures


def _ask(child: subprocess.Popen[str]) -> str:
    assert child.stdin is not None
    child.stdin.write("go\n")
    child.stdin.flush()
    return _answer(child)


def _answer(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line:
        raise SystemExit(f"A contender ended early: {' '.join(map(str, child.args))}")  # type: ignore[arg-type]
    return line


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [" | ".join(head), "|".join(["---"] + ["---:"] * (len(head) - 1)), *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |" if "---" not in line else f"|{line}|" for line in lines)
