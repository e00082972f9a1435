"""Taggers of the Hub in the place of the entity adapter: their labels as ours, runs of tags as mentions, exact offsets."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForTokenClassification, AutoTokenizer

from tasks import pipeline
from tasks.core.encoder import load_config
from tasks.core.errors import AdapterError, ModelError
from tasks.relation_extraction import task
from tasks.relation_extraction.ready import ReadyMade, is_ready_made, read_tags
from tasks.relation_extraction.types import Entity

TAGS = ["O", "B-PER", "I-PER", "B-GPE", "I-GPE", "B-FOO"]
OURS = [None, "PER", "PER", "LOC", "LOC", None]
TEXTS = ["The flood hit the town.", "", "😀 Zoë fled\nthe flood", "flood vote " * 75, " \n", "half \ud83d emoji"]
Told = list[tuple[int, int, str | None]]


def mentions(entities: tuple[Entity, ...]) -> Told:
    """All mentions in text order."""
    return sorted((span.start, span.end, entity.type) for entity in entities for span in entity.mentions)


@pytest.fixture(scope="module")
def taggers(make_model: Callable[..., Path]) -> Callable[[str], Path]:
    """The folder of a tiny tagger of each kind, made once."""
    made: dict[str, Path] = {}
    named = {"id2label": dict(enumerate(TAGS)), "label2id": {label: number for number, label in enumerate(TAGS)}}

    def build(kind: str) -> Path:
        if kind not in made:
            made[kind] = make_model(kind, AutoModelForTokenClassification, seed=1, max_position_embeddings=128, **named)
        return made[kind]

    return build


@pytest.fixture(scope="module")
def tagger(taggers: Callable[[str], Path]) -> ReadyMade:
    """The tiny BERT tagger."""
    return ReadyMade.load(str(taggers("bert")), None, None)


@pytest.fixture(scope="module")
def any_tagger(taggers: Callable[[str], Path], kind: str) -> ReadyMade:
    """A tiny tagger of each kind."""
    return ReadyMade.load(str(taggers(kind)), None, None)


# Labels


@pytest.mark.parametrize(
    ("labels", "tags"),
    [
        (TAGS, [(None, False), ("PER", True), ("PER", False), ("LOC", True), ("LOC", False), (None, True)]),
        (["I-ORG", "O"], [("ORG", False), (None, False)]),
        (["O", "B-DATE", "I-DATE", "E-DATE", "S-DATE"], [(None, False), ("TIME", True), ("TIME", False), ("TIME", False), ("TIME", True)]),
        (["O", "B-X", "U-PERSON", "L-PERSON"], [(None, False), (None, True), ("PER", True), ("PER", False)]),
        (["person", "CARDINAL", "none"], [("PER", False), ("NUM", False), (None, False)]),
        (["B-work_of_art", "I-Miscellaneous"], [("MISC", True), ("MISC", False)]),
    ],
)
def test_labels_are_read_as_our_types(labels: list[str], tags: list[tuple[str | None, bool]]) -> None:
    assert read_tags("a tagger", dict(enumerate(labels))) == tags
    backwards = dict(reversed(list(enumerate(labels))))  # the numbers count, not their order
    assert read_tags("a tagger", backwards) == tags


WRONG = [["LABEL_0", "LABEL_1"], ["O"], ["O", "B-POS", "I-POS"], ["NOUN", "VERB"], ["B_PER", "O"], ["b-per", "O"], ["", "O"]]


@pytest.mark.parametrize("labels", WRONG)
def test_labels_that_are_no_entities_are_refused(labels: list[str]) -> None:
    with pytest.raises(ModelError) as error:
        read_tags("a tagger", dict(enumerate(labels)))
    assert str(error.value) == f"The labels of 'a tagger' ({', '.join(labels)}) are no types of entities that are known here."


def test_of_many_labels_some_are_named() -> None:
    with pytest.raises(ModelError, match=r"\(a, b, c, d, e, f\) are no types"):
        read_tags("a tagger", dict(enumerate("abcdefgh")))


def test_a_model_is_ready_made_by_its_class(bert: Path, taggers: Callable[[str], Path], make_classifier: Callable[..., Path]) -> None:
    assert not is_ready_made(load_config(str(bert), None))
    assert not is_ready_made(load_config(str(make_classifier(["PER", "O"], "message")), None))
    assert is_ready_made(load_config(str(taggers("bert")), None))
    assert not is_ready_made(SimpleNamespace(architectures=None))


@pytest.mark.parametrize("labels", [["O", "B-POS", "I-POS"], ["LABEL_0", "LABEL_1"]])
def test_the_pipeline_refuses_a_tagger_of_something_else(make_classifier: Callable[..., Path], labels: list[str]) -> None:
    folder = make_classifier(labels)
    with pytest.raises(ModelError, match="are no types of entities that are known here") as error:
        pipeline("relation-extraction", str(folder))
    assert str(folder) in str(error.value) and len(str(error.value).splitlines()) == 1


def test_a_tagger_alone_knows_no_relations(taggers: Callable[[str], Path]) -> None:
    with pytest.raises(AdapterError, match="knows no relations: give an adapter, or a token-classification model for the entities"):
        pipeline("relation-extraction", str(taggers("bert")), adapter=None)


def test_the_pipeline_takes_a_tagger_in_the_place_of_the_entity_adapter(
    taggers: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task, "_assemble", lambda *parts: parts)
    finder, *relations = pipeline("relation-extraction", str(taggers("bert")), adapter="mine")
    assert relations == [None, "mine", None, None]  # over the default encoder
    text = "The flood hit the town."
    assert isinstance(finder, ReadyMade) and finder([text]) == ReadyMade.load(str(taggers("bert")), None, None)([text]) != [()]


# Runs


def tagged(tagger: ReadyMade, monkeypatch: pytest.MonkeyPatch, tags: str, text: str, shares: list[float]) -> tuple[Entity, ...]:
    """The entities where the words of ``text``, a token each, get ``tags`` with these probabilities."""
    chosen = torch.tensor([TAGS.index(tag) for tag in tags.split()])

    def forward(input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        places = torch.arange(len(chosen))
        made = torch.full((*input_ids.shape, len(TAGS)), 0.01)
        made[0, places + 1] = ((1 - torch.tensor(shares)) / (len(TAGS) - 1))[:, None]
        made[0, places + 1, chosen] = torch.tensor(shares)
        return SimpleNamespace(logits=made.log())

    monkeypatch.setattr(tagger.encoder.model, "forward", forward)
    (entities,) = tagger([text])
    return entities


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("O B-PER I-PER O O O", [("flood hit", "PER")]),
        ("O B-PER B-PER I-PER O O", [("flood", "PER"), ("hit town", "PER")]),
        ("I-GPE I-GPE O I-GPE O O", [("nurse flood", "LOC"), ("town", "LOC")]),  # without a beginning too
        ("O B-PER I-GPE O O O", [("flood", "PER"), ("hit", "LOC")]),
        ("B-PER O I-PER O O O", [("nurse", "PER"), ("hit", "PER")]),
        ("B-PER B-FOO I-PER O O O", [("nurse", "PER"), ("hit", "PER")]),  # what is none of ours stands between
        ("B-FOO B-FOO O O O O", []),
        ("O O O O O O", []),
        ("O O O O O B-GPE", [(".", "LOC")]),
        ("B-PER I-PER I-PER I-PER I-PER I-PER", [("nurse flood hit town was.", "PER")]),
    ],
)
def test_runs_of_tags_are_mentions(tagger: ReadyMade, monkeypatch: pytest.MonkeyPatch, tags: str, expected: list[tuple[str, str]]) -> None:
    found = tagged(tagger, monkeypatch, tags, "nurse flood hit town was.", [0.75] * 6)
    assert [(entity.span.text, entity.type) for entity in found] == expected
    assert all(entity.mentions == (entity.span,) and entity.score == pytest.approx(0.75) for entity in found)


def test_the_score_of_a_mention_is_the_mean_of_its_words(tagger: ReadyMade, monkeypatch: pytest.MonkeyPatch) -> None:
    found = tagged(tagger, monkeypatch, "B-PER I-PER I-PER O B-GPE O", "nurse flood hit town was.", [0.9, 0.5, 0.4, 0.99, 0.7, 0.99])
    assert [entity.score for entity in found] == pytest.approx([(0.9 + 0.5 + 0.4) / 3, 0.7])


def test_sure_tags_are_still_probabilities(tagger: ReadyMade, monkeypatch: pytest.MonkeyPatch) -> None:
    forward = lambda input_ids, **_: SimpleNamespace(logits=torch.eye(len(TAGS))[1].expand(*input_ids.shape, -1) * 1e4)  # noqa: E731
    monkeypatch.setattr(tagger.encoder.model, "forward", forward)
    assert [entity.score for entity in tagger(["vote in town"])[0]] == [1.0, 1.0, 1.0]


def test_mentions_of_one_name_are_one_entity(tagger: ReadyMade, monkeypatch: pytest.MonkeyPatch) -> None:
    found = tagged(tagger, monkeypatch, "B-PER I-PER O B-PER O B-GPE", "nurse flood hit FLOOD was flood", [0.6, 0.6, 0.9, 0.8, 0.9, 0.7])
    assert [(entity.type, [span.text for span in entity.mentions], round(entity.score, 4)) for entity in found] == [
        ("PER", ["nurse flood", "FLOOD"], 0.8),
        ("LOC", ["flood"], 0.7),
    ]


# As the stock model tags


def by_hand(folder: Path, text: str) -> tuple[Told, list[float]]:
    """Mentions and their scores, from what the stock model says of the first token of each word."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForTokenClassification.from_pretrained(folder).eval()
    read = tokenizer(text, return_tensors="pt")
    with torch.inference_mode():
        shares = model(**{name: read[name] for name in ("input_ids", "attention_mask")}).logits[0].softmax(-1)
    found: Told = []
    scores: list[list[float]] = []
    before = None  # the type of the word before
    words = sorted({word for word in read.word_ids() if word is not None})
    for word in words:
        tokens = read.word_to_tokens(word)
        number = int(shares[tokens.start].argmax())
        start, end = read.token_to_chars(tokens.start).start, read.token_to_chars(tokens.end - 1).end
        if OURS[number] and OURS[number] == before and not TAGS[number].startswith("B-"):
            found[-1] = (found[-1][0], end, before)
            scores[-1].append(float(shares[tokens.start, number]))
        elif OURS[number]:
            found.append((start, end, OURS[number]))
            scores.append([float(shares[tokens.start, number])])
        before = OURS[number]
    shown = [(end - len(text[start:end].lstrip()), end, kind) for start, end, kind in found]  # DeBERTa's words begin with their space
    return shown, [sum(each) / len(each) for each in scores]


@pytest.mark.parametrize("text", ["The flood hit the town.", "😀 Zoë fled, and a nurse", "vote", "in na\u0308chster Nähe 🥐🥐 was 漢字"])
def test_mentions_are_what_the_stock_model_says(any_tagger: ReadyMade, taggers: Callable[[str], Path], kind: str, text: str) -> None:
    expected, scores = by_hand(taggers(kind), text)
    (found,) = any_tagger([text])
    assert mentions(found) == expected
    for entity in found:
        own = [score for place, score in zip(expected, scores, strict=True) if place[:2] in {(s.start, s.end) for s in entity.mentions}]
        assert entity.score == pytest.approx(max(own), abs=1e-5)


def test_the_taggers_of_these_tests_find_something(taggers: Callable[[str], Path], kind: str) -> None:
    found, _ = by_hand(taggers(kind), "The flood hit the town, and people fled in a vote.")
    assert found


# What all share


@settings(max_examples=40, deadline=None)
@given(text=st.one_of(st.text(max_size=60), st.text(st.characters(exclude_categories=()), max_size=40), st.sampled_from(TEXTS)))
def test_offsets_are_exact_in_any_text(tagger: ReadyMade, text: str) -> None:
    (entities,) = tagger([text])
    spans = [span for entity in entities for span in entity.mentions]
    assert all(text[span.start : span.end] == span.text == span.text.strip() for span in spans)
    assert all(0 < entity.score <= 1 and not math.isnan(entity.score) for entity in entities)
    assert [entity.mentions[0].start for entity in entities] == sorted(entity.mentions[0].start for entity in entities)
    ordered = sorted(spans, key=lambda span: span.start)
    assert all(one.end <= other.start for one, other in itertools.pairwise(ordered))


def test_a_batch_answers_as_single_texts_in_any_order(any_tagger: ReadyMade) -> None:
    texts = [text.strip(" ") for text in TEXTS]
    single = {text: any_tagger([text])[0] for text in texts}
    for batch in (texts, texts[::-1], [*texts[2:], *texts[:2]]):
        for text, found in zip(batch, any_tagger(batch), strict=True):
            assert mentions(found) == mentions(single[text])
            assert [each.score for each in found] == pytest.approx([each.score for each in single[text]], abs=1e-4)
    assert any_tagger([]) == []


@pytest.mark.parametrize("blank", ["", " ", "\n\t\r\n"])
def test_a_blank_text_has_no_entities(any_tagger: ReadyMade, blank: str) -> None:
    assert any_tagger([blank, blank]) == [(), ()]


def test_a_long_text_is_read_to_its_end(tagger: ReadyMade, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every tenth word is told, wherever windows begin and end."""
    text = "the flood hit the town and people fled in vote " * 60
    vote = tagger.encoder.tokenizer("vote", add_special_tokens=False)["input_ids"][0]
    chosen = lambda input_ids, **_: SimpleNamespace(logits=torch.eye(len(TAGS))[(input_ids == vote).long()] * 9)  # noqa: E731
    monkeypatch.setattr(tagger.encoder.model, "forward", chosen)
    (entities,) = tagger([text])
    (entity,) = entities
    assert entity.type == "PER" and [span.text for span in entity.mentions] == ["vote"] * 60
    assert [span.start for span in entity.mentions] == list(range(42, 42 + 47 * 60, 47))


def test_a_run_over_the_edge_of_a_window_is_one_mention(tagger: ReadyMade, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "vote " * 500
    monkeypatch.setattr(
        tagger.encoder.model, "forward", lambda input_ids, **_: SimpleNamespace(logits=torch.eye(len(TAGS))[2].expand(*input_ids.shape, -1))
    )
    assert mentions(tagger([text])[0]) == [(0, len(text) - 1, "PER")]
