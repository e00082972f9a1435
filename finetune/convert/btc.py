"""Broad Twitter Corpus: people, organisations and places named in tweets (Derczynski et al. 2016, CC BY 4.0).

Leon Derczynski, Kalina Bontcheva, Ian Roberts: "Broad Twitter Corpus: A Diverse Named Entity Recognition Resource",
COLING 2016. Licence: CC BY 4.0. The files ``a.conll``, ``b.conll``, ``e.conll``, ``f.conll``, ``g.conll`` and
``h.conll`` are in the authors' repository GateNLP/broad_twitter_corpus on GitHub, one per section; they recommend
section F for the test and the second half of H for development.

Original layout, a token and its tag in each line, an empty line between tweets::

    Rain <tab> O
    in <tab> O
    Oslo <tab> B-loc

Rows: ``{"id", "text", "entities"}``, one per tweet, types in capitals (``PER``, ``ORG``, ``LOC``). The text is joined from
the tokens with natural spacing; a double quote, which the files put between two single ones, stands alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from finetune.convert._reading import Row
from finetune.convert._tagged import Tagged, convert_tagged

_QUOTE = "'\"'"


def convert(path: Path) -> Iterator[Row]:
    """Rows of the file of one section; raises ``FileError`` if it is something else."""
    return convert_tagged(path, "Broad Twitter Corpus CoNLL", f"btc-{path.stem}", _ours)


def _ours(token: str, tag: str) -> Tagged:
    return '"' if token == _QUOTE else token, tag.upper()
