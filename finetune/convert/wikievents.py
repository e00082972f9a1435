"""WikiEvents: events with arguments in news, two-level KAIROS types (Li et al. 2021, MIT).

Sha Li, Heng Ji, Jiawei Han: "Document-Level Event Argument Extraction by Conditional Generation", NAACL 2021.
Licence: MIT. The files (``train.jsonl``, ``dev.jsonl``, ``test.jsonl``) are linked from the authors' repository
raspberryice/gen-arg on GitHub.

Original layout, one document per line::

    {"doc_id", "tokens": [word, ...], "text",
     "sentences": [[[[word, first character, end character], ...], plain text], ...],
     "entity_mentions": [{"id", "sent_idx", "start", "end", "entity_type", "mention_type", "text"}, ...],
     "relation_mentions": [],
     "event_mentions": [{"id", "event_type": "Life.Die.Unspecified",
                         "trigger": {"start", "end", "text", "sent_idx"},
                         "arguments": [{"entity_id", "role", "text"}, ...]}, ...]}

``start`` and ``end`` count the tokens of the whole document. The characters count the document with one character
between sentences, which its ``text`` leaves out, so tokens are found in the sentence's plain text instead.

Rows: one per sentence, also those without an event. Types keep their first two levels (``Life.Die``), since most
third levels are ``Unspecified`` or rare. An argument that stands in another sentence than its trigger is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

from finetune.convert._reading import Row, convert_documents
from finetune.convert._sentence import Sentence, event, event_rows, pick


def convert(path: Path) -> Iterator[Row]:
    """Rows of one of the files; raises ``FileError`` if it is something else."""
    return convert_documents(path, "WikiEvents", _rows)


def _rows(document: Any) -> Iterator[Row]:
    sentences = [Sentence.of([word for word, _, _ in words], written) for words, written in document["sentences"]]
    starts = list(accumulate((len(sentence.tokens) for sentence in sentences), initial=0))
    entities = {entity["id"]: entity for entity in document["entity_mentions"]}
    events: list[list[Row]] = [[] for _ in sentences]

    def span(mention: Any) -> Row:
        number = mention["sent_idx"]
        sentence, start = pick(sentences, number), starts[number]
        return sentence.span(mention["start"] - start, mention["end"] - start, mention["text"])

    for annotated in document["event_mentions"]:
        trigger = annotated["trigger"]
        named = [(argument["role"], _entity(entities, argument["entity_id"])) for argument in annotated["arguments"]]
        near = [{"role": role, **span(entity)} for role, entity in named if entity["sent_idx"] == trigger["sent_idx"]]
        name = ".".join(annotated["event_type"].split(".")[:2])
        found = event(name, span(trigger), near)
        events[trigger["sent_idx"]].append(found)
    return event_rows(document["doc_id"], sentences, events)


def _entity(entities: dict[str, Any], name: str) -> Any:
    if name not in entities:
        raise ValueError(f"an argument names the entity {name!r}, which the document doesn't have")
    return entities[name]
