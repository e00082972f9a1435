"""Fine-tuning from flags to a shipped adapter: over a tiny encoder and rows of the project's own, in seconds.

What takes a process of its own (two ranks, a run that is killed) is started with one thread, as any other run
on a busy machine should be.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel, TrainerCallback

import finetune.train
from finetune.__main__ import main
from finetune.config import parse
from finetune.evaluate import main as evaluate
from finetune.export import main as export
from finetune.rows import read_rows
from finetune.train import TaskTrainer
from tasks import pipeline
from tasks.core.adapters import load_lora
from tasks.core.encoder import default_folder, load_encoder
from tasks.core.errors import FileError, InputError, UnknownTaskError
from tasks.event_detection.training import Training

REPO = Path(__file__).parent.parent
SAMPLE = REPO / "tasks" / "event_detection" / "sample"
RECIPES = sorted((REPO / "finetune" / "recipes").glob("*.yaml"))
WEIGHTS = ("adapter_model.safetensors", "head.safetensors")
Rows = list[dict[str, Any]]
Flags = dict[str, Any]
Fit = Callable[..., TaskTrainer]

pytestmark = pytest.mark.filterwarnings("ignore:.*pin_memory.*:UserWarning")


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


@pytest.fixture(autouse=True)
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
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def save_recipe(path: Path, settings: Flags) -> str:
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return str(path)


def same_weights(one: Path | str, other: Path | str) -> bool:
    """Whether two adapters are equal bit for bit."""
    names = sorted(path.relative_to(one) for path in Path(one).rglob("*.safetensors") if "checkpoint" not in str(path.relative_to(one)))
    assert names
    return all((Path(one) / name).read_bytes() == (Path(other) / name).read_bytes() for name in names)


def task_json(folder: Path | str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((Path(folder) / "task.json").read_text(encoding="utf-8"))
    return data


def texts(path: str) -> list[str]:
    return [row["text"] for row in read_rows(path)]


def out_of(trainer: TaskTrainer) -> Path:
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


# Flags and recipes


def test_flags_give_our_settings_the_tasks_own_and_the_stock_ones(settings: Flags) -> None:
    ours, options, stock = parse(flags(settings | {"hide_descriptions": 0.5, "gradient_accumulation_steps": 4}))
    assert (ours.task, ours.method, ours.lora_rank) == ("event-detection", "lora", 4)
    assert (options.unit, options.hide_descriptions) == ("word", 0.5)
    assert (stock.gradient_accumulation_steps, stock.save_total_limit, stock.metric_for_best_model) == (4, 2, "f1")
    assert stock.ddp_find_unused_parameters is False


def test_a_recipe_gives_the_same_and_flags_beside_it_win(settings: Flags, tmp_path: Path) -> None:
    recipe = save_recipe(tmp_path / "recipe.yaml", settings | {"learning_rate": "1e-3", "seed": 7})
    ours, _, stock = parse([recipe, "--seed", "8"])
    assert ours.train_file == [settings["train_file"]]
    assert (stock.learning_rate, stock.seed, stock.max_steps) == (0.001, 8, 6)


def test_yaml_takes_1e_3_a_bare_no_and_one_file_for_what_they_mean(settings: Flags, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    lines = ["learning_rate: 1e-3", "eval_strategy: no", "load_best_model_at_end: false", f"train_file: {settings['train_file']}"]
    path.write_text("task: event-detection\n" + "\n".join(lines), encoding="utf-8")
    ours, _, stock = parse([str(path)])
    assert stock.learning_rate == 0.001
    assert str(stock.eval_strategy.value) == "no"
    assert ours.train_file == [settings["train_file"]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "event-detecting"}, "--task must be one of"),
        ({"task": None}, "--task must be one of"),
        ({"method": "qlora"}, "--method must be one of lora, head, full, not 'qlora'"),
        ({"train_file": "nowhere.jsonl"}, "There is no file 'nowhere.jsonl'"),
        ({"train_file": None}, "There is nothing to train on"),
        ({"lerning_rate": "1e-3"}, "There is no flag '--lerning_rate'"),
        ({"lora_rank": "many"}, "invalid int value: 'many'"),
        ({"eval_strategy": "sometimes"}, "invalid choice: 'sometimes'"),
        ({"unit": "letter"}, "--unit must be 'word' or 'message'"),
        ({"label_file": "nowhere.json"}, "--label_file 'nowhere.json'"),
        ({"hold_out_types": 12}, "--hold_out_types must leave some of the 12 types"),
        ({"resume_from_checkpoint": "nowhere"}, "'nowhere' is no complete checkpoint"),
        ({"validation_file": None}, "There is nothing to choose on"),
        ({"model": "no/such/folder"}, "'no/such/folder' could not be loaded"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_code_2(
    changes: Flags, message: str, settings: Flags, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(flags(settings | changes)) == 2
    said = capsys.readouterr().err.strip()
    assert message in said
    assert said.startswith("finetune: ") and len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("task: event-detection\nlerning_rate: 1\n", "The recipe sets 'lerning_rate', which is no setting"),
        ("task: event-detection\nlora_rank: many\n", "The recipe sets 'lora_rank' to 'many', which is no int"),
        ("- task\n", "must be a list of name: value"),
        ("task: [\n", "can't be read"),
        (None, "can't be read"),
    ],
)
def test_a_wrong_recipe_is_one_sentence(content: str | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises((InputError, FileError, UnknownTaskError), match=message):
        parse([str(path)])


def test_the_command_exits_with_2() -> None:
    code, _, said = finish(start(["-m", "finetune", "--task", "nonsense"]))
    assert code == 2
    assert said.strip().startswith("finetune: --task must be one of") and len(said.strip().splitlines()) == 1


# Methods: what they train, save and load


def changed(trainer: TaskTrainer, encoder: str) -> set[str]:
    """Which parts of the model are not as they were: ``encoder``, ``lora``."""
    before = load_encoder(encoder, None, "cpu").model.state_dict()
    network: Any = trainer.training.model.encoder
    parts = set()
    for name, weight in network.state_dict().items():
        plain = name.removeprefix("base_model.model.").replace(".base_layer", "")
        if "lora_B" in name:
            parts |= {"lora"} if weight.any() else set()
        elif "lora_A" not in name and not torch.equal(weight, before[plain]):
            parts.add("encoder")
    return parts


@pytest.mark.parametrize(("method", "parts"), [("lora", {"lora"}), ("head", set()), ("full", {"encoder"})])
def test_each_method_changes_its_part_and_is_loaded_as_it_was_trained(
    method: str, parts: set[str], fit: Fit, encoders: dict[str, str], files: dict[str, str]
) -> None:
    trainer = fit(method=method, learning_rate=5e-3)
    assert changed(trainer, encoders["tiny"]) == parts
    fresh = Training(load_encoder(encoders["tiny"]), trainer.training.model.encoder, trainer.training.options, read_sources(files), 0)
    assert not torch.equal(trainer.training.model.head.match.salience.weight, fresh.model.head.match.salience.weight)
    loaded = pipeline("event-detection", model=encoders["tiny"], adapter=str(out_of(trainer)), device="cpu")
    found, live = loaded(texts(files["dev.jsonl"]), threshold=0.0), trainer.training.pipeline()(texts(files["dev.jsonl"]), threshold=0.0)
    assert sum(len(result.events) for result in live) > 20
    for one, other in zip(found, live, strict=True):
        assert [(event.type, event.trigger) for event in one.events] == [(event.type, event.trigger) for event in other.events]
        assert [event.score for event in one.events] == pytest.approx([event.score for event in other.events], abs=1e-5)


def read_sources(files: dict[str, str]) -> list[tuple[str, Rows]]:
    return [(files["train.jsonl"], read_rows(files["train.jsonl"]))]


def test_a_full_encoder_trained_again_into_its_folder_is_loaded_anew(fit: Fit, encoders: dict[str, str], files: dict[str, str]) -> None:
    """Not the weights of the first run out of a cache."""
    scores = []
    for seed in (1, 2):
        trainer = fit(method="full", learning_rate=5e-3, seed=seed)
        loaded = pipeline("event-detection", model=encoders["tiny"], adapter=str(out_of(trainer)), device="cpu")
        scores.append([event.score for event in loaded(texts(files["dev.jsonl"])[0], threshold=0.0).events])
    assert scores[0] != scores[1]


def test_fixed_seeds_give_the_same_weights_and_another_seed_others(fit: Fit, tmp_path: Path) -> None:
    one, same, other = (out_of(fit(output_dir=tmp_path / name, seed=seed)) for name, seed in (("a", 5), ("b", 5), ("c", 6)))
    assert same_weights(one, same)
    assert not same_weights(one, other)


# Gradients: the same however a batch is divided


class Gradients(TrainerCallback):
    """Keeps the gradients that each step is taken with."""

    def __init__(self) -> None:
        self.steps: list[dict[str, torch.Tensor]] = []

    def on_pre_optimizer_step(self, *arguments: Any, model: Any = None, **options: Any) -> None:
        self.steps.append({name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None})


def undivided(encoders: dict[str, str]) -> Flags:
    """Settings under which a step depends on its rows alone: no dropout, all labels, rows in order, plain SGD."""
    plain: Flags = {"lora_dropout": 0, "hide_descriptions": 0, "train_sampling_strategy": "sequential"}
    return plain | {"model": encoders["calm"], "optim": "sgd", "learning_rate": 0.05, "max_grad_norm": 0, "max_steps": 3}


@pytest.mark.parametrize("method", ["lora", "full"])
def test_loss_and_gradients_do_not_change_with_accumulation(
    method: str, fit: Fit, encoders: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept, losses = [], []
    for batch, accumulation in ((8, 1), (2, 4)):
        gradients = Gradients()
        monkeypatch.setattr(finetune.train, "EarlyStoppingCallback", lambda patience, watch=gradients: watch)
        changes = {"per_device_train_batch_size": batch, "gradient_accumulation_steps": accumulation, "early_stopping_patience": 1}
        trainer = fit(**undivided(encoders), **changes, method=method, output_dir=tmp_path / str(batch))
        kept.append(gradients.steps)
        losses.append([entry["loss"] for entry in trainer.state.log_history if "loss" in entry])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    assert len(kept[0]) == len(kept[1]) == 3
    for whole, divided in zip(*kept, strict=True):
        assert whole.keys() == divided.keys()
        for name, gradient in whole.items():
            torch.testing.assert_close(divided[name], gradient, rtol=1e-3, atol=1e-6)


def test_two_processes_train_what_one_trains_with_the_doubled_batch(
    fit: Fit, settings: Flags, encoders: dict[str, str], files: dict[str, str], tmp_path: Path
) -> None:
    one = out_of(fit(**undivided(encoders), output_dir=tmp_path / "one"))
    changes = {"per_device_train_batch_size": 4, "output_dir": str(tmp_path / "two")}
    recipe = save_recipe(tmp_path / "recipe.yaml", settings | undivided(encoders) | changes)
    process = start(["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "finetune", recipe])
    code, printed, said = finish(process)
    assert code == 0, said
    assert printed.count('"dev.jsonl"') == 1  # by one of them
    run = task_json(tmp_path / "two")["run"]
    assert run["batch"] == 8 and run["steps"] == 3  # 4 rows x 2 processes
    start_weights = load_file(one / "head.safetensors")
    for name in WEIGHTS:
        single, double = load_file(one / name), load_file(tmp_path / "two" / name)
        for key, weight in single.items():
            torch.testing.assert_close(double[key], weight, rtol=0, atol=1e-6)
    assert (start_weights["match.bias"] + 5).abs() > 1e-3  # it did move: a wrong factor would be seen


# Interruptions


def test_a_run_killed_in_its_middle_ends_at_the_weights_of_one_that_was_not(settings: Flags, tmp_path: Path) -> None:
    settings = settings | {"max_steps": 40, "eval_steps": 10, "save_steps": 10}
    whole = start(["-m", "finetune", *flags(settings | {"output_dir": tmp_path / "whole"})])
    broken = start(["-m", "finetune", *flags(settings | {"output_dir": tmp_path / "broken"})])
    while broken.poll() is None and not (tmp_path / "broken" / "checkpoint-20").exists():
        time.sleep(0.001)
    broken.kill()
    assert finish(broken)[0] == -signal.SIGKILL
    assert not (tmp_path / "broken" / "task.json").exists()
    resumed = start(["-m", "finetune", *flags(settings | {"output_dir": tmp_path / "broken", "resume_from_checkpoint": "true"})])
    for process in (whole, resumed):
        code, _, said = finish(process)
        assert code == 0, said
    assert same_weights(tmp_path / "whole", tmp_path / "broken")
    assert task_json(tmp_path / "whole")["calibration"] == task_json(tmp_path / "broken")["calibration"]
    assert task_json(tmp_path / "whole")["scores"] == task_json(tmp_path / "broken")["scores"]


@pytest.mark.parametrize("method", ["lora", "head", "full"])
def test_resuming_from_a_named_checkpoint_ends_at_the_same_weights(method: str, fit: Fit, tmp_path: Path) -> None:
    whole = out_of(fit(method=method, save_total_limit=5, output_dir=tmp_path / "whole"))
    resumed = fit(method=method, output_dir=tmp_path / "resumed", resume_from_checkpoint=whole / "checkpoint-2")
    assert resumed.state.global_step == 6
    assert same_weights(whole, out_of(resumed))


def test_resuming_skips_a_checkpoint_that_was_cut_off_in_writing(fit: Fit, tmp_path: Path) -> None:
    whole = out_of(fit(save_total_limit=5, output_dir=tmp_path / "whole"))
    broken = tmp_path / "broken"
    shutil.copytree(whole / "checkpoint-2", broken / "checkpoint-2")
    shutil.copytree(whole / "checkpoint-4", broken / "checkpoint-4")
    (broken / "checkpoint-4" / "trainer_state.json").unlink()
    (broken / "checkpoint-4" / "optimizer.pt").write_bytes(b"half")
    assert same_weights(whole, out_of(fit(output_dir=broken, resume_from_checkpoint="true")))


def test_resuming_where_there_is_nothing_yet_starts_from_the_beginning(fit: Fit, tmp_path: Path) -> None:
    assert fit(output_dir=tmp_path / "new", resume_from_checkpoint="true").state.global_step == 6


# Choosing: evaluation, early stopping, the best checkpoint, calibration


def scripted(monkeypatch: pytest.MonkeyPatch, *values: float) -> None:
    """Evaluations that come out as ``values``, whatever the model does."""
    rest = iter(values)
    monkeypatch.setattr(Training, "evaluate", lambda self, validation: {"f1": next(rest)})


def test_the_best_checkpoint_is_the_one_that_is_kept(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, 0.1, 0.9, 0.2)
    trainer = fit(save_total_limit=5)
    assert trainer.state.best_global_step == 4
    assert same_weights(out_of(trainer) / "checkpoint-4", out_of(trainer))
    assert not same_weights(out_of(trainer) / "checkpoint-6", out_of(trainer))


def test_early_stopping_stops(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, 0.9, 0.1, 0.1)
    trainer = fit(early_stopping_patience=1)
    assert trainer.state.global_step == 4
    assert trainer.state.best_global_step == 2


def test_only_so_many_checkpoints_stay(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, 0.1, 0.2, 0.3)
    assert [path.name for path in out_of(fit(save_total_limit=1)).glob("checkpoint-*")] == ["checkpoint-6"]


def test_calibration_scores_and_run_land_in_the_adapter(fit: Fit) -> None:
    data = task_json(out_of(fit(learning_rate=5e-3)))
    assert data["default"] == "few"
    assert set(data["calibration"]) == {"few", "custom"}
    for each in data["calibration"].values():
        assert 0 <= each["threshold"] <= 1 and each["temperature"] > 0
    assert data["run"]["train_rows"] == {"train.jsonl": 24}
    assert {"f1", "identification_f1", "ece"} <= set(data["scores"]["dev.jsonl"])


def test_held_out_types_are_no_default_labels_are_reported_and_leave_the_calibration(fit: Fit, files: dict[str, str]) -> None:
    trainer = fit(hold_out_types=3)
    data = task_json(out_of(trainer))
    known = set(json.loads(Path(files["labels.json"]).read_text(encoding="utf-8"))["few"])
    held_out = known - set(data["label_sets"]["few"])
    assert len(held_out) == 3
    targets = {name for feature in trainer.training.dataset for _, name in feature["targets"]}
    assert targets and not targets & held_out
    assert set(data["calibration"]) == {"few", "custom"}
    assert any("3 unseen types" in source for source in data["scores"])


def test_types_that_only_the_development_rows_have_do_not_lose_the_calibration(fit: Fit, files: dict[str, str], tmp_path: Path) -> None:
    rows = read_rows(files["dev.jsonl"])
    rows[0]["events"][0]["type"] = "Something_else"
    trainer = fit(label_file=None, validation_file=save_rows(tmp_path / "dev.jsonl", rows))
    assert set(task_json(out_of(trainer))["calibration"]) == {"train", "custom"}


def test_without_development_rows_the_last_weights_are_kept(fit: Fit) -> None:
    changes = {"validation_file": None, "eval_strategy": "no", "load_best_model_at_end": "false"}
    data = task_json(out_of(fit(**changes)))
    assert data["scores"] == {} and data["calibration"] == {}


# The other flags of Hugging Face


def test_bf16_on_a_cpu(fit: Fit) -> None:
    trainer = fit(bf16=True)
    assert trainer.accelerator.mixed_precision == "bf16"
    assert next(trainer.training.model.head.parameters()).dtype == torch.float32
    assert task_json(out_of(trainer))["run"]["bf16"] is True


def test_report_to_gets_losses_and_scores(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers.integrations import integration_utils

    logged: set[str] = set()

    class Diary(TrainerCallback):
        def on_log(self, *arguments: Any, logs: Any = None, **options: Any) -> None:
            logged.update(logs)

    monkeypatch.setitem(integration_utils.INTEGRATION_TO_CALLBACK, "diary", Diary)
    fit(report_to="diary")
    assert {"loss", "grad_norm", "eval_f1"} <= logged


def test_report_to_what_is_not_installed_is_one_sentence(settings: Flags, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(flags(settings | {"report_to": "comet_ml"})) == 2
    said = capsys.readouterr().err
    assert "comet" in said.lower() and len(said.strip().splitlines()) == 1


class Hub:
    """The Hub's two calls; keeps what was uploaded, and the files' content."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import huggingface_hub

        self.commits: list[dict[str, bytes]] = []
        monkeypatch.setattr(huggingface_hub.HfApi, "create_repo", self._create)
        monkeypatch.setattr(huggingface_hub.HfApi, "upload_folder", self._upload)

    def _create(self, repo_id: str, **options: Any) -> Any:
        return type("Url", (), {"repo_id": f"me/{repo_id}"})()

    def _upload(self, *, repo_id: str, folder_path: Any, allow_patterns: Any = None, ignore_patterns: Any = None, **options: Any) -> None:
        from huggingface_hub.utils import filter_repo_objects

        assert repo_id == "me/mine"
        names = [str(path.relative_to(folder_path)) for path in Path(folder_path).rglob("*") if path.is_file()]
        chosen = filter_repo_objects(names, allow_patterns=allow_patterns, ignore_patterns=ignore_patterns)
        self.commits.append({name: (Path(folder_path) / name).read_bytes() for name in chosen})


ADAPTER = {"README.md", "adapter_config.json", "task.json", "lexicon.json", *WEIGHTS}


def test_push_to_hub_uploads_the_adapter_with_its_card_and_no_pickle(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(monkeypatch)
    fit(push_to_hub=True, hub_model_id="mine")
    (commit,) = hub.commits
    assert set(commit) == ADAPTER
    assert json.loads(commit["task.json"])["scores"]["dev.jsonl"]
    assert b"| dev.jsonl |" in commit["README.md"]


def test_push_at_every_save_uploads_no_pickle_either(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(monkeypatch)
    fit(push_to_hub=True, hub_model_id="mine", hub_strategy="every_save")
    assert len(hub.commits) == 4
    assert all(set(commit) == ADAPTER - {"README.md"} for commit in hub.commits[:3])
    assert set(hub.commits[3]) == ADAPTER


def test_push_to_hub_without_a_login_is_one_sentence(
    settings: Flags, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import huggingface_hub

    def refuse(*arguments: Any, **options: Any) -> None:
        raise huggingface_hub.errors.LocalTokenNotFoundError("Token is required")

    monkeypatch.setattr(huggingface_hub.HfApi, "create_repo", refuse)
    assert main(flags(settings | {"push_to_hub": True, "hub_model_id": "mine"})) == 2
    said = capsys.readouterr().err
    assert "hf auth login" in said and len(said.strip().splitlines()) == 1


# Rows


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


def test_texts_of_a_csv_file_stay_texts(tmp_path: Path) -> None:
    """A cell that looks like JSON, a number or nothing is what its column is."""
    said = ["[1]", "NA", "null", '{"a": 1}', "A flood."]
    with open(tmp_path / "rows.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "events"])
        writer.writerows([text, "[]"] for text in said)
    assert read_rows(str(tmp_path / "rows.csv")) == [{"text": text, "events": []} for text in said]


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
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"text": "A"\n', "Line 1 of .* is not JSON"),
        ("a.jsonl", b"[1]\n", "Line 1 of .* is not a JSON object"),
        ("a.jsonl", b"\xff\xfe", "is not UTF-8"),
        ("a.docx", b"PK", "is no JSONL, CSV or Parquet file"),
        ("a.parquet", b"nothing", "can't be read as PARQUET"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_one_sentence(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError, match=message):
        read_rows(str(tmp_path / name))


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


# Cards, evaluation, export


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


@pytest.mark.parametrize("method", ["lora", "head", "full"])
def test_an_export_in_half_precision_loads_and_holds_only_the_adapter(
    method: str, fit: Fit, encoders: dict[str, str], files: dict[str, str], tmp_path: Path
) -> None:
    folder = out_of(fit(method=method, learning_rate=5e-3))
    small = tmp_path / "small"
    assert export(flags({"adapter": folder, "output_dir": small, "dtype": "float16"})) == 0
    names = {path.name for path in small.iterdir()}
    lora = {"adapter_config.json", WEIGHTS[0]}
    assert names == {"lora": ADAPTER, "head": ADAPTER - lora, "full": ADAPTER - lora | {"encoder"}}[method]
    for path in small.rglob("*.safetensors"):
        assert {weight.dtype for weight in load_file(path).values()} == {torch.float16}
    whole, half = (pipeline("event-detection", encoders["tiny"], str(each), device="cpu") for each in (folder, small))
    for one, other in zip(*(each(texts(files["dev.jsonl"]), threshold=0.0) for each in (whole, half)), strict=True):
        assert [event.score for event in one.events] == pytest.approx([event.score for event in other.events], abs=0.01)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_merged_export_is_a_plain_encoder(method: str, fit: Fit, files: dict[str, str], tmp_path: Path) -> None:
    trainer = fit(method=method, learning_rate=5e-3)
    assert export(flags({"adapter": out_of(trainer), "output_dir": tmp_path / "merged", "merge": True})) == 0
    assert not list((tmp_path / "merged").glob("*.bin"))
    plain = AutoModel.from_pretrained(tmp_path / "merged").eval()
    batch = AutoTokenizer.from_pretrained(tmp_path / "merged")(texts(files["dev.jsonl"]), padding=True, return_tensors="pt")
    inputs = {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"]}
    live = trainer.training.model.encoder.eval()
    with torch.inference_mode():
        torch.testing.assert_close(plain(**inputs).last_hidden_state, live(**inputs).last_hidden_state, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"adapter": "nowhere"}, "Give --adapter, the folder of a trained adapter"),
        ({"dtype": "int4"}, "--dtype must be one of float32, float16"),
        ({}, "holds no task.json"),
    ],
)
def test_wrong_use_of_export_is_one_sentence(changes: Flags, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert export(flags({"adapter": tmp_path / "empty", "output_dir": tmp_path / "out"} | changes)) == 2
    said = capsys.readouterr().err.strip()
    assert message in said and len(said.splitlines()) == 1


# The recipes of what is shipped


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
        if (folder / "adapter_config.json").exists():
            assert folder in made
            assert sum(path.stat().st_size for path in folder.rglob("*")) < 8e6
            assert load_lora is not None
