"""The model of relations: pairs never feel each other nor the text them, and the loss is what it is by hand."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import MPNetConfig

from tasks.core.encoder import Encoder, load_encoder
from tasks.core.errors import ModelError
from tasks.relation_extraction import features as feature_module
from tasks.relation_extraction import model
from tasks.relation_extraction.data import given_entities, place_entities, windower_of
from tasks.relation_extraction.features import Collator, features, with_pairs
from tasks.relation_extraction.model import Reading, RelationHead, RelationModel, check_reads_pairs
from tests.test_relation_data import DOCUMENT, PAIR, TEXT, Row, row

Tensors = dict[str, Tensor]
SET = {"flood": "a vote", "nurse": "", "vote": "a school"}  # words of the tiny vocabulary, so that columns can be read back
ONE, BACK, NONE = row(TEXT, PAIR, (0, 1, "vote")), row(TEXT, PAIR, (1, 0, "vote")), row(TEXT, PAIR)
OWN = row(TEXT, PAIR, (1, 0, "hit"), labels={"hit": "it hits", "nurse": ""})


def made(encoder: Encoder, *files: tuple[list[Row], dict[str, str]]) -> tuple[dict[str, dict[str, str]], list[dict[str, Any]]]:
    """Label sets and features of some files."""
    sets = {f"file {number}": labels | (rows[0].get("labels") or {}) for number, (rows, labels) in enumerate(files)}
    return sets, [each for (rows, _), key in zip(files, sets, strict=True) for each in features(encoder, rows, key, sets[key])]


def collated(encoder: Encoder, *files: tuple[list[Row], dict[str, str]], sample: int = 0, hide: float = 1.0, seed: int = 0) -> Tensors:
    sets, batch = made(encoder, *files)
    return Collator(encoder, sets, sample, hide, seed)(batch)


def columns(encoder: Encoder, batch: Tensors) -> list[str]:
    """The labels of a batch, read back from its tokens."""
    return [encoder.tokenizer.decode(ids, skip_special_tokens=True).replace(" ##", "") for ids in batch["label_ids"]]


# Which encoders


def test_an_encoder_that_can_not_place_its_tokens_is_refused(encoder: Encoder) -> None:
    with pytest.raises(ModelError, match=r"'mine' \(mpnet\) can't read pairs of entities: choose an encoder of bert, "):
        check_reads_pairs(MPNetConfig(), "mine")
    check_reads_pairs(encoder.model.config, "tiny")


def test_deberta_is_refused(make_model: Callable[..., Path]) -> None:
    with pytest.raises(ModelError):
        check_reads_pairs(load_encoder(str(make_model("deberta"))).model.config, "deberta")


# States of pairs


def shaken(encoder: Encoder) -> RelationHead:
    """A head whose weights are all away from where they start."""
    head = RelationHead(encoder.width).eval()
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(0)
        for weight in head.parameters():
            weight.add_(torch.randn_like(weight) * 0.3)
    return head


def relation_model(encoder: Encoder) -> RelationModel:
    """The encoder's weights with such a head, with gradients."""
    return RelationModel(copy.deepcopy(encoder.model).requires_grad_(True), shaken(encoder)).eval()


def reading(encoder: Encoder, rows: Sequence[Row], chosen: Sequence[list[int] | None] | None = None) -> Reading:
    """The rows' windows, with all pairs of each row or those that are chosen."""
    tokens, windows = windower_of(encoder)([each["text"] for each in rows])
    placed = [place_entities(w, t, given_entities(r)) for w, t, r in zip(windows, tokens, rows, strict=True)]
    pairs = [
        each.pairs[:, 2:] if some is None else each.pairs[some, 2:] for each, some in zip(placed, chosen or [None] * len(rows), strict=True)
    ]
    read = [(w.ids, each.kinds, some) for w, each, some in zip(windows, placed, pairs, strict=True)]
    return Reading(*with_pairs(read, encoder.tokenizer.pad_token_id))


def states(encoder: Encoder, head: RelationHead, rows: Sequence[Row], chosen: Sequence[list[int] | None] | None = None) -> list[Tensor]:
    """States (pairs, width) of the pairs of each row."""
    read = reading(encoder, rows, chosen)
    with torch.no_grad():
        found = head.read(encoder.model, read)
    return [found[read.pairs[:, 0] == number] for number in range(len(rows))]


@pytest.fixture(scope="module", params=["bert", "roberta", "modernbert"])
def reader(request: pytest.FixtureRequest, make_model: Callable[..., Path]) -> Encoder:
    """Each kind of encoder that reads pairs."""
    return load_encoder(str(make_model(request.param)))


LONG = row(
    "a nurse was in the school and the vote hit the town a nurse fled",
    [("nurse", "PER"), ("school", "ORG"), ("town", "LOC"), ("vote", None)],
)
SHORT = row("people fled", [("people", None), ("fled", "MISC")])


def test_a_pair_is_the_same_in_any_company(reader: Encoder) -> None:
    head, rows = shaken(reader), [DOCUMENT, LONG, SHORT]
    alone = [
        torch.cat([states(reader, head, [each], [[pair]])[0] for pair in range(count)])
        for each, count in zip(rows, (6, 12, 2), strict=True)
    ]
    for together, single in zip(states(reader, head, rows), alone, strict=True):
        torch.testing.assert_close(together, single, rtol=0, atol=1e-5)
    for order in ([2, 0, 1], [1, 2, 0]):
        for place, found in zip(order, states(reader, head, [rows[place] for place in order]), strict=True):
            torch.testing.assert_close(found, alone[place], rtol=0, atol=1e-5)
    backwards = states(reader, head, [LONG], [[11, 3, 7, 0]])[0]
    torch.testing.assert_close(backwards, alone[1][[11, 3, 7, 0]], rtol=0, atol=1e-5)
    apart = torch.cdist(alone[1], alone[1]) + torch.eye(12) * 99
    assert apart.min() > 0.01  # no two pairs are the same


def test_what_a_pair_is_made_of_changes_its_state(reader: Encoder) -> None:
    head = shaken(reader)

    def changed(one: Row, other: Row, pair: int = 0) -> bool:
        return not torch.allclose(states(reader, head, [one])[0][pair], states(reader, head, [other])[0][pair], atol=1e-3)

    two = states(reader, head, [ONE])[0]
    assert not torch.allclose(two[0], two[1], atol=1e-3)  # head and tail exchanged
    assert changed(ONE, row(TEXT, [("people", "ORG"), ("town", "LOC")])) and changed(ONE, row(TEXT, [("people", "PER"), ("town", None)]))
    assert changed(ONE, row(TEXT, [("people", "PER"), ("the town", "LOC")])) and changed(ONE, row(TEXT + " people", PAIR))
    late = row("the town the town", [("town", "LOC")])
    first, last = late | {"entities": [late["entities"][0]]}, late
    spans = [{"start": at, "end": at + 3} for at in (0, 9)]
    one, other = (
        {**each, "entities": [*each["entities"], {"type": None, **span}]} for each, span in zip((first, last), spans, strict=True)
    )
    assert changed(one, other)  # the same words in another place
    assert not changed(ONE, row(TEXT, PAIR, (1, 0, "flood")))


def text_states(encoder: Encoder, rows: Sequence[Row]) -> list[Tensor]:
    """States of the text's own tokens where pairs are read with a head that adds nothing to the text."""
    kept: list[Tensor] = []

    def network(**fields: Tensor) -> Any:
        kept.append(encoder.model(**fields).last_hidden_state)
        return SimpleNamespace(last_hidden_state=kept[0])

    holder: Any = network
    holder.get_input_embeddings, holder.config = encoder.model.get_input_embeddings, encoder.model.config
    read = reading(encoder, rows)
    with torch.no_grad():
        RelationHead(encoder.width).eval().read(holder, read)
    return [kept[0][number, read.owner[number] == 0] for number in range(len(rows))]


def plain_states(encoder: Encoder, text: str) -> Tensor:
    batch = encoder.collate(encoder.windower([text])[1])
    with torch.no_grad():
        hidden: Tensor = encoder.model(input_ids=batch.ids, attention_mask=batch.mask).last_hidden_state[0]
    return hidden


def test_the_text_does_not_feel_its_pairs(reader: Encoder) -> None:
    for found, each in zip(text_states(reader, [DOCUMENT, LONG, SHORT]), (DOCUMENT, LONG, SHORT), strict=True):
        torch.testing.assert_close(found, plain_states(reader, each["text"]), rtol=0, atol=1e-5)


def test_a_text_beyond_a_sliding_window_is_read_as_ever(make_model: Callable[..., Path]) -> None:
    encoder = load_encoder(str(make_model("modernbert", local_attention=8)))
    torch.testing.assert_close(text_states(encoder, [LONG])[0], plain_states(encoder, LONG["text"]), rtol=0, atol=1e-5)


# Loss


def test_every_parameter_has_a_gradient(reader: Encoder) -> None:
    made_of = relation_model(reader)
    made_of(**collated(reader, ([DOCUMENT, LONG], SET), ([ONE], SET), ([OWN], {})))["loss"].backward()
    missing = [name for name, weight in made_of.named_parameters() if weight.grad is None or not weight.grad.isfinite().all()]
    assert missing == []
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in made_of.head.parameters())


def test_the_loss_is_a_mean_over_rows(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_module, "UNTYPED_SHARE", 0.0)
    sets, batch = made(encoder, ([DOCUMENT, LONG], SET), ([ONE, row(TEXT, PAIR, (1, 0, "nurse"))], SET), ([OWN], {}))
    collate, made_of = Collator(encoder, sets, 0, 1.0, 0), relation_model(encoder)
    with torch.no_grad():
        single = [float(made_of(**collate([each]))["loss"]) for each in batch]
        assert float(made_of(**collate(batch))["loss"]) == pytest.approx(sum(single) / 5, abs=1e-4)
        assert float(made_of(**collate(batch[::-1]))["loss"]) == pytest.approx(sum(single) / 5, abs=1e-4)
    assert len({round(each, 3) for each in single}) == 5


LOGITS = torch.tensor([[1.0, -2.0, 0.5], [-1.0, 2.0, 0.25], [0.0, 0.0, 3.0]])
AGAINST = LOGITS + torch.tensor([1.0, 2.0, 4.0]).log()
TRUTH = torch.tensor([[1, 0, 1], [0, 0, 0], [0, 0, 0]]).bool()
KNOWN = torch.tensor([[1, 1, 1], [1, 1, 0], [0, 0, 0]]).bool()


def test_the_loss_of_pairs_is_that_by_hand() -> None:
    e = math.exp
    expected = [math.log(1 + e(-1) + e(-0.5)) + math.log(1 + 2 * e(-2)), math.log(1 + e(-1) + 2 * e(2)), 0.0]
    assert model._pair_loss(LOGITS, AGAINST, KNOWN, TRUTH).tolist() == pytest.approx(expected)


def test_a_document_weighs_as_the_root_of_its_pairs(encoder: Encoder) -> None:
    made_of, batch = relation_model(encoder), collated(encoder, ([DOCUMENT], SET))
    with torch.no_grad():
        states = made_of.head.read(made_of.encoder, Reading(*(batch[name] for name in ("input_ids", "kinds", "owner", "pairs"))))
        logits = made_of.head(states, made_of._embed(batch["label_ids"], batch["label_mask"]))
        each = model._pair_loss(logits, logits + batch["label_weight"].log(), batch["known"], batch["truth"]) * batch["pair_weight"]
        loss = float(made_of(**batch)["loss"])
    assert len(each) > 4 and loss == pytest.approx(float(each.sum()) / len(each) ** 0.5, rel=1e-5)


def test_the_loss_of_a_choice_is_that_by_hand() -> None:
    e, truth = math.exp, torch.tensor([[0, 0, 1], [0, 0, 0], [0, 0, 0]]).bool()
    rows = torch.tensor([1, 1, 0])
    right = math.log(1 + e(1) + 2 * e(-2) + e(0.5) + e(-1) + 2 * e(2)) - 0.5
    assert model._choice_loss(LOGITS, AGAINST, KNOWN, truth, rows, 2).tolist() == pytest.approx([0.0, right])
    none = math.log(1 + 4 * e(3) + 1 + 2)
    assert model._choice_loss(LOGITS, AGAINST, KNOWN | True, truth, rows, 3).tolist()[0] == pytest.approx(none)
    assert model._choice_loss(LOGITS, AGAINST, KNOWN, truth, rows, 3).tolist()[2] == 0.0


@pytest.mark.parametrize("rows", [[DOCUMENT], [ONE, BACK]], ids=["pairs", "choice"])
def test_a_label_or_a_pair_of_weight_three_counts_as_three(encoder: Encoder, rows: list[Row]) -> None:
    made_of, batch = relation_model(encoder), collated(encoder, (rows, SET))
    column = columns(encoder, batch).index("nurse" if len(rows) > 1 else "flood")
    weight = torch.ones(3)
    weight[column] = 3.0
    thrice = [0, 1, 2, column, column]
    known = batch["known"][:, thrice] & ~torch.cat([torch.zeros_like(batch["truth"]), batch["truth"][:, [column] * 2]], dim=1)
    repeated = {"label_ids": batch["label_ids"][thrice], "label_mask": batch["label_mask"][thrice], "label_weight": torch.ones(5)}
    truth = torch.cat([batch["truth"], torch.zeros_like(known[:, :2])], dim=1)
    with torch.no_grad():
        plain, weighted = made_of(**batch)["loss"], made_of(**batch | {"label_weight": weight})["loss"]
        torch.testing.assert_close(weighted, made_of(**batch | repeated | {"known": known, "truth": truth})["loss"])
        heavier = made_of(**batch | {"pair_weight": batch["pair_weight"] * 3})["loss"]
    assert float(weighted) > float(plain) + 1e-4
    assert float(heavier) == pytest.approx(float(plain) * (3 if len(rows) == 1 else 1))


def test_labels_are_embedded_as_at_inference(encoder: Encoder) -> None:
    texts = sorted([f"{a} {b} vote" * count for a, b, count in zip("abcdefgh" * 7, "stuvwxyz" * 7, [1, 2, 3] * 20, strict=False)], key=len)
    assert len(texts) > 2 * model.LABELS
    encoded = encoder.tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        found = relation_model(encoder)._embed(encoded["input_ids"], encoded["attention_mask"])
    torch.testing.assert_close(found, encoder.embed(texts), rtol=0, atol=1e-5)


def test_a_row_that_knows_of_no_relation_is_not_read(encoder: Encoder) -> None:
    assert features(encoder, [row(TEXT, PAIR, labels=[])], "own", ["flood"]) == []
