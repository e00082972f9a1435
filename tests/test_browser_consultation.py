"""The consultation in a real headless Chromium, over a stand-in pipeline; skipped where ``test_browser`` is."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.browsing import ATTACK, CHROMIUM, PHONE, SLOW, button, error, fits, luminance, playwright
from tests.stand_ins import PLAY, PROPOSAL

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the browser tests need chromium: apt-get install chromium")
PAGE = "consultation", "Analyse contributions"


def sample(page: Any) -> None:
    button(page, "Try a sample").click()
    page.locator("#contributions table").wait_for(timeout=SLOW)


def paste(page: Any, proposal: str, contributions: str) -> None:
    page.get_by_label("Proposal").fill(proposal)
    page.get_by_label("Contributions, one a line").fill(contributions)
    button(page, "Analyse contributions").click()


def downloaded(page: Any, name: str) -> tuple[str, str]:
    with page.expect_download() as download:
        button(page, name).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes().decode("utf-8-sig")


def test_sample_result_filter_and_downloads(page: Any) -> None:
    sample(page)
    assert page.get_by_label("Proposal").input_value() == PROPOSAL
    assert "of 62 contributions" in page.locator("#verdict").inner_text()
    assert page.locator("#shares li").count() == 3
    for side in ("for", "against"):
        assert page.locator(f"#arguments-{side} blockquote").count() == 5
    page.get_by_role("radio", name="Against").check()
    playwright.expect(page.locator("#contributions .chip", has_text="For")).to_have_count(0)
    assert page.locator("#contributions .chip", has_text="Against").count() > 3
    name, text = downloaded(page, "Download as CSV")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert (name, len(rows)) == ("consultation_stances.csv", 62) and {row["stance"] for row in rows} == {"favor", "against", "neutral"}
    name, text = downloaded(page, "Download as JSONL")
    assert name == "consultation_stances.jsonl" and [json.loads(line)["stance"] for line in text.splitlines()] == [
        row["stance"] for row in rows
    ]


def test_similar_contributions_unfold(page: Any) -> None:
    paste(page, PROPOSAL, f"{PLAY}\n{PLAY}!\nno shop keeps its customers")
    page.locator("#arguments-for summary").click(timeout=SLOW)
    page.locator("#arguments-for details li").wait_for()
    assert "Said once" in page.locator("#arguments-against").inner_text()


def test_pasted_words_are_never_markup(page: Any) -> None:
    words = f"{PLAY} {ATTACK}\n{ATTACK} no shop keeps its customers"
    paste(page, ATTACK, words)
    page.locator("#contributions").get_by_text("onerror").first.wait_for(timeout=SLOW)
    page.locator("#shares").get_by_text("onerror").wait_for()
    page.wait_for_timeout(300)


def test_mistakes_become_sentences(page: Any) -> None:
    paste(page, " ", PLAY)
    assert "There is no proposal yet" in error(page)


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_a_phone_never_scrolls_sideways(page: Any) -> None:
    paste(page, "x" * 290, f"{PLAY} {'y' * 300}\nno shop keeps {'z' * 300} its customers")
    page.locator("#contributions table").wait_for(timeout=SLOW)
    assert fits(page)
    sample(page)
    assert fits(page)


@pytest.mark.parametrize("page", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)
def test_light_and_dark_are_legible(page: Any) -> None:
    sample(page)
    style = "e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]"
    body = luminance(page.locator("body").evaluate(style)[1])
    assert (body < 0.05) if page.evaluate("document.body.classList.contains('dark')") else (body > 0.9)
    for piece in ("#shares small", "#shares li b >> nth=0", "#arguments-for blockquote >> nth=0", "#arguments-against small >> nth=0"):
        words = luminance(page.locator(piece).first.evaluate(style)[0])
        assert (max(words, body) + 0.05) / (min(words, body) + 0.05) >= 4.5, piece
    bar = luminance(page.locator("#shares .track > span").first.evaluate(style)[1])
    assert (max(bar, body) + 0.05) / (min(bar, body) + 0.05) >= 3.0


def test_every_field_has_a_name(page: Any) -> None:
    sample(page)
    nameless = """() => [...document.querySelectorAll('textarea, input:not([type=file])')].filter(
        e => e.offsetParent && !e.labels?.length && !e.ariaLabel && !e.title && !e.getAttribute('aria-labelledby')).map(e => e.outerHTML)"""
    assert page.evaluate(nameless) == []
