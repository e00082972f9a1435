"""Embeddings by content: each text encoded once, kept between runs, bounded; and fields as weighted means of their texts'."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from tasks.core.encoder import Encoder
from tasks.recommendation import store
from tasks.recommendation.fields import DESCRIPTION, composed, field_texts, fields_of
from tasks.recommendation.store import Store, default_folder, open_store
from tasks.recommendation.types import Item

WIDTH = 8
TEXTS = ["a long text about a river", "mill", "bridge", "", " ", "\ud83d half an emoji", "Überblick 語"]


class Embedder:
    """Embeddings that a text alone decides; ``asked``: the texts of each call."""

    def __init__(self, width: int = WIDTH) -> None:
        self.width = width
        self.asked: list[list[str]] = []

    def __call__(self, texts: Sequence[str]) -> Tensor:
        self.asked.append(list(texts))
        return torch.stack([vector(text, self.width) for text in texts]).half()

    @property
    def all(self) -> list[str]:
        return [text for texts in self.asked for text in texts]


def vector(text: str, width: int = WIDTH) -> Tensor:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return torch.tensor([byte / 256 - 0.5 for byte in digest[:width]])


def expected(texts: Sequence[str]) -> Tensor:
    return torch.stack([vector(text) for text in texts])


def opened(folder: Path, embedder: Embedder | None = None) -> tuple[Store, Embedder]:
    embedder = embedder or Embedder()
    return Store(embedder, embedder.width, folder), embedder


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)


# Texts


def test_each_text_is_encoded_once(tmp_path: Path) -> None:
    embed, embedder = opened(tmp_path)
    found = embed([*TEXTS, *TEXTS[:3]])
    assert found.dtype == torch.float32 and torch.equal(found, expected([*TEXTS, *TEXTS[:3]]))
    assert torch.equal(embed([*TEXTS[::-1], "new"]), expected([*TEXTS[::-1], "new"]))
    assert sorted(embedder.all) == sorted([*TEXTS, "new"])
    assert embed([]).shape == (0, WIDTH) and len(embedder.asked) == 2


def test_another_store_rereads_them_from_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(tmp_path / "new" / "texts")[0](TEXTS[:4])
    opened(tmp_path / "new" / "texts")[0](TEXTS)
    for many in (0, 1, 1_000):  # all of a file is read, or the rows
        monkeypatch.setattr(store, "MANY", many)
        embed, embedder = opened(tmp_path / "new" / "texts")
        assert torch.equal(embed(TEXTS[::-1]), expected(TEXTS[::-1])) and embedder.asked == []
        asked = [TEXTS[5], f"new {many}", TEXTS[1]]
        assert torch.equal(embed(asked), expected(asked)) and embedder.asked == [[f"new {many}"]]
    assert len(files(tmp_path / "new" / "texts")) == 5


def test_what_two_stores_wrote_at_once_is_read_together(tmp_path: Path) -> None:
    (first, _), (second, embedder) = opened(tmp_path), opened(tmp_path)
    first(TEXTS[:4])
    assert torch.equal(second(TEXTS), expected(TEXTS)) and sorted(embedder.all) == sorted(TEXTS[4:])
    assert torch.equal(first(TEXTS), expected(TEXTS))
    assert {path.suffix for path in files(tmp_path)} == {".safetensors"}


def test_nothing_is_kept_of_what_users_ask_for(tmp_path: Path) -> None:
    embed, embedder = opened(tmp_path)
    embed(["slow"])
    for texts in (["slow", "loud"], ["loud", "slow"]):
        assert torch.equal(embed.passing(texts), expected(texts))
    assert embed.passing([]).shape[0] == 0 and embedder.all == ["slow", "loud", "loud"] and len(files(tmp_path)) == 1
    assert torch.equal(opened(tmp_path)[0](["slow"]), expected(["slow"]))


def damaged(path: Path, how: str) -> None:
    parts = load_file(path)
    keys, vectors = parts["keys"], parts["vectors"]
    contents: dict[str, dict[str, np.ndarray]] = {
        "fewer rows": {"keys": keys, "vectors": vectors[:1]},
        "more rows": {"keys": keys[:1], "vectors": vectors},
        "short keys": {"keys": keys[:, :4].copy(), "vectors": vectors},
        "a key": {"keys": keys[0].copy(), "vectors": vectors},
        "other numbers": {"keys": keys.astype(np.int64), "vectors": vectors},
        "no keys": {"vectors": vectors},
        "no vectors": {"keys": keys},
        "another width": {"keys": keys, "vectors": vectors[:, :5].copy()},
        "flat": {"keys": keys, "vectors": vectors.ravel()},
    }
    if how in contents:
        save_file(contents[how], path)
    else:
        path.write_bytes({"cut": path.read_bytes()[:-20], "text": b"no safetensors " * 9, "nothing": b""}[how])


WAYS = ["cut", "text", "nothing", "fewer rows", "more rows", "short keys", "a key", "other numbers", "no keys", "no vectors"]


@pytest.mark.parametrize("how", [*WAYS, "another width", "flat"])
def test_a_damaged_file_is_as_good_as_none_and_is_replaced(tmp_path: Path, how: str) -> None:
    opened(tmp_path)[0](TEXTS)
    damaged(files(tmp_path)[0], how)
    embed, embedder = opened(tmp_path)
    assert torch.equal(embed(TEXTS), expected(TEXTS)) and sorted(embedder.all) == sorted(TEXTS)
    again, embedder = opened(tmp_path)
    assert torch.equal(again(TEXTS), expected(TEXTS)) and embedder.asked == [] and len(files(tmp_path)) == 1


@pytest.mark.parametrize("folder", ["a file", "a file/texts"])
def test_without_a_folder_everything_works(tmp_path: Path, folder: str) -> None:
    (tmp_path / "a file").write_text("the user's")
    embed, embedder = opened(tmp_path / folder)
    assert torch.equal(embed(TEXTS), expected(TEXTS)) and torch.equal(embed(TEXTS), expected(TEXTS))
    assert sorted(embedder.all) == sorted(TEXTS) and (tmp_path / "a file").read_text() == "the user's"


def test_progress_tells_of_the_texts_that_are_encoded_the_short_ones_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "CHUNK", 2)
    told: list[tuple[int, int, str]] = []
    embed, embedder = opened(tmp_path)
    texts = ["four", "three x 3", "1", "22", "fifteen letters"]
    assert torch.equal(embed(texts, lambda *step: told.append(step)), expected(texts))
    assert told == [(done, 5, "Reading the items") for done in (2, 4, 5)]
    assert embedder.asked == [["1", "22"], ["four", "three x 3"], ["fifteen letters"]]
    embed([*texts, "new"], lambda *step: told.append(step))
    assert told[3:] == [(1, 1, "Reading the items")]
    embed(texts, lambda *step: told.append(step))
    opened(tmp_path)[0](texts, lambda *step: told.append(step))
    assert len(told) == 4


def test_an_encoder_of_another_width_takes_nothing_of_the_first(tmp_path: Path) -> None:
    opened(tmp_path)[0](TEXTS)
    embed, embedder = opened(tmp_path, Embedder(5))
    assert torch.equal(embed(TEXTS), expected(TEXTS)[:, :5]) and sorted(embedder.all) == sorted(TEXTS)


def test_an_encoder_has_its_own_folder(tmp_path: Path, encoder: Encoder, default_encoder: Encoder) -> None:
    for each in (encoder, default_encoder, encoder):
        found = open_store(each, tmp_path)(["the flood", "a town", "the town fled"])
        assert torch.allclose(found, each.embed(["the flood", "a town", "the town fled"]).float(), atol=1e-5)
    assert len(files(tmp_path)) == 2 and all(len(files(path)) == 1 and path.name.startswith("texts-") for path in files(tmp_path))


def test_stores_lie_in_the_users_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "quipu"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert default_folder() == tmp_path / "home" / ".cache" / "quipu"


def test_threads_share_a_store_and_encode_nothing_twice(tmp_path: Path) -> None:
    class Slow(Embedder):
        def __call__(self, texts: Sequence[str]) -> Tensor:
            time.sleep(0.01)
            return super().__call__(texts)

    embed, embedder = opened(tmp_path, Slow())
    texts = [f"text {number}" for number in range(60)]
    wrong: list[int] = []

    def ask(number: int) -> None:
        mine = texts[number * 5 : number * 5 + 20]
        if not all(torch.equal(embed(mine), expected(mine)) for _ in range(5)):
            wrong.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and len(embedder.all) == len(set(embedder.all)) == 55


def test_memory_holds_the_latest_texts_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "REMEMBERED", 3)
    (tmp_path / "a file").write_text("")
    for folder in (tmp_path / "a file", tmp_path / "texts"):
        embed, embedder = opened(folder)
        embed(TEXTS)
        embed(["four", "five", "six", "seven"])
        assert len(embed._recent) == 3 and all(row.base is None for row in embed._recent.values())  # none holds the rows of others
        embed(["five", "six", "seven"])
        assert len(embedder.all) == len(TEXTS) + 4
        embed(TEXTS)
        assert len(embedder.all) == len(TEXTS) * (2 if folder.is_file() else 1) + 4


def test_a_store_that_grows_too_large_forgets_what_was_written_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = [[f"{name} {number}" for number in range(5)] for name in ("one", "two", "three")]
    embed, _ = opened(tmp_path)
    for at, texts in enumerate(rounds[:2]):
        embed(texts)
        os.utime(files(tmp_path)[-1], (at, at))
    first, second = files(tmp_path)
    monkeypatch.setattr(store, "LARGEST", 2 * first.stat().st_size + 10)
    embed(rounds[2])
    assert first not in files(tmp_path) and second in files(tmp_path) and len(files(tmp_path)) == 2
    again, embedder = opened(tmp_path)
    again([text for texts in rounds[::-1] for text in texts])
    assert embedder.all == rounds[0]


# Fields


def fields(items: Sequence[Item]) -> Tensor:
    texts = field_texts(items)
    return fields_of(expected(texts.texts), texts)


def direction(text: str) -> Tensor:
    return F.normalize(vector(text), dim=-1)


def test_tags_share_the_content_with_the_description() -> None:
    item = Item("a", "Title", ("Ada", "Kofi"), 1999, ("slow", "warm", "live"), "Long and slow.")
    title, creators, content = fields([item])[0]
    assert torch.allclose(title, direction("Title")) and torch.allclose(creators, direction("Ada, Kofi"))
    tags = sum(direction(tag) for tag in item.tags) / 3
    assert torch.allclose(content, (1 - DESCRIPTION) * tags + DESCRIPTION * direction("Long and slow."), atol=1e-6)


@pytest.mark.parametrize(
    ("tags", "description", "parts"),
    [
        (("slow", "warm"), "", {"slow": 0.5, "warm": 0.5}),
        (("slow", " ", ""), " \n", {"slow": 1.0}),
        ((), " Long. ", {"Long.": 1.0}),
        ((" ",), "Long.", {"Long.": 1.0}),
        (("slow",), "slow", {"slow": 1.0}),
        ((), "", {}),
    ],
)
def test_what_is_blank_has_no_weight(tags: tuple[str, ...], description: str, parts: dict[str, float]) -> None:
    found = fields([Item("a", " ", (), None, tags, description), Item("b", "")])
    content = sum((share * direction(text) for text, share in parts.items()), torch.zeros(WIDTH))
    assert torch.allclose(found[0, 2], content, atol=1e-6) and not found[0, :2].any() and not found[1].any() and len(found) == 2


def test_a_text_of_many_items_is_encoded_once(tmp_path: Path) -> None:
    items = [Item(str(number), "Greatest Hits", ("Ada",), None, ("slow", f"tag {number}"), "slow") for number in range(50)]
    texts = field_texts(items)
    assert len(texts.texts) == len(set(texts.texts)) == 1 + 3 + 50 and set(texts.texts) >= {"Greatest Hits", "Ada", "slow"}
    embed, embedder = opened(tmp_path)
    found = fields_of(embed(texts.texts), texts)
    assert len(embedder.all) == 54 and torch.allclose(found, fields(items)) and found.shape == (50, 3, WIDTH)
    assert torch.allclose(found[7, 2], 0.75 * direction("slow") + 0.25 * direction("tag 7"), atol=1e-6)


def test_no_items_have_no_fields() -> None:
    assert field_texts([]).texts == [""] and fields([]).shape == (0, 3, WIDTH)


def test_fields_are_weighted_means_of_directions_by_hand() -> None:
    found = torch.tensor([[3.0, 4.0], [0.0, 2.0], [0.0, 0.0]])
    cells, texts_at = torch.tensor([0, 2, 2, 4, 5]), torch.tensor([0, 0, 1, 1, 2])
    made = composed(found, cells, texts_at, torch.tensor([1.0, 0.25, 0.75, 0.5, 1.0]))
    assert torch.allclose(made, torch.tensor([[[0.6, 0.8], [0.0, 0.0], [0.15, 0.95]], [[0.0, 0.0], [0.0, 0.5], [0.0, 0.0]]]))
