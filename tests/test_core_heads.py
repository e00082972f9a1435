"""Heads: they pool what they say they pool, and begin in the space that the encoder was trained for."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from tasks.core.heads import MatchHead, pool_units


def test_a_unit_is_the_mean_of_its_tokens() -> None:
    hidden = torch.randn(3, 50, 8, generator=torch.Generator().manual_seed(0))
    row, first, last = torch.tensor([0, 0, 2, 1]), torch.tensor([0, 3, 49, 7]), torch.tensor([0, 9, 49, 7])
    expected = torch.stack([hidden[at, begin : end + 1].mean(0) for at, begin, end in zip(row, first, last, strict=True)])
    torch.testing.assert_close(pool_units(hidden, row, first, last), expected, atol=1e-5, rtol=1e-5)
    assert pool_units(hidden.half(), row, first, last).dtype == torch.float32


def test_an_untrained_head_ranks_labels_by_cosine() -> None:
    units, labels = torch.randn(5, 8), torch.randn(4, 8)
    logits = MatchHead(8)(units, labels)
    cosine = F.cosine_similarity(units[:, None], labels[None], dim=-1)
    assert torch.equal(logits.argsort(dim=1), cosine.argsort(dim=1))


def test_another_label_leaves_the_scores_of_the_others() -> None:
    head, units, labels = MatchHead(8), torch.randn(5, 8), torch.randn(4, 8)
    torch.testing.assert_close(head(units, labels)[:, :3], head(units, labels[:3]))


def test_a_half_precision_head_answers_in_full() -> None:
    head = MatchHead(8).half()
    logits = head(torch.randn(5, 8), torch.randn(4, 8))
    assert logits.dtype == torch.float32 and logits.isfinite().all()
