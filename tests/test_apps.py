"""The apps without a browser: pieces that they share, the showcase of all, and the command line."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

import apps.__main__
import tasks
from apps import components, render, showcase, timeline
from apps.disaster_monitor import _label
from apps.event_detection import _detect
from tasks.core.errors import AdapterError, InputError
from tasks.event_detection.task import EventDetection
from tests.pages import building
from tests.serving import ROOT, free_port, read
from tests.stand_ins import load

# ---------------------------------------------------------------------------------------------- shared pieces


def test_pipelines_load_once_whoever_asks() -> None:
    calls: list[str] = []
    gate = threading.Barrier(8)

    def slow(task: str, adapter: str) -> object:
        calls.append(adapter)
        return object()

    lazy = components.LazyPipelines(slow)

    def ask(found: list[object]) -> None:
        gate.wait()
        found.append(lazy("event-detection"))

    found: list[object] = []
    threads = [threading.Thread(target=ask, args=(found,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1 and calls == ["shipped"]
    assert lazy("event-detection", adapter="crisis") is not found[0]


def test_a_failed_load_is_tried_again() -> None:
    answers: list[Any] = [AdapterError("No adapter: get it."), "pipeline"]

    def flaky(task: str, adapter: str) -> object:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    lazy = components.LazyPipelines(flaky)
    with pytest.raises(AdapterError):
        lazy("event-detection")
    assert lazy("event-detection") == "pipeline"


def test_errors_become_sentences(caplog: pytest.LogCaptureFixture) -> None:
    @components.guarded
    def handler(error: Exception) -> None:
        raise error

    with pytest.raises(gr.Error, match="Name one") as known:
        handler(InputError("Name one."))
    assert known.value.print_exception is False
    with caplog.at_level(logging.ERROR), pytest.raises(gr.Error, match="Sorry") as unknown:
        handler(RuntimeError("secret path"))
    assert "secret" not in str(unknown.value) and "secret" in caplog.text


def test_halves_of_characters_are_replaced_before_a_handler_reads_them() -> None:
    @components.guarded
    def handler(*given: object) -> tuple[object, ...]:
        return given

    kept = [{"a": ["b"]}, None]
    text, nested, same, number = handler("half \ud83d 🌊 x", {"\udc00": ["\ud83d", 1]}, kept, 5)
    assert text == "half \ufffd 🌊 x" and nested == {"\ufffd": ["\ufffd", 1]} and same is kept and number == 5


def test_building_the_page_loads_no_model_and_asks_nobody() -> None:
    code = (
        "import sys, os, apps.showcase; apps.showcase.build(); "
        "assert os.environ['GRADIO_ANALYTICS_ENABLED'] == 'False'; "
        "print([name for name in ('torch', 'transformers', 'peft') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=600, check=True)
    assert done.stdout.strip() == "[]"


def test_shipped_examples() -> None:
    rows = read(components.EXAMPLES / "flood_messages.csv")
    assert len(rows) == 40 and all(timeline.parse_time(row["time"]) and row["text"] for row in rows)
    texts = json.loads((components.EXAMPLES / "texts.json").read_text(encoding="utf-8"))
    assert [example["name"] for example in texts] == ["Disaster", "Public health", "Environment", "Education", "Participation"]
    for example in texts:
        render.parse_labels(example["types"])


def test_the_pages_fit_the_real_pipelines(tiny: EventDetection, tiny_messages: EventDetection) -> None:
    text = "The flood hit the town."
    found = _detect(lambda task: tiny, text, "", 0.0)
    assert found.events and "".join(piece for piece, _ in render.segments(found)) == text
    assert {e.type for e in _detect(lambda task: tiny, text, "quake, storm: strong wind", 0.0).events} <= {"quake", "storm"}
    heard: list[float] = []
    labels = _label(tiny_messages, [text, ""] * 20, heard.append)
    assert len(labels) == 40 and labels[1] == (render.NOTHING, None)
    assert heard == sorted(heard) and heard[-1] <= 1


# ---------------------------------------------------------------------------------------------- showcase and command line


def labels_of(demo: gr.Blocks, kind: type[Any]) -> list[str]:
    return [str(getattr(block, "label", "")) for block in demo.blocks.values() if type(block) is kind]


def test_apps_are_found_by_their_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "names", lambda: ["event-detection", "a-task-without-an-app"])
    assert showcase.names() == ["event-detection"]


def test_one_app_has_no_outer_tabs() -> None:
    with building():
        tabs = labels_of(showcase.build(["event-detection"], load), gr.Tab)
    code = ["Python", "Terminal", "HTTP", "gradio_client", "MCP", "Model card", "Model card: crisis"]
    assert tabs == ["Text", "Highlighted", "Table", "JSON", "Disaster monitor", *code]


def test_six_apps_are_six_tabs(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(load: components.Load) -> gr.Blocks:
        demo = components.page()
        with demo:
            gr.Markdown("An app.")
        return demo

    six = ["event-detection", "opinion-analysis", "relation-extraction", "question-answering", "recommendation", "conversation"]
    monkeypatch.setattr(showcase, "names", lambda: six)
    told = SimpleNamespace(build=build, __doc__="An app: of six.\n\nMore.")
    monkeypatch.setattr("apps.showcase.importlib.import_module", lambda name: told)
    with building():
        demo = showcase.build(load=load)
    assert [tab for tab in labels_of(demo, gr.Tab) if "odel card" not in tab] == ["Start", *map(showcase.title, six)]
    cards = [block.value for block in demo.blocks.values() if isinstance(block, gr.HTML) and "<h2>" in str(block.value)]
    assert len(cards) == 6 and "Conversation" in cards[-1] and "<p>An app: of six.</p>" in cards[-1]


def test_an_unknown_app_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert apps.__main__.main(["weather"]) == 2
    known = "conversation, event-detection, opinion-analysis, question-answering, recommendation, relation-extraction"
    assert capsys.readouterr().err == f"There is no app 'weather': choose from {known}.\n"


def test_a_port_in_use_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert apps.__main__.main(["--port", str(port)]) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"Can't listen on 127.0.0.1:{port}") and message.count("\n") == 1
    assert apps.__main__.main(["--port", "70000"]) == 2


def test_the_command_serves_and_says_where() -> None:
    port = free_port()
    command = [sys.executable, "-m", "apps", "event-detection", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == f"Quipu is at http://127.0.0.1:{port}/ (Ctrl+C stops it).\n"
        finally:
            process.terminate()
