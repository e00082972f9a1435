"""The command line of ``finetune.convert`` for relation extraction: every converter, and the names of relations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from finetune.convert import load, names
from finetune.convert.__main__ import main
from tests.originals import NOMINALS, TWEETS, assert_exact, names_file, pairs, save, village

FILES: dict[str, Any] = {"btc": TWEETS, "fewrel": pairs(), "redocred": [village()], "semeval2010": NOMINALS, "wnut17": TWEETS}
NEED_NAMES = ("fewrel", "redocred")


def options(name: str, folder: Path) -> list[str]:
    """What the command line needs beside the input."""
    given = ["--output", str(folder / "rows.jsonl")]
    return [*given, "--names", str(names_file(folder))] if name in NEED_NAMES else given


@pytest.mark.parametrize("name", FILES)
def test_the_command_line_knows_the_converters(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert name in names()
    good, given = save(tmp_path / "original.txt", FILES[name]), options(name, tmp_path)
    assert main([name, str(good), *given]) == 0
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows == list(load(name).convert(good, *map(Path, given[3:])))
    assert_exact(rows)
    capsys.readouterr()
    for path in (tmp_path / "absent.txt", save(tmp_path / "empty.txt", "")):
        assert main([name, str(path), *given]) == 2
        said = capsys.readouterr().err
        assert said.startswith("error: ") and said.count("\n") == 1


@pytest.mark.parametrize("name", FILES)
def test_names_are_given_where_they_are_needed_and_nowhere_else(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    good, table, output = save(tmp_path / "original.txt", FILES[name]), names_file(tmp_path), tmp_path / "rows.jsonl"
    needed = name in NEED_NAMES
    assert main([name, str(good), "--output", str(output), *([] if needed else ["--names", str(table)])]) == 2
    said = capsys.readouterr().err
    assert ("say with --names which file" if needed else "leave --names out") in said
    assert said.count("\n") == 1
    assert not output.exists()


def test_the_names_are_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = names_file(tmp_path)
    before = table.read_text()
    assert main(["fewrel", str(save(tmp_path / "a.json", pairs())), "--output", str(table), "--names", str(table)]) == 2
    assert "is also an input" in capsys.readouterr().err
    assert table.read_text() == before


def test_names_that_cannot_be_read_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--output", str(tmp_path / "rows.jsonl"), "--names", str(tmp_path / "absent.jsonl")]
    assert main(["fewrel", str(save(tmp_path / "a.json", pairs())), *given]) == 2
    assert f"{tmp_path / 'absent.jsonl'} can't be read" in capsys.readouterr().err
