"""Recommendation as a caller meets it: lists from histories, words and ratings, filters, diversity, and reasons that are true."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks import pipeline
from tasks.core.errors import InputError, QuipuError
from tasks.recommendation.types import RecommendationResult

KIND, SUPREME, THRILLER = "kind-of-blue-miles-davis", "a-love-supreme-john-coltrane", "thriller-michael-jackson"
FILMS = [
    {"item_id": f"f{number}", "title": title, "creators": [by], "year": year, "tags": tags}
    for number, (title, by, year, tags) in enumerate(
        [
            ("The Long Tide", "Ana Roth", 1990, ["sea", "drama"]),
            ("The Short Tide", "Ana Roth", 1994, ["sea", "drama"]),
            ("Robots of Norrvik", "Liv Moe", 2001, ["science fiction", "robots"]),
            ("Robots Again", "Liv Moe", 2004, ["science fiction", "robots"]),
            ("A Cook in Winter", "Per Lund", 2010, ["food", "comedy"]),
            ("A Cook in Spring", "Per Lund", 2012, ["food", "comedy"]),
        ]
    )
]


@pytest.fixture(scope="module")
def albums() -> Any:
    return pipeline("recommendation")


@pytest.fixture(scope="module")
def rated() -> Any:
    """Films of which the robots' viewers also see the cook in winter, whose texts have nothing in common."""
    rows = [{"user_id": f"u{user}", "item_id": item, "rating": 5} for user in range(8) for item in ("f2", "f4")]
    rows += [{"user_id": f"v{user}", "item_id": item, "rating": 4} for user in range(8) for item in ("f0", "f1")]
    return pipeline("recommendation", items=FILMS, ratings=rows)


def ids(result: RecommendationResult) -> list[str]:
    return [each.item_id for each in result.items]


def score_of(recommender: Any, item_id: str, **request: Any) -> float:
    found = recommender(**request, k=len(recommender.catalogue), explain=False).items
    return float(next(each.score for each in found if each.item_id == item_id))


def test_what_is_known_never_comes_and_nothing_comes_twice(albums: Any) -> None:
    found = ids(albums([KIND, SUPREME], k=len(albums.catalogue)))
    assert len(found) == len(set(found)) == len(albums.catalogue) - 2
    assert not {KIND, SUPREME} & set(found)
    assert found[0] not in ids(albums([KIND, SUPREME], k=5, exclude=[found[0]]))


def test_jazz_follows_jazz(albums: Any) -> None:
    found = albums([KIND, SUPREME], k=5).items
    tags = [set(albums.catalogue.items[albums.catalogue.index(each.item_id)].tags) for each in found]
    assert sum("jazz" in each for each in tags) >= 4


def test_a_disliked_item_pushes_away_what_is_like_it(albums: Any) -> None:
    near = ids(albums([KIND], k=1))[0]
    liked, disliked = (score_of(albums, near, history=[THRILLER, (KIND, rating)]) for rating in (5, 0.5))
    neutral = score_of(albums, near, history=[THRILLER])
    assert disliked < neutral < liked


@pytest.mark.parametrize("history", [[THRILLER, KIND, SUPREME], [(THRILLER, 1), (SUPREME, 4), KIND]])
@pytest.mark.parametrize("query", [None, "slow and nocturnal"])
def test_without_a_named_item_the_score_is_lower(albums: Any, history: list[Any], query: str | None) -> None:
    named = 0
    for each in albums(history, query=query, k=6).items:
        assert sum(reason.share for reason in each.because) <= 1 + 1e-6
        for reason in each.because:
            if reason.kind == "item":
                less = [entry for entry in history if reason.item_id not in (entry, entry[0])]
                assert score_of(albums, each.item_id, history=less, query=query) < each.score
                named += 1
    assert named >= 4


def test_a_named_tag_is_one_that_the_item_has_and_words_are_a_reason(albums: Any) -> None:
    result = albums(query="calm piano", k=8)
    reasons = [(each, reason) for each in result.items for reason in each.because]
    assert {"words", "tag"} <= {reason.kind for _, reason in reasons}
    for each, reason in reasons:
        if reason.kind == "tag":
            assert reason.name in albums.catalogue.items[albums.catalogue.index(each.item_id)].tags


def test_ratings_tell_what_texts_do_not(rated: Any) -> None:
    plain = pipeline("recommendation", items=FILMS)
    assert ids(plain(["f2"]))[0] == "f3" and "f4" in ids(plain(["f2"]))[2:]
    assert "f4" in ids(rated(["f2"], k=2))
    assert rated.popularity.tolist() == [8, 8, 8, 0, 8, 0]
    assert rated(["f2"], k=1).items[0].because[0].item_id == "f2"


def test_an_item_that_nobody_rated_is_recommended_by_what_it_is_like(rated: Any) -> None:
    assert ids(rated(["f2"], k=3))[:3].index("f3") < 3  # the robots' sequel, unrated
    assert ids(rated(["f2"], k=5)).index("f5") < ids(rated(["f2"], k=5)).index("f0")  # like the cook in winter, which they see


def test_filters_on_years_and_tags(albums: Any) -> None:
    items = {item.item_id: item for item in albums.catalogue.items}
    found = [items[each] for each in ids(albums([KIND], k=50, years=(1960, 1969), tags=["jazz"], without_tags=["piano"]))]
    assert found and all(1960 <= (item.year or 0) <= 1969 and "jazz" in item.tags and "piano" not in item.tags for item in found)
    assert all((items[each].year or 0) >= 2000 for each in ids(albums([KIND], years=(2000, None))))
    with pytest.raises(InputError, match="No item has the tag 'polka punk'"):
        albums([KIND], tags=["polka punk"])
    with pytest.raises(InputError, match="give the earlier one first"):
        albums([KIND], years=(1990, 1980))


def test_diversity_spreads_a_list(albums: Any) -> None:
    def likeness(diversity: float) -> float:
        places = [albums.catalogue.index(each) for each in ids(albums([KIND, SUPREME], k=8, diversity=diversity))]
        vectors = albums.stock.scorer.vectors[places].float().numpy()
        return float(np.mean((vectors @ vectors.T)[np.triu_indices(8, 1)]))

    assert likeness(0.9) < likeness(0.5) <= likeness(0)


def test_novelty_prefers_what_fewer_know(albums: Any) -> None:
    rows = [{"user_id": f"u{user}", "item_id": "f0", "rating": 4} for user in range(30)]
    films = pipeline("recommendation", items=FILMS, ratings=[*rows, {"user_id": "w", "item_id": "f1", "rating": 4}])
    plain, novel = (ids(films(["f4"], k=5, novelty=novelty)) for novelty in (0.0, 1.0))
    assert plain.index("f0") < novel.index("f0") == 4

    def likeness(novelty: float) -> float:  # without ratings, what is known is what they named
        vectors = albums.stock.scorer.vectors.float()
        own = vectors[albums.catalogue.index(KIND)]
        return float(np.mean([float(vectors[albums.catalogue.index(each)] @ own) for each in ids(albums([KIND], novelty=novelty))]))

    assert likeness(1.0) < likeness(0.0)


def test_words_name_items_and_what_is_not_wanted(albums: Any) -> None:
    found = ids(albums(query="slow, nocturnal, like Kind of Blue but with strings", k=10))
    assert KIND not in found
    tags = [set(albums.catalogue.items[albums.catalogue.index(each)].tags) for each in found]
    assert sum("strings" in each for each in tags) >= 5
    assert ids(albums(query="like Kind of Blue", k=5)) == ids(albums([KIND], k=5))
    assert ids(albums(query="less like Kind of Blue", history=[THRILLER], k=5)) == ids(albums([THRILLER, (KIND, 0.5)], k=5))


def test_one_gives_one_and_a_list_gives_a_list(albums: Any) -> None:
    assert isinstance(albums([KIND]), RecommendationResult)
    several = albums([[KIND], [THRILLER], []], k=3)
    assert [ids(each) for each in several] == [ids(albums([KIND], k=3)), ids(albums([THRILLER], k=3)), []]
    assert [ids(each) for each in albums(query=["calm piano", "loud guitars"], k=3)] == [
        ids(albums(query=words, k=3)) for words in ("calm piano", "loud guitars")
    ]
    assert [ids(each) for each in albums.stream(["calm piano"], k=3)] == [ids(albums(query="calm piano", k=3))]


def test_nothing_known_gives_an_empty_list(albums: Any) -> None:
    assert albums().items == albums([], query="  ").items == ()
    assert albums([KIND], years=(1800, 1801)).items == ()


def test_a_history_of_ten_thousand_items() -> None:
    items = [{"item_id": str(number), "title": f"Volume {number % 50}", "year": 1800 + number // 50} for number in range(10_050)]
    books = pipeline("recommendation", items=items)
    found = books([str(number) for number in range(10_000)], k=60, explain=False)
    assert {int(each) for each in ids(found)} == set(range(10_000, 10_050))


def test_an_item_without_text_is_known_by_its_ratings() -> None:
    items = [*FILMS, {"item_id": "blank", "title": ""}]
    rows = [{"user_id": f"u{user}", "item_id": item, "rating": 5} for user in range(8) for item in ("f2", "blank")]
    assert ids(pipeline("recommendation", items=items, ratings=rows)(["f2"], k=1)) == ["blank"]
    assert "blank" in ids(pipeline("recommendation", items=items)(["f2"], k=9))


def test_new_items_are_found_at_once_and_twins_come_once(rated: Any) -> None:
    films = pipeline("recommendation", items=FILMS)
    films.add([{"item_id": "new", "title": "Robots at Sea", "creators": ["Liv Moe"], "tags": ["science fiction", "robots"]}])
    assert "new" in ids(films(["f2"], k=2))
    films.add([{"item_id": "twin", "title": "robots again", "creators": ["Liv Moe"], "year": 2004, "tags": ["robots"]}])
    assert len({"f3", "twin"} & set(ids(films(["f2"], k=9)))) == 1
    assert "f3" not in ids(films(["twin"], k=9))
    with pytest.raises(InputError, match="already"):
        films.add([FILMS[0]])


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"history": ["nope-nope"]}, "No item has the id 'nope-nope'"),
        ({"history": [(KIND, 9)]}, "outside the scale 0.5 to 5"),
        ({"history": KIND}, "history must be a list"),
        ({"history": [KIND], "k": 0}, "k is 0"),
        ({"history": [KIND], "diversity": 2}, "diversity is 2"),
        ({"history": [KIND], "novelty": "much"}, "novelty is 'much'"),
        ({"history": [KIND], "exclude": KIND}, "exclude must be a list"),
        ({"history": [KIND], "tags": "jazz"}, "tags must be a list"),
        ({"history": [KIND], "years": 1960}, "years must be"),
        ({"history": [[KIND], [THRILLER]], "query": ["one"]}, "2 histories and 1 queries"),
        ({"query": 7}, "must be a string"),
    ],
)
def test_bad_requests_are_one_sentence(albums: Any, request_: dict[str, Any], said: str) -> None:
    with pytest.raises(QuipuError, match=said):
        albums(**request_)


def test_threads_see_one_catalogue_or_the_other() -> None:
    films = pipeline("recommendation", items=FILMS)
    wrong: list[Any] = []

    def ask() -> None:
        for _ in range(20):
            found = ids(films(["f2"], k=9, explain=False))
            if len(found) not in range(5, 10):
                wrong.append(found)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(4):
        films.add([{"item_id": f"more{number}", "title": f"More {number}"}])
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_map_puts_like_things_together_and_the_user_amid_them(albums: Any) -> None:
    places = albums.map()
    assert places.shape == (len(albums.catalogue), 2) and places.min() >= 0 and places.max() <= 1
    jazz = [at for at, item in enumerate(albums.catalogue.items) if "jazz" in item.tags]
    spread = np.linalg.norm(places[jazz] - np.median(places[jazz], 0), axis=1)
    assert np.median(spread) < np.median(np.linalg.norm(places - np.median(places[jazz], 0), axis=1))
    at = np.array(albums.place([KIND, SUPREME]))
    assert np.linalg.norm(at - np.median(places[jazz], 0)) < 0.4


def test_nothing_is_written_outside_the_given_cache(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    first = pipeline("recommendation", items=FILMS, cache_dir=folder)
    assert list(folder.rglob("*.safetensors"))
    assert ids(pipeline("recommendation", items=FILMS, cache_dir=folder)(["f2"], k=3)) == ids(first(["f2"], k=3))
