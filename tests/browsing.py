"""A real headless Chromium for the browser tests, and pages that are watched."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="the browser tests need playwright: pip install playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SLOW = 60_000  # ms, for what runs a model


@contextmanager
def launched() -> Iterator[Any]:
    """A headless Chromium."""
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@contextmanager
def watched(browser: Any, address: str, options: dict[str, Any], ready: str, console: bool = False) -> Iterator[Any]:
    """A fresh page with the button ``ready`` on it, which must load nothing from elsewhere, never break and never run what a
    user wrote; ``options``: Playwright's, of the context; ``console``: errors that are written there break it too."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    opened = context.new_page()
    outside: list[str] = []
    broken: list[str] = []
    opened.on("request", lambda asked: None if asked.url.startswith((address, "data:", "blob:")) else outside.append(asked.url))
    opened.on("pageerror", lambda error: broken.append(str(error)))
    if console:
        opened.on("console", lambda said: broken.append(said.text) if said.type == "error" else None)
    opened.goto(address)
    opened.get_by_role("button", name=ready).wait_for(timeout=SLOW)
    yield opened
    assert opened.evaluate("window.attacked") is None
    assert (outside, broken) == ([], [])
    context.close()
