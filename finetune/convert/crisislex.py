"""CrisisLexT26: messages on 26 disasters of 2012 and 2013, with what they report (Olteanu et al. 2015, MIT).

Alexandra Olteanu, Sarah Vieweg, Carlos Castillo: "What to Expect When the Unexpected Happens: Social Media
Communications Across Crises", CSCW 2015. Licence: MIT. The files are in the authors' repository sajao/CrisisLex on
GitHub (folder ``data/CrisisLexT26``) and on the CrisisLex site. Give the folder, or the files of some disasters.

Original layout: a folder per disaster, in it a CSV file with a header in which all names but the first begin with
a space::

    2012_Colorado_wildfires/2012_Colorado_wildfires-tweets_labeled.csv
        Tweet ID, Tweet Text, Information Source, Information Type, Informativeness

Rows: ``{"id", "crisis", "text", "source", "type", "informativeness"}``, one per message that isn't blank, with the
labels as they are (``Not labeled`` and ``Not applicable`` too) and ``crisis`` from the file's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from finetune.convert._reading import Row, records
from tasks.core.errors import FileError

_ENDING = "-tweets_labeled"
_COLUMNS = {
    "id": "Tweet ID",
    "text": "Tweet Text",
    "source": "Information Source",
    "type": "Information Type",
    "informativeness": "Informativeness",
}


def convert(path: Path) -> Iterator[Row]:
    """Rows of one labelled file, or of all below a folder; raises ``FileError`` for anything else."""
    files = sorted(path.rglob(f"*{_ENDING}.csv")) if path.is_dir() else [path]
    if not files:
        raise FileError(f"{path} holds no file named *{_ENDING}.csv: give the folder of CrisisLexT26 or one of its files.")
    for file in files:
        yield from _messages(file)


def _messages(path: Path) -> Iterator[Row]:
    crisis = path.stem.removesuffix(_ENDING)
    for _, cells in records(path, _COLUMNS.values(), "CrisisLexT26"):
        message = {name: cells[column].strip() for name, column in _COLUMNS.items() if name != "text"}
        text = cells[_COLUMNS["text"]]
        if text.strip():
            yield {"id": message.pop("id"), "crisis": crisis, "text": text, **message}
