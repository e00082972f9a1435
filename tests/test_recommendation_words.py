"""Wishes in words: what is wanted, what isn't, which items are named and how; tags by their words."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.recommendation.lookup import phrase
from tasks.recommendation.words import MOST_TAGS, Wish, read_wish, tags_in

TITLES = [
    "Kind of Blue",
    "Thriller",
    "Blue",
    "Nevermind",
    "Power, Corruption and Lies",
    "When We All Fall Asleep, Where Do We Go?",
    "Love and Death",
    "Charlie Parker with Strings",
    "More Songs About Food and Revolutionary Art",
    "I Never Loved a Man the Way I Love You",
    "The Low End Theory",
    "Out to Lunch!",
    "¿Dónde están los ladrones?",
    "Oxygène",
    "Angola 72",
    "C'est Chic",
    'The "Chirping" Crickets',
    "Time (The Revelator)",
    "Not Only Rain",
    "Chill Out",
    "The Road",
    "Le onde",
]
PLACES = {phrase(title): place for place, title in enumerate(TITLES)}


def find(words: str) -> int | None:
    return PLACES.get(phrase(words))


def read(query: str) -> tuple[str, str, list[str], list[str]]:
    wish = read_wish(query, find)
    return wish.wanted, wish.unwanted, [TITLES[place] for place in wish.liked], [TITLES[place] for place in wish.disliked]


def test_a_wish_has_what_is_wanted_what_is_not_and_items() -> None:
    assert read("slow, nocturnal, like Kind of Blue but with strings") == ("slow, nocturnal, with strings", "", ["Kind of Blue"], [])
    assert read("slow, nocturnal, like Kind of Blue but without trumpets") == ("slow, nocturnal", "trumpets", ["Kind of Blue"], [])
    assert read("more like Thriller, less like Kind of Blue") == ("", "", ["Thriller"], ["Kind of Blue"])
    assert read_wish("like Thriller", lambda words: None) == Wish("like Thriller", "")


@pytest.mark.parametrize("query", ["", " ", "\n", "...", "something", "I'd like something", "anything like the", "with", "\0", "“”"])
def test_what_says_nothing_is_no_wish(query: str) -> None:
    assert read_wish(query, find) == Wish("", "")


@pytest.mark.parametrize(
    ("query", "wanted", "unwanted"),
    [
        ("without vocals", "", "vocals"),
        ("NO VOCALS", "", "VOCALS"),
        ("nothing sad", "", "sad"),
        ("instrumental, nothing too sad", "instrumental", "too sad"),
        ("no singing, just piano", "piano", "singing"),
        ("no lyrics only piano", "piano", "lyrics"),
        ("no vocals please", "", "vocals"),
        ("no vocals\nslow", "slow", "vocals"),
        ("slow (no vocals) and warm", "slow, warm", "vocals"),
        ("slow — no vocals — warm - not loud", "slow, warm", "vocals, loud"),
        ("sad yet not slow; no drums. more strings", "sad, more strings", "slow, drums"),
        ("not angry but calm", "calm", "angry"),
        ("calm rather than angry", "calm", "angry"),
        ("calm instead of angry", "calm", "angry"),
        ("less melancholy more energy", "more energy", "melancholy"),
        ("less jazz and fewer drums", "", "jazz, drums"),
        ("I don't want vocals", "", "vocals"),
        ("I don’t want any trumpets", "", "trumpets"),
        ("I do not want to hear trumpets", "", "trumpets"),
        ("jazz, but it shouldn't be slow", "jazz", "slow"),
        ("I can't stand metal", "", "metal"),
        ("anything but jazz", "", "jazz"),
        ("everything except metal", "everything", "metal"),
        ("nobody sings", "", "sings"),
        ("calm piano without drums but with strings", "calm piano, with strings", "drums"),
        ("calm piano without drums with strings", "calm piano, with strings", "drums"),
        ("no lyrics for studying", "for studying", "lyrics"),
    ],
)
def test_a_clause_is_unwanted_from_a_negation_to_its_end(query: str, wanted: str, unwanted: str) -> None:
    assert read(query) == (wanted, unwanted, [], [])


@pytest.mark.parametrize(
    ("query", "wanted", "unwanted"),
    [
        ("no drums or guitars", "", "drums or guitars"),
        ("without drums, guitars or vocals", "", "drums, guitars or vocals"),
        ("no drums, electric guitars, or vocals", "", "drums, electric guitars, or vocals"),
        ("slow, without drums and vocals", "slow", "drums and vocals"),
        ("with neither trumpets nor drums", "", "trumpets nor drums"),
        ("no drums, slow, warm", "slow, warm", "drums"),
        ("no drums and slow", "slow", "drums"),
        ("without drums and very slow", "very slow", "drums"),
        ("without drums and with strings", "with strings", "drums"),
        ("no songs with vocals", "", "songs with vocals"),
        ("nothing with vocals", "", "with vocals"),
        ("not for children", "", "for children"),
        ("no more jazz", "", "more jazz"),
    ],
)
def test_a_list_of_what_is_unwanted_goes_on(query: str, wanted: str, unwanted: str) -> None:
    assert read(query) == (wanted, unwanted, [], [])


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("nothing but jazz", "jazz"),
        ("not only jazz", "jazz"),
        ("not just jazz", "jazz"),
        ("no matter what", "no matter what"),
        ("no-nonsense rock", "no-nonsense rock"),
        ("it doesn't have to be jazz", "it doesn't have to be jazz"),
        ("I don't mind vocals", "I don't mind vocals"),
        ("notes and nostalgia", "notes and nostalgia"),
        ("a song for nine voices", "a song for nine voices"),
    ],
)
def test_not_every_no_is_a_negation(query: str, wanted: str) -> None:
    assert read(query) == (wanted, "", [], [])


def test_what_belongs_together_stays_together() -> None:
    assert read("rock and roll")[0] == "rock and roll"
    assert read("drum and bass for running with more synths")[0] == "drum and bass for running with more synths"
    assert read("I want something   more upbeat, something “warm”")[0] == "more upbeat, something warm"


@pytest.mark.parametrize("title", TITLES)
@pytest.mark.parametrize("query", ["like {}", "something similar to {}, please", "I loved {}!", "“{}”", 'I want "{}"', "albums such as {}"])
def test_every_title_can_be_named(query: str, title: str) -> None:
    assert read(query.format(title)) == ("", "", [title], [])
    assert read(f"calm, not {query.format(title)} but slow")[2:] == ([], [title])


@pytest.mark.parametrize(
    ("query", "liked", "disliked"),
    [
        ("like When We All Fall Asleep, Where Do We Go? but calmer", ["When We All Fall Asleep, Where Do We Go?"], []),
        ("Power, Corruption and Lies and Love and Death", ["Power, Corruption and Lies", "Love and Death"], []),
        ("like Love and Death without vocals", ["Love and Death"], []),
        ("less like Charlie Parker with Strings and more like Blue", ["Blue"], ["Charlie Parker with Strings"]),
        ("I loved Blue, Thriller and Nevermind", ["Blue", "Thriller", "Nevermind"], []),
        ("not like Thriller or Nevermind, but like Blue", ["Blue"], ["Thriller", "Nevermind"]),
        ("less like Thriller and Nevermind, more like Blue", ["Blue"], ["Thriller", "Nevermind"]),
        ("a mix of Kind of Blue and Thriller", ["Kind of Blue", "Thriller"], []),
        ("“Kind of Blue” meets ‘Blue’", ["Kind of Blue", "Blue"], []),
        ("like Thriller but not Nevermind", ["Thriller"], ["Nevermind"]),
        ("I enjoyed Kind of Blue, but I hated Thriller", ["Kind of Blue"], ["Thriller"]),
        ("I didn't like Thriller. Blue by Joni Mitchell is fine", ["Blue"], ["Thriller"]),
        ("anything but Thriller", [], ["Thriller"]),
        ("unlike Thriller", [], ["Thriller"]),
        ("less Thriller, more Blue", ["Blue"], ["Thriller"]),
        ("more Kind of Blue than Thriller", ["Kind of Blue"], ["Thriller"]),
        ("rather Kind of Blue than Blue", ["Kind of Blue"], ["Blue"]),
        ("Kind of Blue", ["Kind of Blue"], []),
        ("Like The Low End Theory", ["The Low End Theory"], []),
        ("like Low End Theory", ["The Low End Theory"], []),
        ("like kind of blue but slower", ["Kind of Blue"], []),
        ("LIKE KIND OF BLUE", ["Kind of Blue"], []),
        ("like oxygene", ["Oxygène"], []),
        ("like dónde están los ladrones", ["¿Dónde están los ladrones?"], []),
        ("like Joni Mitchell's Blue", ["Blue"], []),
        ("like Thriller, like Thriller", ["Thriller"], []),
    ],
)
def test_items_are_named_in_many_ways(query: str, liked: list[str], disliked: list[str]) -> None:
    assert read(query)[2:] == (liked, disliked)


@pytest.mark.parametrize(
    ("query", "wanted", "unwanted"),
    [
        ("slower than Kind of Blue", "slower", ""),
        ("as calm as Kind of Blue", "as calm", ""),
        ("like Kind of Blue, less sad", "", "sad"),
        ("less sad than Kind of Blue", "", "sad"),
        ("not as loud as Kind of Blue", "", "as loud"),
        ("in the style of Kind of Blue", "", ""),
        ("listening to Kind of Blue at night", "listening at night", ""),
    ],
)
def test_an_item_that_is_compared_with_is_liked(query: str, wanted: str, unwanted: str) -> None:
    assert read(query) == (wanted, unwanted, ["Kind of Blue"], [])


@pytest.mark.parametrize(
    "query",
    [
        "Blue",
        "blue",
        "a blue mood",
        "feeling blue",
        "Thriller and horror",
        "a thriller",
        "I feel like blue",
        "like blue skies",
        "music like Blue Train",
        "“Blue Train”",
        "kind of blue",
        "the road at night",
        "I'd like something to chill out",
        "NOT BLUE",
        "shades of Blue",
        "something as good as blue train",
        "slow \0, Blue",
    ],
)
def test_common_words_that_are_a_title_name_nothing(query: str) -> None:
    assert read(query)[2:] == ([], [])


def test_the_longest_title_is_meant() -> None:
    assert read("I loved Kind of Blue")[2] == ["Kind of Blue"]
    longer = {"love": 0, "love and death": 1, "love and death in": 2}
    assert read_wish("like Love and Death, and Love", lambda words: longer.get(phrase(words))).liked == (1, 0)


TRIGGERS = ["no", "without", "like", "Blue", "Kind of Blue", "thriller", "and", "or", ",", "but", "with", "more", "less", "than", "as"]
TRIGGERS += ['"', "‘", "not", "don't", "(", "for", "\n", "by", "I", "soft", "\0", "The", "Power, Corruption", "É", "語", "’s", "?"]


@settings(deadline=None)
@given(st.text(max_size=500) | st.lists(st.sampled_from(TRIGGERS), max_size=60).map(" ".join))
def test_any_text_is_read_into_its_own_words(query: str) -> None:
    wish = read_wish(query, find)
    assert not set(wish.liked + wish.disliked) - set(range(len(TITLES))) and len(set(wish.liked)) == len(wish.liked)
    assert set(re.findall(r"\w+", wish.wanted + " " + wish.unwanted)) <= set(re.findall(r"\w+", query))
    for text in (wish.wanted, wish.unwanted):
        assert text == text.strip() and "\0" not in text and "  " not in text
    tags_in(query, {"blue": 0, "": 1, "kind of": 2})


@pytest.mark.parametrize(
    "part", ["no ", "like Blue, ", "a,", "without a, ", "not with ", '"', " ", "¿", "less a than ", "n't", "(", "A B ", "a"]
)
def test_a_long_wish_is_read_at_once(part: str) -> None:
    start = time.perf_counter()
    for query in (part * (500 // len(part)), part * (4_000 // len(part))):
        read_wish(query, find)
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("Brazilian jazz", {"brazil", "jazz"}),
        ("something to dance to", {"danceable"}),
        ("Vocal-jazz; trumpets!", {"jazz", "vocal jazz", "trumpet"}),
        ("jazz vocal", {"jazz"}),
        ("vocal", set()),
        ("melancholy energy", {"melancholic"}),
        ("R&B", {"r b"}),
        ("rai", {"rai"}),
        ("raise", set()),
        ("Música Mexicana: más brasil", set()),
        ("canción", {"cancion"}),
        ("music for a musician", set()),
        ("blue", set()),
        ("the blues", {"blues"}),
        ("organic", set()),
        ("organs", {"organ"}),
        ("soulful play", {"soul"}),
        ("", set()),
    ],
)
def test_tags_are_named_by_their_words(text: str, tags: set[str]) -> None:
    known = ["brazil", "jazz", "danceable", "vocal jazz", "trumpet", "melancholic", "r b", "rai", "cancion", "musical", "blues", "organ"]
    known += ["playful", "soul", ""]
    assert {known[number] for number in tags_in(text, {tag: number for number, tag in enumerate(known)})} == tags


def test_the_numbers_of_tags_are_theirs_and_the_first_tags_are_looked_for() -> None:
    assert tags_in("warm jazz", {"jazz": 7, "warm": 3}) == [7, 3]
    many = {f"tag{number} x": number for number in range(MOST_TAGS)} | {"jazz": -1}
    start = time.perf_counter()
    assert tags_in("jazz " * 100, many) == [] and tags_in("tag8 x", many) == [8]
    assert time.perf_counter() - start < 1
