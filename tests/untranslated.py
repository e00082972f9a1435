"""What the pages say in English, compared with the catalogues.

python -m tests.untranslated        prints what has no translation, and what is translated though no page says it any more
"""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import gradio as gr

from apps import language
from tests.interface_texts import APPS, FIGURE, HOLE, IGNORED, OWN_WORDS, PLACEHOLDER, collect


def plain(said: str) -> str:
    """A text with the same hole for each placeholder."""
    return " ".join(PLACEHOLDER.sub(HOLE, said).split())


def sentences(said: str) -> list[str]:
    """A text's sentences, cut as the page's script cuts them."""
    return [piece.strip() for piece in re.findall(r".+?(?:[.!?](?= )|$)", said, re.DOTALL)]


def _within(said: str, key: str) -> bool:
    """Whether the fixed parts of a fragment stand in a catalogue's text, one after the other."""
    place = 0
    for part in filter(str.strip, said.split(HOLE)):
        place = key.find(part.strip(), place)
        if place < 0:
            return False
        place += len(part.strip())
    return True


def covered(said: str, keys: set[str]) -> bool:
    """Whether a text is in a catalogue: as it is, sentence by sentence, or, being a fragment, as a part of an entry."""
    whole = plain(said)
    if said in IGNORED or {said, whole, FIGURE.sub(HOLE, whole)} & keys:
        return True
    pieces = sentences(whole)
    if len(pieces) > 1:
        return all(covered(piece, keys) for piece in pieces)
    if any(key.endswith(": " + HOLE) and whole.startswith(key[: -len(HOLE)]) for key in keys):
        return True  # what follows a colon is kept as it is: a command
    return (HOLE in whole or not whole[0].isupper()) and any(_within(whole, key) for key in keys)


def missing(said: Iterable[str], code: str) -> list[str]:
    """What has no translation."""
    keys = {plain(key) for key in language.catalogue(code)} | set(language.catalogue(code)) | set(OWN_WORDS)
    return sorted(each for each in said if not covered(each, keys))


def gone(said: Iterable[str], code: str) -> list[str]:
    """What is translated though nothing says it: neither as a whole, nor in a few pieces that our code puts together."""
    known = {plain(each) for each in said} | set(said)
    ours = _tokens("\n".join([*known, *(path.read_text(encoding="utf-8") for path in _sources())]))
    suspects = [key for key in language.catalogue(code) if plain(key) not in known and not _made(plain(key), ours)]
    theirs = [path.read_text(encoding="utf-8") for path in _gradio()] if suspects else []
    return sorted(key for key in suspects if not any(part in each for part in (key, key.strip("- ")) for each in theirs))


def _sources() -> list[Path]:
    ours = ("*.py", "assets/*.html", "assets/[lr]*.js", "assets/conversation.js", "examples/conversations.json")
    return [*itertools.chain.from_iterable(map(APPS.glob, ours)), *APPS.parent.glob("tasks/*/*.py")]


def _gradio() -> list[Path]:
    """The files that hold Gradio's own words, without the large libraries among them."""
    folder = Path(gr.__file__).parent / "templates" / "frontend" / "assets"
    return [path for path in folder.glob("*.js") if path.stat().st_size < 400_000]


def _tokens(said: str) -> str:
    return " " + " ".join(re.findall(r"\w+|[^\w\s]", said.casefold())) + " "


def _made(key: str, corpus: str) -> bool:
    """Whether each fixed part of a catalogue's text is put together from few runs of words that stand in our code."""
    for part in key.split(HOLE):
        words, runs = _tokens(part).split(), 0
        allowed = 2 + len(words) // 8
        while words and runs <= allowed:
            size = next((n for n in range(len(words), 0, -1) if f" {' '.join(words[:n])} " in corpus), 0)
            words, runs = words[size or len(words) :], runs + (1 if size else allowed + 1)
        if runs > allowed:
            return False
    return True


def main(*options: str) -> int:
    """Print what lacks and what is too much and, with ``all``, whatever is said; returns the exit code."""
    said = collect()
    lacking = {code: missing(said, code) for code in language.CODES}
    extra = {code: gone(said, code) for code in language.CODES}
    told = {"missing": lacking, "gone": extra} | ({"said": sorted(said)} if options else {})
    print(json.dumps(told, ensure_ascii=False, indent=1))
    return int(any([*lacking.values(), *extra.values()]))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
