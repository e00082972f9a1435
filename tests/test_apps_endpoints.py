"""Endpoints of event detection and of the disaster monitor, over a small stand-in pipeline."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file

from apps import components, render
from apps.uploads import MAX_ROWS
from tests.benchmarks.visitor import ANSWERED, Outcome, Visitor, endpoints
from tests.serving import read, write


def test_only_what_a_program_can_use_is_public(client: Client) -> None:
    api = client.view_api(return_format="dict", print_info=False)
    assert isinstance(api, dict)
    opinions = ["/analyze_consultation", "/analyze_opinions", "/analyze_reviews"]
    answers = ["/answer_from_documents", "/answer_question"]
    items = ["/recommend", "/recommend_from_catalogue"]
    relations = ["/extract_relation_graph", "/extract_relations"]
    assert sorted(api["named_endpoints"]) == [*opinions, *answers, "/converse", "/detect_events", *relations, "/monitor_messages", *items]


def test_detect_events(client: Client) -> None:
    found = client.predict("Flood after the earthquake 🌊", api_name="/detect_events")
    assert [(e["type"], e["trigger"]["start"]) for e in found["events"]] == [("flood", 0), ("earthquake", 16)]
    own = client.predict("Flood after the quake", "quake: the ground shakes", 0.5, api_name="/detect_events")
    assert [e["trigger"]["text"] for e in own["events"]] == ["quake"]
    assert client.predict("Flood", "", 0.9, api_name="/detect_events")["events"] == []
    assert client.predict("  ", api_name="/detect_events") == {"text": "  ", "events": [], "coverage": {"read": 2, "total": 2}}


def test_half_of_a_character_is_answered(address: str) -> None:
    async def ask() -> Outcome:
        async with httpx.AsyncClient(base_url=address, trust_env=False) as http:
            return await Visitor(http, await endpoints(http)).ask("detect_events", ("Half \ud83d, flood",))

    found = asyncio.run(ask())  # as a browser sends it: Gradio's own client can't
    assert found.kind == ANSWERED and found.value[0]["text"] == "Half \ufffd, flood"
    assert found.value[0]["events"][0]["trigger"] == {"start": 8, "end": 13, "text": "flood"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x" * 200_001,), "has 200,001 characters; the page reads up to 200,000"),
        (("x", "a, a"), "'a' is there twice"),
        (("x", "", 7), "must be a number from 0 to 1"),
        (("x", "", "high"), "must be a number from 0 to 1"),
        ((5,), "must be strings"),
        (("explode",), "Sorry, something went wrong on our side"),
    ],
)
def test_detect_events_refuses_in_a_sentence(client: Client, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(Exception, match=re.escape(message)) as refused:
        client.predict(*arguments, api_name="/detect_events")
    assert "Traceback" not in str(refused.value) and "secret" not in str(refused.value)


def test_monitor_messages(client: Client) -> None:
    sample = handle_file(str(components.EXAMPLES / "flood_messages.csv"))
    report, path = client.predict(sample, "text", "time", api_name="/monitor_messages")
    assert report["messages"] == 40 == sum(report["counts"].values())
    assert sum(map(sum, report["timeline"]["counts"].values())) == 40
    assert {burst["type"] for burst in report["timeline"]["bursts"]} == {"infrastructure and utilities", "donations and volunteering"}
    rows = read(Path(path))
    assert Path(path).name == "flood_messages_labelled.csv"
    assert list(rows[0]) == ["id", "time", "place", "text", "event_type", "score"]
    assert [row["id"] for row in rows] == [str(i) for i in range(1, 41)]
    assert rows[15]["event_type"] == "infrastructure and utilities"
    assert rows[39]["text"].startswith("'=HYPERLINK")


def test_monitor_without_times(client: Client, tmp_path: Path) -> None:
    report, _ = client.predict(write(tmp_path, "m.txt", "the bridge is gone\nhello\n"), "text", "time", api_name="/monitor_messages")
    assert report == {"messages": 2, "counts": {"infrastructure and utilities": 1, render.NOTHING: 1}, "timeline": None}
    report, _ = client.predict(write(tmp_path, "m.csv", "text,time\nthe bridge,soon\n"), "text", "time", api_name="/monitor_messages")
    assert report["timeline"] is None


@pytest.mark.parametrize(
    ("name", "content", "columns", "message"),
    [
        ("m.csv", "body\nhello\n", ("text", "time"), "no column 'text'"),
        ("m.csv", "text\nhello\n", ("text", "when"), "no column 'when' for the time"),
        ("m.csv", b"text\n\xff\xfe\xfa\n", ("text", "time"), "not UTF-8"),
        ("m.csv", "", ("text", "time"), "holds no rows"),
        ("m.jsonl", "{nonsense\n", ("text", "time"), "not JSON"),
        ("m.parquet", "nonsense", ("text", "time"), "not a Parquet file"),
        ("m.png", b"\x89PNG", ("text", "time"), "Invalid file type"),
        ("m.txt", "x\n" * (MAX_ROWS + 1), ("text", "time"), "has 20,001 messages; the page reads up to 20,000"),
    ],
)
def test_monitor_refuses_in_a_sentence(
    client: Client, tmp_path: Path, name: str, content: str | bytes, columns: tuple[str, str], message: str
) -> None:
    with pytest.raises(Exception, match=re.escape(message)) as refused:
        client.predict(write(tmp_path, name, content), *columns, api_name="/monitor_messages")
    assert "Traceback" not in str(refused.value)


def test_monitor_without_a_file(client: Client) -> None:
    with pytest.raises(Exception, match="There is no file yet"):
        client.predict(None, "text", "time", api_name="/monitor_messages")
