"""The controls of a recommender and what it recommends: the same over the project's own catalogue and over a visitor's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from apps import render_map
from apps import render_recommendation as render
from apps.components import ASSETS, guarded
from apps.render_map import Mark, Place
from apps.uploads import keep
from apps.wishes import MAX_PICKS, SCALE, Scale, Wish, ask, history_of
from tasks.core.errors import InputError
from tasks.recommendation.catalogue import Catalogue
from tasks.recommendation.types import Item, RecommendationResult

MOST_CHOICES = 2000  # a box with more of them takes seconds to open
MOST_TAGS = 500
FOUND = 8
LONGEST = 200  # characters that are searched for
FILES = ("recommendations.csv", "recommendations.json")
STALE = "This can't be used any more: reload the page and try again."


@dataclass(frozen=True, slots=True)
class Served:
    """A recommender, the scale of its ratings, and its items by their ids."""

    recommender: Any
    scale: Scale
    items: dict[str, Item]

    @classmethod
    def of(cls, recommender: Any, scale: Scale = SCALE) -> Served:
        """All that the page asks of a recommender again and again."""
        items = {item.item_id: item for item in recommender.catalogue.items}
        return cls(recommender, scale, items)

    @property
    def places(self) -> list[Place]:
        """Where the items are on the map, drawn when a page first shows it: programs need none, nor what lays it out (110 MB)."""
        return [(float(x), float(y)) for x, y in self.recommender.map()]

    def answer(self, wish: Wish) -> tuple[RecommendationResult, str]:
        """What is recommended, and the page's HTML of it."""
        result = ask(self.recommender, wish, self.scale)
        drawn = self._map(wish, result) if result.items else ""
        return result, render.reply(wish, result, self.items, drawn)

    def _map(self, wish: Wish, result: RecommendationResult) -> str:
        spot, places = {item_id: number for number, item_id in enumerate(self.items)}, self.places
        x, y = self.recommender.place(history=history_of(wish, self.scale), query=wish.words or None)
        marks = [Mark("like", places[spot[each]], spot[each]) for each in wish.likes]
        marks += [Mark("dislike", places[spot[each]], spot[each]) for each in wish.dislikes]
        ranked = [(rank, spot[each.item_id]) for rank, each in enumerate(result.items, 1)]
        marks += [Mark("pick", places[number], number, rank) for rank, number in reversed(ranked)]  # the first on top
        return render_map.draw(places, list(self.items.values()), [*marks, Mark("you", (float(x), float(y)))])


Find = Callable[[Any], Served]  # what serves a visitor, from their state


@dataclass(frozen=True, slots=True)
class View:
    """The components; ``given`` are those that make a wish, in the order of ``Wish.of``."""

    search: gr.Textbox
    found: gr.HTML
    given: list[Any]
    button: gr.Button
    reply: gr.HTML
    files: list[gr.DownloadButton]
    side: gr.Column

    @property
    def likes(self) -> gr.Dropdown:
        """What the visitor likes."""
        box: gr.Dropdown = self.given[0]
        return box

    @property
    def dislikes(self) -> gr.Dropdown:
        """What the visitor does not like."""
        box: gr.Dropdown = self.given[1]
        return box

    @property
    def words(self) -> gr.Textbox:
        """What the visitor feels like."""
        box: gr.Textbox = self.given[2]
        return box

    @property
    def shown(self) -> list[Any]:
        """What follows a recommendation."""
        return [self.reply, *self.files]

    def emptied(self) -> tuple[Any, ...]:
        """``shown`` where there is nothing to recommend from."""
        return render.note(render.EMPTY), *(gr.DownloadButton(visible=False) for _ in self.files)

    def filled(self, items: Sequence[Item], tags: dict[str, int]) -> tuple[Any, ...]:
        """Updates of search, found, likes, dislikes, words, years and tags for another catalogue."""
        told = render.choices(items) if len(items) <= MOST_CHOICES else []
        boxes = [gr.Dropdown(told, value=[], multiselect=True, info=_how(len(items))) for _ in range(2)]
        named = [gr.Dropdown(tag_choices(tags), value=[], multiselect=True) for _ in range(2)]
        return "", gr.HTML("", visible=False), *boxes, "", None, None, *named

    @property
    def fillable(self) -> list[Any]:
        """What ``filled`` fills."""
        likes, dislikes, words, _, first, last, tags, without, *_ = self.given
        return [self.search, self.found, likes, dislikes, words, first, last, tags, without]


def _how(total: int) -> str | None:
    return "Search above and press Like or Dislike." if total > MOST_CHOICES else None


def tag_choices(tags: dict[str, int]) -> list[tuple[str, str]]:
    """The tags with their numbers, most frequent first."""
    return [(f"{tag} ({number:,})", tag) for tag, number in list(tags.items())[:MOST_TAGS]]


def _naming(told: list[tuple[str, str]]) -> list[Any]:
    boxes = ("You like", "You don't like")
    return [gr.Dropdown(told, value=[], multiselect=True, label=name, interactive=True, min_width=200) for name in boxes]


def _filters(tags: dict[str, int]) -> list[Any]:
    """The years and the tags, folded away."""
    named = tag_choices(tags)
    with gr.Accordion("Years and tags", open=False):
        with gr.Row():
            years = [gr.Number(None, label=name, precision=0, min_width=100) for name in ("From the year", "To the year")]
        wanted = gr.Dropdown(named, value=[], multiselect=True, label="With all these tags", interactive=True)
        unwanted = gr.Dropdown(named, value=[], multiselect=True, label="Without these tags", interactive=True)
    return [*years, wanted, unwanted]


def _sliders() -> tuple[Any, Any, Any]:
    told = (
        "Higher: the items of the list differ more from each other.",
        "Higher: fewer items that everybody knows or, without ratings, farther from what you named.",
    )
    diversity = gr.Slider(0, 1, 0.2, step=0.05, label="Diversity", info=told[0])
    novelty = gr.Slider(0, 1, 0, step=0.05, label="Novelty", info=told[1])
    return diversity, novelty, gr.Slider(1, MAX_PICKS, 10, step=1, label="How many")


def build_view(items: Sequence[Item], tags: dict[str, int], name: str, placeholder: str) -> View:
    """The components over a catalogue, in two columns; ``name`` is what their ids begin with."""
    told = render.choices(items) if len(items) <= MOST_CHOICES else []
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=300) as side:
            words = gr.Textbox(label="What do you feel like?", lines=1, max_lines=1, placeholder=placeholder)
            search = gr.Textbox(label="Search by title or creator", lines=1, max_lines=1, placeholder="The beginning is enough.")
            found = gr.HTML(js_on_load=_script(), padding=False, visible=False, elem_id=f"{name}-found")
            likes, dislikes = _naming(told)
            button = gr.Button("Recommend", variant="primary")
            diversity, novelty, count = _sliders()
            first, last, wanted, unwanted = _filters(tags)
        with gr.Column(scale=6, min_width=300):
            reply = gr.HTML(render.note(render.EMPTY), js_on_load=_script(), padding=False, elem_id=f"{name}-reply")
            with gr.Row():
                files = [gr.DownloadButton(f"Download the list ({kind})", visible=False, min_width=140) for kind in ("CSV", "JSON")]
    given = [likes, dislikes, words, count, first, last, wanted, unwanted, diversity, novelty]
    return View(search, found, given, button, reply, files, side)


def _script() -> str:
    return (ASSETS / "recommendation.js").read_text(encoding="utf-8")


def shower(view: View, find: Find) -> Callable[..., tuple[Any, ...]]:
    """What recommends: from a visitor's state and all that is given to the state and what is shown."""
    cache = str(view.files[0].GRADIO_CACHE)

    def show(held: Any, *given: Any) -> tuple[Any, ...]:
        wish = Wish.of(*given)
        if wish.blank:
            return held, *view.emptied()
        served = find(held)
        result, html = served.answer(wish)
        if not result.items:
            return held, html, *view.emptied()[1:]
        written = (render.to_csv(result, served.items), render.to_text(result, served.items))
        encodings = ("utf-8-sig", "utf-8")  # spreadsheets take a file without the mark for another encoding
        paths = [keep(content, name, cache, coded) for content, name, coded in zip(written, FILES, encodings, strict=True)]
        return held, html, *(gr.DownloadButton(value=path, visible=True) for path in paths)

    return guarded(show)


def _steerer(view: View, find: Find) -> Callable[..., tuple[Any, ...]]:
    """What a press on More or Less does: the item goes to one list and out of the other."""
    show = shower(view, find)

    @guarded
    def steer(held: Any, event: gr.SelectData, *given: Any) -> tuple[Any, ...]:
        way, item_id = _pressed(event.value)
        likes, dislikes = ([each for each in box or [] if each != item_id] for box in given[:2])
        (likes if way == "more" else dislikes).append(item_id)
        served = find(held)
        if item_id not in served.items:
            raise InputError(STALE)
        shown = show(held, likes, dislikes, *given[2:])
        boxes = [_box(served, chosen) for chosen in (likes, dislikes)]
        return shown[0], *boxes, *shown[1:]

    return steer


def _pressed(value: Any) -> tuple[str, str]:
    """Which way an item should go; raises ``InputError`` for what no page of ours sends."""
    if not isinstance(value, list) or len(value) != 2 or value[0] not in ("more", "less") or not isinstance(value[1], str):
        raise InputError(STALE)
    return value[0], value[1]


def _box(served: Served, chosen: list[str]) -> Any:
    """A list's new value; in a large catalogue what is chosen is all that there is to choose."""
    if len(served.items) <= MOST_CHOICES:
        return chosen
    told = render.choices([served.items[each] for each in chosen if each in served.items])
    return gr.Dropdown(told, value=chosen, multiselect=True)


def connect(view: View, state: gr.State, find: Find, look: Callable[[Any], Catalogue]) -> None:
    """Let Enter, the button, a slider that is let go, and More and Less recommend; a search in what ``look`` gives answers while it is
    typed."""
    work: dict[str, Any] = {"api_visibility": "private", "show_progress_on": view.reply}
    inputs, outputs = [state, *view.given], [state, *view.shown]
    show = shower(view, find)
    gr.on([view.button.click, view.words.submit], show, inputs, outputs, trigger_mode="always_last", **work)
    sliders = (view.given[3], *view.given[-2:])
    gr.on([slider.release for slider in sliders], show, inputs, outputs, trigger_mode="always_last", **work)
    boxes = [state, view.likes, view.dislikes, *view.shown]
    # Once: a press while the last one is worked on would not know of it.
    gr.on([view.reply.select, view.found.select], _steerer(view, find), inputs, boxes, trigger_mode="once", **work)

    @guarded
    def search(held: Any, words: str) -> Any:
        typed = (words or "").strip()[:LONGEST]
        if not typed:
            return gr.HTML("", visible=False)
        return gr.HTML(render.found(look(held).search(typed, k=FOUND)), visible=True)

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    view.search.change(search, [state, view.search], view.found, trigger_mode="always_last", **quiet)
