"""The pages of opinion analysis without a browser: reviews, examples and endpoints, over a small stand-in pipeline."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file

from apps import components, render, render_opinions, timeline
from apps.opinion_analysis import _analyze
from apps.opinion_reviews import Found, _csv, _examples, _jsonl, _pick, _report, _sentence
from apps.uploads import MAX_ROWS, Upload, followed
from tasks.core.errors import InputError
from tasks.opinion_analysis.aspects import aspects
from tasks.opinion_analysis.types import POLARITIES
from tests.markup import Reader
from tests.serving import write
from tests.stand_ins import Opinions

# ---------------------------------------------------------------------------------------------- reviews


def found(*texts: str, moments: Sequence[Any] | None = None) -> Found:
    rows = [{"text": text, "score": "5"} for text in texts]
    results = list(Opinions().stream(texts))
    upload = Upload(rows, list(texts), list(moments or [None] * len(texts)), "r")
    return Found(upload, results, aspects(results, Opinions().embed))


REVIEWS = found("The cake is superb.", "Cold cake. Rude staff!", "", "=1+1 lovely staff", "awful")


def test_report_counts_what_is_there() -> None:
    report = _report(REVIEWS)
    assert report["reviews"] == 5 and report["counts"] == {"positive": 2, "negative": 2, "neutral": 0}
    assert report["opinions"] == {"positive": 2, "negative": 3, "neutral": 0} and report["timeline"] is None
    cake = {"name": "cake", "variants": ("cake",), "positive": 1, "negative": 1, "neutral": 0, "rows": [1, 2]}
    assert report["aspects"] == [cake, cake | {"name": "staff", "variants": ("staff",), "rows": [2, 4]}]
    assert "1 blank row is left out" in _sentence(REVIEWS, None) and "5 opinions about 2 things" in _sentence(REVIEWS, None)


def test_downloads_keep_the_columns_and_run_nothing() -> None:
    rows = list(csv.DictReader(io.StringIO(_csv(REVIEWS))))
    assert list(rows[0]) == ["text", "score", "polarity", "score_", "opinions"]
    assert rows[1]["polarity"] == "negative" and rows[1]["opinions"] == "cake: Cold [negative]; staff: Rude [negative]"
    assert rows[2]["polarity"] == rows[2]["score_"] == rows[2]["opinions"] == ""
    assert rows[3]["text"] == "'=1+1 lovely staff"
    lines = [json.loads(line) for line in _jsonl(REVIEWS).splitlines()]
    assert len(lines) == 5 and lines[0]["score"] == "5"
    assert lines[0]["result"]["opinions"][0]["target"] == {"start": 4, "end": 8, "text": "cake"}
    assert set(lines[0]["result"]) == {"polarity", "opinions", "coverage"}


def test_examples_by_polarity_and_a_press_on_a_bar() -> None:
    both, negative = _examples(REVIEWS, "0", "all"), _examples(REVIEWS, "0", "negative")
    assert both.count("<tr>") == 3 and negative.count("<tr>") == 2
    assert "− negative" in negative and "+ positive" not in negative
    assert _examples(None, "0", "all") == _examples(REVIEWS, None, "all") == ""

    class Press:
        value = "1:positive"

    assert _pick(REVIEWS, Press())[:2] == ("1", "positive")  # type: ignore[arg-type]
    for wrong in ("7:positive", "x:positive", "0:odd", None):
        Press.value = wrong  # type: ignore[assignment]
        assert _pick(REVIEWS, Press())[2] != _examples(REVIEWS, "0", "all")  # type: ignore[arg-type]


def test_rankings_put_the_most_praised_and_blamed_first() -> None:
    many = found("superb cake, lovely cake. lovely staff.", "cold cake. rude staff. awful staff.")
    assert [many.aspects[n].name for n in render_opinions.ranking(many.aspects, "positive")] == ["cake", "staff"]
    assert [many.aspects[n].name for n in render_opinions.ranking(many.aspects, "negative")] == ["staff", "cake"]
    assert render_opinions.ranking(many.aspects, "neutral") == []
    assert "Nothing is, by name." in render_opinions.aspect_charts([])


def test_the_timeline_counts_reviews_by_polarity() -> None:
    times = [timeline.parse_time(day) for day in ("2026-03-01", "2026-03-02", "soon")]
    made = found("superb", "awful", "lovely", moments=times).timeline()
    assert made is not None and {kind: sum(row) for kind, row in made.counts.items()} == {"positive": 1, "negative": 1}


def test_progress_is_told_now_and_then() -> None:
    heard: list[float] = []
    assert followed(iter(range(40)), 40, heard.append) == list(range(40))
    assert heard == [16 / 40, 32 / 40]


# ---------------------------------------------------------------------------------------------- examples and endpoints


def test_shipped_examples() -> None:
    rows = list(csv.DictReader(io.StringIO((components.EXAMPLES / "reviews.csv").read_text(encoding="utf-8"))))
    assert len(rows) == 60 and all(timeline.parse_time(row["time"]) and row["text"] for row in rows)
    ready = components.examples("opinions.json")
    assert [example["name"] for example in ready] == ["Product", "Restaurant", "Museum", "Citizens' proposal", "Course evaluation"]
    assert [bool(example["proposal"]) for example in ready] == [False, False, False, True, False]


def test_blank_text_loads_no_model() -> None:
    def load(task: str) -> Any:
        raise AssertionError("loaded")

    assert _analyze(load, " \n", "We should", None).opinions == ()
    with pytest.raises(InputError):
        _analyze(load, "x", 5, None)  # type: ignore[arg-type]


def test_the_pages_fit_the_real_pipeline(bert: Path, make_opinions: Callable[..., Path]) -> None:
    from tasks.opinion_analysis.task import load

    pipeline = load(str(bert), str(make_opinions(bert)))
    text = "The nurse was in the town, and people fled the school."
    made = _analyze(lambda task: pipeline, text, "We should vote", 0.0)
    assert made.stance and made.opinions and Reader(render_opinions.highlight(text, made.opinions)).words == text
    results = list(pipeline.stream([text, "", text], threshold=0.0))
    read = Found(Upload([{"text": text}] * 3, [text] * 3, [None] * 3, "r"), results, aspects(results, pipeline.embed))
    assert read.polarities()[1] is None and _report(read)["reviews"] == 3
    assert all(_examples(read, str(number), "all") for number in range(len(read.aspects)))


def test_analyze_opinions(client: Client) -> None:
    made = client.predict("Lovely cake 🍰 but rude staff", api_name="/analyze_opinions")
    assert [(o["target"]["text"], o["expression"]["text"], o["polarity"]) for o in made["opinions"]] == [
        ("cake", "Lovely", "positive"),
        ("cake", "rude", "negative"),
    ]
    assert made["stance"] is None and made["polarity"]["label"] in POLARITIES
    assert client.predict("Yes", "We should", api_name="/analyze_opinions")["stance"]["label"] == "favor"
    assert client.predict("Lovely", "", 0.9, api_name="/analyze_opinions")["opinions"] == []
    assert client.predict("  ", api_name="/analyze_opinions")["coverage"] == {"read": 2, "total": 2}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x" * 200_001,), "has 200,001 characters; the page reads up to 200,000"),
        (("x", "", 7), "must be a number from 0 to 1"),
        ((5,), "must be strings"),
        (("explodes",), "Sorry, something went wrong on our side"),
    ],
)
def test_analyze_opinions_refuses_in_a_sentence(client: Client, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(Exception, match=re.escape(message)) as refused:
        client.predict(*arguments, api_name="/analyze_opinions")
    assert "Traceback" not in str(refused.value) and "secret" not in str(refused.value)


def test_analyze_reviews(client: Client) -> None:
    sample = handle_file(str(components.EXAMPLES / "reviews.csv"))
    report, table, lines = client.predict(sample, "text", "time", api_name="/analyze_reviews")
    assert report["reviews"] == 60 == sum(report["counts"].values()) == sum(map(sum, report["timeline"]["counts"].values()))
    assert "staff" in [aspect["name"] for aspect in report["aspects"]]
    rows = list(csv.DictReader(io.StringIO(Path(table).read_bytes().decode("utf-8-sig"))))
    assert Path(table).name == "reviews_opinions.csv" and Path(lines).name == "reviews_opinions.jsonl"
    assert list(rows[0]) == ["id", "time", "stars", "text", "polarity", "score", "opinions"]
    assert rows[59]["text"].startswith("'=HYPERLINK")
    assert len(Path(lines).read_text(encoding="utf-8").splitlines()) == 60


@pytest.mark.parametrize(
    ("name", "content", "columns", "message"),
    [
        ("m.csv", "body\nhello\n", ("text", "time"), "no column 'text'"),
        ("m.csv", "text\nhello\n", ("text", "when"), "no column 'when' for the time"),
        ("m.csv", b"text\n\xff\xfe\xfa\n", ("text", "time"), "not UTF-8"),
        ("m.txt", "x\n" * (MAX_ROWS + 1), ("text", "time"), "has 20,001 reviews; the page reads up to 20,000"),
    ],
)
def test_reviews_refuse_in_a_sentence(
    client: Client, tmp_path: Path, name: str, content: str | bytes, columns: tuple[str, str], message: str
) -> None:
    with pytest.raises(Exception, match=re.escape(message)) as refused:
        client.predict(write(tmp_path, name, content), *columns, api_name="/analyze_reviews")
    assert "Traceback" not in str(refused.value)


def test_reviews_without_a_file(client: Client) -> None:
    with pytest.raises(Exception, match="There is no file yet: drop a CSV file of reviews"):
        client.predict(None, "text", "time", api_name="/analyze_reviews")


def test_new_columns_never_hide_the_users() -> None:
    rows = [{"polarity": "x", "polarity_": "y"}]
    assert render.extended_csv(rows, {"polarity": ["negative"]}) == "polarity,polarity_,polarity__\nx,y,negative\n"
