"""The graph of relations in a real headless Chromium, over a stand-in pipeline; skipped where ``test_browser`` is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import networkx
import pytest

from tests.browsing import ATTACK, CHROMIUM, PHONE, SLOW, button, error, fits, luminance, playwright

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the browser tests need chromium: apt-get install chromium")
PAGE = "relations", "Extract relations"
TEXT = "Ada Osei founded the Volta Trust in Accra; the Volta Trust belongs to the Keta Group, a company in Tema. Lake Bosumtwi is blue."
GRAPH = "document.querySelector('#relation-graph .canvas').cy"


def extract(page: Any, text: str = TEXT, relations: str = "") -> None:
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_label("Your own relations").fill(relations)
    button(page, "Extract relations").click()


def drawn(page: Any, text: str = TEXT) -> None:
    extract(page, text)
    page.locator("#relation-graph canvas").first.wait_for(timeout=SLOW)
    settle(page)


def settle(page: Any) -> None:
    """Bring the graph into view, and wait until it stays where it is."""
    canvas, place = page.locator("#relation-graph .canvas"), None
    canvas.scroll_into_view_if_needed()
    while place != (place := canvas.bounding_box()):
        page.wait_for_timeout(200)


def names(page: Any, kind: str = "node", key: str = "name") -> set[str]:
    """The names of what is visible, once what was asked for is drawn."""
    page.evaluate("new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    return set(page.evaluate(f"{GRAPH}.elements('{kind}:visible').map(each => each.data('{key}'))"))


def place(page: Any, name: str) -> tuple[float, float]:
    """Where a node is on the screen."""
    box = page.locator("#relation-graph .canvas").bounding_box()
    found = page.evaluate(f"name => {GRAPH}.nodes().filter(node => node.data('name') === name)[0].renderedPosition()", name)
    return box["x"] + found["x"], box["y"] + found["y"]


def sample(page: Any) -> None:
    page.get_by_role("tab", name="Documents").click()
    button(page, "Try a sample").click()
    page.get_by_text("in 8 texts").first.wait_for(timeout=SLOW)
    page.locator("#relation-graph canvas").first.wait_for(state="attached")


def saved(page: Any, name: str) -> tuple[str, bytes]:
    with page.expect_download() as download:
        button(page, name).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_the_graph_is_drawn(page: Any) -> None:
    drawn(page)
    assert names(page) == {"Ada Osei", "Volta Trust", "Accra", "Keta Group", "Tema"}
    assert names(page, "edge", "relation") == {"founder of", "located in", "owned by"}
    inked = """() => [...document.querySelectorAll('#relation-graph canvas')].some(canvas =>
        canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data.some(value => value))"""
    assert page.evaluate(inked)
    assert "5 entities, 4 relations" in page.locator("#relation-graph .canvas").get_attribute("aria-label")


def test_a_node_is_dragged(page: Any) -> None:
    drawn(page)
    before = page.evaluate(f"{GRAPH}.nodes().map(node => [node.data('name'), node.position()])")
    x, y = place(page, "Ada Osei")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y + 25, steps=5)
    page.mouse.up()
    moved = [
        [name, position["x"] - old["x"], position["y"] - old["y"]]
        for (name, old), (_, position) in zip(
            before, page.evaluate(f"{GRAPH}.nodes().map(node => [node.data('name'), node.position()])"), strict=True
        )
        if position != old
    ]
    zoom = page.evaluate(f"{GRAPH}.zoom()")
    assert [(name, round(right * zoom), round(down * zoom)) for name, right, down in moved] == [("Ada Osei", 40, 25)]


def test_a_press_hits_its_node_wherever_the_page_has_moved_it(page: Any) -> None:
    drawn(page)
    sample(page)  # the inputs of this tab are taller: the graph lies lower now
    page.locator("#relation-graph .kinds summary").click()
    settle(page)
    page.mouse.click(*place(page, "Corvane Chemicals"))
    assert page.locator("#relation-graph .told h3").inner_text() == "Corvane Chemicals"


def test_zoom_pan_and_fit(page: Any) -> None:
    drawn(page)
    zoom, pan = page.evaluate(f"{GRAPH}.zoom()"), page.evaluate(f"{GRAPH}.pan()")
    button(page, "Zoom in").click()
    assert page.evaluate(f"{GRAPH}.zoom()") == pytest.approx(1.3 * zoom)
    box = page.locator("#relation-graph .canvas").bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.wheel(0, 300)
    page.wait_for_timeout(200)
    assert page.evaluate(f"{GRAPH}.zoom()") < 1.25 * zoom
    page.mouse.down()
    page.mouse.move(box["x"] + 65, box["y"] + 45, steps=5)
    page.mouse.up()
    assert page.evaluate(f"{GRAPH}.pan()") != pan
    button(page, "Fit").click()
    assert page.evaluate(f"{GRAPH}.zoom()") == pytest.approx(zoom, rel=0.1)


def test_evidence_of_a_node_and_of_an_edge(page: Any) -> None:
    drawn(page)
    page.mouse.click(*place(page, "Volta Trust"))
    told = page.locator("#relation-graph .told")
    assert told.locator("h3").inner_text() == "Volta Trust" and "2 mentions" in told.inner_text()
    assert told.locator("li").count() == 3 and "Ada Osei founded the Volta Trust in Accra; the" in told.inner_text()
    (one, other) = place(page, "Ada Osei"), place(page, "Volta Trust")
    page.mouse.click((one[0] + other[0]) / 2, (one[1] + other[1]) / 2)
    assert told.locator("h3").count() == 0 and told.locator("li").count() == 1 and "founder of" in told.inner_text()
    box = page.locator("#relation-graph .canvas").bounding_box()
    page.mouse.click(box["x"] + 4, box["y"] + 4)
    assert "Press an entity" in told.inner_text()


def test_filters_hide_and_the_table_and_the_files_follow(page: Any) -> None:
    drawn(page)
    page.locator("#relation-graph .types button", has_text="person").click()
    assert "Ada Osei" not in names(page) and "Accra" in names(page)
    page.locator("#relation-graph .types button", has_text="person").click()
    page.locator("#relation-graph .kinds summary").click()
    page.locator("#relation-graph .choices label", has_text="located in").locator("input").uncheck()
    assert names(page, "edge", "relation") == {"founder of", "owned by"} and "Accra" not in names(page)
    page.get_by_label("Score from").fill("0.5")
    kept = names(page, "edge", "relation")
    assert all(score >= 0.5 for score in page.evaluate(f"{GRAPH}.edges(':visible').map(edge => edge.data('score'))"))
    page.get_by_role("tab", name="Table").click()
    playwright.expect(page.locator("#relation-table tbody tr")).to_have_count(len(kept))
    _, content = saved(page, "Save as GraphML")
    assert {label for _, _, label in networkx.parse_graphml(content, force_multigraph=True).edges(data="label")} == kept
    page.get_by_role("tab", name="Graph").click()
    button(page, "None").click()
    page.get_by_text("Nothing passes the filters").wait_for()
    button(page, "All").click()
    page.get_by_label("Score from").fill("0")
    page.get_by_label("Entities without a relation").check()
    assert "Lake Bosumtwi" in names(page)


def test_pictures_and_files_arrive(page: Any) -> None:
    drawn(page)
    name, picture = saved(page, "PNG")
    assert name == "relations.png" and picture.startswith(b"\x89PNG") and len(picture) > 2000
    name, graphml = saved(page, "Save as GraphML")
    assert name == "relations.graphml" and networkx.parse_graphml(graphml, force_multigraph=True).number_of_edges() == 4
    name, linked = saved(page, "Save as JSON-LD")
    assert name == "relations.jsonld" and "@graph" in json.loads(linked)
    name, triples = saved(page, "Save as N-Triples")
    assert name == "relations.nt" and b"<urn:quipu:relation:founder%20of>" in triples


def test_several_texts_are_one_graph_that_names_its_sources(page: Any, tmp_path: Path) -> None:
    page.get_by_role("tab", name="Documents").click()
    page.get_by_label("Texts, with a line").fill("Ada Osei founded the Volta Trust.\n---\nADA OSEI found ACCRA.")
    (tmp_path / "note.txt").write_text("It is known that Ada Osei founded\nthe Volta Trust.")
    (tmp_path / "rows.csv").write_text("text,source\nAda Osei found Tema.,Radio\n")
    page.locator("input[type=file]").set_input_files([str(tmp_path / "note.txt"), str(tmp_path / "rows.csv")])
    page.locator(".file-preview", has_text="rows").wait_for()
    button(page, "Build the graph").click()
    page.get_by_text("in 4 texts. 1 relation in more than one text.").wait_for(timeout=SLOW)
    page.locator("#relation-graph canvas").first.wait_for(state="attached")
    settle(page)
    page.mouse.click(*place(page, "Volta Trust"))
    assert page.locator("#relation-graph .told cite").all_inner_texts() == ["text 1", "note.txt"]
    page.get_by_role("tab", name="Table").click()
    page.locator("#relation-table summary", has_text="1 more").click()
    page.locator("#relation-table cite", has_text="note.txt").wait_for()
    page.get_by_role("tab", name="Text").last.click()
    page.get_by_label("Show the text").click()
    page.get_by_role("option", name="Radio").click()
    page.locator(".highlights .token", has_text="Tema").wait_for()


def test_an_example_runs_when_it_is_pressed(page: Any) -> None:
    page.get_by_text("Environment: trees", exact=True).click()
    page.locator("#relation-graph canvas").first.wait_for(timeout=SLOW)
    assert "Wangari Maathai" in names(page)
    page.get_by_role("tab", name="Text").last.click()
    page.locator(".highlights .token", has_text="Green Belt Movement").wait_for()


def test_an_empty_graph_says_so(page: Any) -> None:
    drawn(page, "nothing at all")
    page.get_by_text("There is nothing to draw: no entity was found.").wait_for()
    drawn(page, "Accra and Tema")
    assert names(page) == {"Accra", "Tema"}
    extract(page, "  ")
    page.get_by_text("There is no text yet").wait_for()
    assert not page.locator("#relation-graph").is_visible()


def test_three_hundred_nodes(page: Any) -> None:
    drawn(page, "crowd")
    page.wait_for_function(f"{GRAPH}.nodes(':visible').length === 300")
    before = page.evaluate(f"{GRAPH}.nodes()[7].position()")
    name = page.evaluate(f"{GRAPH}.nodes()[7].data('name')")
    x, y = place(page, name)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y + 30, steps=4)
    page.mouse.up()
    assert page.evaluate(f"{GRAPH}.nodes()[7].position()") != before


def test_a_text_is_never_markup(page: Any, tmp_path: Path) -> None:
    drawn(page, f'<img src=x onerror="window.attacked=1"> founded Accra. {ATTACK}')
    (hostile,) = [name for name in names(page) if "onerror" in name]
    page.mouse.click(*place(page, hostile))
    assert "onerror" in page.locator("#relation-graph .told h3").inner_text()
    page.get_by_role("tab", name="Table").click()
    page.locator("#relation-table").get_by_text("onerror").first.wait_for()
    page.get_by_role("tab", name="Text").last.click()
    extract(page, "Ada likes Accra", "likes ${window.attacked=3} {{this}}" + ATTACK)
    page.get_by_text("1 relation between 2 entities").wait_for(timeout=SLOW)
    page.get_by_role("tab", name="Graph").click()
    page.locator("#relation-graph .kinds summary").click()
    assert "onerror" in page.locator("#relation-graph .choices").inner_text()
    page.wait_for_timeout(300)


def test_mistakes_become_sentences(page: Any) -> None:
    extract(page, "Ada", "leads\nleads")
    assert "'leads' is there twice" in error(page)


def test_no_texts_are_a_sentence(page: Any) -> None:
    page.get_by_role("tab", name="Documents").click()
    button(page, "Build the graph").click()
    assert "There are no texts yet" in error(page)


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_a_phone_never_scrolls_sideways(page: Any) -> None:
    assert fits(page)
    drawn(page, "Ada founded " + "X" * 300 + " Trust. " + TEXT)
    assert fits(page)
    page.touchscreen.tap(*place(page, "Volta Trust"))
    page.locator("#relation-graph .told h3", has_text="Volta Trust").wait_for()
    page.get_by_role("tab", name="Table").click()
    assert fits(page)
    sample(page)
    assert fits(page)
    page.get_by_role("tab", name="Table").click()
    page.locator("#relation-table table").wait_for()
    assert fits(page)


@pytest.mark.parametrize("page", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)
def test_light_and_dark_are_legible(page: Any) -> None:
    drawn(page)
    style = "e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]"
    paper = luminance(page.locator("#relation-graph .stage").evaluate(style)[1])
    assert (paper < 0.05) if page.evaluate("document.body.classList.contains('dark')") else (paper > 0.9)
    ink = [luminance(page.evaluate(f"{GRAPH}.{kind}()[0].style('color')")) for kind in ("nodes", "edges")]
    line = luminance(page.evaluate(f"{GRAPH}.edges()[0].style('line-color')"))
    assert all((max(words, paper) + 0.05) / (min(words, paper) + 0.05) >= 4.5 for words in ink)
    assert (max(line, paper) + 0.05) / (min(line, paper) + 0.05) >= 3.0
    chip, behind = (luminance(colour) for colour in page.locator("#relation-graph .types button").first.evaluate(style))
    assert (chip + 0.05) / (behind + 0.05) >= 4.5
    words = luminance(page.locator("#relation-graph .told p").evaluate(style)[0])
    assert (max(words, paper) + 0.05) / (min(words, paper) + 0.05) >= 4.5


def test_every_field_has_a_name(page: Any) -> None:
    drawn(page)
    page.locator("#relation-graph .kinds summary").click()
    nameless = """() => [...document.querySelectorAll('textarea, input:not([type=file])')].filter(
        e => e.offsetParent && !e.labels?.length && !e.ariaLabel && !e.title && !e.getAttribute('aria-labelledby')).map(e => e.outerHTML)"""
    assert page.evaluate(nameless) == []
    sample(page)
    assert page.evaluate(nameless) == []
