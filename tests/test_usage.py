"""The code that each app shows is true in Python and in the terminal, over the shipped models; the rest of it: ``test_mcp``."""

from __future__ import annotations

import functools
import json
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

import tasks
import tasks.__main__
from apps import showcase, usage
from apps.about import About, Usage, about

ROOT = Path(tasks.__file__).parent.parent
FIRST = {
    "conversation": "Noted: you like Kind of Blue. ",
    "event-detection": "Catastrophe earthquake",
    "opinion-analysis": "rooms lovely positive",
    "question-answering": "Ingrid Foss",
    "recommendation": "",
    "relation-extraction": "Marie Curie |",
}


@pytest.fixture(scope="module")
def once() -> Any:
    """``tasks.pipeline`` that loads each task once for all tests here."""
    return functools.cache(tasks.pipeline)


def code_of(task: str) -> Usage:
    said = about(task).usage
    assert said
    return said


@pytest.mark.parametrize("task", showcase.names())
def test_the_python_code_runs_and_prints(task: str, once: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(tasks, "pipeline", once)
    exec(usage.python(code_of(task), task), {})
    printed = capsys.readouterr().out
    assert printed.strip() and printed.startswith(FIRST.get(task, ""))


@pytest.mark.parametrize("task", showcase.names())
def test_the_terminal_command_runs(task: str, once: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def load(name: str, model: Any, adapter: Any, revision: Any, device: Any) -> Any:
        assert (model, adapter, revision, device) == (None, "shipped", None, None)
        return once(name)

    monkeypatch.setattr(tasks.__main__, "pipeline", load)
    words = shlex.split(usage.terminal(code_of(task), task).replace("\\\n", ""))
    assert words[:4] == ["python", "-m", "tasks", task]
    assert tasks.__main__.main(words[3:]) == 0
    assert json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("task", tasks.names())
def test_every_adapter_has_its_card_on_the_page(task: str) -> None:
    adapters = {path.parent.name for path in ROOT.glob(f"tasks/{task.replace('-', '_')}/adapter*/README.md")}
    cards = usage.cards(task)
    assert {"adapter" if name == "shipped" else f"adapter_{name}" for name in cards} == adapters
    for card in cards.values():
        assert "## Limits" in card and "Licence: " in card and "base_model:" not in card and "](..".strip() not in card


def request(**headers: str) -> Any:
    return SimpleNamespace(headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({"host": "127.0.0.1:7901"}, "http://127.0.0.1:7901"),
        ({"host": "[::1]:80"}, "http://[::1]:80"),
        ({"host": "inner", "x_forwarded_host": "quipu.example, inner", "x_forwarded_proto": "https"}, "https://quipu.example"),
        ({"host": "a'; rm -rf ~ #"}, usage.ADDRESS),
        ({"host": "a", "x_forwarded_proto": "javascript"}, usage.ADDRESS),
        ({}, usage.ADDRESS),
    ],
)
def test_the_address_is_the_visitors_and_no_command(headers: dict[str, str], address: str) -> None:
    assert usage.address_of(request(**headers)) == address
    assert usage.address_of(None) == usage.ADDRESS


def test_code_for_a_closed_page_logs_in() -> None:
    pages = usage.pages(code_of("event-detection"), "event-detection", "https://quipu.example", closed=True)
    assert pages["HTTP"].count("-u USER:PASSWORD https://quipu.example/gradio_api/call/") == 2
    assert 'Client("https://quipu.example/", auth=("USER", "PASSWORD"))' in pages["gradio_client"]
    assert '"Authorization": "Basic BASE64_OF_USER:PASSWORD"' in pages["MCP"]


def test_a_fence_is_longer_than_what_it_holds() -> None:
    assert usage.fenced("sh", "a ``` b") == "````sh\na ``` b\n````"


def test_a_task_without_code_and_cards_has_no_section(monkeypatch: pytest.MonkeyPatch) -> None:
    def unfolded(*_: Any, **__: Any) -> Any:
        raise AssertionError("there is nothing to unfold")

    monkeypatch.setattr(usage, "cards", lambda task: {})
    monkeypatch.setattr(gr, "Accordion", unfolded)
    usage.build("nothing", About("What."))
    with pytest.raises(AssertionError):
        usage.build("nothing", about("event-detection"))
