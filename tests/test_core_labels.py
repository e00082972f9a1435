"""Labels: what a caller may give, and embeddings that are computed once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor

from tasks.core.encoder import Encoder
from tasks.core.errors import InputError
from tasks.core.labels import MAX_LABELS, LabelCache, check_labels, label_text, readable

KNOWN = {"Flood": "water where it should not be", "Vote": ""}


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "The label list is empty"),
        ({}, "The label list is empty"),
        ((), "The label list is empty"),
        ("flood", "labels must be a list of names"),
        (b"flood", "must be a non-empty string, not 102"),
        (5, "labels must be a list of names"),
        ([""], "must be a non-empty string, not ''"),
        (["flood", "  \n"], "must be a non-empty string"),
        ([None], "must be a non-empty string, not None"),
        (["flood", 3], "must be a non-empty string, not 3"),
        ([["flood"]], "must be a non-empty string"),
        (["flood", "storm", "flood"], "'flood' is given twice"),
        (["Flood", " flood "], "'flood' is given twice"),
        (["STRASSE", "straße"], "'straße' is given twice"),
        ({"flood": 3}, "description of label 'flood' must be a string, not int"),
        ({"flood": ["water"]}, "description of label 'flood' must be a string, not list"),
        ([str(number) for number in range(MAX_LABELS + 1)], "1,001 labels are too many: give at most 1,000"),
        ([str(number) for number in range(10_000)], "10,000 labels are too many: give at most 1,000"),
    ],
)
def test_a_bad_list_is_refused_in_one_sentence(labels: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        check_labels(labels, KNOWN)
    assert len(str(caught.value)) < 300 and "\n" not in str(caught.value)


def test_a_thousand_labels_are_fine_in_any_kind_of_list() -> None:
    names = [f"label {number}" for number in range(1000)]
    for labels in (names, tuple(names), iter(names), dict.fromkeys(names, "")):
        assert list(check_labels(labels, KNOWN)) == names


def test_names_that_are_known_bring_their_descriptions() -> None:
    assert check_labels(["Vote", " Flood ", "storm"], KNOWN) == {"Vote": "", "Flood": KNOWN["Flood"], "storm": ""}


def test_a_mapping_brings_its_own_descriptions() -> None:
    assert check_labels({" Flood ": " rising\n water ", "Vote": None}, KNOWN) == {"Flood": "rising water", "Vote": ""}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Cause_to_be_included", "cause to be included"),
        ("Life.BeBorn", "life: be born"),
        ("évacuation  d'urgence", "évacuation d'urgence"),
        ("洪水", "洪水"),
    ],
)
def test_type_names_become_words(name: str, text: str) -> None:
    assert readable(name) == text and label_text(name, "what it is") == f"{text}: what it is"


class Counting:
    """An embedding that counts what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> Tensor:
        self.asked += texts
        return torch.tensor([[float(len(text)), float(sum(map(ord, text)))] for text in texts])


def test_a_label_is_embedded_once_and_again_only_with_another_description() -> None:
    embed = Counting()
    cache = LabelCache(embed)
    first = cache({"flood": "", "storm": ""})
    assert torch.equal(cache({"storm": "", "flood": ""}), first.flip(0))
    cache({"flood": "water", "storm": ""})
    assert embed.asked == ["flood", "storm", "flood: water"]


def test_a_full_cache_starts_again_and_still_answers() -> None:
    embed = Counting()
    cache = LabelCache(embed, limit=3)
    for names in (["a", "b"], ["c", "d"], ["a", "b", "c", "d", "e"], ["a"]):
        assert cache(dict.fromkeys(names, "")).tolist() == Counting()(names).tolist()


def test_eight_threads_get_their_own_labels_and_embed_each_once() -> None:
    embed = Counting()
    cache = LabelCache(embed)
    sets = [[f"label {number}" for number in range(start, start + 20)] for start in range(0, 80, 5)] * 4
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda names: cache(dict.fromkeys(names, "")), sets))
    assert all(rows.tolist() == Counting()(names).tolist() for rows, names in zip(found, sets, strict=True))
    assert len(embed.asked) == len(set(embed.asked)) == 95


def test_the_order_of_labels_does_not_change_their_embeddings(encoder: Encoder) -> None:
    names = ["flood", "earthquake", "a vote in the school", "nurse"]
    forwards, backwards = (LabelCache(encoder.embed)(dict.fromkeys(order, "")) for order in (names, names[::-1]))
    assert torch.equal(forwards, backwards.flip(0))
