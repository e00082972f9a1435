"""The model of opinion analysis: tables of word pairs, their loss, and rows that never feel their neighbours."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from tasks.core.encoder import Encoder
from tasks.core.heads import PairScorer, pair_loss, word_states
from tasks.opinion_analysis.data import Collator, features
from tasks.opinion_analysis.model import OpinionHead, OpinionModel, sign_logits

TEXTS = ["the school was a flood.", "people fled", "a nurse in the town was in the school and the flood hit the town in a vote"]


def opinion(text: str, target: str | None, expression: str | None, polarity: str) -> dict[str, Any]:
    target_span, expression_span = (
        None if words is None else {"start": text.index(words), "end": text.index(words) + len(words)} for words in (target, expression)
    )
    return {"target": target_span, "expression": expression_span, "polarity": polarity}


ROWS: list[dict[str, Any]] = [
    {
        "text": TEXTS[0],
        "opinions": [opinion(TEXTS[0], "school", "a flood", "negative"), opinion(TEXTS[0], None, "was", "positive")],
        "polarity": "negative",
    },
    {"text": TEXTS[2], "opinions": [opinion(TEXTS[2], "nurse", "hit", "neutral")]},
    {"text": TEXTS[1], "opinions": []},
    {"text": TEXTS[1], "polarity": "positive"},
    {"text": TEXTS[0], "target": "people vote", "stance": "against"},
]
TARGETS_ALONE = [
    {"text": TEXTS[0], "opinions": [opinion(TEXTS[0], "school", None, "neutral"), opinion(TEXTS[0], "flood", None, "negative")]}
]


@pytest.fixture(scope="module")
def model(encoder: Encoder) -> OpinionModel:
    """The tiny encoder with a new head, in eval mode, with gradients."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = OpinionModel(copy.deepcopy(encoder.model).requires_grad_(True), OpinionHead(encoder.width)).eval()
        with torch.no_grad():
            for weight in made.head.parameters():
                weight.add_(torch.randn_like(weight) * 0.1)
    return made


@pytest.fixture(scope="module")
def windows(encoder: Encoder) -> list[dict[str, Any]]:
    """A window of each kind of row."""
    found = features(encoder, ROWS) + features(encoder, TARGETS_ALONE)
    assert len(found) == 6
    return found


def loss_of(model: OpinionModel, encoder: Encoder, batch: Sequence[dict[str, Any]]) -> Tensor:
    loss: Tensor = model(**Collator(encoder)(batch))["loss"]
    return loss


# Scores of word pairs


def turned(vector: Tensor, position: int) -> Tensor:
    """Each pair of values as a complex number, turned by its own angle (Su et al. 2021), one after the other."""
    size = len(vector)
    values = []
    for pair in range(size // 2):
        angle = position * 10000.0 ** -(pair / max(size // 2 - 1, 1))
        number = complex(float(vector[2 * pair]), float(vector[2 * pair + 1])) * complex(math.cos(angle), math.sin(angle))
        values.append(number)
    return torch.tensor([value.real for value in values] + [value.imag for value in values])


def test_pairs_are_scored_as_by_a_slow_reference() -> None:
    torch.manual_seed(0)
    scorer = PairScorer(width=12, tables=3, size=8)
    words = torch.randn(2, 5, 12)
    found = scorer(words)
    assert found.shape == (2, 3, 5, 5)
    for row in range(2):
        projected = scorer.project(words[row]).detach().view(5, 2, 3, 8)
        for table in range(3):
            for i in range(5):
                for j in range(5):
                    expected = turned(projected[i, 0, table], i) @ turned(projected[j, 1, table], j) / math.sqrt(8)
                    assert found[row, table, i, j].item() == pytest.approx(expected.item(), abs=1e-5)


def test_a_pair_counts_how_far_its_words_are_apart_and_not_where_they_stand() -> None:
    torch.manual_seed(0)
    scorer = PairScorer(width=12, tables=2, size=8)
    one, other = torch.randn(12), torch.randn(12)

    def scored(first: int, second: int) -> Tensor:
        words = torch.zeros(1, 30, 12)
        words[0, first], words[0, second] = one, other
        scores: Tensor = scorer(words)[0, :, first, second]
        return scores

    torch.testing.assert_close(scored(3, 7), scored(20, 24), rtol=0, atol=1e-5)
    assert not torch.allclose(scored(3, 7), scored(7, 3), atol=1e-3)
    assert not torch.allclose(scored(3, 7), scored(3, 8), atol=1e-3)


def test_tables_have_a_row_for_targets_that_are_not_named() -> None:
    torch.manual_seed(0)
    head = OpinionHead(16).eval()
    words = torch.randn(3, 7, 16)
    tables = head.tables(words)
    assert tables.spans.shape == (3, 2, 7, 7) and tables.links.shape == (3, 2, 8, 7) and tables.signs.shape == (3, 7, 4, 3)
    hidden, mask = torch.randn(3, 9, 16), torch.ones(3, 9)
    assert head.overall(hidden, mask).shape == head.towards(hidden, mask, mask).shape == (3, 3)
    for side in (0, 1):
        torch.testing.assert_close(tables.links[:, side, 0], head.unnamed(words)[..., side])


def test_word_states_are_means_of_their_tokens() -> None:
    torch.manual_seed(0)
    hidden = torch.randn(3, 6, 4)
    row, first, last = torch.tensor([0, 0, 2]), torch.tensor([1, 2, 0]), torch.tensor([1, 4, 5])
    words, there = word_states(hidden, row, first, last)
    assert there.tolist() == [[True, True], [False, False], [True, False]]
    torch.testing.assert_close(words[0, 1], hidden[0, 2:5].mean(0))
    torch.testing.assert_close(words[2, 0], hidden[2].mean(0))
    assert not words[~there].any()
    none = torch.zeros(0, dtype=torch.long)
    assert word_states(hidden, none, none, none)[1].any().item() is False


def test_the_polarity_is_the_sum_of_what_is_said() -> None:
    torch.manual_seed(0)
    signs = torch.randn(2, 5, 4, 3)
    row, target, expression = torch.tensor([0, 1, 1]), torch.tensor([[1, 2], [-1, -1], [0, 0]]), torch.tensor([[3, 4], [2, 2], [-1, -1]])
    found = sign_logits(signs, row, target, expression)
    torch.testing.assert_close(found[0], signs[0, 1, 0] + signs[0, 2, 1] + signs[0, 3, 2] + signs[0, 4, 3])
    torch.testing.assert_close(found[1], signs[1, 2, 2] + signs[1, 2, 3])
    torch.testing.assert_close(found[2], signs[1, 0, 0] + signs[1, 0, 1])


# Losses


def test_the_loss_of_pairs_is_that_of_a_loop() -> None:
    torch.manual_seed(0)
    logits, truth, allowed = torch.randn(4, 9) * 3, torch.rand(4, 9) < 0.3, torch.rand(4, 9) < 0.7
    truth[1], allowed[2] = False, False
    found = pair_loss(logits, truth, allowed)
    for row in range(4):
        above = [math.exp(-logits[row, cell]) for cell in range(9) if allowed[row, cell] and truth[row, cell]]
        below = [math.exp(logits[row, cell]) for cell in range(9) if allowed[row, cell] and not truth[row, cell]]
        assert found[row].item() == pytest.approx(math.log(1 + sum(above)) + math.log(1 + sum(below)), rel=1e-5)
    assert found[2] == 0


def test_the_loss_is_a_mean_over_rows(model: OpinionModel, encoder: Encoder, windows: list[dict[str, Any]]) -> None:
    with torch.no_grad():
        alone = [loss_of(model, encoder, [window]).item() for window in windows]
        assert len({round(loss, 3) for loss in alone}) == len(alone) and min(alone) > 0
        for one in range(len(windows)):
            for other in range(len(windows)):
                both = loss_of(model, encoder, [windows[one], windows[other]]).item()
                assert both == pytest.approx((alone[one] + alone[other]) / 2, rel=1e-4), (one, other)
        assert loss_of(model, encoder, windows).item() == pytest.approx(sum(alone) / len(alone), rel=1e-4)
        assert loss_of(model, encoder, windows[::-1]).item() == pytest.approx(sum(alone) / len(alone), rel=1e-4)


def test_gradients_of_a_batch_are_the_mean_of_single_ones(model: OpinionModel, encoder: Encoder, windows: list[dict[str, Any]]) -> None:
    def gradients(batch: list[dict[str, Any]]) -> dict[str, Tensor]:
        model.zero_grad()
        loss_of(model, encoder, batch).backward()
        return {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}

    together, alone = gradients(windows), [gradients([window]) for window in windows]
    for name, gradient in together.items():
        torch.testing.assert_close(gradient, torch.stack([each[name] for each in alone]).mean(0), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("kept", [[3], [4], [3, 4], [2], [0], [5]], ids=["polarity", "stance", "both", "no opinion", "opinions", "targets"])
def test_every_parameter_has_a_gradient_whatever_the_rows_are(
    model: OpinionModel, encoder: Encoder, windows: list[dict[str, Any]], kept: list[int]
) -> None:
    model.zero_grad()
    loss = loss_of(model, encoder, [windows[number] for number in kept])
    loss.backward()
    assert torch.isfinite(loss) and loss > 0
    missing = [name for name, weight in model.named_parameters() if weight.grad is None]
    assert missing == []
    assert all(torch.isfinite(weight.grad).all() for weight in model.parameters() if weight.grad is not None)


def test_what_is_not_annotated_has_no_part_in_the_loss(model: OpinionModel, encoder: Encoder, windows: list[dict[str, Any]]) -> None:
    parts = {"pairs": [0, 1, 2, 5], "unnamed": [0, 1, 2], "signs": [0, 1, 5], "polarity": [0, 3], "stance": [4]}
    for number, window in enumerate(windows):
        model.zero_grad()
        loss_of(model, encoder, [window]).backward()
        touched = {name for name in parts if any(weight.grad.any() for weight in getattr(model.head, name).parameters())}
        assert touched == {name for name, numbers in parts.items() if number in numbers}, number


def test_neutral_targets_of_a_file_without_expressions_leave_no_trace(model: OpinionModel, encoder: Encoder) -> None:
    """Their cell may say what it will: the loss of the spans has it neither above nor below 0."""
    batch = Collator(encoder)(features(encoder, TARGETS_ALONE))
    words = torch.randn(1, 6, encoder.width)
    with torch.no_grad():
        tables = model.head.tables(words)
        there = torch.ones(1, 6, dtype=torch.bool)

        def loss(first: int, last: int) -> float:
            changed = tables._replace(spans=tables.spans.clone())
            changed.spans[0, :, first, last] += 5
            return float(model._span_loss(changed, there, batch["expressed"], batch["spans"], batch["unsure"]))

        assert loss(1, 1) == pytest.approx(loss(4, 2)) != pytest.approx(loss(2, 2))  # (4, 2) ends before it begins
        assert loss(4, 4) < loss(4, 2) < loss(2, 2)


# The same in any company


def test_padding_and_neighbours_do_not_change_a_rows_logits(model: OpinionModel, encoder: Encoder) -> None:
    def logits(texts: list[str]) -> tuple[list[Tensor], list[Tensor]]:
        batch = encoder.collate(encoder.windower(texts)[1])
        with torch.no_grad():
            hidden = model.encoder(input_ids=batch.ids, attention_mask=batch.mask).last_hidden_state
            words, there = word_states(hidden, batch.row, batch.first, batch.last)
            tables, overall = model.head.tables(words), model.head.overall(hidden, batch.mask)
        kept = [
            [tables.spans[n, :, :c, :c], tables.links[n, :, : c + 1, :c], tables.signs[n, :c]] for n, c in enumerate(there.sum(1).tolist())
        ]
        return [torch.cat([each.flatten() for each in row]) for row in kept], list(overall)

    together, overall = logits(TEXTS)
    for number, text in enumerate(TEXTS):
        (alone,), (single,) = logits([text])
        torch.testing.assert_close(together[number], alone, rtol=0, atol=1e-4)
        torch.testing.assert_close(overall[number], single, rtol=0, atol=1e-4)
    assert len({len(each) for each in together}) == 3


def test_states_beyond_the_text_do_not_change_its_stance() -> None:
    torch.manual_seed(0)
    head = OpinionHead(8).eval()
    hidden = torch.randn(1, 10, 8)
    text, proposal = torch.zeros(1, 10, dtype=torch.long), torch.zeros(1, 10, dtype=torch.long)
    text[0, :4], proposal[0, 4:7] = 1, 1
    changed = hidden.clone()
    changed[0, 7:] = 99
    torch.testing.assert_close(head.towards(changed, text, proposal), head.towards(hidden, text, proposal))
    assert not torch.allclose(head.towards(hidden, proposal, text), head.towards(hidden, text, proposal), atol=1e-3)
