"""WNUT-17: rare and emerging entities in tweets, comments and forum posts (Derczynski et al. 2017, CC BY 4.0).

Leon Derczynski, Eric Nichols, Marieke van Erp, Nut Limsopatham: "Results of the WNUT2017 Shared Task on Novel and
Emerging Entity Recognition", W-NUT 2017. Licence: CC BY 4.0. The files ``wnut17train.conll``, ``emerging.dev.conll`` and
``emerging.test.annotated`` are in the authors' repository leondz/emerging_entities_17 on GitHub.

Original layout, a token and its tag in each line, an empty line between texts::

    listening <tab> O
    to <tab> O
    Tidal <tab> B-creative-work
    Choir <tab> I-creative-work

Rows: ``{"id", "text", "entities"}``, one per text, with the types as they are (``person``, ``location``, ``corporation``,
``product``, ``creative-work``, ``group``). The text is joined from the tokens with natural spacing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from finetune.convert._reading import Row
from finetune.convert._tagged import convert_tagged


def convert(path: Path) -> Iterator[Row]:
    """Rows of one of the files; raises ``FileError`` if it is something else."""
    return convert_tagged(path, "WNUT-17", path.stem)
