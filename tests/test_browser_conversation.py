"""The conversation page in a real headless Chromium, over a stand-in agent; skipped where ``test_browser`` is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.browsing import ATTACK, CHROMIUM, PHONE, SLOW, button, error, fits, playwright, watched
from tests.test_browser_questions import NAMELESS

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the browser tests need chromium: apt-get install chromium")
PAGE = "conversation", "Send"
ITEMS, CHAT = "#talk-items", "#talk-chat"


def say(page: Any, message: str) -> None:
    """Send a message with Enter, and wait for the reply."""
    replies = page.locator(f"{CHAT} .bot .said:not(.pending)")
    before = replies.count()
    page.get_by_label("Your message").fill(message)
    page.get_by_label("Your message").press("Enter")
    playwright.expect(replies).to_have_count(before + 1, timeout=SLOW)


def last(page: Any) -> str:
    """What the agent said last."""
    return str(page.locator(f"{CHAT} .bot .said .words").last.inner_text()).strip()


def thing(page: Any, words: str) -> Any:
    """What was understood with these words in it."""
    return page.locator(f"{ITEMS} .thing", has_text=words)


def test_a_chat_is_understood_live_and_no_words_are_markup(page: Any) -> None:
    page.get_by_label("Your message").fill("patience, Ada Osei founded Volta Trust")
    button(page, "Send").click()
    page.locator(f"{CHAT} .pending").wait_for(timeout=SLOW)
    assert button(page, "Send").is_disabled() and page.get_by_label("Your message").input_value() == ""
    hostile = f"I love **tea** {ATTACK} ![i](http://elsewhere.example/i.png)"
    page.get_by_label("Your message").fill(hostile)  # written while waiting, and kept
    thing(page, "founder of").wait_for(timeout=SLOW)
    page.get_by_label("Your message").press("Enter")
    thing(page, "you like").wait_for(timeout=SLOW)
    assert "**tea** <img src=x" in page.locator(f"{CHAT} .user .words").last.inner_text()
    assert page.locator("main img").count() == 0
    assert [each.inner_text() for each in page.locator(f"{ITEMS} .badge").all()] == ["new"]
    names = page.locator("#talk-graph .canvas").evaluate("canvas => canvas.cy.nodes().map(node => node.data('name'))")
    assert {"you", "Ada Osei", "Volta Trust"} <= set(names)
    assert page.locator("#talk-read mark.like").count() == 1
    page.wait_for_function(f"document.querySelector('{CHAT} [data-testid=user]').ariaLabel === 'You'")
    page.get_by_label("Your message").fill("explode")
    button(page, "Send").click()
    assert "Sorry" in error(page)
    playwright.expect(page.get_by_label("Your message")).to_have_value("explode", timeout=SLOW)
    assert page.locator(f"{CHAT} .user").count() == 2


def test_what_is_deleted_or_corrected_by_hand_is_respected(page: Any) -> None:
    say(page, "I love tea, I like rain.")
    thing(page, "rain").get_by_role("button", name="Delete: you like rain").focus()
    page.keyboard.press("Enter")
    playwright.expect(thing(page, "rain")).to_have_count(0, timeout=SLOW)
    assert page.evaluate("document.activeElement.className") == "done"
    button(page, "Undo").click()
    thing(page, "rain").wait_for(timeout=SLOW)
    button(page, "Delete: you like rain").click()
    playwright.expect(thing(page, "rain")).to_have_count(0, timeout=SLOW)
    tea = thing(page, "tea")
    tea.hover()
    assert tea.locator(".from").is_visible() and tea.locator("q").inner_text().endswith("love tea")
    button(page, "Correct: you like tea").click()
    page.get_by_label("About").fill("coffee")
    page.keyboard.press("Enter")
    thing(page, "coffee").wait_for(timeout=SLOW)
    say(page, "What do I like?")
    assert last(page) == "You like coffee."
    assert "coffee" in page.locator("#talk-evidence").inner_text()


def test_a_state_is_saved_and_loaded_by_another_visitor(page: Any, browser: Any, address: str, tmp_path: Path) -> None:
    say(page, "I love tea.")
    with page.expect_download() as saved:
        page.get_by_text("Download it (JSON)").click()
    path = tmp_path / "conversation.json"
    saved.value.save_as(path)
    assert json.loads(path.read_text(encoding="utf-8"))["preferences"][0]["target"] == "tea"
    with watched(browser, address, {}, "Send") as other:
        assert thing(other, "tea").count() == 0
        say(other, "I hate rain.")
        wrong = tmp_path / "wrong.json"
        wrong.write_text("[]")
        other.locator("input[type=file][data-testid*=upload]").last.set_input_files(str(wrong))
        assert "no saved state" in error(other)
        assert thing(other, "rain").count() == 1
        other.locator("input[type=file][data-testid*=upload]").last.set_input_files(str(path))
        thing(other, "tea").wait_for(timeout=SLOW)
        assert thing(other, "rain").count() == 0
        say(other, "What do I like?")
        assert last(other) == "You like tea."


def test_an_example_plays_with_its_document_and_goes_on(page: Any) -> None:
    button(page, "Student: a reading").click()
    offered = page.locator("#talk-offers button")
    playwright.expect(offered).to_have_count(3, timeout=SLOW)
    playwright.expect(page.locator(f"{CHAT} .bot .said:not(.pending)")).to_have_count(3, timeout=SLOW)
    assert page.locator(f"{CHAT} .rests mark").last.inner_text() == "1843"
    assert "the_lamp_of_skarra.md" in page.locator("#talk-evidence").inner_text()
    offered.first.click()
    thing(page, "adventure novels").wait_for(timeout=SLOW)
    playwright.expect(offered).to_have_count(2, timeout=SLOW)
    button(page, "Patient: symptoms").click()
    page.get_by_text("This is no medical advice.").wait_for(timeout=SLOW)
    playwright.expect(page.locator(f"{CHAT} .bot .said:not(.pending)")).to_have_count(3, timeout=SLOW)
    button(page, "Start again").click()
    playwright.expect(page.locator(f"{CHAT} .said")).to_have_count(0, timeout=SLOW)
    assert not page.get_by_text("This is no medical advice.").is_visible() and offered.count() == 0


def test_films_of_ones_own_are_recommended(page: Any) -> None:
    say(page, "What could I listen to?")
    assert "Blue" in page.locator(f"{CHAT} .offered").inner_text()
    page.get_by_text("Your catalogue", exact=True).click()
    button(page, "Try with 40 example films").click()
    button(page, "Use the 400 albums again").wait_for(timeout=SLOW)
    say(page, "What do you recommend?")
    assert page.locator(f"{CHAT} .offered").last.locator("li").count() == 3


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_a_phone_never_scrolls_sideways(page: Any) -> None:
    say(page, "I love " + "X" * 300 + ". A flood in Accra on Monday. Ada Osei founded Volta Trust.")
    thing(page, "flood").wait_for(timeout=SLOW)
    assert fits(page) and page.evaluate(NAMELESS) == []
    button(page, "Correct: Ada Osei").click()
    page.get_by_label("It should be").fill("Tema Trust")
    assert fits(page) and page.evaluate(NAMELESS) == []
    page.get_by_role("button", name="Save", exact=True).click()
    thing(page, "Tema Trust").wait_for(timeout=SLOW)
    tops = [page.locator(each).bounding_box()["y"] for each in (CHAT, "#talk-read", ITEMS, ".talk-tools")]
    assert tops == sorted(tops) and fits(page)
