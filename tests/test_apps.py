"""The apps without a browser: payloads, statistics, endpoints and the command line, over a small stand-in pipeline."""

from __future__ import annotations

import contextlib
import csv
import gc
import io
import json
import logging
import math
import random
import re
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client, handle_file
from hypothesis import given
from hypothesis import strategies as st

import apps.__main__
import tasks
from apps import components, render, showcase, timeline
from apps.disaster_monitor import _label
from apps.event_detection import _detect
from apps.uploads import MAX_ROWS
from tasks.core.errors import AdapterError, InputError
from tasks.core.types import Coverage, Span
from tasks.event_detection.task import EventDetection
from tasks.event_detection.types import Event, EventResult

ROOT = Path(__file__).parents[1]
CRISIS = {
    "infrastructure and utilities": "bridge|power|railway|road|phone signal|sewage",
    "donations and volunteering": "donate|volunteer|blankets|donors|collects|free",
    "caution and advice": "warning|stay off|advises|evacuation|do not",
    "affected individuals": "missing|rescue|families|died|flats|house",
}


class Words:
    """A stand-in for the pipelines: a word is an event of the type that has its name; ``crisis`` reads whole messages."""

    def __init__(self, adapter: str) -> None:
        self.adapter = adapter
        self.labels = ["earthquake", "evacuation", "flood"]
        self.threshold = 0.5

    def one(self, text: str, labels: Sequence[str] | Mapping[str, str] | None, threshold: float | None) -> EventResult:
        coverage = Coverage(len(text), len(text))
        if self.adapter == "crisis":
            kinds = [kind for kind, words in CRISIS.items() if re.search(words, text, re.IGNORECASE)][:1]
            return EventResult(text, tuple(Event(kind, 0.75, None) for kind in kinds), coverage)
        names = list(labels) if labels else self.labels
        found = [(m.start(), m.end(), name) for name in names for m in re.finditer(re.escape(name), text, re.IGNORECASE)]
        events = [Event(name, 0.75, Span.of(text, start, end)) for start, end, name in sorted(found) if (threshold or 0.0) <= 0.75]
        return EventResult(text, tuple(events), coverage)

    def __call__(self, text: str, labels: Any = None, threshold: float | None = None) -> EventResult:
        if "explode" in text:
            raise RuntimeError("secret path /srv/model.bin")
        return self.one(text, labels, threshold)

    def stream(self, texts: Sequence[str], labels: Any = None, threshold: float | None = None) -> Iterator[EventResult]:
        for text in texts:
            yield self.one(text, labels, threshold)


def load(task: str, adapter: str = "shipped") -> Any:
    """What the tests give the pages in place of ``tasks.pipeline``."""
    if task == "opinion-analysis":
        from tests.test_opinion_apps import Opinions

        return Opinions()
    if task == "relation-extraction":
        from tests.test_relation_apps import Capitals

        return Capitals()
    assert task == "event-detection"
    return Words(adapter)


def event(text: str, start: int, end: int, kind: str = "flood", score: float = 0.9) -> Event:
    return Event(kind, score, Span.of(text, start, end))


def result(text: str, *events: Event) -> EventResult:
    return EventResult(text, events, Coverage(len(text), len(text)))


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


# ---------------------------------------------------------------------------------------------- colours


NAMES = [
    *CRISIS,
    "sympathy and support",
    "other useful information",
    render.NOTHING,
    "Überschwemmung",
    "洪水",
    *(f"type {i}" for i in range(300)),
]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((render.luminance(one), render.luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mix(weight: float, one: str, other: str) -> str:
    pairs = [(int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(weight * a + (1 - weight) * b):02x}" for a, b in pairs)


@pytest.mark.parametrize("name", NAMES)
def test_colours_are_legible_in_light_and_dark(name: str) -> None:
    colour = render.color_of(name)
    assert re.fullmatch("#[0-9a-f]{6}", colour)
    assert contrast(colour, "#ffffff") >= 4.5  # the white words of a label
    assert contrast(colour, "#1e293b") >= 3.0  # a bar on the dark page; WCAG asks 3:1 of graphics
    # What style.css lays over the component's half-transparent colour, under the page's own text.
    assert contrast(mix(0.35, mix(0.5, colour, "#ffffff"), "#ffffff"), "#1f2937") >= 4.5
    assert contrast(mix(0.8, mix(0.5, colour, "#1e293b"), "#0f172a"), "#f1f5f9") >= 4.5


def test_a_colour_depends_on_the_name_alone() -> None:
    assert render.color_of(" Flood ") == render.color_of("flood") != render.color_of("fire")
    assert render.colors(["a", "b"])["b"] == render.colors(["b"])["b"]


def test_the_types_of_the_monitor_have_colours_apart() -> None:
    import colorsys

    kinds = [*CRISIS, "sympathy and support", "other useful information"]
    hues = sorted(colorsys.rgb_to_hls(*(int(render.color_of(kind)[i : i + 2], 16) / 255 for i in (1, 3, 5)))[0] for kind in kinds)
    assert min((b - a) % 1 for a, b in zip(hues, hues[1:] + hues[:1], strict=True)) > 0.1


# ---------------------------------------------------------------------------------------------- payloads


def test_where_triggers_overlap_the_higher_score_is_shown() -> None:
    text = "the flash flood warning"
    found = result(text, event(text, 4, 15, "flood", 0.6), event(text, 10, 15, "disaster", 0.9), event(text, 16, 23, "warning", 0.5))
    assert render.segments(found) == [("the flash ", None), ("flood", "disaster"), (" ", None), ("warning", "warning")]
    assert len(render.table(found)) == 3  # the table leaves nothing out


@given(st.text(), st.lists(st.tuples(st.integers(0, 30), st.integers(1, 8), st.sampled_from("abc"), st.floats(0, 1)), max_size=8))
def test_segments_join_to_the_text(text: str, spans: list[tuple[int, int, str, float]]) -> None:
    events = [event(text, s, min(s + n, len(text)), kind, score) for s, n, kind, score in spans if s < len(text)]
    pieces = render.segments(result(text, *events))
    assert "".join(piece for piece, _ in pieces) == text
    assert all(piece for piece, _ in pieces)


def test_segments_of_a_message_level_event() -> None:
    assert render.segments(result("all of it", Event("flood", 0.8, None))) == [("all of it", None)]
    assert render.table(result("all of it", Event("flood", 0.8, None))) == [["flood", "", 0.8, None, None]]


def test_names_of_data_sets_are_shown_in_words() -> None:
    found = result("a fire", event("a fire", 2, 6, "Cause_to_burn"))
    assert render.segments(found)[1] == ("fire", "Cause to burn") and render.table(found)[0][0] == "Cause to burn"
    assert render.readable("_") == "_"


def test_summary_is_a_sentence_in_every_state() -> None:
    text = "flood and fire"
    assert render.summary(result(" \n")).startswith("There is no text yet")
    assert render.summary(result("nothing")).startswith("**No event found.**")
    assert render.summary(result(text, event(text, 0, 5))) == "**1 event** of 1 type."
    two = result(text, event(text, 0, 5), event(text, 10, 14, "fire"))
    assert render.summary(two) == "**2 events** of 2 types."
    assert "9 characters of 14 could not be read" in render.summary(EventResult(text, (), Coverage(5, 14)))


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("", None),
        (None, None),
        (" , \n ,", None),
        ("flood, fire", ["flood", "fire"]),
        ("flood\r\nland slide", ["flood", "land slide"]),
        ("flood: water, mud and rain\nfire", {"flood": "water, mud and rain", "fire": ""}),
        ("flood:\nfire:", ["flood", "fire"]),
        ("flood, fire: smoke, flames", {"flood": "", "fire": "smoke, flames"}),
    ],
)
def test_own_types(text: str | None, labels: render.Labels) -> None:
    assert render.parse_labels(text) == labels


def test_a_type_named_twice_is_refused() -> None:
    with pytest.raises(InputError, match="'flood' is there twice"):
        render.parse_labels("flood, fire\nflood: water")


def test_html_table_escapes_every_cell() -> None:
    attack = "<img src=x onerror=alert(1)>\"'&"
    made = render.html_table(["Type", "Message"], [[attack, attack]], attack)
    assert "<img" not in made
    assert made.count("&lt;img src=x onerror=alert(1)&gt;&quot;&#x27;&amp;") == 3


@pytest.mark.parametrize("cell", ["=1+1", "+cmd", "-x", "@SUM(A1)", " =1", "\t=1"])
def test_formulas_are_quoted(cell: str) -> None:
    assert render.safe_cell(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["text", "-3.5", "+7", "", 4, None, "a=b"])
def test_other_cells_stay(cell: Any) -> None:
    assert render.safe_cell(cell) == cell


def test_labelled_csv_keeps_the_columns_and_adds_two() -> None:
    rows: list[dict[str, Any]] = [
        {"=id": "1", "text": 'a "quoted", line\nbreak', "score": "7"},
        {"=id": None, "text": "@x", "score": "", "late": 2},
    ]
    made = list(csv.reader(io.StringIO(render.labelled_csv(rows, [("flood", 0.5), (render.NOTHING, None)]))))
    assert made == [
        ["'=id", "text", "score", "late", "event_type", "score_"],
        ["1", 'a "quoted", line\nbreak', "7", "", "flood", "0.5000"],
        ["", "'@x", "", "2", render.NOTHING, ""],
    ]


def test_the_plot_takes_the_chart() -> None:
    payload = render.chart({"messages": "quantitative", "type": "nominal"}, [[3, "flood"]])
    shown = gr.BarPlot(payload, x="messages", y="type").get_config()["value"]
    assert shown == {
        "columns": ["messages", "type"],
        "data": [[3, "flood"]],
        "datatypes": {"messages": "quantitative", "type": "nominal"},
        "mark": "bar",
    }


# ---------------------------------------------------------------------------------------------- time


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2026-03-14 06:04", datetime(2026, 3, 14, 6, 4)),
        ("2026-03-14T06:04:05Z", datetime(2026, 3, 14, 6, 4, 5)),
        ("2026-03-14T06:04:05+02:00", datetime(2026, 3, 14, 4, 4, 5)),
        ("Sat Mar 14 06:04:05 +0000 2026", datetime(2026, 3, 14, 6, 4, 5)),
        ("14/03/2026 06:04", datetime(2026, 3, 14, 6, 4)),
        (1773468245, datetime(2026, 3, 14, 6, 4, 5)),
        ("1773468245000", datetime(2026, 3, 14, 6, 4, 5)),
        (datetime(2026, 3, 14), datetime(2026, 3, 14)),
        ("0001-01-01T00:00+14:00", datetime(1, 1, 1)),
        ("soon", None),
        ("", None),
        (None, None),
        (float("nan"), None),
        ("inf", None),
        ("1e300", None),
    ],
)
def test_times_are_read(cell: Any, moment: datetime | None) -> None:
    assert timeline.parse_time(cell) == moment


def test_a_missing_time_of_a_data_frame_is_none() -> None:
    import pandas

    assert timeline.parse_time(pandas.NaT) is None
    assert type(timeline.parse_time(pandas.Timestamp("2026-03-14 06:04"))) is datetime


@given(st.lists(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)), min_size=1, max_size=30))
def test_bins_hold_every_message(moments: list[datetime]) -> None:
    made = timeline.build_timeline(moments, ["a"] * len(moments))
    assert made is not None
    assert len(made.starts) <= timeline.MAX_BINS
    assert sum(made.counts["a"]) == len(moments)
    assert len(set(made.labels)) == len(made.labels)  # the axis is nominal: equal labels would share a bar
    assert made.starts[0] <= min(moments)


def test_no_message_has_no_timeline() -> None:
    assert timeline.build_timeline([], []) is None


def test_bins_begin_at_round_times() -> None:
    start = datetime(2026, 3, 14, 6, 4)
    hours = timeline.build_timeline([start, start + timedelta(hours=7)], ["a", "a"])
    days = timeline.build_timeline([start, start + timedelta(days=9)], ["a", "a"])
    weeks = timeline.build_timeline([start, start + timedelta(days=100)], ["a", "a"])
    assert hours is not None and (hours.labels[0], hours.labels[1]) == ("06:00", "06:30")
    assert days is not None and (days.labels[0], days.labels[1]) == ("14 Mar 00:00", "14 Mar 12:00")
    assert weeks is not None and weeks.starts[0].weekday() == 0


@pytest.mark.parametrize(("count", "rate"), [(1, 0.5), (5, 0.5), (12, 4.0), (30, 20.0), (1200, 1000.0)])
def test_the_poisson_tail_is_right(count: int, rate: float) -> None:
    below = sum(math.exp(k * math.log(rate) - rate - math.lgamma(k + 1)) for k in range(count))
    assert timeline.poisson_tail(count, rate) == pytest.approx(1 - below, abs=1e-9)


def test_a_planted_burst_is_found_and_adjacent_bins_are_joined() -> None:
    start = datetime(2026, 3, 14)
    steady = [start + timedelta(minutes=30 * i + 10 * j) for i in range(20) for j in range(2)]
    rush = [start + timedelta(hours=5, minutes=m) for m in range(0, 60, 2)]
    made = timeline.build_timeline(steady + rush, ["calm"] * 20 + ["loud"] * 20 + ["loud"] * 30)
    assert made is not None
    assert [(b.type, b.start, b.end) for b in made.bursts] == [("loud", start + timedelta(hours=5), start + timedelta(hours=6))]


def test_a_steady_stream_has_no_bursts() -> None:
    draw = random.Random(5)
    start = datetime(2026, 3, 14)
    found = 0
    for _ in range(50):
        moments = sorted(start + timedelta(seconds=draw.random() * 12 * 3600) for _ in range(200))
        made = timeline.build_timeline(moments, [draw.choice("abc") for _ in moments])
        assert made is not None
        found += len(made.bursts)
    assert found <= 5


# ---------------------------------------------------------------------------------------------- shared pieces


def test_pipelines_load_once_whoever_asks() -> None:
    calls: list[str] = []
    gate = threading.Barrier(8)

    def slow(task: str, adapter: str) -> object:
        calls.append(adapter)
        return object()

    lazy = components.LazyPipelines(slow)

    def ask(found: list[object]) -> None:
        gate.wait()
        found.append(lazy("event-detection"))

    found: list[object] = []
    threads = [threading.Thread(target=ask, args=(found,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1 and calls == ["shipped"]
    assert lazy("event-detection", adapter="crisis") is not found[0]


def test_a_failed_load_is_tried_again() -> None:
    answers: list[Any] = [AdapterError("No adapter: get it."), "pipeline"]

    def flaky(task: str, adapter: str) -> object:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    lazy = components.LazyPipelines(flaky)
    with pytest.raises(AdapterError):
        lazy("event-detection")
    assert lazy("event-detection") == "pipeline"


def test_errors_become_sentences(caplog: pytest.LogCaptureFixture) -> None:
    @components.guarded
    def handler(error: Exception) -> None:
        raise error

    with pytest.raises(gr.Error, match="Name one") as known:
        handler(InputError("Name one."))
    assert known.value.print_exception is False
    with caplog.at_level(logging.ERROR), pytest.raises(gr.Error, match="Sorry") as unknown:
        handler(RuntimeError("secret path"))
    assert "secret" not in str(unknown.value) and "secret" in caplog.text


def test_building_the_page_loads_no_model_and_asks_nobody() -> None:
    code = (
        "import sys, os, apps.showcase; apps.showcase.build(); "
        "assert os.environ['GRADIO_ANALYTICS_ENABLED'] == 'False'; "
        "print([name for name in ('torch', 'transformers', 'peft') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=600, check=True)
    assert done.stdout.strip() == "[]"


def test_shipped_examples() -> None:
    rows = read(components.EXAMPLES / "flood_messages.csv")
    assert len(rows) == 40 and all(timeline.parse_time(row["time"]) and row["text"] for row in rows)
    texts = json.loads((components.EXAMPLES / "texts.json").read_text(encoding="utf-8"))
    assert [example["name"] for example in texts] == ["Disaster", "Public health", "Environment", "Education", "Participation"]
    for example in texts:
        render.parse_labels(example["types"])


def test_the_pages_fit_the_real_pipelines(tiny: EventDetection, tiny_messages: EventDetection) -> None:
    text = "The flood hit the town."
    found = _detect(lambda task: tiny, text, "", 0.0)
    assert found.events and "".join(piece for piece, _ in render.segments(found)) == text
    assert {e.type for e in _detect(lambda task: tiny, text, "quake, storm: strong wind", 0.0).events} <= {"quake", "storm"}
    heard: list[float] = []
    labels = _label(tiny_messages, [text, ""] * 20, heard.append)
    assert len(labels) == 40 and labels[1] == (render.NOTHING, None)
    assert heard == sorted(heard) and heard[-1] <= 1


# ---------------------------------------------------------------------------------------------- showcase and command line


def labels_of(demo: gr.Blocks, kind: type[Any]) -> list[str]:
    return [str(getattr(block, "label", "")) for block in demo.blocks.values() if type(block) is kind]


def test_apps_are_found_by_their_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "names", lambda: ["event-detection", "a-task-without-an-app"])
    assert showcase.names() == ["event-detection"]


@pytest.fixture
def built() -> Iterator[None]:
    """For tests that build a page: what Gradio leaves open is collected here, not as a warning in some later test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.usefixtures("built")
def test_one_app_has_no_outer_tabs() -> None:
    tabs = labels_of(showcase.build(["event-detection"], load), gr.Tab)
    assert tabs == ["Text", "Highlighted", "Table", "JSON", "Disaster monitor"]


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.usefixtures("built")
def test_six_apps_are_six_tabs(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(load: components.Load) -> gr.Blocks:
        demo = components.page()
        with demo:
            gr.Markdown("An app.")
        return demo

    six = ["event-detection", "opinion-analysis", "relation-extraction", "question-answering", "recommendation", "conversation"]
    monkeypatch.setattr(showcase, "names", lambda: six)
    monkeypatch.setattr("apps.showcase.importlib.import_module", lambda name: SimpleNamespace(build=build))
    assert labels_of(showcase.build(load=load), gr.Tab) == [showcase.title(task) for task in six]


def test_an_unknown_app_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert apps.__main__.main(["weather"]) == 2
    assert capsys.readouterr().err == "There is no app 'weather': choose from event-detection, opinion-analysis, relation-extraction.\n"


def test_a_port_in_use_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert apps.__main__.main(["--port", str(port)]) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"Can't listen on 127.0.0.1:{port}") and message.count("\n") == 1
    assert apps.__main__.main(["--port", "70000"]) == 2


def test_the_command_serves_and_says_where() -> None:
    port = free_port()
    command = [sys.executable, "-m", "apps", "event-detection", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == f"Quipu is at http://127.0.0.1:{port}/ (Ctrl+C stops it).\n"
        finally:
            process.terminate()


# ---------------------------------------------------------------------------------------------- endpoints


@contextlib.contextmanager
def serving(folder: Path, *options: str) -> Iterator[str]:
    """The address of a showcase served by this file in a process of its own; ends it, and checks that it asked nobody.

    In its own process because Gradio leaves sockets and loops open, and itself meets warnings that fail our tests.
    """
    log = folder / "server.log"
    command = [sys.executable, "-m", "tests.test_apps", str(free_port()), *options]
    with log.open("w") as errors, subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            assert address, log.read_text()
            yield address
        finally:
            server.terminate()
    assert "LOOKUP" not in log.read_text()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def main(port: str, pipelines: str = "words") -> None:
    """Serve the showcase over ``Words``, or over the shipped pipelines, and tell of every host that is looked up."""
    lookup = socket.getaddrinfo

    def watched(host: Any, *arguments: Any, **options: Any) -> Any:
        if host not in (None, "", "localhost", "127.0.0.1"):
            print("LOOKUP", host, file=sys.stderr, flush=True)
        return lookup(host, *arguments, **options)

    socket.getaddrinfo = watched
    demo = showcase.build(load=components.LazyPipelines(load) if pipelines == "words" else components.PIPELINES)
    print(components.serve(demo, "127.0.0.1", int(port))[0], flush=True)
    demo.block_thread()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with pytest.MonkeyPatch.context() as patch, serving(tmp_path_factory.mktemp("server")) as address:
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # else the client asks the Hub who it is
        yield Client(address, verbose=False, analytics_enabled=False)


def write(folder: Path, name: str, content: str | bytes) -> Any:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return handle_file(str(path))


def test_only_what_a_program_can_use_is_public(client: Client) -> None:
    api = client.view_api(return_format="dict", print_info=False)
    assert isinstance(api, dict)
    opinions = ["/analyze_consultation", "/analyze_opinions", "/analyze_reviews"]
    relations = ["/extract_relation_graph", "/extract_relations"]
    assert sorted(api["named_endpoints"]) == [*opinions, "/detect_events", *relations, "/monitor_messages"]


def test_detect_events(client: Client) -> None:
    found = client.predict("Flood after the earthquake 🌊", api_name="/detect_events")
    assert [(e["type"], e["trigger"]["start"]) for e in found["events"]] == [("flood", 0), ("earthquake", 16)]
    own = client.predict("Flood after the quake", "quake: the ground shakes", 0.5, api_name="/detect_events")
    assert [e["trigger"]["text"] for e in own["events"]] == ["quake"]
    assert client.predict("Flood", "", 0.9, api_name="/detect_events")["events"] == []
    assert client.predict("  ", api_name="/detect_events") == {"text": "  ", "events": [], "coverage": {"read": 2, "total": 2}}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x" * 200_001,), "has 200,001 characters; the page reads up to 200,000"),
        (("x", "a, a"), "'a' is there twice"),
        (("x", "", 7), "must be a number from 0 to 1"),
        (("x", "", "high"), "must be a number from 0 to 1"),
        ((5,), "must be strings"),
        (("explode",), "Sorry, something went wrong on our side"),
    ],
)
def test_detect_events_refuses_in_a_sentence(client: Client, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(Exception, match=re.escape(message)) as refused:
        client.predict(*arguments, api_name="/detect_events")
    assert "Traceback" not in str(refused.value) and "secret" not in str(refused.value)


def test_monitor_messages(client: Client) -> None:
    sample = handle_file(str(components.EXAMPLES / "flood_messages.csv"))
    report, path = client.predict(sample, "text", "time", api_name="/monitor_messages")
    assert report["messages"] == 40 == sum(report["counts"].values())
    assert sum(map(sum, report["timeline"]["counts"].values())) == 40
    assert {burst["type"] for burst in report["timeline"]["bursts"]} == {"infrastructure and utilities", "donations and volunteering"}
    rows = read(Path(path))
    assert Path(path).name == "flood_messages_labelled.csv"
    assert list(rows[0]) == ["id", "time", "place", "text", "event_type", "score"]
    assert [row["id"] for row in rows] == [str(i) for i in range(1, 41)]
    assert rows[15]["event_type"] == "infrastructure and utilities"
    assert rows[39]["text"].startswith("'=HYPERLINK")


def test_monitor_without_times(client: Client, tmp_path: Path) -> None:
    report, _ = client.predict(write(tmp_path, "m.txt", "the bridge is gone\nhello\n"), "text", "time", api_name="/monitor_messages")
    assert report == {"messages": 2, "counts": {"infrastructure and utilities": 1, render.NOTHING: 1}, "timeline": None}
    report, _ = client.predict(write(tmp_path, "m.csv", "text,time\nthe bridge,soon\n"), "text", "time", api_name="/monitor_messages")
    assert report["timeline"] is None


@pytest.mark.parametrize(
    ("name", "content", "columns", "message"),
    [
        ("m.csv", "body\nhello\n", ("text", "time"), "no column 'text'"),
        ("m.csv", "text\nhello\n", ("text", "when"), "no column 'when' for the time"),
        ("m.csv", b"text\n\xff\xfe\xfa\n", ("text", "time"), "not UTF-8"),
        ("m.csv", "", ("text", "time"), "holds no rows"),
        ("m.jsonl", "{nonsense\n", ("text", "time"), "not JSON"),
        ("m.parquet", "nonsense", ("text", "time"), "not a Parquet file"),
        ("m.png", b"\x89PNG", ("text", "time"), "Invalid file type"),
        ("m.txt", "x\n" * (MAX_ROWS + 1), ("text", "time"), "has 20,001 messages; the page reads up to 20,000"),
    ],
)
def test_monitor_refuses_in_a_sentence(
    client: Client, tmp_path: Path, name: str, content: str | bytes, columns: tuple[str, str], message: str
) -> None:
    with pytest.raises(Exception, match=re.escape(message)) as refused:
        client.predict(write(tmp_path, name, content), *columns, api_name="/monitor_messages")
    assert "Traceback" not in str(refused.value)


def test_monitor_without_a_file(client: Client) -> None:
    with pytest.raises(Exception, match="There is no file yet"):
        client.predict(None, "text", "time", api_name="/monitor_messages")


if __name__ == "__main__":
    main(*sys.argv[1:])
