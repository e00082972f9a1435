"""``finetune.convert statements``: patterns in, rows out that say of each pair whether its relation is stated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from finetune.convert import names, statements
from finetune.convert.__main__ import main
from tasks.core.errors import FileError
from tasks.relation_extraction.data import check_rows, gold_relations

PATTERNS: dict[str, Any] = {
    "relation": "keeper of",
    "description": "the head (a person) keeps the tail (a lighthouse)",
    "head_type": "PER",
    "tail_type": "LOC",
    "heads": ["old Mara", "Ivo Klein", "Tove Sund", "Dele"],
    "tails": ["Needle Light", "Grey Point", "the Orla beacon", "Cape Swan"],
    "yes": ["{h} keeps {t}."],
    "swap": ["{t} is kept by {h}."],
    "no": ["{h} never kept {t}."],
    "open": ["Did {h} keep {t}?"],
    "false": ["That {h} keeps {t} is a lie."],
    "near": ["{h} painted {t}."],
    "other": ["{t} is kept by {h}, not by {o}."],
    "instead_of": "head",
    "distractors": ["owner of"],
}


def rows_of(folder: Path, **changed: Any) -> list[dict[str, Any]]:
    path = folder / "patterns.jsonl"
    path.write_text(json.dumps(PATTERNS | changed), encoding="utf-8")
    return list(statements.convert(path))


def told(row: dict[str, Any]) -> set[tuple[str, str]]:
    """The names that a row's relations hold between."""
    return {(row["entities"][head]["text"], row["entities"][tail]["text"]) for head, tail, _ in gold_relations(row)}


def test_rows_are_what_the_task_takes_with_exact_offsets(tmp_path: Path) -> None:
    rows = rows_of(tmp_path)
    assert check_rows(rows, "the test") == rows
    assert len(rows) == statements.FILLINGS * len(statements.KINDS) == len({row["id"] for row in rows})
    for row in rows:
        assert row["labels"] == {"keeper of": PATTERNS["description"], "owner of": ""}
        assert all(row["text"][each["start"] : each["end"]] == each["text"] for each in row["entities"])
        assert len({each["text"].lower() for each in row["entities"]}) == len(row["entities"])
        assert {each["text"].lower() for each in row["entities"]} <= {each.lower() for each in PATTERNS["heads"] + PATTERNS["tails"]}


def test_every_statement_is_judged_by_itself(tmp_path: Path) -> None:
    rows = rows_of(tmp_path)
    assert not any("{" in row["text"] for row in rows)
    for row in rows:
        expected = set()
        for sentence in row["text"].replace("?", ".").split(". "):
            inside = [each["text"] for each in row["entities"] if each["text"] in sentence]
            if " keeps " in sentence and "lie" not in sentence:
                expected.add((inside[0], inside[1]))
            if " is kept by " in sentence:
                expected.add((inside[1], inside[0]))
        assert told(row) == expected, row["text"]
    assert {bool(told(row)) for row in rows} == {True, False}


def test_some_texts_hold_two_statements_and_sentences_begin_with_a_capital(tmp_path: Path) -> None:
    rows = rows_of(tmp_path)
    assert {len(row["entities"]) for row in rows} >= {2, 4}
    assert all(row["text"][0].isupper() for row in rows)
    assert any("the Orla beacon" in row["text"] for row in rows)


def test_a_symmetric_relation_holds_both_ways(tmp_path: Path) -> None:
    for row in rows_of(tmp_path, symmetric=True):
        assert told(row) == {(tail, head) for head, tail in told(row)}


def test_the_rows_are_the_same_each_time(tmp_path: Path) -> None:
    assert rows_of(tmp_path) == rows_of(tmp_path)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [({"heads": ["Dele"]}, "larger than population"), ({"instead_of": "both"}, "'boths'"), ({"yes": 3}, "not of the kind")],
)
def test_patterns_that_cannot_be_filled_are_refused(tmp_path: Path, changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(FileError, match=reason) as error:
        rows_of(tmp_path, **changed)
    assert "line 1" in str(error.value)


def test_the_command_line_knows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "statements" in names()
    rows = rows_of(tmp_path)
    assert main(["statements", str(tmp_path / "patterns.jsonl"), "--output", str(tmp_path / "rows.jsonl")]) == 0
    assert [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()] == rows
    assert str(len(rows)) in capsys.readouterr().out
