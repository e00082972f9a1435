"""The page in a real headless Chromium: type, press, look; needs chromium and playwright, else it is skipped.

python -m tests.test_browser docs        takes the README's pictures, with the shipped models
"""

from __future__ import annotations

import csv
import io
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.components import EXAMPLES
from tasks.event_detection.task import FOLDER
from tasks.opinion_analysis.task import FOLDER as OPINIONS
from tests.browsing import CHROMIUM, SLOW, launched, playwright, watched
from tests.test_apps import serving

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the browser tests need chromium: apt-get install chromium")
ATTACK = '<img src=x onerror="window.attacked=1"><script>window.attacked=2</script>'


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("server")) as served:
        yield served


@pytest.fixture
def page(browser: Any, address: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A fresh page; ``indirect`` parameters are Playwright's context options."""
    with watched(browser, address, getattr(request, "param", {}), "Detect events") as opened:
        yield opened
        assert "Traceback" not in opened.content()


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


# ---------------------------------------------------------------------------------------------- opinions


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
    open_task(page, "Opinion analysis")
    page.locator("#opinions").wait_for(state="attached")
    page.get_by_label("Text", exact=True).locator("visible=true").fill(text)
    page.get_by_label("A proposal").fill(proposal)
    button(page, "Analyse opinions").click()
    page.locator("#opinions .words").wait_for(timeout=SLOW)


def reviews(page: Any, path: Path | None = None) -> None:
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
    return page.locator("#aspects section", has_text=chart).locator("button", has_text=name).first


def saved(page: Any, name: str) -> tuple[str, str]:
    """The suggested name and the text of what a download button gives."""
    with page.expect_download() as download:
        button(page, name).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes().decode("utf-8-sig")


def test_opinions_are_marked_and_joined(page: Any) -> None:
    opinions(page, "The cake was superb 🍰. The staff were rude.", "We should stay")
    drawn = page.locator("#opinions mark[data-o]").all()
    assert [mark.inner_text().split() for mark in drawn] == [["cake1+"], ["superb1+"], ["staff2−"], ["rude2−"]]
    page.get_by_text("2 opinions: 1 positive, 1 negative.").wait_for()
    page.get_by_text("Towards the proposal: + in favour").wait_for()
    drawn[2].hover()
    playwright.expect(page.locator("#opinions mark.on")).to_have_text(["staff2−", "rude2−"])
    drawn[1].focus()
    page.mouse.move(0, 0)
    page.keyboard.press("Shift+Tab")
    playwright.expect(page.locator("#opinions mark.on")).to_have_text(["cake1+", "superb1+"])
    page.get_by_role("tab", name="Table").click()
    page.get_by_role("gridcell").filter(has_text="4–8").first.wait_for()
    page.get_by_role("tab", name="JSON").click()
    page.get_by_text("coverage").first.wait_for()


def test_an_example_of_a_proposal_tells_the_stance(page: Any) -> None:
    open_task(page, "Opinion analysis")
    page.get_by_text("Citizens' proposal", exact=True).click()
    page.get_by_text("Towards the proposal").wait_for(timeout=SLOW)
    page.get_by_text("Museum", exact=True).click()
    playwright.expect(page.get_by_text("Towards the proposal")).to_have_count(0)


def test_an_opinion_is_never_markup(page: Any, tmp_path: Path) -> None:
    opinions(page, f"{ATTACK} superb cake ${{window.attacked=3}} {{{{this}}}} {ATTACK}")
    assert ATTACK in page.locator("#opinions .words").inner_text()
    page.get_by_role("tab", name="Table").click()
    cell = ATTACK.replace('"', '""')
    (tmp_path / "r.csv").write_text(f'text,time\n"superb cake {cell}","{cell}"\n')
    reviews(page, tmp_path / "r.csv")
    bar(page, "Most praised", "cake").click()
    page.locator("#review-examples").get_by_text("onerror").first.wait_for(timeout=SLOW)
    page.wait_for_timeout(300)


def test_reviews_charts_examples_and_downloads(page: Any) -> None:
    reviews(page, EXAMPLES / "reviews.csv")
    page.get_by_text("60 reviews with").wait_for()
    page.locator("#review-times svg").get_by_text("05 Jan").first.wait_for()
    weeks = [words for words in page.locator("#review-times svg text").all_text_contents() if words.endswith(("Jan", "Feb"))]
    assert weeks[:5] == ["05 Jan", "12 Jan", "19 Jan", "26 Jan", "02 Feb"]  # in the order of time, not of the alphabet
    bar(page, "Most blamed", "coffee").click()
    shown = page.locator("#review-examples")
    playwright.expect(shown.locator("caption")).to_contain_text("coffee", timeout=SLOW)
    assert "Awful" in shown.inner_text() and shown.locator("tbody tr").count() == 2
    assert shown.locator("tbody tr").first.locator("td").nth(2).inner_text() == "5"  # the row in the file
    assert page.get_by_role("radio", name="negative").is_checked()
    bar(page, "Most praised", "staff").focus()
    page.keyboard.press("Enter")
    playwright.expect(shown.locator("caption")).to_contain_text("staff", timeout=SLOW)
    page.get_by_role("radio", name="negative").check()
    playwright.expect(shown).to_contain_text("Rude", timeout=SLOW)
    page.get_by_label("Examples about").click()
    page.get_by_role("option", name="lift").click()
    playwright.expect(shown).to_contain_text("broken", timeout=SLOW)
    name, table = saved(page, "Download the table (CSV)")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert (name, len(rows), rows[9]["stars"]) == ("reviews_opinions.csv", 60, "5")
    name, lines = saved(page, "Download all that was found (JSONL)")
    assert name == "reviews_opinions.jsonl" and len(lines.splitlines()) == 60


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_opinions_fit_a_phone(page: Any) -> None:
    opinions(page, "The cake was superb. " * 20 + "x" * 400, "We should stay")
    assert fits(page)
    page.locator("#opinions mark[data-o]").nth(4).tap()
    playwright.expect(page.locator("#opinions mark.on")).to_have_text(["cake3+", "superb3+"])
    page.get_by_role("tab", name="Table").click()
    assert fits(page)
    reviews(page)
    bar(page, "Most praised", "staff").tap()
    page.locator("#review-examples table").wait_for()
    assert fits(page)


@pytest.mark.parametrize("page", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)
def test_opinions_are_legible_in_light_and_dark(page: Any) -> None:
    opinions(page, "The cake was superb. The staff were rude.")
    style = "e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]"
    body = luminance(page.locator("body").evaluate(style)[1])
    for piece in page.locator("#opinions mark[data-o], #opinions .legend").all():
        words = luminance(piece.evaluate(style)[0])
        assert (max(words, body) + 0.05) / (min(words, body) + 0.05) >= 4.5
    for badge in page.locator("#opinions mark b").all():
        label, behind = (luminance(colour) for colour in badge.evaluate(style))
        assert (label + 0.05) / (behind + 0.05) >= 4.5


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


@pytest.mark.skipif(not (OPINIONS / "adapter" / "head.safetensors").exists(), reason="the adapter for opinions is not trained yet")
def test_the_shipped_opinions_in_the_page(browser: Any, shipped_address: str) -> None:
    page = browser.new_page()
    page.goto(shipped_address)
    opinions(page, "The staff were friendly, but the toilets were dirty.", "We should clean the toilets")
    assert page.locator("#opinions mark.target", has_text="staff").count() == 1
    page.get_by_text("Towards the proposal").wait_for()
    reviews(page)
    bar(page, "Most praised", "staff").click()
    playwright.expect(page.locator("#review-examples caption")).to_contain_text("staff", timeout=SLOW)
    page.close()


def pictures(folder_of_pictures: str, pipelines: str = "shipped") -> None:
    """Write the README's pictures: an example of each task, read."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), pipelines) as address, launched() as chromium:
        page = chromium.new_page(viewport={"width": 1200, "height": 800}, device_scale_factor=1.5)
        for name, tab, example, found in (
            ("screenshot", "Event detection", "Disaster", ".highlights .highlighted"),
            ("opinions", "Opinion analysis", "Restaurant", "#opinions mark"),
            ("relations", "Relation extraction", "Environment: trees", "#relation-graph canvas"),
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
