"""FewRel: one entity pair and one of 80 relations per Wikipedia sentence (Han et al. 2018, MIT).

Xu Han, Hao Zhu, Pengfei Yu, Ziyun Wang, Yuan Yao, Zhiyuan Liu, Maosong Sun: "FewRel: A Large-Scale Supervised Few-Shot
Relation Classification Dataset with State-of-the-Art Evaluation", EMNLP 2018. Licence: MIT. The files
``train_wiki.json`` (64 relations) and ``val_wiki.json`` (16 others) are in the folder ``data`` of the authors'
repository thunlp/FewRel on GitHub; so is ``pid2name.json``, which can be given with ``--names``.

Original layout, one object with 700 sentences for each relation::

    {"P931": [{"tokens": [word, ...], "h": [name, "Q42", [[16], ...]], "t": [name, "Q64", [[13, 14], ...]]}, ...], ...}

``h`` is the head, ``t`` the tail, each with the tokens of all its mentions.

Rows: ``{"id", "text", "entities", "relations"}``, one per sentence: the head and the tail, each at its first mention and
without a type, and their one relation. Text is joined from the tokens with natural spacing and cased as in the original.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from finetune.convert._reading import Row, document, located
from finetune.convert._relations import Names, joined, span
from finetune.convert._sentence import Sentence

_LAYOUT = "FewRel"


def convert(path: Path, names: Path) -> Iterator[Row]:
    """Rows of one of the files; ``names``: what its relations are called. Raises ``FileError`` for anything else."""
    named = Names(names)
    relations = document(path, _LAYOUT)
    with located(path, "its relations", _LAYOUT):
        listed = [(pid, place, each) for pid, sentences in relations.items() for place, each in enumerate(sentences, 1)]
    for number, (pid, place, each) in enumerate(listed):
        with located(path, f"sentence {place} of {pid!r}", _LAYOUT):
            sentence = joined(each["tokens"])
            entities = [_entity(sentence, each["h"]), _entity(sentence, each["t"])]
            relation = {"head": 0, "tail": 1, "type": named[pid], "pid": pid}
        yield {"id": f"fewrel-{number}", "text": sentence.text, "entities": entities, "relations": [relation]}


def _entity(sentence: Sentence, said: Any) -> Row:
    _, _, mentions = said
    return {"type": None, **span(sentence, min(mentions[0]), max(mentions[0]) + 1)}
