"""The model of mentions: how words are written, marks that start at nothing, and rows that never feel their neighbours."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from tasks.core.casing import SHAPES, encode_marked, shape
from tasks.core.encoder import Encoder
from tasks.relation_extraction.entities.data import Collator, features
from tasks.relation_extraction.entities.model import EntityHead, EntityModel
from tasks.relation_extraction.types import TYPES

ROWS: list[dict[str, Any]] = [
    {"text": "Ada fled the Town.", "entities": [{"type": "PER", "start": 0, "end": 3}, {"type": "LOC", "start": 9, "end": 17}]},
    {"text": "a nurse in the town was in the school and THE flood hit 2", "entities": [{"type": "NUM", "start": 56, "end": 57}]},
    {"text": "people fled", "entities": []},
]
KNOWN: list[tuple[str, ...]] = [("PER", "LOC"), TYPES, ("ORG",)]


def made_model(encoder: Encoder) -> EntityModel:
    """The encoder's weights with a new head, none of them zero, in eval mode, with gradients."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = EntityModel(copy.deepcopy(encoder.model).requires_grad_(True), EntityHead(encoder.width)).eval()
        with torch.no_grad():
            for weight in made.head.parameters():
                weight.add_(torch.randn_like(weight) * 0.1)
    return made


@pytest.fixture(scope="module")
def model(encoder: Encoder) -> EntityModel:
    """The tiny BERT with a head."""
    return made_model(encoder)


@pytest.fixture(scope="module")
def windows(encoder: Encoder) -> list[dict[str, Any]]:
    """A window of each row."""
    return [feature for row, known in zip(ROWS, KNOWN, strict=True) for feature in features(encoder, [row], known)]


def loss_of(model: EntityModel, encoder: Encoder, batch: Sequence[dict[str, Any]]) -> Tensor:
    loss: Tensor = model(**Collator(encoder)(batch))["loss"]
    return loss


# How words are written


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (0, ["turkey", "é", "straße", "can't", ".", "", " ", "漢字", "😀", "ª", "½", "\u0301"]),
        (1, ["Turkey", "Élan", "Łódź", "Ab", "Straße", "Anne-marie", "O'brien"]),
        (2, ["TURKEY", "UK", "ÉTÉ", "U.S.", "AT&T", "Ø.", "ΑΒ"]),
        (3, ["iPhone", "McDonald", "GmbH", "aB", "USAs", "Anne-Marie", "😀Ab"]),
        (4, ["2", "x2", "COVID19", "3.5", "٣", "A1", "1st"]),
        (5, ["A", "É", "Я", "İ"]),
    ],
)
def test_each_word_has_a_shape(kind: int, words: list[str]) -> None:
    assert {word: shape(word) for word in words} == dict.fromkeys(words, kind)
    assert kind < SHAPES


# Marks


def head_and_states(encoder: Encoder, texts: Sequence[str], weight: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """States with marks and without, and where there are tokens; shapes are 0, 1, 2 … along each text."""
    head = EntityHead(encoder.width).eval()
    if weight is not None:
        head.shapes.weight.data.copy_(weight)
    batch = encoder.collate(encoder.windower(texts)[1])
    kinds = torch.arange(batch.ids.shape[1])[None, :].expand_as(batch.ids) % SHAPES
    with torch.no_grad():
        marked = encode_marked(encoder.model, head.shapes, batch.ids, batch.mask, kinds)
        plain = encoder.model(input_ids=batch.ids, attention_mask=batch.mask).last_hidden_state
    return marked, plain, batch.mask.bool()


TEXTS = ["the nurse fled the town in a flood", "a vote"]


def test_marks_of_a_new_head_leave_the_states_as_they_are(any_encoder: Encoder) -> None:
    marked, plain, there = head_and_states(any_encoder, TEXTS)
    assert not there.all() and plain[there].std() > 0.1  # of two lengths, with states that differ
    torch.testing.assert_close(marked[there], plain[there], rtol=0, atol=1e-5)


def test_marks_change_the_states_and_no_neighbours(any_encoder: Encoder) -> None:
    weight = torch.randn(SHAPES, any_encoder.width, generator=torch.Generator().manual_seed(0))
    marked, plain, there = head_and_states(any_encoder, TEXTS, weight)
    assert (marked - plain)[there].abs().mean() > 0.05
    (alone,), _, _ = head_and_states(any_encoder, TEXTS[1:], weight)
    torch.testing.assert_close(marked[1][there[1]], alone, rtol=0, atol=1e-4)


def test_a_mark_is_added_to_the_embedding_of_its_token(encoder: Encoder) -> None:
    seen: list[Tensor] = []

    class Network(torch.nn.Module):
        def get_input_embeddings(self) -> Any:
            return torch.nn.Embedding(4, 3, _weight=torch.arange(12.0).view(4, 3))

        def forward(self, inputs_embeds: Tensor, attention_mask: Tensor) -> Any:
            seen.extend([inputs_embeds, attention_mask])
            return type("Output", (), {"last_hidden_state": inputs_embeds * 2})

    marks = torch.nn.Embedding(2, 3, _weight=torch.tensor([[0.0, 0, 0], [10, 20, 30]]))
    mask = torch.tensor([[1, 1, 0]])
    hidden = encode_marked(Network(), marks, torch.tensor([[2, 1, 0]]), mask, torch.tensor([[0, 1, 0]]))
    assert seen[0].tolist() == [[[6, 7, 8], [13, 24, 35], [0, 1, 2]]] and seen[1] is mask
    assert hidden.tolist() == [[[12, 14, 16], [26, 48, 70], [0, 2, 4]]]


# The head


def test_a_new_head_has_tables_for_each_type_and_no_marks() -> None:
    head = EntityHead(16).eval()
    assert head.shapes.weight.shape == (6, 16) and not head.shapes.weight.any()
    assert head(torch.randn(3, 7, 16)).shape == (3, len(TYPES), 7, 7)


# Losses


def test_the_loss_is_that_of_a_loop(model: EntityModel, encoder: Encoder, windows: list[dict[str, Any]]) -> None:
    with torch.no_grad():
        for window in windows:
            batch = Collator(encoder)([window])
            hidden = encode_marked(model.encoder, model.head.shapes, batch["input_ids"], batch["attention_mask"], batch["shapes"])
            words = torch.stack([hidden[0, one : other + 1].mean(0) for one, other in zip(window["first"], window["last"], strict=True)])
            tables, count, expected = model.head(words[None])[0], len(words), 0.0
            for kind in range(len(TYPES)):
                cells = [(i, j) for i in range(count) for j in range(i, count) if window["known"][kind]]
                true = [cell for cell in cells if [kind, *cell] in window["spans"]]
                expected += math.log(1 + sum(math.exp(-tables[(kind, *cell)]) for cell in true))
                expected += math.log(1 + sum(math.exp(tables[(kind, *cell)]) for cell in cells if cell not in true))
            assert loss_of(model, encoder, [window]).item() == pytest.approx(expected, rel=1e-4)


def test_the_loss_is_a_mean_over_rows(model: EntityModel, encoder: Encoder, windows: list[dict[str, Any]]) -> None:
    with torch.no_grad():
        alone = [loss_of(model, encoder, [window]).item() for window in windows]
        assert len({round(loss, 3) for loss in alone}) == 3 and min(alone) > 0
        for one in range(3):
            for other in range(3):
                both = loss_of(model, encoder, [windows[one], windows[other]]).item()
                assert both == pytest.approx((alone[one] + alone[other]) / 2, rel=1e-4), (one, other)
        for batch in (windows, windows[::-1]):
            assert loss_of(model, encoder, batch).item() == pytest.approx(sum(alone) / 3, rel=1e-4)


def test_gradients_of_a_batch_are_the_mean_of_single_ones(model: EntityModel, encoder: Encoder, windows: list[dict[str, Any]]) -> None:
    def gradients(batch: list[dict[str, Any]]) -> dict[str, Tensor]:
        model.zero_grad()
        torch.autograd.backward(loss_of(model, encoder, batch))
        return {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}

    together, alone = gradients(windows), [gradients([window]) for window in windows]
    assert together.keys() == alone[0].keys()
    for name, gradient in together.items():
        torch.testing.assert_close(gradient, torch.stack([each[name] for each in alone]).mean(0), rtol=1e-3, atol=1e-5)


def test_every_parameter_has_a_gradient(any_encoder: Encoder) -> None:
    model = made_model(any_encoder)
    batch = [feature for row, known in zip(ROWS[:2], KNOWN[:2], strict=True) for feature in features(any_encoder, [row], known)]
    torch.autograd.backward(loss_of(model, any_encoder, batch))
    assert [name for name, weight in model.named_parameters() if weight.grad is None] == []
    assert all(torch.isfinite(weight.grad).all() for weight in model.parameters() if weight.grad is not None)
    assert [name for name, weight in model.head.named_parameters() if not weight.grad.any()] == []  # type: ignore[union-attr]
    embedded = model.encoder.get_input_embeddings().weight.grad  # type: ignore[operator]
    read = {number for feature in batch for number in feature["input_ids"]}
    assert all(embedded[number].any() for number in read)


def test_the_marks_of_the_shapes_that_are_there_learn(model: EntityModel, encoder: Encoder, windows: list[dict[str, Any]]) -> None:
    """0 small, 1 ``Ada``, 2 ``THE``, 4 a number; no word of the rows is of shape 3 or 5."""
    model.zero_grad()
    torch.autograd.backward(loss_of(model, encoder, windows))
    moved = model.head.shapes.weight.grad
    assert moved is not None and moved.any(1).tolist() == [True, True, True, False, True, False]


@pytest.mark.parametrize("number", [0, 2])
def test_types_that_a_file_is_not_annotated_with_say_nothing(
    model: EntityModel, encoder: Encoder, windows: list[dict[str, Any]], number: int
) -> None:
    window = windows[number]
    before = loss_of(model, encoder, [window]).item()
    unknown = [kind for kind, known in enumerate(window["known"]) if not known]
    more = window | {"spans": [*window["spans"], *([kind, 0, 1] for kind in unknown)]}
    assert loss_of(model, encoder, [more]).item() == before
    assert loss_of(model, encoder, [window | {"known": [True] * len(TYPES)}]).item() > before + 0.1
    model.zero_grad()
    torch.autograd.backward(loss_of(model, encoder, [more]))
    moved = model.head.pairs.project.weight.grad
    assert moved is not None
    by_type = moved.view(2, len(TYPES), -1).abs().amax((0, 2))
    assert [kind for kind in range(len(TYPES)) if by_type[kind] == 0] == unknown


def test_without_known_types_there_is_no_loss(model: EntityModel, encoder: Encoder, windows: list[dict[str, Any]]) -> None:
    assert loss_of(model, encoder, [window | {"known": [False] * len(TYPES)} for window in windows]).item() == 0


def test_pairs_that_end_before_they_begin_are_no_mentions(model: EntityModel, encoder: Encoder, windows: list[dict[str, Any]]) -> None:
    window = windows[0]
    before = loss_of(model, encoder, [window]).item()
    assert loss_of(model, encoder, [window | {"spans": [*window["spans"], [0, 3, 1]]}]).item() == before
    assert loss_of(model, encoder, [window | {"spans": [*window["spans"], [0, 1, 3]]}]).item() != before
