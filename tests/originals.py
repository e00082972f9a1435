"""Miniatures of the layouts that ``finetune.convert`` reads for relation extraction, and what converted rows hold.

The sentences are written for these tests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from tasks.core.errors import FileError
from tasks.relation_extraction.data import check_rows

Data = dict[str, Any]
P_IDS = {"P17": "country", "P131": "located in", "P571": "inception"}


class Convert(Protocol):
    def __call__(self, path: Path) -> Iterator[Data]: ...


def save(path: Path, content: Any) -> Path:
    """The text, its line ends as they are, or anything else as JSON; ``path``."""
    path.write_bytes((content if isinstance(content, str) else json.dumps(content)).encode())
    return path


def names_file(folder: Path) -> Path:
    """Names of relations, as JSONL."""
    rows = ({"pid": pid, "name": name, "description": f"what {name} means"} for pid, name in P_IDS.items())
    return save(folder / "relations.jsonl", "\n".join(json.dumps(row) for row in rows) + "\n\n")


def cut(tokens: str) -> list[str]:
    """Tokens that are written with a space between them."""
    return tokens.split(" ")


def spans(row: Data) -> list[Data]:
    """All spans of a row."""
    return [span for entity in row["entities"] for span in entity.get("mentions", [entity])]


def assert_exact(rows: list[Data]) -> None:
    """The rows are what the task takes, and every span is where it says."""
    assert check_rows(rows, "the test") == rows != []
    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        for span in spans(row):
            assert row["text"][span["start"] : span["end"]] == span["text"] == span["text"].strip() != ""


def refused(convert: Convert, path: Path, *said: str) -> None:
    """The file is refused with one sentence that says all of ``said``."""
    with pytest.raises(FileError) as error:
        list(convert(path))
    assert "\n" not in str(error.value)
    for part in said:
        assert part in str(error.value)


# Re-DocRED


def mention(name: str, sentence: Any, pos: Any, kind: Any = "LOC") -> Data:
    """A mention of an entity at tokens of a sentence."""
    return {"name": name, "sent_id": sentence, "pos": pos, "type": kind, "global_pos": [0, 0], "index": "0_0"}


def village() -> Data:
    """A document."""
    return {
        "title": "Quellhof",
        "sents": [cut("Quellhof 🌲 ( \xa0 old : `` Kwellof '' ) lies in Norland ."), ["\xa0"], cut("Quellhof 's mill dates from 1650 .")],
        "vertexSet": [
            [mention("Quellhof", 2, [0, 1]), mention("Kwellof", 0, [7, 8]), mention("Quellhof", 2, [0, 1], "ORG")],
            [mention("Norland", 0, [12, 13])],
            [mention("from 1650", 2, [4, 6], "TIME")],
        ],
        "labels": [
            {"h": 0, "t": 1, "r": "P17", "evidence": [0]},
            {"h": 0, "t": 2, "r": "P571", "evidence": []},
            {"h": 0, "t": 1, "r": "P17", "evidence": [2]},
            {"h": 0, "t": 0, "r": "P131", "evidence": []},
        ],
    }


# FewRel


def sentence(tokens: Any, head: Any, tail: Any) -> Data:
    """A sentence with the places of the tokens of its head and of its tail."""
    return {"tokens": cut(tokens) if isinstance(tokens, str) else tokens, "h": ["head", "Q1", head], "t": ["tail", "Q2", tail]}


def pairs() -> dict[str, list[Data]]:
    """Sentences by relation."""
    return {
        "P131": [
            sentence('In Norland \xa0 , the Quellhof mill ( " Old Wheel " ) stands by Quellhof .', [[9, 10]], [[5], [14]]),
            sentence("Bridge 9 crosses to Norland", [[0, 1]], [[4]]),
        ],
        "P17": [sentence("Norland 's Quellhof", [[2]], [[0, 1]])],
    }


# SemEval-2010 Task 8


NOMINALS = (
    '1\t"The <e1>dough</e1> is kneaded in a wide <e2>clay bowl</e2>, she said: "slowly"."\nContent-Container(e1,e2)\nComment: as usual\n\n'
    '2\t"A <e1>loaf</e1> of our <e2>café</e2> 🍞"\nProduct-Producer(e1,e2)\nComment:\n\n'
    '7\t"<e1>Smoke</e1> came from the <e2>oven</e2>."\nCause-Effect(e2,e1)\nComment: <e1> is the effect\n\n'
    '8001\t"The <e1>bakers</e1> like <e2>Mondays</e2>."\nOther\n'
)


# Broad Twitter Corpus and WNUT-17


def tagged(*texts: str) -> str:
    """Lines of a token, a tab and a tag, which stands after a slash in ``texts`` where it isn't O."""
    words = [[word.partition("/") for word in cut(text)] for text in texts]
    return "\n".join("".join(f"{token}\t{tag or 'O'}\n" for token, _, tag in text) for text in words)


TWEETS = tagged("Rain in Oslo/B-loc 's port ! '\"' Ugh '\"' 🌧 \xa0", "Mira/B-per Lund/I-per Ada/B-per of Nordbrew/B-org", "nothing here")
