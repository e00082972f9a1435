"""Files of texts: every format gives the same rows, and anything else is one sentence."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pandas
import pytest

from tasks.core.errors import FileError
from tasks.core.files import read_columns, read_rows, read_texts, write_jsonl

TEXTS = ['The flood 🌊 hit, and "everyone" fled.', "", "שלום Zoë\u2028one text"]


def csv_file(folder: Path, delimiter: str = ",", suffix: str = "csv", encoding: str = "utf-8") -> Path:
    path = folder / f"texts.{suffix}"
    cells = ['"' + text.replace('"', '""') + '"' for text in TEXTS]
    lines = [f"time{delimiter}text", *(f"2024-01-0{n}{delimiter}{cell}" for n, cell in enumerate(cells, 1))]
    path.write_bytes("\r\n".join(lines).encode(encoding))
    return path


def jsonl_file(folder: Path) -> Path:
    path = folder / "texts.jsonl"
    rows = [{"time": f"2024-01-0{n}", "text": text or None} for n, text in enumerate(TEXTS, 1)]
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n", encoding="utf-8")
    return path


def parquet_file(folder: Path) -> Path:
    path = folder / "texts.parquet"
    pandas.DataFrame({"time": [f"2024-01-0{n}" for n in (1, 2, 3)], "text": [text or None for text in TEXTS]}).to_parquet(path)
    return path


@pytest.mark.parametrize(
    "write",
    [
        csv_file,
        lambda folder: csv_file(folder, "\t", "tsv"),
        lambda folder: csv_file(folder, suffix="CSV", encoding="utf-8-sig"),
        jsonl_file,
        parquet_file,
    ],
    ids=["csv", "tsv", "csv with a byte order mark", "jsonl", "parquet"],
)
def test_every_format_gives_the_same_rows(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    rows = read_texts(write(tmp_path), time_column="time")
    assert [(row["text"], row["time"]) for row in rows] == [(text, f"2024-01-0{n}") for n, text in enumerate(TEXTS, 1)]


def test_a_text_file_is_a_text_a_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("one 😀\r\n\r\nthree\n".encode())
    assert read_texts(tmp_path / "a.txt") == [{"text": "one 😀"}, {"text": ""}, {"text": "three"}]


def test_a_cell_may_hold_a_document(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\n" + "word " * 100_000 + "\n", encoding="utf-8")
    assert len(read_texts(tmp_path / "a.csv")[0]["text"]) == 500_000


def test_another_column_can_hold_the_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("message,text\nhello,no\n", encoding="utf-8")
    assert read_texts(tmp_path / "a.csv", "message")[0]["message"] == "hello"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", None, "'a.csv' can't be read: No such file"),
        ("a.parquet", None, "'a.parquet' can't be read: No such file"),
        ("a.docx", b"x", "'a.docx' is none of .csv, .tsv, .jsonl, .txt, .parquet: save it as one of these"),
        ("a", b"x", "is none of"),
        ("a.csv", b"", "'a.csv' holds no rows"),
        ("a.csv", b"text\n", "'a.csv' holds no rows"),
        ("a.csv", b"body,when\n", "'a.csv' has no column 'text': its columns are body, when"),
        ("a.csv", b"body,when\nhi,now\n", r"'a.csv' has no column 'text'.*: its columns are body, when"),
        ("a.csv", "text\ncafé\n".encode("latin-1"), "'a.csv' is not UTF-8 text .byte .*: save it as UTF-8"),
        ("a.csv", "text\nhi\n".encode("utf-16"), "'a.csv' is not UTF-8 text"),
        ("a.txt", b"\xff\xfe\x00", "'a.txt' is not UTF-8 text"),
        ("a.jsonl", b'{"text": "hi"}\n{"text": \n', "Line 2 of 'a.jsonl' is not JSON"),
        ("a.jsonl", b'["hi"]\n', "Line 1 of 'a.jsonl' is not a JSON object"),
        ("a.jsonl", b'{"text": 5}\n', "Column 'text' of 'a.jsonl' holds int in row 1, not text"),
        ("a.jsonl", b'{"text": "hi"}\n{"body": "hi"}\n', r"no column 'text' .row 2."),
        ("a.jsonl", b"[" * 100_000, "Line 1 of 'a.jsonl' is not JSON"),
        ("a.jsonl", b"\n\n", "'a.jsonl' holds no rows"),
        ("a.parquet", b"not parquet", "'a.parquet' is not a Parquet file"),
    ],
)
def test_anything_else_is_one_sentence(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError, match=message) as caught:
        read_texts(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_texts_of_a_csv_file_stay_texts(tmp_path: Path) -> None:
    """A cell that looks like JSON, a number or nothing is what its column is."""
    said = ["[1]", "NA", "null", '{"a": 1}', "A flood."]
    with open(tmp_path / "rows.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "events"])
        writer.writerows([text, "[]"] for text in said)
    assert read_rows(str(tmp_path / "rows.csv")) == [{"text": text, "events": []} for text in said]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"text": "A"\n', "Line 1 of .* is not JSON"),
        ("a.jsonl", b"[1]\n", "Line 1 of .* is not a JSON object"),
        ("a.jsonl", b"\xff\xfe", "is not UTF-8"),
        ("a.docx", b"PK", "is no JSONL, CSV or Parquet file"),
        ("a.parquet", b"nothing", "can't be read as PARQUET"),
        ("a.csv", b"a,b\n1,2,3,4\n1\n1,2,3,4,5\n", "can't be read as CSV"),
        ("a.csv", b"a,b\n1,2,3\n1,2,3\n", "can't be read as CSV: a row has more cells than there are names in the first line"),
        ("a.csv", None, "can't be read: No such file"),
        ("a.jsonl", None, "can't be read: No such file"),
    ],
)
def test_a_table_that_is_not_what_it_says_is_one_sentence(name: str, content: bytes | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    for read in (read_rows, lambda path: read_columns(path, ["a"])):
        with pytest.raises(FileError, match=message) as caught:
            read(str(tmp_path / name))
        assert "\n" not in str(caught.value)


def table_files(folder: Path) -> list[str]:
    """The same table in every format; ``user`` has zeros in front, and one cell of ``note`` is empty."""
    rows = [{"user": "007", "item": 1, "rating": 4.5, "note": "x"}, {"user": "7", "item": 2, "rating": 3.0, "note": ""}]
    frame = pandas.DataFrame(rows)
    frame.to_csv(folder / "t.csv", index=False)
    frame.to_csv(folder / "t.TSV", index=False, sep="\t")
    frame.to_parquet(folder / "t.parquet")
    write_jsonl(folder / "t.jsonl", rows)
    return [str(folder / name) for name in ("t.csv", "t.TSV", "t.parquet", "t.jsonl")]


def test_columns_are_those_of_the_rows_and_only_those_asked_for(tmp_path: Path) -> None:
    for path in table_files(tmp_path):
        frame = read_columns(path, ["user", "rating", "missing"], texts=["user"])
        assert {name: list(frame[name]) for name in frame} == {"user": ["007", "7"], "rating": [4.5, 3.0]}


def test_cells_stay_texts_where_asked(tmp_path: Path) -> None:
    paths = table_files(tmp_path)
    assert [row["user"] for row in read_rows(paths[0])] == [7, 7]
    for path in paths:
        assert [(row["user"], row["note"]) for row in read_rows(path, texts=True)] == [("007", "x"), ("7", "")]


def test_a_byte_order_mark_is_no_part_of_a_row(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'\xef\xbb\xbf{"a": 1}\n\n')
    assert read_rows(str(tmp_path / "a.jsonl")) == [{"a": 1}]
    assert list(read_columns(str(tmp_path / "a.jsonl"), ["a", "b"])["a"]) == [1]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(FileError, match="can't be read"):
        read_texts(tmp_path / "a.csv")


def test_a_missing_time_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"no column 'when' .*: its columns are time, text"):
        read_texts(csv_file(tmp_path), time_column="when")


def test_rows_are_written_as_they_are_and_half_an_emoji_as_its_escape(tmp_path: Path) -> None:
    rows = [{"text": text} for text in [*TEXTS, "half \ud83d", 'a "quote" \\ and \n']]
    write_jsonl(tmp_path / "out.jsonl", rows)
    assert [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").split("\n") if line] == rows
    assert "🌊" in (tmp_path / "out.jsonl").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


def test_numbers_that_json_does_not_know_become_null(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "out.jsonl", [{"text": "a", "score": float("nan"), "more": [float("inf"), 1.5]}])
    assert json.loads((tmp_path / "out.jsonl").read_text(), parse_constant=pytest.fail) == {"text": "a", "score": None, "more": [None, 1.5]}


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").write_text("old")
    with pytest.raises(TypeError):
        write_jsonl(tmp_path / "out.jsonl", [{"a": 1}, {(1, 2): "no JSON key"}])
    assert (tmp_path / "out.jsonl").read_text() == "old"
    with pytest.raises(FileError, match="can't be written: No such file or directory"):
        write_jsonl(tmp_path / "missing" / "out.jsonl", [{"a": 1}])
