"""Mentions of one thing become one entity, by their names.

What is resolved, between mentions of one type: the same name whatever its case, article, possessive or dots ("the U.S.",
"US's"); a part of a person's or an organisation's name, where one longer name has it, or several that are parts of the longest ("Osei" for
"Ada Osei", "Platense" for "Club Atlético Platense"); initials ("WHO" for "World Health Organization", "BoE" for "Bank of
England"). Numbers are never joined, for two times "two" need not be the same two. What is not resolved: pronouns,
descriptions ("the mayor"), nicknames, translations, places named after their country's adjective ("French"), and names
that only knowledge of the world joins ("Holland").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from tasks.core.types import Span
from tasks.relation_extraction.types import Entity

SMALL = frozenset(re.findall(r"\w+", "a an and at for in of on the to de da del der di do du la le van von y et und"))
LONGEST = 16  # words of a name that may be said in part
PARTIAL = ("PER", "ORG")  # types whose names are said in part
TITLES = frozenset(re.findall(r"\w+", "mr mrs ms dr prof sir lady lord saint st president jr sr"))
Mention = tuple[Span, str | None, float]  # where, type, score
Key = tuple[str | None, str]  # type, words of the name


def link(mentions: Sequence[Mention]) -> tuple[Entity, ...]:
    """The entities in the order of their first mentions; each has the type of its mentions, and the highest of their scores."""
    groups: dict[Key, list[Mention]] = {}
    for number, mention in enumerate(mentions):
        span, name, _ = mention
        words = " ".join(name_words(span.text)) or span.text.casefold()
        groups.setdefault((name, f"{words} {number}" if name == "NUM" else words), []).append(mention)
    longer: dict[Key, set[str]] = {}
    for kind, name in groups:
        for part in _parts(name.split(), kind):
            longer.setdefault((kind, part), set()).add(name)
    home = {key: _fullest(key, longer.get(key, set())) for key in groups}
    joined: dict[Key, list[Mention]] = {}
    for key, group in groups.items():
        joined.setdefault(_root(key, home), []).extend(group)
    return tuple(sorted((_entity(group) for group in joined.values()), key=lambda entity: entity.mentions[0].start))


def name_words(text: str) -> list[str]:
    """The words that a name is compared by: case, dots, possessives and articles aside."""
    plain = re.sub(r"['’]s\b|\.(?=\w\b)|(?<=\b\w)\.", "", unicodedata.normalize("NFKC", text).casefold())
    words = "".join(char if unicodedata.category(char)[0] in "LNM" else " " for char in plain).split()
    return words[1:] if len(words) > 1 and words[0] in ("the", "a", "an") else words


def _parts(words: Sequence[str], kind: str | None) -> set[str]:
    """What a name of these words may be called for short: its beginnings and ends, and its initials."""
    if kind in ("TIME", "NUM") or not 2 <= len(words) <= LONGEST:
        return set()
    short = {initials for without in (SMALL, frozenset[str]()) if 2 <= len(initials := _initials(words, without)) <= 8}
    if kind in PARTIAL:
        cuts = [part for size in range(1, len(words)) for part in (words[:size], words[-size:])]
        short |= {" ".join(part) for part in cuts if part[0] not in TITLES and len(part[0]) > 1}
    return short - {" ".join(words)}


def _initials(words: Sequence[str], without: frozenset[str]) -> str:
    return "".join(word[0] for word in words if word not in without)


def _fullest(key: Key, names: set[str]) -> Key:
    """The longest of the names that ``key`` is short for, if all the others are parts of it; else ``key`` itself."""
    longest = max(sorted(names), key=len, default=key[1])
    fits = all(set(name.split()) <= set(longest.split()) for name in names)
    return (key[0], longest) if fits else key


def _root(key: Key, home: Mapping[Key, Key]) -> Key:
    while home[key] != key:  # each step leads to a longer name
        key = home[key]
    return key


def _entity(group: Sequence[Mention]) -> Entity:
    spans = sorted({span for span, _, _ in group}, key=lambda span: (span.start, span.end))
    fullest = max(spans, key=lambda span: (len(span.text), -span.start))
    return Entity(group[0][1], max(score for _, _, score in group), fullest, tuple(spans))
