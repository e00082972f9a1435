"""Runs of fine-tuning for the tests: tiny encoders, rows of the project's own, settings, and what a run leaves behind.

``conftest.py`` makes the fixtures known to every test. What takes a process of its own (two ranks, a run that is
killed) is started with one thread, as any other run on a busy machine should be.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
import yaml
from transformers import AutoTokenizer, BertConfig, BertModel, TrainerCallback

from tasks.core.encoder import default_folder
from tasks.core.files import read_rows

if TYPE_CHECKING:
    from finetune.train import TaskTrainer

REPO = Path(__file__).parent.parent
SAMPLE = REPO / "tasks" / "event_detection" / "sample"
WEIGHTS = ("adapter_model.safetensors", "head.safetensors")
ADAPTER = {"README.md", "adapter_config.json", "task.json", "lexicon.json", *WEIGHTS}
Rows = list[dict[str, Any]]
Flags = dict[str, Any]
Fit = Callable[..., "TaskTrainer"]
MARKS = [pytest.mark.usefixtures("one_thread"), pytest.mark.filterwarnings("ignore:.*pin_memory.*:UserWarning")]


@pytest.fixture(scope="session")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Folders of two tiny encoders: ``tiny`` with dropout, ``calm`` without, so that batches can be compared."""
    folder = tmp_path_factory.mktemp("encoders")
    tokenizer = AutoTokenizer.from_pretrained(default_folder())
    for name, dropout in (("tiny", 0.1), ("calm", 0.0)):
        torch.manual_seed(3)
        config = BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=128,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
        )
        BertModel(config).save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    return {name: str(folder / name) for name in ("tiny", "calm")}


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Rows of the project's own sample with its twelve most frequent types, and these types' label texts."""
    folder = tmp_path_factory.mktemp("rows")
    types = Counter(event["type"] for row in read_rows(str(SAMPLE / "train.jsonl")) for event in row["events"])
    few = [name for name, _ in types.most_common(12)]
    for split, count in (("train", 24), ("dev", 12)):
        rows = [row for row in read_rows(str(SAMPLE / f"{split}.jsonl")) if {event["type"] for event in row["events"]} <= set(few)]
        save_rows(folder / f"{split}.jsonl", [row for row in rows if row["events"]][:count])
    texts = json.loads((SAMPLE.parent / "labels.json").read_text(encoding="utf-8"))
    known = {name: text for labels in texts.values() for name, text in labels.items()}
    (folder / "labels.json").write_text(json.dumps({"few": {name: known.get(name, "") for name in few}}), encoding="utf-8")
    return {name: str(folder / name) for name in ("train.jsonl", "dev.jsonl", "labels.json")}


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Same thread count, same weights (HANDBOOK)."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def settings(encoders: dict[str, str], files: dict[str, str], tmp_path: Path) -> Flags:
    """Settings of a run of six steps, evaluated and saved after every two."""
    return {
        "task": "event-detection",
        "model": encoders["tiny"],
        "train_file": files["train.jsonl"],
        "validation_file": files["dev.jsonl"],
        "label_file": files["labels.json"],
        "output_dir": str(tmp_path / "out"),
        "lora_rank": 4,
        "per_device_train_batch_size": 8,
        "max_steps": 6,
        "eval_strategy": "steps",
        "save_strategy": "steps",
        "eval_steps": 2,
        "save_steps": 2,
        "logging_steps": 1,
        "disable_tqdm": True,
        "use_cpu": True,
    }


@pytest.fixture
def fit(monkeypatch: pytest.MonkeyPatch, settings: Flags) -> Fit:
    """Train through the command line, with ``changes`` to the settings; the trainer as it is afterwards."""
    import finetune.train
    from finetune.__main__ import main
    from finetune.train import TaskTrainer

    trainers: list[TaskTrainer] = []

    class Kept(TaskTrainer):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            trainers.append(self)

    monkeypatch.setattr(finetune.train, "TaskTrainer", Kept)

    def run(**changes: Any) -> TaskTrainer:
        assert main(flags(settings | changes)) == 0
        return trainers[-1]

    return run


def flags(settings: Flags) -> list[str]:
    """``--name value`` of each setting; None leaves one out."""
    given = [(f"--{name}", str(value)) for name, value in settings.items() if value is not None]
    return [word for pair in given for word in pair]


def save_rows(path: Path, rows: Rows) -> str:
    """Rows as JSONL; the path."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def save_recipe(path: Path, settings: Flags) -> str:
    """Settings as a recipe; the path."""
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return str(path)


def same_weights(one: Path | str, other: Path | str) -> bool:
    """Whether two adapters are equal bit for bit."""
    names = sorted(path.relative_to(one) for path in Path(one).rglob("*.safetensors") if "checkpoint" not in str(path.relative_to(one)))
    assert names
    return all((Path(one) / name).read_bytes() == (Path(other) / name).read_bytes() for name in names)


def task_json(folder: Path | str) -> dict[str, Any]:
    """What an adapter says of itself."""
    data: dict[str, Any] = json.loads((Path(folder) / "task.json").read_text(encoding="utf-8"))
    return data


def texts(path: str) -> list[str]:
    """The texts of a file of rows."""
    return [row["text"] for row in read_rows(path)]


def out_of(trainer: TaskTrainer) -> Path:
    """The folder that a run has written."""
    return Path(str(trainer.args.output_dir))


def start(command: list[str], **variables: str) -> subprocess.Popen[str]:
    """A process of its own with one thread, in the repository."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""} | variables
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, *command], cwd=REPO, env=environment, text=True, stdout=pipe, stderr=pipe)


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, output and errors of a process; one that hangs is ended."""
    try:
        printed, said = process.communicate(timeout=500)
    except subprocess.TimeoutExpired:
        process.kill()
        printed, said = process.communicate()
    return process.returncode, printed, said


class Gradients(TrainerCallback):
    """Keeps the gradients that each step is taken with."""

    def __init__(self) -> None:
        self.steps: list[dict[str, torch.Tensor]] = []

    def on_pre_optimizer_step(self, *arguments: Any, model: Any = None, **options: Any) -> None:
        self.steps.append({name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None})
