"""Catalogues: every source gives the same items, wrong ones a sentence; items are found by id, title and creators."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import FileError, InputError
from tasks.recommendation.catalogue import Catalogue, read_items
from tasks.recommendation.lookup import phrase
from tasks.recommendation.types import Item

ITEMS = [
    Item("007", "Kind of Blue", ("Miles Davis",), 1959, ("jazz", "slow"), "Muted trumpet, slow harmonies."),
    Item("7", "Ágætis byrjun", ("Sigur Rós",), 1999, ("dreamy", "slow")),
    Item("x y", "Les Copains d'abord", ("Georges Brassens", "Tyler, The Creator"), None, ("chanson",), 'With "quotes", and a comma.'),
    Item("unknown", "", (), None, ()),
]
ROWS: list[dict[str, Any]] = [
    {
        "item_id": item.item_id,
        "title": item.title,
        "creators": list(item.creators),
        "year": item.year,
        "tags": list(item.tags),
        "description": item.description,
    }
    for item in ITEMS
]


def write_csv(path: Path, rows: list[dict[str, Any]], separator: str = ",") -> str:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def sources(folder: Path) -> dict[str, Any]:
    import datasets

    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    pandas.DataFrame(ROWS).to_parquet(folder / "a.parquet")
    cells = [row | {"creators": json.dumps(row["creators"]), "tags": "; ".join(row["tags"]), "year": row["year"] or ""} for row in ROWS]
    return {
        "rows": ROWS,
        "an iterator": iter(ROWS),
        "jsonl": str(folder / "a.jsonl"),
        "parquet": folder / "a.parquet",
        "csv": write_csv(folder / "a.csv", cells),
        "tsv": write_csv(folder / "a.tsv", cells, "\t"),
        "a table": pandas.DataFrame(ROWS),
        "a dataset": datasets.Dataset.from_list(ROWS),
    }


def test_every_source_gives_the_same_items(tmp_path: Path) -> None:
    for name, source in sources(tmp_path).items():
        assert read_items(source) == ITEMS, name


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ('["Crosby, Stills & Nash", "Young"]', ("Crosby, Stills & Nash", "Young")),
        ("a; b;b ;", ("a", "b")),
        ("a, b", ("a", "b")),
        ("a|b|c", ("a", "b", "c")),
        ("Tyler, The Creator; Kali", ("Tyler, The Creator", "Kali")),
        ("[untitled]; x", ("[untitled]", "x")),
        ("", ()),
        (None, ()),
        (float("nan"), ()),
        (np.array(["a", "b"]), ("a", "b")),
        (["a", None, " a "], ("a",)),
    ],
)
def test_a_list_may_be_one_cell(cell: Any, names: tuple[str, ...]) -> None:
    item = read_items([{"item_id": 1, "title": "A", "creators": cell, "tags": cell}])[0]
    assert item.creators == item.tags == names


@pytest.mark.parametrize(
    ("given", "year"),
    [(1959, 1959), ("1959", 1959), (1959.0, 1959), ("1959.0", 1959), (" 1959 ", 1959), (np.int64(-720), -720), ("", None), (None, None)],
)
def test_a_year_may_be_a_number_or_a_text(given: Any, year: int | None) -> None:
    assert read_items([{"item_id": "a", "title": "A", "year": given}])[0].year == year
    assert read_items([{"item_id": "a", "title": "A", "year": float("nan")}])[0].year is None


def test_whole_numbers_as_ids_become_texts() -> None:
    rows = [{"item_id": each, "title": "A"} for each in (7, np.int32(8), 9.0, " a ")]
    assert [item.item_id for item in read_items(rows)] == ["7", "8", "9", "a"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "There are no rows in the items: give at least one item"),
        ([{"title": "A"}], 'Row 1 of the items has no "item_id"'),
        ([{"item_id": "a", "title": "A"}, {"item_id": "b"}], 'Row 2 of the items has no "title"'),
        ([{"item_id": "", "title": "A"}], '"item_id" of row 1 of the items is empty'),
        ([{"item_id": True, "title": "A"}], '"item_id" of row 1 of the items is bool'),
        ([{"item_id": 1.5, "title": "A"}], '"item_id" of row 1 of the items is float'),
        ([{"item_id": ["a"], "title": "A"}], '"item_id" of row 1 of the items is list'),
        ([{"item_id": "a", "title": 1984}], '"title" of row 1 of the items is int: it must be text'),
        ([{"item_id": "a", "title": "A", "tags": 5}], '"tags" of row 1 of the items is int: it must be a list of texts'),
        ([{"item_id": "a", "title": "A", "tags": {"b": 1}}], '"tags" of row 1 of the items is dict'),
        ([{"item_id": "a", "title": "A", "creators": ["b", 5]}], '"creators" of row 1 of the items holds int'),
        ([{"item_id": "a", "title": "A", "description": ["b"]}], '"description" of row 1 of the items is list'),
        ([{"item_id": "a", "title": "A", "year": "May 1959"}], "\"year\" of row 1 of the items is 'May 1959': it must be a year"),
        ([{"item_id": "a", "title": "A", "year": 1959.5}], "it must be a year"),
        ([{"item_id": "a", "title": "A", "year": True}], "it must be a year"),
        ([{"item_id": "a", "title": "A", "year": 10**400}], "it must be a year"),
        ([{"item_id": "a", "title": "A", "year": [1959]}], "it must be a year"),
        ([{"item_id": each, "title": "A"} for each in ("a", 5, "5")], "Items 2 and 3 have the same id '5'"),
        (["a"], "Row 1 of the items is str: a row must be a dict"),
        ({"train": []}, "items must be the path of a file, a list of dicts, or one split of a dataset, not dict"),
        (5, "items must be the path"),
    ],
)
def test_wrong_rows_are_one_sentence(rows: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_items(rows)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"item_id": "a"}\n')
    with pytest.raises(InputError, match=r"Row 1 of 'a\.jsonl' has no .title."):
        read_items(tmp_path / "a.jsonl")
    (tmp_path / "a.jsonl").write_text("\n")
    with pytest.raises(InputError, match=r"no rows in 'a\.jsonl'"):
        read_items(str(tmp_path / "a.jsonl"))
    with pytest.raises(FileError, match="can't be read"):
        read_items(tmp_path / "missing.csv")


names = st.text(st.characters(exclude_characters=";|,[", exclude_categories=["Cs", "Cc"]), min_size=1).map(str.strip).filter(bool)


@given(st.lists(names, unique=True, min_size=2), st.sampled_from(["; ", "|", ", "]))
def test_names_come_back_out_of_a_cell(given: list[str], separator: str) -> None:
    assert read_items([{"item_id": "a", "title": "A", "tags": separator.join(given)}])[0].tags == tuple(given)


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()) | st.builds(dict)


@given(anything)
def test_any_value_gives_an_item_or_a_sentence(value: Any) -> None:
    for field in ("item_id", "title", "creators", "tags", "year", "description"):
        try:
            read_items([{"item_id": "a", "title": "A"} | {field: value}])
        except InputError as error:
            assert field in str(error)


# ------------------------------------------------------------------------------------------------------------ the catalogue


def test_a_catalogue_knows_its_items() -> None:
    catalogue = Catalogue(ITEMS)
    assert len(catalogue) == 4 and catalogue.items == tuple(ITEMS)
    assert [catalogue.index(item.item_id) for item in ITEMS] == [0, 1, 2, 3] and catalogue.index(7) == 1
    assert "007" in catalogue and "8" not in catalogue
    assert list(catalogue.tags.items()) == [("slow", 2), ("chanson", 1), ("dreamy", 1), ("jazz", 1)]
    assert catalogue.years == (1959, 1999) and Catalogue(ITEMS[2:]).years is None


def test_a_catalogue_does_not_change() -> None:
    catalogue = Catalogue(ITEMS)
    catalogue.tags["slow"] = 99
    more = catalogue.with_items([Item("new", "Blue", ("Joni Mitchell",), 1971, ("folk",))])
    assert catalogue.tags["slow"] == 2 and len(catalogue) == 4 and "new" not in catalogue
    assert more.items[:4] == catalogue.items and more.index("new") == 4 and more.search("joni")[0].item_id == "new"
    assert more.years == (1959, 1999) and "folk" in more.tags
    with pytest.raises(AttributeError):
        catalogue.items = ()  # type: ignore[misc]


def test_ids_are_unique() -> None:
    with pytest.raises(InputError, match="Items 1 and 3 have the same id '007'"):
        Catalogue([*ITEMS[:2], ITEMS[0]])
    with pytest.raises(InputError, match="has an item with the id '7' already"):
        Catalogue(ITEMS).with_items([Item("8", "A"), ITEMS[1]])
    with pytest.raises(InputError, match="Items 5 and 6 have the same id 'n'"):
        Catalogue(ITEMS).with_items([Item("n", "A"), Item("n", "B")])
    with pytest.raises(InputError, match="The catalogue is empty"):
        Catalogue([])


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("Kind of Blue", "No item has the id 'Kind of Blue': did you mean '007' .Kind of Blue.?"),
        ("kind of bleu", "did you mean '007' .Kind of Blue.?"),
        ("agaetis byrjun", "did you mean '7' .Ágætis byrjun.?"),
        ("brassens", "did you mean 'x y' "),
        ("0071", "did you mean '007' "),
        ("nothing like it", "No item has the id 'nothing like it': search the catalogue by title to find ids"),
        ("?!", "search the catalogue by title"),
        (8, "No item has the id '8'"),
        ("", "An item_id is empty"),
        (None, "An item_id is empty"),
        (["007"], "An item_id must be text or a whole number, not list"),
        ("x" * 100_000, "No item has the id 'x{80}'"),
    ],
)
def test_an_unknown_id_names_near_ones(wanted: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Catalogue(ITEMS).index(wanted)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("kind", "Kind of Blue"),
        ("BLUE kin", "Kind of Blue"),
        ("davis blue", "Kind of Blue"),
        ("agaetis", "Ágætis byrjun"),
        ("ÁGÆTIS", "Ágætis byrjun"),
        ("sigur ros", "Ágætis byrjun"),
        ("abord", "Les Copains d'abord"),
        ("dabord", "Les Copains d'abord"),
        ("d'abord", "Les Copains d'abord"),
        ("tyler", "Les Copains d'abord"),
    ],
)
def test_search_finds_beginnings_of_words_without_accents(said: str, title: str) -> None:
    assert [item.title for item in Catalogue(ITEMS).search(said)] == [title]


def test_search_needs_every_word_and_takes_none_from_within() -> None:
    catalogue = Catalogue(ITEMS)
    assert [catalogue.search(said) for said in ("blue ros", "lue", "", "  ", "?!", "zzz")] == [[]] * 6


def test_the_best_title_comes_first() -> None:
    titles = ["Kind of Blue", "Bluebird", "The Blue Notebooks", "Blue", "Blue Notes from a Night", "Blue Train", "Pastel Blues"]
    catalogue = Catalogue([Item(str(place), title) for place, title in enumerate(titles)] + [Item("by", "Something", ("Blue",))])
    found = [item.title for item in catalogue.search("blue")]
    assert found[:3] == ["Blue", "Blue Train", "Blue Notes from a Night"] and set(found) == {*titles, "Something"}
    assert found.index("Kind of Blue") < found.index("Something") and found.index("Kind of Blue") < found.index("Pastel Blues")
    assert [item.title for item in catalogue.search("blue", k=2)] == ["Blue", "Blue Train"]
    assert catalogue.search("blue train")[0].title == "Blue Train"


@pytest.mark.parametrize(
    ("words", "k", "message"),
    [(5, 10, "words must be text, not int"), ("a", 0, "k must be a whole number"), ("a", 1.5, "k must"), ("a", True, "k must")],
)
def test_wrong_searches_are_one_sentence(words: Any, k: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Catalogue(ITEMS).search(words, k)


@given(st.lists(st.text(max_size=20), min_size=1, max_size=8))
def test_every_title_is_found_by_itself_and_by_its_beginning(titles: list[str]) -> None:
    catalogue = Catalogue([Item(str(place), title) for place, title in enumerate(titles)])
    for item in catalogue.items:
        words = phrase(item.title)
        if words:
            assert phrase(catalogue.search(item.title, 1)[0].title) == words
            assert item in catalogue.search(words[: len(words) // 2 + 1], len(titles))


few_titles = st.lists(st.sampled_from(["blue", "Blau", "bl", "réd", "red dog", "do"]), min_size=1, max_size=6)


@given(few_titles, st.sampled_from(["b", "bl r", "red", "do re"]))
def test_search_is_what_a_plain_reading_of_its_rule_finds(titles: list[str], said: str) -> None:
    catalogue = Catalogue([Item(str(place), title) for place, title in enumerate(titles)])
    fitting = {
        item for item in catalogue.items if all(any(word.startswith(each) for word in phrase(item.title).split()) for each in said.split())
    }
    assert set(catalogue.search(said, 20)) == fitting


def test_a_large_catalogue_is_searched_and_suggests_the_same() -> None:
    songs = [Item(str(number), f"Song {number} of the {number % 97}th night", (f"Singer {number % 991}",)) for number in range(12_000)]
    catalogue = Catalogue(songs)
    assert [item.item_id for item in catalogue.search("song 11999")] == ["11999"]
    assert {item.creators for item in catalogue.search("singer 987", 12)} == {("Singer 987",)}
    with pytest.raises(InputError, match="No item has the id 'song 12001 of the 3th night': did you mean"):
        catalogue.index("song 12001 of the 3th night")
