"""``finetune.convert``: original layouts in, rows with exact offsets out, and one clear sentence for anything else.

The files are miniatures of the original layouts with sentences written for these tests.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from finetune.convert import load, maven, names, wikievents
from finetune.convert.__main__ import main
from finetune.convert._sentence import Sentence
from tasks.core.errors import FileError

Data = dict[str, Any]


def save(path: Path, *documents: Any, end: str = "\n") -> Path:
    """The documents as JSONL; ``path``."""
    path.write_bytes("".join(json.dumps(document, ensure_ascii=False) + end for document in documents).encode())
    return path


def cut(tokens: str) -> list[str]:
    """Tokens that are written with a space between them."""
    return tokens.split()


def spans(row: Data) -> list[Data]:
    """All spans of an event row."""
    return [span for event in row["events"] for span in (event["trigger"], *event["arguments"])]


def assert_exact(rows: list[Data]) -> None:
    for row in rows:
        assert row["text"].strip()
        for span in spans(row):
            assert row["text"][span["start"] : span["end"]] == span["text"] != ""


# MAVEN


def maven_document() -> Data:
    return {
        "id": "d1",
        "title": "The flood of Trujillo",
        "content": [
            {
                "sentence": 'The river 🌊 burst its banks; "everyone fled", Zoë said.',
                "tokens": cut("The river 🌊 burst its banks ; `` everyone fled '' , Zoë said ."),
            },
            {"sentence": " ", "tokens": []},
            {"sentence": "Nothing was rebuilt.", "tokens": cut("Nothing was rebuilt .")},
        ],
        "events": [
            {"id": "e1", "type": "Statement", "type_id": 2, "mention": [mention("said", 0, [13, 14])]},
            {
                "id": "e2",
                "type": "Escaping",
                "type_id": 3,
                "mention": [mention("fled", 0, [9, 10]), mention("burst its banks", 0, [3, 6])],
            },
        ],
        "negative_triggers": [mention("rebuilt", 2, [2, 3])],
    }


def mention(word: str, sentence: int, offset: list[int]) -> Data:
    return {"id": f"m-{word}", "trigger_word": word, "sent_id": sentence, "offset": offset}


def test_maven(tmp_path: Path) -> None:
    rows = list(maven.convert(save(tmp_path / "train.jsonl", maven_document())))
    assert_exact(rows)
    assert [row["id"] for row in rows] == ["d1_0", "d1_2"]
    assert rows[0]["text"] == 'The river 🌊 burst its banks; "everyone fled", Zoë said.'
    found = [(event["type"], event["trigger"]["text"], event["arguments"]) for event in rows[0]["events"]]
    assert found == [("Escaping", "burst its banks", []), ("Escaping", "fled", []), ("Statement", "said", [])]
    assert rows[1] == {"id": "d1_2", "doc_id": "d1", "text": "Nothing was rebuilt.", "events": []}


def test_files_with_windows_line_ends_a_byte_order_mark_and_blank_lines(tmp_path: Path) -> None:
    path = save(tmp_path / "train.jsonl", maven_document(), end="\r\n\r\n")
    expected = list(maven.convert(path))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert list(maven.convert(path)) == expected != []


def test_an_empty_document_has_no_rows(tmp_path: Path) -> None:
    empty: Data = {"id": "d0", "title": "", "content": [], "events": [], "negative_triggers": []}
    assert [row["doc_id"] for row in maven.convert(save(tmp_path / "a.jsonl", empty, maven_document(), empty))] == ["d1", "d1"]


def broken(key: str, value: Any) -> Data:
    """A MAVEN document whose first mention has another value under ``key``."""
    document = maven_document()
    document["events"][0]["mention"][0][key] = value
    return document


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"id": "d1", "content": [], "candidates": []}, "labels are hidden"),
        ({"id": "d1", "content": []}, "the field 'events' is missing"),
        ({"id": "d1", "content": [{"sentence": "Hi", "tokens": "Hi"}], "events": []}, "a value is not of the kind"),
        ({"id": "d1", "content": [{"sentence": "\ud83d", "tokens": ["\ud83d"]}], "events": []}, "surrogates not allowed"),
        ([1], "a value is not of the kind"),
        (None, "a value is not of the kind"),
        (broken("offset", [4, 5]), "'said' is said to stand where the text has 'its'"),
        (broken("offset", [-2, -1]), "a sentence of 15 tokens"),
        (broken("offset", [13, 99]), "tokens 13 to 99"),
        (broken("offset", [13]), "not enough values"),
        (broken("sent_id", -1), "names sentence -1 of 3"),
        (broken("sent_id", "0"), "a value is not of the kind"),
    ],
)
def test_a_malformed_document_is_refused_with_its_line(tmp_path: Path, document: Any, reason: str) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps(maven_document()) + "\n\n" + json.dumps(document) + "\n")
    with pytest.raises(FileError) as error:
        list(maven.convert(path))
    assert f"{path}, line 3: " in str(error.value)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


# WikiEvents


def wikievents_document() -> Data:
    """Tokens with the offsets of the whole document, one character between sentences, as the original has them."""
    texts = ["Police  arrested two men in São Tomé’s port.", "A car-bomb exploded 💥 there!"]
    words = [cut("Police arrested two men in São Tomé ’ s port ."), cut("A car - bomb exploded 💥 there !")]
    sentences, shift = [], 0
    for text, tokens in zip(texts, words, strict=True):
        places = [(word, shift + start, shift + end) for word, (start, end) in zip(tokens, Sentence.of(tokens, text).tokens, strict=True)]
        sentences.append([places, text])
        shift += len(text) + 1
    return {
        "doc_id": "news_1",
        "tokens": words[0] + words[1],
        "text": "".join(texts),
        "sentences": sentences,
        "entity_mentions": [
            entity("T1", 0, 2, 4, "two men"),
            entity("T2", 0, 5, 10, "São Tomé’s port"),
            entity("T3", 1, 12, 15, "car-bomb"),
        ],
        "relation_mentions": [],
        "event_mentions": [
            wiki_event("Conflict.Attack.DetonateExplode", 1, 15, "exploded", ("ExplosiveDevice", "T3"), ("Place", "T2")),
            wiki_event("Justice.ArrestJailDetain.Unspecified", 0, 1, "arrested", ("Detainee", "T1"), ("Place", "T2")),
            wiki_event("Conflict.Attack.Unspecified", 1, 14, "bomb"),
            wiki_event("Conflict.Attack.DetonateExplode", 1, 14, "bomb"),
        ],
    }


def entity(name: str, sentence: int, start: int, end: int, text: str) -> Data:
    return {"id": name, "sent_idx": sentence, "start": start, "end": end, "entity_type": "PER", "mention_type": "UNK", "text": text}


def wiki_event(name: str, sentence: int, start: int, text: str, *arguments: tuple[str, str]) -> Data:
    trigger = {"start": start, "end": start + 1, "text": text, "sent_idx": sentence}
    return {
        "id": f"E-{text}",
        "event_type": name,
        "trigger": trigger,
        "arguments": [{"entity_id": entity, "role": role, "text": "?"} for role, entity in arguments],
    }


def test_wikievents(tmp_path: Path) -> None:
    rows = list(wikievents.convert(save(tmp_path / "dev.jsonl", wikievents_document())))
    assert_exact(rows)
    assert [(row["id"], row["doc_id"]) for row in rows] == [("news_1_0", "news_1"), ("news_1_1", "news_1")]
    assert rows[0]["text"] == "Police  arrested two men in São Tomé’s port."
    assert rows[0]["events"] == [
        {
            "type": "Justice.ArrestJailDetain",
            "trigger": {"start": 8, "end": 16, "text": "arrested"},
            "arguments": [
                {"role": "Detainee", "start": 17, "end": 24, "text": "two men"},
                {"role": "Place", "start": 28, "end": 43, "text": "São Tomé’s port"},
            ],
        }
    ]
    # One level fewer makes two events one; the place stands in the sentence before.
    found = [(event["type"], event["trigger"]["text"], [each["text"] for each in event["arguments"]]) for event in rows[1]["events"]]
    assert found == [("Conflict.Attack", "bomb", []), ("Conflict.Attack", "exploded", ["car-bomb"])]


def test_a_trigger_may_be_part_of_a_token(tmp_path: Path) -> None:
    document = wikievents_document()
    document["event_mentions"][0]["trigger"]["text"] = "explode"
    rows = list(wikievents.convert(save(tmp_path / "dev.jsonl", document)))
    assert [event["trigger"]["text"] for event in rows[1]["events"]] == ["bomb", "exploded"]


def test_wikievents_refuses_an_argument_without_its_entity_and_a_trigger_of_another_sentence(tmp_path: Path) -> None:
    document = wikievents_document()
    document["entity_mentions"].pop()
    with pytest.raises(FileError, match="line 1: an argument names the entity 'T3'"):
        list(wikievents.convert(save(tmp_path / "dev.jsonl", document)))
    document = wikievents_document()
    document["event_mentions"][0]["trigger"]["sent_idx"] = 0
    with pytest.raises(FileError, match="'exploded' is said to stand at tokens 15 to 16 of a sentence of 11 tokens"):
        list(wikievents.convert(save(tmp_path / "dev.jsonl", document)))


# The command line


def test_the_command_line_writes_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (save(tmp_path / name, maven_document()) for name in ("train.jsonl", "valid.jsonl"))
    output = tmp_path / "rows.jsonl"
    assert main(["maven", str(first), str(second), "--output", str(output)]) == 0
    assert capsys.readouterr().out == f"4 rows written to {output}\n"
    written = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert written == 2 * list(maven.convert(first))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.jsonl", "train.jsonl", "valid.jsonl"]


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What the command line says when it refuses."""
    assert main([str(argument) for argument in arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    return said


def test_wrong_input_leaves_the_output_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "rows.jsonl"
    output.write_text("before\n")
    good = save(tmp_path / "good.jsonl", maven_document())
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(good.read_bytes() + b'{"id": "\xff"}\n')
    assert f"{bad}, line 2: it is not UTF-8" in refused(capsys, "maven", good, bad, "--output", output)
    bad.write_text("Tweet ID, Tweet Text\n")
    assert f"{bad}, line 1: it is not JSON" in refused(capsys, "maven", bad, "--output", output)
    bad.write_text("")
    assert "holds no rows" in refused(capsys, "maven", bad, "--output", output)
    assert "can't be read" in refused(capsys, "maven", tmp_path / "absent.jsonl", "--output", output)
    assert "can't be read" in refused(capsys, "maven", tmp_path, "--output", output)
    assert "is also an input" in refused(capsys, "maven", good, "--output", good)
    assert "can't be written" in refused(capsys, "maven", good, "--output", tmp_path / "absent" / "rows.jsonl")
    assert "can't be written" in refused(capsys, "maven", good, "--output", good / "rows.jsonl")
    assert output.read_text() == "before\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.jsonl", "good.jsonl", "rows.jsonl"]


def test_an_unknown_data_set_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["moon", "a.jsonl", "--output", "b.jsonl"])
    assert stop.value.code == 2
    assert "invalid choice: 'moon'" in capsys.readouterr().err


def test_help_lists_every_converter(capsys: pytest.CaptureFixture[str]) -> None:
    assert {"crisislex", "maven", "wikievents"} <= set(names())
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    for name in names():
        documentation = load(name).__doc__ or ""
        assert documentation.splitlines()[0] in shown
        assert "Licence: " in documentation
        assert "Original layout" in documentation
