"""What the page of recommendation shows: cards, the map, a visitor's catalogue and files to take home; pure functions."""

from __future__ import annotations

import csv
import io
import json
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps import components, render_map
from apps import render_recommendation as render
from apps.render_map import GAP, HIGH, WIDE, Mark, apart, draw, sample
from apps.wishes import Wish
from tasks.recommendation.types import Item, Reason, Recommendation, RecommendationResult
from tests.colours import contrast
from tests.markup import Reader

ATTACK = "<img src=x onerror=alert(1)>\"'&"
BLUE = Item("blue", "Kind of Blue", ("Miles Davis",), 1959, ("jazz", "nocturnal"), "Muted trumpet. It suits late evenings.")
BARE = Item("bare", "Bare")
EVIL = Item(ATTACK, ATTACK, (ATTACK,), None, (ATTACK,), ATTACK)
ITEMS = {item.item_id: item for item in (BLUE, BARE, EVIL)}
WHY = (Reason("item", "So What", 0.62, "so"), Reason("tag", "nocturnal", 0.2), Reason("words", "slow", 0.18))
RESULT = RecommendationResult((Recommendation("blue", "Kind of Blue", 0.8, WHY), Recommendation("bare", "Bare", 0.4)))
HOSTILE = RecommendationResult((Recommendation(ATTACK, ATTACK, 0.5, (Reason("item", ATTACK, 1.0, ATTACK),)),))


def harmless(made: str) -> None:
    """Hostile text is there, as text."""
    tags = Reader(made).tags
    assert not {"img", "script"} & {tag for tag, _ in tags}
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    assert "&lt;img src=x onerror=alert(1)&gt;" in made


@pytest.mark.parametrize(
    ("share", "figure"),
    [(1.0, "100 %"), (0.62, "62 %"), (0.1, "10 %"), (0.0995, "10 %"), (0.0823, "8.2 %"), (0.002, "0.2 %"), (0.0, "under 0.1 %")],
)
def test_a_share_as_a_figure(share: float, figure: str) -> None:
    assert render.percent(share) == figure and render.chance(share) == ("over 99 %" if share == 1 else figure)


def test_an_item_in_a_line() -> None:
    assert render.choices([BLUE, BARE]) == [("Kind of Blue — Miles Davis (1959)", "blue"), ("Bare", "bare")]
    assert render.label(Item("x", "X", ("A", "B"), -750)) == "X — A, B (-750)"


def test_as_many_whole_sentences_as_fit() -> None:
    assert render.first_sentences("One  two.\nThree four! Five?", 20) == "One two. Three four!"
    assert render.first_sentences("One two three four five.", 12) == "One two …"
    assert render.first_sentences("All of it.") == "All of it." and render.first_sentences("") == ""


@settings(max_examples=80, deadline=None)
@given(st.text(), st.integers(5, 40))
def test_the_beginning_of_a_description_is_short_and_its_own(words: str, most: int) -> None:
    kept = render.first_sentences(words, most)
    assert len(kept) <= most + 2 and " ".join(words.split()).startswith(kept.removesuffix(" …"))


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (Wish(likes=("a",)), "2 of 400 items, from 1 you like."),
        (Wish(dislikes=("a",), words="slow"), "2 of 400 items, from 1 you don't like and your words."),
        (Wish(likes=("a", "b"), dislikes=("c",), words="slow"), "2 of 400 items, from 2 you like, 1 you don't and your words."),
        (Wish(words="slow", k=2, tags=("jazz",)), "2 of 400 items, from your words."),
        (Wish(words="slow", tags=("jazz",)), "2 of 400 items, from your words; no more fit the filters."),
    ],
)
def test_what_the_list_is_of(wish: Wish, words: str) -> None:
    assert render.told(wish, RESULT, 400) == words


def test_a_card_says_what_and_why() -> None:
    made = render.cards(RESULT, ITEMS, ["so"])
    words = re.sub("<[^>]+>", " ", made)
    assert " ".join(words.split()) == (
        "1 Kind of Blue Miles Davis · 1959 80 % Muted trumpet. It suits late evenings. jazz nocturnal because you like So What 62 % "
        "tag nocturnal 20 % your words 18 % More like this Less like this 2 Bare 40 % More like this Less like this"
    )
    assert re.findall(r'<i style="width:([\d.]+)%', made) == ["100.0", "50.0"]
    buttons = [attributes for tag, attributes in Reader(made).tags if tag == "button"]
    assert [(each["data-steer"], each["data-id"]) for each in buttons[:2]] == [("more", "blue"), ("less", "blue")]
    assert buttons[0]["aria-label"] == "More like this: Kind of Blue" and buttons[0]["type"] == "button"


def test_what_is_named_in_words_is_not_said_to_be_on_the_list() -> None:
    assert 'because you named <b translate="no">So What</b>' in render.reason(WHY[0]) and "you like" in render.reason(WHY[0], ("so",))


def test_reasons_that_weigh_nothing_are_left_out() -> None:
    why = tuple(Reason("tag", name, share) for name, share in (("first", 0.004), ("second", 0.003), ("third", 0.01)))
    made = render.cards(RecommendationResult((Recommendation("bare", "Bare", 0.4, why),)), ITEMS)
    assert "first" in made and "second" not in made and "third" in made


def test_a_score_of_nothing_divides_nothing() -> None:
    made = render.cards(RecommendationResult((Recommendation("bare", "Bare", 0.0),)), ITEMS)
    assert 'style="width:0.0%"' in made and "under 0.1 %" in made


def test_the_reply_holds_the_map_and_the_list_or_what_to_do() -> None:
    made = render.reply(Wish(likes=("so",)), RESULT, ITEMS, "<figure></figure>")
    assert made.index('role="status"') < made.index("<figure>") < made.index('class="picks"')
    nothing = RecommendationResult(())
    assert "say it in other words, or name something" in render.reply(Wish(words="x"), nothing, ITEMS, "")
    assert "widen the years" in render.reply(Wish(words="x", tags=("jazz",)), nothing, ITEMS, "")


def test_what_a_search_found() -> None:
    made = render.found([BLUE])
    assert "Kind of Blue — Miles Davis (1959)" in made and 'aria-label="Dislike: Kind of Blue"' in made
    assert 'role="status"' in render.found([])


def test_a_text_is_never_markup() -> None:
    places = [(0.5, 0.5)] * 3
    marks = [Mark("pick", (0.1, 0.1), 2, 1), Mark("you", (0.5, 0.5))]
    for made in (
        render.cards(HOSTILE, ITEMS),
        render.found([EVIL]),
        render.catalogue(ATTACK, [EVIL], [0]),
        draw(places, [BLUE, BARE, EVIL], marks),
        draw(places, [BLUE, EVIL, BARE], []),
    ):
        harmless(made)


def test_half_an_emoji_stops_nothing() -> None:
    half = Item("half", "\ud83d", description="\ud83d")
    result = RecommendationResult((Recommendation("half", "\ud83d", 0.5),))
    made = render.cards(result, {"half": half}) + render.to_csv(result, {"half": half}) + render.to_text(result, {"half": half})
    assert made.encode("utf-8") and render.label(half).encode("utf-8")


# ---------------------------------------------------------------------------------------------- files to take home


def test_the_list_as_a_table_runs_no_formula() -> None:
    evil = Item("=1+1", "=cmd()", ("@me", "you"), 1999)
    result = RecommendationResult((*RESULT.items, Recommendation("=1+1", "=cmd()", 0.123456, (Reason("tag", "-x", 1.0),))))
    rows = list(csv.DictReader(io.StringIO(render.to_csv(result, ITEMS | {"=1+1": evil}))))
    assert rows[0]["because"] == "item So What 62 %; tag nocturnal 20 %; words slow 18 %" and rows[0]["score"] == "0.8000"
    assert (rows[2]["rank"], rows[2]["item_id"], rows[2]["title"], rows[2]["creators"]) == ("3", "'=1+1", "'=cmd()", "'@me, you")
    assert rows[1]["year"] == "" and not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]


def test_the_list_as_json() -> None:
    made = json.loads(render.to_text(RESULT, ITEMS))
    assert made == json.loads(json.dumps(render.plain(RESULT, ITEMS)))
    assert made["items"][0] == {
        "item_id": "blue",
        "title": "Kind of Blue",
        "score": 0.8,
        "because": [
            {"kind": "item", "name": "So What", "share": 0.62, "item_id": "so"},
            {"kind": "tag", "name": "nocturnal", "share": 0.2, "item_id": None},
            {"kind": "words", "name": "slow", "share": 0.18, "item_id": None},
        ],
        "creators": ["Miles Davis"],
        "year": 1959,
    }


def test_a_catalogue_in_a_table() -> None:
    made = render.catalogue("films.csv", [BLUE, BARE] * 11, [3, 0] * 11)
    assert "films.csv: 22 items and 33 ratings. 11 have no description. The first 20:" in made
    assert made.count("<tr>") == 21 and "<td data-label=\"Rated by\">3</td>" in made
    assert "x.csv: 1 item and no ratings." in render.catalogue("x.csv", [BLUE], [0])


# ---------------------------------------------------------------------------------------------- the map


def test_the_map_has_all_items_and_marks_those_that_matter() -> None:
    items = [Item(str(n), f"T{n}") for n in range(5)]
    places = [(n / 4, 0.0) for n in range(5)]
    marks = [Mark("like", places[0], 0), Mark("dislike", places[1], 1), Mark("pick", places[2], 2, 1), Mark("you", (0.5, 1.0))]
    made = draw(places, items, marks)
    tags = Reader(made).tags
    assert [attributes["data-t"] for tag, attributes in tags if tag == "circle"] == ["T3", "T4"]
    (button,) = (attributes for tag, attributes in tags if tag == "button")
    assert (button["data-jump"], button["aria-label"], button["style"]) == ("1", "1: T2. Show its card", "left:50.0%;top:95.0%")
    assert [attributes.get("class") for tag, attributes in tags if tag == "b"] == ["like", "dislike", "you", "pick", "like", "dislike"]
    assert "left:50.0%;top:5.0%" in made and "recommended" in made and "are drawn" not in made
    assert "you like" not in draw(places, items, marks[2:])


def test_of_many_items_a_part_is_drawn_and_all_that_matter() -> None:
    items = [Item(str(n), f"T{n}") for n in range(4001)]
    made = draw([(0.5, 0.5)] * 4001, items, [Mark("pick", (0.5, 0.5), 4000, 1)])
    assert made.count("<circle") == 2000 and 'data-t="T4000"' in made
    assert "2,000 of 4,001 items are drawn, and all that matter to you." in made
    assert len(made) < 300_000


def test_a_sample_is_spread_evenly() -> None:
    assert list(sample(3, 5)) == [0, 1, 2] and list(sample(10, 4)) == [0, 2, 5, 7]
    assert len(set(sample(10_007, 2000))) == 2000


def test_places_beyond_the_map_are_at_its_edge() -> None:
    assert 'cx="95.0%" cy="95.0%"' in draw([(7.0, -3.0)], [BLUE], [])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0.2, 0.8), st.floats(0.2, 0.8)), max_size=12))
def test_marks_do_not_cover_each_other(places: list[tuple[float, float]]) -> None:
    spots = apart([*places, *places[:1]])
    assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in spots)
    gaps = [math.hypot((x - a) * WIDE, (y - b) * HIGH) for i, (x, y) in enumerate(spots) for a, b in spots[:i]]
    assert min(gaps, default=GAP) > 0.6 * GAP


def test_marks_that_have_room_stay() -> None:
    places = [(0.1, 0.1), (0.5, 0.5), (0.9, 0.1)]
    assert [round(each, 9) for spot in apart(places) for each in spot] == [0.1, 0.1, 0.5, 0.5, 0.9, 0.1]


def test_every_kind_has_a_sign_and_a_legible_colour_of_its_own() -> None:
    style = (components.EXAMPLES.parent / "recommendation.css").read_text(encoding="utf-8")
    tones = re.search(r"\.recommended, \.found \{ --pick: (#\w+); --like: (#\w+); --dislike: (#\w+); --you: (#\w+);", style)
    assert tones is not None
    assert all(contrast(tone, "#ffffff") >= 4.5 for tone in tones.groups())  # white signs on it
    assert len(set(render_map.SIGNS.values())) == len(render_map.SIGNS)
