"""The strongest arguments for and against a proposal among many contributions.

An *argument* is a contribution, or one sentence of a long one, that says more than yes or no. Those that say nearly the
same are one argument, quoted once. Its strength is the number of people to be expected behind it (the sum, over the
people who say it, of the probability that they are on this side) times the probability that the quoted words argue
for this side. So what ten people say goes before what one says, and among single voices the clearest is first.

All contributions to one proposal are alike in that they speak of it. So texts are compared by what else they say: by the
cosine of their embeddings without the part in the proposal's direction: plain cosines put most arguments for school
uniforms into one group, this tells cost, bullying and discipline apart.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.core.types import Result, check_score
from tasks.opinion_analysis.types import Label

SHORT = 30  # words up to which a contribution is quoted whole
LEAST = 3  # words of an argument beside those of the proposal, of ``VOTES`` and ``COMMON``
ALIKE = 0.55  # cosine, without the proposal, from which two say nearly the same; different arguments are mostly below (all-MiniLM-L6-v2)
VOTE = 0.45  # cosine to one of ``VOTES`` of what is a vote and no argument
EPSILON = np.float32(1e-6)  # a text that is the proposal has nothing beyond it
BLOCK = 1024  # phrases embedded and compared at once
LEADERS = 4096  # arguments told apart; with ``BLOCK`` it bounds the memory, however many contributions there are
SHORTLIST = 128  # of the commonest arguments' sentences are judged on their own: a second of work
VOTES = (
    "I agree.",
    "I support this proposal.",
    "I am in favour of this.",
    "I am against this proposal.",
    "I disagree.",
    "Good idea.",
    "Bad idea.",
    "Please do it.",
    "No, please don't do it.",
    "Thank you for this proposal.",
    "What a stupid proposal.",
)
COMMON = "yes we should shall must not do don't that this is are be to and a an the because with very great"
WORD = re.compile(r"\w+(?:['’]\w+)?")
# After a full stop, but not an initial's or an abbreviation's: "e.g. Mr. B. Smith of St. Mary's".
SENTENCE_END = re.compile(r"(?<=[.!?…])(?<!\b\w\.)(?<!\b(?:Dr|Mr|Ms|St|No|vs)\.)(?<!\b(?:Mrs|etc)\.)\s+|\s*[\r\n]+\s*")

Floats = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Floats]
Voice = tuple[str, Label]  # a contribution and its stance
Judge = Callable[[Sequence[str]], Iterable[Label]]


@dataclass(frozen=True, slots=True)
class Argument(Result):
    """An argument in the words of one contribution, and who else says nearly the same.

    ``score``: the probability that these words argue for their side; ``index``: the number of the contribution that is
    quoted; ``similar``: the numbers of the further contributions that say nearly the same, in order.
    """

    text: str
    score: float
    index: int
    similar: tuple[int, ...]

    def __post_init__(self) -> None:
        check_score(self.score)
        if self.index in self.similar:
            raise ValueError(f"Contribution {self.index} can't be similar to itself.")


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A short contribution, or a sentence of a long one; ``score``: the probability that its writer is on the side."""

    text: str
    index: int
    score: float
    whole: bool


def strongest(
    voices: Sequence[Voice], side: str, embed: Embed, k: int = 5, judge: Judge | None = None, proposal: str | None = None
) -> list[Argument]:
    """The ``k`` strongest arguments of a ``side`` (``favor`` or ``against``), the strongest first; this module's head tells the rule.

    ``embed`` gives unit vectors in which texts of like meaning are close; ``judge`` gives the stance of sentences on their
    own, and a sentence of a long contribution that does not argue for its writer's side is not quoted; ``proposal``:
    what all of them are about, so that only what goes beyond it is compared. The memory for the comparison is bounded,
    however many voices there are.
    """
    groups = sorted(_groups(_phrases(voices, side, proposal or ""), embed, proposal), key=_people, reverse=True)[:SHORTLIST]
    scored = zip(groups, _own_scores([group[0] for group in groups], side, judge), strict=True)
    ranked = sorted(((_people(group) * score, score, group) for group, score in scored), key=lambda item: item[0], reverse=True)
    found: dict[int, Argument] = {}
    for strength, score, group in ranked:
        lead = group[0]
        if strength > 0 and lead.index not in found:  # nobody is quoted twice
            similar = {phrase.index for phrase in group} - {lead.index}
            found[lead.index] = Argument(lead.text, score, lead.index, tuple(sorted(similar)))
    return list(found.values())[:k]


def _phrases(voices: Sequence[Voice], side: str, proposal: str) -> list[_Phrase]:
    """What may be an argument of the side, from the surest writers down: who is quoted speaks for those who follow."""
    known = _stems(" ".join([*VOTES, COMMON, proposal]))
    found: list[_Phrase] = []
    for index, (text, stance) in enumerate(voices):
        if stance.label != side:
            continue
        whole = len(WORD.findall(text)) <= SHORT
        parts = [text.strip()] if whole else sentences(text)
        found += [_Phrase(part, index, stance.score, whole) for part in parts if len(_stems(part) - known) >= LEAST]
    return sorted(found, key=lambda phrase: -phrase.score)


def sentences(text: str) -> list[str]:
    """The sentences of a text, as they are written; a line's end ends a sentence too."""
    return [part.strip() for part in SENTENCE_END.split(text) if part.strip()]


def _stems(text: str) -> set[str]:
    """The words' first letters: enough to know "closed" from "close" as the same."""
    return {word[:5] for word in WORD.findall(text.casefold())}


def plain(text: str) -> str:
    """The text without letter case, and with single spaces: two of the same are copies."""
    return " ".join(text.casefold().split())


def _groups(phrases: Sequence[_Phrase], embed: Embed, proposal: str | None) -> list[list[_Phrase]]:
    """The phrases that say nearly the same, its leader first in each group; votes and restatements are left out."""
    distinct = {plain(phrase.text): number for number, phrase in reversed(list(enumerate(phrases)))}
    order = sorted(distinct.values())  # a form letter is embedded once
    vectors = _vectors([phrases[number].text for number in order], embed, proposal)
    leaders = dict(zip(order, cluster(vectors), strict=True))
    groups: dict[int, list[_Phrase]] = defaultdict(list)
    for phrase in phrases:
        groups[leaders[distinct[plain(phrase.text)]]].append(phrase)
    groups.pop(-1, None)
    return list(groups.values())


def _vectors(texts: Sequence[str], embed: Embed, proposal: str | None) -> Iterator[Floats]:
    """Unit vectors of what the texts say beyond the proposal, in blocks; zeros for votes."""
    votes = embed(VOTES)
    topic = embed([proposal]) if proposal else np.zeros_like(votes[:1])
    for start in range(0, len(texts), BLOCK):
        block = embed(texts[start : start + BLOCK])
        beyond = block - (block @ topic.T) * topic
        length = np.linalg.norm(beyond, axis=1, keepdims=True)
        yield np.where((block @ votes.T < VOTE).all(axis=1, keepdims=True), beyond / np.maximum(length, EPSILON), np.float32(0))


def cluster(blocks: Iterable[Floats], alike: float = ALIKE, most: int = LEADERS) -> list[int]:
    """For each row of the ``blocks`` of unit vectors, counted through, the number of its leader; -1: left out.

    Leader clustering (Hartigan 1975, "Clustering Algorithms", chapter 3): a row that is not ``alike`` to a leader
    before it becomes a leader, any other joins the closest one. After ``most`` leaders a row that fits none is left out,
    as a row of zeros is. How the rows are cut into blocks makes no difference.
    """
    found: list[int] = []
    numbers: list[int] = []
    heads: Floats | None = None
    for block in blocks:
        heads = block[:0] if heads is None else heads
        before, within = block @ heads.T, block @ block.T
        new = _new_leaders(before, within, (block != 0).any(axis=1), alike, most - len(heads))
        numbers += [len(found) + at for at in new]
        heads = np.concatenate([heads, block[new]])
        later = np.arange(len(block))[:, None] < np.array(new, np.int64)[None, :]
        near = np.concatenate([before, np.where(later, -1.0, within[:, new])], axis=1)
        if len(numbers):
            best = near.argmax(axis=1)
            closest = near[np.arange(len(block)), best]
            found += [numbers[at] if near_enough else -1 for at, near_enough in zip(best, closest >= alike, strict=True)]
        else:
            found += [-1] * len(block)
    return found


def _new_leaders(before: Floats, within: Floats, arguing: NDArray[np.bool_], alike: float, room: int) -> list[int]:
    """The rows of a block that are like no leader of the blocks ``before`` and none above them ``within`` it."""
    new: list[int] = []
    for at in np.flatnonzero(arguing & (before.max(axis=1, initial=-1.0) < alike)):
        if len(new) < room and not (within[at, new] >= alike).any():
            new.append(int(at))
    return new


def _people(group: Sequence[_Phrase]) -> float:
    """How many people of the side are to be expected behind an argument; a person who says it twice is one."""
    return sum({phrase.index: phrase.score for phrase in group}.values())


def _own_scores(leads: Sequence[_Phrase], side: str, judge: Judge | None) -> list[float]:
    """The probability that each argues for the side on its own; 0 where another stance is likelier."""
    if judge is None:
        return [lead.score for lead in leads]
    parts = [lead.text for lead in leads if not lead.whole]
    own = iter(judge(parts) if parts else ())
    labels = [None if lead.whole else next(own) for lead in leads]
    return [lead.score if label is None else label.score if label.label == side else 0.0 for lead, label in zip(leads, labels, strict=True)]
