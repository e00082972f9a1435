"""The shipped albums and listening histories: whole, consistent, and from all over the world."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from tasks.recommendation.catalogue import Catalogue, read_items
from tasks.recommendation.ratings import Interactions, read_ratings

FOLDER = Path(__file__).resolve().parents[1] / "tasks" / "recommendation"
CONTINENTS = {
    "north america": "usa canada mexico jamaica cuba haiti puerto_rico dominican_republic",
    "south america": "brazil argentina chile peru colombia uruguay",
    "europe": "uk ireland france germany austria italy spain portugal belgium netherlands sweden norway denmark finland iceland "
    "poland greece estonia bulgaria serbia romania russia czech_republic ukraine",
    "africa": "nigeria ghana cameroon benin guinea niger mali senegal gambia ethiopia south_africa zimbabwe congo cape_verde kenya "
    "angola algeria egypt tunisia",
    "asia": "japan south_korea china taiwan indonesia thailand philippines mongolia india pakistan iran turkey lebanon palestine "
    "syria israel armenia",
    "oceania": "australia new_zealand",
}
COUNTRIES = {country.replace("_", " "): continent for continent, names in CONTINENTS.items() for country in names.split()}
VOICES = {"male voice", "female voice", "choir", "vocal harmony"}


@pytest.fixture(scope="module")
def albums() -> Catalogue:
    return Catalogue(read_items(FOLDER / "albums.jsonl"))


def test_there_are_four_hundred_whole_albums(albums: Catalogue) -> None:
    rows = [json.loads(line) for line in (FOLDER / "albums.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(albums) == len(rows) == 400
    assert all(list(row) == ["item_id", "title", "creators", "year", "tags", "description"] for row in rows)
    assert len({(item.title, item.creators) for item in albums.items}) == len({item.description for item in albums.items}) == 400
    for item in albums.items:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", item.item_id) and item.creators and item.title
        assert item.year is not None and 1940 <= item.year <= 2024
        assert 20 <= len(item.description.split()) <= 50 and 2 <= len(re.findall(r"[.!?](?: |$)", item.description)) <= 3, item.item_id


def test_tags_name_the_country_and_the_decade_and_agree_with_each_other(albums: Catalogue) -> None:
    for item in albums.items:
        assert 6 <= len(item.tags) <= 10 and all(tag == tag.strip().lower() for tag in item.tags), item.item_id
        assert item.tags[-1] == f"{item.year // 10 * 10}s" and item.tags[-2] in COUNTRIES, item.item_id  # type: ignore[operator]
        assert not (VOICES & set(item.tags) and "instrumental" in item.tags), item.item_id


def test_a_tag_finds_more_than_one_album(albums: Catalogue) -> None:
    assert not [tag for tag, count in albums.tags.items() if count < 2 and tag not in COUNTRIES]


def test_albums_come_from_everywhere_and_every_decade(albums: Catalogue) -> None:
    continents = Counter(COUNTRIES[tag] for item in albums.items for tag in item.tags if tag in COUNTRIES)
    decades = Counter(item.tags[-1] for item in albums.items)
    assert len(continents) == 6 and min(continents.values()) >= 5 and continents["north america"] < 200
    assert len(decades) == 9 and min(decades.values()) >= 5


@pytest.mark.parametrize(("split", "listeners"), [("train", 40), ("dev", 12)])
def test_listening_histories_are_read(albums: Catalogue, split: str, listeners: int) -> None:
    ratings = read_ratings(FOLDER / "sample" / f"{split}.jsonl", albums, (1, 5))
    sizes = [len(items) for items, _ in ratings.histories()]
    assert len(ratings.users) == listeners and min(sizes) >= 12 and max(sizes) <= 20
    assert all(strengths.max() == 1 and strengths.min() < 0 for _, strengths in ratings.histories())
    assert sum(sizes) == len((FOLDER / "sample" / f"{split}.jsonl").read_text(encoding="utf-8").splitlines())


def test_development_listeners_are_others(albums: Catalogue) -> None:
    train, dev = (read_ratings(FOLDER / "sample" / f"{split}.jsonl", albums, (1, 5)) for split in ("train", "dev"))
    assert not set(train.users) & set(dev.users)
    assert (train.popularity(400) + dev.popularity(400)).min() >= 1


def test_neighbours_in_a_history_are_related(albums: Catalogue) -> None:
    """Liked albums next to each other share more tags than those of different listeners do."""
    ratings = read_ratings(FOLDER / "sample" / "train.jsonl", albums, (1, 5))
    tags = [set(item.tags) for item in albums.items]
    near = [len(tags[one] & tags[other]) for one, other in pairwise(liked(ratings))]
    far = [len(tags[one] & tags[other]) for one, other in zip(liked(ratings), liked(ratings)[100:], strict=False)]
    assert sum(near) / len(near) > 1.7 * sum(far) / len(far)


def liked(ratings: Interactions) -> list[int]:
    return [int(item) for items, strengths in ratings.histories() for item, strength in zip(items, strengths, strict=True) if strength > 0]


def test_no_listener_repeats_another(albums: Catalogue) -> None:
    histories: dict[str, set[str]] = defaultdict(set)
    for split in ("train", "dev"):
        for line in (FOLDER / "sample" / f"{split}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            histories[row["user_id"]].add(row["item_id"])
    shared = [len(one & other) / len(one) for user, one in histories.items() for name, other in histories.items() if name != user]
    assert max(shared) < 0.6
