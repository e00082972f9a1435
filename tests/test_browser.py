"""The page in a real headless Chromium: type, press, look; needs chromium and playwright, else it is skipped.

python -m tests.test_browser docs        takes the README's pictures, with the shipped models
"""

from __future__ import annotations

import csv
import io
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from apps import showcase
from apps.components import EXAMPLES
from tests.browsing import (
    ATTACK,
    CHROMIUM,
    PHONE,
    SLOW,
    button,
    detect,
    error,
    events,
    fits,
    launched,
    luminance,
    marks,
    monitor,
    playwright,
)
from tests.serving import serving

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the browser tests need chromium: apt-get install chromium")


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
    events(page)
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
    events(page)
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


def test_a_card_runs_its_example_and_opens_its_app(page: Any) -> None:
    assert page.get_by_role("tab", name="Start").get_attribute("aria-selected") == "true"
    assert page.locator(".card h2").all_inner_texts() == [showcase.title(task) for task in showcase.names()]
    for task in showcase.names():
        card = page.locator(f"#card-{task}")
        card.get_by_role("button", name="Try it").click()
        card.locator(".block.live").wait_for(timeout=SLOW)
        assert card.locator(".block.live").inner_text().strip()
    assert fits(page)
    page.locator("#card-question-answering").get_by_role("button", name="Open").click()
    page.get_by_role("button", name="Answer", exact=True).wait_for(timeout=SLOW)
    section = page.locator("#use-question-answering")
    section.get_by_role("button", name="Use it in your code").click()
    section.get_by_role("tab", name="MCP").click()
    # The address is the visitor's own, no default.
    section.get_by_text(page.url + "gradio_api/mcp/").wait_for(timeout=SLOW)
    section.get_by_role("tab", name="Model card").click()
    section.get_by_text("Limits", exact=True).wait_for(timeout=SLOW)


@pytest.mark.parametrize("page", [{**PHONE, "color_scheme": "dark"}], indirect=True)
def test_cards_fit_a_phone_and_are_legible_in_the_dark(page: Any) -> None:
    cards = page.locator(".card")
    boxes = [cards.nth(number).bounding_box() for number in range(cards.count())]
    assert len({round(box["x"]) for box in boxes}) == 1 and all(box["width"] <= 390 for box in boxes) and fits(page)
    colour = "e => getComputedStyle(e)"
    behind = luminance(cards.first.evaluate(f"{colour}.backgroundColor"))
    for piece in (".card h2", ".card p.why", ".card blockquote"):
        words = luminance(page.locator(piece).first.evaluate(f"{colour}.color"))
        assert (max(words, behind) + 0.05) / (min(words, behind) + 0.05) >= 4.5, piece


def pictures(folder_of_pictures: str, pipelines: str = "shipped") -> None:
    """Write the README's pictures: an example of each task, read."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), pipelines) as address, launched() as chromium:
        page = chromium.new_page(viewport={"width": 1200, "height": 800}, device_scale_factor=1.5)
        for name, tab, example, found in (
            ("screenshot", "Event detection", "Disaster", ".highlights .highlighted"),
            ("opinions", "Opinion analysis", "Restaurant", "#opinions mark"),
            ("relations", "Relation extraction", "Environment: trees", "#relation-graph canvas"),
            ("questions", "Question answering", "Environment: a wetland", "#question-reply mark"),
        ):
            page.goto(address)
            page.get_by_role("tab", name=tab, exact=True).click(timeout=SLOW)
            page.get_by_text(example, exact=True).locator("visible=true").first.click(timeout=SLOW)
            page.locator(found).first.wait_for(timeout=2 * SLOW)
            if name == "relations":
                page.locator("#relation-graph").scroll_into_view_if_needed()
            page.wait_for_timeout(1000)
            page.screenshot(path=f"{folder_of_pictures}/{name}.png")


if __name__ == "__main__":
    pictures(*sys.argv[1:])
