"""Opinions and reviews in a real headless Chromium, over a stand-in pipeline; skipped where ``test_browser`` is."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from apps.components import EXAMPLES
from tests.browsing import (
    ATTACK,
    CHROMIUM,
    PHONE,
    SLOW,
    bar,
    button,
    fits,
    luminance,
    open_task,
    opinions,
    playwright,
    reviews,
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the browser tests need chromium: apt-get install chromium")


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
