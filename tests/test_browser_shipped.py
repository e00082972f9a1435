"""The page over the shipped models in a real headless Chromium; skipped where ``test_browser`` is."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.event_detection.task import FOLDER
from tasks.opinion_analysis.task import FOLDER as OPINIONS
from tests.browsing import CHROMIUM, SLOW, bar, detect, marks, monitor, opinions, playwright, reviews

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the browser tests need chromium: apt-get install chromium")
PAGE = "shipped", "Open"


def trained(folder: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not (FOLDER / folder / "head.safetensors").exists(), reason=f"{folder} is not trained yet")


@trained("adapter")
def test_the_shipped_triggers_in_the_page(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    detect(page, "A 7.1 earthquake struck off Valparaíso on Sunday and thousands were evacuated.")
    assert {"earthquake", "struck", "evacuated"} & {word for word, _ in marks(page)}
    page.close()


@trained("adapter_crisis")
def test_the_shipped_monitor_in_the_page(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    monitor(page)
    page.get_by_text("40 messages,").first.wait_for(timeout=2 * SLOW)
    page.locator("#timeline svg").get_by_text("09:00 ▲").wait_for()  # the bridge falls, the power fails
    assert len(set(page.locator("#samples .chip").all_inner_texts())) >= 5
    page.close()


@pytest.mark.skipif(not (OPINIONS / "adapter" / "head.safetensors").exists(), reason="the adapter for opinions is not trained yet")
def test_the_shipped_opinions_in_the_page(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    opinions(page, "The staff were friendly, but the toilets were dirty.", "We should clean the toilets")
    assert page.locator("#opinions mark.target", has_text="staff").count() == 1
    page.get_by_text("Towards the proposal").wait_for()
    reviews(page)
    bar(page, "Most praised", "staff").click()
    playwright.expect(page.locator("#review-examples caption")).to_contain_text("staff", timeout=SLOW)
    page.close()
