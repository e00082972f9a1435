"""At the foot of each app: its model cards, and the same call in Python, the terminal, HTTP, ``gradio_client`` and MCP."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

import tasks
from apps.about import About, Usage

TITLE = "Use it in your code"
ADDRESS = "http://127.0.0.1:7860"
USER = "USER:PASSWORD"  # base64 of it stands in the headers below, to be replaced
FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
SERVED = "Served by `python -m apps --mcp`, to any client of the Model Context Protocol:"


def cards(task: str) -> dict[str, str]:
    """The model cards of a task's shipped adapters by the adapters' names, as Markdown without their front matter."""
    folder = Path(next(iter(tasks.__path__))) / task.replace("-", "_")
    found = sorted(path for path in folder.glob("adapter*/README.md") if path.is_file())
    return {path.parent.name.removeprefix("adapter").strip("_") or "shipped": _body(path) for path in found}


def _body(path: Path) -> str:
    whole = path.read_text(encoding="utf-8")
    licence = re.search(r"^license: *(\S+)$", whole, re.MULTILINE)
    text = FRONT.sub("", whole).strip() + (f"\n\nLicence: {licence[1]}" if licence else "")
    # A card's links are within the repository, which the page does not serve: their words stay.
    return re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]+\)", r"\1", text)


def python(usage: Usage, task: str, address: str = ADDRESS, closed: bool = False) -> str:
    """In Python, on one's own machine."""
    return usage.python


def terminal(usage: Usage, task: str, address: str = ADDRESS, closed: bool = False) -> str:
    """In the terminal."""
    return usage.terminal


def http(usage: Usage, task: str, address: str = ADDRESS, closed: bool = False) -> str:
    """Over HTTP in two steps: the first gives the number of the call, the second its result as a server-sent event."""
    call, user = f"{address}/gradio_api/call/v2/{usage.endpoint}", f" -u {USER}" if closed else ""
    body = shlex.quote(json.dumps(usage.arguments, ensure_ascii=False))
    return (
        f"EVENT=$(curl -s{user} {call} -H 'Content-Type: application/json' \\\n  -d {body} | cut -d'\"' -f4)\n"
        f"curl -sN{user} {address}/gradio_api/call/{usage.endpoint}/$EVENT\n"
    )


def client(usage: Usage, task: str, address: str = ADDRESS, closed: bool = False) -> str:
    """With ``gradio_client``."""
    given = "".join(f"    {name}={value!r},\n" for name, value in usage.arguments.items())
    user = ', auth=("USER", "PASSWORD")' if closed else ""
    return (
        "from gradio_client import Client\n\n"
        f'client = Client("{address}/"{user})\n'
        f'result = client.predict(\n{given}    api_name="/{usage.endpoint}",\n)\nprint(result)\n'
    )


def mcp_config(usage: Usage, task: str, address: str = ADDRESS, closed: bool = False) -> str:
    """What a client of the Model Context Protocol is configured with."""
    server: dict[str, Any] = {"url": f"{address}/gradio_api/mcp/"}
    if closed:
        server["headers"] = {"Authorization": "Basic BASE64_OF_USER:PASSWORD"}
    return json.dumps({"mcpServers": {"quipu": server}}, indent=2) + "\n"


def mcp_call(usage: Usage, task: str, address: str = ADDRESS, closed: bool = False) -> str:
    """The tool and its arguments, as such a client calls it."""
    return json.dumps({"name": usage.endpoint, "arguments": usage.arguments}, indent=2, ensure_ascii=False) + "\n"


def fenced(language: str, code: str) -> str:
    """Code as Markdown; its fence is longer than any within it."""
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", code)), default=0))
    return f"{ticks}{language}\n{code.strip()}\n{ticks}"


def pages(usage: Usage, task: str, address: str = ADDRESS, closed: bool = False) -> dict[str, str]:
    """Tab -> Markdown; ``address`` is that of the server, ``closed`` whether it asks who one is."""
    given = (usage, task, address, closed)
    return {
        "Python": fenced("python", python(*given)),
        "Terminal": fenced("sh", terminal(*given)),
        "HTTP": fenced("sh", http(*given)),
        "gradio_client": fenced("python", client(*given)),
        "MCP": f"{SERVED}\n\n{fenced('json', mcp_config(*given))}\n\nThe tool is `{usage.endpoint}`; a call of it:\n\n"
        + fenced("json", mcp_call(*given)),
    }


def address_of(request: gr.Request | None) -> str:
    """Where a visitor's browser found the page, as it told; the default where that is nothing to be written into a command."""
    headers: Any = getattr(request, "headers", None) or {}
    host = str(headers.get("x-forwarded-host") or headers.get("host") or "").split(",")[0].strip()
    scheme = str(headers.get("x-forwarded-proto") or "http").split(",")[0].strip()
    if not re.fullmatch(r"[\w.\-]+(:\d+)?|\[[0-9a-fA-F:]+\](:\d+)?", host) or scheme not in ("http", "https"):
        return ADDRESS
    return f"{scheme}://{host}"


def _filler(task: str, usage: Usage) -> Callable[..., list[str]]:
    def fill(request: gr.Request) -> list[str]:
        closed = getattr(request, "username", None) is not None
        return list(pages(usage, task, address_of(request), closed).values())

    return fill


def build(task: str, said: About) -> None:
    """The section, folded; its code names the visitor's own address once it is unfolded."""
    told = cards(task)
    if not (said.usage or told):
        return
    with gr.Accordion(TITLE, open=False, elem_id=f"use-{task}", elem_classes="usage") as section, gr.Tabs():
        shown = []
        if said.usage:
            for name, text in pages(said.usage, task).items():
                with gr.Tab(name):
                    shown.append(gr.Markdown(text, buttons=["copy"] if name == "MCP" else None))
        for adapter, card in told.items():
            with gr.Tab("Model card" if adapter == "shipped" else f"Model card: {adapter}"):
                gr.Markdown(card, elem_classes="model-card")
    if said.usage:
        section.expand(_filler(task, said.usage), None, shown, api_visibility="private", show_progress="hidden", queue=False)
