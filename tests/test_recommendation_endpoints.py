"""The endpoints of the page of recommendation, over a stand-in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file

from apps.recommendation_own import SAMPLES
from tests.recommending import SECRET

PAGE = "recommendations", "Recommend"
BLUE, SPAIN = "kind-of-blue-miles-davis", "sketches-of-spain-miles-davis"

def test_only_what_a_program_can_use_is_public(client: Client) -> None:
    api = client.view_api(return_format="dict", print_info=False)
    assert isinstance(api, dict)
    points = api["named_endpoints"]
    assert sorted(points) == ["/recommend", "/recommend_from_catalogue"]
    taken = {name: [each["parameter_name"] for each in point["parameters"]] for name, point in points.items()}
    more = ["history", "dislikes", "query", "k", "year_from", "year_to", "tags", "without_tags", "diversity", "novelty"]
    assert taken["/recommend"] == more
    assert taken["/recommend_from_catalogue"] == ["items", "ratings", *more, "lowest_rating", "highest_rating"]
    assert all("Recommend" in point["description"] for point in points.values())


def test_recommend(client: Client) -> None:
    told = client.predict([BLUE], api_name="/recommend")["items"]
    assert len(told) == 10 and BLUE not in [each["item_id"] for each in told]
    assert set(told[0]) == {"item_id", "title", "score", "because", "creators", "year"}
    assert isinstance(told[0]["creators"], list) and isinstance(told[0]["year"], int)
    assert (told[0]["because"][0]["kind"], told[0]["because"][0]["item_id"]) in (("item", BLUE), ("tag", None))
    some = client.predict([BLUE], [SPAIN], "slow", 3, 1960, 1969, ["jazz"], ["piano"], 0.5, 0.5, api_name="/recommend")["items"]
    assert 0 < len(some) <= 3 and all(1960 <= each["year"] <= 1969 for each in some)
    words = client.predict([], query="trumpet at night", k=1, api_name="/recommend")["items"]
    assert words[0]["because"][0]["kind"] == "words"


def test_recommend_from_catalogue(client: Client) -> None:
    films, ratings = (handle_file(path) for path in SAMPLES)
    told = client.predict(films, ratings, ["stalker"], [], "quiet", 5, api_name="/recommend_from_catalogue")["items"]
    assert len(told) == 5 and told[0]["item_id"] == "solaris" and told[0]["creators"] == ["Andrei Tarkovsky"]
    alone = client.predict(films, None, ["stalker"], k=2, tags=["drama"], year_to=1960, api_name="/recommend_from_catalogue")["items"]
    assert len(alone) == 2 and all(each["year"] <= 1960 for each in alone)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), "There is nothing to recommend from"),
        ((["nowhere"],), "No item has the id 'nowhere'"),
        ((BLUE,), "must be a list of names"),
        (([BLUE], [BLUE]), "is in both lists"),
        (([BLUE], [], "x" * 100_000), "has 100,000 characters; the page reads up to 500"),
        (([BLUE], [], "", 51), "How many must be a whole number from 1 to 50"),
        (([BLUE], [], "", 5, 2000, 1990), "The years go from 2000 to 1990"),
        (([BLUE], [], "", 5, None, None, ["jaz"]), "No item of the catalogue has the tag 'jaz'"),
        (([BLUE], [], "", 5, None, None, [], [], 2), "Diversity must be a number from 0 to 1"),
        (([BLUE], [], "explode"), "Sorry, something went wrong on our side"),
    ],
)
def test_wrong_calls_become_sentences(client: Client, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(Exception, match=re.escape(message)) as refused:
        client.predict(*arguments, api_name="/recommend")
    assert "Traceback" not in str(refused.value) and SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"history": []}, "There is nothing to recommend from"),
        ({"history": ["nowhere"]}, "No item has the id 'nowhere'"),
        ({"history": {"a": 1}}, "must be a list of names"),
        ({"history": ["alien"], "lowest_rating": 5, "highest_rating": 1}, "a lowest and a highest number"),
        ({"history": ["alien"], "lowest_rating": 4}, "is not on the scale from 4 to 5"),
        ({"history": ["alien"], "items": None}, "There is no file of items yet"),
    ],
)
def test_wrong_catalogues_become_sentences(client: Client, named: dict[str, Any], message: str) -> None:
    films, ratings = (handle_file(path) for path in SAMPLES)
    with pytest.raises(Exception, match=re.escape(message)):
        client.predict(**{"items": films, "ratings": ratings, **named}, api_name="/recommend_from_catalogue")


@pytest.mark.parametrize("path", ["/etc/passwd", "../../../../etc/passwd", str(Path(__file__).resolve())])
def test_a_file_of_this_machine_is_no_upload(address: str, path: str) -> None:
    """Told by hand, for the client would upload it first."""
    call = f"{address}gradio_api/call/recommend_from_catalogue"
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    data = [file, None, ["a"], [], "", 3, None, None, [], [], 0, 0, 0.5, 5]
    number = httpx.post(call, json={"data": data}).json()["event_id"]
    said = httpx.get(f"{call}/{number}", timeout=60).text
    assert "event: error" in said and "item_id" not in said
