"""Ratings as arrays and histories as pairs: the same from every source, in order, the last of two ratings, wrong ones a sentence."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import FileError, InputError
from tasks.recommendation.catalogue import Catalogue
from tasks.recommendation.ratings import Interactions, read_history, read_ratings, strength_of
from tasks.recommendation.types import Item, Rated

CATALOGUE = Catalogue([Item(item_id, item_id.upper()) for item_id in ("007", "7", "c", "d")])
ROWS: list[dict[str, Any]] = [
    {"user_id": "zoe", "item_id": "c", "rating": 5},
    {"user_id": "042", "item_id": "7", "rating": 1},
    {"user_id": "zoe", "item_id": "007", "rating": 3},
    {"user_id": "42", "item_id": "c", "rating": 2.0},
    {"user_id": "zoe", "item_id": "d", "rating": 4},
    {"user_id": "zoe", "item_id": "c", "rating": 1},
]


def plain(ratings: Interactions) -> dict[str, list[tuple[int, float]]]:
    """What was read, user by user."""
    pairs = [list(zip(items.tolist(), strengths.tolist(), strict=True)) for items, strengths in ratings.histories()]
    return dict(zip(ratings.users, pairs, strict=True))


def row(**changed: Any) -> dict[str, Any]:
    return {"user_id": "u", "item_id": "c", "rating": 5} | changed


def sources(folder: Path) -> dict[str, Any]:
    import datasets

    frame = pandas.DataFrame(ROWS)
    frame.to_csv(folder / "a.csv", index=False)
    frame.assign(more="x").to_csv(folder / "a.tsv", index=False, sep="\t")
    frame.to_parquet(folder / "a.parquet")
    (folder / "a.jsonl").write_text("".join(json.dumps(each) + "\n\n" for each in ROWS), encoding="utf-8")
    return {
        "rows": ROWS,
        "an iterator": iter(ROWS),
        "a table": frame.sort_index(ascending=False).iloc[::-1],
        "a dataset": datasets.Dataset.from_list(ROWS),
        "a dataset that flows": datasets.Dataset.from_list(ROWS).to_iterable_dataset(),
        **{suffix: folder / f"a.{suffix}" for suffix in ("csv", "tsv", "parquet", "jsonl")},
    }


def test_every_source_gives_the_same_and_the_last_of_two_ratings_counts(tmp_path: Path) -> None:
    for name, source in sources(tmp_path).items():
        ratings = read_ratings(source, CATALOGUE, (1, 5))
        assert plain(ratings) == {"zoe": [(0, 0.0), (3, 0.5), (2, -1.0)], "042": [(1, -1.0)], "42": [(2, -0.5)]}, name
        assert ratings.items.dtype == np.int32 and ratings.strength.dtype == np.float32 and ratings.start.tolist() == [0, 3, 4, 5]
        assert ratings.popularity(len(CATALOGUE)).tolist() == [1, 1, 2, 1] and len(ratings) == 5
        assert ratings.popularity(6).tolist() == [1, 1, 2, 1, 0, 0]


def test_whole_numbers_are_the_texts_that_they_are() -> None:
    rows = [row(user_id=1, item_id=7), row(user_id="1", item_id="007"), row(user_id=1.0, item_id=np.int64(7), rating=1)]
    assert plain(read_ratings(rows, CATALOGUE, (1, 5))) == {"1": [(0, 1.0), (1, -1.0)]}


def test_zeros_in_front_of_an_id_stay_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user_id,item_id,rating\n01,007,5\n1,7,1\n")
    assert plain(read_ratings(tmp_path / "a.csv", CATALOGUE, (1, 5))) == {"01": [(0, 1.0)], "1": [(1, -1.0)]}


@pytest.mark.parametrize(
    "times",
    [
        [30, 20, 10, 10],
        [3.5, 2.5, 1.5, 1.5],
        [2**62 + 2, 2**62 + 1, 2**62, 2**62],
        ["3", "2", "1", "1"],
        ["2024-01-03", "2024-01-02", "2024-01-01", "2024-01-01"],
        ["2024-01-01T12:00:00+02:00", "2024-01-01T09:30:00Z", "2024-01-01T09:00:00Z", "2024-01-01 09:00"],
        [datetime.datetime(2024, 1, day, tzinfo=datetime.UTC) for day in (3, 2, 1, 1)],
        [datetime.date(2024, 1, day) for day in (3, 2, 1, 1)],
    ],
)
def test_rows_with_a_time_are_in_its_order(times: list[Any]) -> None:
    rows = [row(item_id=item, timestamp=at) for item, at in zip(["007", "7", "c", "d"], times, strict=True)]
    for source in (rows, pandas.DataFrame(rows)):
        assert [item for item, _ in plain(read_ratings(source, CATALOGUE, (1, 5)))["u"]] == [2, 3, 1, 0]


def test_the_last_rating_is_the_last_in_time() -> None:
    rows = [row(rating=1, timestamp=9), row(item_id="d", timestamp=5), row(rating=5, timestamp=1)]
    assert plain(read_ratings(rows, CATALOGUE, (1, 5))) == {"u": [(3, 1.0), (2, -1.0)]}
    without = [each | {"timestamp": None} for each in rows]
    assert plain(read_ratings(without, CATALOGUE, (1, 5))) == {"u": [(3, 1.0), (2, 1.0)]}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "There are no rows in the ratings: leave ratings out"),
        ([row(), {"user_id": "u", "rating": 5}], 'Row 2 of the ratings has no "item_id": a rating needs'),
        ([row(user_id=None)], 'Row 1 of the ratings has no "user_id"'),
        ([row(), row(user_id=" ")], 'Row 2 of the ratings has no "user_id"'),
        ([row(), row(item_id=float("nan"))], 'Row 2 of the ratings has no "item_id"'),
        ([row(user_id=1.5)], '"user_id" in row 1 of the ratings is float: it must be text'),
        ([row(item_id=["c"])], '"item_id" of the ratings holds lists or dicts'),
        ([row(), row(item_id="x"), row(item_id="y")], "rated in 2 of the 3 rows of the ratings .the first is 'x' in row 2.: add"),
        ([row(), row(item_id="C")], "rated in 1 of the 2 rows of the ratings"),
        ([row(), row(rating=5.5)], "Row 2 of the ratings has the rating 5.5, outside the scale 1 to 5: give scale=.low, high."),
        ([row(rating=0)], "the rating 0, outside the scale"),
        ([row(rating=float("inf"))], "the rating inf, outside the scale"),
        ([row(rating=10**400)], "the rating inf, outside the scale"),
        ([row(), row(rating="five")], "Row 2 of the ratings has the rating 'five', which is no number"),
        ([row(rating=True)], "the rating 'True', which is no number"),
        ([row(rating=[5])], "which is no number"),
        ([row(rating=None)], 'Row 1 of the ratings has no "rating"'),
        ([row(), row(rating=float("nan"))], 'Row 2 of the ratings has no "rating"'),
        ([row(timestamp=1), row()], "Row 2 of the ratings has no timestamp where others have one"),
        ([row(timestamp="2024-01-01"), row(timestamp="yesterday")], "Row 2 of the ratings has the timestamp 'yesterday': give all rows"),
        ([row(timestamp=[1])], "Row 1 of the ratings has the timestamp"),
        ([["u", "c", 5]], "Row 1 of the ratings is list: a row must be a dict"),
        ({"train": [row()]}, "ratings must be the path of a file, a list of dicts, or one split of a dataset, not dict"),
        (None, "ratings must be the path"),
    ],
)
def test_wrong_rows_are_one_sentence(rows: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_ratings(rows, CATALOGUE, (1, 5))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user_id,item_id,rating\nu,c,5\nu,d,\n", "Row 2 of 'a.csv' has no \"rating\""),
        ("user_id,item_id,rating\nu,c,5\n,d,5\n", "Row 2 of 'a.csv' has no \"user_id\""),
        ("user_id,item_id,rating\nu,c,9\n", "Row 1 of 'a.csv' has the rating 9, outside"),
        ("user_id,item_id,stars\nu,c,5\n", 'There is no "rating" in .a.csv.: a rating needs'),
        ("a,b\n1,2\n", 'There is no "user_id" in .a.csv.'),
        ("user_id,item_id,rating\n", "There are no rows in 'a.csv'"),
        ("user_id,item_id,rating\nu,x,5\n", "rated in 1 of the 1 rows of 'a.csv'"),
    ],
)
def test_a_wrong_file_is_one_sentence(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_ratings(tmp_path / "a.csv", CATALOGUE, (1, 5))
    if text.count("\n") > 1:
        rows = pandas.read_csv(tmp_path / "a.csv", keep_default_na=False)
        (tmp_path / "b.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows.to_dict("records")))
        with pytest.raises(InputError, match=message.replace("a.csv", "b.jsonl")):
            read_ratings(tmp_path / "b.jsonl", CATALOGUE, (1, 5))


def test_a_file_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="can't be read"):
        read_ratings(tmp_path / "missing.parquet", CATALOGUE, (1, 5))


a_rating = st.tuples(st.sampled_from("xyz"), st.sampled_from(["007", "7", "c", "d"]), st.integers(1, 5), st.integers(0, 3))


@given(st.lists(a_rating, min_size=1), st.booleans())
def test_ratings_are_what_a_plain_reading_gives(drawn: list[tuple[str, str, int, int]], timed: bool) -> None:
    rows = [{"user_id": user, "item_id": item, "rating": rating} | ({"timestamp": at} if timed else {}) for user, item, rating, at in drawn]
    expected: dict[str, dict[int, float]] = {user: {} for user, *_ in drawn}
    for user, item, rating, _ in sorted(drawn, key=lambda each: each[3]) if timed else drawn:
        expected[user].pop(CATALOGUE.index(item), None)
        expected[user][CATALOGUE.index(item)] = (rating - 3) / 2
    for source in (rows, pandas.DataFrame(rows)):
        ratings = read_ratings(source, CATALOGUE, (1, 5))
        assert plain(ratings) == {user: list(items.items()) for user, items in expected.items()} and ratings.users == list(expected)
        assert ratings.popularity(4).tolist() == [sum(place in items for items in expected.values()) for place in range(4)]


def test_many_rows_are_read(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    columns = {name: random.integers(0, size, 100_000) for name, size in (("user_id", 2_000), ("item_id", 4), ("rating", 6))}
    pandas.DataFrame(columns).to_parquet(tmp_path / "a.parquet")
    ratings = read_ratings(tmp_path / "a.parquet", Catalogue([Item(str(number), "") for number in range(4)]), (0, 5))
    last = dict(zip(zip(columns["user_id"].astype(str), columns["item_id"], strict=True), columns["rating"], strict=True))
    found = {(user, item): strength for user, pairs in plain(ratings).items() for item, strength in pairs}
    assert found == {pair: pytest.approx(rating / 2.5 - 1, abs=1e-6) for pair, rating in last.items()}


# ------------------------------------------------------------------------------------------------------------- one's own history


def test_a_history_takes_every_form_and_the_last_of_two() -> None:
    history = ["7", ("c", 1), {"item_id": "d", "rating": 2.5}, Rated("007"), Rated("007", 5), {"item_id": "7"}, ("c", None)]
    assert read_history(history, CATALOGUE, (0, 5)) == [(3, 0.0), (0, 1.0), (1, 1.0), (2, 1.0)]
    assert read_history([7, {"user_id": "u", "item_id": 7, "rating": 1, "timestamp": 3}], CATALOGUE, (1, 5)) == [(1, -1.0)]
    assert read_history([], CATALOGUE, (1, 5)) == []


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ("c", "history must be a list of items, the oldest first, not str"),
        (("c", 5), "history must be a list of items, the oldest first, not tuple"),
        (None, "history must be a list"),
        (["c", "C7"], "No item has the id 'C7'"),
        ([("c", 5, 1)], "Entry 1 of the history has 3 parts: a tuple must be .item_id, rating."),
        (["c", ()], "Entry 2 of the history has 0 parts"),
        ([["c", 5]], "Entry 1 of the history is a list: give a rating as a tuple"),
        ([{"rating": 5}], 'Entry 1 of the history has no "item_id"'),
        ([{"item_id": "c", "score": 5}], "Entry 1 of the history has the unknown field 'score'"),
        ([("c", 6)], "The rating 6 is outside the scale 1 to 5: give scale=.low, high."),
        ([Rated("c", 0.5)], "The rating 0.5 is outside the scale"),
        ([("c", "5")], "A rating must be a number, not '5'"),
        ([("c", True)], "A rating must be a number"),
        ([("c", float("nan"))], "A rating must be a number"),
        ([("c", 10**400)], "The rating inf is outside the scale"),
        ([None], "An item_id is empty"),
        ([{1, 2}], "An item_id must be text or a whole number, not set"),
    ],
)
def test_a_wrong_history_is_one_sentence(history: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_history(history, CATALOGUE, (1, 5))


@pytest.mark.parametrize("scale", [(5, 1), (3, 3), (1,), (1, 2, 3), "15x", None, (0, float("nan")), (0, float("inf")), ("a", "b")])
def test_a_wrong_scale_is_one_sentence(scale: Any) -> None:
    for read in (lambda: strength_of(3, scale), lambda: read_ratings(ROWS, CATALOGUE, scale)):
        with pytest.raises(InputError, match="scale must be the lowest and the highest rating"):
            read()


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.floats(0, 1))
def test_strength_is_the_place_on_the_scale(low: float, width: float, share: float) -> None:
    high = low + width
    assert strength_of(low, (low, high)) == -1 and strength_of(high, (low, high)) == 1 and strength_of(None, (low, high)) == 1
    rating = min(max(low + share * (high - low), low), high)
    assert -1 <= strength_of(rating, (low, high)) <= 1
    assert strength_of(rating, (low, high)) == pytest.approx(2 * share - 1, abs=1e-5)
