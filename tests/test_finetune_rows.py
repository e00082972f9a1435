"""Rows of fine-tuning: JSONL, CSV, Parquet and the Hub's give the same, and wrong files one sentence."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from finetune.__main__ import main
from tasks.core.files import read_rows
from tests.finetuning import MARKS, Fit, Flags, flags, out_of, same_weights, save_rows

pytestmark = MARKS


def test_csv_and_parquet_rows_train_like_jsonl(fit: Fit, files: dict[str, str], tmp_path: Path) -> None:
    import pandas

    rows = read_rows(files["train.jsonl"])
    with open(tmp_path / "train.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["text", "events"])
        writer.writeheader()
        writer.writerows({"text": row["text"], "events": json.dumps(row["events"])} for row in rows)
    pandas.DataFrame([{"text": row["text"], "events": row["events"]} for row in rows]).to_parquet(tmp_path / "train.parquet")
    whole = out_of(fit(output_dir=tmp_path / "jsonl"))
    for kind in ("csv", "parquet"):
        assert same_weights(whole, out_of(fit(train_file=tmp_path / f"train.{kind}", output_dir=tmp_path / kind)))


def test_rows_from_the_hub_come_through_datasets(fit: Fit, files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    asked = []

    def load(name: str, config: str | None = None, *, revision: str | None = None, split: str) -> Any:
        asked.append((name, config, revision, split))
        rows = read_rows(files["train.jsonl" if split == "train" else "dev.jsonl"])
        return datasets.Dataset.from_list([{"text": row["text"], "events": row["events"]} for row in rows])

    monkeypatch.setattr(datasets, "load_dataset", load)
    hub = {"dataset_name": "me/events", "dataset_revision": "abc", "train_file": None, "validation_file": None}
    trainer = fit(**hub, output_dir=tmp_path / "hub")
    assert asked == [("me/events", None, "abc", "train"), ("me/events", None, "abc", "validation")]
    assert same_weights(out_of(trainer), out_of(fit(output_dir=tmp_path / "files")))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"events": []}, 'Row 1 of .* has no "text"'),
        ({"text": "A flood."}, 'A row needs "events"'),
        ({"text": "A flood.", "events": [{"type": "Flood", "trigger": {"start": 2, "end": 99, "text": "flood"}}]}, "outside its text"),
        ({"text": "A flood.", "events": ["flood"]}, "is not an event-detection row"),
    ],
)
def test_rows_that_do_not_fit_the_task_are_one_sentence(
    row: dict[str, Any], message: str, settings: Flags, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import re

    assert main(flags(settings | {"train_file": save_rows(tmp_path / "rows.jsonl", [row])})) == 2
    said = capsys.readouterr().err.strip()
    assert re.search(message, said) and len(said.splitlines()) == 1
