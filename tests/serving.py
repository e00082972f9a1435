"""Pages in a process of their own, over stand-ins, and the files that are given to them and come back.

python -m tests.serving PORT [words | shipped | tools | closed | crowded | consultation | relations | questions | recommendations
                               | conversation]
"""

from __future__ import annotations

import contextlib
import csv
import io
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
from gradio_client import handle_file

from apps import components, consultation, conversation, question_answering, recommendation, relation_extraction, showcase
from apps.launching import Limits
from tests import conversing, recommending
from tests.answering import Finder
from tests.stand_ins import Crowded, load, load_crowd

ROOT = Path(__file__).parents[1]
ACCOUNTS = {"ada": "s3cret:ü", "bo": "other"}
OPTIONS: dict[str, dict[str, Any]] = {
    "tools": {"mcp": True, "limits": Limits(file_size="50kb")},
    "closed": {"mcp": True, "accounts": ACCOUNTS},
    "crowded": {"mcp": True, "limits": Limits(queue_size=1, concurrency=1)},
}


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file that came back."""
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def write(folder: Path, name: str, content: str | bytes) -> Any:
    """A file to be given to an endpoint."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return handle_file(str(path))


@contextlib.contextmanager
def serving(folder: Path, *options: str) -> Iterator[str]:
    """The address of what ``main`` serves with ``options``, in a process of its own; ends it, and checks that it asked nobody.

    In its own process because Gradio leaves sockets and loops open, and itself meets warnings that fail our tests.
    """
    log = folder / "server.log"
    command = [sys.executable, "-m", "tests.serving", str(free_port()), *options]
    with log.open("w") as errors, subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            assert address, log.read_text()
            yield address
        finally:
            server.terminate()
    assert "LOOKUP" not in log.read_text()


def free_port() -> int:
    """A port at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def main(port: str, name: str = "words") -> None:
    """Serve a page, and tell of every host that is looked up."""
    lookup = socket.getaddrinfo

    def watched(host: Any, *arguments: Any, **options: Any) -> Any:
        if host not in (None, "", "localhost", "127.0.0.1"):
            print("LOOKUP", host, file=sys.stderr, flush=True)
        return lookup(host, *arguments, **options)

    socket.getaddrinfo = watched
    demo = built(name)
    with contextlib.redirect_stdout(sys.stderr):  # where Gradio tells of its MCP server
        address = components.serve(demo, "127.0.0.1", int(port), **OPTIONS.get(name, {}))[0]
    print(address, flush=True)
    demo.block_thread()


def built(name: str) -> gr.Blocks:
    """The showcase over stand-ins or over the ``shipped`` pipelines, or one page alone."""
    if name == "consultation":
        demo = components.page()
        with demo:
            consultation.tab(load_crowd)
        return demo
    if name == "relations":
        return relation_extraction.build(lambda task: Crowded())
    if name == "questions":
        finder = Finder()
        return question_answering.build(lambda task: finder)
    if name == "recommendations":
        music = recommending.Recommender(recommendation.shipped().items)
        return recommendation.build(lambda task: music, recommending.make)
    if name == "conversation":
        agent, reader = conversing.Agent(), Finder()
        return conversation.build(lambda task: agent if task == "conversation" else reader, recommending.make)
    if name == "crowded":
        return crowded()
    return showcase.build(load=components.PIPELINES if name == "shipped" else components.LazyPipelines(load))


def crowded() -> gr.Blocks:
    """A page whose only button takes as long as it is told to."""

    def wait(seconds: float) -> str:
        """Wait.

        Args:
            seconds: For how long.
        """
        time.sleep(seconds)
        return "waited"

    demo = components.page()
    with demo:
        seconds = gr.Number(3, label="Seconds")
        gr.Button("Wait").click(wait, seconds, gr.Textbox(label="Waited"), api_name="wait")
    return demo


if __name__ == "__main__":
    main(*sys.argv[1:])
