"""Training of question answering over a tiny encoder: the loss falls, and what is saved is what is loaded."""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import get_peft_model

from finetune.__main__ import main
from tasks import pipeline
from tasks.core.adapters import lora_config
from tasks.core.encoder import Encoder
from tasks.core.errors import AdapterError, InputError
from tasks.question_answering import evaluation
from tasks.question_answering.decode import ANSWER, NONE, Read, Settings
from tasks.question_answering.task import QuestionAnswering
from tasks.question_answering.training import Options, Training

Row = dict[str, Any]
PLACES, NAMES = ["school", "town", "vote", "flood"], ["Ada", "Kofi", "Efua", "Osei"]

pytestmark = pytest.mark.filterwarnings("ignore:.*pin_memory.*:UserWarning")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Same thread count, same weights (HANDBOOK)."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def answers(context: str, *texts: str) -> Row:
    return {"text": list(texts), "answer_start": [context.index(text) for text in texts]}


def made_rows(count: int, seed: int = 0) -> list[Row]:
    """Questions where someone was, of which every fifth has no answer."""
    draw, rows = random.Random(seed), []
    for number in range(count):
        places, names = draw.sample(PLACES, 2), draw.sample(NAMES, 2)
        context = f"In the {places[0]} was {names[0]} {number}. In the {places[1]} was {names[1]}."
        row = {"id": str(number), "title": f"Title {number % 2}", "context": context, "question": f"Where was {names[number % 2]}?"}
        rows.append(row | {"answers": answers(context, *([places[number % 2]] if number % 5 else []))})
    return rows


ROWS, DEV = made_rows(25), made_rows(15, seed=1)
SILENT = sum(not row["answers"]["text"] for row in ROWS)
TRAIN, VALIDATION = [("train.jsonl", ROWS)], [("dev.jsonl", DEV)]


def training_of(encoder: Encoder, method: str = "lora", seed: int = 0, rows: list[Row] = ROWS, **options: Any) -> Training:
    """A run over rows that is yet to begin; without dropout."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network: Any = copy.deepcopy(encoder.model)
        if method == "lora":
            network = get_peft_model(network, lora_config(4, 8, 0.0))
        elif method == "full":
            network.requires_grad_(True)
        return Training(encoder, network, Options(head_dropout=0.0, **options), [("train.jsonl", rows)], seed)


def train(training: Training, steps: int) -> list[float]:
    """The loss of all rows at each step."""
    training.model.eval()  # no dropout of the encoder either
    optimizer = torch.optim.AdamW([weight for weight in training.model.parameters() if weight.requires_grad], 1e-2)
    losses, batch = [], training.collate(training.dataset)
    for _ in range(steps):
        loss = training.model(**batch)["loss"]
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses


@pytest.fixture(scope="module")
def trained(encoder: Encoder) -> Training:
    """A short run with LoRA, calibrated."""
    torch.set_num_threads(1)
    training = training_of(encoder)
    train(training, 30)
    training.calibrate(VALIDATION)
    return training


# The run


@pytest.mark.parametrize("method", ["lora", "head", "full"])
def test_a_few_steps_lower_the_loss(encoder: Encoder, method: str) -> None:
    training = training_of(encoder, method)
    losses = train(training, 12)
    assert losses[-1] < losses[0] * 0.9 and all(map(math.isfinite, losses))


def test_the_default_kinds_of_encoder_learn(any_encoder: Encoder) -> None:
    training = training_of(any_encoder)
    losses = train(training, 8)
    assert losses[-1] < losses[0] * 0.95
    missing = [name for name, weight in training.model.named_parameters() if weight.requires_grad and weight.grad is None]
    assert missing == []


def test_what_was_learnt_is_answered(encoder: Encoder) -> None:
    rows = ROWS[1:5]  # with answers
    training = training_of(encoder, "full", rows=rows, other_share=0.0, swapped_share=0.0)
    train(training, 40)
    read = training.reader()([row["question"] for row in rows], [row["context"] for row in rows])
    told = [row["context"][each.spans[0].start : each.spans[0].end] for row, each in zip(rows, read, strict=True)]
    assert [[text] for text in told] == [row["answers"]["text"] for row in rows]


def test_the_same_seed_trains_the_same(encoder: Encoder) -> None:
    one, two, other = (train(training_of(encoder, seed=seed), 3) for seed in (0, 0, 1))
    assert one == two != other


def test_questions_without_an_answer_are_added(encoder: Encoder) -> None:
    def silent(**shares: float) -> int:
        dataset = training_of(encoder, **shares).dataset
        found = sum(feature["spans"] == [(0, 0)] for feature in dataset)
        assert len(dataset) - found == len(ROWS) - SILENT  # each row is one window
        return found - SILENT

    assert silent(other_share=0.0, swapped_share=0.0) == 0
    other, swapped = silent(other_share=1.0, swapped_share=0.0), silent(other_share=0.0, swapped_share=1.0)
    assert 0 < other <= len(ROWS) - SILENT and 0 < swapped <= len(ROWS) - SILENT
    assert silent(other_share=1.0, swapped_share=1.0) == other + swapped
    assert 0 < silent() < other + swapped


@pytest.mark.parametrize("share", [-0.1, 1.5, math.nan])
@pytest.mark.parametrize("name", ["other_share", "swapped_share"])
def test_options_that_are_no_share_are_refused(name: str, share: float) -> None:
    with pytest.raises(InputError, match=f"--{name} must be a share from 0 to 1, not {share}"):
        Options(**{name: share})
    assert Options(**{name: 0.0}) != Options(**{name: 1.0})


def test_rows_that_can_not_be_learnt_from_are_refused(encoder: Encoder) -> None:
    network: Any = encoder.model
    with pytest.raises(InputError, match="The training files hold no rows with a question and a context"):
        Training(encoder, network, Options(), [("a.jsonl", [ROWS[1] | {"context": " ", "answers": answers("")}])], 0)
    with pytest.raises(InputError, match=r"Row 2 of b\.jsonl has the answer 'Nobody', which is not where it says"):
        wrong = ROWS[1] | {"answers": {"text": ["Nobody"], "answer_start": [0]}}
        Training(encoder, network, Options(), [*TRAIN, ("b.jsonl", [ROWS[0], wrong])], 0)


# What is saved


def reads(reader: Any) -> list[Read]:
    found: list[Read] = reader([row["question"] for row in DEV], [row["context"] for row in DEV])
    return found


@pytest.mark.parametrize("method", ["lora", "head", "full"])
def test_an_adapter_that_is_loaded_answers_as_it_was_trained(encoder: Encoder, bert: Path, tmp_path: Path, method: str) -> None:
    training = training_of(encoder, method)
    train(training, 6)
    training.calibrate(VALIDATION)
    training.save(tmp_path, method, {"note": "of the run"})
    loaded = pipeline("question-answering", model=str(bert), adapter=str(tmp_path), device="cpu")
    assert isinstance(loaded, QuestionAnswering) and loaded.settings == training.settings != Settings()
    for one, other in zip(reads(loaded.reader), reads(training.reader()), strict=True):
        assert one.none == pytest.approx(other.none, abs=1e-4)
        found, wanted = ({each[:2]: each.margin for each in read.spans} for read in (one, other))
        assert found == pytest.approx(wanted, abs=1e-3)
    about = json.loads((tmp_path / "task.json").read_text())
    assert (about["task"], about["method"], about["note"]) == ("question-answering", method, "of the run")
    assert set(about["calibration"]) >= {ANSWER, NONE} and about["base"]["name"] == str(bert)


def test_an_adapter_is_refused_over_another_encoder(trained: Training, make_model: Callable[..., Path], tmp_path: Path) -> None:
    trained.save(tmp_path, "lora", {})
    with pytest.raises(AdapterError, match="was trained over"):
        pipeline("question-answering", model=str(make_model(seed=5)), adapter=str(tmp_path))
    (tmp_path / "head.safetensors").unlink()
    with pytest.raises(AdapterError, match=r"head\.safetensors is missing"):
        pipeline("question-answering", adapter=str(tmp_path))


def test_the_head_of_a_checkpoint_is_restored(encoder: Encoder, trained: Training, tmp_path: Path) -> None:
    trained.save(tmp_path, "lora", {})
    other = training_of(encoder, seed=7)
    weights = [copy.deepcopy(each.model.head.state_dict()) for each in (trained, other)]
    assert not torch.equal(weights[0]["ends.weight"], weights[1]["ends.weight"])
    other.restore_head(tmp_path)
    assert all(torch.equal(weight, weights[0][name]) for name, weight in other.model.head.state_dict().items())


def test_a_run_from_the_command_line(bert: Path, tmp_path: Path) -> None:
    files = {}
    for name, rows in (("train.jsonl", ROWS[:12]), ("dev.jsonl", DEV[:6])):
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        files[name] = str(tmp_path / name)
    given = ["--task", "question-answering", "--model", str(bert), "--output_dir", str(tmp_path / "out"), "--swapped_share", "0.5"]
    given += ["--train_file", files["train.jsonl"], "--validation_file", files["dev.jsonl"], "--max_steps", "2", "--lora_rank", "2"]
    given += ["--use_cpu", "True", "--disable_tqdm", "True", "--eval_strategy", "no", "--load_best_model_at_end", "False"]
    assert main(given) == 0
    about = json.loads((tmp_path / "out" / "task.json").read_text())
    assert set(about["scores"]["dev.jsonl"]) >= {"answerable_exact", "answerable_f1", "exact", "f1", "ece", "no_answer_own"}
    loaded = pipeline("question-answering", model=str(bert), adapter=str(tmp_path / "out"))
    assert [len(read.spans) > 1 for read in reads(loaded.reader)] == [True] * len(DEV)


def test_a_file_is_tested_with_questions_made_without_an_answer(trained: Training, bert: Path, tmp_path: Path) -> None:
    tested = evaluation.test_rows(DEV)
    assert tested[: len(DEV)] == DEV and evaluation.test_rows(DEV) == tested
    assert {str(row["id"]).rpartition("-")[2] for row in tested[len(DEV) :]} == {"other", "swapped"}
    trained.save(tmp_path, "lora", {})
    figures = evaluation.scores(pipeline("question-answering", model=str(bert), adapter=str(tmp_path), device="cpu"), DEV)
    named = {"exact", "f1", "answerable_exact", "answerable_f1", "no_answer_own", "no_answer_other", "no_answer_swapped", "ece"}
    assert all(0 <= figures[name] <= 1 for name in named)
    final = trained.final_scores(VALIDATION)["dev.jsonl"]
    assert final == pytest.approx({name: figures[name] for name in final}, abs=1e-3)
    metrics = trained.evaluate(VALIDATION)
    assert metrics == {"score": pytest.approx(figures["f1"], abs=1e-3), "dev": pytest.approx(figures["f1"], abs=1e-3)}
