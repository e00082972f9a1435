"""``finetune.convert`` for opinion analysis: original layouts in, rows of opinions, polarity or stance out.

The files are miniatures of the original layouts with sentences written for these tests.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from finetune.convert import aste, dmaste, mams, names, sst
from finetune.convert.__main__ import main
from finetune.convert._sentence import Sentence
from tests.original_opinions import assert_exact, save
from tests.originals import refused

Data = dict[str, Any]


def found(row: Data) -> list[tuple[str | None, str | None, str]]:
    """A row's opinions as texts."""

    def text(span: Data | None) -> str | None:
        return None if span is None else str(span["text"])

    return [(text(each["target"]), text(each["expression"]), each["polarity"]) for each in row["opinions"]]


# DMASTE and ASTE-Data-V2

REVIEWS = (
    'The "Luna " kettle (steel , 2 l ) doesn \'t drip ; lid is okay .####'
    "[([1, 3], [9, 11], 'POS'), ([13], [15], 'NEU'), ([1, 3], [9, 11], 'POS')]####Kitchen\n"
    "\n"
    "Not worth $ 30 !####[([-1], [0, 3], 'NEG')]####Patio\n"
    "It is a kettle .####[]####Kitchen\n"
)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_dmaste(tmp_path: Path, end: str) -> None:
    rows = list(dmaste.convert(save(tmp_path / "home" / "dev.txt", REVIEWS.replace("\n", end))))
    assert_exact(rows)
    assert [(row["id"], row["domain"]) for row in rows] == [("home-dev-0", "Kitchen"), ("home-dev-1", "Patio"), ("home-dev-2", "Kitchen")]
    assert rows[0]["text"] == 'The "Luna" kettle (steel, 2 l) doesn\'t drip; lid is okay.'
    assert found(rows[0]) == [('"Luna" kettle', "doesn't drip", "positive"), ("lid", "okay", "neutral")]
    assert rows[1]["opinions"] == [{"target": None, "expression": {"start": 0, "end": 13, "text": "Not worth $30"}, "polarity": "negative"}]
    assert rows[2]["opinions"] == []


def test_aste_with_and_without_tags(tmp_path: Path) -> None:
    text, triplets = "The hinge of the lid squeaks badly , though .", "[([1, 2, 3, 4], [5, 6], 'NEG')]"
    tagged = "####".join((text, *2 * [" ".join(f"{token}=O" for token in text.split())], triplets))
    rows = list(aste.convert(save(tmp_path / "14lap" / "train.txt", f"{text}####{triplets}\n{tagged}\n{text}#### #### ####{triplets}")))
    assert_exact(rows)
    assert [(row["id"], row["domain"]) for row in rows] == [(f"14lap-train-{number}", "14lap") for number in range(3)]
    for row in rows:
        assert row["text"] == "The hinge of the lid squeaks badly, though."
        assert found(row) == [("hinge of the lid", "squeaks badly", "negative")]


def test_triplets_count_an_empty_token_and_any_letters(tmp_path: Path) -> None:
    rows = list(aste.convert(save(tmp_path / "15res" / "test.txt", "El  café 🍵 was `` muy '' rico####[([2], [7], 'POS')]\n")))
    assert_exact(rows)
    assert rows[0]["text"] == 'El café 🍵 was "muy" rico'
    assert found(rows[0]) == [("café", '"', "positive")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("A good lid .", "it is not a text, #### and a list of triplets"),
        ("####[([0], [0], 'POS')]", "it is not a text"),
        ("A good lid .####[([2], [1], 'POS'", "it is not a text"),
        ("A good lid .####[([2], 1], 'POS')]", "is not a list of triplets"),
        ("A good lid .####[__import__('os')]", "is not a list of triplets"),
        ("A good lid .####" + "[" * 99999 + "]", "is not a list of triplets"),
        ("A good lid .####[([2], [1])]", "a value is not of the kind"),
        ("A good lid .####[([2], 1, 'POS')]", "a value is not of the kind"),
        ("A good lid .####[([2], [], 'POS')]", "a value is not of the kind"),
        ("A good lid .####[([2], [1], 'BAD')]", "'BAD' is none of the polarities POS, NEG, NEU"),
        ("A good lid .####[([2, 4], [1], 'POS')]", "tokens 2 to 4 are named in a text of 4 tokens"),
        ("A good lid .####[([-1, 2], [1], 'POS')]", "tokens -1 to 2"),
    ],
)
@pytest.mark.parametrize(("converter", "layout"), [(dmaste, "DMASTE"), (aste, "ASTE-Data-V2")])
def test_malformed_triplets_are_refused_with_their_line(tmp_path: Path, converter: Any, layout: str, line: str, reason: str) -> None:
    path = save(tmp_path / "home" / "dev.txt", f"{REVIEWS}{line}\n")
    refused(converter.convert, path, f"{path}, line 5: ", reason, f"unchanged {layout} file")


# MAMS


def terms(*of: tuple[int, str, str]) -> str:
    """A MAMS sentence about soup with these terms: where they start, what they are, their polarity."""
    listed = "".join(f'<aspectTerm from="{at}" polarity="{how}" term="{what}" to="{at + len(what)}"/>\n' for at, what, how in of)
    return f"<sentence><text>Soup &amp; 🍞 bread: cold, but the waiter smiled.</text>\n<aspectTerms>{listed}</aspectTerms></sentence>\n"


def xml(*sentences: str) -> str:
    return '<?xml version="1.0" encoding="utf-8"?>\n<sentences>\n' + "".join(sentences) + "</sentences>\n"


def test_mams(tmp_path: Path) -> None:
    blank = "<sentence><text> </text><aspectTerms></aspectTerms></sentence>\n"
    sentence = terms((0, "Soup", "negative"), (9, "bread", "neutral"), (30, "waiter", "positive"), (0, "Soup", "negative"))
    rows = list(mams.convert(save(tmp_path / "val.xml", xml(sentence, blank, terms()))))
    assert_exact(rows)
    assert [(row["id"], row["domain"]) for row in rows] == [("mams-val-0", "restaurant"), ("mams-val-2", "restaurant")]
    assert rows[0]["text"] == "Soup & 🍞 bread: cold, but the waiter smiled."
    assert found(rows[0]) == [("Soup", None, "negative"), ("bread", None, "neutral"), ("waiter", None, "positive")]
    assert rows[1]["opinions"] == []


@pytest.mark.parametrize(
    ("content", "place", "reason"),
    [
        (xml(terms()).replace("</text>", ""), "line 4", "it is not XML"),
        (xml(terms(), terms((1, "Soup", "negative"))), "sentence 2", "'Soup' is said to stand where the text has 'oup '"),
        (xml(terms((0, "Soup", "conflict"))), "sentence 1", "'conflict' is none of the polarities"),
        (xml(terms((0, "Soup", "neutral"))).replace("from=", "begin="), "sentence 1", "the field 'from' is missing"),
        (xml(terms((0, "Soup", "neutral"))).replace('to="4"', 'to="99"'), "sentence 1", "does not fit its text"),
        (xml(terms()).replace("aspectTerms", "aspectCategories"), "sentence 1", "it has no <text> or no <aspectTerms>"),
    ],
)
def test_malformed_mams_is_refused(tmp_path: Path, content: str, place: str, reason: str) -> None:
    path = save(tmp_path / "train.xml", content)
    refused(mams.convert, path, f"{path}, {place}: ", reason, "unchanged MAMS-ATSA file")


# Stanford Sentiment Treebank

TREES = (
    "(3 (2 It) (3 (2 's) (3 (2 (2 a) (2 (2 heist\\/romance) (2 film))) (2 .))))\n\n"
    "(2 (2 -LRB-) (2 (2 A) (2 (2 clichÃ©) (2 -RRB-))))\n"
    "(1 (2 ``) (1 (2 Dunes) (1 (2 '') (1 (2 (2 does) (2 n't)) (0 (0 drag) (2 ...))))))\n"
    "(0 Dire)\n"
    "(4 (4 Superb) (2 !))\n"
)


def test_sst_trees(tmp_path: Path) -> None:
    rows = list(sst.convert(save(tmp_path / "dev.txt", TREES)))
    assert_exact(rows)
    assert rows == [
        {"id": "sst-dev-0", "text": "It's a heist/romance film.", "polarity": "positive"},
        {"id": "sst-dev-1", "text": "(A cliché)", "polarity": "neutral"},
        {"id": "sst-dev-2", "text": '"Dunes" doesn\'t drag...', "polarity": "negative"},
        {"id": "sst-dev-3", "text": "Dire", "polarity": "negative"},
        {"id": "sst-dev-4", "text": "Superb!", "polarity": "positive"},
    ]


@pytest.mark.parametrize("line", ["Dire", "(5 Dire)", "(0 Dire", "()", "(0 (0 Dire) film)", "sentence_index\tsentence"])
def test_what_is_no_tree_is_refused(tmp_path: Path, line: str) -> None:
    path = save(tmp_path / "train.txt", f"{TREES}{line}\n")
    refused(sst.convert, path, f"{path}, line 7: it is not a tree", "unchanged Stanford Sentiment Treebank file")


def treebank(folder: Path) -> Path:
    """The archive with scores; its ``datasetSentences.txt``."""
    save(folder / "datasetSplit.txt", "sentence_index,splitset_label\n1,1\n2,2\n3,3\n4,1\n")
    save(folder / "dictionary.txt", "Dire|0\nDire .|1\n( A cliché )|2\nA|3\nHeat | dust !|4\nSo-so .|5\n")
    save(folder / "sentiment_labels.txt", "phrase ids|sentiment values\n0|0.9\n1|0.4\n2|0.6\n3|0.5\n4|0.61\n5|0.41\n")
    sentences = "sentence_index\tsentence\n1\tDire .\n2\t-LRB- A clichÃ© -RRB-\n3\tHeat | dust !\n4\tSo-so .\n"
    return save(folder / "datasetSentences.txt", sentences)


def test_sst_sentences_with_scores(tmp_path: Path) -> None:
    rows = list(sst.convert(treebank(tmp_path)))
    assert_exact(rows)
    assert rows == [
        {"id": "sst-1", "split": "train", "text": "Dire.", "polarity": "negative"},
        {"id": "sst-2", "split": "test", "text": "(A cliché)", "polarity": "neutral"},
        {"id": "sst-3", "split": "dev", "text": "Heat | dust!", "polarity": "positive"},
        {"id": "sst-4", "split": "train", "text": "So-so.", "polarity": "neutral"},
    ]


@pytest.mark.parametrize(
    ("name", "old", "new", "place", "reason"),
    [
        ("datasetSentences.txt", "1\t", "1 ", "datasetSentences.txt, line 2", "it has no '\\t'"),
        ("datasetSplit.txt", "2,2", "2,5", "datasetSentences.txt, sentence 2", "datasetSplit.txt doesn't say"),
        ("datasetSplit.txt", "2,2\n", "", "datasetSentences.txt, sentence 2", "datasetSplit.txt doesn't say"),
        ("dictionary.txt", "Dire .|1\n", "", "datasetSentences.txt, sentence 1", "dictionary.txt and sentiment_labels.txt don't have it"),
        ("sentiment_labels.txt", "1|0.4\n", "", "datasetSentences.txt, sentence 1", "don't have it"),
        ("sentiment_labels.txt", "1|0.4", "1|bad", "datasetSentences.txt, sentence 1", "could not convert"),
        ("sentiment_labels.txt", "1|0.4", "1|4", "datasetSentences.txt, sentence 1", "the positivity 4.0 is not from 0 to 1"),
    ],
)
def test_a_treebank_whose_files_disagree_is_refused(tmp_path: Path, name: str, old: str, new: str, place: str, reason: str) -> None:
    path = treebank(tmp_path)
    changed = tmp_path / name
    save(changed, changed.read_text(encoding="utf-8").replace(old, new))
    refused(sst.convert, path, f"{tmp_path / place}: ", reason)


def test_a_treebank_needs_all_its_files(tmp_path: Path) -> None:
    path = treebank(tmp_path)
    (tmp_path / "dictionary.txt").unlink()
    refused(sst.convert, path, f"{tmp_path / 'dictionary.txt'} can't be read")


# Joined tokens and the command line


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ('A "real bargain " , they say', 'A "real bargain", they say'),
        ("`` Slow '' and `` dull", '"Slow" and "dull'),
        ("the ` New ' one", "the `New' one"),
        ("It can 't  be", "It can't be"),
        ("", ""),
    ],
)
def test_tokens_alone_are_joined_with_natural_spacing(tokens: str, text: str) -> None:
    sentence = Sentence.joined(tokens.split(" "))
    assert sentence.text == text
    assert "".join(text[start:end] for start, end in sentence.tokens) == text.replace(" ", "")
    assert len(sentence.tokens) == len(tokens.split(" "))


def test_the_command_line_knows_the_converters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert {"argkp", "aste", "dmaste", "mams", "perspectrum", "sst"} <= set(names())
    good, output = save(tmp_path / "home" / "train.txt", REVIEWS), tmp_path / "rows.jsonl"
    assert main(["dmaste", str(good), "--output", str(output)]) == 0
    assert [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()] == list(dmaste.convert(good))
    capsys.readouterr()
    for name in ("argkp", "aste", "dmaste", "mams", "perspectrum", "sst"):
        for path in (tmp_path / "absent.txt", save(tmp_path / "empty.txt", "")):
            assert main([name, str(path), "--output", str(output)]) == 2
            said = capsys.readouterr().err
            assert said.startswith("error: ") and said.count("\n") == 1
