"""The tools that ``python -m apps --mcp`` offers, to a real client; and the calls over HTTP and ``gradio_client`` that the page shows."""

from __future__ import annotations

import ast
import base64
import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client
from jsonschema import Draft202012Validator

from apps import components, showcase, usage
from apps.about import Usage, about
from tests.recommending import SECRET
from tests.stand_ins import PLAY, PROPOSAL, load
from tests.tools import called, listed

PAGE = "tools", "Open"
ROOT = Path(components.__file__).parents[1]
FILMS = (components.EXAMPLES / "films.csv").read_bytes()
MESSAGES = "text,time\nThe bridge is gone,2026-03-14 06:00\nHello,2026-03-14 07:00\n"
CODE: dict[str, Usage] = {task: said for task in showcase.names() if (said := about(task).usage)}


def data(content: bytes | str, kind: str = "text/csv") -> str:
    """A file as a tool takes it."""
    raw = content.encode() if isinstance(content, str) else content
    return f"data:{kind};base64,{base64.b64encode(raw).decode()}"


@pytest.fixture(scope="module")
def tools(address: str) -> str:
    """Where the tools are."""
    return f"{address}gradio_api/mcp/"


def test_the_tools_are_the_public_endpoints_with_their_arguments(tools: str, client: Client) -> None:
    found = listed(tools)
    api: Any = client.view_api(return_format="dict", print_info=False)
    assert {f"/{name}" for name in found} == set(api["named_endpoints"]) and len(found) >= 11
    for name, tool in found.items():
        Draft202012Validator.check_schema(tool.inputSchema)
        assert len(tool.description) > 60 and "upload_file_to_gradio" not in tool.description
        taken = [each["parameter_name"] for each in api["named_endpoints"][f"/{name}"]["parameters"]]
        assert list(tool.inputSchema["properties"]) == taken
        for argument, schema in tool.inputSchema["properties"].items():
            assert len(schema["description"]) > 15, (name, argument)
            assert "oneOf" in schema or schema["type"] in ("string", "integer", "number", "array"), (name, argument)
    assert found["recommend_from_catalogue"].inputSchema["required"] == ["items"]
    assert found["analyze_consultation"].inputSchema["required"] == ["proposal"]
    assert found["detect_events"].inputSchema["properties"]["threshold"]["oneOf"] == [{"type": "null"}, {"type": "number"}]
    assert found["answer_from_documents"].inputSchema["properties"]["files"]["items"] == {"type": "string"}


CALLS: dict[str, tuple[dict[str, Any], Callable[[Any], Any]]] = {
    "detect_events": ({"text": "Flood after the quake", "types": "quake"}, lambda told: told["events"][0]["trigger"]["text"] == "quake"),
    "monitor_messages": ({"path": data(MESSAGES)}, lambda told: told["messages"] == 2 and told["timeline"]),
    "analyze_opinions": ({"text": "The cake was superb.", "proposal": "Stay"}, lambda told: told["stance"]["label"] == "favor"),
    "analyze_reviews": ({"path": data("text\nThe cake was superb.\n")}, lambda told: told["aspects"][0]["name"] == "cake"),
    "analyze_consultation": ({"proposal": PROPOSAL, "contributions": f"{PLAY}\nno!"}, lambda told: told["contributions"] == 2),
    "extract_relations": ({"text": "Ada founded the Trust."}, lambda told: told["relations"][0]["type"] == "founder of"),
    "extract_relation_graph": ({"texts": ["Ada founded the Trust."], "sources": ["a"]}, lambda told: told["nodes"][0]["sources"] == ["a"]),
    "answer_question": (
        {"question": "Who is the captain?", "context": "Ingrid is the captain."},
        lambda told: told["answers"][0]["answer"],
    ),
    "answer_from_documents": (
        {"question": "Who is the captain?", "files": [data("Ingrid is the captain.", "text/plain"), "data:text/markdown,%23%20Empty"]},
        lambda told: told["answers"][0]["document"]["name"].endswith(".txt"),
    ),
    "converse": ({"message": "I love tea.", "state": None}, lambda told: told["reply"] and told["state"]["turns"] == 1),
    "recommend": ({"history": [], "query": "slow", "k": 2, "year_to": 1990}, lambda told: len(told["items"]) == 2),
    "recommend_from_catalogue": (
        {"items": data(FILMS), "history": ["stalker"], "k": 1, "tags": ["drama"]},
        lambda told: told["items"][0]["item_id"],
    ),
}


def test_every_tool_is_called_below(tools: str) -> None:
    assert set(listed(tools)) - {said.endpoint for said in CODE.values()} <= set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_a_tool_answers(tools: str, name: str) -> None:
    arguments, right = CALLS[name]
    told, *files = called(tools, name, arguments)
    assert right(told)
    assert len(files) == {"monitor_messages": 1, "analyze_reviews": 2, "analyze_consultation": 2}.get(name, 0)
    assert all(httpx.get(file).status_code == 200 for file in files)


def test_a_tool_says_what_the_pipeline_says(tools: str) -> None:
    text = "Flood after the earthquake 🌊 in Valparaíso"
    asked = "Ada founded the Trust. Ilse leads it."
    for name, task, words in (("detect_events", "event-detection", text), ("extract_relations", "relation-extraction", asked)):
        assert called(tools, name, {"text": words}) == [json.loads(json.dumps(load(task)(words).to_dict()))]


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("detect_events", {"text": "x", "threshold": 7}, "The threshold must be a number from 0 to 1, or empty; it is '7'."),
        ("detect_events", {"text": 5}, "5 is not of type 'string'"),
        ("detect_events", {}, "'text' is a required property"),
        ("detect_events", {"text": "explode"}, "Sorry, something went wrong on our side"),
        ("monitor_messages", {"path": "/etc/passwd"}, "A file is given as a data: URL"),
        ("monitor_messages", {"path": "data:text/csv;base64,*"}, "The file is no base64"),
        ("monitor_messages", {"path": data("body\nx\n")}, "no column 'text'"),
        ("answer_from_documents", {"question": "Who?", "files": ["/etc/passwd"]}, "A file is given as a data: URL"),
        (
            "answer_from_documents",
            {"question": "Who?", "files": [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}]},
            "is not of type 'string'",
        ),
        ("recommend_from_catalogue", {"items": data(FILMS), "history": {"a": 1}}, "is not valid under any of the given schemas"),
        ("_monitor", {}, "Unknown tool"),
    ],
)
def test_a_wrong_call_of_a_tool_is_a_sentence(tools: str, name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RuntimeError, match=re.escape(message)) as refused:
        called(tools, name, arguments)
    assert "Traceback" not in str(refused.value) and SECRET not in str(refused.value)


# ---------------------------------------------------------------------------------------------- the code that the page shows


@pytest.mark.parametrize("task", CODE)
def test_the_code_for_http_mcp_and_gradio_client_gives_the_same(
    task: str, address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = (CODE[task], task, address.rstrip("/"))
    config, call = json.loads(usage.mcp_config(*given)), json.loads(usage.mcp_call(*given))
    (told,) = called(config["mcpServers"]["quipu"]["url"], call["name"], call["arguments"])
    assert len(told) > 1 or told["items"]
    lines = subprocess.run(["bash", "-c", usage.http(*given)], capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()
    assert lines[0] == "event: complete" and json.loads(lines[1].removeprefix("data: ")) == [told]
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    scope: dict[str, Any] = {}
    exec(usage.client(*given), scope)
    assert scope["result"] == told and str(told)[:40] in capsys.readouterr().out
    scope["client"].close()


def test_the_examples_of_the_documentation_run(address: str, client: Client) -> None:
    """Each piece of it, of each public endpoint; what a piece ends with is there."""
    text = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
    scope: dict[str, Any] = {"__name__": "documentation"}
    for piece in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        for part in piece.replace(usage.ADDRESS, address.rstrip("/")).split("\n\n"):
            *before, last = ast.parse(part).body
            made = ast.Module(before if isinstance(last, ast.Expr) else [*before, last], [])
            exec(compile(made, "clients.md", "exec"), scope)
            if isinstance(last, ast.Expr):
                assert eval(compile(ast.Expression(last.value), "clients.md", "eval"), scope), part
    scope["client"].close()
    api: Any = client.view_api(return_format="dict", print_info=False)
    assert set(re.findall(r'api_name="(/\w+)"', text)) == set(api["named_endpoints"])
    shell = "\n".join(re.findall(r"```sh\n(EVENT.*?)```", text, re.DOTALL)).replace(usage.ADDRESS, address.rstrip("/"))
    assert "event: complete" in subprocess.run(["bash", "-c", shell], capture_output=True, text=True, timeout=60, check=True).stdout
    assert json.loads(re.findall(r"```json\n(.*?)```", text, re.DOTALL)[0]) == json.loads(usage.mcp_config(CODE["recommendation"], ""))


# ---------------------------------------------------------------------------------------------- what is not served


OURS = ["README.md", "tasks/__init__.py", "apps/__main__.py", ".git", ".gitignore", "requirements.txt", "apps/examples/../style.css"]
THEIRS = ["/etc/passwd", "../../../../etc/passwd", "/proc/self/environ", os.path.expanduser("~/.bashrc")]


@pytest.mark.parametrize("path", [*THEIRS, *OURS, *(f"{ROOT}/{each}" for each in OURS)])
def test_no_file_but_the_examples_is_served(address: str, path: str) -> None:
    for way in ("file=", "file/"):
        for written in (path, path.replace("/", "%2F"), path.replace(".", "%2e")):
            assert httpx.get(f"{address}gradio_api/{way}{written}").status_code in (403, 404), (way, written)


def test_the_examples_are_served(address: str) -> None:
    assert httpx.get(f"{address}gradio_api/file={components.EXAMPLES}/films.csv").content == FILMS


@pytest.mark.parametrize("path", ["file=https://example.com/", "file=HTTP://127.0.0.1:1/", "file/https://example.com/", "proxy=https://a.hf.space/"])
def test_nothing_is_fetched_for_a_visitor(address: str, path: str) -> None:
    refused = httpx.get(f"{address}gradio_api/{path}")
    assert (refused.status_code, refused.json()["detail"]) == (403, "This server fetches nothing from elsewhere.")


def test_a_file_that_is_too_large_is_refused(address: str, tools: str) -> None:
    big = b"text\n" + b"x" * 60_000
    assert httpx.post(f"{address}gradio_api/upload", files={"files": ("m.csv", big)}).status_code == 413
    with pytest.raises(RuntimeError, match="The file has 60,005 bytes; this server takes up to 51,200"):
        called(tools, "monitor_messages", {"path": data(big)})
