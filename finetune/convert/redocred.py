"""Re-DocRED: relations within and across the sentences of Wikipedia documents (Tan et al. 2022, MIT).

Qingyu Tan, Lu Xu, Lidong Bing, Hwee Tou Ng, Sharifah Mahani Aljunied: "Revisiting DocRED - Addressing the False
Negative Problem in Relation Extraction", EMNLP 2022, over DocRED (Yao et al., ACL 2019). Licence: MIT. The files
``train_revised.json``, ``dev_revised.json`` and ``test_revised.json`` are in the folder ``data`` of the authors'
repository tonytan48/Re-DocRED on GitHub. DocRED's own files with labels can be converted too. Give with ``--names``
what its relations are called, such as DocRED's ``rel_info.json``.

Original layout, one list of documents::

    [{"title",
      "sents": [[word, ...], ...],
      "vertexSet": [[{"name", "sent_id": from 0, "pos": [first token, end token], "type", ...}, ...], ...],
      "labels": [{"h": entity, "t": entity, "r": "P17", "evidence": [sentence, ...]}, ...]}, ...]

Rows: one per document, ``{"id": title, "text", "sentences": [[start, end], ...], "entities": [{"type", "mentions":
[{"start", "end", "text", "sentence"}, ...]}, ...], "relations": [{"head", "tail", "type", "pid"}, ...]}``. The text is
joined from the tokens with natural spacing, a space between sentences. An entity has the type of its first mention;
what is given twice is there once; a relation of an entity with itself is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from finetune.convert._reading import Row, document, located
from finetune.convert._relations import Names, joined, span, string
from finetune.convert._sentence import Sentence, pick

_LAYOUT = "Re-DocRED"
_Placed = Sequence[tuple[int, Sentence]]  # where each sentence begins in the text


def convert(path: Path, names: Path) -> Iterator[Row]:
    """Rows of one of the files; ``names``: what its relations are called. Raises ``FileError`` for anything else."""
    named = Names(names)
    documents = document(path, _LAYOUT)
    with located(path, "its list", _LAYOUT):
        numbered = list(enumerate(documents, 1))
    for number, each in numbered:
        with located(path, f"document {number}", _LAYOUT):
            row = _row(each, named)
        if row["text"]:
            yield row


def _row(each: Any, named: Names) -> Row:
    text, placed = _laid_out([joined(tokens) for tokens in each["sents"]])
    entities = [{"type": string(mentions[0]["type"]), "mentions": _mentions(mentions, placed)} for mentions in each["vertexSet"]]
    relations = [_relation(label, len(entities), named) for label in each["labels"]]
    return {
        "id": string(each["title"]),
        "text": text,
        "sentences": [[start, start + len(sentence.text)] for start, sentence in placed],
        "entities": entities,
        "relations": _once([each for each in relations if each["head"] != each["tail"]]),
    }


def _laid_out(sentences: Sequence[Sentence]) -> tuple[str, _Placed]:
    """The sentences as one text, and where each begins in it."""
    text, placed = "", []
    for sentence in sentences:
        text += " " if text and sentence.text else ""
        placed.append((len(text), sentence))
        text += sentence.text
    return text, placed


def _mentions(mentions: Any, placed: _Placed) -> list[Row]:
    found = []
    for mention in mentions:
        number, (first, end) = mention["sent_id"], mention["pos"]
        local = span(pick([sentence for _, sentence in placed], number), first, end)
        shift = placed[number][0]
        found.append({"start": shift + local["start"], "end": shift + local["end"], "text": local["text"], "sentence": number})
    return _once(found)


def _relation(label: Any, count: int, named: Names) -> Row:
    head, tail, pid = label["h"], label["t"], string(label["r"])
    if not (0 <= head < count and 0 <= tail < count):
        raise ValueError(f"a relation names the entities {head} and {tail} of {count}, counted from 0")
    return {"head": head, "tail": tail, "type": named[pid], "pid": pid}


def _once(found: Sequence[Row]) -> list[Row]:
    """What was found, nothing twice."""
    return [each for place, each in enumerate(found) if each not in found[:place]]
