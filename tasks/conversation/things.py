"""What kind of thing a marked span is: as the entity finder says, else as pronouns and digits tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

FIRST_PERSON = frozenset(["im", "i", "me", "my", "mine", "myself", "we", "us", "our", "ours"])
SHE = frozenset(["she", "her", "hers", "herself"])
HE = frozenset(["he", "him", "his", "himself"])
IT = frozenset(["it", "its", "itself"])
THEY = frozenset(["they", "them", "their", "theirs"])
PRONOUNS = FIRST_PERSON | SHE | HE | IT | THEY
_NUMBER = re.compile(r"[\d.,]+\Z")
_YEAR = re.compile(r"(?:1[0-9]|20)\d\d\Z")


def type_of(text: str, start: int, end: int, entities: Sequence[Any]) -> str:
    """One of the six entity types for ``text[start:end]``; ``entities``: those that relation extraction found in the text."""
    span = text[start:end]
    if span.lower() in PRONOUNS:
        return "PER" if span.lower() in FIRST_PERSON | SHE | HE else "MISC"
    best, shared = None, 0
    for entity in entities:
        for mention in entity.mentions:
            overlap = min(end, mention.end) - max(start, mention.start)
            if overlap > shared:
                best, shared = entity.type, overlap
    if best is not None and 2 * shared > end - start:
        return str(best)
    if _YEAR.match(span):
        return "TIME"
    return "NUM" if _NUMBER.match(span) else "MISC"
