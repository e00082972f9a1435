"""A real client of the Model Context Protocol, over streamable HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

Return = TypeVar("Return")


def session(url: str, work: Callable[[ClientSession], Awaitable[Return]], headers: dict[str, str] | None = None) -> Return:
    """What ``work`` returns of a session with the server at ``url``."""

    async def run() -> Return:
        async with (
            httpx.AsyncClient(headers=headers or {}, timeout=60, follow_redirects=True) as http,
            streamable_http_client(url, http_client=http) as (read, write, _),
            ClientSession(read, write) as connected,
        ):
            await connected.initialize()
            return await work(connected)

    return asyncio.run(run())


def listed(url: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """The tools by their names."""

    async def work(connected: ClientSession) -> dict[str, Any]:
        return {tool.name: tool for tool in (await connected.list_tools()).tools}

    return session(url, work, headers)


def called(url: str, name: str, arguments: dict[str, Any], headers: dict[str, str] | None = None) -> list[Any]:
    """The outputs of a tool, JSON as what it says; raises ``RuntimeError`` with the tool's own words where it fails."""

    async def work(connected: ClientSession) -> tuple[bool, list[str]]:
        result = await connected.call_tool(name, arguments)
        return bool(result.isError), [part.text for part in result.content if part.type == "text"]

    failed, said = session(url, work, headers)
    if failed:
        raise RuntimeError(" ".join(said))
    return [json.loads(each) if each[:1] in "{[" else each for each in said]
