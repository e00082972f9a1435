"""The page of the consultation without a browser: what it shows, and its endpoint over a stand-in pipeline."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client, handle_file

from apps import components, consultation, render_consultation
from apps.render import luminance
from tasks.opinion_analysis.consultation import consult
from tasks.opinion_analysis.types import STANCES, Label
from tests.colours import contrast
from tests.serving import ROOT, read, write
from tests.stand_ins import AIR, PLAY, PROPOSAL, Crowd

PAGE = "consultation", "Analyse contributions"

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
