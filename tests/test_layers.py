"""Who may import whom, from the syntax tree; what no file may do; and what every task folder holds."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tasks
from tasks.core.adapters import NEEDED

ROOT = Path(tasks.__file__).parent.parent
SOURCES = [ROOT / "app.py", *sorted(path for folder in ("tasks", "apps", "finetune") for path in (ROOT / folder).rglob("*.py"))]
TASKS = sorted(ROOT / "tasks" / name.replace("-", "_") for name in tasks.names())
FORBIDDEN = {
    "tasks": {"gradio", "apps", "finetune", "tests"},
    "apps": {"torch", "transformers", "peft", "finetune", "tests"},
    "finetune": {"gradio", "apps", "tests"},
    "app.py": {"torch", "transformers", "peft", "finetune", "tests"},
}


def imports(tree: ast.AST, path: Path) -> Iterator[str]:
    """Modules that a file imports anywhere in it, by their full names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = list(path.relative_to(ROOT).parent.parts)
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and called(node) in ("import_module", "__import__") and node.args:
            yield "".join(part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant) and isinstance(part.value, str))


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def tree_of(path: Path) -> ast.AST:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def source(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=source)
def test_layers_are_kept(path: Path) -> None:
    forbidden = FORBIDDEN[path.relative_to(ROOT).parts[0]]
    assert not {name for name in imports(tree_of(path), path) if name.split(".")[0] in forbidden}


@pytest.mark.parametrize("path", [path for folder in TASKS for path in folder.rglob("*.py")], ids=source)
def test_a_task_uses_core_and_itself_alone(path: Path) -> None:
    own = path.relative_to(ROOT).parts[1]
    allowed = {"core", own} | ({"pipeline", "names"} if own == "conversation" else set())
    assert {name.split(".")[1] for name in imports(tree_of(path), path) if name.startswith("tasks.")} <= allowed


@pytest.mark.parametrize("path", sorted((ROOT / "tasks" / "core").glob("*.py")), ids=source)
def test_core_uses_no_task(path: Path) -> None:
    assert {name.split(".")[1] for name in imports(tree_of(path), path) if name.startswith("tasks.")} <= {"core"}


@pytest.mark.parametrize("path", SOURCES, ids=source)
def test_nothing_is_unpickled_and_no_remote_code_is_run(path: Path) -> None:
    tree = tree_of(path)
    assert not {"pickle", "joblib", "dill", "cloudpickle", "shelve"} & {name.split(".")[0] for name in imports(tree, path)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in ("torch.load", "eval", "exec", "numpy.load", "np.load")
            assert not [word for word in node.keywords if word.arg == "allow_pickle"]
            trusted = [word for word in node.keywords if word.arg == "trust_remote_code"]
            assert all(ast.unparse(word.value) == "False" for word in trusted)
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            assert all(ast.unparse(value) == "False" for key, value in pairs if key and ast.unparse(key) == "'trust_remote_code'")


@pytest.mark.parametrize("folder", TASKS, ids=source)
def test_every_task_folder_has_the_same_entries(folder: Path) -> None:
    for name in ("__init__.py", "task.py", "types.py", "model.py", "data.py", "decode.py", "sample/train.jsonl", "sample/dev.jsonl"):
        assert (folder / name).is_file(), name


@pytest.mark.parametrize("path", [path for folder in TASKS for path in folder.glob("adapter*") if any(path.iterdir())], ids=source)
def test_every_shipped_adapter_is_whole_small_and_has_a_card(path: Path) -> None:
    method = json.loads((path / "task.json").read_text(encoding="utf-8"))["method"]
    for name in (*NEEDED[method], "head.safetensors", "task.json", "README.md"):
        assert (path / name).exists(), name
    assert sum(file.stat().st_size for file in path.rglob("*")) < 8_000_000
    assert not [file.name for file in path.rglob("*") if file.suffix in (".bin", ".pt", ".pth", ".pkl", ".ckpt")]
    assert "/site-packages/" not in (path / "task.json").read_text(encoding="utf-8")


def test_importing_the_package_imports_no_model_code() -> None:
    code = "import sys, tasks, tasks.__main__; tasks.names(); print({'torch', 'transformers', 'peft', 'gradio'} & sys.modules.keys())"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
