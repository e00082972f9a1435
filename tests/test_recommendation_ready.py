"""Recommendation by models as they come: a sentence-transformers folder, or any encoder without an adapter."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoModel, AutoTokenizer

from tasks import pipeline
from tasks.core.encoder import DEFAULT_MODEL, mean_pool
from tasks.core.errors import ModelError
from tasks.recommendation.catalogue import Catalogue, read_items
from tasks.recommendation.ready import is_ready_made, load_ready
from tasks.recommendation.scoring import Weights
from tasks.recommendation.store import default_folder, quiet
from tests.catalogues import ITEMS, KINDS, rated

TEXTS = ["the flood hit the town", "people fled", "a vote in the school was lost " * 3]
MODES = ["cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens"]
Make = Callable[..., Path]
Copy = Callable[..., Path]


def pooling(*modes: str) -> dict[str, Any]:
    """A pooling's settings as sentence-transformers writes them."""
    return {"word_embedding_dimension": 32} | {f"pooling_mode_{mode}": mode in modes for mode in MODES}


@pytest.fixture(scope="module")
def sentence_model(make_model: Make) -> Copy:
    """``sentence_model(settings)``: a tiny BERT in a folder as sentence-transformers has it, with these settings of the pooling."""

    def build(settings: Any = None, kind: str = "bert") -> Path:
        folder = make_model(kind)
        parts = [("", "Transformer"), ("1_Pooling", "Pooling")]
        modules = [
            {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{name}"} for n, (path, name) in enumerate(parts)
        ]
        (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
        (folder / "1_Pooling").mkdir()
        if settings is not None:
            text = settings if isinstance(settings, str) else json.dumps(settings)
            (folder / "1_Pooling" / "config.json").write_text(text, encoding="utf-8")
        return folder

    return build


def plainly(folder: Path, first: bool) -> Tensor:
    """The embeddings of ``TEXTS`` by transformers alone."""
    model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        states = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
    found: Tensor = states[:, 0] if first else mean_pool(states, batch["attention_mask"])
    return found


def embedded(folder: Path, cache: Path) -> Tensor:
    """The same by what recommends."""
    store, _, _ = load_ready(str(folder), None, "cpu", Catalogue(read_items(ITEMS)), cache, quiet)
    return store(TEXTS)


def ids(result: Any) -> list[str]:
    return [each.item_id for each in result.items]


@pytest.mark.parametrize("kind", ["bert", "roberta"])
@pytest.mark.parametrize(
    ("settings", "first"),
    [
        (pooling("mean_tokens"), False),
        (pooling("cls_token"), True),
        ({"pooling_mode": "mean"}, False),
        ({"pooling_mode": "cls"}, True),
        (None, False),
    ],
)
def test_texts_are_pooled_as_the_model_says(sentence_model: Copy, tmp_path: Path, settings: Any, first: bool, kind: str) -> None:
    folder = sentence_model(settings, kind)
    found = embedded(folder, tmp_path)
    torch.testing.assert_close(found, plainly(folder, first), rtol=1e-4, atol=1e-4)
    assert (found - plainly(folder, not first)).abs().max() > 0.1


def test_the_first_token_and_the_mean_of_one_model_do_not_share_a_store(sentence_model: Copy, tmp_path: Path) -> None:
    one, other = sentence_model(pooling("mean_tokens")), sentence_model(pooling("cls_token"))
    torch.testing.assert_close(plainly(one, True), plainly(other, True))  # the weights are the same
    assert not torch.allclose(embedded(one, tmp_path), embedded(other, tmp_path))
    torch.testing.assert_close(embedded(one, tmp_path), plainly(one, False), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (pooling("max_tokens"), "pools by 'pooling_mode_max_tokens': choose one that takes the mean or the first token"),
        (pooling("cls_token", "mean_tokens"), "pools by 'pooling_mode_cls_token, pooling_mode_mean_tokens'"),
        ({"pooling_mode": "lasttoken"}, "pools by 'lasttoken'"),
        ("{", "is damaged: get the model again"),
    ],
)
def test_another_pooling_is_one_sentence(sentence_model: Copy, settings: Any, message: str) -> None:
    with pytest.raises(ModelError, match=message) as raised:
        pipeline("recommendation", str(sentence_model(settings)), items=ITEMS)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("mode", ["mean_tokens", "cls_token"])
def test_a_sentence_model_recommends_by_its_name_alone(sentence_model: Copy, mode: str) -> None:
    folder = str(sentence_model(pooling(mode)))
    assert is_ready_made(folder, None)
    recommender = pipeline("recommendation", folder, items=ITEMS)
    found = recommender([ITEMS[0]["item_id"], ITEMS[1]["item_id"]], k=5)
    assert len(found.items) == 5 and sum(each.startswith(KINDS[0]) for each in ids(found)) >= 4
    assert found.items[0].because
    assert recommender(query="the vote").items
    assert recommender.stock.scorer.weights == Weights(near=Weights().near_unfamiliar)
    assert recommender([ITEMS[0]["item_id"]]) == pipeline("recommendation", folder, None, items=ITEMS)([ITEMS[0]["item_id"]])


def test_a_plain_encoder_recommends_without_an_adapter(any_model: Path) -> None:
    assert not is_ready_made(str(any_model), None)
    recommender = pipeline("recommendation", str(any_model), adapter=None, items=ITEMS, ratings=rated(12))
    found = recommender([ITEMS[8]["item_id"], ITEMS[9]["item_id"]], k=4)
    assert ids(found)[0].startswith(KINDS[1]) and not set(ids(found)) & {ITEMS[8]["item_id"], ITEMS[9]["item_id"]}
    assert all(0 < each.score < 1 for each in found.items)
    assert recommender([ITEMS[8]["item_id"]]) == recommender([[ITEMS[8]["item_id"]], [ITEMS[9]["item_id"]]])[0]


def test_the_embedded_encoder_recommends_without_an_adapter() -> None:
    rows = [("a", "A history of jazz"), ("b", "Swing and bebop"), ("c", "Trumpets in New Orleans"), ("d", "Baking bread"), ("e", "Cakes")]
    recommender = pipeline("recommendation", adapter=None, items=[{"item_id": name, "title": title} for name, title in rows])
    assert set(ids(recommender(["a"], k=2))) == {"b", "c"} and ids(recommender(["e"], k=1)) == ["d"]
    assert ids(recommender(query="something about pastry", k=1)) == ["e"]
    assert not is_ready_made(DEFAULT_MODEL, None)  # though it is one: it has its adapter


def test_an_adapter_that_is_named_comes_before_the_model_alone(sentence_model: Copy, recommender_adapter: Path) -> None:
    folder = sentence_model(pooling("mean_tokens"))
    trained = pipeline("recommendation", str(folder), str(recommender_adapter), items=ITEMS).stock.scorer.head
    alone = pipeline("recommendation", str(folder), items=ITEMS).stock.scorer.head
    assert torch.equal(alone.map.weight, torch.eye(len(alone.map.weight))) and not torch.equal(trained.map.weight, alone.map.weight)


def test_a_shipped_adapter_is_refused_over_an_encoder_that_is_no_sentence_model(bert: Path, recommender_adapter: Path) -> None:
    assert pipeline("recommendation", str(bert), str(recommender_adapter), items=ITEMS).catalogue
    with pytest.raises(ModelError, match="could not be loaded"):
        pipeline("recommendation", str(recommender_adapter), adapter=None, items=ITEMS)  # which is no model


def test_what_was_encoded_is_kept_in_the_cache_of_the_tests(bert: Path, cache: Path) -> None:
    """Not in the user's, and not where a process that a test starts would put it either."""
    assert default_folder() == cache / "quipu" == Path(os.environ["XDG_CACHE_HOME"]) / "quipu"
    pipeline("recommendation", str(bert), adapter=None, items=[{"item_id": "1", "title": "never read before"}])
    assert list(default_folder().glob("texts-*/*.safetensors"))


def test_a_model_with_a_layer_that_is_not_read_is_refused(sentence_model: Copy) -> None:
    folder = sentence_model(pooling("mean_tokens"))
    modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    dense = {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"}
    (folder / "modules.json").write_text(json.dumps([*modules, dense]), encoding="utf-8")
    with pytest.raises(ModelError, match="has a layer 'Dense', which is not read"):
        pipeline("recommendation", model=str(folder), items=ITEMS)
