"""What the README and the model cards say is what the code does."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from finetune.card import BEGIN, END, table
from tasks import names, pipeline

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL)).replace("\\\n", " ")
COMMANDS = [line.split("#")[0].strip() for line in SHELL.splitlines()]
ADAPTERS = sorted(path.parent for path in ROOT.glob("tasks/*/adapter*/task.json"))


def test_python_examples_print_what_stands_beside_them() -> None:
    """``expression  # output``: the comment is what the line gives, scores to two digits."""
    scope: dict[str, object] = {}
    compared = 0
    for line in "\n".join(PYTHON).splitlines():
        code, _, output = line.partition("  # ")
        if code and output:
            assert str(eval(code, scope)) == output.strip(), code
            compared += 1
        elif code.strip():
            exec(code, scope)
    assert compared >= 4


def test_modules_of_the_commands_exist() -> None:
    modules = [words[words.index("-m") + 1] for words in map(shlex.split, COMMANDS) if "-m" in words]
    assert {"apps", "tasks", "finetune", "finetune.evaluate", "finetune.export"} <= set(modules)
    for module in set(modules) - {"venv", "pytest"}:
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


def test_files_that_the_readme_names_exist() -> None:
    for name in re.findall(r"finetune/recipes/\S+\.yaml|docs/\S+\.png|requirements\S*\.txt", README):
        assert (ROOT / name).is_file(), name
    assert all(name in README for name in names())


@pytest.mark.parametrize("folder", ADAPTERS, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_cards_show_the_scores_of_their_adapter(folder: Path) -> None:
    settings = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    card = (folder / "README.md").read_text(encoding="utf-8")
    measured = card.split(BEGIN)[1].split(END)[0].strip()
    for source, figures in settings["scores"].items():
        row = table({source: figures}).splitlines()[-1].split("|")[2:4]
        assert any(line.startswith(f"| {source} |") and row[0] in line for line in measured.splitlines()), source
    assert "license:" in card and "## Limits" in card


@pytest.mark.parametrize("folder", ADAPTERS, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_shipped_adapters_are_small_and_name_no_path(folder: Path) -> None:
    assert sum(path.stat().st_size for path in folder.iterdir()) < 8 * 2**20
    assert {path.suffix for path in folder.iterdir()} <= {".json", ".safetensors", ".md"}
    for path in folder.glob("*.json"):
        assert not re.search(r'"/[a-z]+/', path.read_text(encoding="utf-8")), path.name


def test_pipeline_is_what_the_readme_imports() -> None:
    assert "from tasks import pipeline" in README and callable(pipeline)
