"""Lines of a token, a tab and a tag, an empty line between texts, as rows of named entities with exact offsets.

A tag is ``O``, or a type after ``B-`` (the first token of an entity) or ``I-`` (a further one). An ``I-`` that continues
no entity of its type begins one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from finetune.convert._reading import Row, lines, located
from finetune.convert._relations import joined, span

Tagged = tuple[str, str]  # a token and its tag
_TAG = re.compile(r"O|[BI]-\S+")


def convert_tagged(path: Path, layout: str, name: str, ours: Callable[[str, str], Tagged] | None = None) -> Iterator[Row]:
    """Rows ``{"id", "text", "entities"}``, one per text that isn't blank.

    ``layout`` names the data set, ``name`` begins the ids; ``ours`` turns a token and its tag into those that we write.
    """
    number = 0
    for place, tagged in _texts(path, layout):
        tokens, tags = zip(*(ours(*each) if ours else each for each in tagged), strict=True)
        with located(path, f"the text from line {place}", layout):
            sentence = joined(list(tokens))
            entities = [{"type": kind, **span(sentence, first, end)} for kind, first, end in _entities(tags)]
        if sentence.text:
            yield {"id": f"{name}-{number}", "text": sentence.text, "entities": entities}
            number += 1


def _texts(path: Path, layout: str) -> Iterator[tuple[int, list[Tagged]]]:
    """Each text's tokens and tags, with the line where it begins."""
    tagged: list[Tagged] = []
    place = 0
    for place, line in enumerate(lines(path), 1):
        if line.strip():
            with located(path, place, layout):
                tagged.append(_fields(line))
        elif tagged:
            yield place - len(tagged), tagged
            tagged = []
    if tagged:
        yield place - len(tagged) + 1, tagged


def _fields(line: str) -> Tagged:
    token, tab, tag = line.strip("\r\n").rpartition("\t")
    if not tab or "\t" in token or not _TAG.fullmatch(tag.strip()):
        raise ValueError("it is not a token, a tab and a tag, which is O or begins with B- or I-")
    return token, tag.strip()


def _entities(tags: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Type, first token and end token of each entity."""
    kind, first = "", 0
    for number, tag in enumerate((*tags, "O")):
        how, _, found = tag.partition("-")
        if kind and (how != "I" or found != kind):
            yield kind, first, number
            kind = ""
        if found and not kind:
            kind, first = found, number
