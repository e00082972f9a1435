"""``finetune.convert`` for relations: Re-DocRED, FewRel, SemEval-2010 Task 8, and the names of relations."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from finetune.convert import fewrel, redocred, semeval2010
from tests.originals import NOMINALS, P_IDS, Data, assert_exact, mention, names_file, pairs, refused, save, sentence, spans, village

# Re-DocRED


def test_redocred(tmp_path: Path) -> None:
    blank: Data = {"title": "Nothing", "sents": [], "vertexSet": [], "labels": []}
    rows = list(redocred.convert(save(tmp_path / "train_revised.json", [blank, village()]), names_file(tmp_path)))
    assert_exact(rows)
    assert rows == [
        {
            "id": "Quellhof",
            "text": 'Quellhof 🌲 (old: "Kwellof") lies in Norland. Quellhof\'s mill dates from 1650.',
            "sentences": [[0, 44], [44, 44], [45, 77]],
            "entities": [
                {
                    "type": "LOC",
                    "mentions": [
                        {"start": 45, "end": 53, "text": "Quellhof", "sentence": 2},
                        {"start": 18, "end": 25, "text": "Kwellof", "sentence": 0},
                    ],
                },
                {"type": "LOC", "mentions": [{"start": 36, "end": 43, "text": "Norland", "sentence": 0}]},
                {"type": "TIME", "mentions": [{"start": 67, "end": 76, "text": "from 1650", "sentence": 2}]},
            ],
            "relations": [
                {"head": 0, "tail": 1, "type": "country", "pid": "P17"},
                {"head": 0, "tail": 2, "type": "inception", "pid": "P571"},
            ],
        }
    ]


def changed(key: str, value: Any) -> list[Data]:
    """Two documents, the second with another value."""
    return [village(), {**village(), key: value}]


def entity(sentence: Any, pos: Any, kind: Any = "LOC") -> list[list[Data]]:
    return [[mention("Quellhof", sentence, pos, kind)]]


@pytest.mark.parametrize(
    ("documents", "place", "reason"),
    [
        (3, "its list", "a value is not of the kind"),
        (village(), "document 1", "a value is not of the kind"),
        ([village(), None], "document 2", "a value is not of the kind"),
        ([village(), {"title": "Hidden", "sents": [], "vertexSet": []}], "document 2", "the field 'labels' is missing"),
        (changed("title", 7), "document 2", "a value is not of the kind"),
        (changed("title", "\ud83d"), "document 2", "surrogates not allowed"),
        (changed("sents", ["Quellhof lies here ."]), "document 2", "a value is not of the kind"),
        (changed("sents", [["Quellhof", 3]]), "document 2", "a value is not of the kind"),
        (changed("sents", [["\ud83d"]]), "document 2", "surrogates not allowed"),
        (changed("vertexSet", [[]]), "document 2", "a value is not of the kind"),
        (changed("vertexSet", entity(0, [0, 1], None)), "document 2", "a value is not of the kind"),
        (changed("vertexSet", entity(0, [0])), "document 2", "not enough values"),
        (changed("vertexSet", entity(0, ["0", "1"])), "document 2", "a value is not of the kind"),
        (
            changed("vertexSet", entity(0, [13, 15])),
            "document 2",
            "an entity is said to stand at tokens 13 to 15 of a sentence of 14 tokens",
        ),
        (changed("vertexSet", entity(0, [-1, 1])), "document 2", "tokens -1 to 1"),
        (changed("vertexSet", entity(0, [1, 1])), "document 2", "tokens 1 to 1"),
        (changed("vertexSet", entity(0, [3, 4])), "document 2", "tokens 3 to 4 of a sentence of 14 tokens, where only white space is"),
        (changed("vertexSet", entity(3, [0, 1])), "document 2", "an annotation names sentence 3 of 3"),
        (changed("labels", [{"h": 0, "t": 3, "r": "P17"}]), "document 2", "a relation names the entities 0 and 3 of 3"),
        (changed("labels", [{"h": -1, "t": 1, "r": "P17"}]), "document 2", "the entities -1 and 1"),
        (changed("labels", [{"h": "0", "t": 1, "r": "P17"}]), "document 2", "a value is not of the kind"),
        (changed("labels", [{"h": 0, "t": 1, "r": 17}]), "document 2", "a value is not of the kind"),
    ],
)
def test_malformed_documents_are_refused(tmp_path: Path, documents: Any, place: str, reason: str) -> None:
    path = save(tmp_path / "dev_revised.json", documents)
    refused(partial(redocred.convert, names=names_file(tmp_path)), path, f"{path}, {place}: ", reason, "unchanged Re-DocRED file")


# FewRel


def test_fewrel(tmp_path: Path) -> None:
    rows = list(fewrel.convert(save(tmp_path / "train_wiki.json", pairs()), names_file(tmp_path)))
    assert_exact(rows)
    assert rows[0] == {
        "id": "fewrel-0",
        "text": 'In Norland, the Quellhof mill ("Old Wheel") stands by Quellhof.',
        "entities": [
            {"type": None, "start": 32, "end": 41, "text": "Old Wheel"},
            {"type": None, "start": 16, "end": 24, "text": "Quellhof"},
        ],
        "relations": [{"head": 0, "tail": 1, "type": "located in", "pid": "P131"}],
    }
    told = [(row["id"], row["entities"][0]["text"], row["relations"][0]["type"], row["entities"][1]["text"]) for row in rows[1:]]
    assert told == [("fewrel-1", "Bridge 9", "located in", "Norland"), ("fewrel-2", "Quellhof", "country", "Norland's")]


@pytest.mark.parametrize(
    ("relations", "place", "reason"),
    [
        ([], "its relations", "a value is not of the kind"),
        ({"P17": 3}, "its relations", "a value is not of the kind"),
        ({"P17": [{}]}, "sentence 1 of 'P17'", "the field 'tokens' is missing"),
        (pairs() | {"P17": ["Norland"]}, "sentence 1 of 'P17'", "a value is not of the kind"),
        ({"P17": [sentence([3], [[0]], [[0]])]}, "sentence 1 of 'P17'", "a value is not of the kind"),
        ({"P17": [sentence(["\ud83d"], [[0]], [[0]])]}, "sentence 1 of 'P17'", "surrogates not allowed"),
        ({"P17": [sentence("A B", [[0]], [])]}, "sentence 1 of 'P17'", "a value is not of the kind"),
        ({"P17": [sentence("A B", [0], [[1]])]}, "sentence 1 of 'P17'", "a value is not of the kind"),
        ({"P17": [sentence("A B", [[]], [[1]])]}, "sentence 1 of 'P17'", "empty"),
        (
            {"P17": [sentence("A B", [[0]], [[1]]), sentence("A B", [[0]], [[1, 2]])]},
            "sentence 2 of 'P17'",
            "tokens 1 to 3 of a sentence of 2",
        ),
        ({"P17": [{**sentence("A B", [[0]], [[1]]), "h": ["A", "Q1"]}]}, "sentence 1 of 'P17'", "not enough values"),
    ],
)
def test_malformed_sentences_are_refused(tmp_path: Path, relations: Any, place: str, reason: str) -> None:
    path = save(tmp_path / "train_wiki.json", relations)
    refused(partial(fewrel.convert, names=names_file(tmp_path)), path, f"{path}, {place}: ", reason, "unchanged FewRel file")


# Names of relations


@pytest.mark.parametrize("table", [P_IDS, {pid: [name, f"what {name} means"] for pid, name in P_IDS.items()}])
def test_names_as_the_data_sets_bring_them(tmp_path: Path, table: Any) -> None:
    path = save(tmp_path / "train_wiki.json", pairs())
    assert list(fewrel.convert(path, save(tmp_path / "names.json", table))) == list(fewrel.convert(path, names_file(tmp_path)))


def test_a_relation_without_a_name_is_refused(tmp_path: Path) -> None:
    table = save(tmp_path / "names.jsonl", '{"pid": "P131", "name": "located in"}\n')
    for convert, path in ((fewrel.convert, save(tmp_path / "a.json", pairs())), (redocred.convert, save(tmp_path / "b.json", [village()]))):
        refused(partial(convert, names=table), path, f"{table} has no name for the relation 'P17': add it there, or give another")


@pytest.mark.parametrize(
    ("file", "content", "place", "reason"),
    [
        ("names.jsonl", '\n{"pid": "P17"}\n', "line 2", "the field 'name' is missing"),
        ("names.jsonl", '{"pid": "P17", "name": null}\n', "line 1", "a value is not of the kind"),
        ("names.jsonl", '{"pid": "P17", "name": "\\ud83d"}\n', "line 1", "surrogates not allowed"),
        ("names.jsonl", "P17,country\n", "line 1", "it is not JSON"),
        ("names.jsonl", "[]\n", "line 1", "a value is not of the kind"),
        ("names.json", "{\n,", "line 2", "it is not JSON"),
        ("names.json", "[]", "its table", "a value is not of the kind"),
        ("names.json", '{"P17": []}', "its table", "a value is not of the kind"),
        ("names.json", '{"P17": 3}', "its table", "a value is not of the kind"),
    ],
)
def test_malformed_names_are_refused(tmp_path: Path, file: str, content: str, place: str, reason: str) -> None:
    table = save(tmp_path / file, content)
    refused(
        partial(fewrel.convert, names=table), save(tmp_path / "train_wiki.json", pairs()), f"{table}, {place}: ", reason, "relation-names"
    )


# SemEval-2010 Task 8


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_semeval2010(tmp_path: Path, end: str) -> None:
    rows = list(semeval2010.convert(save(tmp_path / "TRAIN_FILE.TXT", NOMINALS.replace("\n", end))))
    assert_exact(rows)
    assert rows[0] == {
        "id": "semeval-1",
        "text": 'The dough is kneaded in a wide clay bowl, she said: "slowly".',
        "entities": [
            {"type": None, "start": 4, "end": 9, "text": "dough"},
            {"type": None, "start": 31, "end": 40, "text": "clay bowl"},
        ],
        "relations": [{"head": 0, "tail": 1, "type": "Content-Container"}],
    }
    assert [(row["id"], [span["text"] for span in spans(row)], row["relations"]) for row in rows[1:]] == [
        ("semeval-2", ["loaf", "café"], [{"head": 0, "tail": 1, "type": "Product-Producer"}]),
        ("semeval-7", ["Smoke", "oven"], [{"head": 1, "tail": 0, "type": "Cause-Effect"}]),
        ("semeval-8001", ["bakers", "Mondays"], []),
    ]


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ("The <e1>dough</e1> is in the <e2>bowl</e2>.\nOther", "it is not a number, a tab and a sentence in quotes"),
        ('9\t"The dough is in the <e2>bowl</e2>."\nOther', "it is not a number"),
        ('9\t"The <e2>dough</e2> is in the <e1>bowl</e1>."\nOther', "it is not a number"),
        ('9\t"The <e1></e1> is in the <e2>bowl</e2>."\nOther', "it is not a number"),
        ('9\t"The <e1>dough</e1> of <e1>rye</e1> is in the <e2>bowl</e2>."\nOther', "it marks more than one"),
        ('9\t"The <e1>dough</e1> is in the <e2>bowl</e2>."', "no relation follows it, as in TEST_FILE.TXT"),
        ('9\t"The <e1>dough</e1> is in the <e2>bowl</e2>."\nComment: none', "'Comment: none' is neither Other nor a relation like"),
        ('9\t"The <e1>dough</e1> is in the <e2>bowl</e2>."\nCause-Effect', "'Cause-Effect' is neither"),
        ('9\t"The <e1>dough</e1> is in the <e2>bowl</e2>."\nCause-Effect(e1,e1)', "'Cause-Effect(e1,e1)' is neither"),
    ],
)
@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_malformed_nominals_are_refused_with_their_line(tmp_path: Path, block: str, reason: str, end: str) -> None:
    path = save(tmp_path / "TRAIN_FILE.TXT", f"{NOMINALS}\n{block}{end}")
    refused(semeval2010.convert, path, f"{path}, line 16: ", reason, "unchanged SemEval-2010 Task 8 file")
