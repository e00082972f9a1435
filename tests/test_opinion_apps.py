"""The pages of opinion analysis without a browser: marks, tables, charts and endpoints, over a small stand-in pipeline."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio_client import Client, handle_file
from hypothesis import given
from hypothesis import strategies as st

from apps import components, render, render_opinions, timeline
from apps.opinion_analysis import _analyze
from apps.opinion_reviews import Found, _csv, _examples, _jsonl, _pick, _report, _sentence
from apps.uploads import MAX_ROWS, Upload, followed
from tasks.core.errors import InputError
from tasks.core.types import Coverage, Span
from tasks.opinion_analysis.aspects import Floats, aspects
from tasks.opinion_analysis.types import POLARITIES, STANCES, Label, Opinion, OpinionResult
from tests.test_apps import contrast, mix, serving, write

TARGETS = "staff|café|cake|coffee|collection|labels|queue|audio guide|guide|shop|prices|garden|lift|toilets|screen|battery|text"
WORDS = {
    "positive": "superb|lovely|friendly|stunning|clear|delicious|excellent|helpful|brilliant|gorgeous|wonderful|adored",
    "negative": "endless|overpriced|cold|dirty|broken|rude|awful|confusing|useless|boring|expensive|explodes",
    "neutral": "average",
}
ATTACK = "<img src=x onerror=alert(1)>\"'&"


class Opinions:
    """A stand-in: each judging word is an opinion, on the nearest thing before it in its sentence, else after it."""

    def __call__(self, text: str, target: str | None = None, threshold: float | None = None) -> OpinionResult:
        if "explodes" in text:
            raise RuntimeError("secret path /srv/model.bin")
        return self.one(text, target, threshold)

    def one(self, text: str, target: str | None = None, threshold: float | None = None) -> OpinionResult:
        found = [opinion for sentence in re.finditer(r"[^.!?]+", text) for opinion in self.sentence(text, *sentence.span())]
        kept = tuple(opinion for opinion in found if (threshold or 0.0) <= opinion.score)
        tally = {name: 1 + 2 * sum(opinion.polarity == name for opinion in found) for name in POLARITIES}
        polarity = Label.of(POLARITIES, [tally[name] / sum(tally.values()) for name in POLARITIES])
        stance = Label.of(STANCES, (0.7, 0.2, 0.1)) if target else None
        return OpinionResult(text, polarity, kept, stance, Coverage(len(text), len(text)))

    def sentence(self, text: str, start: int, end: int) -> Iterator[Opinion]:
        things = [Span(m.start(), m.end(), m.group()) for m in re.compile(TARGETS, re.I).finditer(text, start, end)]
        for polarity, words in WORDS.items():
            for match in re.compile(words, re.I).finditer(text, start, end):
                before = [thing for thing in things if thing.end <= match.start()]
                near = before[-1] if before else things[0] if things else None
                yield Opinion(near, Span(match.start(), match.end(), match.group()), polarity, 0.75)

    def stream(self, texts: Sequence[str], target: Any = None, threshold: float | None = None) -> Iterator[OpinionResult]:
        return (self.one(text, target, threshold) for text in texts)

    def embed(self, phrases: Sequence[str]) -> Floats:
        return np.eye(len(phrases), dtype=np.float32)


def opinion(text: str, target: tuple[int, int] | None, expression: tuple[int, int] | None, polarity: str = "positive") -> Opinion:
    spans = [Span.of(text, *place) if place else None for place in (target, expression)]
    return Opinion(spans[0], spans[1], polarity, 0.9)


def result(text: str, *opinions: Opinion) -> OpinionResult:
    return OpinionResult(text, Label.of(POLARITIES, (0.7, 0.2, 0.1)), opinions, None, Coverage(len(text), len(text)))


class Reader(HTMLParser):
    """The words of HTML without those of its numbers, its tags, and whether each tag is closed in its turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words, self.tags, self.open = "", list[tuple[str, dict[str, str | None]]](), list[str]()
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += "" if "b" in self.open else data


# ---------------------------------------------------------------------------------------------- colours


@pytest.mark.parametrize("colour", render_opinions.COLORS.values())
def test_colours_are_legible_in_light_and_dark(colour: str) -> None:
    assert contrast(colour, "#ffffff") >= 4.5
    assert contrast(colour, "#1e293b") >= 3.0
    assert contrast(mix(0.22, colour, "#ffffff"), "#1f2937") >= 4.5
    assert contrast(mix(0.22, colour, "#1e293b"), "#f1f5f9") >= 4.5
    assert colour in (components.EXAMPLES.parent / "style.css").read_text(encoding="utf-8")


# ---------------------------------------------------------------------------------------------- marks


def test_both_parts_carry_the_number_and_the_polarity() -> None:
    text = "The cake was cold."
    read = Reader(render_opinions.highlight(text, [opinion(text, (4, 8), (13, 17), "negative")]))
    joined = [(tag, attributes["class"], attributes["data-o"]) for tag, attributes in read.tags]
    assert joined == [
        ("mark", "target negative", "1"),
        ("b", "negative", "1"),
        ("mark", "expression negative", "1"),
        ("b", "negative", "1"),
    ]


def test_one_expression_of_two_targets_is_one_mark_with_two_numbers() -> None:
    text = "Great food and service"
    both = [opinion(text, (6, 10), (0, 5)), opinion(text, (15, 22), (0, 5), "negative")]
    first = Reader(render_opinions.highlight(text, both)).tags[0]
    assert first == ("mark", {"class": "expression mixed", "data-o": "1 2", "tabindex": "0"})


def test_spans_inside_others_are_nested_and_crossing_ones_cut() -> None:
    text = "not worth the price at all"
    inside = render_opinions.marks([opinion(text, (14, 19), (0, 19), "negative")])
    assert [(mark.start, mark.end, mark.role) for mark in inside] == [(0, 19, "expression"), (14, 19, "target")]
    crossing = render_opinions.marks([opinion(text, (0, 9), (4, 19))])
    assert [(mark.start, mark.end) for mark in crossing] == [(0, 9), (9, 19)]


PLACES = st.none() | st.tuples(st.integers(0, 25), st.integers(1, 9))


@given(st.text(), st.lists(st.tuples(PLACES, PLACES, st.sampled_from(POLARITIES)), max_size=8))
def test_marked_words_are_the_text_and_no_opinion_is_lost(text: str, said: list[tuple[Any, Any, str]]) -> None:
    text = text.replace("\r", " ").replace("\0", " ")
    opinions = []
    for *places, polarity in said:
        spans = [(place[0], min(sum(place), len(text))) if place and place[0] < len(text) else None for place in places]
        if any(spans):
            opinions.append(opinion(text, spans[0], spans[1], polarity))
    read = Reader(render_opinions.highlight(text, opinions))
    assert read.words == text
    drawn = {number for tag, attributes in read.tags for number in (attributes["data-o"] or "").split()}
    assert drawn == {str(number) for number in range(1, len(opinions) + 1)}
    assert len(render_opinions.table(result(text, *opinions))) == len(opinions)


def test_many_crossing_spans_are_drawn_soon() -> None:
    text = "word " * 4000
    opinions = [opinion(text, (i, i + 7), (i + 3, i + 12)) for i in range(0, 19_000, 5)]
    assert Reader(render_opinions.highlight(text, opinions)).words == text


def test_a_text_is_never_markup() -> None:
    text = f"{ATTACK} cake {ATTACK}"
    said = opinion(text, (0, len(ATTACK)), (len(ATTACK) + 1, len(text)), "negative")
    (aspect,) = aspects([result(text, said)], lambda phrases: np.eye(len(phrases), dtype=np.float32))
    pages = [
        render_opinions.highlighted(result(text, said)),
        render_opinions.highlighted(result(text)),
        render_opinions.aspect_charts([aspect]),
        render_opinions.examples([(text, said, 1, ATTACK)], ATTACK),
    ]
    for page in pages:
        assert "<img" not in page and "onerror=alert" in page
        assert "img" not in [tag for tag, _ in Reader(page).tags]


# ---------------------------------------------------------------------------------------------- words and tables


def test_summary_is_a_sentence_in_every_state() -> None:
    text = "cake, coffee"
    assert render_opinions.summary(result(" ")).startswith("There is no text yet")
    assert render_opinions.summary(result(text)).startswith("**No opinion found**")
    two = result(text, opinion(text, (0, 4), None), opinion(text, (6, 12), None, "neutral"))
    assert render_opinions.summary(two) == "**2 opinions**: 1 positive, 1 neutral."
    cut = OpinionResult(text, two.polarity, two.opinions, None, Coverage(5, 12))
    assert "7 characters of 12 could not be read" in render_opinions.summary(cut)


def test_table_has_all_parts_and_offsets() -> None:
    text = "lovely cake"
    found = result(text, opinion(text, (7, 11), (0, 6)), opinion(text, None, (0, 6), "negative"))
    assert render_opinions.table(found) == [
        ["1", "cake", "lovely", "+ positive", "0.900", "7–11", "0–6"],
        ["2", "", "lovely", "− negative", "0.900", "", "0–6"],
    ]
    assert render_opinions.compact(found) == "cake: lovely [positive]; lovely [negative]"


@pytest.mark.parametrize(("share", "words"), [(0.0, "0 %"), (0.004, "<1 %"), (0.5, "50 %"), (0.997, ">99 %"), (1.0, "100 %")])
def test_percent(share: float, words: str) -> None:
    assert render_opinions.percent(share) == words


def test_verdict_names_every_probability() -> None:
    page = render_opinions.verdict("Towards the proposal", Label.of(STANCES, (0.2, 0.7, 0.1)))
    assert "Towards the proposal: − against" in page
    assert re.findall(r"</b> ([^<]+)</li>", page) == ["in favour 20 %", "against 70 %", "neutral 10 %"]


def test_an_example_is_the_sentence_of_the_opinion() -> None:
    text = "Old. The cake was cold! Never again.\nBye."
    start, end = render_opinions.excerpt(text, opinion(text, (9, 13), (18, 22)))
    assert text[start:end].strip() == "The cake was cold!"
    long = "x" * 500 + " cake " + "y" * 500
    start, end = render_opinions.excerpt(long, opinion(long, (501, 505), None))
    assert (start, end) == (501 - render_opinions.CONTEXT, 505 + render_opinions.CONTEXT)
    shown = render_opinions.example(long, opinion(long, (501, 505), None))
    assert ">… x" in shown and "y …<" in shown


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


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with pytest.MonkeyPatch.context() as patch, serving(tmp_path_factory.mktemp("server")) as address:
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # else the client asks the Hub who it is
        yield Client(address, verbose=False, analytics_enabled=False)


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
