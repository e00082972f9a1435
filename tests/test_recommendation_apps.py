"""What the page of recommendation takes and answers: wishes, a visitor's catalogue, and the endpoints; over a stand-in."""

from __future__ import annotations

import copy
import json
import re
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from apps import components, recommendation, recommendation_own, recommendation_view
from apps.recommendation_own import SAMPLES, Own
from apps.recommendation_view import STALE, Served
from apps.wishes import Wish
from tasks.core.errors import InputError
from tests.recommending import SHELF, Recommender, make
from tests.serving import read

PAGE = "recommendations", "Recommend"


def made(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


# ---------------------------------------------------------------------------------------------- the page


def page_of(recommender: Any) -> tuple[Callable[..., Any], Callable[..., Any], recommendation_view.View]:
    """The handlers of a page, and its view."""
    served = Served.of(recommender)
    boxes: list[Any] = [*(gr.Dropdown(multiselect=True) for _ in range(2)), gr.Textbox(), gr.Slider(), *(gr.Number() for _ in range(2))]
    boxes += [*(gr.Dropdown(multiselect=True) for _ in range(2)), gr.Slider(), gr.Slider()]
    files = [gr.DownloadButton(), gr.DownloadButton()]
    view = recommendation_view.View(gr.Textbox(), gr.HTML(), boxes, gr.Button(), gr.HTML(), files, gr.Column())

    def find(held: Any) -> Served:
        return served

    return recommendation_view.shower(view, find), recommendation_view._steerer(view, find), view


def given(likes: list[str], dislikes: list[str], words: str = "", **more: Any) -> list[Any]:
    """What the page's boxes send."""
    named = {"k": 10, "first": None, "last": None, "tags": [], "without": [], "diversity": 0.0, "novelty": 0.0, **more}
    return [likes, dislikes, words, *named.values()]


def test_nothing_named_asks_for_something() -> None:
    recommender = Recommender(SHELF)
    show, _, _ = page_of(recommender)
    held, reply, *files = show("held", *given([], [], "  "))
    assert held == "held" and "Name something you like, or write what you feel like." in reply and not recommender.asked
    assert [each.visible for each in files] == [False, False]


def test_a_list_a_map_and_files() -> None:
    show, _, view = page_of(Recommender(SHELF))
    _, reply, *files = show(None, *given(["a"], []))
    assert "2 of 3 items, from 1 you like." in reply and reply.count("data-steer") == 4
    assert 'class="you"' in reply and 'class="like"' in reply
    paths = [Path(each.value["path"] if isinstance(each.value, dict) else each.value) for each in files]
    assert [path.name for path in paths] == ["recommendations.csv", "recommendations.json"] and all(each.visible for each in files)
    assert paths[0].read_bytes().startswith(b"\xef\xbb\xbfrank,") and json.loads(paths[1].read_bytes())["items"][0]["item_id"] == "b"
    assert len(view.given) == len(given([], []))


def test_filters_that_nothing_fits_say_so() -> None:
    show, _, _ = page_of(Recommender(SHELF))
    _, reply, *files = show(None, *given(["a"], [], tags=["rock"], first=1990))
    assert "Nothing in the catalogue fits" in reply and [each.visible for each in files] == [False, False]


def pressed(way: Any, item_id: Any) -> Any:
    return SimpleNamespace(value=[way, item_id])


def test_more_and_less_move_an_item_and_recommend_again() -> None:
    recommender = Recommender(SHELF)
    _, steer, _ = page_of(recommender)
    held, likes, dislikes, reply, *_ = steer("held", pressed("more", "b"), *given(["a"], []))
    assert (held, likes, dislikes) == ("held", ["a", "b"], []) and "from 2 you like" in reply
    _, likes, dislikes, reply, *_ = steer("held", pressed("less", "b"), *given(["a", "b"], []))
    assert (likes, dislikes) == (["a"], ["b"]) and "1 you like and 1 you don" in reply
    assert recommender.asked[-1]["history"] == [("b", 0.5), "a"]
    _, likes, dislikes, *_ = steer("held", pressed("more", "b"), *given(["a"], ["b"]))
    assert (likes, dislikes) == (["a", "b"], [])
    _, likes, *_ = steer("held", pressed("more", "a"), *given(["a"], []))
    assert likes == ["a"]


@pytest.mark.parametrize("value", [None, "more", ["more"], ["most", "a"], ["more", 5], ["more", "nowhere"], {"more": "a"}])
def test_a_press_that_no_page_sends_is_refused(value: Any) -> None:
    _, steer, _ = page_of(Recommender(SHELF))
    with pytest.raises(gr.Error, match=re.escape(STALE)):
        steer(None, SimpleNamespace(value=value), *given([], []))


def test_of_a_large_catalogue_only_what_is_chosen_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recommendation_view, "MOST_CHOICES", 2)
    _, steer, view = page_of(Recommender(SHELF))
    _, likes, dislikes, *_ = steer(None, pressed("more", "b"), *given(["a"], []))
    assert likes.choices == [("Alpha — Ann (1960)", "a"), ("Beta — Bo (1970)", "b")] and dislikes.choices == []
    filled = view.filled(SHELF, {"jazz": 2})
    assert len(filled) == len(view.fillable) and filled[2].choices == [] and filled[2].info.startswith("Search above")
    assert filled[-1].choices == [("jazz (2)", "jazz")]


# ---------------------------------------------------------------------------------------------- a visitor's catalogue

HEAD = "item_id,title,creators,year,tags\n"


def quiet(done: int, total: int, doing: str) -> None:
    """Tell nobody."""


def test_every_visitor_begins_with_nothing_and_alone() -> None:
    state = recommendation_own.own_state()
    assert state.time_to_live == components.FILES_LIVE_SECONDS
    one, other = copy.deepcopy(state.value), copy.deepcopy(state.value)
    one.read(*SAMPLES, (0.5, 5.0), make, quiet)
    assert len(one.find().items) == 40 and other.served is None and copy.deepcopy(one).served is None and one._busy is not other._busy
    with pytest.raises(InputError, match="There is no catalogue of yours: read one first"):
        other.find()


def test_a_catalogue_is_read_with_progress_and_shown(tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    items = made(tmp_path, "x.csv", HEAD + "1,One,Ann,1990,a\n2,Two,,,\n")
    ratings = made(tmp_path, "r.csv", "user_id,item_id,rating\nu,1,4\nv,1,5\n")
    own = Own()
    table = own.read(str(items), str(ratings), (1.0, 5.0), make, lambda *each: told.append(each))
    assert "x.csv: 2 items and 2 ratings." in table and ">One</b>" in table
    assert [(done, total) for done, total, _ in told] == [(0, 2), (1, 2), (2, 2), (2, 2)] and told[-1][2] == "Drawing the map"
    assert own.find().scale == (1.0, 5.0) and len(own.find().places) == 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", "name\nOne\n", "has no \"item_id\""),
        ("x.csv", HEAD, "give at least one item"),
        ("x.pdf", "%PDF", "is none of"),
        ("x.jsonl", "{nonsense", "is not JSON"),
        ("x.parquet", "nonsense", "'x.parquet' can't be read as PARQUET"),
        ("x.csv", HEAD + "".join(f"{n},One,,,\n" for n in range(20_001)), "'x.csv' has 20,001 items; the page takes up to"),
        ("x.jsonl", "".join(f'{{"item_id": {n}, "title": "One"}}\n' for n in range(20_001)), "has 20,001 items"),
    ],
)
def test_a_wrong_file_leaves_what_was_there(tmp_path: Path, name: str, content: str, message: str) -> None:
    own = Own()
    own.read(SAMPLES[0], None, (0.5, 5.0), make, quiet)
    before = own.served
    with pytest.raises(InputError, match=re.escape(message)) as refused:
        own.read(str(made(tmp_path, name, content)), None, (0.5, 5.0), make, quiet)
    assert str(tmp_path) not in str(refused.value) and own.served is before is not None and not own._busy.locked()


def test_errors_speak_of_the_page() -> None:
    def refuse(items: str, **others: Any) -> Any:
        raise InputError(f"The rating 9 in {items!r} is outside the scale 0.5 to 5: give scale=(low, high).")

    with pytest.raises(InputError, match=r"in 'films\.csv' is outside the scale 0\.5 to 5: set the lowest and the highest rating\."):
        Own().read(*SAMPLES, (0.5, 5.0), refuse, quiet)


def test_no_file_and_two_at_a_time() -> None:
    own, begun, on = Own(), threading.Event(), threading.Event()
    with pytest.raises(InputError, match="There is no file of items yet"):
        own.read(None, SAMPLES[1], (0.5, 5.0), make, quiet)

    def wait(done: int, total: int, doing: str) -> None:
        begun.set()
        assert on.wait(10)

    thread = threading.Thread(target=own.read, args=(SAMPLES[0], None, (0.5, 5.0), make, wait))
    thread.start()
    assert begun.wait(10)
    for busy in (lambda: own.read(SAMPLES[0], None, (0.5, 5.0), make, quiet), own.find):
        with pytest.raises(InputError, match="is still being read: wait"):
            busy()
    on.set()
    thread.join()
    assert len(own.find().items) == 40


# ---------------------------------------------------------------------------------------------- examples


def test_the_examples_are_of_the_catalogue() -> None:
    items = recommendation.shipped().items
    ids, tags = {item.item_id for item in items}, {tag for item in items for tag in item.tags}
    ready = json.loads((components.EXAMPLES / "recommendations.json").read_text(encoding="utf-8"))
    wishes = [Wish.of(*recommendation._example(row)) for row in ready]
    assert len(wishes) == 5 and not any(wish.blank for wish in wishes)
    assert all({*wish.likes, *wish.dislikes} <= ids and {*wish.tags, *wish.without_tags} <= tags for wish in wishes)
    assert any(wish.dislikes for wish in wishes) and any(wish.words and not wish.likes for wish in wishes)


def test_the_example_films_are_whole() -> None:
    films, ratings = (read(Path(path)) for path in SAMPLES)
    ids = [row["item_id"] for row in films]
    assert len(films) == len(set(ids)) == 40 and all(all(row.values()) for row in films)
    assert all(row["description"].endswith(".") and 8 <= len(row["description"].split()) <= 30 for row in films)
    pairs = [(row["user_id"], row["item_id"]) for row in ratings]
    assert len(pairs) == len(set(pairs)) and {name for _, name in pairs} <= set(ids)
    assert len({user for user, _ in pairs}) == 25 and all(0.5 <= float(row["rating"]) <= 5 for row in ratings)
