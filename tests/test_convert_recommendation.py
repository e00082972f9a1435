"""``finetune.convert`` for recommendation: catalogues and ratings, from miniatures of the original layouts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from finetune.convert import goodbooks, movielens
from finetune.convert.__main__ import main
from tasks.core.errors import FileError

BOOKS = (
    "book_id,goodreads_book_id,isbn13,authors,original_publication_year,title\n"
    '1,77,9.78E+12,"Ada Osei, Jo Quill",1968.0,"Sea, wide (Tides, #1)"\n'
    "2,78,,Kofi Mensah,,Élan\n"
    "3,79,,,-750.0,Very old\n"
)
TAGS = "tag_id,tag_name\n5,to-read\n6,Science-Fiction\n7,science fiction\n8,my-books\n9,2014-reads\n10,sea\n11,фантастика\n"
BOOK_TAGS = "goodreads_book_id,tag_id,count\n77,5,900\n77,6,10\n77,7,5\n77,8,80\n77,9,70\n77,10,12\n77,11,60\n78,10,1\n"
FILMS = 'movieId,title,genres\n1,Toy Train (1995),Adventure|Animation\n2,"Boat, The (1981) ",(no genres listed)\n3,No Year,Drama\n'
RATED = "userId,movieId,rating,timestamp\n7,1,4.5,300\n7,3,0.5,100\n7,2,3.0,200\n9,1,5.0,50\n"
TAGGED = "userId,movieId,tag,timestamp\n7,1,Slow  Burn,1\n9,1,slow burn,2\n9,1,drama,3\n8,1,toys,4\n9,1,TOYS,5\n7,1,toys,6\n9,3,alone,7\n"


def folder(path: Path, **files: str) -> Path:
    """A folder with these files, the ending after the underscore."""
    for name, text in files.items():
        encoding = "latin-1" if name.endswith("_dat") else "utf-8"
        (path / ".".join(name.rsplit("_", 1))).write_text(text, encoding=encoding, newline="")
    return path


def test_books_have_the_shelves_that_say_what_they_are(tmp_path: Path) -> None:
    made = folder(tmp_path, books_csv=BOOKS, tags_csv=TAGS, book_tags_csv=BOOK_TAGS)
    sea = {"item_id": "1", "title": "Sea, wide (Tides, #1)", "creators": ["Ada Osei", "Jo Quill"], "year": 1968}
    assert list(goodbooks.convert(made / "books.csv")) == [
        sea | {"tags": ["science fiction", "sea"]},  # two spellings of one shelf count together
        {"item_id": "2", "title": "Élan", "creators": ["Kofi Mensah"], "year": None, "tags": ["sea"]},
        {"item_id": "3", "title": "Very old", "creators": [], "year": -750, "tags": []},
    ]


def test_the_commonest_shelves_are_kept_and_stand_in_the_order_of_the_alphabet(tmp_path: Path) -> None:
    words = [f"{one}{other}" for one in "abcde" for other in "vwxyz"]
    tags = "tag_id,tag_name\n" + "".join(f"{number},{word}\n" for number, word in enumerate(words))
    counts = "goodreads_book_id,tag_id,count\n" + "".join(f"78,{number},{number + 1}\n" for number in range(len(words)))
    made = folder(tmp_path, books_csv=BOOKS, tags_csv=tags, book_tags_csv=counts)
    assert list(goodbooks.convert(made / "books.csv"))[1]["tags"] == words[-goodbooks.MOST :]


def test_books_without_the_files_of_tags_have_none(tmp_path: Path) -> None:
    assert [row["tags"] for row in goodbooks.convert(folder(tmp_path, books_csv=BOOKS) / "books.csv")] == [[], [], []]


def test_ratings_of_books_stay_in_their_order(tmp_path: Path) -> None:
    made = folder(tmp_path, ratings_csv="user_id,book_id,rating\n9,2,5\n1,1,3\n9,1,1\n")
    rows = list(goodbooks.convert(made / "ratings.csv"))
    assert rows[0] == {"user_id": "9", "item_id": "2", "rating": 5}
    assert [(row["user_id"], row["item_id"]) for row in rows] == [("9", "2"), ("1", "1"), ("9", "1")]


FILM_ROWS: list[dict[str, Any]] = [
    {"item_id": "1", "title": "Toy Train", "creators": [], "year": 1995, "tags": ["adventure", "animation", "toys", "slow burn"]},
    {"item_id": "2", "title": "Boat, The", "creators": [], "year": 1981, "tags": []},
    {"item_id": "3", "title": "No Year", "creators": [], "year": None, "tags": ["drama"]},
]


def test_films_have_genres_and_the_tags_of_several_users(tmp_path: Path) -> None:
    made = folder(tmp_path, movies_csv=FILMS, tags_csv=TAGGED)
    assert list(movielens.convert(made / "movies.csv")) == FILM_ROWS


def test_ratings_of_films_are_each_users_in_order_of_time(tmp_path: Path) -> None:
    rows = list(movielens.convert(folder(tmp_path, ratings_csv=RATED) / "ratings.csv"))
    assert rows[0] == {"user_id": "7", "item_id": "3", "rating": 0.5, "timestamp": 100}
    assert [(row["user_id"], row["item_id"]) for row in rows] == [("7", "3"), ("7", "2"), ("7", "1"), ("9", "1")]


def test_the_older_form_gives_the_same(tmp_path: Path) -> None:
    older = {
        "movies_dat": "1::Toy Train (1995)::Adventure|Animation\n4::Café (1999)::Drama\n",
        "ratings_dat": "7::1::4::300\n7::3::5::100\n",
    }
    made = folder(tmp_path, **older)
    assert [row["title"] for row in movielens.convert(made / "movies.dat")] == ["Toy Train", "Café"]
    assert [row["item_id"] for row in movielens.convert(made / "ratings.dat")] == ["3", "1"]


@pytest.mark.parametrize(
    ("convert", "name", "text", "reason"),
    [
        (goodbooks.convert, "books.csv", "book_id,title\n1,Sea\n", "the column 'goodreads_book_id' is missing"),
        (goodbooks.convert, "ratings.csv", "user_id,book_id,rating\n1,2,good\n", "line 2: invalid literal"),
        (goodbooks.convert, "to_read.csv", "user_id,book_id\n1,2\n", "neither books.csv nor ratings.csv"),
        (movielens.convert, "movies.csv", "movieId,title\n1,Sea\n", "the column 'genres' is missing"),
        (movielens.convert, "ratings.csv", "userId,movieId,rating,timestamp\n1,2,good,3\n", "line 2: could not convert"),
        (movielens.convert, "ratings.csv", RATED + "7,4,1.0,400\n", "the ratings of user '7' stand apart"),
        (movielens.convert, "ratings.dat", "1::2::3\n", "line 1: it has 3 fields, not 4"),
        (movielens.convert, "links.csv", "movieId,imdbId\n1,2\n", "neither movies.csv nor ratings.csv"),
    ],
)
def test_other_files_are_refused_with_their_place(convert: Any, name: str, text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(FileError, match=reason):
        list(convert(tmp_path / name))


@pytest.mark.parametrize(("convert", "name"), [(goodbooks.convert, "books.csv"), (movielens.convert, "movies.dat")])
def test_a_file_that_is_not_there_is_a_sentence(convert: Any, name: str, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="can't be read"):
        list(convert(tmp_path / name))


def test_the_command_writes_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = folder(tmp_path, movies_csv=FILMS)
    assert main(["movielens", str(made / "movies.csv"), "--output", str(made / "items.jsonl")]) == 0
    assert len([json.loads(line) for line in (made / "items.jsonl").read_text(encoding="utf-8").splitlines()]) == 3
    assert "3 rows written" in capsys.readouterr().out
