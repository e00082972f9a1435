"""The index of passages: what is found, what an addition costs, and that searches never see half of a change."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from bm25s import BM25
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.errors import InputError, ModelError
from tasks.question_answering.documents import index as module
from tasks.question_answering.documents.bm25 import K1, B, Lexical
from tasks.question_answering.documents.index import Change, PassageIndex
from tasks.question_answering.documents.types import Document

WORDS = ["river", "flood", "bridge", "town", "school", "nurse", "vote", "engineer"]
TOWN = Document("town.pdf", "The river flooded the town.\n\nA nurse fled.", (0, 29))
BRIDGE = Document("bridge.txt", "The engineer closed the bridge.")


class Embedder:
    """Counts words; keeps the texts that it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> torch.Tensor:
        self.asked += texts
        return torch.tensor([[float(text.lower().count(word)) for word in WORDS] for text in texts]) * 7


def paragraphs(*names: str) -> str:
    """A passage for each name."""
    return "\n\n".join(" ".join([f"The {name} is here and it goes on."] * 9) for name in names)


def built(*documents: Document) -> tuple[PassageIndex, Embedder]:
    embedder = Embedder()
    index = PassageIndex(embedder)
    index.add(documents)
    embedder.asked.clear()
    return index, embedder


@pytest.mark.parametrize("method", ["dense", "bm25", "hybrid"])
def test_each_search_finds_what_fits_best(method: Any) -> None:
    index, _ = built(TOWN, Document("long.txt", paragraphs("vote", "school", "flood")), BRIDGE)
    found = index.search_by("Who closed the bridges? An engineer?", 3, method)
    passage, score = found[0]
    assert (passage.document, passage.text) == ("bridge.txt", BRIDGE.text) and 0 < score <= 1
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    assert len(found) == (1 if method == "bm25" else 3)


def test_passages_know_their_page_and_place() -> None:
    index, _ = built(TOWN)
    ((passage, _),) = index.search("nurse", 1)
    assert index.document("town.pdf").text[passage.start : passage.end] == passage.text and passage.page == 1


def test_words_are_found_by_their_stems_and_common_words_count_nothing() -> None:
    index, _ = built(TOWN, BRIDGE)
    assert [each.document for each, _ in index.search_by("FLOODING rivers", 5, "bm25")] == ["town.pdf"]
    assert index.search_by("is the of", 5, "bm25") == index.search_by("zebra", 5, "bm25") == []


def test_a_lexical_score_is_a_share_of_the_question() -> None:
    index, _ = built(TOWN, BRIDGE)
    alone, beside = (index.search_by(question, 1, "bm25")[0][1] for question in ("bridge", "bridge zebra okapi"))
    assert 0 < beside < alone < 1


def test_the_hybrid_is_the_weighted_sum() -> None:
    index, _ = built(TOWN, BRIDGE)
    scores = {method: dict(index.search_by("river bridge", 5, method)) for method in ("dense", "bm25", "hybrid")}  # type: ignore[arg-type]
    for passage, score in scores["hybrid"].items():
        weight = module.LEXICAL_WEIGHT
        assert score == pytest.approx((1 - weight) * scores["dense"][passage] + weight * scores["bm25"].get(passage, 0), abs=2e-5)
    assert index.search_by("river", 5, "hybrid", weight=0.0) == index.search_by("river", 5, "dense")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), max_size=12), min_size=1, max_size=9).filter(any), st.sets(st.integers(0, 9), min_size=1))
def test_the_matrix_is_the_one_that_bm25s_builds(rows: list[list[int]], question: set[int]) -> None:
    theirs = BM25(K1, B, method="lucene")
    theirs.index((rows, {str(number): number for number in range(10)}), show_progress=False)
    terms = np.array([number for row in rows for number in row], np.int32)
    ours = Lexical(terms, np.array([len(row) for row in rows], np.int64), 10)
    asked = np.array(sorted(question), np.int32)
    expected = theirs.get_scores_from_ids(asked)
    scores = ours.scores(asked, 0)
    if max(sum(map(len, rows)) / len(rows), 0) >= 1:  # shorter on average than a word: only in this test
        assert np.allclose(scores * (expected.max() / max(scores.max(), 1e-9)), expected, atol=1e-4)
    assert scores.max(initial=0) < 1


def test_equal_passages_come_in_the_order_in_which_they_were_added() -> None:
    index, _ = built(*(Document(f"{n}.txt", "The river rose.") for n in range(40)), BRIDGE)
    for method in ("dense", "bm25", "hybrid"):
        assert [each.document for each, _ in index.search_by("river", 7, method)] == [f"{n}.txt" for n in range(7)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=400), st.integers(1, 50))
def test_the_best_are_those_of_a_stable_sort(values: list[int], k: int) -> None:
    scores = np.array(values, np.float32)
    assert module._best(scores, k) == sorted(range(len(values)), key=lambda row: -values[row])[:k]


def test_more_are_asked_for_than_there_are() -> None:
    index, _ = built(TOWN, BRIDGE)
    assert len(index.search("river", 99)) == len(index) == 2


def test_nothing_is_found_for_nothing_or_in_nothing() -> None:
    index, embedder = built(TOWN)
    assert index.search("") == index.search(" \n") == PassageIndex(embedder).search("river") == []
    assert embedder.asked == []
    index.add([Document("blank.txt", "")])
    assert index.names == ("town.pdf", "blank.txt") and len(index.search("river")) == 1


def test_what_cannot_be_asked_is_told() -> None:
    index, _ = built(TOWN)
    with pytest.raises(InputError, match="k is 0"):
        index.search("river", 0)
    with pytest.raises(InputError, match="choose 'dense', 'bm25' or 'hybrid'"):
        index.search_by("river", 1, "fuzzy")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="must be a string"):
        index.search(7)  # type: ignore[arg-type]
    for call in (index.remove, index.document):
        with pytest.raises(InputError, match=r"no document 'x': there are 'town.pdf'"):
            call("x")


def test_adding_embeds_only_what_is_new() -> None:
    index, embedder = built(TOWN)
    told: list[tuple[int, int]] = []
    text = paragraphs("vote", "school", "flood")
    assert index.add([Document("a.txt", text)], lambda done, of: told.append((done, of))) == [Change("a.txt", "added", 3, 3)]
    assert len(embedder.asked) == 3 and told == [(3, 3)]
    assert index.add([Document("a.txt", text), TOWN]) == [Change("a.txt", "unchanged", 3, 0), Change("town.pdf", "unchanged", 1, 0)]
    assert index.add([Document("copy.txt", text)]) == [Change("copy.txt", "added", 3, 0)]
    assert len(embedder.asked) == 3
    edited = text.replace("school is", "school was")
    assert index.add([Document("a.txt", edited)]) == [Change("a.txt", "replaced", 3, 1)]
    assert len(embedder.asked) == 4 and "school was" in embedder.asked[3]
    assert index.names == ("town.pdf", "a.txt", "copy.txt") and len(index) == 7


def test_a_replaced_or_removed_document_is_not_found_any_more_and_comes_back_for_nothing() -> None:
    index, embedder = built(TOWN, BRIDGE)
    index.add([Document("bridge.txt", "The school voted.")])
    assert index.search_by("engineer", 5, "bm25") == [] and "voted" in index.search("vote school", 1)[0][0].text
    index.remove("town.pdf")
    assert index.names == ("bridge.txt",) and index.search_by("river", 5, "bm25") == []
    embedder.asked.clear()
    index.add([TOWN, BRIDGE])
    assert embedder.asked == [] and [each.document for each, _ in index.search("river", 1)] == ["town.pdf"]


def test_what_was_removed_long_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FORGOTTEN", 1)
    index, embedder = built(TOWN, BRIDGE)
    index.remove("town.pdf")
    index.remove("bridge.txt")
    index.add([BRIDGE])
    assert embedder.asked == []
    index.add([TOWN])
    assert embedder.asked == [TOWN.text]


def test_the_pages_of_a_document_are_content() -> None:
    index, embedder = built(TOWN)
    assert index.add([Document("town.pdf", TOWN.text)]) == [Change("town.pdf", "replaced", 1, 0)]
    assert index.search("river", 1)[0][0].page is None and embedder.asked == ["river"]


def test_a_text_is_embedded_once_and_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 2)
    index, embedder = built()
    told: list[tuple[int, int]] = []
    index.add([Document("a", paragraphs("vote", "school", "flood")), Document("b", paragraphs("vote"))], lambda *each: told.append(each))
    assert len(embedder.asked) == 3 and told == [(2, 3), (3, 3)]


def test_the_order_of_additions_changes_no_score() -> None:
    documents = [TOWN, BRIDGE, Document("c.txt", paragraphs("vote", "school"))]
    once, _ = built(*documents)
    later, _ = built(*documents[::-1])
    assert sorted((each.document, score) for each, score in once.search("vote on the bridge")) == sorted(
        (each.document, score) for each, score in later.search("vote on the bridge")
    )


@pytest.mark.parametrize(
    "embed",
    [
        lambda texts: np.full((len(texts), 4), np.nan),
        lambda texts: np.ones((len(texts) + 1, 4)),
        lambda texts: np.ones(4),
        lambda texts: np.ones((len(texts), 3)),
    ],
)
def test_an_encoder_that_gives_no_embeddings_changes_nothing(embed: Any) -> None:
    index = PassageIndex(lambda texts: np.ones((len(texts), 4)))
    index.add([TOWN])
    index._embed = embed
    with pytest.raises(ModelError, match="The encoder gives"):
        index.add([BRIDGE])
    assert index.names == ("town.pdf",)
    with pytest.raises(ModelError, match="The encoder gives"):
        index.search("river")


def test_searches_go_on_while_another_thread_adds() -> None:
    index, _ = built(TOWN)
    failed: list[BaseException] = []
    over = threading.Event()

    def ask() -> None:
        try:
            while not over.is_set():
                for passage, _ in index.search("river vote 17", 5):
                    assert passage.text
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(60):
        index.add([Document(f"{number % 7}.txt", f"The river rose {number} feet.\n\n{paragraphs(WORDS[number % 8])}")])
        if number % 5 == 4:
            index.remove(f"{number % 7}.txt")
    over.set()
    for thread in threads:
        thread.join()
    assert not failed


def test_vectors_are_held_once() -> None:
    index, _ = built(TOWN, BRIDGE)
    index.search("river")
    assert all(block.vectors.base is index._now.vectors for block in index._now.blocks)
