"""Recommendation: what to hear next, from what a visitor likes, does not like or writes; and the same over a catalogue of their own."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import api

from apps import recommendation_own
from apps import render_recommendation as render
from apps.about import About, Live, Usage
from apps.components import EXAMPLES, PIPELINES, Load, guarded, page
from apps.recommendation_own import TASK, Make, make_own
from apps.recommendation_view import Find, Served, View, build_view, connect, shower
from apps.wishes import Wish, ask
from tasks.recommendation import types
from tasks.recommendation.catalogue import Catalogue, read_items

ALBUMS = Path(types.__file__).with_name("albums.jsonl")
PLACEHOLDER = "slow, nocturnal, with strings"


@functools.cache
def shipped() -> Catalogue:
    """The project's own catalogue, read without a model so that the page can be built without one."""
    return Catalogue(read_items(ALBUMS))


def serving(load: Load) -> Find:
    """What serves every visitor alike, made when the first one asks."""
    lock, made = threading.Lock(), list[Served]()

    def find(held: Any = None) -> Served:
        recommender = load(TASK)
        with lock:
            if not made or made[0].recommender is not recommender:
                made[:] = [Served.of(recommender)]
            return made[0]

    return find


def _endpoint(find: Find) -> Callable[..., dict[str, Any]]:
    @guarded
    def recommend(
        history: list[str],
        dislikes: list[str] | None = None,
        query: str = "",
        k: int = 10,
        year_from: int | None = None,
        year_to: int | None = None,
        tags: list[str] | None = None,
        without_tags: list[str] | None = None,
        diversity: float = 0.0,
        novelty: float = 0.0,
    ) -> dict[str, Any]:
        """Recommend albums from those that somebody likes and dislikes, from words, or from both.

        Returns items, the first the best; each has item_id, title, creators, year, score (0 to 1, the higher the likelier; an
        order and no frequency, for nobody has rated the albums) and because: what raised the score, each reason with its kind
        (item, tag or words), name, share of all that raised it, and item_id (of an item, else null).

        Args:
            history: Ids of albums that are liked, the oldest first, such as kind-of-blue-miles-davis; may be empty where query is not.
            dislikes: Ids of albums that are not liked.
            query: What somebody feels like, in words, up to 500 characters.
            k: How many albums to recommend, 1 to 50.
            year_from: The first year of an album; null: any.
            year_to: The last year of an album; null: any.
            tags: Tags that an album must have, all of them, such as jazz.
            without_tags: Tags that an album must not have, none of them.
            diversity: From 0 to 1; higher: the albums of the list differ more from each other.
            novelty: From 0 to 1; higher: fewer albums that everybody knows, or farther from what was named.
        """
        wish = Wish.of(history, dislikes, query, k, year_from, year_to, tags, without_tags, diversity, novelty)
        return recommendation_own.answered(find(None), wish)

    return recommend


def _example(row: dict[str, Any]) -> list[Any]:
    """An example's values for the view's ``given``."""
    blank: dict[str, Any] = {"dislikes": [], "words": "", "k": 10, "first": None, "last": None, "tags": [], "without": []}
    made = {**blank, "diversity": 0.2, "novelty": 0.0, **row}
    keys = ("likes", "dislikes", "words", "k", "first", "last", "tags", "without", "diversity", "novelty")
    return [made[key] for key in keys]


def _music(find: Find) -> None:
    albums = shipped()
    gr.Markdown(f"{len(albums):,} albums of all times and continents: name some, or say what you feel like, and see what fits and why.")
    view = build_view(albums.items, albums.tags, "music", PLACEHOLDER)
    state: gr.State = gr.State(None)
    connect(view, state, find, lambda held: albums)
    _examples(view, find)


def _examples(view: View, find: Find) -> None:
    ready = json.loads((EXAMPLES / "recommendations.json").read_text(encoding="utf-8"))
    show = shower(view, find)
    with view.side:  # below the controls, yet above the results on a phone
        gr.Examples(
            [_example(row) for row in ready],
            view.given,
            view.shown,
            lambda *given: show(None, *given)[1:],
            run_on_click=True,
            cache_examples=False,
            example_labels=[row["name"] for row in ready],
            label="Examples",
            api_visibility="private",
        )


def _live(load: Load) -> str:
    recommender = load(TASK)
    items = {item.item_id: item for item in recommender.catalogue.items}
    picks = render.cards(ask(recommender, Wish.of([], [], LIVE, 3)), items, steered=False)
    return f'<div class="recommended">{picks}</div>'


LIVE = "calm piano for a rainy evening"
ABOUT = About(
    what="Suggests what to listen to, read or watch next, from what you liked and disliked, from your own words, or both, and says why. "
    "Over 400 albums, or over a catalogue of yours.",
    why="A music platform that lets you say in words what you feel like finds the quiet record that nobody rated yet; a library or a "
    "school can do the same for its books and courses.",
    live=Live(LIVE, _live),
    usage=Usage(
        endpoint="recommend",
        arguments={"history": ["kind-of-blue-miles-davis"], "query": "slow, with strings", "k": 3},
        python="""from tasks import pipeline

music = pipeline("recommendation")
result = music(["kind-of-blue-miles-davis"], query="slow, with strings", k=3)
for item in result.items:
    print(item.title, round(item.score, 2), [why.name for why in item.because])
""",
        terminal='python -m tasks recommendation "slow, with strings" --history kind-of-blue-miles-davis --k 3\n',
    ),
)


def build(load: Load = PIPELINES, make: Make = make_own) -> gr.Blocks:
    """The app: a tab for the project's albums and one for a visitor's catalogue.

    ``load(task)`` gives the pipeline over the albums, ``make(items=…, ratings=…, scale=…, progress=…)`` one over a visitor's files.
    """
    find = serving(load)
    demo = page()
    with demo, gr.Tabs():
        with gr.Tab("Music"):
            _music(find)
            api(_endpoint(find), api_name="recommend")
        with gr.Tab("Your own catalogue"):
            recommendation_own.tab(make)
    return demo
