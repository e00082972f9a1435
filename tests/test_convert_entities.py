"""``finetune.convert`` for entities: the Broad Twitter Corpus and WNUT-17."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from finetune.convert import btc, wnut17
from tests.originals import TWEETS, assert_exact, refused, save, tagged


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_btc(tmp_path: Path, end: str) -> None:
    rows = list(btc.convert(save(tmp_path / "a.conll", TWEETS.replace("\n", end))))
    assert_exact(rows)
    assert rows == [
        {
            "id": "btc-a-0",
            "text": 'Rain in Oslo\'s port! "Ugh" 🌧',
            "entities": [{"type": "LOC", "start": 8, "end": 12, "text": "Oslo"}],
        },
        {
            "id": "btc-a-1",
            "text": "Mira Lund Ada of Nordbrew",
            "entities": [
                {"type": "PER", "start": 0, "end": 9, "text": "Mira Lund"},
                {"type": "PER", "start": 10, "end": 13, "text": "Ada"},
                {"type": "ORG", "start": 17, "end": 25, "text": "Nordbrew"},
            ],
        },
        {"id": "btc-a-2", "text": "nothing here", "entities": []},
    ]


def test_wnut17(tmp_path: Path) -> None:
    posts = (
        tagged("Night/I-creative-work Tram/I-creative-work by Lumo/B-group Kai/I-person", "\xa0", "ok") + "\n\t\n" + tagged("Lumo/B-group")
    )
    rows = list(wnut17.convert(save(tmp_path / "emerging.dev.conll", posts)))
    assert_exact(rows)
    assert [(row["id"], row["text"]) for row in rows] == [
        ("emerging.dev-0", "Night Tram by Lumo Kai"),
        ("emerging.dev-1", "ok"),
        ("emerging.dev-2", "Lumo"),
    ]
    assert rows[0]["entities"] == [
        {"type": "creative-work", "start": 0, "end": 10, "text": "Night Tram"},
        {"type": "group", "start": 14, "end": 18, "text": "Lumo"},
        {"type": "person", "start": 19, "end": 22, "text": "Kai"},
    ]


@pytest.mark.parametrize(
    ("line", "place", "reason"),
    [
        ("Oslo", "line 22", "it is not a token, a tab and a tag"),
        ("Oslo B-loc", "line 22", "it is not a token"),
        ("Oslo\tNNP\tB-loc", "line 22", "it is not a token"),
        ("Oslo\tloc", "line 22", "it is not a token"),
        ("Oslo\tB-", "line 22", "it is not a token"),
        ("Oslo\t", "line 22", "it is not a token"),
        ('{"tokens": []}', "line 22", "it is not a token"),
        (
            "\xa0\tB-loc",
            "the text from line 22",
            "an entity is said to stand at tokens 0 to 1 of a sentence of 1 tokens, where only white space is",
        ),
    ],
)
@pytest.mark.parametrize(("converter", "layout"), [(btc, "Broad Twitter Corpus CoNLL"), (wnut17, "WNUT-17")])
def test_malformed_tags_are_refused_with_their_line(
    tmp_path: Path, converter: Any, layout: str, line: str, place: str, reason: str
) -> None:
    path = save(tmp_path / "a.conll", f"{TWEETS}\n{line}\n")
    refused(converter.convert, path, f"{path}, {place}: ", reason, f"unchanged {layout} file")
