"""Training of opinion analysis from flags to an adapter, and on from one, over a tiny encoder and the project's own rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import get_peft_model_state_dict
from safetensors.torch import load_file
from transformers import AutoTokenizer, BertConfig, BertModel

import finetune.train
from finetune.__main__ import main
from finetune.evaluate import main as evaluate
from finetune.train import TaskTrainer
from tasks import pipeline
from tasks.core.encoder import default_folder
from tasks.core.files import read_rows
from tasks.opinion_analysis.types import OpinionResult
from tests.finetuning import MARKS, Gradients, same_weights, save_rows, task_json

SAMPLE = Path(__file__).parent.parent / "tasks" / "opinion_analysis" / "sample"
Flags = dict[str, Any]
Fit = Callable[..., TaskTrainer]
BLIND: Flags = {"eval_strategy": "no", "load_best_model_at_end": False, "validation_file": None}

pytestmark = MARKS


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Folders of three tiny encoders without dropout over the default's tokenizer: two of one shape, one of another."""
    folders = []
    for seed, width in ((3, 32), (4, 32), (3, 48)):
        folder = tmp_path_factory.mktemp("model")
        tokenizer = AutoTokenizer.from_pretrained(default_folder())
        size: Any = {"hidden_size": width, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
        still: Any = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "initializer_range": 0.2}
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            BertModel(BertConfig(vocab_size=len(tokenizer), max_position_embeddings=128, **size, **still)).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        folders.append(str(folder))
    return folders


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Rows of the sample: ``train`` with texts on two proposals and reviews, ``dev`` with these and whole texts' polarities;
    ``targets`` with what is felt about targets, and no expressions; ``behaviour``."""
    folder, rows = tmp_path_factory.mktemp("rows"), read_rows(str(SAMPLE / "train.jsonl"))
    reviews = [row for row in rows if "opinions" in row]
    sides = [row for row in rows if "stance" in row]
    first = [row for row in sides if row["target"] == sides[0]["target"]][:10]
    other = [row for row in sides if row["target"] != sides[0]["target"]][:10]
    whole = [{"text": row["text"], "polarity": row["polarity"]} for row in reviews[60:80]]
    targets = [row | {"opinions": [each | {"expression": None} for each in row["opinions"] if each["target"]]} for row in reviews[:30]]
    for row in targets:
        del row["polarity"]
    made = {"train": first + other + reviews[:24] + whole, "dev": first[:6] + other[:6] + reviews[24:40] + whole[:9], "targets": targets}
    made["behaviour"] = read_rows(str(SAMPLE / "behaviour.jsonl"))[::12]
    return {name: save_rows(folder / f"{name}.jsonl", each) for name, each in made.items()}


@pytest.fixture
def fit(monkeypatch: pytest.MonkeyPatch, models: list[str], files: dict[str, str], tmp_path: Path) -> Fit:
    """A run of four steps with ``changes`` to its settings; the trainer as it is afterwards, its first weights in ``begun``."""
    trainers: list[Any] = []

    class Kept(TaskTrainer):
        def train(self, **options: Any) -> Any:
            model: Any = self.training.model
            lora = get_peft_model_state_dict(model.encoder) if self.method == "lora" else {}
            self.begun = {name: weight.clone() for name, weight in (lora | model.head.state_dict()).items()}
            trainers.append(self)
            return super().train(**options)

    monkeypatch.setattr(finetune.train, "TaskTrainer", Kept)

    def run(**changes: Any) -> TaskTrainer:
        assert main(flags(models, files, tmp_path / "out", **changes)) == 0
        made: TaskTrainer = trainers[-1]
        return made

    return run


def flags(models: list[str], files: dict[str, str], out: Path, **changes: Any) -> list[str]:
    """The settings of a run, with ``changes``; None leaves one out."""
    settings: Flags = {"task": "opinion-analysis", "model": models[0], "train_file": [files["train"], files["targets"]]}
    settings |= {"validation_file": [files["dev"], files["targets"]], "output_dir": out, "lora_rank": 4, "per_device_train_batch_size": 8}
    settings |= {"max_steps": 4, "eval_strategy": "steps", "eval_steps": 2, "save_steps": 2, "save_strategy": "steps", "logging_steps": 1}
    settings |= {"learning_rate": 5e-3, "disable_tqdm": True, "use_cpu": True}
    return given({name: value for name, value in (settings | changes).items() if value is not None})


def given(settings: Flags) -> list[str]:
    """``--name value ...`` of each setting."""
    return [str(word) for name, value in settings.items() for word in (f"--{name}", *(value if isinstance(value, list) else [value]))]


def out_of(trainer: TaskTrainer) -> Path:
    return Path(str(trainer.args.output_dir))


def texts(path: str) -> list[str]:
    return [row["text"] for row in read_rows(path)]


def assert_same(one: list[OpinionResult], other: list[OpinionResult]) -> None:
    for a, b in zip(one, other, strict=True):
        assert [(o.target, o.expression, o.polarity) for o in a.opinions] == [(o.target, o.expression, o.polarity) for o in b.opinions]
        assert [o.score for o in a.opinions] == pytest.approx([o.score for o in b.opinions], abs=1e-4)
        assert a.polarity.scores == pytest.approx(b.polarity.scores, abs=1e-4)
        assert a.stance and b.stance and a.stance.scores == pytest.approx(b.stance.scores, abs=1e-4)


# One run


def test_a_run_over_rows_of_all_kinds_is_saved_as_it_was_trained(fit: Fit, models: list[str], files: dict[str, str]) -> None:
    trainer = fit()
    live = trainer.training.pipeline()
    live.scores = trainer.training.scores
    loaded = pipeline("opinion-analysis", model=models[0], adapter=str(out_of(trainer)), device="cpu")
    assert loaded.scores == live.scores
    found, expected = (each(texts(files["dev"])[::3], "We should act", 0.05) for each in (loaded, live))
    assert sum(len(result.opinions) for result in expected) > 20
    assert_same(found, expected)
    moved = [name for name, weight in trainer.training.model.head.state_dict().items() if not torch.equal(weight, trainer.begun[name])]
    assert {name.split(".")[0] for name in moved} == {"pairs", "unnamed", "signs", "polarity", "stance"}
    data = task_json(out_of(trainer))
    figures = {"f1", "precision", "recall", "ece", *(f"{a}_{b}" for a in ("polarity", "stance") for b in ("accuracy", "macro_f1", "ece"))}
    assert set(data["scores"]) == {"dev.jsonl", "targets.jsonl"} and set(data["scores"]["dev.jsonl"]) == figures
    assert set(data["scores"]["targets.jsonl"]) == {"target_accuracy", "target_macro_f1"}
    assert data["run"]["train_rows"] == {"train.jsonl": 64, "targets.jsonl": 30} and "started_from" not in data["run"]
    main_figures = [f"eval_{name}" for name in ("dev_stance_macro_f1", "dev_polarity_macro_f1", "dev_f1", "targets_target_accuracy")]
    for entry in (entry for entry in trainer.state.log_history if "eval_score" in entry):
        assert entry["eval_score"] == pytest.approx(sum(entry[name] for name in main_figures) / 4)


def test_fixed_seeds_give_the_same_weights(fit: Fit, tmp_path: Path) -> None:
    one, same, other = (out_of(fit(output_dir=tmp_path / name, seed=seed, **BLIND)) for name, seed in (("a", 5), ("b", 5), ("c", 6)))
    assert same_weights(one, same) and not same_weights(one, other)


def test_few_rows_of_the_whole_sample_are_enough_for_a_look(fit: Fit, tmp_path: Path) -> None:
    sample = {"train_file": SAMPLE / "train.jsonl", "validation_file": SAMPLE / "dev.jsonl"}
    data = task_json(out_of(fit(**sample, max_rows=16, max_steps=2, unrelated=0)))
    assert data["run"]["train_rows"] == {"train.jsonl": 16} and data["scores"]["dev.jsonl"]


def test_texts_on_other_proposals_are_added_as_neutral(fit: Fit) -> None:
    counts = [[int(each["stance"] == 2) for each in fit(**BLIND, max_steps=1, unrelated=share).training.dataset] for share in (0, 0.5)]
    assert len(counts[1]) - len(counts[0]) == sum(counts[1]) - sum(counts[0]) >= 10  # of 20 texts, some in two windows


def test_loss_and_gradients_do_not_change_with_accumulation(
    fit: Fit, files: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plain: Flags = {"lora_dropout": 0, "head_dropout": 0, "train_sampling_strategy": "sequential", "optim": "sgd", "learning_rate": 0.05}
    plain |= {"max_grad_norm": 0, "max_steps": 3, "early_stopping_patience": 1, "validation_file": files["targets"]}
    kept, losses = [], []
    for batch, accumulation in ((16, 1), (4, 4)):
        gradients = Gradients()
        monkeypatch.setattr(finetune.train, "EarlyStoppingCallback", lambda patience, watch=gradients: watch)
        sizes = {"per_device_train_batch_size": batch, "gradient_accumulation_steps": accumulation, "output_dir": tmp_path / str(batch)}
        trainer = fit(**plain, **sizes)
        kept.append(gradients.steps)
        losses.append([entry["loss"] for entry in trainer.state.log_history if "loss" in entry])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    assert len(kept[0]) == len(kept[1]) == 3
    for whole, divided in zip(*kept, strict=True):
        assert whole.keys() == divided.keys() and any("lora_" in name for name in whole)
        for name, gradient in whole.items():
            torch.testing.assert_close(divided[name], gradient, rtol=1e-3, atol=1e-6)


# On from an adapter


@pytest.fixture(scope="module")
def first(models: list[str], files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run."""
    folder = tmp_path_factory.mktemp("runs") / "first"
    assert main(flags(models, files, folder)) == 0
    return folder


def test_a_run_begins_with_the_adapters_weights(fit: Fit, first: Path, tmp_path: Path) -> None:
    trainer = fit(adapter=first, seed=9, output_dir=tmp_path / "second")
    saved = load_file(first / "head.safetensors") | load_file(first / "adapter_model.safetensors")
    assert trainer.begun.keys() == saved.keys()
    assert all(torch.equal(weight, saved[name]) for name, weight in trainer.begun.items())
    assert not same_weights(first, out_of(trainer))
    assert task_json(out_of(trainer))["run"]["started_from"] == "first"
    fresh = fit(**BLIND, seed=9, output_dir=tmp_path / "third")
    assert not all(torch.equal(weight, saved[name]) for name, weight in fresh.begun.items())


def test_a_whole_encoder_goes_on_where_it_was(fit: Fit, models: list[str], files: dict[str, str], tmp_path: Path) -> None:
    first = out_of(fit(method="full", output_dir=tmp_path / "first", max_steps=2))
    still = out_of(fit(method="full", adapter=first, learning_rate=0.0, output_dir=tmp_path / "second", max_steps=2))
    assert same_weights(first / "encoder", still / "encoder") and same_weights(first, still)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lora_rank": 8}, "was made with --lora_rank 4, not 8: go on with the same"),
        ({"lora_alpha": 32}, "was made with --lora_alpha 8, not 32: go on with the same"),
        ({"method": "head"}, "was made with --method lora: go on with the same"),
        ({"method": "full"}, "was made with --method lora: go on with the same"),
        ({"model": 1}, "was trained over"),
        ({"model": 2}, "was trained over"),
        ({"adapter": "storms"}, "There is no adapter 'storms'"),
        ({"task": "event-detection"}, "is for opinion-analysis, not for event-detection"),
    ],
    ids=str,
)
def test_an_adapter_that_does_not_fit_is_refused_in_one_sentence(
    changes: Flags, message: str, first: Path, models: list[str], files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = {"adapter": first} | changes
    if "model" in changes:
        changes["model"] = models[changes["model"]]
    if "task" in changes:
        event = {"type": "Fall", "trigger": {"start": 0, "end": 3, "text": "was"}, "arguments": []}
        (tmp_path / "labels.json").write_text(json.dumps({"a": {"Fall": "it falls"}}), encoding="utf-8")
        path = save_rows(tmp_path / "events.jsonl", [{"text": "was", "events": [event]}])
        changes |= {"train_file": path, "validation_file": path, "label_file": tmp_path / "labels.json"}
    capsys.readouterr()
    assert main(flags(models, files, tmp_path / "out", **changes)) == 2
    said = capsys.readouterr().err.strip()
    assert message in said and len(said.splitlines()) == 1


def test_a_whole_encoder_of_another_shape_is_refused_in_one_sentence(
    fit: Fit, models: list[str], files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = out_of(fit(method="full", output_dir=tmp_path / "first", max_steps=2))
    config = BertConfig.from_pretrained(models[0], num_hidden_layers=3)
    BertModel(config).save_pretrained(tmp_path / "deeper")
    AutoTokenizer.from_pretrained(default_folder()).save_pretrained(tmp_path / "deeper")
    capsys.readouterr()
    changes = {"method": "full", "adapter": first}
    for model, message in ((tmp_path / "deeper", "does not fit"), (models[2], "does not fit")):
        assert main(flags(models, files, tmp_path / "out", **changes, model=model)) == 2
        said = capsys.readouterr().err.strip()
        assert message in said and len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unrelated": 1.5}, "--unrelated must be a share from 0 to 1, not 1.5"),
        ({"train_file": "blank"}, "The training files hold no rows with text"),
        ({"train_file": "wrong"}, 'Row 1 of {} needs "opinions", "polarity" or "stance"'),
        ({"validation_file": "behaviour"}, "hold nothing to choose by"),
    ],
    ids=str,
)
def test_wrong_use_is_one_sentence(
    changes: Flags, message: str, models: list[str], files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = files | {"blank": save_rows(tmp_path / "blank.jsonl", [{"text": " ", "polarity": "neutral"}])}
    known["wrong"] = save_rows(tmp_path / "wrong.jsonl", [{"text": "a"}])
    changes = {name: known.get(value, value) for name, value in changes.items()}
    assert main(flags(models, files, tmp_path / "out", **changes)) == 2
    said = capsys.readouterr().err.strip()
    assert message.format(changes.get("train_file")) in said and len(said.splitlines()) == 1


def test_a_run_is_scored_beside_its_baselines(
    first: Path, models: list[str], files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = {"task": "opinion-analysis", "model": models[0], "adapter": first, "output_file": tmp_path / "scores.json"}
    sources = {"validation_file": [files["dev"], files["targets"]], "train_file": [files["train"], files["targets"]]}
    assert evaluate(given(line | sources)) == 0
    scores = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    for name, figures in task_json(first)["scores"].items():
        assert scores[name] == pytest.approx(figures, abs=1e-6)
    assert set(scores) - {"dev.jsonl", "targets.jsonl"} == {"dev.jsonl, TF-IDF, known words", "targets.jsonl, commonest polarity"}
    assert {"f1", "stance_macro_f1", "polarity_macro_f1"} <= set(scores["dev.jsonl, TF-IDF, known words"])
    assert evaluate(given(line | {"validation_file": files["behaviour"]})) == 0
    assert "negation" in capsys.readouterr().out
