"""MAVEN: events in Wikipedia sentences, 168 types (Wang et al. 2020, CC BY-SA 4.0).

Xiaozhi Wang, Ziqi Wang, Xu Han, Wangyi Jiang, Rong Han, Zhiyuan Liu, Juanzi Li, Peng Li, Yankai Lin, Jie Zhou:
"MAVEN: A Massive General Domain Event Detection Dataset", EMNLP 2020. Licence: CC BY-SA 4.0. The files are linked
from the authors' repository THU-KEG/MAVEN-dataset on GitHub; ``train.jsonl`` and ``valid.jsonl`` can be converted,
``test.jsonl`` hides its labels.

Original layout, one document per line::

    {"id", "title",
     "content": [{"sentence": plain text, "tokens": [word, ...]}, ...],
     "events": [{"id", "type", "type_id",
                 "mention": [{"id", "trigger_word", "sent_id": from 0, "offset": [first token, end token]}, ...]}, ...],
     "negative_triggers": [{"id", "trigger_word", "sent_id", "offset"}, ...]}

Rows: one per sentence, also those without an event. Text is cased and spaced as in the original; nothing is
lower-cased. The negative triggers are not needed: every word that isn't a trigger is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from finetune.convert._reading import Row, convert_documents
from finetune.convert._sentence import Sentence, event, event_rows, pick


def convert(path: Path) -> Iterator[Row]:
    """Rows of ``train.jsonl`` or ``valid.jsonl``; raises ``FileError`` for anything else."""
    return convert_documents(path, "MAVEN", _rows)


def _rows(document: Any) -> Iterator[Row]:
    if "candidates" in document and "events" not in document:
        raise ValueError("its labels are hidden, as in MAVEN's test.jsonl")
    sentences = [Sentence.of(part["tokens"], part["sentence"]) for part in document["content"]]
    events: list[list[Row]] = [[] for _ in sentences]
    for annotated in document["events"]:
        for mention in annotated["mention"]:
            first, end = mention["offset"]
            trigger = pick(sentences, mention["sent_id"]).span(first, end, mention["trigger_word"])
            events[mention["sent_id"]].append(event(annotated["type"], trigger))
    return event_rows(document["id"], sentences, events)
