"""A visitor's own catalogue in a real headless Chromium, over a stand-in pipeline; skipped where ``test_browser`` is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browsing import ATTACK, CHROMIUM, SLOW, button, error, watched
from tests.wishing import HEAD, MUSIC, OWN, TABLE, box, chosen, made, own, pick, recommend, titles, words

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the browser tests need chromium: apt-get install chromium")
PAGE = "recommendations", "Recommend"


def test_the_example_films_in_one_click(page: Any) -> None:
    page.get_by_role("tab", name="Your own catalogue").click()
    button(page, "Try with 40 example films").click()
    page.locator(f"{TABLE} caption", has_text="films.csv: 40 items and 300 ratings. The first 20:").wait_for(timeout=SLOW)
    assert page.locator(f"{TABLE} tbody tr").count() == 20
    pick(page, "You like", "stalker", "Stalker — Andrei Tarkovsky (1979)")
    recommend(page)
    assert "Solaris" in titles(page, OWN) and page.locator(f"{OWN} circle").count() == 40 - 11
    page.get_by_role("tab", name="Music").click()
    assert chosen(page) == [] and page.locator(f"{MUSIC} .picks").count() == 0


def test_a_catalogue_is_read_with_progress_and_replaced(page: Any, tmp_path: Path) -> None:
    items = made(tmp_path, "plants.csv", HEAD + "1,Fern,,,shade;green,Needs patience.\n2,A lesson in patience,,,,\n3,Moss,,,shade,\n")
    own(page, items, made(tmp_path, "stars.csv", "user_id,item_id,rating\nu,1,4\n"))
    page.locator(".progress-level-inner", has_text="Reading the items").first.wait_for(timeout=SLOW)
    page.locator(f"{TABLE} caption", has_text="plants.csv: 3 items and 1 rating. 2 have no description.").wait_for(timeout=SLOW)
    assert words(page, "green shade", OWN)[0] == "Fern"
    own(page, made(tmp_path, "herbs.csv", HEAD + "9,Mint,,,green,\n"))
    page.locator(f"{TABLE} caption", has_text="herbs.csv: 1 item").wait_for(timeout=SLOW)
    assert page.locator(f"{OWN} .picks").count() == 0 and box(page, "What do you feel like?").input_value() == ""
    assert words(page, "green", OWN) == ["Mint"]


def test_a_wrong_file_is_a_sentence_and_keeps_what_was_there(page: Any, tmp_path: Path) -> None:
    own(page)
    assert "There is no file of items yet" in error(page)
    own(page, made(tmp_path, "good.csv", HEAD + "1,Fern,,,,\n2,Moss,,,,\n"))
    page.locator(f"{TABLE} caption", has_text="good.csv").wait_for(timeout=SLOW)
    for name, content, message in (
        ("bare.csv", "name\nFern\n", 'has no "item_id"'),
        ("twice.csv", HEAD + "1,Fern,,,,\n1,Moss,,,,\n", "have the same id '1'"),
        ("page.pdf", "%PDF", "'page.pdf' is none of .csv"),
        ("broken.jsonl", "{nonsense", "'broken.jsonl'"),
    ):
        own(page, made(tmp_path, name, content))
        page.locator(".toast-body.error", has_text=message).first.wait_for(timeout=SLOW)
        assert "/" not in page.locator(".toast-wrap").inner_text()
    assert "good.csv" in page.locator(TABLE).inner_text() and words(page, "moss", OWN)[0] == "Moss"


def test_a_visitor_sees_no_catalogue_but_their_own(page: Any, browser: Any, address: str, tmp_path: Path) -> None:
    own(page, made(tmp_path, "mine.csv", HEAD + "1,My secret fern,,,,\n"))
    page.locator(f"{TABLE} caption", has_text="mine.csv").wait_for(timeout=SLOW)
    with watched(browser, address, {}, "Recommend") as other:
        other.get_by_role("tab", name="Your own catalogue").click()
        other.get_by_text("Nothing has been read yet.").wait_for(timeout=SLOW)
        own(other, made(tmp_path, "theirs.csv", HEAD + "2,Their moss,,,,\n"))
        other.locator(f"{TABLE} caption", has_text="theirs.csv").wait_for(timeout=SLOW)
        assert words(other, "secret fern", OWN) == ["Their moss"]
        assert "My secret fern" not in other.content()
    assert words(page, "fern", OWN) == ["My secret fern"]


def test_a_large_catalogue_is_searched(page: Any, tmp_path: Path) -> None:
    own(page, made(tmp_path, "many.csv", HEAD + "".join(f"{n},Fern {n},,,green,\n" for n in range(3000))))
    page.locator(f"{TABLE} caption", has_text="many.csv: 3,000 items").wait_for(timeout=SLOW)
    box(page, "Search by title or creator").fill("fern 2718")
    page.get_by_role("button", name="Like: Fern 2718", exact=True).click()
    page.locator(f"{OWN} .told", has_text="10 of 3,000 items, from 1 you like").wait_for(timeout=SLOW)
    assert chosen(page) == ["Fern 2718"] and 1980 < page.locator(f"{OWN} circle").count() <= 2000
    assert "2,000 of 3,000 items are drawn" in page.locator(f"{OWN} figcaption").inner_text()
    page.locator(f"{OWN} button[data-steer=less]").first.click()
    page.locator(f"{OWN} .told", has_text="1 you like and 1 you don't").wait_for(timeout=SLOW)
    recommend(page)
    page.locator(f"{OWN} .told", has_text="1 you like and 1 you don't").wait_for(timeout=SLOW)
    assert len(chosen(page)) == 2 and page.locator(".toast-body.error").count() == 0


def test_a_title_is_never_markup(page: Any, tmp_path: Path) -> None:
    cell = '"' + ATTACK.replace('"', '""') + '"'
    rows = "".join(f"{cell[:-1]}{n}\",{cell[:-1]} fern\",{cell},,{cell},{cell}\n" for n in range(3))
    own(page, made(tmp_path, "<img src=x onerror=window.attacked=3>.csv", HEAD + rows))
    page.locator(f"{TABLE} tbody tr").first.wait_for(timeout=SLOW)
    box(page, "Search by title or creator").fill("fern")
    page.locator("#own-found li").first.wait_for(timeout=SLOW)
    page.locator("#own-found button").first.click()
    page.locator(f"{OWN} .told", has_text="1 you like").wait_for(timeout=SLOW)
    assert len(titles(page, OWN)) == 2 and "onerror" in titles(page, OWN)[0]
    page.locator(f"{OWN} .land .pick").first.hover()
    assert "onerror" in page.locator(f"{OWN} .tip").inner_text()
    assert page.locator("main img").count() == 0
    page.wait_for_timeout(300)
