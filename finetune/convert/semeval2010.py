"""SemEval-2010 Task 8: nine relations with direction between two marked nominals (Hendrickx et al. 2010, CC BY 3.0).

Iris Hendrickx, Su Nam Kim, Zornitsa Kozareva, Preslav Nakov, Diarmuid Ó Séaghdha, Sebastian Padó, Marco Pennacchiotti,
Lorenza Romano, Stan Szpakowicz: "SemEval-2010 Task 8: Multi-Way Classification of Semantic Relations Between Pairs of
Nominals", SemEval 2010. Licence: CC BY 3.0. The archive SemEval2010_task8_all_data is linked from the task's site;
``TRAIN_FILE.TXT`` and ``TEST_FILE_FULL.TXT`` can be converted, ``TEST_FILE.TXT`` hides its relations.

Original layout, an empty line after each sentence::

    12 <tab> "The <e1>dough</e1> is kneaded in a <e2>bowl</e2>."
    Content-Container(e1,e2)
    Comment: what an annotator noted

Rows: ``{"id", "text", "entities", "relations"}``, one per sentence: its two entities in the order of the text, without
types, and their relation; none for ``Other``. The head of ``(e1,e2)`` is the first entity, of ``(e2,e1)`` the second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from finetune.convert._reading import Row, lines, located
from tasks.core.types import Span

_LAYOUT = "SemEval-2010 Task 8"
_NONE = "Other"
_SENTENCE = re.compile(r'(\d+)\t"(.*)"')
_MARKED = re.compile(r"(.*)<e1>(.+)</e1>(.*)<e2>(.+)</e2>(.*)")
_RELATION = re.compile(r"([A-Z][a-z]+-[A-Z][a-z]+)\(e([12]),e([12])\)")


def convert(path: Path) -> Iterator[Row]:
    """Rows of ``TRAIN_FILE.TXT`` or ``TEST_FILE_FULL.TXT``; raises ``FileError`` for anything else."""
    for place, block in _blocks(path):
        with located(path, place, _LAYOUT):
            row = _row(block)
        yield row


def _blocks(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines between empty ones, with the number of the first."""
    block: list[str] = []
    place = 0
    for place, line in enumerate(lines(path), 1):
        if line.strip():
            block.append(line.strip())
        elif block:
            yield place - len(block), block
            block = []
    if block:
        yield place - len(block) + 1, block


def _row(block: Sequence[str]) -> Row:
    sentence = _SENTENCE.fullmatch(block[0])
    marked = _MARKED.fullmatch(sentence[2]) if sentence else None
    if not sentence or not marked:
        raise ValueError("it is not a number, a tab and a sentence in quotes with one <e1> and then one <e2>")
    if len(block) == 1:
        raise ValueError("no relation follows it, as in TEST_FILE.TXT")
    text, entities = "", []
    for number, part in enumerate(marked.groups()):
        if number % 2:
            entities.append({"type": None, **asdict(Span(len(text), len(text) + len(part), part))})
        text += part
    if re.search("</?e[12]>", text):
        raise ValueError("it marks more than one <e1> or <e2>")
    return {"id": f"semeval-{sentence[1]}", "text": text, "entities": entities, "relations": _relations(block[1])}


def _relations(said: str) -> list[Row]:
    relation = _RELATION.fullmatch(said)
    if said == _NONE:
        return []
    if not relation or relation[2] == relation[3]:
        raise ValueError(f"{said[:40]!r} is neither {_NONE} nor a relation like Cause-Effect(e2,e1)")
    return [{"head": int(relation[2]) - 1, "tail": int(relation[3]) - 1, "type": relation[1]}]
