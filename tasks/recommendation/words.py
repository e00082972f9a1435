"""What a user feels like, in words: what they want, what they don't, and which items they name.

"slow, nocturnal, like Kind of Blue but without trumpets": Kind of Blue is an item that they like, "trumpets" is what they do not
want, and the rest is what they want.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from tasks.recommendation.lookup import phrase

NAME = "\0"  # stands for the name of an item, once that is found
REACH = 80  # characters before a name that tell what it is named for
LONGEST_NAME = 10  # words
MOST_TAGS = 20_000
STEM = 4  # letters of the shortest word that may have another ending
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_KINDS = r"music|songs?|albums?|records?|tracks?|books?|novels?|stories|films?|movies?|series"
_QUOTES = r"\"“”„‘’'«»"


def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


# What is not wanted, from the first word of these to the end of the clause.
_AGAINST = _regex(
    r"\b(?:without|nothing|none|nobody|neither|nor|never|less|fewer|except|excluding|avoid|unlike|minus|sans|hardly|barely|hate[ds]?"
    r"|dislike[ds]?|not(?! necessarily)|no(?! matter\b|-)|(?:any|every)thing but|(?:rather|other) than|instead of|free (?:of|from)"
    r"|(?:tired|sick|bored) (?:of|with|by)|(?:\w+n[’']t|dont|doesnt|didnt|isnt|cant|wont)(?! (?:mind|matter|care|know|have to|need to)))\b"
)
_CLAUSE = _regex(
    r"[,.;:!?()\n—–]| - |\b(?:(?<!anything )(?<!everything )but|and|yet|though|only|just|please)\b|(?=\b(?P<on>with|for|(?<!with )more)\b)"
)
_OPEN = _regex(rf"\b(?:not|nothing|none|nobody|any|(?:no|any) (?:more|{_KINDS})|\w+n[’']t) $")  # goes on over "with" and "for"
_NO = _regex(r"\b(?:no|not|any) $")  # and over "more"
_SEVERAL = _regex(r"(?:without|no|neither|except|excluding|avoid|minus|sans)$")  # and may be of several things
_NEW = r"(?!(?:but|and|with|for|like|more|less|no|not|an?|the|some|very|really|quite|lots|plenty|also|in|at|on|to|i|it|is|just|only)\b)"
_THING = rf"{_NEW}[\w'’-]+(?: {_NEW}[\w'’-]+)?"
_OR = _regex(rf"(?: ?{_THING},){{0,6}} ?(?:{_THING} )?n?or\b")
_AND = _regex(rf" {_THING} ?(?:$|[,.;:!?()\n]|\b(?:but|yet|please)\b)")

# What introduces a name: in any case, and where it begins with a capital.
_MARKS = rf"[ {_QUOTES}¿¡(\[]*$"
_STRONG = _regex(rf"\b(?:(?<!feel )(?<!feels )(?<!feeling )like|similar to|such as|loved?|liked|enjoyed|adored?|hated?|unlike){_MARKS}")
_OPENING = _regex(r"(?:[\"“„«]|(?<![\w’'])[‘'])[¿¡(]*$")
_CLOSING = _regex(r"[,.!?…)]*[\"”“»'’]")
_ALSO = _regex(rf"{NAME}[{_QUOTES}]*(?: ?(?:[,&/+]|\b(?:and|n?or|meets|plus)\b))+{_MARKS}")  # of two names
_WEAK = _regex(
    r"\b(?:like|than|as|after|before|no|not|without|less|more|except|but|between|heard|finished|played|favou?rites? (?:is|are)|\w+[’']s?"
    r"|(?:similar|listen|listened|listening|close|closer|akin|compared|next) to"
    rf"|(?:fans?|reminds? me|vein|style|mood|spirit|vibe|mix|blend|love|tired|sick) of){_MARKS}"
)
_BY = re.compile(r" by [^\W\d_a-z]")
_BEHIND = _regex(r" ?(?:$|[^\w ]| (?:but|and|or|with|without|for|by|please|not|no|only|just|yet|minus|plus|when|while|more|less|than|i)\b)")
_COMPARED = _regex(r"\b(?:less|fewer|(?:not|\w+n[’']t)(?: \w+)? (?:as|so)) (?!like\b)[\w-]+(?: [\w-]+){0,2} (?:than|as)\W*$")
_RATHER = _regex(rf"\b(?:more|rather)(?: like)?[ {_QUOTES}]*{NAME}[ {_QUOTES}]* than\W*$")

# What says nothing of what is wanted: on its own, beside a name, and where a clause begins.
_FILLING = (
    r"\b(?:i(?:[’'](?:d|m|ve|ll))?|me|you|do|does|did|am|is|are|was|be|want|would|need|an?|to|than|as|if|n?or|and|with|it|that|so|also|else"
    r"|like|similar to|such as|something|anything|other|of|the|more|less|in the vein of)\b"
)
_EMPTY = _regex(_FILLING)
_BESIDE = _regex(
    rf"{_FILLING}|\b(?:{_KINDS}|sounds?|reminds?|fans?|my|favou?rites?|mix|blend|between|in|style|mood|spirit|vibe|vein|similar|such|from|after)\b"
)
_TOLD = _regex(
    r"(?:\b(?:like|than|as|of|to|loved?|liked|enjoyed|adored?|after|between|meets) )?"
    rf"[{_QUOTES}¿¡]{{0,4}}{NAME}[{_QUOTES}]{{0,4}}"
)
_LOOSE = _regex(r"^(?:and|n?or) | (?:and|n?or)$")
_START = _regex(r"^(?:(?:be|want|liked?|loved?|hear|have|having|any|an?|the|that|one|feel|to|me|play|give|stand|is|are)\b ?)+")
_ENDING = re.compile(r"(?:s|es|ies|n|an|ian|ish|ese|ic|etic|y|er|ier|ers|ing|ed|able|ful|ual|ists?)$")
_APART = {("blue", "blues"), ("organ", "organic"), ("play", "playful")}  # though they look alike
Find = Callable[[str], int | None]


@dataclass(frozen=True, slots=True)
class Wish:
    """``wanted`` and ``unwanted`` words, and places of the items that are ``liked`` and ``disliked``."""

    wanted: str
    unwanted: str
    liked: tuple[int, ...] = ()
    disliked: tuple[int, ...] = ()


def read_wish(query: str, find: Find) -> Wish:
    """The wish in ``query``; ``find(words)`` gives the place of the item with exactly this title, or None.

    A clause is unwanted from a negation ("no", "without", "less like") to its end: a comma, "but", "and", "with", unless a list goes
    on there ("no drums, guitars or vocals"). An item counts as named after "like", "similar to" or "loved", in quotation marks, next
    to another name, or by two words or more that begin with capitals. What something should be "less loud than" is liked.
    """
    lines = (" ".join(line.split()) for line in query.replace(NAME, " ").splitlines())
    text, named = _shielded("\n".join(lines), find)
    wanted: list[str] = []
    unwanted: list[str] = []
    joint = ", "
    for clause, mark in _clauses(text):
        against = _AGAINST.search(clause)
        said = _plain(clause[: against.start()] if against else clause)
        if said:
            wanted += [joint, said] if wanted else [said]
        if against and (said := _START.sub("", _plain(clause[against.end() :]))):
            unwanted.append(said)
        joint = ", " if against or not said or mark not in ("", "and") else f" {mark} ".replace("  ", " ")
    liked, disliked = (tuple(dict.fromkeys(place for place, good in named if good == wish)) for wish in (True, False))
    return Wish("".join(wanted), ", ".join(unwanted), liked, disliked)


def _clauses(text: str) -> Iterator[tuple[str, str]]:
    """Clauses, and the mark behind each."""
    start = 0
    for mark in _CLAUSE.finditer(text):
        if not _goes_on(text, start, mark):
            yield text[start : mark.start()], mark[0].lower()
            start = mark.end()
    yield text[start:], ""


def _goes_on(text: str, start: int, mark: re.Match[str]) -> bool:
    """Whether what is not wanted goes on behind the mark: "no songs with", "no more", "no drums, guitars or", "without drums and bass"."""
    against = _AGAINST.search(text, start, mark.start())
    if not against:
        return False
    if mark["on"]:
        return bool((_NO if mark["on"].lower() == "more" else _OPEN).search(text, max(start, mark.start() - REACH), mark.start()))
    if not _SEVERAL.match(against[0]):
        return False
    if mark[0] == ",":
        return bool(_OR.match(text, mark.end()))
    return mark[0].lower() == "and" and against[0].lower() != "no" and bool(_AND.match(text, mark.end()))


def _plain(clause: str) -> str:
    """The words of a clause, without names and what introduces them; nothing where only words like "something like" are left."""
    kept = _LOOSE.sub("", " ".join(re.sub(r"[\"“”„«»]", " ", _TOLD.sub(" ", clause)).split())).strip("‘’' ")
    return kept if _WORD.search((_BESIDE if NAME in clause else _EMPTY).sub("", kept)) else ""


def _shielded(query: str, find: Find) -> tuple[str, list[tuple[int, bool]]]:
    """The query with a mark for each name of an item, which may hold commas and "and"; the items' places, and whether they are liked."""
    words = list(_WORD.finditer(query))
    kept, at, number = "", 0, 0
    found: list[tuple[int, bool]] = []
    while number < len(words):
        start = words[number].start()
        before = (kept[-REACH:] + query[max(at, start - REACH) : start])[-REACH:]
        behind, place = _named(query, words, number, before, find)
        if place is None:
            number += 1
            continue
        found.append((place, found[-1][1] if found and _ALSO.search(before) else _is_liked(before)))
        kept, at, number = kept + query[at:start] + NAME, words[behind - 1].end(), behind
    return kept + query[at:], found


def _is_liked(before: str) -> bool:
    """Whether an item is liked that is named behind this."""
    *_, (clause, _) = _clauses(before)
    if _COMPARED.search(clause):
        return True
    return not _AGAINST.search(clause) and not _RATHER.search(before)


def _named(query: str, words: Sequence[re.Match[str]], first: int, before: str, find: Find) -> tuple[int, int | None]:
    """The item whose name begins at word ``first``, the longest one, and the word behind it."""
    strong, quoted = _STRONG.search(before) is not None, _OPENING.search(before) is not None
    weak = not before.isupper() and (_WEAK.search(before) or _ALSO.search(before)) is not None
    for behind in range(min(len(words), first + LONGEST_NAME), first, -1):
        end, several = words[behind - 1].end(), behind - first > 1
        capital = words[first][0][0].isupper() and not words[behind - 1][0][0].islower()
        goes_on = query[end : end + 1] == " " and behind < len(words) and words[behind].start() == end + 1
        longer = goes_on and words[behind][0][0].isupper() and not _BEHIND.match(query, end)  # the name of something else
        if (
            (quoted and _CLOSING.match(query, end))
            or (strong and (not longer if capital else _BEHIND.match(query, end)))
            or (capital and (several or (weak and not longer) or _BY.match(query, end)))
        ):
            name = query[words[first].start() : end]
            place = find(name)
            if place is None and several:
                place = find(f"the {name}")
            if place is not None:
                return behind, place
    return first, None


def tags_in(text: str, tags: Mapping[str, int]) -> list[int]:
    """The numbers of the tags that a text names; ``tags``: number by phrase, of which the first ``MOST_TAGS`` are looked for.

    A tag's words must follow one another, and may have other endings: "Brazilian" names "brazil" and "dance" "danceable".
    """
    said = phrase(text).split()
    heads = {word[: STEM - 1] for word in said}  # which most tags don't begin with
    near = ((tag.split(), number) for tag, number in islice(tags.items(), MOST_TAGS) if tag[: STEM - 1].partition(" ")[0] in heads)
    return [number for tag, number in near if _follow(tag, said)]


def _follow(wanted: list[str], said: list[str]) -> bool:
    return any(all(map(_alike, wanted, said[at:])) for at in range(len(said) - len(wanted) + 1)) if wanted else False


def _alike(one: str, other: str) -> bool:
    """Whether two words are the same, but for their endings."""
    short, long = sorted((one, other), key=len)
    if len(short) < STEM or short == long or (short, long) in _APART:
        return short == long
    bare = short[:-1] if short[-1] in "aeioy" else short
    return any(long.startswith(stem) and _ENDING.match(long, len(stem)) for stem in (short, bare))
