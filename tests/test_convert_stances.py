"""``finetune.convert`` for stances: claims and arguments in, rows of text, proposal and side out; all written for these tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from finetune.convert import argkp, perspectrum
from tests.original_opinions import assert_exact, save
from tests.originals import refused

Data = dict[str, Any]


# Perspectrum


def cluster(label: str, *perspectives: int) -> Data:
    return {"pids": list(perspectives), "stance_label_3": label, "stance_label_5": label, "voter_counts": [], "evidence": []}


def claims() -> list[Data]:
    clusters = [cluster("SUPPORT", 1, 2, 1), cluster("UNDERMINE", 3), cluster("not-a-perspective", 2), cluster("SUPPORT", 2, 4)]
    other = [cluster("UNDERMINE", 1)]
    return [
        {"cId": 7, "text": "Trams should be free", "source": "x", "topics": [], "perspectives": clusters},
        {"cId": 9, "text": "Trams should be banned", "source": "x", "topics": [], "perspectives": other},
    ]


def perspectrum_files(folder: Path, answers: Any) -> Path:
    """The three files, the other two as they should be; the one with answers."""
    texts = ["Fares keep the poor at home ", "Free trams empty the roads 🚋", "Somebody has to pay", " "]
    pool = [{"pId": number, "text": text, "source": "x"} for number, text in enumerate(texts, 1)]
    save(folder / "perspective_pool_v1.0.json", json.dumps(pool, indent=2))
    save(folder / "dataset_split_v1.0.json", json.dumps({"7": "train", "9": "dev"}))
    return save(folder / "perspectrum_with_answers_v1.0.json", json.dumps(answers, indent=2))


def test_perspectrum(tmp_path: Path) -> None:
    rows = list(perspectrum.convert(perspectrum_files(tmp_path, claims())))
    assert_exact(rows)
    free, banned = ({"split": "train", "target": "Trams should be free"}, {"split": "dev", "target": "Trams should be banned"})
    assert rows == [
        {"id": "7-1", **free, "text": "Fares keep the poor at home ", "stance": "favor"},
        {"id": "7-2", **free, "text": "Free trams empty the roads 🚋", "stance": "favor"},
        {"id": "7-3", **free, "text": "Somebody has to pay", "stance": "against"},
        {"id": "9-1", **banned, "text": "Fares keep the poor at home ", "stance": "against"},
    ]


def changed(key: str, value: Any) -> list[Data]:
    """The claims, the second with another value."""
    return [claims()[0], {**claims()[1], key: value}]


@pytest.mark.parametrize(
    ("answers", "place", "reason"),
    [
        (changed("cId", 8), "claim 2", "dataset_split_v1.0.json has no claim 8"),
        (changed("perspectives", [cluster("SUPPORT", 99)]), "claim 2", "perspective_pool_v1.0.json has no perspective 99"),
        (changed("perspectives", [cluster("PERHAPS", 1)]), "claim 2", "the stance 'PERHAPS' is neither"),
        (changed("perspectives", [{"pids": [1]}]), "claim 2", "the field 'stance_label_3' is missing"),
        (changed("perspectives", 3), "claim 2", "a value is not of the kind"),
        (changed("text", None), "claim 2", "a value is not of the kind"),
        (changed("text", "\ud83d"), "claim 2", "surrogates not allowed"),
        (3, "its list", "a value is not of the kind"),
    ],
)
def test_malformed_claims_are_refused(tmp_path: Path, answers: Any, place: str, reason: str) -> None:
    path = perspectrum_files(tmp_path, answers)
    refused(perspectrum.convert, path, f"{path}, {place}: ", reason, "unchanged Perspectrum file")


def test_perspectrum_refuses_what_is_not_json_and_needs_all_its_files(tmp_path: Path) -> None:
    path = perspectrum_files(tmp_path, claims())
    save(path, "[\n{},\n}")
    refused(perspectrum.convert, path, f"{path}, line 3: it is not JSON")
    save(path, "[" * 99999)
    refused(perspectrum.convert, path, f"{path}, line 1: its values are nested too deep")
    perspectrum_files(tmp_path, claims())
    pool = tmp_path / "perspective_pool_v1.0.json"
    save(pool, "[{}]")
    refused(perspectrum.convert, path, f"{pool}, its list: the field 'pId' is missing")
    pool.unlink()
    refused(perspectrum.convert, path, f"{pool} can't be read")


# ArgKP-2021

HEADER = "arg_id,argument,topic,stance\n"


def test_argkp(tmp_path: Path) -> None:
    body = 'arg_0_0,"Cars, too, ""cost"" 🚗",Trams should be free,1\r\n\r\narg_0_1,who pays,Trams should be free,-1\narg_0_2, ,Trams,1\n'
    rows = list(argkp.convert(save(tmp_path / "arguments_train.csv", HEADER + body)))
    assert_exact(rows)
    assert rows == [
        {"id": "arg_0_0", "target": "Trams should be free", "text": 'Cars, too, "cost" 🚗', "stance": "favor"},
        {"id": "arg_0_1", "target": "Trams should be free", "text": "who pays", "stance": "against"},
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (HEADER + "a,who pays,Trams,1\nb,who pays,Trams,0\n", "line 3: the stance '0' is neither 1 nor -1"),
        (HEADER + "a,who pays,Trams\n", "line 2: it has 3 fields, the header 4"),
        ("key_point_id,key_point,topic,stance\nkp_0_0,Trams cost money,Trams,1\n", "line 1: the column 'arg_id' is missing"),
        ("", "line 1: the column 'arg_id' is missing"),
    ],
)
def test_malformed_arguments_are_refused(tmp_path: Path, content: str, reason: str) -> None:
    path = save(tmp_path / "arguments_train.csv", content)
    refused(argkp.convert, path, f"{path}, {reason}", "unchanged ArgKP-2021 file")
