"""Statement patterns of relation extraction: what affirms a relation, and what only looks like it.

``tasks/relation_extraction/sample/patterns.jsonl`` was written for this project, by a language model (the model card says
how). Licence: Apache-2.0, as the project.

Original layout, one object for each relation; a pattern has ``{h}`` where the head stands, ``{t}`` where the tail does::

    {"relation", "description", "head_type", "tail_type", "heads": [filler, ...], "tails": [filler, ...],
     "yes": [pattern, ...],    it holds
     "swap": [...],            the same, the tail told first
     "no": [...],              it is denied
     "open": [...],            it is asked, planned, wished or possible
     "false": [...],           it is told and refuted
     "near": [...],            something else is told of the two
     "other": [...],           it holds, and not for {o}, which stands in for the one that "instead_of" names: "head" or "tail"
     "distractors": [relation, ...],  could hold between two such entities, and is not told
     "symmetric": true}  where it holds in both directions or in none

Rows: ``{"id", "text", "entities", "relations", "labels"}``, ``FILLINGS`` for each pattern. Every other text has a second
statement behind it, of other entities and mostly of another kind, so that what is said of one pair has to be told from what
is said of the next.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from finetune.convert._reading import Row, convert_documents

FILLINGS = 2  # texts of each pattern
HOLDS = ("yes", "swap", "other")
KINDS = (*HOLDS, "no", "open", "false", "near")

_LAYOUT = "statement pattern"
_PARTS = re.compile(r"([^{]*)(?:\{([hto])\}|$)")


def convert(path: Path) -> Iterator[Row]:
    """Rows of a file of patterns, the same each time. Raises ``FileError`` for anything else."""
    return convert_documents(path, _LAYOUT, _rows)


def _rows(of: dict[str, Any]) -> Iterator[Row]:
    name, draw = of["relation"], random.Random(of["relation"])
    labels = {name: of["description"]} | dict.fromkeys(of["distractors"], "")
    patterns = [(kind, pattern) for kind in KINDS for pattern in of[kind]]
    for filling in range(FILLINGS):
        for number, first in enumerate(patterns):
            statements = [first, draw.choice(patterns)] if (number + filling) % 2 else [first]
            text, entities, relations = _fill(of, statements, draw)
            yield {"id": f"{name}-{filling}-{number}", "text": text, "entities": entities, "relations": relations, "labels": labels}


def _fill(of: dict[str, Any], statements: list[tuple[str, str]], draw: random.Random) -> tuple[str, list[Row], list[Row]]:
    """Statements one behind the other, no filler twice."""
    left = {side: draw.sample(of[side], 2 * len(statements)) for side in ("heads", "tails")}
    sides = {"h": "heads", "t": "tails", "o": f"{of['instead_of']}s"}
    types = {"heads": of["head_type"], "tails": of["tail_type"]}
    text = ""
    entities: list[Row] = []
    relations: list[Row] = []
    for kind, pattern in statements:
        text += " " if text else ""
        at = {}
        for before, slot in _PARTS.findall(pattern):
            text += before
            if slot:
                said = left[sides[slot]].pop()
                said = said[0].upper() + said[1:] if _begins_sentence(text) else said
                at[slot] = len(entities)
                entities.append({"type": types[sides[slot]], "start": len(text), "end": len(text) + len(said), "text": said})
                text += said
        if kind in HOLDS:
            ends = [(at["h"], at["t"])] + ([(at["t"], at["h"])] if of.get("symmetric") else [])
            relations += [{"head": head, "tail": tail, "type": of["relation"]} for head, tail in ends]
    return text, entities, relations


def _begins_sentence(before: str) -> bool:
    return not before.strip() or before.rstrip().endswith((".", "!", "?"))
