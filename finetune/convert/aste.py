"""ASTE-Data-V2: restaurant and laptop sentences with (target, expression, polarity) triplets (Xu et al. 2020).

Lu Xu, Hao Li, Wei Lu, Lidong Bing: "Position-Aware Tagging for Aspect Sentiment Triplet Extraction", EMNLP 2020, over
the SemEval sentences of 2014 to 2016. Licence: none is stated. The files are in the authors' repositories
xuuuluuu/SemEval-Triplet-data and xuuuluuu/Position-Aware-Tagging-for-ASTE on GitHub, a folder per source: ``14lap``,
``14res``, ``15res``, ``16res``, in each ``train_triplets.txt`` or ``train.txt`` and so on.

Original layout, one sentence per line, tokens with a space between them::

    tokens####[([target token, ...], [expression token, ...], 'POS'), ...]
    tokens####token=tag ...####token=tag ...####[([target token, ...], [expression token, ...], 'POS'), ...]

Rows: ``{"id", "domain", "text", "opinions"}``, one per sentence, with the folder as its domain. The text is joined
from the tokens with natural spacing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from finetune.convert._reading import Row
from finetune.convert._triplets import convert_triplets


def convert(path: Path) -> Iterator[Row]:
    """Rows of one file of one folder; raises ``FileError`` if it is something else."""
    return convert_triplets(path, "ASTE-Data-V2")
