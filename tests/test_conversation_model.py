"""The reading of messages: rows to tensors, and a loss in which no row feels its neighbours."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tasks.conversation.data import MARKS, SIGNS, TAGS, UNKNOWN, Collator, check_rows, features, gold_marks, windower_of
from tasks.conversation.model import MessageHead, MessageModel
from tasks.conversation.training import lower_cased
from tasks.conversation.types import KINDS
from tasks.core.casing import encode_marked
from tasks.core.encoder import Encoder, load_encoder, mean_pool
from tasks.core.errors import InputError
from tests.telling import row

LONG = "the nurse fled the town. " * 40 + "A Flood hit Oslo"
ROWS = [
    row("We like the Lark Choir, the flood hit it", ["tell"], {"We": 0, "Lark Choir": 1, "flood": "flood"}),
    row("a vote? No", ["ask", "correct"], {}),
    {"text": "the nurse was in the town and people fled", "kinds": ["greet"]},
    row("I hate the school", ["tell"], {"I": 0, "the school": -1}),
]


@pytest.fixture(scope="module")
def encoder(make_model: Callable[..., Path]) -> Encoder:
    """A tiny BERT with room for what the kinds are called, which its tokenizer spells letter by letter."""
    return load_encoder(str(make_model(max_position_embeddings=128)))


@pytest.fixture(scope="module")
def model(encoder: Encoder) -> MessageModel:
    """The tiny BERT with a new head, no weight zero, in eval mode, with gradients."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = MessageModel(copy.deepcopy(encoder.model).requires_grad_(True), MessageHead(encoder.width)).eval()
        with torch.no_grad():
            for weight in made.head.parameters():
                weight.add_(torch.randn_like(weight) * 0.1)
    return made


@pytest.fixture(scope="module")
def windows(encoder: Encoder) -> list[dict[str, Any]]:
    """A window of each row."""
    found = features(encoder, ROWS)
    assert len(found) == len(ROWS)
    return found


def loss_of(model: MessageModel, encoder: Encoder, batch: Sequence[dict[str, Any]]) -> Tensor:
    loss: Tensor = model(**Collator(encoder)(batch))["loss"]
    return loss


def tagged(encoder: Encoder, given: dict[str, Any]) -> list[tuple[str, int, int]]:
    """The words of all windows of a row that have a tag, with it and the sign."""
    tokens, cut = windower_of(encoder)([given["text"]])
    found = []
    for window, feature in zip(cut, features(encoder, [given]), strict=True):
        assert feature["input_ids"] == window.ids.tolist() and len(feature["tags"]) == len(feature["signs"]) == len(feature["first"])
        assert len(feature["shapes"]) == len(feature["input_ids"])
        for word, tag, sign in zip(window.words.tolist(), feature["tags"], feature["signs"], strict=True):
            found.append((given["text"][slice(*tokens[0].word_chars(word))], tag, sign))
    return [each for each in found if each[1]]


# Rows


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kinds": ["tell"]}, 'Row 2 of a.jsonl has no "text"'),
        ({"text": None, "kinds": []}, 'Row 2 of a.jsonl has no "text"'),
        ({"text": "a"}, "Row 2 of a.jsonl is no row of conversation"),
        ({"text": "a", "kinds": None}, "Row 2 of a.jsonl is no row of conversation"),
        ({"text": "a", "kinds": ["shout"]}, "has the kind 'shout': choose from tell, ask"),
        ({"text": "a b", "kinds": [], "things": [{"start": 0, "end": 1, "text": "b"}]}, "has a span that is not in its text"),
        ({"text": "a b", "kinds": [], "events": [{"start": 1, "end": 1, "text": ""}]}, "has a span that is not in its text"),
        ({"text": "a b", "kinds": [], "things": [{"start": 0, "text": "b"}]}, "is no row of conversation"),
        ({"text": "a b", "kinds": [], "things": ["a"]}, "is no row of conversation"),
        ({"text": "a", "kinds": [], "things": [], "facts": [{"head": 0, "type": "friend", "tail": 1}]}, "a thing that it does not list"),
        ({"text": "a", "kinds": [], "facts": [{"head": "0", "tail": 0}]}, "is no row of conversation"),
    ],
    ids=str,
)
def test_a_wrong_row_is_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as raised:
        check_rows([ROWS[0], wrong], "a.jsonl")
    assert message in str(raised.value) and str(raised.value).startswith("Row 2 of a.jsonl")


def test_right_rows_stay_as_they_are() -> None:
    assert check_rows(iter(ROWS), "a.jsonl") == ROWS
    assert gold_marks(ROWS[0]) == {(0, 2, "thing"), (12, 22, "liked"), (28, 33, "event")}
    assert {mark for _, _, mark in gold_marks(ROWS[3])} == {"thing", "disliked"} < set(MARKS)
    assert gold_marks(ROWS[2]) == set()


def test_words_have_the_tags_and_signs_of_their_spans(encoder: Encoder) -> None:
    none = UNKNOWN
    liked, disliked, plain = (SIGNS.index(name) for name in ("liked", "disliked", "thing"))
    assert tagged(encoder, ROWS[0]) == [("We", 1, plain), ("Lark", 1, liked), ("Choir", 2, liked), ("flood", 3, none)]
    assert tagged(encoder, ROWS[3]) == [("I", 1, plain), ("the", 1, disliked), ("school", 2, disliked)]
    assert tagged(encoder, ROWS[1]) == []
    assert {tag for each in features(encoder, ROWS) for tag in each["tags"]} <= {UNKNOWN, *range(TAGS)}


def test_words_that_nobody_annotated_are_unknown(windows: list[dict[str, Any]]) -> None:
    assert set(windows[2]["tags"]) == set(windows[2]["signs"]) == {UNKNOWN}
    assert set(windows[1]["tags"]) == {0} and set(windows[1]["signs"]) == {UNKNOWN}


def test_kinds_are_told_in_their_order(windows: list[dict[str, Any]]) -> None:
    assert [[name for name, held in zip(KINDS, each["kinds"], strict=True) if held] for each in windows] == [
        [name for name in KINDS if name in each["kinds"]] for each in ROWS
    ]


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("👍 Zoë fled 😀", "Zoë", ["Zoë"]),
        ("👩‍👩‍👧‍👦👍🏽 the Żółw, née İpek", "İpek", ["İpek"]),
        ("ﬁre hit 東京 town", "town", ["town"]),
        ("e\u0301te\u0301 Noe\u0308l hit", "Noe\u0308l", ["Noe\u0308l"]),
        ("\ud83d the Lark Choir", "Lark Choir", ["Lark", "Choir"]),
        ("I like 🎻", "🎻", ["🎻"]),
    ],
    ids=ascii,
)
def test_spans_keep_their_words_in_any_script(encoder: Encoder, text: str, words: str, expected: list[str]) -> None:
    assert [each for each, _, _ in tagged(encoder, row(text, ["tell"], {words: 1}))] == expected


def test_a_long_message_is_read_in_windows_that_miss_nothing(encoder: Encoder) -> None:
    given = row(LONG, ["tell"], {"nurse": 0, "Flood": "flood", "Oslo": 1})
    found = features(encoder, [given])
    assert len(found) > 2 and {tuple(each["kinds"]) for each in found} == {tuple(float(name == "tell") for name in KINDS)}
    seen = tagged(encoder, given)
    assert {("nurse", 1, 0), ("Flood", 3, UNKNOWN), ("Oslo", 1, 1)} == set(seen)
    assert max(len(each["input_ids"]) for each in found) <= encoder.windower.size


def test_a_row_without_words_makes_no_trouble(encoder: Encoder, model: MessageModel) -> None:
    found = features(encoder, [ROWS[0], {"text": " \n", "kinds": ["greet"]}])
    assert math.isfinite(loss_of(model, encoder, found).item())


def test_rows_are_read_once_more_without_capitals() -> None:
    rows = [*ROWS, row("İpek fled", ["tell"], {"İpek": 1})]
    kept = copy.deepcopy(rows)
    made = lower_cased(rows, 1.0, seed=0)
    assert sorted(each["text"] for each in made) == sorted(each["text"].lower() for each in ROWS) and rows == kept
    assert check_rows(made, "lower-cased") == made
    assert lower_cased(rows, 0.5, seed=1) == lower_cased(rows, 0.5, seed=1) and lower_cased(rows, 0.0, seed=1) == []


# The loss


def test_the_loss_is_that_of_a_loop(model: MessageModel, encoder: Encoder, windows: list[dict[str, Any]]) -> None:
    for window in windows:
        batch = Collator(encoder)([window])
        with torch.no_grad():
            hidden = encode_marked(model.encoder, model.head.shapes, batch["input_ids"], batch["attention_mask"], batch["shapes"])
            labels = model.encoder(input_ids=batch["label_ids"], attention_mask=batch["label_mask"]).last_hidden_state
            asked = model.head.kinds(hidden, batch["attention_mask"], mean_pool(labels, batch["label_mask"]))[0]
            signed = asked * (1 - 2 * batch["kinds"][0])
            expected = sum(math.log1p(math.exp(each)) for each in signed.tolist())
            states = [hidden[0, one : other + 1].mean(0) for one, other in zip(window["first"], window["last"], strict=True)]
            for logits, truth in zip(model.head.words(torch.stack(states)), (window["tags"], window["signs"]), strict=True):
                known = [-each.log_softmax(0)[tag].item() for each, tag in zip(logits, truth, strict=True) if tag != UNKNOWN]
                expected += 4 * sum(known) / max(1, len(known))
            assert model(**batch)["loss"].item() == pytest.approx(expected, rel=1e-4)


def test_a_row_feels_no_neighbour_and_no_padding(model: MessageModel, encoder: Encoder, windows: list[dict[str, Any]]) -> None:
    with torch.no_grad():
        alone = [loss_of(model, encoder, [window]).item() for window in windows]
        assert len({round(each, 3) for each in alone}) == len(alone)
        for batch in ([0, 1], [1, 0], [2, 3, 1], [3, 2, 1, 0], [1, 1, 0]):
            together = loss_of(model, encoder, [windows[number] for number in batch]).item()
            assert together == pytest.approx(sum(alone[number] for number in batch) / len(batch), rel=1e-4), batch


def test_gradients_of_a_batch_are_the_mean_of_single_ones(model: MessageModel, encoder: Encoder, windows: list[dict[str, Any]]) -> None:
    def gradients(batch: list[dict[str, Any]]) -> dict[str, Tensor]:
        model.zero_grad()
        torch.autograd.backward(loss_of(model, encoder, batch))
        return {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}

    together, alone = gradients(windows), [gradients([window]) for window in windows]
    for name, gradient in together.items():
        torch.testing.assert_close(gradient, torch.stack([each[name] for each in alone]).mean(0), rtol=1e-3, atol=1e-5)
    assert all(weight.grad is not None and weight.grad.any() for weight in model.head.parameters())


def test_rows_without_annotation_teach_no_tags(model: MessageModel, encoder: Encoder, windows: list[dict[str, Any]]) -> None:
    model.zero_grad()
    torch.autograd.backward(loss_of(model, encoder, [windows[2]]))
    for part in (model.head.tags, model.head.signs):
        assert all(weight.grad is None or not weight.grad.any() for weight in part.parameters())
    assert all(weight.grad is not None and weight.grad.any() for weight in model.head.match.parameters())
    model.zero_grad()
    torch.autograd.backward(loss_of(model, encoder, [windows[1]]))  # annotated, with nothing in it: no word is a thing, so none has a sign
    assert model.head.tags.weight.grad is not None and model.head.tags.weight.grad.any()
    assert all(weight.grad is None or not weight.grad.any() for weight in model.head.signs.parameters())


def test_how_much_the_kinds_count_is_a_weight(encoder: Encoder, model: MessageModel, windows: list[dict[str, Any]]) -> None:
    with torch.no_grad():
        losses = []
        for weight in (0.0, 1.0, 3.0):
            made = MessageModel(model.encoder, model.head, weight).eval()
            losses.append(loss_of(made, encoder, windows).item())
    assert losses[2] - losses[0] == pytest.approx(3 * (losses[1] - losses[0]), rel=1e-4) and losses[1] > losses[0]


def test_the_model_asks_trainer_for_nothing_beside_the_loss() -> None:
    assert MessageModel.accepts_loss_kwargs is False
