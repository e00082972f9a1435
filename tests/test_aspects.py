"""Aspects: which targets of many opinions are one thing, with a small stand-in space, and with the real one."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.types import Coverage, Span
from tasks.opinion_analysis.aspects import NEAR, Aspect, Embed, Floats, aspects, lead
from tasks.opinion_analysis.forms import key, normal
from tasks.opinion_analysis.types import POLARITIES, Label, Opinion, OpinionResult

CLOSE = {"omelette": "omelet", "life of the battery": "battery"}


def embed(phrases: Sequence[str]) -> Floats:
    """A stand-in space: a word is a direction of its own, but those of ``CLOSE`` are one."""
    made = np.zeros((len(phrases), 512), dtype=np.float32)
    for row, phrase in zip(made, phrases, strict=True):
        for word in CLOSE.get(phrase, phrase).split():
            row[sum(map(ord, word)) % 512] += 1
    norms: Floats = made / np.linalg.norm(made, axis=1, keepdims=True)
    return norms


def review(*said: tuple[str | None, str]) -> OpinionResult:
    """A text that names each target, or none, with its polarity."""
    text, opinions = "", []
    for target, polarity in said:
        start, word = len(text), target or "nice"
        text += word + ". "
        span = Span(start, start + len(word), word)
        opinions.append(Opinion(span if target else None, None if target else span, polarity, 0.9))
    return OpinionResult(text, Label.of(POLARITIES, (0.0, 0.0, 1.0)), tuple(opinions), None, Coverage(len(text), len(text)))


def merged(targets: Sequence[str], space: Embed = embed) -> list[set[str]]:
    return [set(aspect.variants) for aspect in aspects([review((target, "positive")) for target in targets], space)]


def test_counts_names_and_mentions() -> None:
    results = [
        review(("The screen", "positive"), (None, "negative")),
        review(("battery", "negative"), ("screens", "neutral")),
        review(("Screen", "negative"), ("the screen", "positive")),
    ]
    screen, battery = aspects(results, embed)
    assert (screen.name, screen.variants) == ("screen", ("screen", "screens"))
    assert (screen.positive, screen.negative, screen.neutral) == (2, 1, 1)
    assert [index for index, _ in screen.mentions] == [0, 1, 2, 2]
    assert [opinion.target and opinion.target.text for _, opinion in screen.mentions] == ["The screen", "screens", "Screen", "the screen"]
    assert (battery.name, battery.negative, len(battery.mentions)) == ("battery", 1, 1)


def test_nothing_named_has_no_aspect() -> None:
    def never(phrases: Sequence[str]) -> Floats:
        raise AssertionError("nothing to embed")

    assert aspects([], never) == aspects([review((None, "positive")), review()], never) == []


@pytest.mark.parametrize(
    ("text", "wording", "form"),
    [
        ("The Screens", "Screens", ("screens",)),
        ("my  phone's\nbatteries", "phone's batteries", ("phone", "batteries")),
        ("café’s staff", "café’s staff", ("café", "staff")),
        ("Wi-Fi", "Wi-Fi", ("wi", "fi")),
        ("a", "a", ("a",)),
        ("…", "…", ("…",)),
        ("洗手间", "洗手间", ("洗手间",)),
    ],
)
def test_normal_forms(text: str, wording: str, form: tuple[str, ...]) -> None:
    assert normal(text) == (wording, form)


@pytest.mark.parametrize(
    ("plural", "noun"),
    [
        ("rooms", "room"),
        ("dishes", "dish"),
        ("boxes", "box"),
        ("lobbies", "lobby"),
        ("buses", "bus"),
        ("bus", "bus"),
        ("glass", "glass"),
        ("series", "series"),
        ("gases", "gas"),
        ("prices", "price"),
        ("houses", "house"),
    ],
)
def test_plurals(plural: str, noun: str) -> None:
    assert key(("night", plural)) == key(("night", noun))


def test_near_phrases_are_one_and_others_are_not() -> None:
    assert merged(["omelet", "omelet", "omelette", "coffee"]) == [{"omelet", "omelette"}, {"coffee"}]


def test_kinds_and_sides_join_the_thing() -> None:
    assert merged(["bus", "night bus", "old night bus"]) == [{"bus", "night bus", "old night bus"}]
    assert merged(["sound quality", "sound"]) == [{"sound", "sound quality"}]
    assert merged(["quality", "sound quality"]) == [{"quality"}, {"sound quality"}]
    (bus,) = aspects([review(("night bus", "positive"), ("night bus", "positive"), ("Bus", "positive"))], embed)
    assert bus.name == "Bus" and bus.variants == ("night bus", "Bus")


def test_a_shared_word_or_a_number_keeps_kindred_phrases_apart() -> None:
    def one(phrases: Sequence[str]) -> Floats:
        return np.ones((len(phrases), 1), dtype=np.float32)

    assert len(merged(["front camera", "rear camera"], one)) == 2
    assert len(merged(["ticket desk", "ticket machine"], one)) == 2
    assert len(merged(["room 2", "room 3"], one)) == 2
    assert len(merged(["lift", "stairs"], one)) == 1


def test_damaged_aspects_are_refused() -> None:
    with pytest.raises(ValueError, match="add up"):
        Aspect("a", ("a",), 1, 0, 0, ())
    with pytest.raises(ValueError, match="among its variants"):
        Aspect("a", ("b",), 0, 0, 0, ())


@given(
    st.lists(
        st.tuples(st.sampled_from(["bus", "Bus", "the buses", "night bus", "tram", "omelet", "omelette", "…"]), st.sampled_from(POLARITIES))
    )
)
def test_every_named_opinion_is_in_one_aspect_in_any_order(said: list[tuple[str, str]]) -> None:
    results = [review(each) for each in said]
    found = aspects(results, embed)
    assert sorted(index for aspect in found for index, _ in aspect.mentions) == list(range(len(said)))
    summary = [(aspect.name, aspect.positive, aspect.negative, aspect.neutral) for aspect in found]
    assert summary == [(a.name, a.positive, a.negative, a.neutral) for a in aspects(results[::-1], embed)]


def slowly(forms: Sequence[tuple[str, ...]], vectors: Floats) -> list[int]:
    """Leader clustering as its definition says it."""
    found: list[int] = []
    for number in range(len(forms)):
        cosines = {other: float(vectors[number] @ vectors[other]) for other in range(number) if found[other] == other}
        best = max(cosines, key=lambda other: cosines[other], default=number)
        found.append(best if cosines.get(best, -1.0) >= NEAR else number)
    return found


def test_blocks_give_what_the_definition_gives() -> None:
    draw = np.random.default_rng(3)
    vectors = draw.normal(size=(700, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    letters = "abcdefghijklmnopqrstuvwxyz"
    forms = [(letters[n // 26 % 26] + letters[n % 26] + "x" * (n // 676),) for n in range(700)]
    assert lead(forms, vectors) == slowly(forms, vectors)


def test_five_thousand_targets_are_quick() -> None:
    draw = random.Random(1)
    targets = ["".join(draw.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(9)) for _ in range(5000)]
    vectors = np.random.default_rng(1).normal(size=(5000, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    results = [review((target, "positive")) for target in targets]
    begin = time.process_time()
    assert len(aspects(results, lambda phrases: vectors[: len(phrases)])) > 4500
    assert time.process_time() - begin < 20  # 0.7 s; loops over pairs would take minutes


def test_the_real_space() -> None:
    from tasks.core.encoder import load_encoder

    encoder = load_encoder()

    def real(phrases: Sequence[str]) -> Floats:
        vectors: Floats = encoder.embed(phrases).cpu().numpy()
        norms: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return norms

    for one, other in [
        ("battery", "battery life"),
        ("screen", "the screens"),
        ("children", "kids"),
        ("gift shop", "shops"),
        ("website", "web site"),
        ("café", "cafe"),
    ]:
        assert len(merged([one, other], real)) == 1, (one, other)
    for one, other in [
        ("food", "service"),
        ("breakfast", "dinner"),
        ("lunch", "dinner"),
        ("front camera", "rear camera"),
        ("museum", "museum shop"),
        ("guide", "audio guides"),
        ("entrance", "queue at the entrance"),
    ]:
        assert len(merged([one, other], real)) == 2, (one, other)
