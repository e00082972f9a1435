"""The switch of languages in a real headless Chromium: nothing is reloaded or lost, and what is the visitor's stays as it is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browsing import CHROMIUM, PHONE, SLOW, button, detect, error, fits, marks, monitor, open_task

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the browser tests need chromium: apt-get install chromium")

# All that a page says; "Loading" comes and goes with the first and the second result.
WORDS = """document.body.innerText.replace(/Loading\\s*/g, '') + [...document.querySelectorAll('[placeholder], [aria-label], [title]')].map(
  each => [each.placeholder, each.ariaLabel, each.title].join()).join()"""


def choose(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def language(page: Any) -> str:
    return str(page.evaluate("document.documentElement.lang"))


def test_labels_and_results_follow_and_nothing_is_lost(page: Any) -> None:
    detect(page, "Flood after the earthquake. Table")
    found = marks(page)
    page.mouse.move(0, 0)
    page.locator("[data-testid=status-tracker]:not(.hide)").first.wait_for(state="hidden")
    before = page.evaluate(WORDS)
    assert language(page) == "en"
    choose(page, "Español")
    assert language(page) == "es"
    button(page, "Detectar eventos").wait_for()
    page.get_by_text("2 eventos", exact=True).wait_for()
    page.get_by_role("tab", name="Análisis de opiniones").first.wait_for()
    assert page.get_by_label("Texto", exact=True).input_value() == "Flood after the earthquake. Table"
    assert page.get_by_label("Texto", exact=True).get_attribute("placeholder").startswith("Una noticia")
    assert marks(page) == found
    choose(page, "Français")
    page.get_by_text("2 événements", exact=True).wait_for()
    page.get_by_label("Texte", exact=True).fill("An evacuation.")
    button(page, "Détecter les événements").click()
    page.get_by_text("1 événement", exact=True).wait_for()  # what comes is translated as it comes
    page.get_by_label("Texte", exact=True).fill("Flood after the earthquake. Table")
    button(page, "Détecter les événements").click()
    page.get_by_text("2 événements", exact=True).wait_for()
    choose(page, "English")
    page.mouse.move(0, 0)
    page.wait_for_function(f"before => {WORDS} === before", arg=before)  # what tells of the work fades out
    assert language(page) == "en"


def test_the_choice_survives_a_reload_and_works_by_keyboard(page: Any) -> None:
    switch = page.get_by_role("group", name="Language")
    assert switch.get_by_role("button", pressed=True).inner_text() == "English"
    switch.get_by_role("button", name="English").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.get_by_role("group", name="Langue").get_by_role("button", pressed=True).get_attribute("lang") == "fr"
    page.reload()
    page.get_by_role("group", name="Langue").wait_for(timeout=SLOW)
    assert language(page) == "fr"


def test_a_visitors_words_are_not_translated(page: Any, tmp_path: Any) -> None:
    rows = tmp_path / "words.csv"
    rows.write_text("text,time\nTable,2026-03-01 10:00\nbridge,2026-03-01 10:05\nReports nothing,2026-03-01 10:10\n", encoding="utf-8")
    monitor(page, rows)
    page.locator("#samples table").wait_for(timeout=SLOW)
    choose(page, "Español")
    cells = page.locator("#samples td:nth-child(2)").all_inner_texts()
    assert sorted(cells) == ["Reports nothing", "Table", "bridge"]
    assert page.locator("#samples th").first.inner_text() == "Tipo"
    chips = set(page.locator("#samples .chip").all_inner_texts())
    assert chips == {"No informa de nada", "infrastructure and utilities"}
    open_task(page, "Preguntas y respuestas")
    page.get_by_label("Pregunta", exact=True).fill("Who founded the Text?")
    page.get_by_label("Texto que leer").fill("Table founded the Text.")
    page.get_by_role("button", name="Responder", exact=True).click()
    page.locator("#question-reply .answers").wait_for(timeout=SLOW)
    page.locator("#question-reply h3").get_by_text("Respuestas", exact=True).or_(page.get_by_text("Lo que mejor")).first.wait_for()
    assert page.locator("#question-reply .words").inner_text().replace("\n", "").startswith("Table")


def test_errors_and_long_results(page: Any) -> None:
    open_task(page, "Event detection")
    choose(page, "Français")
    page.get_by_label("Texte", exact=True).fill("A flood.")
    page.get_by_label("Vos propres types").fill("flood\nflood")
    button(page, "Détecter les événements").click()
    told = error(page)
    assert "Erreur" in told and "Le type 'flood' figure deux fois" in told
    # Five thousand of our texts and as many of a visitor's come and are turned within a blink.
    spent = page.evaluate(
        """async () => {
          const cell = i => `<td data-label="Score">${i % 900} events</td><td translate="no">Table</td>`;
          const box = document.createElement('table');
          box.innerHTML = [...Array(5000).keys()].map(i => `<tr>${cell(i)}</tr>`).join('');
          const start = performance.now();
          document.querySelector('.contain').append(box);
          await Promise.resolve();
          const spent = performance.now() - start;
          return [spent, box.rows[7].textContent, box.rows[7].cells[0].dataset.label];
        }"""
    )
    assert spent[1:] == ["7 événementsTable", "Score"]
    assert spent[0] < 1500


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_a_phone_has_room_for_the_switch(page: Any) -> None:
    switch = page.locator("language-switch")
    assert switch.inner_text().split() == ["EN", "ES", "FR"]
    choose(page, "Español")
    page.get_by_text("Aplicaciones de aprendizaje profundo").wait_for()
    box, name = switch.bounding_box(), page.locator("h1").bounding_box()
    text = page.locator("h1").evaluate("e => { const range = document.createRange(); range.selectNodeContents(e); "
                                       "return range.getBoundingClientRect().right }")
    assert box["x"] > text and box["x"] + box["width"] <= 390 and box["y"] < name["y"] + name["height"]
    assert all(each.bounding_box()["height"] >= 30 and each.bounding_box()["width"] >= 30 for each in switch.locator("button").all())
    assert fits(page)


def test_a_browser_begins_with_its_own_language(browser: Any, address: str) -> None:
    context = browser.new_context(locale="es-MX")
    page = context.new_page()
    page.goto(address)
    page.get_by_role("group", name="Idioma").wait_for(timeout=SLOW)
    open_task(page, "Detección de eventos")
    button(page, "Detectar eventos").wait_for(timeout=SLOW)
    open_task(page, "Monitor de desastres")
    page.get_by_text("Soltar aquí el archivo").wait_for()  # Gradio's own words too
    assert language(page) == "es"
    context.close()
