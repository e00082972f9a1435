"""Cards and evaluation: the run and its scores in the card, and scores beside the baseline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from finetune.evaluate import main as evaluate
from tests.finetuning import MARKS, Fit, Flags, flags, out_of, task_json

pytestmark = MARKS


def test_the_card_holds_its_opening_the_run_and_the_scores(fit: Fit, tmp_path: Path, files: dict[str, str]) -> None:
    (tmp_path / "opening.md").write_text("---\nlicense: apache-2.0\n---\n# Mine\n\nFor testing.\n", encoding="utf-8")
    card = (out_of(fit(card=tmp_path / "opening.md")) / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlicense: apache-2.0\n---\n# Mine\n")
    assert "- rows: train.jsonl (24)" in card and "- lora rank: 4" in card
    assert "| dev.jsonl |" in card
    assert str(tmp_path) not in card and str(Path(files["dev.jsonl"]).parent) not in card


def test_evaluate_scores_beside_the_baseline_and_updates_the_card(
    fit: Fit, files: dict[str, str], encoders: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = out_of(fit())
    given = {"task": "event-detection", "model": encoders["tiny"], "adapter": folder, "device": "cpu", "update_card": True}
    paths = {"validation_file": files["dev.jsonl"], "train_file": files["train.jsonl"], "output_file": tmp_path / "scores.json"}
    assert evaluate(flags(given | paths)) == 0
    assert "| dev.jsonl, word lexicon |" in capsys.readouterr().out
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "| dev.jsonl, word lexicon |" in card and "## Training" in card
    scores = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert scores["dev.jsonl"] == pytest.approx(task_json(folder)["scores"]["dev.jsonl"], abs=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "nonsense"}, "--task must be one of"),
        ({"validation_file": None}, "There is nothing to score"),
        ({"validation_file": "nowhere.jsonl"}, "There is no file 'nowhere.jsonl'"),
        ({"threshhold": 1}, "There is no flag '--threshhold'"),
        ({"adapter": "shipped", "update_card": True}, "--update_card needs --adapter FOLDER"),
    ],
)
def test_wrong_use_of_evaluate_is_one_sentence(
    changes: Flags, message: str, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"task": "event-detection", "validation_file": files["dev.jsonl"], "adapter": "nowhere"}
    assert evaluate(flags(given | changes)) == 2
    said = capsys.readouterr().err.strip()
    assert message in said and len(said.splitlines()) == 1
