"""Names of relations, and spans of entities given by token: what the converters of relations and entities share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from finetune.convert._reading import Row, document, lines, located
from finetune.convert._sentence import Sentence
from tasks.core.errors import FileError
from tasks.core.types import Span

_LAYOUT = "relation-names"


class Names(dict[str, str]):
    """Names of relations by Wikidata's P-ids.

    They come from JSONL with ``{"pid", "name"}`` in each line, or from a ``.json`` file as the data sets bring it:
    ``{pid: name}`` (DocRED's ``rel_info.json``) or ``{pid: [name, description]}`` (FewRel's ``pid2name.json``).
    """

    def __init__(self, path: Path) -> None:
        super().__init__(_from_table(path) if path.suffix.lower() == ".json" else _from_lines(path))
        self.path = path

    def __missing__(self, pid: str) -> str:
        raise FileError(f"{self.path} has no name for the relation {pid!r}: add it there, or give another file as --names.")


def _from_table(path: Path) -> dict[str, str]:
    table = document(path, _LAYOUT)
    with located(path, "its table", _LAYOUT):
        return {string(pid): string(said if isinstance(said, str) else said[0]) for pid, said in table.items()}


def _from_lines(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines(path), 1):
        if not line.strip():
            continue
        with located(path, number, _LAYOUT):
            said = json.loads(line)
            pair = string(said["pid"]), string(said["name"])
        yield pair


def string(value: Any) -> str:
    """The value, which must be a string that can be written to a file: one with a lone surrogate can't be."""
    if not isinstance(value, str):
        raise TypeError("string")
    value.encode()
    return value


def joined(tokens: Any) -> Sentence:
    """The sentence of ``tokens``; those that are white space alone are left without a character."""
    if not isinstance(tokens, list):
        raise TypeError("tokens")
    return Sentence.joined([string(token).strip() for token in tokens])


def span(sentence: Sentence, first: int, end: int) -> Row:
    """The tokens from ``first`` up to ``end``, as a span without white space at its ends."""
    said = f"an entity is said to stand at tokens {first} to {end} of a sentence of {len(sentence.tokens)} tokens"
    if not 0 <= first < end <= len(sentence.tokens):
        raise ValueError(said)
    written = [place for place in sentence.tokens[first:end] if place[0] < place[1]]
    if not written:
        raise ValueError(f"{said}, where only white space is")
    return asdict(Span.of(sentence.text, written[0][0], written[-1][1]))
