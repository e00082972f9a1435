"""Training of the reading of messages from flags to an agent, over a tiny encoder and the project's own rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from finetune.__main__ import main
from finetune.evaluate import main as evaluate
from finetune.train import TaskTrainer
from tasks import pipeline
from tasks.conversation.data import MARKS
from tasks.conversation.task import Agent
from tasks.conversation.types import KINDS
from tasks.core.calibration import Calibration
from tasks.core.errors import AdapterError
from tasks.core.files import read_rows
from tests.finetuning import MARKS as CALM
from tests.finetuning import flags, out_of, save_rows, task_json

SAMPLE = Path(__file__).parent.parent / "tasks" / "conversation" / "sample"
Flags = dict[str, Any]
Fit = Callable[..., TaskTrainer]
FIGURES = {"kinds_f1", "kinds_exact", "kinds_ece", *(f"kinds_{each}" for each in KINDS)}

pytestmark = CALM


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Files of a few rows: annotated ones and others to train on, some of both to choose by."""
    folder, known = tmp_path_factory.mktemp("rows"), read_rows(str(SAMPLE / "train.jsonl"))
    marked, plain = [row for row in known if row.get("things")], [row for row in known if "things" not in row]
    return {
        "train": save_rows(folder / "train.jsonl", marked[:20] + plain[:600:60]),
        "dev": save_rows(folder / "dev.jsonl", marked[20:30] + plain[30:600:90]),
        "plain": save_rows(folder / "plain.jsonl", plain[:8]),
    }


@pytest.fixture
def settings(encoders: dict[str, str], rows: dict[str, str], tmp_path: Path) -> Flags:
    """Settings of a run of two steps."""
    made: Flags = {"task": "conversation", "model": encoders["calm"], "train_file": rows["train"], "validation_file": rows["dev"]}
    made |= {"output_dir": str(tmp_path / "out"), "lora_rank": 4, "per_device_train_batch_size": 8, "max_steps": 2}
    made |= {"eval_strategy": "steps", "eval_steps": 2, "save_strategy": "steps", "save_steps": 2, "learning_rate": 5e-3}
    return made | {"disable_tqdm": True, "use_cpu": True}


def nothing_else(task: str, adapter: str) -> Any:
    raise AssertionError(f"{task} is not needed for this")


@pytest.mark.parametrize("method", ["lora", "head", "full"])
def test_a_run_gives_an_agent_that_reads_as_it_was_trained(method: str, fit: Fit, encoders: dict[str, str], rows: dict[str, str]) -> None:
    trainer = fit(method=method)
    folder = out_of(trainer)
    agent = pipeline("conversation", model=encoders["calm"], adapter=str(folder), device="cpu", pipelines=nothing_else)
    texts = [row["text"] for row in read_rows(rows["dev"])]
    live = trainer.training.reader()
    assert agent.reader.settings == live.settings
    for one, other in zip(agent.reader.read(texts), live.read(texts), strict=True):
        assert one.kinds == pytest.approx(other.kinds, abs=1e-3)
        assert [each[:3] for each in map(tuple_of, one.marked)] == [each[:3] for each in map(tuple_of, other.marked)]
    data = task_json(folder)
    assert data["task"] == "conversation" and data["run"]["train_rows"] == {"train.jsonl": 30}
    assert set(data["scores"]) == {"dev.jsonl"} and set(data["scores"]["dev.jsonl"]) >= FIGURES | {"precision", "recall", "f1"}
    assert all(0 <= each <= 1 for each in data["scores"]["dev.jsonl"].values())
    assert_learned(trainer, method)


def tuple_of(marked: Any) -> tuple[int, int, str, float]:
    return marked.start, marked.end, marked.mark, marked.logit


def assert_learned(trainer: TaskTrainer, method: str) -> None:
    """Gradients reach the head always, the encoder by its method alone."""
    model: Any = trainer.training.model
    model.zero_grad()
    batch = trainer.training.collate(trainer.training.dataset)
    torch.autograd.backward(model.train()(**batch)["loss"])
    assert all(weight.grad is not None and weight.grad.any() for weight in model.head.parameters())
    reached = [name for name, weight in model.encoder.named_parameters() if weight.grad is not None and weight.grad.any()]
    if method == "head":
        assert reached == []
    elif method == "lora":
        assert reached and all("lora_" in name for name in reached)
    else:
        assert any("word_embeddings" in name for name in reached) and any("layer.1." in name for name in reached)


@pytest.fixture(scope="module")
def made(encoders: dict[str, str], rows: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of one step."""
    folder = tmp_path_factory.mktemp("runs") / "made"
    made: Flags = {"task": "conversation", "model": encoders["calm"], "train_file": rows["train"], "validation_file": rows["dev"]}
    made |= {"output_dir": str(folder), "lora_rank": 4, "max_steps": 1, "eval_strategy": "no", "load_best_model_at_end": False}
    assert main(flags(made | {"per_device_train_batch_size": 8, "disable_tqdm": True, "use_cpu": True})) == 0
    return folder


def greeting(agent: Agent) -> Agent:
    """The same agent, to which every message is a greeting and nothing else."""
    bias = agent.reader.settings.kinds
    never = dict.fromkeys(KINDS, 1.0) | {"greet": 0.0}
    none = {name: Calibration(threshold=1.0) for name in MARKS}
    agent.reader.settings = type(agent.reader.settings)(Calibration(bias.temperature, -20.0, thresholds=never), none)
    return agent


def test_a_greeting_needs_no_other_task(made: Path, encoders: dict[str, str]) -> None:
    agent = greeting(pipeline("conversation", model=encoders["calm"], adapter=str(made), device="cpu", pipelines=nothing_else))
    turn = agent.reply("Hello there!")
    assert turn.reply and [each.kind for each in turn.acts] == ["greeted"] and turn.state["turns"] == 1
    data = json.loads(json.dumps(turn.to_dict()))
    later = agent.reply("thanks, bye", data["state"])
    assert later.state["turns"] == 2 and data["state"]["turns"] == 1 and later.state["facts"] == []
    assert list(agent("hello").kinds) == ["greet"] and [each.text for each in agent(["a", "b"])] == ["a", "b"]
    assert [each.state["turns"] for each in agent.stream(["hi", "bye"])] == [1, 2]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("", "The message is empty"),
        (" \n\t", "The message is empty"),
        ("x" * 2001, "up to 2,000 are read"),
        (5, "must be a string"),
        (None, "must be a string"),
        (["hello"], "must be a string"),
    ],
    ids=lambda each: str(each)[:12],
)
def test_what_is_no_message_is_refused(message: Any, said: str, made: Path, encoders: dict[str, str]) -> None:
    agent = pipeline("conversation", model=encoders["calm"], adapter=str(made), device="cpu", pipelines=nothing_else)
    with pytest.raises(ValueError, match=said):
        agent.reply(message)
    with pytest.raises(ValueError, match="no state of a conversation"):
        agent.reply("hello", {"version": 0})
    with pytest.raises(ValueError, match="The proposal must be a sentence"):
        agent.reply("hello", proposal=" ")


def test_an_agent_needs_an_adapter_of_its_own(made: Path, encoders: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="give an adapter"):
        pipeline("conversation", model=encoders["calm"], adapter=None)
    with pytest.raises(AdapterError):
        pipeline("conversation", model=encoders["calm"], adapter=str(tmp_path))
    with pytest.raises(AdapterError, match="is for conversation"):
        pipeline("opinion-analysis", model=encoders["calm"], adapter=str(made))


def test_a_run_is_scored_beside_its_baseline(
    made: Path, encoders: dict[str, str], rows: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = {"task": "conversation", "model": encoders["calm"], "adapter": str(made), "device": "cpu"}
    output = tmp_path / "scores.json"
    assert evaluate(flags(line | {"validation_file": rows["dev"], "train_file": rows["train"], "output_file": str(output)})) == 0
    scores = json.loads(output.read_text(encoding="utf-8"))
    assert set(scores) == {"dev.jsonl", "dev.jsonl, TF-IDF"} and set(scores["dev.jsonl, TF-IDF"]) == {"kinds_f1", "kinds_exact"}
    assert scores["dev.jsonl"] == pytest.approx(task_json(made)["scores"]["dev.jsonl"], abs=1e-6)
    assert "kinds f1" in capsys.readouterr().out
    assert evaluate(flags(line | {"validation_file": rows["plain"]})) == 0  # without annotation there are no scores of marks
    assert "kinds exact" in (said := capsys.readouterr().out) and "precision" not in said


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "a"}, "Row 1 of {} is no row of conversation"),
        ({"text": "a", "kinds": ["shout"]}, "Row 1 of {} has the kind 'shout'"),
        ({"text": "a", "kinds": [], "things": [{"start": 0, "end": 1, "text": "b"}]}, "Row 1 of {} has a span that is not in its text"),
    ],
    ids=str,
)
def test_wrong_rows_are_one_sentence(row: Flags, message: str, settings: Flags, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = save_rows(tmp_path / "wrong.jsonl", [row])
    capsys.readouterr()
    assert main(flags(settings | {"train_file": path})) == 2
    said = capsys.readouterr().err.strip()
    assert message.format(path) in said and len(said.splitlines()) == 1


def test_a_wrong_share_is_one_sentence(settings: Flags, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(flags(settings | {"lower_cased": 1.5})) == 2
    said = capsys.readouterr().err.strip()
    assert "--lower_cased must be a share from 0 to 1, not 1.5" in said and len(said.splitlines()) == 1
