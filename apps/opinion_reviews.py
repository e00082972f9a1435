"""Reviews: a file of them in; counts, polarity over time, what is praised and blamed with examples, and files out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from apps import render, render_opinions
from apps.components import FILES_LIVE_SECONDS, Load, guarded
from apps.timeline import Timeline, build_timeline
from apps.uploads import PROGRESS, Upload, followed, keep, picker, read_upload
from tasks.core.files import to_json
from tasks.opinion_analysis.aspects import Aspect, aspects
from tasks.opinion_analysis.types import POLARITIES, OpinionResult

TASK = "opinion-analysis"
SHOWN = 50  # examples at a time
LISTED = 300  # aspects to choose from, and in the report
ALL = "all"
# The charts are HTML because a native plot tells of a dragged range only, never of the bar that was clicked.
PICK = """
element.addEventListener('click', event => {
  const bar = event.target.closest('button[data-pick]');
  if (bar) trigger('select', {index: 0, value: bar.dataset.pick});
});
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A file of reviews, what was read in each, and what they are about."""

    upload: Upload
    results: list[OpinionResult]
    aspects: list[Aspect]

    def polarities(self) -> list[str | None]:
        """The polarity of each review; None where it is blank, which is no neutral opinion."""
        return [result.polarity.label if result.text.strip() else None for result in self.results]

    def timeline(self) -> Timeline | None:
        """Reviews with a time in bins of it, by polarity."""
        timed = [(moment, kind) for moment, kind in zip(self.upload.moments, self.polarities(), strict=True) if moment and kind]
        return build_timeline([moment for moment, _ in timed], [kind for _, kind in timed])


def _report(found: Found) -> dict[str, Any]:
    """Counts, bins and aspects as plain data: what a client of the endpoint gets."""
    tally = Counter(kind for kind in found.polarities() if kind)
    said = Counter(opinion.polarity for result in found.results for opinion in result.opinions)
    timeline = found.timeline()
    return {
        "reviews": len(found.results),
        "counts": {name: tally[name] for name in POLARITIES},
        "opinions": {name: said[name] for name in POLARITIES},
        "timeline": timeline and {"bins": [start.isoformat() for start in timeline.starts], "counts": timeline.counts},
        "aspects": [_plain(aspect) for aspect in found.aspects[:LISTED]],
    }


def _plain(aspect: Aspect) -> dict[str, Any]:
    tally = {name: getattr(aspect, name) for name in POLARITIES}
    return {"name": aspect.name, "variants": aspect.variants, **tally, "rows": sorted({index + 1 for index, _ in aspect.mentions})}


def _csv(found: Found) -> str:
    results = found.results
    scores = [f"{result.polarity.score:.4f}" if result.text.strip() else None for result in results]
    said = [render_opinions.compact(result) for result in results]
    return render.extended_csv(found.upload.rows, {"polarity": found.polarities(), "score": scores, "opinions": said})


def _jsonl(found: Found) -> str:
    """Each row with its result beside the user's columns; its text is the row's own."""
    (name,) = render.free_names(found.upload.rows, ["result"])
    lines = []
    for row, result in zip(found.upload.rows, found.results, strict=True):
        told = {key: value for key, value in result.to_dict().items() if key not in ("text", "stance")}
        lines.append(to_json({**row, name: told}) + "\n")
    return "".join(lines)


def _sentence(found: Found, timeline: Timeline | None) -> str:
    blank = sum(kind is None for kind in found.polarities())
    said = sum(len(result.opinions) for result in found.results)
    words = f"**{render.plural(len(found.results), 'review')}** with {render.plural(said, 'opinion')}"
    words += f" about {render.plural(len(found.aspects), 'thing')} that they name."
    if blank:
        words += f" {render.plural(blank, 'blank row')} {'is' if blank == 1 else 'are'} left out of the counts."
    untimed = sum(moment is None for moment in found.upload.moments)
    if timeline is None:
        return words + " There is no timeline, because no review has a readable time."
    return words + (f" {untimed:,} without a readable time are not on the timeline." if untimed else "")


def _time_chart(timeline: Timeline | None) -> Any:
    if timeline is None:
        return gr.BarPlot(visible=False)
    counts = {name: timeline.counts[name] for name in POLARITIES if name in timeline.counts}
    payload = render.time_chart(timeline.labels, counts, "polarity", "reviews")
    return gr.BarPlot(payload, color_map=render_opinions.COLORS, sort=list(timeline.labels), visible=True)


def _named(aspect: Aspect) -> str:
    """An aspect with its counts: ``staff (+5 −1)``."""
    counts = " ".join(f"{render_opinions.SIGNS[name]}{n:,}" for name in POLARITIES if (n := getattr(aspect, name)))
    return f"{aspect.name} ({counts})"


def _choices(found: Found) -> list[tuple[str, str]]:
    """The aspects with their counts, under their numbers."""
    return [(_named(aspect), str(number)) for number, aspect in enumerate(found.aspects[:LISTED])]


def _examples(found: Found | None, number: str | None, polarity: str) -> str:
    """Sentences about the aspect, the surest opinions of it first."""
    if found is None or number is None:
        return ""
    aspect = found.aspects[int(number)]
    mentions = [(index, opinion) for index, opinion in aspect.mentions if polarity in (ALL, opinion.polarity)]
    chosen = sorted(mentions, key=lambda mention: -mention[1].score)[:SHOWN]
    moments = found.upload.moments
    rows = [(found.results[i].text, opinion, i + 1, f"{moments[i]:%d %b %Y}" if moments[i] else "") for i, opinion in chosen]
    shown = "" if len(mentions) <= SHOWN else f", {SHOWN} of {len(mentions):,}"
    names = ", ".join(aspect.variants[:6])
    return render_opinions.examples(rows, f"What is said about {names}: the surest first{shown}; rows are counted without a header")


def _draw(found: Found) -> tuple[Any, ...]:
    """The charts and examples of what ``analyze_reviews`` found."""
    timeline = found.timeline()
    tally = Counter(kind for kind in found.polarities() if kind)
    some = bool(found.aspects)
    first = "0" if some else None
    return (
        _sentence(found, timeline),
        gr.HTML(render_opinions.counts("Reviews as a whole", tally), visible=True),
        _time_chart(timeline),
        gr.HTML(render_opinions.aspect_charts(found.aspects[:LISTED]), visible=True),
        gr.Dropdown(_choices(found), value=first, visible=some),
        gr.Radio(value=ALL, visible=some),
        gr.HTML(_examples(found, first, ALL), visible=some),
        gr.DownloadButton(visible=True),
        gr.DownloadButton(visible=True),
        gr.Accordion(visible=True),
    )


def _pick(found: Found | None, event: gr.SelectData) -> tuple[Any, ...]:
    """What a press on a bar shows: its aspect, its polarity and the examples."""
    number, _, polarity = str(event.value).partition(":")
    if found is None or not number.isdigit() or int(number) >= len(_choices(found)) or polarity not in POLARITIES:
        return gr.skip(), gr.skip(), gr.skip()
    return number, polarity, _examples(found, number, polarity)


def _analyzer(load: Load, cache: str) -> Callable[..., tuple[Found, dict[str, Any], str, str]]:
    @guarded
    def analyze_reviews(
        path: str | None, text_column: str, time_column: str, progress: gr.Progress = PROGRESS
    ) -> tuple[Found, dict[str, Any], str, str]:
        """Analyse a file of reviews. Returns counts, bins of time and aspects (with the rows that name them), a CSV and a JSONL file.

        Args:
            path: A CSV, TSV, JSONL, TXT or Parquet file of up to 20,000 reviews.
            text_column: The file's column with the reviews.
            time_column: The file's column with the time of each, if there is one.
        """
        upload = read_upload(path, text_column, time_column, "reviews", TASK)
        progress(0.0, desc="Loading the model")
        pipeline, total = load(TASK), len(upload.texts)
        results = followed(pipeline.stream(upload.texts), total, lambda share: progress(share, desc=f"Reading {total:,} reviews"))
        progress(1.0, desc="Grouping what they are about")
        found = Found(upload, results, aspects(results, pipeline.embed))
        table = keep(_csv(found), f"{upload.stem}_opinions.csv", cache, "utf-8-sig")
        return found, _report(found), table, keep(_jsonl(found), f"{upload.stem}_opinions.jsonl", cache)

    return analyze_reviews


def _charts() -> tuple[gr.Markdown, gr.HTML, gr.BarPlot, gr.HTML]:
    summary = gr.Markdown("Counts, what is praised and what is blamed will appear here.", elem_classes="summary")
    counts = gr.HTML(visible=False, padding=False, elem_id="review-counts")
    times = gr.BarPlot(
        x="time",
        y="reviews",
        color="polarity",
        x_title="Time",
        y_title="Reviews",
        y_axis_format=",~f",
        x_label_angle=-90,
        label="Reviews over time",
        visible=False,
        elem_id="review-times",
    )
    return summary, counts, times, gr.HTML(visible=False, padding=False, js_on_load=PICK, elem_id="aspects")


def _browser() -> tuple[gr.Dropdown, gr.Radio, gr.HTML]:
    with gr.Row(equal_height=True):
        aspect = gr.Dropdown([], label="Examples about", info="Or press a bar.", visible=False, interactive=True, scale=3, min_width=240)
        kinds = [("All", ALL), *((f"{render_opinions.SIGNS[name]} {name}", name) for name in POLARITIES)]
        polarity = gr.Radio(kinds, value=ALL, label="Polarity", visible=False, interactive=True, scale=4, min_width=240)
    return aspect, polarity, gr.HTML(visible=False, elem_id="review-examples", elem_classes="scroll", padding=False)


def _downloads() -> tuple[gr.DownloadButton, gr.DownloadButton, gr.Accordion, gr.JSON]:
    with gr.Row():
        table = gr.DownloadButton("Download the table (CSV)", visible=False)
        lines = gr.DownloadButton("Download all that was found (JSONL)", visible=False)
    with gr.Accordion("The report as JSON", open=False, visible=False) as more:
        report = gr.JSON(label="Report", show_label=False, max_height=360)
    return table, lines, more, report


def tab(load: Load) -> None:
    """Fill the current tab with the reviews. ``load(task, adapter=...)`` gives a pipeline."""
    gr.Markdown(
        "What do thousands of reviews or contributions praise, and what do they blame? Upload them to see it by aspect and by time."
    )
    chosen = picker("Reviews", "Analyse reviews", "Try a sample: 60 reviews of a museum")
    charts = _charts()
    aspect, polarity, examples = _browser()
    table, lines, more, report = _downloads()
    found: gr.State = gr.State(None, time_to_live=FILES_LIVE_SECONDS)
    drawn = [*charts, aspect, polarity, examples, table, lines, more]
    chosen.start(_analyzer(load, table.GRADIO_CACHE), [found, report, table, lines], _draw, drawn, "analyze_reviews", "reviews.csv")
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    charts[3].select(_pick, found, [aspect, polarity, examples], **quiet)
    gr.on([aspect.input, polarity.input], _examples, [found, aspect, polarity], examples, **quiet)
