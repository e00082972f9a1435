"""``python -m tasks recommendation``: wishes and histories in, lists out, and one sentence for what can't be done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tasks.__main__ import main
from tests.catalogues import ITEMS, SIZE

FIRST, SECOND = "flood-0", "flood-1"
QUERIES = ["the vote 🌊", "like The red flood", "", "something in a school"]


@pytest.fixture
def use(bert: Path, recommender_adapter: Path, shelf: dict[str, str]) -> list[str]:
    """The options that load the tiny recommender."""
    return ["--model", str(bert), "--adapter", str(recommender_adapter), "--items", shelf["items.jsonl"], "--ratings", shelf["train.jsonl"]]


def printed(capfd: pytest.CaptureFixture[str]) -> dict[str, Any]:
    out, err = capfd.readouterr()
    assert err == ""
    found: dict[str, Any] = json.loads(out)
    return found


def test_words_and_a_history_give_a_list_as_json(use: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["recommendation", "the flood", *use, "--history", FIRST, SECOND, "--k", "3"]) == 0
    items = printed(capfd)["items"]
    assert len(items) == 3 and not {FIRST, SECOND} & {each["item_id"] for each in items}
    known = {row["item_id"]: row["title"] for row in ITEMS}
    assert all(each["title"] == known[each["item_id"]] and 0 < each["score"] < 1 for each in items)
    reasons = [reason for each in items for reason in each["because"]]
    assert reasons and {reason["kind"] for reason in reasons} <= {"item", "tag", "words"}


def test_a_history_alone_and_words_alone_do(use: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["recommendation", "", *use, "--history", FIRST, SECOND]) == 0
    alone = printed(capfd)["items"]
    assert len(alone) == 10 and any(reason["item_id"] in (FIRST, SECOND) for each in alone for reason in each["because"])
    assert main(["recommendation", *use, "the vote"]) == 0
    assert len(printed(capfd)["items"]) == 10
    assert main(["recommendation", "", *use]) == 0
    assert printed(capfd)["items"] == []  # of whom nothing is known


def test_ratings_of_others_count(use: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    lists = []
    for options in (use, use[:-2]):
        assert main(["recommendation", "", *options, "--history", FIRST, "--k", str(SIZE)]) == 0
        lists.append([each["item_id"] for each in printed(capfd)["items"]])
    assert lists[0].index(SECOND) < lists[1].index(SECOND)  # what many read next


def test_a_file_of_wishes_gives_each_row_with_its_list(use: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rows = [{"n": number, "wish": query} for number, query in enumerate(QUERIES)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    line = ["--input", str(tmp_path / "in.jsonl"), "--text-column", "wish", "--output", str(tmp_path / "out.jsonl"), "--k", "2"]
    assert main(["recommendation", *line, *use]) == 0
    assert capfd.readouterr() == ("", "")
    told = [json.loads(each) for each in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [{"n": row["n"], "wish": row["wish"]} for row in told] == rows
    assert [len(row["result"]["items"]) for row in told] == [2, 2, 0, 2]
    assert SECOND not in [each["item_id"] for each in told[1]["result"]["items"]]  # its title is in the wish
    assert main(["recommendation", QUERIES[0], *use, "--k", "2"]) == 0
    assert printed(capfd) == told[0]["result"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["--history", "flood-77"], "No item has the id 'flood-77': did you mean"),
        (["--history", FIRST, "nothing like it"], "No item has the id 'nothing like it'"),
        (["--k", "0"], "k is 0: ask for a whole number of items, one at least"),
        (["--items", "missing.csv"], "'missing.csv' can't be read"),
        (["--items", "empty.csv"], "'empty.csv'"),
        (["--items", "untitled.csv"], 'Row 1 of \'untitled.csv\' has no "title"'),
        (["--ratings", "others.csv"], "Items that are not in the catalogue are rated in 1 of the 1 rows of 'others.csv'"),
        (["--ratings", "high.csv"], "has the rating 11, outside the scale 0.5 to 5"),
        (["--adapter", "films"], "There is no adapter 'films'"),
        (["--threshold", "0.5"], "recommendation takes no --threshold: leave it out"),
        (["--labels", "a"], "recommendation takes no --labels: leave it out"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_use_is_exit_code_2_and_one_line(
    use: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], line: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.csv").touch()
    Path("untitled.csv").write_text("item_id,name\n1,One\n", encoding="utf-8")
    Path("others.csv").write_text("user_id,item_id,rating\nu,nowhere,4\n", encoding="utf-8")
    Path("high.csv").write_text(f"user_id,item_id,rating\nu,{FIRST},11\n", encoding="utf-8")
    assert main(["recommendation", "a flood", *use, *line]) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.startswith("quipu: ") and message in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["event-detection", "--items", "a.csv"], "event-detection is loaded with no 'items': leave it out"),
        (["question-answering", "--ratings", "a.csv"], "question-answering is loaded with no 'ratings': leave it out"),
        (["event-detection", "--history", "a"], "event-detection takes no --history: leave it out"),
        (["event-detection", "--k", "3"], "event-detection takes no --k: leave it out"),
    ],
)
def test_another_task_says_that_it_has_no_catalogue(
    bert: Path, adapter: Path, capfd: pytest.CaptureFixture[str], line: list[str], message: str
) -> None:
    assert main([*line, "--model", str(bert), "--adapter", str(adapter), "--", "a text"]) == 2
    out, err = capfd.readouterr()
    assert out == "" and message in err and err.count("\n") == 1
