"""A visitor's own catalogue, and ratings where they have some: read once, theirs alone, then recommended from like the project's."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components.api_component import Api

from apps import render_recommendation as render
from apps.components import EXAMPLES, FILES_LIVE_SECONDS, guarded
from apps.recommendation_view import Served, View, build_view, connect
from apps.uploads import PROGRESS
from apps.wishes import SCALE, Scale, Wish, ask, scale_of
from tasks import pipeline
from tasks.core.errors import InputError
from tasks.recommendation.catalogue import read_items

TASK = "recommendation"
MAX_ITEMS = 20_000
SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")
SAMPLES = (str(EXAMPLES / "films.csv"), str(EXAMPLES / "films_ratings.csv"))
NOTHING = "There is nothing to recommend from: name an item in history or dislikes, or write a query."
IN_CODE = "Give fewer, or use it in code: tasks.pipeline('recommendation', items=FILE)."
GONE = "There is no catalogue of yours: read one first. What was read is forgotten after an hour without a recommendation."
BUSY = "Your catalogue is still being read: wait until the bar is full, then try again."
# As JSON Schema, for programs.
NAMES: dict[str, Any] = {"oneOf": [{"type": "null"}, {"type": "array", "items": {"type": "string"}}]}
YEAR: dict[str, Any] = {"oneOf": [{"type": "null"}, {"type": "integer"}]}
Make = Callable[..., Any]
Tell = Callable[[int, int, str], None]


def make_own(**files: Any) -> Any:
    """A recommender over a visitor's files. Nothing of them is kept on disk: in the null device no folder can be made."""
    return pipeline(TASK, cache_dir=os.devnull, **files)


def answered(served: Served, wish: Wish) -> dict[str, Any]:
    """What an endpoint returns; raises ``InputError`` for a blank wish."""
    if wish.blank:
        raise InputError(NOTHING)
    return render.plain(ask(served.recommender, wish, served.scale), served.items)


@contextmanager
def _plain_names(*paths: str | None) -> Iterator[None]:
    """Errors in the words of the page; a file has its bare name, for where the server keeps it is nobody's business."""
    try:
        yield
    except InputError as error:
        said = str(error).replace("give scale=(low, high)", "set the lowest and the highest rating")
        for path in filter(None, paths):
            said = said.replace(path, Path(path).name)
        raise InputError(said) from error


def _check(items: str, ratings: str | None) -> None:
    """Raise ``InputError`` for files that can't be used, before minutes are spent on them."""
    for path in filter(None, (items, ratings)):
        if Path(path).suffix.lower() not in SUFFIXES:
            raise InputError(f"{Path(path).name!r} is none of {', '.join(SUFFIXES)}: save it as one of these.")
    total = len(read_items(items))
    if total > MAX_ITEMS:
        raise InputError(f"{Path(items).name!r} has {total:,} items; the page takes up to {MAX_ITEMS:,}. {IN_CODE}")


class Own:
    """One visitor's catalogue, None before the first.

    Kept in a ``gr.State``, which copies what it begins with for each visitor: a copy is empty. No dataclass, for Gradio
    copies the fields of those.
    """

    def __init__(self) -> None:
        self.served: Served | None = None
        self._busy = threading.Lock()

    def __deepcopy__(self, memo: dict[int, Any]) -> Own:
        return Own()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._busy.acquire(blocking=False):
            raise InputError(BUSY)
        try:
            yield
        finally:
            self._busy.release()

    def read(self, items: Any, ratings: Any, scale: Scale, make: Make, tell: Tell) -> str:
        """Read the files and serve them instead of what was there; returns what the page shows of them. Raises ``InputError``."""
        if not items:
            raise InputError("There is no file of items yet: drop one on the first box, or press “Try with 40 example films”.")
        with self._alone(), _plain_names(items, ratings):
            _check(items, ratings)
            recommender = make(items=items, ratings=ratings or None, scale=scale, progress=tell)
            total = len(recommender.catalogue)
            tell(total, total, "Drawing the map")
            recommender.map()  # while the visitor waits for the files anyway
            self.served = Served.of(recommender, scale)
        rated = [int(each) for each in recommender.popularity]
        return render.catalogue(Path(items).name, recommender.catalogue.items, rated)

    def find(self) -> Served:
        """What serves the visitor; raises ``InputError`` where there is nothing."""
        if self.served is None:
            raise InputError(BUSY if self._busy.locked() else GONE)
        return self.served


def teller(progress: gr.Progress) -> Tell:
    return lambda done, total, doing: progress((done, total), desc=doing, unit="rows")


def _reader(view: View, make: Make) -> Callable[..., tuple[Any, ...]]:
    @guarded
    def read(
        own: Own, items: str | None, ratings: str | None, lowest: float, highest: float, progress: gr.Progress = PROGRESS
    ) -> tuple[Any, ...]:
        table = own.read(items, ratings, scale_of(lowest, highest), make, teller(progress))
        catalogue = own.find().recommender.catalogue
        return own, table, gr.Column(visible=True), *view.filled(catalogue.items, catalogue.tags), *view.emptied()

    return read


def _endpoint(make: Make) -> Callable[..., dict[str, Any]]:
    @guarded
    def recommend_from_catalogue(
        items: str,
        ratings: str | None = None,
        history: list[str] | None = None,
        dislikes: list[str] | None = None,
        query: str = "",
        k: int = 10,
        year_from: int | None = None,
        year_to: int | None = None,
        tags: list[str] | None = None,
        without_tags: list[str] | None = None,
        diversity: float = 0.0,
        novelty: float = 0.0,
        lowest_rating: float = SCALE[0],
        highest_rating: float = SCALE[1],
    ) -> dict[str, Any]:
        """Recommend items of a catalogue that is sent along, from those that somebody likes and dislikes, from words, or from both.

        Returns what recommend returns. Nothing is kept afterwards.

        Args:
            items: CSV, TSV, JSONL or Parquet file, a row for each of up to 20,000 items: item_id, title, creators, year, tags, description.
            ratings: The same kind of file with others' ratings, if there are any: rows of user_id, item_id, rating.
            history: Ids of items that are liked, the oldest first; may be empty where query is not.
            dislikes: Ids of items that are not liked.
            query: What somebody feels like, in words, up to 500 characters.
            k: How many items to recommend, 1 to 50.
            year_from: The first year of an item; left out: any.
            year_to: The last year of an item; left out: any.
            tags: Tags that an item must have, all of them.
            without_tags: Tags that an item must not have, none of them.
            diversity: From 0 to 1; higher: the items of the list differ more from each other.
            novelty: From 0 to 1; higher: fewer items that everybody knows, or farther from what was named.
            lowest_rating: The lowest number of the ratings' scale.
            highest_rating: The highest number of the ratings' scale.
        """
        wish = Wish.of(history, dislikes, query, k, year_from, year_to, tags, without_tags, diversity, novelty)
        scale = scale_of(lowest_rating, highest_rating)
        if wish.blank:
            raise InputError(NOTHING)
        own = Own()
        own.read(items, ratings, scale, make, lambda done, total, doing: None)
        return answered(own.find(), wish)

    return recommend_from_catalogue


def _publish(make: Make, **work: Any) -> None:
    """Offer the endpoint. Over components that nobody sees, because these make sure that a file was uploaded: ``gr.api`` would
    pass on any path of this machine that a client names."""
    files = [gr.File(label=name, type="filepath", visible=False) for name in ("items", "ratings")]
    # Unlike a component of the page, one for programs alone says which types it takes.
    lists = [Api(None, NAMES, label=name) for name in ("history", "dislikes")]
    words = gr.Textbox("", label="query", visible=False)
    k = gr.Number(10, label="k", precision=0, visible=False)
    years = [Api(None, YEAR, label=name) for name in ("year_from", "year_to")]
    tags = [Api(None, NAMES, label=name) for name in ("tags", "without_tags")]
    shares = [gr.Number(0, label=name, visible=False) for name in ("diversity", "novelty")]
    scale = [gr.Number(value, label=name, visible=False) for value, name in zip(SCALE, ("lowest_rating", "highest_rating"), strict=True)]
    told = gr.JSON(label="result", visible=False)
    given = [*files, *lists, words, k, *years, *tags, *shares, *scale]
    gr.Button("recommend", visible=False).click(
        _endpoint(make), given, told, api_name="recommend_from_catalogue", show_progress="hidden", **work
    )


def own_state() -> gr.State:
    """Where the page remembers a visitor's catalogue."""
    state: gr.State = gr.State(Own(), time_to_live=FILES_LIVE_SECONDS)
    return state


def upload() -> tuple[list[Any], gr.Button, gr.Button]:
    with gr.Row(equal_height=False):
        # No file_types: reading says in a sentence what is wrong with a file of another kind.
        items = gr.File(label="Items: CSV, TSV, JSONL or Parquet", type="filepath", height=140, min_width=240, scale=3)
        ratings = gr.File(label="Ratings of others, if there are any", type="filepath", height=140, min_width=240, scale=3)
        with gr.Column(scale=4, min_width=280):
            with gr.Row():
                names = ("Lowest rating", "Highest rating")
                scale = [gr.Number(value, label=name, min_width=110) for value, name in zip(SCALE, names, strict=True)]
            button = gr.Button("Read my catalogue", variant="primary")
            sample = gr.Button("Try with 40 example films")
    return [items, ratings, *scale], button, sample


def tab(make: Make) -> None:
    """Fill the current tab. ``make(items=…, ratings=…, scale=…, progress=…)`` gives a pipeline over a visitor's files."""
    gr.Markdown(
        "Films, books, plants, courses: a row for each with `item_id`, `title` and what you know of `creators`, `year`, `tags` and "
        "`description`; ratings as rows of `user_id`, `item_id`, `rating`. They are yours alone, are read on this machine, and are "
        "forgotten after an hour."
    )
    state = own_state()
    files, button, sample = upload()
    table = gr.HTML(render.NOTHING_READ, padding=False, elem_id="own-catalogue", elem_classes="scroll")
    with gr.Column(visible=False) as panel:
        view = build_view((), {}, "own", "an evening alone, something warm")
    connect(view, state, lambda own: own.find(), lambda own: own.find().recommender.catalogue)
    reading: dict[str, Any] = {"api_visibility": "private", "show_progress_on": table, "trigger_mode": "once"}
    reading["concurrency_id"] = "read_catalogue"  # two at a time of all visitors; of one visitor the second is told to wait
    inputs, outputs = [state, *files], [state, table, panel, *view.fillable, *view.shown]
    read = _reader(view, make)
    button.click(read, inputs, outputs, **reading)
    sample.click(lambda: (*SAMPLES, *SCALE), None, files, api_visibility="private", queue=False).then(read, inputs, outputs, **reading)
    _publish(make, concurrency_limit=1, concurrency_id="recommend_from_catalogue")
