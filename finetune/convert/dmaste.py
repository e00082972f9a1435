"""DMASTE: product reviews with (target, expression, polarity) triplets, eight domains (Xu et al. 2023, MIT).

Ting Xu, Huiyun Yang, Zhen Wu, Jiaze Chen, Fei Zhao, Xinyu Dai: "Measuring Your ASTE Models in The Wild: A Diversified
Multi-domain Dataset For Aspect Sentiment Triplet Extraction", Findings of ACL 2023. Licence: MIT. The files are in
the authors' repository NJUNLP/DMASTE on GitHub, a folder per domain: ``dataset/beauty/train.txt`` and so on.

Original layout, one review per line, tokens with a space between them::

    tokens####[([first target token, last], [first expression token, last], 'POS'), ...]####domain

A span of one token has one number; ``[-1]`` is a target that the review does not name; polarities are POS, NEG and
NEU; the domain is the review's own, finer than the folder.

Rows: ``{"id", "domain", "text", "opinions"}``, one per review. The text is joined from the tokens with natural
spacing; a target that is not named is null.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from finetune.convert._reading import Row
from finetune.convert._triplets import convert_triplets


def convert(path: Path) -> Iterator[Row]:
    """Rows of one file of one domain; raises ``FileError`` if it is something else."""
    return convert_triplets(path, "DMASTE")
