"""A real headless Chromium for the browser tests, pages that are watched, and what a hand and an eye do with them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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
ATTACK = '<img src=x onerror="window.attacked=1"><script>window.attacked=2</script>'
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


@contextmanager
def launched() -> Iterator[Any]:
    """A headless Chromium."""
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@contextmanager
def watched(browser: Any, address: str, options: dict[str, Any], ready: str) -> Iterator[Any]:
    """A fresh page with the button ``ready`` on it, which must load nothing from elsewhere, write no errors to its console and never
    run what a user wrote; ``options``: Playwright's, of the context."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    opened = context.new_page()
    outside: list[str] = []
    broken: list[str] = []
    opened.on("request", lambda asked: None if asked.url.startswith((address, "data:", "blob:")) else outside.append(asked.url))
    opened.on("pageerror", lambda error: broken.append(str(error)))
    opened.on("console", lambda said: broken.append(said.text) if said.type == "error" else None)
    opened.goto(address)
    opened.get_by_role("button", name=ready).first.wait_for(timeout=SLOW)
    yield opened
    assert opened.evaluate("window.attacked") is None
    assert (outside, broken) == ([], [])
    context.close()


def button(page: Any, name: str) -> Any:
    """The button of this name."""
    return page.get_by_role("button", name=name)


def error(page: Any) -> str:
    """What the page says went wrong."""
    toast = page.locator(".toast-body.error").first
    toast.wait_for(timeout=SLOW)
    return str(toast.inner_text())


def fits(page: Any) -> bool:
    """Whether the page has no horizontal scroll."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def luminance(colour: str) -> float:
    """The relative luminance of a colour as the browser computes it, ``rgb(…)``."""
    from apps import render

    red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
    return render.luminance(f"#{red:02x}{green:02x}{blue:02x}")


def events(page: Any) -> None:
    """Open the tab of event detection, if it is not open yet."""
    monitor_tab = page.get_by_role("tab", name="Disaster monitor")
    if not monitor_tab.is_visible():
        open_task(page, "Event detection")
        monitor_tab.wait_for(timeout=SLOW)


def detect(page: Any, text: str, types: str = "") -> None:
    """Ask for the events of a text."""
    events(page)
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_label("Your own event types").fill(types)
    button(page, "Detect events").click()


def marks(page: Any) -> list[list[str]]:
    """[word, type] of each highlight, once there are any."""
    page.locator(".highlights .token.highlighted").first.wait_for(timeout=SLOW)
    tokens = page.locator(".highlights .token.highlighted").all()
    return [[token.locator(".text").inner_text(), token.locator(".label").inner_text()] for token in tokens]


def monitor(page: Any, path: Path | None = None, text_column: str = "text") -> None:
    """Give the disaster monitor a file, or take its sample."""
    events(page)
    page.get_by_role("tab", name="Disaster monitor").click()
    if path is None:
        button(page, "Try a sample").click()
        return
    page.locator("input[type=file]").set_input_files(str(path))
    page.locator(".file-preview", has_text=path.stem).wait_for()
    page.get_by_label("Text column").fill(text_column)
    button(page, "Analyse messages").click()


def open_task(page: Any, name: str) -> None:
    """Open the tab of a task, which on a phone may stand in the menu of those that found no room."""
    page.get_by_role("tab").first.wait_for()
    page.wait_for_timeout(500)  # until the page has seen which tabs find room
    tab = page.get_by_role("tab", name=name, exact=True)
    if tab.count() == 0 or not tab.first.is_visible():
        page.locator(".overflow-menu > button").first.click()
        page.locator(".overflow-dropdown").get_by_text(name, exact=True).first.click()
    else:
        tab.first.click()


def opinions(page: Any, text: str, proposal: str = "") -> None:
    """Ask for the opinions of a text, and wait for them."""
    open_task(page, "Opinion analysis")
    page.locator("#opinions").wait_for(state="attached")
    page.get_by_label("Text", exact=True).locator("visible=true").fill(text)
    page.get_by_label("A proposal").fill(proposal)
    button(page, "Analyse opinions").click()
    page.locator("#opinions .words").wait_for(timeout=SLOW)


def reviews(page: Any, path: Path | None = None) -> None:
    """Give the reviews' page a file, or take its sample, and wait for the charts."""
    open_task(page, "Opinion analysis")
    page.get_by_role("tab", name="Reviews").click()
    if path is None:
        button(page, "Try a sample: 60 reviews").click()
    else:
        page.locator("input[type=file]").last.set_input_files(str(path))
        page.locator(".file-preview", has_text=path.stem).wait_for()
        button(page, "Analyse reviews").click()
    page.locator("#aspects section").first.wait_for(timeout=SLOW)


def bar(page: Any, chart: str, name: str) -> Any:
    """A thing's bar in one of the charts of reviews."""
    return page.locator("#aspects section", has_text=chart).locator("button", has_text=name).first
