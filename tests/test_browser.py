"""The page in a real headless Chromium: type, press, look; needs chromium and playwright, else it is skipped.

python -m tests.test_browser docs/screenshot.png        takes the README's picture, with the shipped models
"""

from __future__ import annotations

import csv
import io
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.components import EXAMPLES
from tasks.event_detection.task import FOLDER
from tests.test_apps import serving

playwright = pytest.importorskip("playwright.sync_api", reason="the browser tests need playwright: pip install playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the browser tests need chromium: apt-get install chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
ATTACK = '<img src=x onerror="window.attacked=1"><script>window.attacked=2</script>'
SLOW = 60_000  # ms, for what runs a model


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("server")) as served:
        yield served


@pytest.fixture
def page(browser: Any, address: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A fresh page; ``indirect`` parameters are Playwright's context options. It must load nothing from elsewhere, and never break."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **getattr(request, "param", {})})
    opened = context.new_page()
    outside: list[str] = []
    broken: list[str] = []
    opened.on("request", lambda asked: None if asked.url.startswith((address, "data:", "blob:")) else outside.append(asked.url))
    opened.on("pageerror", lambda error: broken.append(str(error)))
    opened.goto(address)
    button(opened, "Detect events").wait_for(timeout=SLOW)
    yield opened
    assert opened.evaluate("window.attacked") is None
    assert "Traceback" not in opened.content()
    assert (outside, broken) == ([], [])
    context.close()


def button(page: Any, name: str) -> Any:
    return page.get_by_role("button", name=name)


def detect(page: Any, text: str, types: str = "") -> None:
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_label("Your own event types").fill(types)
    button(page, "Detect events").click()


def marks(page: Any) -> list[list[str]]:
    """[word, type] of each highlight, once there are any."""
    page.locator(".highlights .token.highlighted").first.wait_for(timeout=SLOW)
    tokens = page.locator(".highlights .token.highlighted").all()
    return [[token.locator(".text").inner_text(), token.locator(".label").inner_text()] for token in tokens]


def monitor(page: Any, path: Path | None = None, text_column: str = "text") -> None:
    page.get_by_role("tab", name="Disaster monitor").click()
    if path is None:
        button(page, "Try a sample").click()
        return
    page.locator("input[type=file]").set_input_files(str(path))
    page.locator(".file-preview", has_text=path.stem).wait_for()
    page.get_by_label("Text column").fill(text_column)
    button(page, "Analyse messages").click()


def error(page: Any) -> str:
    toast = page.locator(".toast-body.error").first
    toast.wait_for(timeout=SLOW)
    return str(toast.inner_text())


def fits(page: Any) -> bool:
    """Whether the page has no horizontal scroll."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_type_press_and_see(page: Any) -> None:
    detect(page, "Flood after the earthquake 🌊, then evacuation.")
    assert marks(page) == [["Flood", "flood"], ["earthquake", "earthquake"], ["evacuation", "evacuation"]]
    page.get_by_text("3 events of 3 types.").wait_for()
    page.get_by_role("tab", name="Table").click()
    page.get_by_role("gridcell").filter(has_text="evacuation").first.wait_for()
    page.get_by_role("tab", name="JSON").click()
    page.get_by_text("coverage").first.wait_for()


def test_own_types(page: Any) -> None:
    detect(page, "The quake broke the dam.", "quake: the ground shakes\ndam")
    assert marks(page) == [["quake", "quake"], ["dam", "dam"]]


def test_own_threshold(page: Any) -> None:
    assert not page.get_by_label("Threshold", exact=True).first.is_visible()
    page.get_by_label("Set the threshold myself").check()
    field = page.get_by_role("spinbutton").first
    field.fill("0.9")
    field.press("Tab")
    detect(page, "Flood.")
    page.get_by_text("No event found.").wait_for()


def test_no_text_and_no_event_are_friendly(page: Any) -> None:
    detect(page, "   ")
    page.get_by_text("There is no text yet").wait_for()
    detect(page, "A calm day.")
    page.get_by_text("No event found.").wait_for()
    assert page.locator(".toast-body.error").count() == 0


def test_an_example_runs_when_it_is_pressed(page: Any) -> None:
    page.get_by_text("Disaster", exact=True).first.click()
    assert ["earthquake", "earthquake"] in marks(page)


def test_mistakes_become_sentences(page: Any) -> None:
    detect(page, "Flood.", "a, a")
    assert "The type 'a' is there twice" in error(page)


def test_an_unexpected_error_is_an_apology(page: Any) -> None:
    detect(page, "explode")
    shown = error(page)
    assert "Sorry, something went wrong on our side" in shown and "secret" not in shown


def test_a_text_is_never_markup(page: Any) -> None:
    detect(page, f"{ATTACK} flood", f"flood\n{ATTACK}")
    assert ["flood", "flood"] in marks(page)
    page.get_by_role("tab", name="Table").click()
    page.get_by_role("gridcell").filter(has_text="onerror").first.wait_for()
    page.get_by_role("tab", name="JSON").click()
    page.wait_for_timeout(300)


def test_monitor_counts_filters_and_downloads(page: Any) -> None:
    monitor(page, EXAMPLES / "flood_messages.csv")
    page.get_by_text("40 messages").first.wait_for(timeout=SLOW)
    page.locator("#timeline svg").get_by_text("09:00 ▲").wait_for()
    page.locator("svg").get_by_text("infrastructure and utilities").first.wait_for()
    assert "infrastructure and utilities" in page.locator("#bursts").inner_text()
    page.get_by_label("Sample messages of type").click()
    page.get_by_role("option", name="caution and advice").click()
    playwright.expect(page.locator("#samples .chip", has_text="donations")).to_have_count(0)
    assert "stay away from the river banks" in page.locator("#samples").inner_text()
    with page.expect_download() as download:
        button(page, "Download the labelled file").click()
    assert download.value.suggested_filename == "flood_messages_labelled.csv"
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_bytes().decode("utf-8-sig"))))
    assert len(rows) == 40 and rows[15]["event_type"] == "infrastructure and utilities" and rows[15]["place"] == "Alderbrook"


def test_monitor_sample_in_one_click(page: Any) -> None:
    monitor(page)
    page.get_by_text("40 messages,").first.wait_for(timeout=SLOW)
    assert "flood_messages" in page.locator(".file-preview").inner_text()


def test_a_message_is_never_markup(page: Any, tmp_path: Path) -> None:
    cell = ATTACK.replace('"', '""')
    path = tmp_path / "messages.csv"
    path.write_text(f'"{cell}",time\n"the bridge {cell}","{cell}"\n"bridge",2026-03-14 06:00\n')
    monitor(page, path, ATTACK)
    page.locator("#samples").get_by_text("onerror").first.wait_for(timeout=SLOW)
    page.wait_for_timeout(300)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.csv", b"body\nhello\n", "has no column 'text'"),
        ("m.csv", b"text\n\xff\xfe\n", "is not UTF-8 text"),
        ("m.jsonl", b"{nonsense", "is not JSON"),
    ],
)
def test_a_wrong_file_becomes_a_sentence(page: Any, tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    monitor(page, tmp_path / name)
    assert message in error(page)


PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_a_phone_never_scrolls_sideways(page: Any) -> None:
    assert fits(page)
    detect(page, "Flood. " * 30 + "x" * 400, "flood\n" + "a very long name of a type " * 6)
    marks(page)
    assert fits(page)
    page.get_by_role("tab", name="Table").click()
    assert fits(page)
    monitor(page)
    page.locator("#timeline svg").get_by_text("09:00 ▲").wait_for(timeout=SLOW)
    page.locator("#samples table").wait_for()
    assert fits(page)


def luminance(colour: str) -> float:
    from apps import render

    red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
    return render.luminance(f"#{red:02x}{green:02x}{blue:02x}")


@pytest.mark.parametrize("page", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)
def test_light_and_dark_are_legible(page: Any) -> None:
    detect(page, "Flood after the earthquake.")
    marks(page)
    style = "e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]"
    dark = page.evaluate("document.body.classList.contains('dark')")
    body = luminance(page.locator("body").evaluate(style)[1])
    assert (body < 0.05) if dark else (body > 0.9)
    label, behind = (luminance(colour) for colour in page.locator(".highlights .label").first.evaluate(style))
    assert (label + 0.05) / (behind + 0.05) >= 4.5
    for piece in (".highlights .text >> nth=0", ".masthead p", "button[role=tab][aria-selected=true]", "label span >> nth=0"):
        words = luminance(page.locator(piece).first.evaluate(style)[0])
        assert (max(words, body) + 0.05) / (min(words, body) + 0.05) >= 4.5, piece


def test_every_field_has_a_name(page: Any) -> None:
    nameless = """() => [...document.querySelectorAll('textarea, input:not([type=file])')].filter(
        e => e.offsetParent && !e.labels?.length && !e.ariaLabel && !e.title && !e.getAttribute('aria-labelledby')).map(e => e.outerHTML)"""
    assert page.evaluate(nameless) == []
    monitor(page)
    page.locator("#samples table").wait_for(timeout=SLOW)
    assert page.evaluate(nameless) == []


@pytest.fixture(scope="module")
def shipped_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The showcase over the shipped pipelines."""
    with serving(tmp_path_factory.mktemp("shipped"), "shipped") as served:
        yield served


def trained(folder: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not (FOLDER / folder / "head.safetensors").exists(), reason=f"{folder} is not trained yet")


@trained("adapter")
def test_the_shipped_triggers_in_the_page(browser: Any, shipped_address: str) -> None:
    page = browser.new_page()
    page.goto(shipped_address)
    detect(page, "A 7.1 earthquake struck off Valparaíso on Sunday and thousands were evacuated.")
    assert {"earthquake", "struck", "evacuated"} & {word for word, _ in marks(page)}
    page.close()


@trained("adapter_crisis")
def test_the_shipped_monitor_in_the_page(browser: Any, shipped_address: str) -> None:
    page = browser.new_page()
    page.goto(shipped_address)
    monitor(page)
    page.get_by_text("40 messages,").first.wait_for(timeout=2 * SLOW)
    page.locator("#timeline svg").get_by_text("09:00 ▲").wait_for()  # the bridge falls, the power fails
    assert len(set(page.locator("#samples .chip").all_inner_texts())) >= 5
    page.close()


def picture(path: str, pipelines: str = "shipped") -> None:
    """Write the README's picture: the first example, read."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), pipelines) as address, playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = chromium.new_page(viewport={"width": 1200, "height": 800}, device_scale_factor=1.5)
        page.goto(address)
        page.get_by_text("Disaster", exact=True).first.click(timeout=SLOW)
        marks(page)
        page.wait_for_timeout(1000)
        page.screenshot(path=path)
        chromium.close()


if __name__ == "__main__":
    picture(*sys.argv[1:])
