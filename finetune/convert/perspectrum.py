"""Perspectrum: claims and perspectives that support or undermine them (Chen et al. 2019, CC BY-SA 4.0).

Sihao Chen, Daniel Khashabi, Wenpeng Yin, Chris Callison-Burch, Dan Roth: "Seeing Things from a Different Angle:
Discovering Diverse Perspectives about Claims", NAACL 2019. Licence: CC BY-SA 4.0. The files are in the folder
``data/dataset`` of the authors' repository CogComp/perspectrum on GitHub. Give ``perspectrum_with_answers_v1.0.json``;
``perspective_pool_v1.0.json`` and ``dataset_split_v1.0.json`` are read from beside it.

Original layout::

    perspectrum_with_answers_v1.0.json
        [{"cId", "text", "source", "topics",
          "perspectives": [{"pids": [perspective, ...], "stance_label_3": "SUPPORT" or "UNDERMINE",
                            "stance_label_5", "voter_counts", "evidence"}, ...]}, ...]
    perspective_pool_v1.0.json
        [{"pId", "text", "source"}, ...]
    dataset_split_v1.0.json
        {"cId": "train", "dev" or "test"}

Rows: ``{"id", "split", "target", "text", "stance"}``, one per claim and perspective, none twice; the claim is the
target. What was found to be no perspective on its claim is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from finetune.convert._reading import Row, document, located

_LAYOUT = "Perspectrum"
_POOL, _SPLIT = "perspective_pool_v1.0.json", "dataset_split_v1.0.json"
_STANCES = {"support": "favor", "undermine": "against"}
_NONE = "not-a-perspective"


def convert(path: Path) -> Iterator[Row]:
    """Rows of the file with answers; raises ``FileError`` if it or one of those beside it is something else."""
    claims, pool, splits = (document(each, _LAYOUT) for each in (path, path.with_name(_POOL), path.with_name(_SPLIT)))
    with located(path.with_name(_POOL), "its list", _LAYOUT):
        texts = {each["pId"]: each["text"] for each in pool}
    with located(path, "its list", _LAYOUT):
        numbered = list(enumerate(claims, 1))
    for number, claim in numbered:
        with located(path, f"claim {number}", _LAYOUT):
            rows = list(_rows(claim, texts, splits))
        yield from (row for place, row in enumerate(rows) if row not in rows[:place])


def _rows(claim: Any, texts: Mapping[Any, str], splits: Mapping[str, str]) -> Iterator[Row]:
    name = claim["cId"]
    if str(name) not in splits:
        raise ValueError(f"{_SPLIT} has no claim {name}")
    for cluster in claim["perspectives"]:
        label = cluster["stance_label_3"].lower().replace("_", "-")
        if label == _NONE:
            continue
        if label not in _STANCES:
            raise ValueError(f"the stance {cluster['stance_label_3']!r} is neither SUPPORT nor UNDERMINE")
        for each in cluster["pids"]:
            if each not in texts:
                raise ValueError(f"{_POOL} has no perspective {each}")
            "".join((claim["text"], texts[each])).encode()  # half a character can't be written to a file: refused here
            if texts[each].strip():
                row = {"id": f"{name}-{each}", "split": splits[str(name)], "target": claim["text"]}
                yield {**row, "text": texts[each], "stance": _STANCES[label]}
