"""The page of relation extraction without a browser: how it reads files, its examples and its endpoints, over a stand-in."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client

from apps import components, relation_documents, render_relations
from apps.relation_documents import gather, split
from apps.relation_extraction import _extract
from tasks.core.errors import InputError

PAGE = "relations", "Extract relations"

# ---------------------------------------------------------------------------------------------- texts


def test_texts_are_split_at_dashes() -> None:
    assert split("one\n---\n\n two -- 3 \n  -----  \n\n---\nthree") == [("text 1", "one"), ("text 2", "two -- 3"), ("text 3", "three")]
    assert split(" ") == []


def test_files_and_pasted_texts_are_gathered(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    (tmp_path / "b.csv").write_text("text,source\nthree,Radio\nfour,\n,Radio\nfive,Radio\n")
    (tmp_path / "c.jsonl").write_text('{"text": "six"}\n')
    paths = [str(tmp_path / name) for name in ("a.txt", "b.csv", "c.jsonl")]
    assert gather("zero", paths, "", "source") == [
        ("text 1", "zero"),
        ("a.txt", "one\ntwo"),
        ("Radio", "three"),
        ("b.csv, row 2", "four"),
        ("Radio (2)", "five"),
        ("c.jsonl, row 1", "six"),
    ]


def test_names_stay_apart() -> None:
    names = [name for name, _ in relation_documents._apart([(name, "x") for name in ("a", "a (2)", "a", "a", "a (2)")])]
    assert len(set(names)) == 5 and names[:3] == ["a", "a (2)", "a (3)"]


@pytest.mark.parametrize(
    ("name", "content", "columns", "message"),
    [
        ("m.csv", b"body\nhello\n", ("text", "source"), "no column 'text'"),
        ("m.csv", b"text\nhello\n", ("text", "who"), "no column 'who' for the names"),
        ("m.txt", b"\xff\xfe\xfa", ("text", "source"), "not UTF-8"),
        ("m.txt", b"", ("text", "source"), "holds no rows"),
        ("m.txt", b" \n", ("text", "source"), "There are no texts yet"),
        ("m.jsonl", b"{nonsense", ("text", "source"), "not JSON"),
        ("m.parquet", b"nonsense", ("text", "source"), "not a Parquet file"),
        ("m.png", b"x", ("text", "source"), "is none of .csv"),
        ("m.csv", b"text\n" + b"x\n" * 2001, ("text", "source"), "There are 2,001 texts; the page reads up to 2,000"),
        ("m.txt", b"x" * 200_001, ("text", "source"), "has 200,001 characters"),
    ],
)
def test_wrong_files_become_sentences(tmp_path: Path, name: str, content: bytes, columns: tuple[str, str], message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=re.escape(message)):
        gather("", [str(tmp_path / name)], *columns)


# ---------------------------------------------------------------------------------------------- examples and endpoints


def test_shipped_examples() -> None:
    ready = components.examples("relations.json")
    topics = Counter(example["name"].split(":")[0] for example in ready)
    assert topics == {"Science": 3, "Health": 3, "Environment": 3, "Politics": 3, "Music": 3}
    assert all(example["text"] and render_relations.parse_relations(example["relations"]) != {} for example in ready)
    sample = gather("", [str(components.EXAMPLES / relation_documents.SAMPLE)], "text", "source")
    assert len(sample) == 8 and [name for name, _ in sample][:2] == ["Harbour Courier", "Harbour Courier (2)"]


def test_blank_text_loads_no_model() -> None:
    def nothing(task: str) -> Any:
        raise AssertionError("loaded")

    assert _extract(nothing, " \n", "", None).entities == ()
    with pytest.raises(InputError):
        _extract(nothing, "x", 5, None)


def test_two_endpoints_are_public(client: Client) -> None:
    api = client.view_api(return_format="dict", print_info=False)
    assert isinstance(api, dict)
    assert sorted(api["named_endpoints"]) == ["/extract_relation_graph", "/extract_relations"]


def test_extract_relations(client: Client) -> None:
    made = client.predict("Ada Osei founded the Volta Trust 🌊 in Accra.", api_name="/extract_relations")
    names = [entity["span"]["text"] for entity in made["entities"]]
    assert names == ["Ada Osei", "Volta Trust", "Accra"]
    assert ("Ada Osei", "founder of", "Volta Trust") in [(names[r["head"]], r["type"], names[r["tail"]]) for r in made["relations"]]
    own = client.predict("Ada Osei likes Accra", "likes: is fond of", 0.5, api_name="/extract_relations")
    assert [relation["type"] for relation in own["relations"]] == ["likes"]
    assert client.predict("Ada Osei founded Accra.", "", 0.99, api_name="/extract_relations")["relations"] == []
    blank = {"text": "  ", "entities": [], "relations": [], "coverage": {"read": 2, "total": 2}}
    assert client.predict("  ", api_name="/extract_relations") == blank


def test_extract_relation_graph(client: Client) -> None:
    texts = ["Ada Osei founded the Volta Trust.", "It is known that Ada Osei founded the Volta Trust in 2011."]
    made = client.predict(texts, ["a.txt", "b.txt"], api_name="/extract_relation_graph")
    assert (made["nodes"][0]["name"], made["nodes"][0]["sources"]) == ("Ada Osei", ["a.txt", "b.txt"])
    (founded,) = [edge for edge in made["edges"] if edge["relation"] == "founder of"]
    assert [each["source"] for each in founded["evidence"]] == ["a.txt", "b.txt"]
    assert client.predict(["", " "], api_name="/extract_relation_graph") == {"nodes": [], "edges": []}
    alone = client.predict(texts, None, "known", 0.0, api_name="/extract_relation_graph")
    assert {source for node in alone["nodes"] for source in node["sources"]} == {"text 1", "text 2"}


@pytest.mark.parametrize(
    ("endpoint", "arguments", "message"),
    [
        ("/extract_relations", ("x" * 200_001,), "has 200,001 characters; the page reads up to 200,000"),
        ("/extract_relations", ("x", "a\nA"), "'a' is there twice"),
        ("/extract_relations", ("x", "", "high"), "must be a number from 0 to 1"),
        ("/extract_relations", (5,), "must be strings"),
        ("/extract_relations", ("explode",), "Sorry, something went wrong on our side"),
        ("/extract_relation_graph", ("x",), "texts must be a list of strings"),
        ("/extract_relation_graph", (["x"], ["a", "b"]), "2 sources for 1 texts"),
        ("/extract_relation_graph", (["x"], [5]), "texts must be a list of strings"),
        ("/extract_relation_graph", (["x"], None, "", 7), "must be a number from 0 to 1"),
        ("/extract_relation_graph", (["x"], None, 5), "The relations must be a string"),
        ("/extract_relation_graph", (["x"] * 2001,), "There are 2,001 texts"),
        ("/extract_relation_graph", (["explode"],), "Sorry, something went wrong on our side"),
    ],
)
def test_wrong_calls_become_sentences(client: Client, endpoint: str, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(Exception, match=re.escape(message)) as refused:
        client.predict(*arguments, api_name=endpoint)
    assert "Traceback" not in str(refused.value) and "secret" not in str(refused.value)
