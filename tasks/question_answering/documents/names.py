"""Names of files that can be shown and told apart."""

from __future__ import annotations

import unicodedata
from collections.abc import Container
from pathlib import PurePosixPath

LONGEST = 120  # characters
UNNAMED = "document"


def safe_name(name: str) -> str:
    """The base name in ``name``, on one line and without characters that are not seen.

    Folders are dropped, whichever way their slashes lean; control characters, half emoji and the marks that turn the direction
    of writing (``fdp.exe`` shown as ``exe.pdf``) too; what is too long loses its middle, for its end says what it is.
    """
    base = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    seen = " ".join("".join(char for char in base if char.isspace() or unicodedata.category(char)[0] != "C").split())
    if seen.strip(". ") == "":
        return UNNAMED
    if len(seen) <= LONGEST:
        return seen
    suffix = PurePosixPath(seen).suffix[:12]
    return seen[: LONGEST - len(suffix) - 1].rstrip() + "…" + suffix


def apart(name: str, taken: Container[str]) -> str:
    """``name``, or where it is ``taken`` the first free of ``name (2)``, ``name (3)``, …, numbered before its suffix."""
    stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{stem} ({number}){suffix}"
    return free
