"""``finetune.convert`` for relation extraction: original layouts in, rows of entities and relations out.

The files are miniatures of the original layouts with sentences written for these tests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pytest

from finetune.convert import btc, fewrel, load, names, redocred, semeval2010, wnut17
from finetune.convert.__main__ import main
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
    return {"name": name, "sent_id": sentence, "pos": pos, "type": kind, "global_pos": [0, 0], "index": "0_0"}


def village() -> Data:
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


def sentence(tokens: Any, head: Any, tail: Any) -> Data:
    return {"tokens": cut(tokens) if isinstance(tokens, str) else tokens, "h": ["head", "Q1", head], "t": ["tail", "Q2", tail]}


def pairs() -> dict[str, list[Data]]:
    return {
        "P131": [
            sentence('In Norland \xa0 , the Quellhof mill ( " Old Wheel " ) stands by Quellhof .', [[9, 10]], [[5], [14]]),
            sentence("Bridge 9 crosses to Norland", [[0, 1]], [[4]]),
        ],
        "P17": [sentence("Norland 's Quellhof", [[2]], [[0, 1]])],
    }


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

NOMINALS = (
    '1\t"The <e1>dough</e1> is kneaded in a wide <e2>clay bowl</e2>, she said: "slowly"."\nContent-Container(e1,e2)\nComment: as usual\n\n'
    '2\t"A <e1>loaf</e1> of our <e2>café</e2> 🍞"\nProduct-Producer(e1,e2)\nComment:\n\n'
    '7\t"<e1>Smoke</e1> came from the <e2>oven</e2>."\nCause-Effect(e2,e1)\nComment: <e1> is the effect\n\n'
    '8001\t"The <e1>bakers</e1> like <e2>Mondays</e2>."\nOther\n'
)


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


# Broad Twitter Corpus and WNUT-17


def tagged(*texts: str) -> str:
    """Lines of a token, a tab and a tag, which stands after a slash in ``texts`` where it isn't O."""
    words = [[word.partition("/") for word in cut(text)] for text in texts]
    return "\n".join("".join(f"{token}\t{tag or 'O'}\n" for token, _, tag in text) for text in words)


TWEETS = tagged("Rain in Oslo/B-loc 's port ! '\"' Ugh '\"' 🌧 \xa0", "Mira/B-per Lund/I-per Ada/B-per of Nordbrew/B-org", "nothing here")


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


# The command line

FILES: dict[str, Any] = {"btc": TWEETS, "fewrel": pairs(), "redocred": [village()], "semeval2010": NOMINALS, "wnut17": TWEETS}
NEED_NAMES = ("fewrel", "redocred")


def options(name: str, folder: Path) -> list[str]:
    """What the command line needs beside the input."""
    given = ["--output", str(folder / "rows.jsonl")]
    return [*given, "--names", str(names_file(folder))] if name in NEED_NAMES else given


@pytest.mark.parametrize("name", FILES)
def test_the_command_line_knows_the_converters(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert name in names()
    good, given = save(tmp_path / "original.txt", FILES[name]), options(name, tmp_path)
    assert main([name, str(good), *given]) == 0
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows == list(load(name).convert(good, *map(Path, given[3:])))
    assert_exact(rows)
    capsys.readouterr()
    for path in (tmp_path / "absent.txt", save(tmp_path / "empty.txt", "")):
        assert main([name, str(path), *given]) == 2
        said = capsys.readouterr().err
        assert said.startswith("error: ") and said.count("\n") == 1


@pytest.mark.parametrize("name", FILES)
def test_names_are_given_where_they_are_needed_and_nowhere_else(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    good, table, output = save(tmp_path / "original.txt", FILES[name]), names_file(tmp_path), tmp_path / "rows.jsonl"
    needed = name in NEED_NAMES
    assert main([name, str(good), "--output", str(output), *([] if needed else ["--names", str(table)])]) == 2
    said = capsys.readouterr().err
    assert ("say with --names which file" if needed else "leave --names out") in said
    assert said.count("\n") == 1
    assert not output.exists()


def test_the_names_are_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = names_file(tmp_path)
    before = table.read_text()
    assert main(["fewrel", str(save(tmp_path / "a.json", pairs())), "--output", str(table), "--names", str(table)]) == 2
    assert "is also an input" in capsys.readouterr().err
    assert table.read_text() == before


def test_names_that_cannot_be_read_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--output", str(tmp_path / "rows.jsonl"), "--names", str(tmp_path / "absent.jsonl")]
    assert main(["fewrel", str(save(tmp_path / "a.json", pairs())), *given]) == 2
    assert f"{tmp_path / 'absent.jsonl'} can't be read" in capsys.readouterr().err
