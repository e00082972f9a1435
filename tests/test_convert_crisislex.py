"""``finetune.convert`` for CrisisLexT26: labelled messages of a disaster in, rows out; the messages are written for these tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from finetune.convert import crisislex
from tasks.core.errors import FileError

Data = dict[str, Any]

HEADER = "Tweet ID, Tweet Text, Information Source, Information Type, Informativeness\n"


def crisis_file(folder: Path, crisis: str, body: str) -> Path:
    path = folder / crisis / f"{crisis}-tweets_labeled.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes((HEADER + body).encode())
    return path


def test_crisislex(tmp_path: Path) -> None:
    body = (
        '"1","Bridge closed, use the ""old"" road 🚧",Government,Caution and advice,Related and informative\r\n'
        '"2","Dos líneas\r\n¿y tú?",Not labeled,Not labeled,Not related\r\n'
        "\r\n"
        '"3","  ",Media,Not applicable,Not related\r\n'
    )
    rows = list(crisislex.convert(crisis_file(tmp_path, "2031_Lima_flood", body)))
    assert rows == [
        {
            "id": "1",
            "crisis": "2031_Lima_flood",
            "text": 'Bridge closed, use the "old" road 🚧',
            "source": "Government",
            "type": "Caution and advice",
            "informativeness": "Related and informative",
        },
        {
            "id": "2",
            "crisis": "2031_Lima_flood",
            "text": "Dos líneas\r\n¿y tú?",
            "source": "Not labeled",
            "type": "Not labeled",
            "informativeness": "Not related",
        },
    ]


def test_crisislex_walks_a_folder(tmp_path: Path) -> None:
    for crisis in ("2032_Quake", "2031_Flood"):
        crisis_file(tmp_path / "data", crisis, '"1","Water is needed",NGOs,Donations and volunteering,Related and informative\n')
    (tmp_path / "data" / "2031_Flood" / "2031_Flood-tweetids_entire_period.csv").write_text("Timestamp, Tweet-ID, Included\n")
    assert [row["crisis"] for row in crisislex.convert(tmp_path / "data")] == ["2031_Flood", "2032_Quake"]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(FileError, match="holds no file named"):
        list(crisislex.convert(empty))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('"1","one",Media,Not applicable,Not related\n"2","two",Media\n', "line 3: it has 3 fields, the header 5"),
        ('"1","never closed,Media,Not applicable,Not related\n' * 3, "the header 5"),
        ('"1","' + "x" * (2**24 + 1) + '",Media,Not applicable,Not related\n', "line 2: it is not CSV"),
    ],
)
def test_crisislex_refuses_broken_records(tmp_path: Path, body: str, reason: str) -> None:
    with pytest.raises(FileError, match=reason):
        list(crisislex.convert(crisis_file(tmp_path, "2031_Flood", body)))


def test_crisislex_refuses_other_columns(tmp_path: Path) -> None:
    path = tmp_path / "messages.csv"
    for content in ("", "Tweet ID,Tweet Text\n1,Hello\n"):
        path.write_text(content)
        with pytest.raises(FileError, match="line 1: the column"):
            list(crisislex.convert(path))
