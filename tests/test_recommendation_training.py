"""Training of recommendation over a tiny encoder: each method learns, and what is saved is what is loaded."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from finetune.__main__ import main
from tasks.core.encoder import Encoder
from tasks.core.errors import InputError
from tasks.recommendation.data import OVERLAP, PIECE, pieces
from tasks.recommendation.ratings import Interactions
from tasks.recommendation.scoring import Weights
from tasks.recommendation.training import Training, shown
from tests.catalogues import ITEMS, SIZE, rated
from tests.finetuning import MARKS, Flags, flags

pytestmark = MARKS
Make = Callable[..., Training]
METHODS = ["head", "lora", "full"]


def step(training: Training, steps: int = 1) -> list[float]:
    """The loss of all histories at each step."""
    training.model.eval()  # no dropout of the encoder either
    optimizer = torch.optim.AdamW([weight for weight in training.model.parameters() if weight.requires_grad], 5e-3)
    losses, batch = [], training.collate(training.dataset)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = training.model(**batch)["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def interactions(*lengths: int) -> Interactions:
    """Users with histories of these lengths, whose items are numbered on."""
    start, count = np.cumsum([0, *lengths]), sum(lengths)
    strength = np.linspace(-1, 1, count, dtype=np.float32)
    return Interactions([str(each) for each in range(len(lengths))], start, np.arange(count, dtype=np.int32), strength)


# What is learnt from


def test_a_long_history_is_cut_into_pieces_that_overlap_and_a_short_one_is_left_out() -> None:
    found = pieces(interactions(4, 5, PIECE, PIECE + 1, 150))
    assert [len(each["input_ids"]) for each in found] == [5, PIECE, PIECE, OVERLAP + 1, PIECE, PIECE, 150 - 2 * (PIECE - OVERLAP)]
    assert all(len(each["input_ids"]) == len(each["strengths"]) for each in found)
    one, other = found[2]["input_ids"], found[3]["input_ids"]
    assert one[-OVERLAP:] == other[:OVERLAP] and other[-1] == one[-1] + 1
    assert {place for each in found for place in each["input_ids"]} == set(range(4, 5 + 4 + 2 * PIECE + 1 + 150))


def test_withheld_items_are_in_no_history_and_users_keep_their_order() -> None:
    ratings = interactions(6, 7, 8)
    kept = shown(ratings, np.isin(np.arange(21), [0, 6, 7, 20]))
    assert [items.tolist() for items, _ in kept.histories()] == [[1, 2, 3, 4, 5], [8, 9, 10, 11, 12], [13, 14, 15, 16, 17, 18, 19]]
    assert kept.strength.tolist() == [ratings.strength[place] for place in kept.items] and kept.users == ratings.users


def test_what_is_drawn_depends_on_the_batch_alone(encoder: Encoder, make_training: Make) -> None:
    training = make_training(encoder, negatives=5)
    one, same, other = (training.collate(training.dataset[some]) for some in (slice(4), slice(4), slice(4, 8)))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["vectors"][one["negatives"]], other["vectors"][other["negatives"]])
    assert one["share"].item() == pytest.approx(5 / SIZE) and len(one["negatives"].unique()) == 5
    every = make_training(encoder).collate(training.dataset[:4])
    assert every["share"].item() == 1 and len(every["negatives"].unique()) == SIZE


def test_a_batch_holds_the_histories_and_what_is_padded_is_masked(encoder: Encoder, make_training: Make) -> None:
    training = make_training(encoder, negatives=3)
    features = [training.dataset[0], {"input_ids": [5, 9], "strengths": [0.5, -1.0]}]
    batch, vectors = training.collate(features), training.collate.vectors
    assert vectors is not None
    assert torch.equal(batch["vectors"][batch["places"][0]], vectors[features[0]["input_ids"]].float())
    assert torch.equal(batch["vectors"][batch["places"][1, :2]], vectors[[5, 9]].float())
    assert batch["mask"].sum(1).tolist() == [len(features[0]["input_ids"]), 2] and batch["strengths"][1, :3].tolist() == [0.5, -1, 0]


def test_an_encoder_that_learns_begins_where_one_that_does_not_begins(encoder: Encoder, make_training: Make) -> None:
    losses = [step(make_training(encoder, method, negatives=6))[0] for method in METHODS]
    assert losses[1] == pytest.approx(losses[2], abs=1e-4)
    assert losses[0] == pytest.approx(losses[1], abs=2e-2)  # its vectors have half precision


@pytest.mark.parametrize("method", METHODS)
def test_a_few_steps_lower_the_loss_and_move_all_weights(encoder: Encoder, make_training: Make, method: str) -> None:
    training = make_training(encoder, method, negatives=4)
    before = {name: weight.clone() for name, weight in training.model.state_dict().items()}
    losses = step(training, 12)
    assert losses[-1] < losses[0] * 0.9 and np.isfinite(losses).all()
    learnt = {name for name, weight in training.model.named_parameters() if weight.requires_grad}
    still = {name for name, weight in training.model.state_dict().items() if torch.equal(weight, before[name])}
    assert not {name for name in learnt & still if "embeddings" not in name}  # whose rows are not all read
    assert {name for name in before if "projection" in name} <= still
    assert any("lora" in name for name in learnt) == (method == "lora") and (method == "head") == all("head." in name for name in learnt)


def test_what_comes_next_is_found_though_its_text_is_unlike(encoder: Encoder, make_training: Make) -> None:
    rows = [
        {"user_id": f"u{user}", "item_id": ITEMS[(user + 5 * at) % SIZE]["item_id"], "rating": 5} for user in range(SIZE) for at in range(7)
    ]
    training, validation, found = make_training(encoder, train=rows), [("dev.jsonl", rows[:70])], []
    for steps in (0, 40):
        step(training, steps)
        scores = training.evaluate(validation)
        figures = training.final_scores(validation)["dev.jsonl"]
        assert scores == {"score": figures["ndcg_at_10"], "dev": figures["ndcg_at_10"]}
        found.append(figures["texts_alone_ndcg_at_10"])
    assert found[0] < 0.2 and found[1] > 0.5
    assert training.weights != Weights()


# Withheld items


def test_withheld_items_are_never_seen_and_measured(encoder: Encoder, make_training: Make) -> None:
    training = make_training(encoder, withhold_items=0.25, negatives=SIZE)
    hidden = set(np.flatnonzero(training.withheld).tolist())
    assert len(hidden) == SIZE // 4
    assert not hidden & {place for each in training.dataset for place in each["input_ids"]}
    assert not hidden & set(training.ratings.items.tolist())
    batch = training.collate(training.dataset)
    assert training.collate.vectors is not None
    drawn = batch["vectors"][batch["negatives"]]
    assert len(drawn) == SIZE - len(hidden) and batch["share"].item() == 1
    expected = training.collate.vectors[sorted(set(range(SIZE)) - hidden)].float()
    assert torch.equal(drawn.sum(0).round(decimals=3), expected.sum(0).round(decimals=3))
    assert set(np.flatnonzero(make_training(encoder, withhold_items=0.25, seed=1).withheld).tolist()) != hidden


def test_withheld_items_add_their_figures(encoder: Encoder, make_training: Make) -> None:
    validation = [("dev.jsonl", rated(9, seed=1))]
    found = {}
    for share in (0.0, 0.25):
        training = make_training(encoder, withhold_items=share)
        training.calibrate(validation)
        found[share] = training.final_scores(validation)["dev.jsonl"]
    added = {name for name in found[0.25] if "withheld" in name}
    assert found[0.25].keys() - found[0.0].keys() == added == {
        f"{name}{chance}" for name in ("withheld_recall_at_10", "recall_at_10_among_withheld") for chance in ("", "_by_chance")
    }
    assert all(0 <= found[0.25][name] <= 1 for name in added)
    assert found[0.25]["withheld_recall_at_10_by_chance"] == pytest.approx(10 / SIZE)
    assert found[0.25]["recall_at_10_among_withheld"] == 1  # there are six


def test_users_who_took_up_no_withheld_item_are_not_measured_on_them(encoder: Encoder, make_training: Make) -> None:
    training = make_training(encoder, withhold_items=0.05)
    (hidden,) = np.flatnonzero(training.withheld).tolist()
    rows = [row for row in rated(9, seed=1) if row["item_id"] != ITEMS[hidden]["item_id"]]
    training.calibrate([("dev.jsonl", rows)])
    assert not [name for name in training.final_scores([("dev.jsonl", rows)])["dev.jsonl"] if "withheld" in name]


# Wrong settings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"catalogue_file": None}, "There is no catalogue: give --catalogue_file, the items that the rows rate."),
        ({"catalogue_file": "missing.jsonl"}, "'missing.jsonl' can't be read: No such file"),
        ({"withhold_items": 0.6}, "--withhold_items must be from 0 to 0.5, not 0.6"),
        ({"negatives": 0}, "--negatives and --layers must be at least 1, and --hidden a multiple of 4"),
        ({"hidden": 18}, "--hidden a multiple of 4"),
        ({"highest_rating": 3}, "outside the scale 0.5 to 3"),
        ({"lowest_rating": 6}, "scale must be the lowest and the highest rating"),
    ],
)
def test_wrong_settings_are_one_sentence(recommending: Flags, changes: Flags, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(flags(recommending | changes)) == 2
    said = capsys.readouterr().err.strip()
    assert message in said and len(said.splitlines()) == 1 and said.startswith("finetune: ")


def test_rows_that_can_not_be_learnt_from_are_refused(encoder: Encoder, make_training: Make) -> None:
    with pytest.raises(InputError, match="No user of the training files has five ratings: there is nothing to learn from"):
        make_training(encoder, train=rated(3)[:4])
    with pytest.raises(InputError, match=r"Items that are not in the catalogue are rated in 1 of the 8 rows .*'nowhere'"):
        make_training(encoder, train=[*rated(1), {"user_id": "u", "item_id": "nowhere", "rating": 4}])
