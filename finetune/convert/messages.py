"""Messages to the agent, annotated with what they state: rows of relations between the things that they name.

``tasks/conversation/sample/train.jsonl`` was written for this project, by a language model (the model card says how). Licence: Apache-2.0,
as the project. Original layout: the rows of ``tasks/conversation/data.py``; messages whose words are not annotated are left out.

The type of each thing is what the shipped entity finder says of it, as when the agent reads a message. Every row knows of all the agent's
relations, so that a pair of things without one counts as unrelated.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from finetune.convert._reading import Row
from tasks import pipeline
from tasks.conversation.data import check_rows
from tasks.conversation.relations import relations
from tasks.conversation.things import type_of
from tasks.core.files import read_rows


def convert(path: Path) -> Iterator[Row]:
    """Rows of a file of messages. Raises ``FileError`` or ``InputError`` for anything else."""
    rows = [row for row in check_rows(read_rows(str(path)), path.name) if len(row.get("things", ())) > 1]
    labels = {name: kind.description for name, kind in relations().items()}
    found = pipeline("relation-extraction").entities([row["text"] for row in rows])
    for row, entities in zip(rows, found, strict=True):
        things = [each | {"type": type_of(row["text"], each["start"], each["end"], entities)} for each in row["things"]]
        yield {"text": row["text"], "entities": things, "relations": row["facts"] + _mirrored(row["facts"]), "labels": labels}


def _mirrored(facts: list[Row]) -> list[Row]:
    """What holds the other way round too."""
    said = {(fact["head"], fact["type"], fact["tail"]) for fact in facts}
    kinds = relations()
    turned = [{"head": fact["tail"], "type": fact["type"], "tail": fact["head"]} for fact in facts if kinds[fact["type"]].symmetric]
    return [fact for fact in turned if (fact["head"], fact["type"], fact["tail"]) not in said]
