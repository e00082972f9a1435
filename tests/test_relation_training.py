"""Training of relation extraction: both parts from flags to adapters, over a tiny encoder and the project's own rows."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer, BertConfig, BertModel

import finetune.train
from finetune.__main__ import main
from finetune.evaluate import main as evaluate
from finetune.rows import divide
from finetune.train import TaskTrainer
from tasks import pipeline
from tasks.core.encoder import default_folder
from tasks.core.errors import AdapterError, ModelError
from tasks.core.files import read_rows
from tasks.core.metrics import macro_f1
from tasks.relation_extraction import features as feature_module
from tasks.relation_extraction.data import given_entities, gold_relations
from tasks.relation_extraction.task import load
from tests.finetuning import MARKS, Gradients, same_weights, save_rows, task_json
from tests.test_opinion_training import Flags, given, out_of
from tests.test_relation_data import PAIR, TEXT, Row, row

SAMPLE = Path(__file__).parent.parent / "tasks" / "relation_extraction" / "sample"
Fit = Callable[..., TaskTrainer]

pytestmark = MARKS


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a tiny encoder without dropout over the default's tokenizer."""
    folder, tokenizer = tmp_path_factory.mktemp("model"), AutoTokenizer.from_pretrained(default_folder())
    size: Any = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    still: Any = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "initializer_range": 0.2}
    with torch.random.fork_rng():
        torch.manual_seed(3)
        BertModel(BertConfig(vocab_size=len(tokenizer), max_position_embeddings=128, **size, **still)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def chosen(rows: Sequence[Row]) -> list[Row]:
    """The first relation of each row as a row of its own, as FewRel has them; of the six commonest relations."""
    firsts = [(each, each["relations"][0]) for each in rows if each["relations"]]
    common = [name for name, _ in Counter(first["type"] for _, first in firsts).most_common(6)]
    made_of = [(each, first) for each, first in firsts if first["type"] in common]
    ends = [[{"type": None, "mentions": each["entities"][first[end]]["mentions"]} for end in ("head", "tail")] for each, first in made_of]
    return [
        {"text": each["text"], "entities": two, "relations": [{"head": 0, "tail": 1, "type": first["type"]}]}
        for (each, first), two in zip(made_of, ends, strict=True)
    ]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of the sample: ``own``, rows with their own labels; ``one``, rows of one relation; ``behaviour``; ``labels``."""
    folder, rows = tmp_path_factory.mktemp("rows"), read_rows(str(SAMPLE / "train.jsonl"), 400)
    kinds = {"own": rows[:16], "dev": rows[24:32], "one": chosen(rows)[:48], "behaviour": read_rows(str(SAMPLE / "behaviour.jsonl"))[:6]}
    kinds["alone"], kinds["blank"] = [row(TEXT, PAIR[:1])], [{"text": " ", "entities": []}]
    kinds["wrong"] = [row(TEXT, PAIR, (0, 1, "x")), row(TEXT, PAIR, (0, 2, "x"))]
    texts = {name: save_rows(folder / f"{name}.jsonl", each) for name, each in kinds.items()}
    names = sorted({each["relations"][0]["type"] for each in kinds["one"]})
    (folder / "labels.json").write_text(json.dumps({"a": {name: f"what {name} means" for name in names}}), encoding="utf-8")
    (folder / "list.json").write_text(json.dumps({"a": ["x"]}), encoding="utf-8")
    return texts | {"labels": str(folder / "labels.json"), "list": str(folder / "list.json")}


def flags(base: str, files: dict[str, str], out: Path, **changes: Any) -> list[str]:
    """The settings of a run of four steps, with ``changes``; None leaves one out."""
    settings: Flags = {"task": "relation-extraction", "model": base, "train_file": [files["own"], files["one"]]}
    settings |= {"validation_file": [files["dev"], files["behaviour"]], "label_file": files["labels"], "output_dir": out, "lora_rank": 4}
    settings |= {"per_device_train_batch_size": 8, "max_steps": 4, "eval_strategy": "steps", "eval_steps": 2, "save_steps": 2}
    settings |= {"save_strategy": "steps", "logging_steps": 1, "learning_rate": 5e-3, "disable_tqdm": True, "use_cpu": True}
    return given({name: files.get(str(value), value) for name, value in (settings | changes).items() if value is not None})


@pytest.fixture(scope="module")
def fit(base: str, files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fit]:
    """A run with ``changes`` to its settings; the trainer as it is afterwards."""
    trainers: list[TaskTrainer] = []

    class Kept(TaskTrainer):
        def train(self, *arguments: Any, **options: Any) -> Any:
            trainers.append(self)
            return super().train(*arguments, **options)

    def run(**changes: Any) -> TaskTrainer:
        torch.set_num_threads(1)
        assert main(flags(base, files, tmp_path_factory.mktemp("out"), **changes)) == 0
        return trainers[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finetune.train, "TaskTrainer", Kept)
        yield run


@pytest.fixture(scope="module")
def relations(fit: Fit) -> TaskTrainer:
    """A run over rows of both kinds, with three relations left out."""
    return fit(hold_out_types=3)


@pytest.fixture(scope="module")
def entities(fit: Fit, files: dict[str, str]) -> TaskTrainer:
    """A run of the other part."""
    return fit(part="entities", train_file=files["own"], validation_file=files["dev"], label_file=None, lower_cased=0.5)


def texts(path: str) -> list[str]:
    return [each["text"] for each in read_rows(path)]


def test_both_parts_are_saved_as_they_were_trained(base: str, files: dict[str, str], relations: TaskTrainer, entities: TaskTrainer) -> None:
    adapters = {"adapter": str(out_of(relations)), "entity_adapter": str(out_of(entities))}
    loaded = pipeline("relation-extraction", model=base, device="cpu", **adapters)
    rows, training = read_rows(files["dev"]), relations.training
    assert loaded.settings == training.settings and loaded.finder.scores == entities.training.scores
    labels = dict.fromkeys([*list(training.settings.labels)[:3], "something new"], "")
    asked: Any = texts(files["dev"]), [given_entities(each) for each in rows], labels, {}
    for one, other in zip(loaded.scorer(*asked), training.scorer()(*asked), strict=True):
        near = [{each[:3]: each.logit for each in found if each.logit > -5.9} for found in (one, other)]
        assert near[0].keys() == near[1].keys() and near[0] == pytest.approx(near[1], abs=1e-3)
    entities.training.calibrate([("dev", rows)])
    for found, candidates in zip(loaded.finder.scorer(texts(files["dev"])), entities.training._found["dev"], strict=True):
        assert {each[:3] for each in found if each.logit > -3.9} == {each[:3] for each in candidates if each.logit > -3.9}
    part, other = task_json(out_of(relations)), task_json(out_of(entities))
    assert (part["part"], other["part"]) == ("relations", "entities") and part["run"]["train_rows"] == {"own.jsonl": 16, "one.jsonl": 48}
    assert set(other["scores"]["dev.jsonl"]) == {"entity_precision", "entity_recall", "entity_f1", "entity_ece"}
    assert set(part["scores"]) == {"dev.jsonl", "behaviour.jsonl", "relations left out of training"}
    assert set(part["scores"]["behaviour.jsonl"]) <= {each["behaviour"].replace(" ", "_") for each in read_rows(files["behaviour"])}
    for entry in (entry for entry in relations.state.log_history if "eval_score" in entry):
        assert entry["eval_score"] == entry["eval_dev_given_f1"]


def test_lower_cased_rows_are_added(entities: TaskTrainer) -> None:
    assert len(entities.training.dataset) == 16 + 8


def test_relations_left_out_are_never_seen_and_measured(relations: TaskTrainer, files: dict[str, str]) -> None:
    training, rows = relations.training, read_rows(files["one"])
    held = training.held_out
    ((_, own), (_, one)) = training.sets.items()
    assert len(held) == 3 and len(one) == 3 and not held & (set(own) | set(one) | set(training.settings.labels))
    unseen = [each for each in rows if each["relations"][0]["type"] in held]
    assert set(training.settings.labels) == set(one) and all(text == f"what {name} means" for name, text in one.items())
    assert len([each for each in training.dataset if each["choice"]]) == 48 - len(unseen) and training.unseen_rows == unseen
    assert not any(name in held for each in training.dataset for _, name in each["cells"])
    labels = {name: f"what {name} means" for name in sorted(held)}
    found = training.scorer()([each["text"] for each in unseen], [given_entities(each) for each in unseen], labels, {})
    best = [max((each.logit, list(labels)[each.label]) for each in group if each[:2] == (0, 1))[1] for group in found]
    expected = macro_f1(best, [name for each in unseen for _, _, name in gold_relations(each)], labels)
    figures = task_json(out_of(relations))["scores"]["relations left out of training"]
    assert figures == pytest.approx({f"unseen_{size}_macro_f1": expected for size in (5, 10, 15)})  # three are all there are


def test_a_run_goes_on_where_it_stopped(fit: Fit) -> None:
    whole = out_of(fit(validation_file=None, eval_strategy="no", load_best_model_at_end=False))
    rest = {"validation_file": None, "eval_strategy": "no", "load_best_model_at_end": False}
    assert same_weights(whole, out_of(fit(resume_from_checkpoint=whole / "checkpoint-2", **rest)))
    assert not same_weights(whole, whole / "checkpoint-2") and not same_weights(whole, out_of(fit(seed=7, **rest)))


def test_loss_and_gradients_do_not_change_with_accumulation(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_module, "UNTYPED_SHARE", 0.0)
    plain: Flags = {"lora_dropout": 0, "head_dropout": 0, "train_sampling_strategy": "sequential", "optim": "sgd", "learning_rate": 0.05}
    plain |= {"max_grad_norm": 0, "max_steps": 2, "early_stopping_patience": 1, "hide_descriptions": 1, "train_file": "one"}
    kept, losses = [], []
    for batch, accumulation in ((8, 1), (2, 4)):
        gradients = Gradients()
        monkeypatch.setattr(finetune.train, "EarlyStoppingCallback", lambda patience, watch=gradients: watch)
        trainer = fit(**plain, per_device_train_batch_size=batch, gradient_accumulation_steps=accumulation, validation_file="one")
        kept.append(gradients.steps)
        losses.append([entry["loss"] for entry in trainer.state.log_history if "loss" in entry])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3) and len(kept[0]) == len(kept[1]) == 2
    for whole, divided in zip(*kept, strict=True):
        assert whole.keys() == divided.keys() and any("lora_" in name for name in whole)
        for name, gradient in whole.items():
            torch.testing.assert_close(divided[name], gradient, rtol=1e-3, atol=1e-5)


def test_a_share_of_the_rows_is_kept_for_development(fit: Fit, base: str, files: dict[str, str], tmp_path: Path) -> None:
    rows: list[Row] = [{"text": str(number)} for number in range(10)]
    train, dev = divide(rows, 0.3)
    assert [each["text"] for each in dev] == ["0", "3", "6", "9"] and [each["text"] for each in train] == list("124578")
    folder = out_of(fit(train_file="one", validation_file=None, dev_share=0.25))
    scored = task_json(folder)
    assert scored["run"]["train_rows"] == {"one.jsonl": 36} and scored["choice"] is True
    use = ["--task", "relation-extraction", "--model", base, "--adapter", str(folder), "--device", "cpu", "--dev_share", "0.25"]
    same = ["--validation_file", files["one"], "--train_file", files["one"], "--output_file", str(tmp_path / "scores.json")]
    assert evaluate([*use, *same]) == 0
    table = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert table["one.jsonl"] == pytest.approx(scored["scores"]["one.jsonl"], abs=1e-6)
    gold = [name for each in divide(read_rows(files["one"]), 0.25)[1] for _, _, name in gold_relations(each)]
    commonest = Counter(each["relations"][0]["type"] for each in divide(read_rows(files["one"]), 0.25)[0]).most_common(1)[0][0]
    assert table["one.jsonl, commonest relation"]["accuracy"] == pytest.approx(gold.count(commonest) / len(gold))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"part": "words"}, "--part must be one of entities, relations, not 'words'"),
        ({"lower_cased": 1.5}, "--lower_cased must be a share from 0 to 1, not 1.5"),
        ({"hide_descriptions": -1}, "--hide_descriptions must be a share from 0 to 1, not -1.0"),
        ({"hold_out_types": 6}, "--hold_out_types must leave some of the 6 relations of the first choice file"),
        ({"hold_out_types": 1, "train_file": "own"}, "--hold_out_types must leave some of the 0 relations"),
        ({"dev_share": 0.6}, "--dev_share must be from 0 to 0.5, not 0.6"),
        ({"label_file": "missing.json"}, "--label_file 'missing.json' is not a JSON object of label set"),
        ({"label_file": "list"}, "is not a JSON object of label set -> relation -> description"),
        ({"label_file": "own"}, "is not a JSON object of label set -> relation -> description"),
        ({"train_file": "alone"}, "The training files hold no rows with two entities"),
        ({"train_file": "blank", "part": "entities"}, "The training files hold no rows with text"),
        ({"train_file": "wrong"}, "has a relation 'x' between entities 0 and 2, of 2"),
        ({"validation_file": "wrong"}, "has a relation 'x' between entities 0 and 2, of 2"),
        ({"hold_out_types": -1}, "--hold_out_types must be 0 or more, not -1"),
        ({"train_file": "one", "validation_file": "behaviour"}, "hold nothing"),
    ],
    ids=str,
)
def test_wrong_use_is_one_sentence(
    changes: Flags, message: str, base: str, files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(flags(base, files, tmp_path / "out", **{"max_steps": 1, "eval_steps": 1, "save_steps": 1} | changes)) == 2
    said = capsys.readouterr().err.strip()
    assert message in said and len(said.splitlines()) == 1


# Adapters that do not fit


@pytest.fixture(scope="module")
def parts(relations: TaskTrainer, entities: TaskTrainer) -> dict[str, str]:
    """The folders of both."""
    return {"adapter": str(out_of(relations)), "entity_adapter": str(out_of(entities))}


DAMAGE: list[tuple[str, dict[str, Any], str]] = [
    ("adapter", {"part": "words"}, "is damaged: its part is 'words'"),
    ("adapter", {"part": None}, "is damaged: its part is None"),
    *(("adapter", {name: None}, r"task\.json is damaged") for name in ("labels", "endpoints", "calibration")),
    ("adapter", {"labels": {}}, r"task\.json is damaged"),
    ("adapter", {"endpoints": {"flood": ["PER"]}}, r"task\.json is damaged"),
    ("adapter", {"calibration": {"default": {"temperature": 0}}}, r"task\.json is damaged"),
    ("adapter", {"task": "event-detection"}, "is for event-detection, not for relation-extraction"),
    ("adapter", {"base": {"name": "x", "fingerprint": "y"}}, "was trained over 'x', not over"),
    ("entity_adapter", {"calibration": {}}, r"task\.json is damaged: KeyError\('PER'\)"),
    ("entity_adapter", {"calibration": {"PER": {"warmth": 1}}}, r"task\.json is damaged"),
]


@pytest.mark.parametrize(("which", "damage", "message"), DAMAGE, ids=str)
def test_a_damaged_adapter_is_refused(
    which: str, damage: dict[str, Any], message: str, base: str, parts: dict[str, str], tmp_path: Path
) -> None:
    folder = shutil.copytree(parts[which], tmp_path / "damaged")
    data = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    (folder / "task.json").write_text(json.dumps(data | damage), encoding="utf-8")
    with pytest.raises(AdapterError, match=message) as error:
        load(base, **parts | {which: str(folder)})
    assert len(str(error.value).splitlines()) == 1


def test_a_part_in_the_place_of_the_other_is_refused(base: str, parts: dict[str, str], make_classifier: Callable[..., Path]) -> None:
    relations, entities = parts["adapter"], parts["entity_adapter"]
    with pytest.raises(AdapterError, match="is for relations: give one for entities"):
        load(base, relations, entity_adapter=relations)
    with pytest.raises(AdapterError, match="is for entities: give one for relations"):
        load(str(make_classifier(["O", "B-PER"])), entities)
    with pytest.raises(AdapterError, match="A plain encoder knows no relations: give an adapter"):
        load(base, adapter=None)
    with pytest.raises(AdapterError, match="There is no adapter 'nothing'"):
        load(base, "nothing")
    with pytest.raises(ModelError):
        load(base + "/nowhere", relations, entity_adapter=entities)
