"""Flags and recipes of fine-tuning: what they set, and one sentence for wrong use."""

from __future__ import annotations

from pathlib import Path

import pytest

from finetune.__main__ import main
from finetune.config import parse
from tasks.core.errors import FileError, InputError, UnknownTaskError
from tests.finetuning import MARKS, Flags, finish, flags, save_recipe, start

pytestmark = MARKS


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
