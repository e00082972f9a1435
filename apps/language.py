"""The interface in English, Spanish and French: the catalogues and the script that the page's head carries, and the switch.

``locale/es.json`` and ``fr.json`` map each English text to its translation; ``assets/language.js`` says how, and does it in the
browser, so that a visitor changes the language without losing anything. What is the visitor's own stands in ``translate="no"``.
``python -m tests.untranslated`` tells which texts have no translation.
"""

from __future__ import annotations

import json
from pathlib import Path

LOCALE = Path(__file__).parent / "locale"
SCRIPT = Path(__file__).parent / "assets" / "language.js"
CODES = ("es", "fr")
SWITCH = "<language-switch></language-switch>"


def catalogue(code: str) -> dict[str, str]:
    """English text -> translation."""
    made: dict[str, str] = json.loads((LOCALE / f"{code}.json").read_text(encoding="utf-8"))
    return made


def head() -> str:
    """The part of a page's head that translates the page."""
    words = json.dumps({code: catalogue(code) for code in CODES}, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    script = SCRIPT.read_text(encoding="utf-8")
    return f'<script type="application/json" id="catalogues">{words}</script><script>{script}</script>'
