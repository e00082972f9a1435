"""The loss of recommendation, beside plain loops; and that it falls."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tasks.recommendation.model import HistoryHead, RecommenderModel
from tests.catalogues import drawn, shake_head

WIDTH = 12
SIZE = 3 * WIDTH
LIKED, DISLIKED = 1.0, -1.0


def new_model(shaken: bool = True) -> RecommenderModel:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        head = HistoryHead(WIDTH, hidden=8).eval()
    if shaken:
        shake_head(head)
    return RecommenderModel(torch.nn.Identity(), head)


def made_batch(rows: int = 3, length: int = 6, items: int = 10, count: int = 10, seed: int = 0) -> dict[str, Tensor]:
    """Histories over ``items`` vectors, with holes in the mask at the end, some dislikes, and the first ``count`` as negatives."""
    draw = torch.Generator().manual_seed(seed)
    mask = torch.ones(rows, length, dtype=torch.bool)
    for row in range(rows):
        mask[row, length - row :] = False
    return {
        "vectors": F.normalize(drawn(items, SIZE, seed=seed), dim=-1),
        "places": torch.randint(items, (rows, length), generator=draw),
        "strengths": torch.where(torch.rand(rows, length, generator=draw) < 0.3, DISLIKED, 0.5),
        "mask": mask,
        "negatives": torch.arange(count),
        "share": torch.tensor([count / items]),
    }


def plain_loss(model: RecommenderModel, batch: dict[str, Tensor]) -> float:
    """The same loss, one step at a time."""
    vectors, places, share = batch["vectors"], batch["places"], batch["share"].item()
    pointing = model.head(vectors[places], batch["strengths"], batch["mask"])
    rows: list[float] = []
    for row in range(len(places)):
        steps = []
        for now in range(places.shape[1] - 1):
            target = int(places[row, now + 1])
            if not batch["mask"][row, now + 1] or batch["strengths"][row, now + 1] < 0:
                continue
            logits = (vectors @ pointing[row, now]).tolist()
            others = [logits[at] - math.log(share) for at in batch["negatives"].tolist() if at != target]
            steps.append(math.log(sum(map(math.exp, [logits[target], *others]))) - logits[target])
        rows.append(sum(steps) / max(len(steps), 1))
    return sum(rows) / len(rows)


@pytest.mark.parametrize("count", [10, 4, 1])
def test_the_loss_is_a_softmax_over_the_next_item_and_others_in_the_place_of_all(count: int) -> None:
    model, batch = new_model(), made_batch(count=count)
    assert model(**batch)["loss"].item() == pytest.approx(plain_loss(model, batch), rel=1e-4)


def test_with_all_items_as_negatives_the_loss_is_the_full_cross_entropy() -> None:
    model, batch = new_model(), made_batch(rows=1)
    batch["strengths"] = torch.ones(1, 6)
    logits = model.head(batch["vectors"][batch["places"]], batch["strengths"], batch["mask"])[0, :-1] @ batch["vectors"].T
    expected = F.cross_entropy(logits, batch["places"][0, 1:])
    torch.testing.assert_close(model(**batch)["loss"], expected)


def test_few_negatives_stand_for_all_of_them() -> None:
    """On average over draws, about the full loss; without the share it would be far less."""
    model, batch = new_model(shaken=False), made_batch(items=400, count=400)
    with torch.no_grad():
        model.head.log_scale.fill_(1)  # so that no item has most of the probability
    full, losses = model(**batch)["loss"].item(), []
    for seed in range(60):
        chosen = torch.randperm(400, generator=torch.Generator().manual_seed(seed))[:80]
        losses.append(model(**batch | {"negatives": chosen, "share": torch.tensor([0.2])})["loss"].item())
    assert sum(losses) / 60 == pytest.approx(full, abs=0.1)
    assert model(**batch | {"negatives": chosen, "share": torch.ones(1)})["loss"].item() < full - 1


def test_disliked_and_missing_items_are_not_what_is_to_be_found() -> None:
    model, batch = new_model(), made_batch(rows=1, length=5)
    batch["mask"][0, 4] = False
    batch["strengths"] = torch.tensor([[LIKED, LIKED, DISLIKED, LIKED, LIKED]])
    before = model(**batch)["loss"]
    for place in (0, 3, 7):
        batch["places"][0, 4] = place
        torch.testing.assert_close(model(**batch)["loss"], before)
    nothing = batch | {"strengths": torch.full((1, 5), DISLIKED)}
    assert model(**nothing)["loss"].item() == 0  # and no division by zero


def test_half_batches_have_the_gradients_of_the_whole_one_on_average() -> None:
    """A mean over rows, however many steps each has, so that accumulation and several processes change nothing."""
    batch = made_batch(rows=4, length=8)
    whole, halves = new_model(), new_model()
    whole(**batch)["loss"].backward()
    for part in (slice(2), slice(2, 4)):
        (halves(**batch | {name: batch[name][part] for name in ("places", "strengths", "mask")})["loss"] / 2).backward()
    for (name, one), other in zip(whole.head.named_parameters(), halves.head.parameters(), strict=True):
        assert one.grad is not None and other.grad is not None, name
        torch.testing.assert_close(other.grad, one.grad, rtol=1e-3, atol=1e-6)
    assert whole.accepts_loss_kwargs is False  # HANDBOOK, trap 1


def test_the_loss_falls_and_the_pattern_is_learnt() -> None:
    """Each item is followed by one that is unlike it, which the mean of what was read would never find."""
    model, batch = new_model(shaken=False), made_batch(rows=10, length=6)
    batch["places"] = (torch.arange(10)[:, None] + 3 * torch.arange(6)) % 10
    batch |= {"strengths": torch.ones(10, 6), "mask": torch.ones(10, 6, dtype=torch.bool)}
    optimizer, losses = torch.optim.AdamW(model.parameters(), 1e-2), []
    for _ in range(60):
        optimizer.zero_grad()
        loss = model(**batch)["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 < 2 < losses[0]
    pointing = model.head(batch["vectors"][batch["places"]], batch["strengths"], batch["mask"])[:, :-1]
    assert ((pointing @ batch["vectors"].T).argmax(-1) == batch["places"][:, 1:]).float().mean() > 0.95
