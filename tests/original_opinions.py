"""Files of the layouts that ``finetune.convert`` reads for opinions and stances, and what converted rows hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks.opinion_analysis.data import check_rows

Data = dict[str, Any]


def save(path: Path, text: str) -> Path:
    """The text as a file, its line ends as they are; ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def assert_exact(rows: list[Data]) -> None:
    """The rows are what the task takes, and every span is where it says."""
    assert check_rows(rows, "the test") == rows != []
    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        for span in (opinion[name] for opinion in row.get("opinions", ()) for name in ("target", "expression")):
            assert span is None or row["text"][span["start"] : span["end"]] == span["text"] != ""
