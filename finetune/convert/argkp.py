"""ArgKP-2021: crowd-sourced arguments for and against proposals (Friedman et al. 2021, CDLA-Sharing-1.0).

Roni Friedman, Lena Dankin, Yufang Hou, Ranit Aharonov, Yoav Katz, Noam Slonim: "Overview of the 2021 Key Point
Analysis Shared Task", ArgMining 2021. Licence: CDLA-Sharing-1.0. The files ``arguments_train.csv`` and
``arguments_dev.csv`` are in the folder ``kpm_data`` of the repository IBM/KPA_2021_shared_task on GitHub,
``arguments_test.csv`` in ``test_data``.

Original layout, CSV with a header::

    arg_id, argument, topic, stance (1 for the topic, -1 against it)

Rows: ``{"id", "target", "text", "stance"}``, one per argument that isn't blank; the topic is the target.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from finetune.convert._reading import Row, located, records

_LAYOUT = "ArgKP-2021"
_COLUMNS = ("arg_id", "argument", "topic", "stance")
_STANCES = {"1": "favor", "-1": "against"}


def convert(path: Path) -> Iterator[Row]:
    """Rows of one of the files with arguments; raises ``FileError`` if it is something else."""
    for line, cells in records(path, _COLUMNS, _LAYOUT):
        name, text, topic, stance = (cells[column] for column in _COLUMNS)
        with located(path, line, _LAYOUT):
            if stance not in _STANCES:
                raise ValueError(f"the stance {stance!r} is neither 1 nor -1")
        if text.strip():
            yield {"id": name, "target": topic, "text": text, "stance": _STANCES[stance]}
