"""Scored pairs to relations: where sentences end, which of them is the evidence, what is told, and damaged settings."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.calibration import Calibration
from tasks.core.errors import AdapterError
from tasks.core.types import Span
from tasks.relation_extraction.decode import CUSTOM, DEFAULT, Settings, choose, evidence, relations, sentence_ends
from tasks.relation_extraction.scoring import Candidate
from tasks.relation_extraction.types import Entity, Relation

NAMES = ["born in", "works for", "owns"]
PLAIN = Settings({"born in": "", "works for": ""}, {})


def sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in itertools.pairwise([0, *sentence_ends(text)])]


def entity(text: str, *words: str) -> Entity:
    """An entity mentioned by each of the words, in text order; ``words`` may name one several times."""
    spans, at = [], 0
    for word in words:
        start = text.index(word, at)
        spans.append(Span.of(text, start, start + len(word)))
        at = start + 1
    return Entity("PER", 1.0, spans[0], tuple(spans))


# Sentences


@pytest.mark.parametrize(
    "text",
    [
        "Osei left. |Banda stayed.",
        "Did she? |She did! |He too.",
        'He said "Leave!" |"Where?" |Ada went.',
        "(It rained.) |(It poured.) |We left.",
        "“Stay.” |‘Never.’ |She left.",
        "It ended.\n\n|and began anew",
        "One line\nis no sentence. |Two are.",
        "Title\n \n|Text.   |More.\r\n|End",
        "Über ging. |Änne blieb. |Çelik kam.",
        "彼は来た。 |彼女も。",
        "No end",
        "One. ",
    ],
)
def test_where_sentences_end(text: str) -> None:
    assert sentences(text.replace("|", "")) == text.split("|")


@pytest.mark.parametrize(
    "text",
    [
        "Ada B. Osei met J. K. Banda.",
        "Dr. Osei and Mrs. Banda saw Mr. Lee and Prof Li.",
        "She has 3.5 per cent. in shares",
        "About approx. 20 came.",
        "On Jan. 3 it rained.",
        "Visit example.com. today",
        "Wait... what",
        "St. Ives",
        "The U.S. Army came.",
    ],
)
def test_where_sentences_do_not_end(text: str) -> None:
    assert sentence_ends(text) == [len(text)]


def test_a_text_of_nothing_ends_where_it_begins() -> None:
    assert sentence_ends("") == [0]


@given(st.text(st.sampled_from("Aab.!? \n\"')1é。😀"), max_size=40))
def test_ends_go_up_to_the_end_of_the_text(text: str) -> None:
    ends = sentence_ends(text)
    assert ends == sorted(ends) and ends[-1] == len(text) and all(end > 0 for end in ends[:-1])


# Evidence

THREE = "  Ada Osei left Accra.  Kofi came 🥐. Osei met Kofi in Lagos!  "


@pytest.mark.parametrize(
    ("head", "tail", "expected"),
    [
        (["Ada Osei"], ["Accra"], "Ada Osei left Accra."),
        (["Accra"], ["Ada Osei"], "Ada Osei left Accra."),
        (["Kofi"], ["Lagos"], "Kofi came 🥐. Osei met Kofi in Lagos!"),
        (["Accra"], ["Lagos"], THREE.strip()),
        (["Ada Osei", "Osei met"], ["Lagos"], "Osei met Kofi in Lagos!"),  # the two mentions that are closest
        (["Accra"], ["Kofi", "Kofi"], "Ada Osei left Accra.  Kofi came 🥐."),
        (["Ada Osei"], ["Osei"], "Ada Osei left Accra."),  # one within the other
        (["Ada Osei left Accra.  Kofi"], ["came"], "Ada Osei left Accra.  Kofi came 🥐."),  # a mention over a sentence's end
    ],
)
def test_evidence_is_the_sentences_of_the_closest_mentions(head: list[str], tail: list[str], expected: str) -> None:
    ends = sentence_ends(THREE)
    found = evidence(THREE, ends, entity(THREE, *head), entity(THREE, *tail))
    assert found.text == expected and THREE[found.start : found.end] == expected
    assert evidence(THREE, ends, entity(THREE, *tail), entity(THREE, *head)) == found


def test_of_mentions_as_close_the_first_count() -> None:
    text = "Osei met Kofi. Then Kofi met Osei."
    assert evidence(text, sentence_ends(text), entity(text, "Osei", "Osei"), entity(text, "Kofi", "Kofi")).text == "Osei met Kofi."


def test_mentions_that_are_white_space_or_stand_at_the_edges_are_within_the_evidence() -> None:
    text = " Osei left.\n\nKofi "
    blank, last = (
        Entity(None, 1.0, Span.of(text, 0, 1), (Span.of(text, 0, 1),)),
        Entity(None, 1.0, Span.of(text, 17, 18), (Span.of(text, 17, 18),)),
    )
    assert evidence(text, sentence_ends(text), blank, last) == Span(0, 18, text)


@given(st.text(st.sampled_from('Aab.! \n"😀'), min_size=2, max_size=30), st.data())
def test_evidence_holds_a_mention_of_each_whole(text: str, data: st.DataObject) -> None:
    def drawn() -> Entity:
        starts = data.draw(st.sets(st.integers(0, len(text) - 1), min_size=1, max_size=3))
        spans = tuple(Span.of(text, start, data.draw(st.integers(start + 1, len(text)))) for start in sorted(starts))
        return Entity(None, 1.0, spans[0], spans)

    head, tail = drawn(), drawn()
    found = evidence(text, sentence_ends(text), head, tail)
    assert text[found.start : found.end] == found.text
    assert all(any(found.start <= span.start and span.end <= found.end for span in each.mentions) for each in (head, tail))


def test_relations_have_names_scores_and_evidence() -> None:
    text = "Ada met Kofi. Lagos is big."
    entities = [entity(text, "Ada"), entity(text, "Kofi"), entity(text, "Lagos")]
    chosen = [(Candidate(1, 0, 2, 9.0), 0.75), (Candidate(0, 2, 0, 1.0), 0.5)]
    assert relations(text, entities, chosen, NAMES) == (
        Relation(1, 0, "owns", 0.75, Span(0, 13, "Ada met Kofi.")),
        Relation(0, 2, "born in", 0.5, Span(0, 27, text)),
    )
    assert relations("", [], [], NAMES) == ()


# Scores


def test_each_relation_has_the_calibration_of_its_own_kind() -> None:
    own, other = Calibration(temperature=2.0, shift=1.0), Calibration(temperature=4.0, shift=-1.0)
    settings = Settings({"born in": ""}, {}, {DEFAULT: own, CUSTOM: other})
    assert settings.score("born in", 3.0) == pytest.approx(sigmoid(3 / 2 + 1))
    assert settings.score("eats", 3.0) == pytest.approx(sigmoid(3 / 4 - 1))
    assert settings.calibration_of("born in") is own and settings.calibration_of("eats") is other
    without = Settings({"born in": ""}, {}, {DEFAULT: own})
    assert without.calibration_of("eats") is own
    assert Settings({"born in": ""}, {}).score("eats", 0.5) == pytest.approx(sigmoid(0.5))


# What is told


def told(found: list[Candidate], settings: Settings = PLAIN, threshold: float | None = None) -> list[tuple[int, int, int]]:
    return [tuple(candidate[:3]) for candidate, _ in choose(found, NAMES, settings, threshold)]  # type: ignore[misc]


def test_the_likeliest_come_first_with_their_scores() -> None:
    found = [Candidate(0, 1, 0, 1.0), Candidate(1, 0, 1, 3.0), Candidate(2, 1, 0, -1.0), Candidate(0, 2, 2, 2.0)]
    chosen = choose(found, NAMES, PLAIN, None)
    assert [candidate for candidate, _ in chosen] == [found[1], found[3], found[0]]
    assert [score for _, score in chosen] == pytest.approx([sigmoid(3), sigmoid(2), sigmoid(1)])


def test_each_relation_has_its_threshold_and_the_callers_counts_for_all() -> None:
    own = Calibration(threshold=0.6, thresholds={"works for": 0.9})
    settings = Settings({"born in": "", "works for": ""}, {}, {DEFAULT: own, CUSTOM: Calibration(threshold=0.2)})
    even = [Candidate(0, 1, label, 0.0) for label in range(3)]  # all of 0.5
    more = [Candidate(0, 2, label, 1.0) for label in range(3)]  # 0.73
    assert told(even + more, settings) == [(0, 2, 0), (0, 2, 2), (0, 1, 2)]
    assert told(even, settings, 0.5) == [(0, 1, 0), (0, 1, 1), (0, 1, 2)]  # the least score is enough
    assert told(even, settings, 0.51) == [] and told(even, settings, 1.0) == []
    assert len(told([Candidate(0, 1, 0, -6.0)], settings, 0)) == 1  # 0 is a threshold, not none


def test_where_there_is_a_choice_two_entities_have_one_relation() -> None:
    found = [Candidate(0, 1, 0, 1.0), Candidate(1, 0, 1, 3.0), Candidate(0, 1, 2, 2.0), Candidate(1, 2, 0, 0.5), Candidate(2, 0, 0, -9.0)]
    settings = Settings(PLAIN.labels, {}, choice=True)
    assert told(found) == [(1, 0, 1), (0, 1, 2), (0, 1, 0), (1, 2, 0)]
    assert told(found, settings) == [(1, 0, 1), (1, 2, 0)]
    high = Settings(PLAIN.labels, {}, {DEFAULT: Calibration(thresholds={"works for": 0.99}), CUSTOM: Calibration()}, choice=True)
    assert told(found, high) == [(0, 1, 2), (1, 2, 0)]  # what is below its threshold takes nobody's place


logits = st.sampled_from([-2.0, 0.0, 0.5, 2.0])
candidates = st.builds(Candidate, st.integers(0, 2), st.integers(3, 5), st.integers(0, 2), logits, st.just(""), st.just(0.0))


@given(st.lists(candidates, max_size=12, unique_by=lambda each: each[:3]), st.integers(0, 99), st.booleans())
def test_choosing_does_not_depend_on_the_order(found: list[Candidate], seed: int, choice: bool) -> None:
    settings = Settings(PLAIN.labels, {}, choice=choice)
    chosen = choose(found, NAMES, settings, None)
    assert choose(random.Random(seed).sample(found, len(found)), NAMES, settings, None) == chosen
    scores = [score for _, score in chosen]
    assert scores == sorted(scores, reverse=True) and all(score >= 0.5 for score in scores)
    likely = [each for each in found if each.logit >= 0]
    if choice:
        pairs = [frozenset(candidate[:2]) for candidate, _ in chosen]
        assert len(pairs) == len(set(pairs)) and set(pairs) == {frozenset(each[:2]) for each in likely}
    else:
        assert sorted(candidate for candidate, _ in chosen) == sorted(likely)


# Settings


def data(**changed: Any) -> dict[str, Any]:
    """Fields of ``task.json``; None leaves one out."""
    fields: dict[str, Any] = {
        "labels": {"born in": "a person's place of birth", "owns": ""},
        "endpoints": {"born in": ["PER LOC", "PER  MISC"]},
        "calibration": {DEFAULT: {"temperature": 2.0, "shift": 0.5, "threshold": 0.25, "thresholds": {"owns": 0.75}}},
        "choice": True,
    }
    return {name: value for name, value in (fields | changed).items() if value is not None}


def test_settings_are_read() -> None:
    settings = Settings.of(data(other="is of no account"))
    assert settings == Settings(
        {"born in": "a person's place of birth", "owns": ""},
        {"born in": ["PER LOC", "PER MISC"]},
        {DEFAULT: Calibration(temperature=2.0, shift=0.5, threshold=0.25, thresholds={"owns": 0.75})},
        True,
    )
    assert not Settings.of(data(choice=False)).choice and Settings.of(data(calibration={})).calibration == {}


@pytest.mark.parametrize("name", ["labels", "endpoints", "calibration", "choice"])
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(AdapterError, match=rf"task.json is damaged: KeyError\('{name}'\) is missing or wrong. Get the adapter again"):
        Settings.of(data(**{name: None}))


@pytest.mark.parametrize(
    "changed",
    [
        {"labels": {}},
        {"labels": ["born in"]},
        {"labels": "born in"},
        {"labels": {"born in": None}},
        {"labels": {"born in": 3}},
        {"endpoints": ["born in"]},
        {"endpoints": {"born in": ["PER"]}},
        {"endpoints": {"born in": ["PER LOC MISC"]}},
        {"endpoints": {"born in": "PER LOC"}},
        {"endpoints": {"born in": [["PER", "LOC"]]}},
        {"endpoints": {"born in": None}},
        {"calibration": []},
        {"calibration": {DEFAULT: None}},
        {"calibration": {DEFAULT: 0.5}},
        {"calibration": {DEFAULT: {"heat": 1.0}}},
        {"calibration": {DEFAULT: {"temperature": 0.0}}},
        {"calibration": {DEFAULT: {"temperature": -1.0}}},
        {"calibration": {DEFAULT: {"temperature": "1"}}},
        {"calibration": {DEFAULT: {"shift": math.nan}}},
        {"calibration": {DEFAULT: {"threshold": 1.5}}},
        {"calibration": {DEFAULT: {"thresholds": {"owns": -0.5}}}},
        {"calibration": {DEFAULT: {"thresholds": [0.5]}}},
    ],
)
def test_damaged_settings_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(AdapterError, match=r"task.json is damaged: .* is missing or wrong. Get the adapter again"):
        Settings.of(data(**changed))


@pytest.mark.parametrize("read", [None, [], "labels", 3])
def test_settings_that_are_no_object_are_refused(read: Any) -> None:
    with pytest.raises(AdapterError, match=r"task\.json is damaged"):
        Settings.of(read)
