"""How much of a file is read at all, so that no file can keep the machine busy or fill its memory."""

from __future__ import annotations

import time

from tasks.core.errors import FileError

MAX_BYTES = 50_000_000  # of the file as it lies there
MAX_UNPACKED = 200_000_000  # bytes of a DOCX's parts together
MAX_RATIO = 200  # unpacked bytes to packed ones, beyond ``SMALL``: text packs some tenfold, a bomb a thousandfold
SMALL = 10_000_000  # bytes that may be unpacked at any ratio
MAX_PARTS = 10_000  # of a DOCX
MAX_PAGES = 3_000
MAX_CHARACTERS = 10_000_000  # some 3,500 pages
MAX_SECONDS = 120.0  # for a PDF, whose pages are programs; text, HTML and DOCX take time by their bytes alone


class Budget:
    """What may still be spent on the file ``name``; each ``spend`` that goes beyond it raises ``FileError``."""

    def __init__(self, name: str) -> None:
        self._name, self._characters, self._end = name, MAX_CHARACTERS, time.monotonic() + MAX_SECONDS

    def characters(self, count: int) -> None:
        """Spend ``count`` characters of text."""
        self._characters -= count
        if self._characters < 0:
            raise FileError(f"{self._name!r} holds more than {MAX_CHARACTERS:,} characters of text: split it and add the parts.")

    def time(self) -> None:
        """See whether there is time left."""
        if time.monotonic() > self._end:
            raise FileError(f"{self._name!r} takes more than {MAX_SECONDS:.0f} seconds to read: save it as text or DOCX, or split it.")
