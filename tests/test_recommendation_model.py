"""The head of recommendation: where it starts, and what it must never see."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tasks.recommendation import model
from tasks.recommendation.model import FEW, HistoryHead, Projection
from tests.catalogues import drawn, shake_head

WIDTH = 12
SIZE = 3 * WIDTH
LIKED, DISLIKED = 1.0, -1.0


def made_fields(count: int, seed: int = 0, middle: float = 1.0) -> Tensor:
    """Fields of items which all share a part, drawn by the seed."""
    return drawn(count, 3, WIDTH, seed=seed) + middle * 3 * drawn(3, WIDTH, seed=seed + 100)


def fitted(*catalogues: Tensor) -> Projection:
    projection = Projection(WIDTH)
    projection.fit(catalogues)
    return projection


def new_head(seed: int = 0, shaken: bool = False, **options: Any) -> HistoryHead:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        head = HistoryHead(WIDTH, **({"hidden": 8, "layers": 2} | options)).eval()
    if shaken:
        shake_head(head, seed)
    return head


def history(*shape: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Vectors, strengths of both signs, and a mask of rows that are full."""
    vectors = F.normalize(drawn(*shape, SIZE, seed=seed), dim=-1)
    return vectors, drawn(*shape, seed=seed + 1).clamp(-1, 1), torch.ones(shape, dtype=torch.bool)


# Fields to vectors


def test_each_field_of_a_vector_has_length_one_or_is_zero_without_a_text() -> None:
    fields = made_fields(20)
    fields[3, 1] = 0
    fields[4] = 0
    vectors = fitted(fields)(fields).view(20, 3, WIDTH)
    lengths = torch.ones(20, 3)
    lengths[3, 1], lengths[4] = 0, 0
    torch.testing.assert_close(vectors.norm(dim=-1), lengths)


def test_a_catalogue_is_centred_so_what_all_its_items_share_is_not_seen() -> None:
    fields = made_fields(200)
    directions = F.normalize(fields, dim=-1)
    assert F.cosine_similarity(directions[:100], directions[100:], dim=-1).mean() > 0.8
    vectors = fitted(fields)(fields)
    assert (vectors[:100] * vectors[100:]).sum(-1).mean().abs() < 0.1 < 3
    twice = fitted(fields)(torch.cat([fields, 7 * fields]))  # how long an embedding is tells nothing
    torch.testing.assert_close(twice[200:], twice[:200])


def test_a_missing_text_is_no_part_of_the_mean() -> None:
    fields = made_fields(50)
    sparse = torch.cat([fields, torch.zeros(30, 3, WIDTH)])
    torch.testing.assert_close(fitted(sparse).mean, fitted(fields).mean)


def test_the_directions_in_which_items_differ_most_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "PART", 2)
    fields = 0.01 * drawn(100, 3, WIDTH) + torch.ones(WIDTH)
    fields[:, :, 5] += 2 * drawn(100, 3, seed=1)
    fields[:, :, 8] += drawn(100, 3, seed=2)
    kept = fitted(fields).axes[..., [5, 8]].abs()
    assert fitted(fields)(fields).shape == (100, 6)
    assert (kept.square().sum((1, 2)) > 1.5).all()  # of 2, were there no others
    assert (kept[:, 0].argmax(-1) == 0).all()  # the first is that of the largest spread


def test_each_catalogue_weighs_the_same_however_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "PART", 4)
    one, other, probe = made_fields(40), made_fields(30, seed=5), made_fields(10, seed=9)
    vectors = [fitted(*each)(probe) for each in ((one, other), (one, other.repeat(20, 1, 1)), (one,))]
    alike = [each @ each.T for each in vectors]  # the axes may point either way
    torch.testing.assert_close(alike[0], alike[1], rtol=0, atol=1e-3)
    assert (alike[0] - alike[2]).abs().max() > 0.1


def test_a_catalogue_is_as_familiar_as_its_content_is_like_that_of_training() -> None:
    books, records = made_fields(60), made_fields(60, seed=5)
    head = new_head()
    head.projection.fit([books, records])
    assert head.settled(books).familiar == pytest.approx(1, abs=1e-5)
    assert head.settled(records).familiar == pytest.approx(0, abs=1e-5)
    between = head.settled(torch.cat([books, records])).familiar
    assert 0.3 < between < 0.7
    assert head.familiar == 1 and torch.equal(head.projection.mean, fitted(books, records).mean)  # another head, not this one
    alone = new_head()
    alone.projection.fit([books])
    assert alone.settled(records).familiar == 1  # nothing is known to be foreign


def test_a_small_catalogue_leans_on_the_mean_of_training() -> None:
    books, records = made_fields(60), made_fields(4000, seed=5)
    own, trained = fitted(records).mean, fitted(books).mean
    for count in (1, 5, FEW, 4000):
        projection = fitted(books)
        projection.settle(records[:count])
        share = count / (count + FEW)
        torch.testing.assert_close(projection.mean, share * fitted(records[:count]).mean + (1 - share) * trained)
    assert (projection.mean - own).norm() < 0.01 * (own - trained).norm()


# Histories


def plain_mean(head: HistoryHead, vectors: Tensor, strengths: Tensor) -> Tensor:
    """What a head points at before it learns, of one history (T, size): the recency-weighted mean, times the scale."""
    pace, liked = head.log_pace.exp().item(), head.liked.tolist()
    out = []
    for now in range(len(vectors)):
        total, weight, counted = torch.zeros(SIZE, dtype=torch.float64), 0.0, 0.0
        for at in range(now + 1):
            strength, fresh = strengths[at].item(), math.exp(-pace * (now - at))
            gain = liked[0] + liked[1] * strength if strength >= 0 else model.DISLIKED * strength
            total, weight, counted = total + fresh * gain * vectors[at].double(), weight + fresh, counted + fresh * (strength >= 0)
        out.append(total / max(counted, weight / 4) * math.exp(head.log_scale.item()))
    return torch.stack(out).float()


def test_the_head_starts_as_the_mean_in_which_the_latest_weigh_most() -> None:
    head = new_head()
    vectors, strengths, mask = history(3, 7)
    expected = torch.stack([plain_mean(head, *each) for each in zip(vectors, strengths, strict=True)])
    torch.testing.assert_close(head(vectors, strengths, mask), expected, rtol=1e-4, atol=1e-4)
    first, last = torch.eye(SIZE)[0], torch.eye(SIZE)[1]
    pointing = head(torch.stack([first, last])[None], torch.ones(1, 2), torch.ones(1, 2, dtype=torch.bool))[0, -1]
    assert pointing @ last > pointing @ first > 0


def test_what_comes_later_changes_nothing_before() -> None:
    head = new_head(shaken=True)
    vectors, strengths, mask = history(2, 9)
    before = head(vectors, strengths, mask)
    other, otherwise, _ = history(2, 9, seed=50)
    changed = head(torch.cat([vectors[:, :4], other[:, 4:]], 1), torch.cat([strengths[:, :4], otherwise[:, 4:]], 1), mask)
    torch.testing.assert_close(changed[:, :4], before[:, :4])
    assert (changed[:, 4:] - before[:, 4:]).abs().amax(-1).min() > 1e-2
    torch.testing.assert_close(head(vectors[:, :4], strengths[:, :4], mask[:, :4]), before[:, :4])


@pytest.mark.parametrize(("left", "right"), [(3, 0), (0, 3), (2, 5)])
def test_padding_changes_nothing(left: int, right: int) -> None:
    head = new_head(shaken=True)
    vectors, strengths, mask = history(2, 5)
    wide, wider, padded = history(2, left + 5 + right, seed=50)
    here = slice(left, left + 5)
    wide[:, here], wider[:, here] = vectors, strengths
    padded[:, :left], padded[:, left + 5 :] = False, False
    torch.testing.assert_close(head(wide, wider, padded)[:, here], head(vectors, strengths, mask), rtol=1e-4, atol=1e-5)
    assert head(wide, wider, padded & False).isfinite().all()


def test_a_history_in_a_batch_points_where_it_does_alone() -> None:
    head = new_head(shaken=True)
    vectors, strengths, mask = history(6, 5)
    together = head(vectors, strengths, mask)
    for row in range(6):
        torch.testing.assert_close(head(vectors[[row]], strengths[[row]], mask[[row]])[0], together[row], rtol=1e-4, atol=1e-5)


def test_a_disliked_item_counts_against_what_is_like_it() -> None:
    head = new_head()
    vectors, _, mask = history(1, 3)
    like = F.normalize(vectors[0, 1] + 0.2 * vectors[0, 2], dim=-1)

    def product(strength: float, known: bool = True) -> float:
        entries = torch.tensor([[True, known, False]])
        found: float = (head(vectors, torch.tensor([[LIKED, strength, LIKED]]), mask & entries)[0, 1] @ like).item()
        return found

    assert product(DISLIKED) < product(-0.5) < product(LIKED, known=False) < product(0.0) < product(LIKED)
    assert product(DISLIKED) < 0


def test_a_disliked_item_takes_nothing_from_the_others() -> None:
    vectors, mask = torch.eye(SIZE)[None, :3], torch.ones(1, 3, dtype=torch.bool)
    alone = new_head()(vectors, torch.full((1, 3), LIKED), mask & torch.tensor([True, False, True]))[0, -1]
    beside = new_head()(vectors, torch.tensor([[LIKED, DISLIKED, LIKED]]), mask)[0, -1]
    torch.testing.assert_close(beside[[0, 2]], alone[[0, 2]])
    assert beside[1] < alone[1] == 0
    only = new_head()(vectors, torch.full((1, 3), DISLIKED), mask)[0, -1]
    assert only.isfinite().all() and (only[:3] < 0).all()


def test_the_transformer_does_not_see_what_was_disliked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "DISLIKED", 0.0)  # and the mean leaves it aside
    head = new_head(shaken=True)
    vectors, strengths, mask = history(1, 5)
    strengths[0] = torch.tensor([LIKED, DISLIKED, LIKED, LIKED, LIKED])
    other = vectors.clone()
    other[0, 1] = vectors[0, 1].flip(0)
    torch.testing.assert_close(head(other, strengths, mask), head(vectors, strengths, mask))
    strengths[0, 1] = LIKED
    assert (head(other, strengths, mask) - head(vectors, strengths, mask))[0, 1:].abs().amax(-1).min() > 1e-2


def test_the_order_of_a_history_matters_to_the_transformer() -> None:
    head = new_head(shaken=True)
    with torch.no_grad():
        head.log_pace.fill_(-20)  # to the mean it does not
    vectors, _, mask = history(1, 4)
    strengths = torch.ones(1, 4)
    turned = vectors[:, [1, 0, 2, 3]]
    means = [plain_mean(head, each[0], strengths[0])[-1] for each in (vectors, turned)]
    torch.testing.assert_close(means[0], means[1], rtol=1e-4, atol=1e-4)
    assert (head(vectors, strengths, mask)[0, -1] - head(turned, strengths, mask)[0, -1]).abs().max() > 1e-3


def test_in_a_foreign_catalogue_the_head_is_what_it_was_before_it_learnt() -> None:
    head = new_head(shaken=True)
    vectors, strengths, mask = history(1, 6)
    learned, plain = head(vectors, strengths, mask), plain_mean(head, vectors[0], strengths[0])[None]
    assert (learned - plain).abs().max() > 0.5
    head.familiar = 0.0
    torch.testing.assert_close(head(vectors, strengths, mask), plain, rtol=1e-4, atol=1e-4)
    head.familiar = 0.25
    torch.testing.assert_close(head(vectors, strengths, mask), 0.25 * learned + 0.75 * plain, rtol=1e-4, atol=1e-4)


def test_what_was_liked_never_counts_against_itself() -> None:
    """Whatever training does to the gains."""
    head = new_head()
    torch.nn.init.constant_(head.liked, -3)
    vectors, _, mask = history(1, 1)
    assert not head(vectors, torch.full((1, 1), LIKED), mask).any() and not head(vectors, torch.zeros(1, 1), mask).any()
