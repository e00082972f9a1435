"""The model card: what its author wrote, how it was trained, and the measured table, from ``task.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- scores -->", "<!-- /scores -->"
BARE = """---
library_name: peft
base_model: {base}
tags: [{task}]
---
# {task} adapter

Say here what it is for, what data it was trained on and under which licences, and where it fails.
"""


def write_card(folder: Path, opening: str | None) -> None:
    """``README.md`` of an adapter: ``opening`` (a Markdown file, or a blank form), the run, the scores."""
    settings = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    blank = BARE.format(base=settings["base"]["name"], task=settings["task"])
    text = Path(opening).read_text(encoding="utf-8") if opening else blank
    parts = [text.rstrip(), "## Training", run_lines(settings.get("run", {})), "## Scores", BEGIN, table(settings["scores"]), END]
    (folder / "README.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def replace_scores(folder: Path, scores: Mapping[str, Mapping[str, float]]) -> None:
    """Put a new measured table between the marks of the card."""
    path = folder / "README.md"
    text = path.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[-1]
    path.write_text(f"{before}{BEGIN}\n\n{table(scores)}\n\n{END}{after}", encoding="utf-8")


def run_lines(run: Mapping[str, Any]) -> str:
    """How it was trained, a line a setting."""
    rows = ", ".join(f"{name} ({count:,})" for name, count in run.get("train_rows", {}).items())
    rest = [f"- {name.replace('_', ' ')}: {value}" for name, value in run.items() if name != "train_rows"]
    return "\n".join([f"- rows: {rows}", *rest])


def table(scores: Mapping[str, Mapping[str, float]]) -> str:
    """Markdown: one row a source, one column a figure; sources that share no figure stand in tables of their own."""
    groups: list[dict[str, Mapping[str, float]]] = []
    for source, figures in scores.items():
        near = [group for group in groups if any(set(figures) & set(each) for each in group.values())]
        groups = [group for group in groups if group not in near]
        groups.append({name: each for group in near for name, each in group.items()} | {source: figures})
    return "\n\n".join(_table(group) for group in groups)


def _table(scores: Mapping[str, Mapping[str, float]]) -> str:
    columns = list(dict.fromkeys(name for figures in scores.values() for name in figures))
    lines = ["| rows | " + " | ".join(column.replace("_", " ") for column in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for source, figures in scores.items():
        cells = [_cell(name, figures.get(name)) for name in columns]
        lines.append(f"| {source} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(name: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if name == "events" else f"{value:.3f}"
