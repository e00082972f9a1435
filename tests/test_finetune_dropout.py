"""Attention dropout of a run: what is asked for is what happens, in encoders of every kind that can."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from finetune.train import set_attention_dropout
from tasks.core.encoder import load_encoder, read_encoder
from tasks.core.errors import InputError
from tests.finetuning import MARKS, Fit

pytestmark = MARKS


def differs(network: Any) -> bool:
    """Whether two passes in training differ by the dropout of attention, all other dropout being off."""
    ids = torch.arange(5, 35)[None]
    return not torch.equal(*(network(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state for _ in range(2)))


@pytest.mark.parametrize("kind", ["bert", "roberta", "modernbert"])
def test_attention_dropout_is_what_was_asked_for(kind: str, make_model: Any) -> None:
    network = read_encoder(str(make_model(kind)), None, "cpu").model.train()
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    for share, expected in ((0.5, True), (0.0, False)):
        set_attention_dropout(network, share)
        assert differs(network) is expected
    set_attention_dropout(network, 0.5)
    assert not differs(network.eval())


def test_an_encoder_that_keeps_it_elsewhere_is_refused(make_model: Any) -> None:
    network = read_encoder(str(make_model("deberta")), None, "cpu").model
    with pytest.raises(InputError, match="leave --attention_dropout out"):
        set_attention_dropout(network, 0.0)


def test_a_run_changes_its_own_copy_alone(fit: Fit, encoders: dict[str, str]) -> None:
    def shares(network: Any) -> set[float]:
        return {module.dropout.p for module in network.modules() if hasattr(module, "is_causal")}

    assert shares(fit(attention_dropout=0.0).training.model.encoder) == {0.0}
    assert shares(load_encoder(encoders["tiny"]).model) == {0.1}


def test_a_share_of_one_or_more_is_refused(make_model: Any) -> None:
    with pytest.raises(InputError, match="must be from 0 to below 1"):
        set_attention_dropout(read_encoder(str(make_model()), None, "cpu").model, 1.5)
