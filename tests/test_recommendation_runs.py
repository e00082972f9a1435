"""Runs of the recommender through the commands: each method, checkpoints, another catalogue, and scores beside the baselines."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import finetune.train
from finetune.evaluate import main as evaluate
from finetune.train import restore
from tasks import pipeline
from tasks.core.adapters import NEEDED
from tasks.core.encoder import Encoder
from tasks.core.errors import AdapterError
from tasks.recommendation.scoring import Weights
from tasks.recommendation.stock import item_vectors
from tasks.recommendation.store import quiet
from tasks.recommendation.training import Training
from tests.catalogues import ITEMS, KINDS, SIZE, rated, shake_head
from tests.finetuning import MARKS, REPO, Fit, Flags, Gradients, flags, out_of, same_weights, task_json

pytestmark = MARKS
Make = Callable[..., Training]
METHODS = ["head", "lora", "full"]
ALBUMS_DEV = REPO / "tasks" / "recommendation" / "sample" / "dev.jsonl"
VALIDATION = [("dev.jsonl", rated(9, seed=1))]


@pytest.mark.parametrize("method", METHODS)
def test_a_run_is_saved_with_its_scores_and_loaded_as_it_was_trained(
    method: str, fit_recommender: Fit, encoders: dict[str, str], shelf: dict[str, str]
) -> None:
    trainer = fit_recommender(method=method, negatives=4 if method == "lora" else 64)
    folder = out_of(trainer)
    assert all((folder / name).exists() for name in (*NEEDED[method], "head.safetensors", "task.json", "README.md"))
    about = task_json(folder)
    assert (about["task"], about["method"], about["shape"]) == ("recommendation", method, {"hidden": 16, "layers": 1})
    assert about["run"]["train_rows"] == {"train.jsonl": len(rated(24))}
    figures = about["scores"]["dev.jsonl"]
    assert set(figures) >= {"ndcg_at_10", "recall_at_10", "coverage", "mean_popularity", "texts_alone_ndcg_at_10", "ece"}
    assert "| dev.jsonl |" in (folder / "README.md").read_text(encoding="utf-8")
    loaded = pipeline("recommendation", encoders["tiny"], str(folder), device="cpu", items=ITEMS, ratings=shelf["train.jsonl"])
    live = trainer.training._stock.scorer
    assert loaded.stock.scorer.weights == live.weights == Weights.of(about) != Weights()
    torch.testing.assert_close(loaded.stock.scorer.vectors.float(), live.vectors.float(), rtol=0, atol=2e-3)
    assert loaded.stock.scorer.head.familiar == pytest.approx(1, abs=1e-4)
    assert not any(weight.requires_grad for weight in loaded.stock.scorer.head.parameters())


@pytest.mark.parametrize("method", METHODS)
def test_weights_are_restored_bit_for_bit(encoder: Encoder, make_training: Make, tmp_path: Path, method: str) -> None:
    one, other = make_training(encoder, method), make_training(encoder, method, seed=7)
    shake_head(one.model.head)
    for name, weight in one.model.encoder.named_parameters():
        if "lora_B" in name or (method == "full" and "query" in name):
            torch.nn.init.normal_(weight.data, std=0.1)
    one.save(tmp_path, method, {})
    differing = [name for name, weight in one.model.state_dict().items() if not torch.equal(weight, other.model.state_dict()[name])]
    assert differing
    restore(other, tmp_path)
    assert all(torch.equal(weight, other.model.state_dict()[name]) for name, weight in one.model.state_dict().items())
    one.calibrate(VALIDATION)
    other.calibrate(VALIDATION)
    assert one.weights == other.weights and one.final_scores(VALIDATION) == other.final_scores(VALIDATION)


@pytest.mark.parametrize("method", METHODS)
def test_resuming_from_a_checkpoint_ends_at_the_same_weights(method: str, fit_recommender: Fit, tmp_path: Path) -> None:
    last = {"method": method, "negatives": 4, "load_best_model_at_end": False}  # the best may be of before
    whole = fit_recommender(**last, save_total_limit=5, output_dir=tmp_path / "whole")
    at = out_of(whole) / "checkpoint-2"
    resumed = fit_recommender(**last, output_dir=tmp_path / "resumed", resume_from_checkpoint=at)
    assert resumed.state.global_step == 6
    assert same_weights(out_of(whole), out_of(resumed)) and not same_weights(at, out_of(whole))
    assert task_json(out_of(whole))["scores"] == task_json(out_of(resumed))["scores"]


def test_gradients_do_not_change_with_accumulation(fit_recommender: Fit, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With all items as negatives, so that a batch does not decide what is drawn."""
    kept, plain = [], {"head_dropout": 0, "train_sampling_strategy": "sequential", "optim": "sgd", "max_grad_norm": 0, "max_steps": 3}
    for batch, accumulation in ((8, 1), (2, 4)):
        gradients = Gradients()
        monkeypatch.setattr(finetune.train, "EarlyStoppingCallback", lambda patience, watch=gradients: watch)
        divided = {"per_device_train_batch_size": batch, "gradient_accumulation_steps": accumulation, "early_stopping_patience": 1}
        fit_recommender(**plain, **divided, output_dir=tmp_path / str(batch))
        kept.append(gradients.steps)
    assert len(kept[0]) == len(kept[1]) == 3
    for whole, parts in zip(*kept, strict=True):
        assert whole.keys() == parts.keys()
        for name, gradient in whole.items():
            torch.testing.assert_close(parts[name], gradient, rtol=1e-3, atol=1e-6, msg=name)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(fit_recommender: Fit, tmp_path: Path) -> None:
    one, same, other = (out_of(fit_recommender(output_dir=tmp_path / str(n), seed=seed, negatives=4)) for n, seed in enumerate((5, 5, 6)))
    assert same_weights(one, same) and not same_weights(one, other)


def test_a_run_without_development_rows_keeps_the_default_weights(fit_recommender: Fit) -> None:
    trainer = fit_recommender(validation_file=None, eval_strategy="no", save_strategy="no", load_best_model_at_end=False, max_steps=1)
    assert Weights.of(task_json(out_of(trainer))) == Weights()


def test_a_run_with_withheld_items_says_how_many_are_found(fit_recommender: Fit) -> None:
    figures = task_json(out_of(fit_recommender(withhold_items=0.25)))["scores"]["dev.jsonl"]
    assert 0 <= figures["withheld_recall_at_10"] <= 1
    assert figures["withheld_recall_at_10_by_chance"] == pytest.approx(10 / SIZE)


def test_a_run_that_goes_on_with_another_catalogue_takes_its_items_as_they_will_be_read(
    encoder: Encoder, make_training: Make, tmp_path: Path, shelf: dict[str, str]
) -> None:
    """The directions are those of the first run, the middle is the new catalogue's own."""
    first = make_training(encoder)
    shake_head(first.model.head)
    first.save(tmp_path, "head", {})
    rows = [{"user_id": "u", "item_id": f"x{n}", "rating": 4} for n in range(6)]
    then = make_training(encoder, catalogue_file=[shelf["foreign.jsonl"]], train=rows)
    own = then.model.head.projection.mean.clone()
    restore(then, tmp_path)
    projection = then.model.head.projection
    assert torch.equal(projection.axes, first.model.head.projection.axes) and torch.equal(projection.mean, own)
    assert torch.equal(then.model.head.map.weight, first.model.head.map.weight)
    assert then.collate.vectors is not None
    assert torch.equal(then.collate.vectors, item_vectors(then.catalogue.items, then.store, then.model.head, quiet))
    then.save(tmp_path / "then", "head", {})
    loaded = pipeline("recommendation", encoder.name, str(tmp_path / "then"), device="cpu", items=shelf["foreign.jsonl"])
    torch.testing.assert_close(loaded.stock.scorer.vectors.float(), then.collate.vectors.float(), rtol=0, atol=2e-3)


def test_an_adapter_is_refused_over_another_encoder(recommender_adapter: Path, encoders: dict[str, str]) -> None:
    with pytest.raises(AdapterError, match="was trained over"):
        pipeline("recommendation", encoders["tiny"], str(recommender_adapter), items=ITEMS)


# Scores beside the baselines


@pytest.fixture
def asked(bert: Path, recommender_adapter: Path, shelf: dict[str, str]) -> Flags:
    """What the evaluation is called with."""
    given: Flags = {"task": "recommendation", "model": bert, "adapter": recommender_adapter, "device": "cpu"}
    return given | {"catalogue_file": shelf["items.jsonl"], "validation_file": shelf["dev.jsonl"], "train_file": shelf["train.jsonl"]}


def test_evaluate_prints_the_baselines(
    asked: Flags, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "implicit", None)  # where it is installed, ALS is there, too
    assert evaluate(flags(asked | {"output_file": tmp_path / "scores.json"})) == 0
    printed = capsys.readouterr()
    assert printed.err == "ALS is left out: pip install implicit==0.7.3\n"
    scores: dict[str, dict[str, Any]] = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    named = ["dev.jsonl", *(f"dev.jsonl, {name}" for name in ("popularity", "item-kNN", "EASE", "centroid of texts"))]
    assert list(scores) == named and all(f"| {name} |" in printed.out for name in named)
    assert all(set(each) <= set(scores["dev.jsonl"]) and 0 < each["ndcg_at_10"] <= 1 for each in scores.values())
    assert scores["dev.jsonl, item-kNN"]["ndcg_at_10"] > scores["dev.jsonl, popularity"]["ndcg_at_10"]
    assert scores["dev.jsonl, popularity"]["coverage"] < 0.7 < scores["dev.jsonl, item-kNN"]["coverage"] <= 1


def test_evaluate_without_ratings_scores_the_texts_alone(asked: Flags, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = []
    for name, changes in (("with", {}), ("without", {"train_file": None})):
        path = tmp_path / f"{name}.json"
        assert evaluate(flags(asked | changes | {"output_file": path})) == 0
        figures.append(json.loads(path.read_text(encoding="utf-8")))
        capsys.readouterr()
    assert list(figures[1]) == ["dev.jsonl"]
    assert figures[1]["dev.jsonl"]["ndcg_at_10"] == pytest.approx(figures[0]["dev.jsonl"]["texts_alone_ndcg_at_10"])
    assert figures[1]["dev.jsonl"]["mean_popularity"] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"catalogue_file": None}, "Items that are not in the catalogue are rated in 63 of the 63 rows"),
        ({"catalogue_file": None, "validation_file": ALBUMS_DEV}, "The baselines learn from ratings: give --catalogue_file"),
        ({"catalogue_file": "missing.jsonl"}, "'missing.jsonl' can't be read: No such file"),
        ({"task": "event-detection"}, "event-detection is loaded with no 'items': leave it out."),
    ],
)
def test_wrong_use_of_evaluate_is_one_sentence(
    asked: Flags, changes: Flags, message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert evaluate(flags(asked | changes)) == 2
    said = capsys.readouterr().err.strip()
    assert message in said and len(said.splitlines()) == 1


def test_every_kind_has_readers() -> None:
    """Else some of the figures above would say nothing."""
    assert {row["item_id"].split("-")[0] for row in rated(9, seed=1)} == set(KINDS)
