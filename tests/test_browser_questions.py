"""The page of question answering in a real headless Chromium, over a stand-in pipeline; skipped where ``test_browser`` is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browsing import ATTACK, CHROMIUM, PHONE, SLOW, button, error, fits, luminance, playwright, watched
from tests.document_files import pdf

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the browser tests need chromium: apt-get install chromium")
PAGE = "questions", "Answer"
TEXT = "🌊 In Accra the Volta Trust was founded by Ada Osei. It is known for boats."
WHO = "Who founded the Volta Trust in Accra by"
REPLY, CARDS, SHELF = "#question-reply", "#question-cards", "#question-shelf"
NAMELESS = """() => [...document.querySelectorAll('textarea, input:not([type=file])')].filter(
    e => e.offsetParent && !e.labels?.length && !e.ariaLabel && !e.title && !e.getAttribute('aria-labelledby')).map(e => e.outerHTML)"""


def ask(page: Any, question: str, text: str = TEXT) -> None:
    """Ask with Enter, and wait for what is told."""
    page.get_by_label("Text to read").fill(text)
    page.get_by_label("Question", exact=True).fill(question)
    page.get_by_label("Question", exact=True).press("Enter")
    page.locator(f"{REPLY} :is(.said, .silent)").wait_for(timeout=SLOW)


def documents(page: Any) -> None:
    page.get_by_role("tab", name="Documents").click()
    button(page, "Add to my documents").wait_for()


def add(page: Any, *paths: Path) -> None:
    """Give files, and wait until the page has taken them."""
    page.locator("input[type=file]").set_input_files([str(path) for path in paths])
    for path in paths:
        page.locator(".file-preview", has_text=path.stem).wait_for(timeout=SLOW)
    button(page, "Add to my documents").click()


def ask_documents(page: Any, question: str) -> None:
    page.get_by_label("Question about the documents").fill(question)
    page.get_by_label("Question about the documents").press("Enter")


def made(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_an_answer_is_told_and_its_places_are_marked(page: Any) -> None:
    ask(page, WHO)
    assert page.locator(f"{REPLY} .said .best").inner_text() == "Ada Osei"
    assert "likely" in page.locator(f"{REPLY} .how").inner_text()
    (marked,) = page.locator(f"{REPLY} mark.best").all()
    assert marked.evaluate("mark => mark.firstChild.data") == "Ada Osei"
    bars = [bar.bounding_box()["width"] for bar in page.locator(f"{REPLY} .answers .bar i").all()]
    assert bars and bars == sorted(bars, reverse=True)
    assert page.locator(f"{REPLY} .coverage").inner_text().endswith("of the text read: all.")
    words = page.locator(f"{REPLY} .words > span")
    assert words.evaluate("box => [...box.childNodes].map(n => n.firstChild?.data ?? n.data).join('')") == TEXT


def test_silence_looks_like_no_answer(page: Any) -> None:
    ask(page, WHO)
    border = "e => [getComputedStyle(e).borderTopStyle, getComputedStyle(e).borderLeftColor]"
    said = page.locator(f"{REPLY} .said").evaluate(border)
    ask(page, "How expensive is one boat in Accra?")
    page.locator(f"{REPLY} .silent").wait_for(timeout=SLOW)
    assert page.locator(f"{REPLY} .best").first.inner_text() == "The text does not say."
    silent = page.locator(f"{REPLY} .silent").evaluate(border)
    assert silent[0] == "dashed" != said[0] and silent[1] != said[1]
    assert page.locator(f"{REPLY} mark.best").count() == 0 and page.locator(f"{REPLY} mark").count() >= 1


def test_what_is_missing_is_said(page: Any) -> None:
    button(page, "Answer").click()
    page.get_by_text("There is no question yet").wait_for(timeout=SLOW)
    page.get_by_label("Question", exact=True).fill("Who?")
    button(page, "Answer").click()
    page.get_by_text("There is no text yet").wait_for(timeout=SLOW)
    page.get_by_label("Question", exact=True).fill("x" * 301)
    page.get_by_label("Text to read").fill("x")
    button(page, "Answer").click()
    assert "has 301 characters" in error(page)


def test_an_example_runs_and_a_press_shows_a_place_in_a_long_text(page: Any) -> None:
    page.get_by_text("Democracy: a citizens' council", exact=True).click()
    page.locator(f"{REPLY} .said").wait_for(timeout=SLOW)
    assert page.get_by_label("Question", exact=True).input_value() == "How were the members chosen?"
    ask(page, WHO, "Nothing is here.\n" * 60 + TEXT + "\nNothing." * 60 + " The Volta Trust lies in Tema by Accra.")
    page.locator(f"{REPLY} mark", has_text="Tema").wait_for(timeout=SLOW)
    page.wait_for_function(f"document.querySelector('{REPLY} .words').scrollTop > 1000")  # the best is in sight by itself
    seen = f"""n => {{ const box = document.querySelector('{REPLY} .words').getBoundingClientRect();
        const mark = document.querySelector(`{REPLY} mark[data-n="${{n}}"]`).getBoundingClientRect();
        return mark.top >= box.top - 1 && mark.bottom <= box.bottom + 1; }}"""
    assert page.evaluate(seen, 1) and not page.evaluate(seen, 2)
    line = page.locator(f"{REPLY} .answers button", has_text="Tema")
    line.focus()
    page.keyboard.press("Enter")
    number = line.get_attribute("data-jump")
    page.wait_for_function(f"document.activeElement.dataset.n === '{number}'")
    assert page.evaluate(seen, number)


def test_two_files_one_of_them_broken_with_progress_and_evidence(page: Any, tmp_path: Path) -> None:
    documents(page)
    ferry = made(tmp_path, "ferry.pdf", pdf("A page about patience.", "The ferry to Halden costs 35 crowns."))
    add(page, ferry, made(tmp_path, "broken.pdf", b"nonsense"))
    page.locator(".progress-level-inner", has_text="Indexing").first.wait_for(timeout=SLOW)
    row = page.locator(f"{SHELF} tbody tr")
    row.wait_for(timeout=SLOW)
    assert row.all_inner_texts()[0].split() == ["ferry.pdf", "1", "added"]
    assert "'broken.pdf' is damaged or no PDF" in page.locator(f"{SHELF} .problems").inner_text()
    ask_documents(page, "What costs the ferry to Halden?")
    page.locator(f"{CARDS} .cards").wait_for(timeout=SLOW)
    assert page.locator(f"{CARDS} .said .best").inner_text() == "35"
    card = page.locator(f"{CARDS} .cards li").first
    assert card.locator("cite").inner_text() == "ferry.pdf, page 2" and card.locator("mark.best").inner_text() == "35"
    assert "The ferry to Halden costs 35 crowns." in card.locator("blockquote").inner_text()
    ask_documents(page, "Which colour does paint have?")
    page.locator(f"{CARDS} .silent", has_text="The documents do not say.").wait_for(timeout=SLOW)
    add(page, ferry)
    page.get_by_text("unchanged: nothing to do").wait_for(timeout=SLOW)


def test_the_example_documents_answer_and_are_removed_again(page: Any) -> None:
    documents(page)
    ask_documents(page, "Who?")
    page.get_by_text("There are no documents yet: add some").wait_for(timeout=SLOW)
    button(page, "Add to my documents").click()
    assert "There are no files yet" in error(page)
    button(page, "Try with three short example documents").click()
    page.locator(f"{CARDS} .said").wait_for(timeout=SLOW)
    assert page.locator(f"{CARDS} cite").first.inner_text() == "ferry_plan.md"
    assert page.locator(f"{SHELF} tbody tr").count() == 3
    page.get_by_label("Document to remove").click()
    page.get_by_role("option", name="ferry_plan.md").click()
    button(page, "Remove it").click()
    playwright.expect(page.locator(f"{SHELF} tbody tr")).to_have_count(2, timeout=SLOW)
    assert page.locator(f"{CARDS} .cards").count() == 0  # what was told of it is gone, too
    ask_documents(page, "How many passengers can the new ferry carry?")
    page.locator(f"{CARDS} .question").wait_for(timeout=SLOW)
    assert "ferry_plan.md" not in page.locator(CARDS).inner_text()
    button(page, "Start anew").click()
    page.locator(SHELF).get_by_text("There are no documents yet.").wait_for(timeout=SLOW)
    assert not button(page, "Remove it").is_visible()


def test_a_visitor_sees_no_documents_but_their_own(page: Any, browser: Any, address: str, tmp_path: Path) -> None:
    documents(page)
    add(page, made(tmp_path, "mine.txt", "The key of Halden is 4711."))
    page.locator(f"{SHELF} tbody tr").wait_for(timeout=SLOW)
    with watched(browser, address, {}, "Answer") as other:
        documents(other)
        ask_documents(other, "What is the key of Halden?")
        other.get_by_text("There are no documents yet: add some").wait_for(timeout=SLOW)
        add(other, made(tmp_path, "theirs.txt", "A lock of Tarrin has 9 wheels."))
        other.locator(f"{SHELF} tbody tr").wait_for(timeout=SLOW)
        ask_documents(other, "What is the key of Halden?")
        other.locator(f"{CARDS} .question").wait_for(timeout=SLOW)
        assert "4711" not in other.locator("body").inner_text() and "mine.txt" not in other.locator("body").inner_text()
    ask_documents(page, "What is the key of Halden?")
    page.locator(f"{CARDS} .said", has_text="4711").wait_for(timeout=SLOW)


def test_a_text_is_never_markup(page: Any, tmp_path: Path) -> None:
    ask(page, "Who founded the Volta Trust?", ATTACK + " Ada <b>Osei</b> founded the Volta Trust. " + ATTACK)
    assert "onerror" in page.locator(f"{REPLY} .words").inner_text() and page.locator(f"{REPLY} img").count() == 0
    documents(page)
    add(page, made(tmp_path, "<img src=x onerror=window.attacked=3>.md", f"The ferry of 1988 {ATTACK} is old."))
    page.locator(f"{SHELF} tbody tr").wait_for(timeout=SLOW)
    ask_documents(page, "How old is the ferry?")
    page.locator(f"{CARDS} blockquote").first.wait_for(timeout=SLOW)
    assert "onerror" in page.locator(f"{CARDS} blockquote").first.inner_text() and page.locator("main img").count() == 0
    page.wait_for_timeout(300)


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_a_phone_never_scrolls_sideways(page: Any, tmp_path: Path) -> None:
    ask(page, WHO, TEXT + " " + "X" * 400)
    assert fits(page) and page.evaluate(NAMELESS) == []
    documents(page)
    long = made(tmp_path, "y" * 100 + ".txt", "The Ferry" + "X" * 300 + " costs 35 crowns. " + "z" * 500)
    add(page, long, made(tmp_path, "w" * 100 + ".pdf", b"nonsense"))
    page.locator(f"{SHELF} tbody tr").wait_for(timeout=SLOW)
    assert fits(page)
    ask_documents(page, "What costs 35 crowns?")
    page.locator(f"{CARDS} .cards").wait_for(timeout=SLOW)
    assert fits(page) and page.evaluate(NAMELESS) == []


@pytest.mark.parametrize("page", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)
def test_light_and_dark_are_legible(page: Any) -> None:
    def contrast(selector: str, paper: float) -> float:
        ink = luminance(page.locator(selector).first.evaluate("e => getComputedStyle(e).color"))
        return (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05)

    ask(page, WHO)
    paper = luminance(page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor"))
    assert (paper < 0.05) if page.evaluate("document.body.classList.contains('dark')") else (paper > 0.9)
    parts = [".best", ".how", ".words", ".score", ".coverage", ".answers button", "h3"]
    assert all(contrast(f"{REPLY} {part}", paper) >= 4.5 for part in parts)
    documents(page)
    button(page, "Try with three short example documents").click()
    page.locator(f"{CARDS} .cards").wait_for(timeout=SLOW)
    assert all(contrast(f"{CARDS} {part}", paper) >= 4.5 for part in (".best", "cite", "blockquote", ".score", "mark"))
    assert all(contrast(f"{SHELF} {part}", paper) >= 4.5 for part in ("td", "caption"))
