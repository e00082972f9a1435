"""Hostile and foreign texts: spaces that tokenizers take for words, other scripts, numbers beyond all bounds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForTokenClassification

from tasks.core.encoder import Encoder
from tasks.core.errors import AdapterError, InputError
from tasks.core.types import Span
from tasks.relation_extraction.decode import Settings, sentence_ends
from tasks.relation_extraction.entities.data import token_shapes, windower_of
from tasks.relation_extraction.entities.decode import Candidate, EntityScores, candidates
from tasks.relation_extraction.entities.given import read_entities
from tasks.relation_extraction.entities.linking import link, name_words
from tasks.relation_extraction.ready import ReadyMade
from tasks.relation_extraction.types import TYPES

TAGS = ["B-PER", "O"]


@pytest.mark.parametrize("text", ["vote ", "in  town", "a\n\ntown", "vote  \t"])
def test_ready_white_space(make_model: Callable[..., Path], kind: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every word is told as PER: RoBERTa and ModernBERT raise ValueError, DeBERTa has spaces in its mentions."""
    named = {"id2label": dict(enumerate(TAGS)), "label2id": {label: n for n, label in enumerate(TAGS)}}
    tagger = ReadyMade.load(str(make_model(kind, AutoModelForTokenClassification, **named)), None, None)
    monkeypatch.setattr(
        tagger.encoder.model, "forward", lambda input_ids, **_: SimpleNamespace(logits=torch.eye(2)[0].expand(*input_ids.shape, -1))
    )
    (entities,) = tagger([text])
    assert all(span.text == span.text.strip() for entity in entities for span in entity.mentions)


def test_own_mentions_begin_and_end_at_words(any_encoder: Encoder) -> None:
    text = "fled  town"
    (tokens,), (window,) = windower_of(any_encoder)([text])
    count = len(window.words)
    for first in range(count):
        for last in range(first, count):
            made = np.full((len(TYPES), count, count), -9.0, np.float32)
            made[0, first, last] = 1.0
            for each in candidates(text, window, tokens, made):
                assert text[each.start : each.end] == text[each.start : each.end].strip()


def test_shapes_do_not_feel_the_space_before(any_encoder: Encoder) -> None:
    text = "in Town I fled"
    (tokens,), (window,) = windower_of(any_encoder)([text])
    shapes = token_shapes(text, tokens, window)
    assert [int(shapes[first]) for first in window.first] == [0, 1, 5, 0]


@pytest.mark.parametrize("score", ["high", 10**400])
def test_a_score_that_is_no_number(score: Any) -> None:
    with pytest.raises(InputError):
        read_entities("Ada fled", [{"start": 0, "end": 3, "score": score}])


def test_true_is_no_offset() -> None:
    with pytest.raises(InputError):
        read_entities("Ada fled", [{"start": False, "end": True}])


def test_a_name_in_a_script_without_spaces() -> None:
    assert read_entities("我在北京工作", ["北京"])[0].span == Span(2, 4, "北京")


def test_names_of_scripts_with_vowel_signs() -> None:
    """राम (Ram) and रोम (Rome) are joined: the vowel signs are no word characters to the regular expression."""
    assert name_words("राम") != name_words("रोम")


def test_a_composed_and_a_decomposed_name_are_one() -> None:
    text = "Café | Cafe\u0301"
    assert len(link([(Span.of(text, 0, 4), "LOC", 0.5), (Span.of(text, 7, 12), "LOC", 0.5)])) == 1


def test_a_part_that_two_names_have_is_of_the_fullest_one() -> None:
    text = "Osei | Ada Osei | Ada Serwaa Osei"
    found = link([(Span.of(text, *place), "PER", 0.5) for place in ((0, 4), (7, 15), (18, 33))])
    assert [[span.text for span in entity.mentions] for entity in found] == [["Osei", "Ada Serwaa Osei"], ["Ada Osei"]]


def test_a_name_of_very_many_words_has_no_parts() -> None:
    text = " ".join(["w0", *(f"w{number}" for number in range(8000))])
    places = [(0, 2), (3, len(text))]
    assert len(link([(Span.of(text, *place), "PER", 0.5) for place in places])) == 2


def test_endpoints_of_unknown_types_are_damage() -> None:
    with pytest.raises(AdapterError):
        Settings.of({"labels": {"a": ""}, "endpoints": {"a": ["PER FOO"]}, "calibration": {}, "choice": False})


def test_an_infinite_temperature_is_damage() -> None:
    with pytest.raises(AdapterError):
        Settings.of({"labels": {"a": ""}, "endpoints": {}, "calibration": {"default": {"temperature": float("inf")}}, "choice": False})


def test_scores_of_extreme_logits_warn_of_nothing() -> None:
    assert Settings({"a": ""}, {}).score("a", -1e4) == 0.0
    assert EntityScores()(Candidate(0, 1, "PER", -1e4)) == 0.0


def test_sentences_of_scripts_without_spaces() -> None:
    assert sentence_ends("他在北京。她在上海。") == [5, 10]


def test_short_words_before_other_marks_than_a_dot_are_no_titles() -> None:
    assert len(sentence_ends("She said no to Tom! He left. Why? Ada knew.")) == 4
