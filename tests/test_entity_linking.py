"""Names of one thing become one entity: each rule with what it joins and what it leaves apart."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.types import Span
from tasks.relation_extraction.entities.linking import Mention, link, name_words
from tasks.relation_extraction.types import TYPES, Entity


def mentioned(*names: str, kind: str | None = "ORG") -> list[Mention]:
    """Mentions of these names one after the other, with falling scores."""
    text, at, made = " | ".join(names), 0, []
    for number, name in enumerate(names):
        made.append((Span.of(text, at, at + len(name)), kind, 0.9 / (number + 1)))
        at += len(name) + len(" | ")
    return made


def joined(*names: str, kind: str | None = "ORG") -> list[list[str]]:
    """The names in groups, one for each entity."""
    return [[span.text for span in entity.mentions] for entity in link(mentioned(*names, kind=kind))]


def apart(*names: str, kind: str | None = "ORG") -> bool:
    return joined(*names, kind=kind) == [[name] for name in names]


# What a name is compared by


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Ada Osei", ["ada", "osei"]),
        ("the U.S.", ["us"]),
        ("US's", ["us"]),
        ("Osei’s", ["osei"]),
        ("An Post", ["post"]),
        ("The", ["the"]),
        ("the The", ["the"]),
        ("Then Co", ["then", "co"]),
        ("Dr. J. Osei", ["dr", "j", "osei"]),
        ("Straße", ["strasse"]),
        ("AT&T", ["at", "t"]),
        ("snake_case", ["snake", "case"]),
        ("Anne-Marie", ["anne", "marie"]),
        ("İzmir 2030", ["i\u0307zmir", "2030"]),  # the dot above a lower-cased İ is a sign of its own
        ("!?", []),
        ("", []),
    ],
)
def test_words_of_a_name(name: str, words: list[str]) -> None:
    assert name_words(name) == words


@pytest.mark.parametrize("kind", [*(name for name in TYPES if name != "NUM"), None])
def test_case_article_possessive_and_dots_make_no_other_name(kind: str | None) -> None:
    names = ("the U.S.", "US", "u.s", "US's", "U.S.’s", "The US")
    assert joined(*names, kind=kind) == [list(names)]
    assert joined("VOLTA Trust", "The Volta trust's", kind=kind) == [["VOLTA Trust", "The Volta trust's"]]


def test_other_names_stay_apart() -> None:
    assert apart("Volta Trust", "Volta Bank", "Lagos Trust")
    assert apart("Theo", "eo", kind="PER")  # no article
    assert apart("Accra", "Accras", kind="LOC")


def test_names_of_two_types_stay_apart() -> None:
    (one, *_), (_, other, *_) = mentioned("Washington", "x"), mentioned("xxxxxxxxxx", "Washington")
    linked = link([one, (other[0], "LOC", 0.5)])
    assert [(entity.type, entity.span.text) for entity in linked] == [("ORG", "Washington"), ("LOC", "Washington")]


def test_numbers_are_never_joined() -> None:
    assert apart("two", "two", "Two", kind="NUM")
    assert apart("20", "20 percent", kind="NUM")
    assert joined("two", "two", kind="TIME") == [["two", "two"]]


# Parts of a name


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (("Ada Osei", "Osei"), "PER"),
        (("Osei", "Ada Osei"), "PER"),  # before the full name too
        (("Ada Osei", "Ada", "OSEI’s"), "PER"),
        (("Club Atlético Platense", "Platense", "Club Atlético"), "ORG"),
        (("Charles de Gaulle", "de Gaulle", "Gaulle"), "PER"),
        (("Bank of Ghana", "the Bank"), "ORG"),
        (("Dr Ada Osei", "Ada Osei", "Osei"), "PER"),  # a part of a part
    ],
)
def test_a_part_of_a_name_is_the_one_who_has_it(names: tuple[str, ...], kind: str) -> None:
    assert joined(*names, kind=kind) == [list(names)]


@pytest.mark.parametrize("kind", ["LOC", "TIME", "NUM", "MISC", None])
def test_only_people_and_organisations_are_called_by_parts(kind: str | None) -> None:
    assert apart("New Amsterdam", "Amsterdam", kind=kind)
    assert apart("May 2011", "2011", kind=kind)


@pytest.mark.parametrize(
    "names",
    [
        ("Mr Osei", "Mr"),  # a title is no name
        ("Dr Ada Osei", "Dr Ada"),
        ("J. Osei", "J."),  # nor is one letter
        ("Ada Serwaa Osei", "Serwaa"),  # nor the middle
        ("Ada Osei", "Ad"),
        ("Ada Osei", "Osei Ada"),
    ],
)
def test_what_is_no_name_of_its_own_is_no_part(names: tuple[str, ...]) -> None:
    assert apart(*names, kind="PER")


def test_a_part_that_two_have_is_neither() -> None:
    assert apart("Ada Osei", "Kofi Osei", "Osei", kind="PER")
    assert apart("Osei", "Ada Osei", "Kofi Osei", kind="PER")
    assert joined("Ada Osei", "Ada Banda", "Ada", "Osei", "Banda", kind="PER") == [["Ada Osei", "Osei"], ["Ada Banda", "Banda"], ["Ada"]]


# Initials


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (("World Health Organization", "WHO"), "ORG"),
        (("W.H.O.", "the World Health Organization"), "ORG"),
        (("Bank of England", "BoE"), "ORG"),
        (("United States of America", "USA", "U.S.A."), "LOC"),
        (("John Fitz Kofi", "JFK"), "PER"),
        (("General Data Protection Regulation", "GDPR"), "MISC"),
        (("Volta Trust", "VT"), None),
    ],
)
def test_initials_stand_for_the_name(names: tuple[str, ...], kind: str | None) -> None:
    assert joined(*names, kind=kind) == [list(names)]
    assert joined(*names[::-1], kind=kind) == [list(names[::-1])]


def test_what_are_no_initials() -> None:
    assert apart("World Health Organization", "WHA") and apart("World Health Organization", "WH")
    assert apart("Volta", "V")
    assert apart("Friday Afternoon", "FA", kind="TIME")
    assert apart("Of Volta", "V", kind="MISC")  # one letter
    assert apart("Alpha B C D E F G H I", "ABCDEFGHI")  # more than eight
    assert joined("Alpha B C D E F G H", "ABCDEFGH") == [["Alpha B C D E F G H", "ABCDEFGH"]]


def test_initials_that_two_have_are_neither() -> None:
    assert apart("World Health Organization", "West Harbour Office", "WHO")


# What comes out


def test_an_entity_has_its_fullest_name_all_mentions_and_the_highest_score() -> None:
    (who,) = link(mentioned("WHO", "World Health Organization", "the WHO", "World health organization"))
    assert who.type == "ORG" and who.score == 0.9
    assert who.span == who.mentions[1] and who.span.text == "World Health Organization"  # of two as long the first
    assert [span.start for span in who.mentions] == [0, 6, 34, 44]
    backwards = link([(span, kind, 1 - score) for span, kind, score in mentioned("Osei", "Ada Osei", kind="PER")])
    assert backwards[0].score == 1 - 0.9 / 2


def test_entities_come_in_the_order_of_their_first_mentions() -> None:
    names = ("Osei", "Volta Trust", "Ada Osei", "VT", "Accra")
    assert joined(*names, kind="PER") == [["Osei", "Ada Osei"], ["Volta Trust", "VT"], ["Accra"]]
    shuffled = random.Random(1).sample(mentioned(*names, kind="PER"), len(names))
    assert link(shuffled) == link(mentioned(*names, kind="PER"))


def test_the_same_mention_told_twice_is_one() -> None:
    (one,) = mentioned("Osei", kind="PER")
    assert link([one, (one[0], "PER", 0.95)]) == (Entity("PER", 0.95, one[0], (one[0],)),)


def test_no_mentions_no_entities() -> None:
    assert link([]) == ()


# Hostile names


@pytest.mark.parametrize("name", [" ", "!?", "...", "’s", "_", "\ud83d", "\u0301", "the", "a.", "( [ *", "😀 🥐", "\x00", "Ⅷ", "٣"])
def test_any_text_may_be_a_name(name: str) -> None:
    for kind in (*TYPES, None):
        expected = [[name], [name]] if kind == "NUM" else [[name, name]]
        assert joined(name, name, kind=kind) == expected


def test_signs_without_words_are_names_too() -> None:
    assert apart("!?", "?!", "...", kind="MISC")


def test_initials_of_a_part_are_the_whole_name() -> None:
    assert joined("VT", "Volta Trust", "Volta Trust Ghana") == [["VT", "Volta Trust", "Volta Trust Ghana"]]
    assert apart("xy", "x y", "xy xy")  # initials of one, a part of the other


def test_many_names_with_one_part_take_no_time() -> None:
    names = [f"Name{number} Osei" for number in range(1500)]
    assert apart(*names, "Osei", kind="PER")


WORDS = ("Ada", "ada", "Osei", "the", "The", "Dr", "Bank", "of", "B.", "b", "o", "BO", "BoO", "2", "!", "’s", "Ada's")
name = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join) | st.text(min_size=1, max_size=6)
kinds = st.sampled_from(["PER", "ORG", "NUM", None])


@given(st.lists(st.tuples(name, kinds, st.sampled_from([0.25, 0.5, 1.0])), max_size=10), st.integers(0, 99))
def test_every_mention_comes_out_once_in_any_order(drawn: list[tuple[str, str | None, float]], seed: int) -> None:
    spans = [span for span, _, _ in mentioned(*(each for each, _, _ in drawn))]
    mentions = [(span, kind, score) for span, (_, kind, score) in zip(spans, drawn, strict=True)]
    linked = link(mentions)
    assert sorted((span.start, span.end, entity.type or "") for entity in linked for span in entity.mentions) == sorted(
        (span.start, span.end, kind or "") for span, kind, _ in mentions
    )
    assert [entity.mentions[0].start for entity in linked] == sorted(entity.mentions[0].start for entity in linked)
    score_of = {span: score for span, _, score in mentions}
    for entity in linked:
        assert entity.score == max(score_of[span] for span in entity.mentions)
        assert len(entity.span.text) == max(len(span.text) for span in entity.mentions)
        assert entity.type != "NUM" or len(entity.mentions) == 1
    assert link(random.Random(seed).sample(mentions, len(mentions))) == linked
