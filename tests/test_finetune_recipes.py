"""The recipes of what is shipped: they parse, and made the adapters that are there."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from finetune.config import parse
from tasks.core.adapters import load_lora
from tests.finetuning import MARKS, REPO, task_json

pytestmark = MARKS
RECIPES = sorted((REPO / "finetune" / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_shipped_recipe_parses_and_made_the_shipped_adapter(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    files = [*recipe["train_file"], *recipe.get("validation_file", [])]
    for name in (*files, recipe.get("label_file"), recipe.get("card")):
        if name:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()  # rows are not in the repository
    monkeypatch.chdir(tmp_path)
    ours, options, stock = parse([str(path), "--use_cpu", "true"])
    assert ours.card is None or (REPO / ours.card).is_file()
    assert getattr(options, "label_file", None) is None or (REPO / options.label_file).is_file()
    assert "finetune.convert" in path.read_text(encoding="utf-8")  # how to get the rows
    folder = shipped_folder(recipe["task"], path.stem)
    if not (folder / "task.json").exists():
        pytest.skip(f"{folder.relative_to(REPO)} is not there yet")
    data = task_json(folder)
    run = data["run"]
    assert ours.card
    assert data["task"] == recipe["task"]
    assert list(run["train_rows"]) == list(dict.fromkeys(Path(name).name for name in ours.train_file))
    assert (run["method"], run["lora_rank"], run["seed"]) == (ours.method, ours.lora_rank, stock.seed)
    assert (run["learning_rate"], run["epochs"], run["bf16"]) == (stock.learning_rate, stock.num_train_epochs, stock.bf16)
    assert run["batch"] % stock.per_device_train_batch_size == 0
    scored = {source.split(",")[0] for source in data["scores"]}  # a file of several kinds of rows has a line for each
    assert scored >= {Path(name).name for name in ours.validation_file}


def shipped_folder(task: str, recipe: str) -> Path:
    """``event_detection.yaml`` makes ``adapter``, ``event_detection_crisis.yaml`` makes ``adapter_crisis``."""
    name = task.replace("-", "_")
    return REPO / "tasks" / name / f"adapter{recipe.removeprefix(name)}"


def test_a_shipped_adapter_is_small_and_has_a_recipe() -> None:
    made = {shipped_folder(yaml.safe_load(path.read_text(encoding="utf-8"))["task"], path.stem) for path in RECIPES}
    for folder in (REPO / "tasks").glob("*/adapter*"):
        if (folder / "task.json").exists():
            assert folder in made
            assert sum(path.stat().st_size for path in folder.rglob("*")) < 8e6
            assert load_lora is not None
