"""The consultation without a model: intervals, arguments, what the page shows, and its endpoint over a stand-in pipeline."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from gradio_client import Client, handle_file

from apps import components, consultation, render_consultation
from apps.render import luminance
from tasks.core.errors import InputError
from tasks.opinion_analysis import arguments
from tasks.opinion_analysis.arguments import Argument, Voice, cluster, sentences, strongest
from tasks.opinion_analysis.consultation import Consultation, Share, Shares, consult, shares, wilson
from tasks.opinion_analysis.types import STANCES, Label
from tests.test_apps import ROOT, contrast, free_port, read, write

PROPOSAL = "The market square should be closed to cars."
SIDES = {
    "favor": "kids|children|exhaust|asthma|noise|engine|cycl|trees|favour|yes|agree|good|beautiful",
    "against": "customers|shop|pharmacy|retail|bus|against|no!|waste|mill lane",
}
WIDTH = 256


class Crowd:
    """A stand-in for the pipeline: a side has its words, and texts are as close as the words that they share."""

    def __init__(self) -> None:
        self.embedded: list[int] = []
        self.judged: list[str] = []

    def stance(self, text: str) -> Label:
        if "explode" in text:
            raise RuntimeError("secret path /srv/model.bin")
        hits = [len(re.findall(words, text, re.IGNORECASE)) for words in SIDES.values()]
        sure = 0.9 if re.search("surely", text) else 0.7
        if hits[0] == hits[1]:
            return Label.of(STANCES, (0.25, 0.25, 0.5))
        side = (sure, 1 - sure) if hits[0] > hits[1] else (1 - sure, sure)
        return Label.of(STANCES, (*side, 0.0))

    def stances(self, texts: Sequence[str], target: str) -> Iterator[Label]:
        assert target
        for text in texts:
            self.judged.append(text)
            yield self.stance(text)

    def embed(self, phrases: Sequence[str]) -> Any:
        self.embedded.append(len(phrases))
        made = np.zeros((len(phrases), WIDTH), np.float32)
        for row, phrase in zip(made, phrases, strict=True):
            for word in re.findall(r"\w+", phrase.casefold()):
                row[hashlib.sha256(word.encode()).digest()[0]] += 1
        return made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), np.float32(1e-9))


def said(text: str, score: float = 0.8, side: str = "favor") -> Voice:
    rest = (1 - score) / 2
    return text, Label.of(STANCES, [score if label == side else rest for label in STANCES])


def load(task: str, adapter: str = "shipped") -> Crowd:
    """What the tests give the page in place of ``tasks.pipeline``."""
    assert task == "opinion-analysis"
    return Crowd()


# ---------------------------------------------------------------------------------------------- shares


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [  # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_are_the_published_ones(count: int, total: int, low: float, high: float) -> None:
    assert wilson(count, total) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert wilson(total - count, total) == (pytest.approx(1 - high, abs=5e-5), pytest.approx(1 - low, abs=5e-5))


def test_an_interval_is_where_the_score_test_accepts() -> None:
    for count, total in ((7, 9), (0, 3), (3, 3), (500, 1000), (1, 20_000)):
        for end in wilson(count, total):
            if 0 < end < 1 and end != count / total:
                assert abs(count / total - end) / math.sqrt(end * (1 - end) / total) == pytest.approx(1.959964)


def test_intervals_cover_as_promised() -> None:
    rng = np.random.default_rng(5)
    covered = [low <= 0.3 <= high for low, high in (wilson(int(count), 60) for count in rng.binomial(60, 0.3, 4000))]
    assert 0.93 < np.mean(covered) < 0.97


def test_shares_of_each_stance() -> None:
    found = shares(["favor"] * 6 + ["against"] * 3 + ["neutral"])
    assert (found.total, found.favor.count, found.against.share, found.neutral.count) == (10, 6, 0.3, 1)
    nothing = shares([])
    assert (nothing.total, nothing.favor.share, nothing.favor.low, nothing.favor.high) == (0, 0.0, 0.0, 1.0)
    assert all(each.low <= each.share <= each.high for each in (shares(["favor"] * n).favor for n in range(1, 200)))
    with pytest.raises(InputError, match="'positive' is no stance"):
        shares(["positive"])


def test_results_check_themselves() -> None:
    with pytest.raises(ValueError, match="not in its interval"):
        Share("favor", 1, 0.5, 0.6, 0.7)
    one = Share("favor", 1, 0.5, 0.4, 0.7)
    with pytest.raises(ValueError, match="do not sum"):
        Shares(1, one, one, one)
    with pytest.raises(ValueError, match="similar to itself"):
        Argument("text", 0.5, 3, (1, 3))
    with pytest.raises(ValueError, match="1 stances for 2 texts"):
        Consultation("p", ("a", "b"), (None,), shares([]), (), ())


# ---------------------------------------------------------------------------------------------- groups


def unit(rows: Any) -> Any:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_a_row_joins_its_closest_leader() -> None:
    rows = unit(np.array([[1, 0, 0], [0, 1, 0], [0.9, 0.8, 0], [0, 0, 1], [1, 0.1, 0]]))
    assert cluster([rows], alike=0.6) == [0, 1, 0, 3, 0]
    assert cluster([rows], alike=0.999) == [0, 1, 2, 3, 4]
    assert cluster([]) == [] and cluster([np.zeros((2, 3), np.float32)]) == [-1, -1]


def test_rows_of_zeros_and_beyond_the_last_leader_are_left_out() -> None:
    rows = unit(np.eye(4)) * np.array([[1], [0], [1], [1]], np.float32)
    assert cluster([rows, unit(np.eye(4))], most=2) == [0, -1, 2, -1, 0, -1, 2, -1]


@pytest.mark.parametrize("size", [1, 2, 7, 64, 299])
def test_blocks_are_as_one_go(size: int) -> None:
    rng = np.random.default_rng(11)
    centres = unit(rng.normal(size=(25, 16)))
    rows = unit(centres[rng.integers(0, 25, 300)] + 0.15 * rng.normal(size=(300, 16)))
    whole = cluster([rows], most=40)
    assert cluster((rows[start : start + size] for start in range(0, 300, size)), most=40) == whole
    assert 5 < len(set(whole)) < 60 and all(whole[leader] == leader for leader in set(whole) - {-1})


def test_many_texts_are_compared_in_blocks() -> None:
    crowd = Crowd()
    texts = [f"Children need trees near street number{n} because reason{n % 7} and cause{n % 5} count" for n in range(3000)]
    found = strongest([said(text) for text in texts], "favor", crowd.embed, k=3)
    assert max(crowd.embedded) == arguments.BLOCK and sum(crowd.embedded) == 3000 + len(arguments.VOTES)
    assert len(found) == 1 and len(found[0].similar) == 2999


# ---------------------------------------------------------------------------------------------- arguments

PLAY = "Children could play there without fear of vans"
AIR = "Exhaust fumes make my asthma worse every day"


def test_what_many_say_goes_first_and_is_quoted_once() -> None:
    results = [said(AIR, 0.99), said(PLAY, 0.7), said("no vans", 0.9, "against"), said(PLAY.upper() + "!", 0.8), said(f"{PLAY} ever", 0.6)]
    play, air = strongest(results, "favor", Crowd().embed)
    assert (play.text, play.index, play.similar, play.score) == (PLAY.upper() + "!", 3, (1, 4), 0.8)
    assert (air.text, air.index, air.similar) == (AIR, 0, ())
    assert strongest(results, "favor", Crowd().embed, k=1) == [play]
    assert strongest(results, "neutral", Crowd().embed) == []


def test_among_single_voices_the_surest_goes_first() -> None:
    results = [said(PLAY, 0.6), said(AIR, 0.95), said("Benches under shady trees invite old people outside", 0.8)]
    assert [found.index for found in strongest(results, "favor", Crowd().embed)] == [1, 2, 0]


@pytest.mark.parametrize(
    "vote",
    [
        "no!",
        "I agree",
        "I am strongly in favour of this.",
        "The market square should be closed to cars!",
        "Yes, we should close it.",
        "🚲",
        "...",
    ],
)
def test_a_vote_is_no_argument(vote: str) -> None:
    assert strongest([said(vote)] * 3, "favor", Crowd().embed, proposal=PROPOSAL) == []


def test_texts_are_compared_by_what_they_say_beyond_the_proposal() -> None:
    texts = [f"The market square should be closed to cars because {why}" for why in ("children need space", "exhaust harms lungs")]
    results = [said(text) for text in texts]
    assert len(strongest(results, "favor", Crowd().embed)) == 1
    assert len(strongest(results, "favor", Crowd().embed, proposal=PROPOSAL)) == 2


LONG = (
    "I have lived here for many years and I have seen all kinds of plans come and go in that time. "
    "Customers of my shop come by car, surely, and no customers means no shop. "
    "The trees on the drawing are nice. What else is there to say about it?"
)


def test_a_long_contribution_is_quoted_by_the_sentence_that_argues_most() -> None:
    crowd = Crowd()
    (found,) = strongest([(LONG, crowd.stance(LONG))], "against", crowd.embed, judge=lambda texts: map(crowd.stance, texts))
    assert found.text == "Customers of my shop come by car, surely, and no customers means no shop."
    assert (found.index, found.similar, found.score) == (0, (), 0.9)


def test_the_same_person_is_counted_once() -> None:
    twice = f"{PLAY}. " * 6
    (found,) = strongest([said(twice), said(PLAY)], "favor", Crowd().embed)
    assert (found.index, found.similar) == (0, (1,))


def test_few_sentences_are_judged() -> None:
    judged: list[str] = []

    def judge(texts: Sequence[str]) -> list[Label]:
        judged.extend(texts)
        return [said(text)[1] for text in texts]

    results = [said(" ".join(f"Word{n}{m} thing{n}{m} cause{n}{m} matter{n}{m} end{n}{m}." for m in range(9))) for n in range(60)]
    assert len(strongest(results, "favor", Crowd().embed, judge=judge)) == 5
    assert len(judged) == arguments.SHORTLIST


def test_sentences() -> None:
    text = "Dr. B. Smith of St. Mary's, e.g. at No. 5, agrees… Really?! Yes.\nAnd 3.5 km more.  "
    assert sentences(text) == ["Dr. B. Smith of St. Mary's, e.g. at No. 5, agrees…", "Really?!", "Yes.", "And 3.5 km more."]


def test_consult_keeps_the_places_of_blank_texts() -> None:
    heard: list[tuple[str, float | None]] = []
    found = consult(
        Crowd(),
        ["", PLAY, " \n", PLAY.lower(), "No shop has customers without parking"],
        PROPOSAL,
        progress=lambda *told: heard.append(told),
    )
    assert [stance and stance.label for stance in found.stances] == [None, "favor", None, "favor", "against"]
    assert (found.shares.total, found.shares.favor.count, found.copies) == (3, 2, 1)
    assert [(each.index, each.similar) for each in (*found.favor, *found.against)] == [(1, (3,)), (4, ())]
    assert heard[2] == ("Reading 3 contributions", 1.0) and heard[-1][1] is None
    assert found.misread == pytest.approx(0.9)
    json.dumps(found.to_dict())
    with pytest.raises(InputError, match="all of them are blank"):
        consult(Crowd(), ["", " "], PROPOSAL)


# ---------------------------------------------------------------------------------------------- what the page shows

ATTACK = "<img src=x onerror=alert(1)>\"'&"


def test_the_result_in_a_sentence() -> None:
    found = consult(Crowd(), [PLAY] * 62 + ["no shop"] * 37 + ["unclear", ""], PROPOSAL)
    assert render_consultation.sentence(found).replace("\u00a0", " ") == (
        "**62 % for** (52–71 %), **37 % against** (28–47 %), 1 % neutral (0–5 %), of 100 contributions. 1 blank row is left out. "
        "97 of them are copies of another, word for word."
    )
    assert "about 30 of these 100." in render_consultation.bars(found)
    assert render_consultation.sentence(consult(Crowd(), ["no shop"], "p")).endswith("of 1 contribution.")
    assert "**under 1\u00a0% for**" in render_consultation.sentence(consult(Crowd(), ["no shop"] * 300 + [PLAY], "p"))


def test_everything_of_the_users_is_escaped() -> None:
    texts = [f"{ATTACK} children play here without fear {n}" for n in "abcdefghijklmnop"] + [f"{ATTACK} customers shop elsewhere soon"]
    found = consult(Crowd(), texts, ATTACK)
    shown = [render_consultation.bars(found), render_consultation.table(found, "all")]
    shown += [render_consultation.arguments(found, side) for side in ("favor", "against")]
    assert "<img" not in "".join(shown) and all("&lt;img" in part for part in shown)
    assert "15 similar contributions" in shown[2] and "… and 5 more" in shown[2] and "Said once" in shown[3]


def test_long_quotations_are_cut_at_a_word() -> None:
    assert render_consultation.shortened("a\n b") == "a b"
    cut = render_consultation.shortened("word " * 200)
    assert len(cut) <= render_consultation.LONGEST + 2 and cut.endswith("word …")


def test_no_argument_is_said_so() -> None:
    assert "No contribution on this side says why." in render_consultation.arguments(consult(Crowd(), ["unclear"], PROPOSAL), "favor")


def test_the_table_filters_and_says_what_it_leaves_out() -> None:
    found = consult(Crowd(), [f"{PLAY} {n}" for n in range(60)] + ["no shop, surely"], PROPOSAL)
    assert render_consultation.table(found, "favor").count("<tr>") == 51 and "50 of 60" in render_consultation.table(found, "favor")
    assert render_consultation.table(found, "against").count("<tr>") == 2
    assert render_consultation.table(found, "all").index("no shop") < render_consultation.table(found, "all").index("Children")
    assert render_consultation.choices(found) == [
        ("All (61)", "all"),
        ("For (60)", "favor"),
        ("Against (1)", "against"),
        ("Neutral (0)", "neutral"),
    ]


def test_the_downloads_keep_the_columns_and_add_two() -> None:
    rows: list[dict[str, Any]] = [{"=id": 1, "text": "-x customers", "stance": "mine"}, {"=id": None, "text": "", "stance": ""}]
    stances = [Label.of(STANCES, (0.1, 0.7, 0.2)), None]
    made = list(csv.reader(io.StringIO(render_consultation.stances_csv(rows, stances))))
    assert made == [
        ["'=id", "text", "stance", "stance_", "score"],
        ["1", "'-x customers", "mine", "against", "0.7000"],
        ["", "", "", "", ""],
    ]
    lines = [json.loads(line) for line in render_consultation.stances_jsonl(rows, stances).splitlines()]
    assert lines == [{**rows[0], "stance_": "against", "score": 0.7}, {**rows[1], "stance_": None, "score": None}]


@pytest.mark.parametrize("stance", STANCES)
def test_colours_are_legible_in_light_and_dark(stance: str) -> None:
    style = (ROOT / "apps" / "style.css").read_text()
    match = re.search(rf"\.{stance} {{ --stance: (#[0-9a-f]{{6}}); }}", style)
    assert match
    assert match[1] == render_consultation.COLORS[stance]
    assert contrast(match[1], "#ffffff") >= 4.5  # a chip's words, and a bar on the light page
    assert contrast(match[1], "#0f172a") >= 3.0  # a bar on the dark page
    assert luminance(match[1]) == pytest.approx(0.175, abs=0.02)


# ---------------------------------------------------------------------------------------------- endpoint


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a page with the consultation alone, served by this file in a process of its own, as in ``test_apps``."""
    command = [sys.executable, "-m", "tests.test_consultation", str(free_port())]
    with (folder / "log").open("w") as log, subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            assert address, (folder / "log").read_text()
            yield address
        finally:
            server.terminate()


def main(port: str) -> None:
    """Serve the consultation over ``Crowd``."""
    demo = components.page()
    with demo:
        consultation.tab(load)
    print(components.serve(demo, "127.0.0.1", int(port))[0], flush=True)
    demo.block_thread()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with pytest.MonkeyPatch.context() as patch, serving(tmp_path_factory.mktemp("server")) as address:
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # else the client asks the Hub who it is
        yield Client(address, verbose=False, analytics_enabled=False)


def ask(client: Client, *given: Any) -> Any:
    return client.predict(*given, api_name="/analyze_consultation")


def test_one_endpoint_is_public(client: Client) -> None:
    api = client.view_api(return_format="dict", print_info=False)
    assert isinstance(api, dict)
    assert list(api["named_endpoints"]) == ["/analyze_consultation"]


def test_analyze_pasted_contributions(client: Client) -> None:
    report, table, lines = ask(client, PROPOSAL, f"{PLAY}\n\n  \n{AIR}\n=no customers means no shop\n", None, "text")
    assert (report["contributions"], report["blank"], report["shares"]["favor"]["count"]) == (3, 0, 2)
    assert report["arguments"]["against"][0]["text"] == "=no customers means no shop"
    rows = read(Path(table))
    assert list(rows[0]) == ["text", "stance", "score"] and rows[2]["text"] == "'=no customers means no shop"
    assert [json.loads(line)["stance"] for line in Path(lines).read_text(encoding="utf-8").splitlines()] == ["favor", "favor", "against"]


def test_analyze_the_sample(client: Client) -> None:
    report, table, lines = ask(client, PROPOSAL, "", handle_file(str(components.EXAMPLES / "consultation.csv")), "text")
    assert report["contributions"] == 62 == sum(share["count"] for share in report["shares"].values())
    assert all(len(found) == 5 for found in report["arguments"].values())
    rows = read(Path(table))
    assert Path(table).name == "consultation_stances.csv" and Path(lines).name == "consultation_stances.jsonl"
    assert list(rows[0]) == ["id", "received", "area", "text", "stance", "score"] and [row["id"] for row in rows] == [
        str(n) for n in range(1, 63)
    ]


def test_blank_rows_of_a_file_stay_and_count_for_nothing(client: Client, tmp_path: Path) -> None:
    report, table, _ = ask(client, PROPOSAL, "", write(tmp_path, "c.csv", f'said,n\n{PLAY},1\n"",2\nno shop,3\n'), "said")
    assert (report["contributions"], report["blank"]) == (2, 1)
    assert [(row["n"], row["stance"]) for row in read(Path(table))] == [("1", "favor"), ("2", ""), ("3", "against")]


@pytest.mark.parametrize(
    ("proposal", "pasted", "message"),
    [
        ("  ", PLAY, "There is no proposal yet"),
        ("x" * 301, PLAY, "has 301 characters; the page reads up to 300"),
        (PROPOSAL, " \n\n ", "There are no contributions yet"),
        (PROPOSAL, "", "There are no contributions yet"),
        (PROPOSAL, "x\n" * 20_001, "There are 20,001 contributions; the page reads up to 20,000"),
        (PROPOSAL, "x" * 2_000_001, "the box takes up to 2,000,000"),
        (PROPOSAL, "explode", "Sorry, something went wrong on our side"),
    ],
)
def test_it_refuses_in_a_sentence(client: Client, proposal: str, pasted: str, message: str) -> None:
    with pytest.raises(Exception, match=re.escape(message)) as refused:
        ask(client, proposal, pasted, None, "text")
    assert "Traceback" not in str(refused.value) and "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("c.csv", "body\nhello\n", "no column 'text'"),
        ("c.csv", "text\n\n \n", "There are no contributions yet"),
        ("c.csv", b"text\n\xff\xfe\xfa\n", "not UTF-8"),
        ("c.csv", "", "holds no rows"),
        ("c.txt", "x\n" * 20_001, "There are 20,001 contributions"),
    ],
)
def test_a_wrong_file_becomes_a_sentence(client: Client, tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    with pytest.raises(Exception, match=re.escape(message)):
        ask(client, PROPOSAL, "", write(tmp_path, name, content), "text")


def test_two_sources_are_one_too_many(client: Client, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="in the box and a file too"):
        ask(client, PROPOSAL, PLAY, write(tmp_path, "c.txt", PLAY), "text")


def test_progress_is_told_now_and_then() -> None:
    told: list[Any] = []

    class Told(gr.Progress):
        def __call__(self, progress: Any, desc: str | None = None, *more: Any, **others: Any) -> None:
            told.append((progress, desc))

    hear = consultation._hear(Told())
    for number in range(40):
        hear("Reading", number / 40)
    hear("Comparing", None)
    assert [share for share, _ in told] == [0.0, 16 / 40, 32 / 40, 1.0]


if __name__ == "__main__":
    main(*sys.argv[1:])
