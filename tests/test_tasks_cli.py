"""``python -m tasks``: files in, JSONL out, and exit code 2 with one line for anything that can't be done."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas
import pytest

import tasks
from tasks.__main__ import main

ROOT = Path(tasks.__file__).parent.parent
TEXTS = ["The flood 🌊 hit Zoë's town.", "", "people\u2028fled"]


@pytest.fixture(scope="module")
def use(bert: Path, make_adapter: Callable[..., Path]) -> list[str]:
    """The options that load the tiny pipeline."""
    return ["--model", str(bert), "--adapter", str(make_adapter(bert)), "--threshold", "0.2"]


def write(path: Path) -> Path:
    """``TEXTS`` in the format of the path's suffix."""
    frame = pandas.DataFrame({"n": [1, 2, 3], "text": TEXTS})
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(row) for row in frame.to_dict("records")), encoding="utf-8")
    elif path.suffix == ".txt":
        path.write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    else:
        frame.to_csv(path, sep="\t" if path.suffix == ".tsv" else ",", index=False)
    return path


def test_a_text_gives_one_result_as_json(use: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["event-detection", TEXTS[0], *use]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["text"] == TEXTS[0] and result["events"]
    assert all(TEXTS[0][e["trigger"]["start"] : e["trigger"]["end"]] == e["trigger"]["text"] for e in result["events"])


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".txt", ".parquet"])
def test_a_file_gives_each_row_with_its_result(use: list[str], tmp_path: Path, suffix: str, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.jsonl"
    assert main(["event-detection", "--input", str(write(tmp_path / f"in{suffix}")), "--output", str(out), *use]) == 0
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").split("\n") if line]
    assert [row["text"] for row in rows] == [row["result"]["text"] for row in rows] == TEXTS
    assert suffix == ".txt" or [int(row["n"]) for row in rows] == [1, 2, 3]
    assert "🌊" in out.read_text(encoding="utf-8") and rows[0]["result"]["events"] and not rows[1]["result"]["events"]
    assert capfd.readouterr() == ("", "")


def test_without_an_output_rows_go_to_the_terminal(use: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["event-detection", "--input", str(write(tmp_path / "in.csv")), *use]) == 0
    lines = [line for line in capsys.readouterr().out.split("\n") if line]
    assert [json.loads(line)["text"] for line in lines] == TEXTS


def test_half_an_emoji_survives(use: list[str], tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "half \\ud83d"}\n')
    assert main(["event-detection", "--input", str(tmp_path / "in.jsonl"), "--output", str(tmp_path / "out.jsonl"), *use]) == 0
    assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))["text"] == "half \ud83d"


def test_own_labels_and_another_column(use: list[str], tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("body\nThe flood hit\n")
    line = [
        "--input",
        str(tmp_path / "in.csv"),
        "--text-column",
        "body",
        "--output",
        str(tmp_path / "out.jsonl"),
        "--labels",
        "a flood",
        "hit",
    ]
    assert main(["event-detection", *line, *use]) == 0
    result = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))["result"]
    assert {event["type"] for event in result["events"]} <= {"a flood", "hit"} and result["events"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["no-such-task", "text"], "Unknown task 'no-such-task': choose one of"),
        (["event-detection"], "Give either a text in quotes or --input FILE"),
        (["event-detection", "text", "--input", "good.csv"], "Give either a text in quotes or --input FILE"),
        (["event-detection", "--input", "missing.csv"], "'missing.csv' can't be read: No such file"),
        (["event-detection", "--input", "good.csv", "--text-column", "body"], "'good.csv' has no column 'body'"),
        (["event-detection", "--input", "latin.csv"], "'latin.csv' is not UTF-8 text"),
        (["event-detection", "--input", "empty.csv"], "'empty.csv' holds no rows"),
        (["event-detection", "--input", "notes.docx"], "'notes.docx' is none of .csv"),
        (["event-detection", "--input", "good.csv", "--output", "missing/out.jsonl"], "can't be written: there is no folder"),
        (["event-detection", "--input", "good.csv", "--output", "."], "can't be written: it is a folder"),
        (["event-detection", "text", "--adapter", "storms"], "There is no adapter 'storms'"),
        (["event-detection", "text", "--device", "toaster"], "Device 'toaster' can't be used here"),
        (["event-detection", "text", "--labels", ""], "A label must be a non-empty string"),
        (["event-detection", "text", "--labels", "a", "A"], "Label 'A' is given twice"),
        (["event-detection", "text", "--labels", *map(str, range(10_000))], "10,000 labels are too many"),
        (["event-detection", "text", "--threshold", "2"], "threshold must be a number from 0 to 1, not 2.0"),
        (["event-detection", "text", "--threshold", "nan"], "threshold must be a number from 0 to 1, not nan"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "",
)
def test_wrong_use_is_exit_code_2_and_one_line(
    use: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], line: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("good.csv"))
    Path("latin.csv").write_bytes("text\ncafé\n".encode("latin-1"))
    Path("empty.csv").touch()
    Path("notes.docx").touch()
    given = use[: 2 if "--adapter" in line else 4] if "--threshold" in line or "--adapter" in line else use
    assert main([*line, *given]) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.startswith("quipu: ") and message in err and err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.csv", "good.csv", "latin.csv", "notes.docx"]


def test_without_a_network_a_hub_model_is_one_line(network: list[Any], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["event-detection", "text", "--model", "nobody/none"]) == 2
    assert capfd.readouterr().err.count("\n") == 1
    network.clear()


def test_the_output_is_looked_at_before_anything_is_loaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["event-detection", "text", "--model", "no such model", "--output", str(tmp_path / "none" / "a.jsonl")]) == 2
    assert "can't be written" in capsys.readouterr().err


def test_it_runs_as_a_module(use: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tasks", "event-detection", TEXTS[0], *use]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr.decode()
    assert json.loads(result.stdout.decode("utf-8"))["text"] == TEXTS[0]
    assert result.stderr == b""
