"""Who may use a served page, and what it never serves: accounts, and a gate before everything that Gradio answers.

Gradio's own login closes the API to strangers, yet not MCP and some lesser addresses; its login page holds a description of every
endpoint; and its API takes no other proof than that page's cookie. The gate closes all, has a login page that tells nothing, and takes a
name and a password with each call too (HTTP's basic scheme).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

VARIABLE = "QUIPU_AUTH"
Accounts = dict[str, str]  # name -> password

# All else is for those who are known. Gradio itself asks for the last one when it starts; whoever else does learns nothing.
OPEN = re.compile(r"/(login/?|favicon\.ico|robots\.txt|gradio_api/startup-events)")
LOGIN = Path(__file__).parent / "assets" / "login.html"
# Gradio would fetch a stranger's address for whoever asks: this machine asks nobody.
OUTSIDE = re.compile(r"/gradio_api/(file[=/]|proxy=)\s*https?:.*", re.IGNORECASE | re.DOTALL)
MCP = "/gradio_api/mcp"
JSON, HTML = b"application/json", b"text/html; charset=utf-8"
BUSY = "The page is busy: too many calls are waiting. Please try again in a minute."


def accounts(given: Sequence[str], environment: Mapping[str, str] | None = None) -> Accounts:
    """The accounts of ``--auth`` and of the environment's ``QUIPU_AUTH``, each "USER:PASSWORD"; raises ``ValueError`` in a sentence."""
    found: Accounts = {}
    for each in [*given, *(os.environ if environment is None else environment).get(VARIABLE, "").split()]:
        name, colon, password = each.partition(":")
        if not (name.strip() and colon and password):
            # Without what was given: it may be a password.
            raise ValueError(f"An account is written USER:PASSWORD, with both of them, in --auth or in {VARIABLE}.")
        if name.strip() in found:
            raise ValueError(f"The user {name.strip()!r} is there twice: give each one password.")
        found[name.strip()] = password
    return found


def basic(name: str, password: str) -> str:
    """The header ``Authorization`` of an account."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


class Gate:
    """ASGI middleware of Gradio's application: refuses what it should not answer."""

    def __init__(self, app: ASGIApp, accounts: Accounts) -> None:
        self._app = app
        self._accounts = accounts
        self._tokens: dict[str, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on, or refuse it."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        path = scope["path"]
        if OUTSIDE.fullmatch(path):
            return await _refuse(send, 403, "This server fetches nothing from elsewhere.")
        if self._accounts and not self._known(scope) and not OPEN.fullmatch(path):
            if path in ("", "/"):
                return await _answer(send, 200, HTML, LOGIN.read_bytes())
            words = "Please log in: send a name and a password with the call, or use the login page."
            return await _refuse(send, 401, words, challenge=path.startswith(MCP))
        await self._app(scope, receive, _polite(send))

    def _known(self, scope: Scope) -> bool:
        """Whether the call is by one of the accounts; one that proves it by a header is given Gradio's cookie for the way on."""
        gradio: Any = scope["app"]
        headers = {key.lower(): value.decode("latin-1") for key, value in scope["headers"]}
        user = self._user(headers.get(b"authorization", ""))
        if user is None:
            return any(value in gradio.tokens for value in _cookies(headers.get(b"cookie", "")))
        token = self._tokens.setdefault(user, secrets.token_urlsafe(16))
        gradio.tokens[token] = user
        others = [pair for pair in scope["headers"] if pair[0].lower() != b"cookie"]
        scope["headers"] = [*others, (b"cookie", f"access-token-unsecure-{gradio.cookie_id}={token}".encode())]
        return True

    def _user(self, authorization: str) -> str | None:
        scheme, _, coded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, _, password = base64.b64decode(coded.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        right = hmac.compare_digest(password.encode(), self._accounts.get(name, "").encode())
        return name if right and name in self._accounts else None


def _cookies(header: str) -> list[str]:
    """The values of the cookies that Gradio's login gives."""
    try:
        return [cookie.value for name, cookie in SimpleCookie(header).items() if name.startswith("access-token-")]
    except CookieError:
        return []


def _polite(send: Send) -> Send:
    """``send``, with a sentence for visitors where Gradio counts the calls in its full queue."""
    refused = False

    async def pass_on(message: Message) -> None:
        nonlocal refused
        if message["type"] == "http.response.start" and message["status"] == 503:
            refused = True
            return await _refuse(send, 503, BUSY)
        if not refused:
            await send(message)

    return pass_on


async def _refuse(send: Send, status: int, words: str, challenge: bool = False) -> None:
    await _answer(send, status, JSON, json.dumps({"detail": words}).encode(), challenge)


async def _answer(send: Send, status: int, kind: bytes, body: bytes, challenge: bool = False) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    headers += [(b"www-authenticate", b'Basic realm="Quipu", charset="UTF-8"')] * challenge
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
