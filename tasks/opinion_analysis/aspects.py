"""What many texts judge: the targets of their opinions, near-duplicates as one aspect, with counts by polarity.

Three steps, each on fewer phrases than the one before:

1. Normal form: case, articles, possessives and plurals (``forms``).
2. A phrase joins the shorter one whose kind or side it is ("night bus" and "bus", "battery life" and "battery"), where
   their cosine is at least ``KIND`` or ``SIDE``.
3. Leader clustering in the embedding space, the most frequent first, from cosine ``NEAR`` on: inflections, spellings.

Why not the embedding alone: in the pretrained space (all-MiniLM-L6-v2) "screen" and "display" have cosine .65, "lunch"
and "dinner" .64, "indoor pool" and "outdoor pool" .88; no threshold tells the same from the kindred. So the space
decides only where it is sure: "screen" and "display" stay two aspects, and so do two phrases that share a word and
differ in another ("front camera", "rear camera").
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.core.types import Result
from tasks.opinion_analysis.forms import Form, key, normal, shorter_forms
from tasks.opinion_analysis.types import Opinion, OpinionResult

Floats = npt.NDArray[np.float32]
Embed = Callable[[Sequence[str]], Floats]

# On reviews (MAMS, DMASTE) this joins "omelette" and "omelet", "web site" and "website", "washing"
# and "wash"; from .80 on it also joins "meal" and "dinner" (.80), "meat" and "beef" (.82), "colour" and "blue" (.81).
NEAR = 0.85
BLOCK = 256  # phrases compared with all leaders in one product of matrices


@dataclass(frozen=True, slots=True)
class Aspect(Result):
    """What opinions of one or more texts are about.

    ``name`` is the most frequent wording of the thing itself, not of its kinds and sides; ``variants`` are all wordings,
    the most frequent first; ``mentions`` are (index of the text, opinion) in text order.
    """

    name: str
    variants: tuple[str, ...]
    positive: int
    negative: int
    neutral: int
    mentions: tuple[tuple[int, Opinion], ...]

    def __post_init__(self) -> None:
        if self.positive + self.negative + self.neutral != len(self.mentions):
            raise ValueError(f"The counts of {self.name!r} do not add up to its {len(self.mentions)} mentions.")
        if self.name not in self.variants:
            raise ValueError(f"{self.name!r} is not among its variants.")


@dataclass(frozen=True, slots=True)
class Mention:
    """One named target: where, its opinion, its wording without determiner, and its normal form."""

    index: int
    opinion: Opinion
    wording: str
    form: Form


def aspects(results: Iterable[OpinionResult], embed: Embed) -> list[Aspect]:
    """The aspects of ``results``, the most mentioned first; opinions without a named target are left out.

    ``embed``: phrases -> unit vectors (phrases, width). The texts may come in any order: frequency decides, then the
    alphabet.
    """
    mentions = list(_mentions(results))
    spelled = _commonest(mention.form for mention in mentions)
    mentions = [replace(mention, form=spelled[key(mention.form)]) for mention in mentions]
    counts = Counter(mention.form for mention in mentions)
    forms = sorted(counts, key=lambda form: (-counts[form], form))
    groups = _merge(forms, counts, embed) if forms else {}
    members: dict[Form, list[Mention]] = defaultdict(list)
    for mention in mentions:
        members[groups[mention.form]].append(mention)
    return sorted((_aspect(form, group) for form, group in members.items()), key=lambda each: (-len(each.mentions), each.name))


def _mentions(results: Iterable[OpinionResult]) -> Iterable[Mention]:
    for index, result in enumerate(results):
        for opinion in result.opinions:
            if opinion.target is not None and opinion.target.text.strip():
                wording, form = normal(opinion.target.text)
                yield Mention(index, opinion, wording, form)


def _commonest(forms: Iterable[Form]) -> dict[Form, Form]:
    """The commonest of the forms that are one but for their plural, by ``key``."""
    found: dict[Form, Form] = {}
    for form, _ in sorted(Counter(forms).items(), key=lambda item: (-item[1], item[0])):
        found.setdefault(key(form), form)
    return found


def _merge(forms: list[Form], counts: Counter[Form], embed: Embed) -> dict[Form, Form]:
    """The form that stands for each form."""
    vectors = np.asarray(embed([" ".join(form) for form in forms]), dtype=np.float32)
    parents = _wholes(forms, vectors)
    weights: Counter[int] = Counter()
    for number, form in enumerate(forms):
        weights[parents[number]] += counts[form]
    roots = sorted(weights, key=lambda number: (-weights[number], forms[number]))
    leaders = dict(zip(roots, lead([forms[root] for root in roots], vectors[roots]), strict=True))
    return {form: forms[roots[leaders[parent]]] for form, parent in zip(forms, parents, strict=True)}


def _wholes(forms: list[Form], vectors: Floats) -> list[int]:
    """For each form the number of the shortest one that it is a kind or a side of; its own where there is none."""
    numbers = {key(form): number for number, form in enumerate(forms)}
    parents = list(range(len(forms)))
    for number in sorted(parents, key=lambda each: len(forms[each])):  # parents before their children
        for shorter, least in shorter_forms(forms[number]):
            parent = numbers.get(key(shorter))
            if parent is not None and float(vectors[number] @ vectors[parent]) >= least:
                parents[number] = parents[parent]
                break
    return parents


def lead(forms: Sequence[Form], vectors: Floats) -> list[int]:
    """Leader clustering: for each form, in the order given, the number of its leader (its own where it leads).

    A form joins the nearest leader before it whose cosine is at least ``NEAR``, unless the two share their first or
    last word, or both have a number ("2" and "3" .87). One product of matrices for every ``BLOCK`` forms, against the
    leaders so far and against the block.
    """
    ends = _ends(forms)
    leaders: list[int] = []
    found = list(range(len(forms)))
    for start in range(0, len(forms), BLOCK):
        block = np.arange(start, min(start + BLOCK, len(forms)))
        before = np.array(leaders, dtype=int)
        near = _near(vectors, ends, block, before)
        within = _near(vectors, ends, block, block)
        fresh: list[int] = []  # places in the block
        for place, number in enumerate(block.tolist()):
            old, new = _best(near[place]), _best(within[place, fresh])
            if max(old[0], new[0]) < NEAR:
                fresh.append(place)
                leaders.append(number)
            else:
                found[number] = int(before[old[1]]) if old[0] >= new[0] else int(block[fresh[new[1]]])
    return found


def _ends(forms: Sequence[Form]) -> npt.NDArray[np.int64]:
    """Numbers of the first and last word of each form, (forms, 2); all forms with digits have the same ones."""
    words: dict[str, int] = {}
    firsts = [("0", "0") if any(map(str.isdigit, "".join(form))) else (form[0], form[-1]) for form in forms]
    pairs = [[words.setdefault(word, len(words)) for word in pair] for pair in firsts]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _near(vectors: Floats, ends: npt.NDArray[np.int64], rows: npt.NDArray[Any], columns: npt.NDArray[Any]) -> Floats:
    """Cosines (rows, columns), -1 where two forms share their first or last word."""
    cosines: Floats = vectors[rows] @ vectors[columns].T
    shared = np.any(ends[rows][:, None] == ends[columns][None], axis=-1)
    cosines[shared] = -1.0
    return cosines


def _best(cosines: Floats) -> tuple[float, int]:
    """The highest cosine and its place; -1 where there is none."""
    if not cosines.size:
        return -1.0, 0
    place = int(cosines.argmax())
    return float(cosines[place]), place


def _aspect(form: Form, members: Sequence[Mention]) -> Aspect:
    tally = Counter(mention.opinion.polarity for mention in members)
    mentions = tuple((mention.index, mention.opinion) for mention in members)
    own = {mention.wording.casefold() for mention in members if mention.form == form}
    variants = _variants([mention.wording for mention in members])
    name = next(variant for variant in variants if variant.casefold() in own)
    return Aspect(name, variants, tally["positive"], tally["negative"], tally["neutral"], mentions)


def _variants(wordings: Sequence[str]) -> tuple[str, ...]:
    """Each wording once, in the case it mostly has, the most frequent first."""
    cases: dict[str, Counter[str]] = defaultdict(Counter)
    for wording in wordings:
        cases[wording.casefold()][wording] += 1
    order = sorted(cases, key=lambda plain: (-cases[plain].total(), plain))
    return tuple(min(cases[plain], key=lambda wording: (-cases[plain][wording], wording != plain, wording)) for plain in order)
