"""What a hand does on the page of recommendation: name, write, give a catalogue, and read the list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.browsing import SLOW, button, playwright

MUSIC, OWN, TABLE = "#music-reply", "#own-reply", "#own-catalogue"
HEAD = "item_id,title,creators,year,tags,description\n"
CLEAR = 'button[aria-label="Clear"]:visible'


def box(page: Any, label: str) -> Any:
    """The visible control of this name; both tabs have the same ones."""
    return page.get_by_label(label, exact=True).locator("visible=true").first


def recommend(page: Any) -> None:
    page.get_by_role("button", name="Recommend", exact=True).locator("visible=true").click()


def titles(page: Any, reply: str = MUSIC) -> list[str]:
    page.locator(f"{reply} .picks > li").first.wait_for(timeout=SLOW)
    return list(page.locator(f"{reply} .picks h3").all_inner_texts())


def words(page: Any, said: str, reply: str = MUSIC) -> list[str]:
    """Say it with Enter, and wait for the list."""
    box(page, "What do you feel like?").fill(said)
    box(page, "What do you feel like?").press("Enter")
    page.locator(f"{reply} .told", has_text="your words").wait_for(timeout=SLOW)
    return titles(page, reply)


def pick(page: Any, label: str, typed: str, option: str) -> None:
    box(page, label).fill(typed)
    page.get_by_role("option", name=option).locator("visible=true").click()
    box(page, label).blur()  # the options stay open for more
    playwright.expect(page.get_by_role("option").locator("visible=true")).to_have_count(0)


def chosen(page: Any) -> list[str]:
    """What the two lists name."""
    return [each.strip() for each in page.locator(".token:visible").all_inner_texts()]


def own(page: Any, *paths: Path) -> None:
    """Give a catalogue, and ratings if there are two files, instead of those that were given before."""
    page.get_by_role("tab", name="Your own catalogue").click()
    button(page, "Read my catalogue").wait_for()
    while page.locator(CLEAR).count():
        page.locator(CLEAR).first.click()
    uploads = page.locator("input[type=file]").all()  # one that has its file is gone, so the last comes first
    for path, upload in reversed(list(zip(paths, uploads, strict=False))):
        upload.set_input_files(str(path))
        page.locator(".file-preview", has_text=path.stem[:20]).locator("a").first.wait_for(timeout=SLOW)  # it has arrived
    button(page, "Read my catalogue").click()


def made(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path
