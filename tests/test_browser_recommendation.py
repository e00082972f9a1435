"""The page of recommendation in a real headless Chromium, over a stand-in pipeline; skipped where ``test_browser`` is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.browsing import CHROMIUM, PHONE, SLOW, button, error, fits, luminance, playwright
from tests.serving import read
from tests.wishing import HEAD, MUSIC, OWN, TABLE, box, chosen, made, own, pick, recommend, titles, words

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the browser tests need chromium: apt-get install chromium")
PAGE = "recommendations", "Recommend"
NAMELESS = """() => [...document.querySelectorAll('textarea, input:not([type=file])')].filter(
    e => e.offsetParent && !e.labels?.length && !e.ariaLabel && !e.title && !e.getAttribute('aria-labelledby')).map(e => e.outerHTML)"""


def test_a_picked_album_gives_cards_with_reasons_and_a_map(page: Any) -> None:
    pick(page, "You like", "kind of", "Kind of Blue — Miles Davis (1959)")
    recommend(page)
    assert len(titles(page)) == 10 and "Kind of Blue" not in titles(page)
    card = page.locator(f"{MUSIC} .picks > li").first
    assert card.locator(".rank").inner_text() == "1" and " · 19" in card.locator(".by").inner_text()
    assert "because you like Kind of Blue" in card.locator(".why").inner_text() and "%" in card.locator(".why").inner_text()
    bars = [bar.bounding_box()["width"] for bar in page.locator(f"{MUSIC} .picks .bar i").all()]
    assert bars[0] > 50 and bars == sorted(bars, reverse=True)
    land = page.locator(f"{MUSIC} .land")
    assert land.locator("circle").count() == 400 - 11
    assert land.locator("button.pick").all_inner_texts() == [str(n) for n in range(10, 0, -1)]
    assert land.locator(".you").inner_text() == "you" and land.locator(".like").count() == 1
    assert "10 of 400 items, from 1 you like." in page.locator(f"{MUSIC} .told").inner_text()


def test_words_and_an_empty_wish(page: Any) -> None:
    recommend(page)
    page.get_by_text("Name something you like, or write what you feel like.").wait_for(timeout=SLOW)
    found = words(page, "trumpet at night")
    assert len(found) == 10 and "your words" in page.locator(f"{MUSIC} .why").first.inner_text()
    box(page, "What do you feel like?").fill("x" * 501)
    recommend(page)
    assert "has 501 characters; the page reads up to 500" in error(page)


def test_more_and_less_steer_with_the_keyboard(page: Any) -> None:
    first, second, *_ = words(page, "slow strings")
    page.get_by_role("button", name=f"More like this: {first}").focus()
    page.keyboard.press("Enter")
    page.locator(f"{MUSIC} .told", has_text="1 you like").wait_for(timeout=SLOW)
    assert first not in titles(page) and len(chosen(page)) == 1 and chosen(page)[0].startswith(first)
    page.wait_for_function("document.activeElement.classList.contains('told')")  # the focus is not lost with the button
    less = page.get_by_role("button", name=f"Less like this: {second}")
    less.focus()
    page.keyboard.press("Space")
    page.locator(f"{MUSIC} .told", has_text="1 you like, 1 you don't and your words").wait_for(timeout=SLOW)
    assert second not in titles(page) and [each.split(" — ")[0] for each in chosen(page)] == [first, second]
    assert page.locator(f"{MUSIC} .land .dislike").count() == 1


def test_a_search_finds_without_accents_and_likes(page: Any) -> None:
    box(page, "Search by title or creator").press_sequentially("bjork hom")
    line = page.locator("#music-found li")
    line.filter(has_text="Homogenic — Björk (1997)").wait_for(timeout=SLOW)
    button(page, "Like: Homogenic").first.click()
    page.locator(f"{MUSIC} .told", has_text="1 you like").wait_for(timeout=SLOW)
    assert chosen(page) == ["Homogenic — Björk (1997)"] and "because you like Homogenic" in page.locator(f"{MUSIC} .why").first.inner_text()
    box(page, "Search by title or creator").fill("qqqq")
    page.get_by_text("Nothing has such a title or creator.").wait_for(timeout=SLOW)
    box(page, "Search by title or creator").fill("")
    playwright.expect(page.locator("#music-found")).to_be_hidden(timeout=SLOW)


def test_examples_run_when_they_are_pressed(page: Any) -> None:
    page.get_by_text("Rock, but not this kind", exact=True).click()
    page.locator(f"{MUSIC} .told", has_text="2 you like and 2 you don't").wait_for(timeout=SLOW)
    assert len(chosen(page)) == 4 and len(titles(page)) == 10
    page.get_by_text("Words alone", exact=True).click()
    page.locator(f"{MUSIC} .told", has_text="items, from your words.").wait_for(timeout=SLOW)
    assert chosen(page) == []


def test_filters_and_how_many(page: Any) -> None:
    words(page, "slow strings")
    page.get_by_text("Years and tags", exact=True).click()
    box(page, "From the year").fill("1960")
    box(page, "To the year").fill("1965")
    pick(page, "With all these tags", "jazz", "jazz (38)")
    recommend(page)
    page.locator(f"{MUSIC} .told", has_text="no more fit the filters").wait_for(timeout=SLOW)
    years = [line.split(" · ")[1] for line in page.locator(f"{MUSIC} .by").all_inner_texts()]
    assert 0 < len(years) < 10 and all(1960 <= int(year) <= 1965 for year in years)
    box(page, "To the year").fill("1950")
    recommend(page)
    assert "The years go from 1960 to 1950" in error(page)
    box(page, "From the year").fill("1800")
    box(page, "To the year").fill("1801")
    recommend(page)
    page.get_by_text("Nothing in the catalogue fits").wait_for(timeout=SLOW)
    assert not button(page, "Download the list (CSV)").is_visible()


def test_an_item_in_both_lists_is_a_sentence(page: Any) -> None:
    for label in ("You like", "You don't like"):
        pick(page, label, "kind of", "Kind of Blue — Miles Davis (1959)")
    recommend(page)
    assert "is in both lists: you can't like it and not like it" in error(page)


def test_a_slider_that_is_let_go_recommends_again(page: Any) -> None:
    words(page, "slow strings")
    track = page.locator("input[type=range]:visible").last.bounding_box()
    page.mouse.click(track["x"] + track["width"] / 2, track["y"] + track["height"] / 2)
    page.locator(f"{MUSIC} .told").filter(has_text=re.compile("2[456] of 400 items")).wait_for(timeout=SLOW)


def test_the_list_is_downloaded(page: Any) -> None:
    listed = words(page, "slow strings")
    with page.expect_download() as table:
        button(page, "Download the list (CSV)").click()
    rows = read(Path(table.value.path()))
    assert table.value.suggested_filename == "recommendations.csv" and [row["title"] for row in rows] == listed
    with page.expect_download() as plain:
        button(page, "Download the list (JSON)").click()
    told = json.loads(Path(plain.value.path()).read_text(encoding="utf-8"))
    assert [each["title"] for each in told["items"]] == listed and told["items"][0]["because"]


def test_the_map_tells_names_and_leads_to_cards(page: Any) -> None:
    listed = words(page, "slow strings")
    land = page.locator(f"{MUSIC} .land")
    dot = land.locator("circle").nth(200)
    spot = dot.bounding_box()
    page.mouse.move(spot["x"] + 2, spot["y"] + 2)
    assert land.locator(".tip").is_visible() and " — " in land.locator(".tip").inner_text()
    page.mouse.move(5, 5)
    playwright.expect(land.locator(".tip")).to_be_hidden()
    mark = land.get_by_role("button", name="7: ")
    mark.focus()
    assert land.locator(".tip").inner_text().startswith(listed[6])
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.dataset.n === '7'")
    inside = page.locator(f"{MUSIC} .picks > li").nth(6)
    page.wait_for_timeout(800)  # it glides
    assert inside.bounding_box()["y"] < 900


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_a_phone_never_scrolls_sideways(page: Any, tmp_path: Path) -> None:
    assert fits(page)
    words(page, "slow strings")
    assert fits(page) and page.evaluate(NAMELESS) == []
    page.wait_for_function(f"document.querySelector('{MUSIC} .told').getBoundingClientRect().top < innerHeight / 2")  # it is shown
    box(page, "Search by title or creator").fill("a")
    page.locator("#music-found li").first.wait_for(timeout=SLOW)
    assert fits(page)
    long = "W" * 300
    own(page, made(tmp_path, "y" * 100 + ".csv", HEAD + "".join(f"{n}{long},{long},{long},,{long},{long}\n" for n in range(3))))
    page.locator(f"{TABLE} tbody tr").first.wait_for(timeout=SLOW)
    assert fits(page)
    box(page, "Search by title or creator").fill("www")
    page.locator("#own-found button").first.click()
    page.locator(f"{OWN} .told", has_text="1 you like").wait_for(timeout=SLOW)
    page.locator(f"{OWN} .land .pick").first.tap()
    assert fits(page) and page.evaluate(NAMELESS) == []


@pytest.mark.parametrize("page", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)
def test_light_and_dark_are_legible(page: Any) -> None:
    def contrast(selector: str, paper: float) -> float:
        ink = luminance(page.locator(selector).first.evaluate("e => getComputedStyle(e).color"))
        return (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05)

    words(page, "slow strings")
    paper = luminance(page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor"))
    assert (paper < 0.05) if page.evaluate("document.body.classList.contains('dark')") else (paper > 0.9)
    parts = [".told", "h3", ".by", ".score", ".about", ".chips li", ".why li", ".why span", ".steer button", "figcaption", ".how"]
    assert {part: contrast(f"{MUSIC} {part}", paper) >= 4.5 for part in parts} == dict.fromkeys(parts, True)
    dot = page.locator(f"{MUSIC} circle").first.evaluate("e => getComputedStyle(e).fill")
    assert abs(luminance(dot) - paper) > 0.1
