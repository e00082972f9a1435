"""Trivial baselines to stand beside every score: known names, and the commonest relation of two types."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from tasks.core.metrics import prf
from tasks.relation_extraction.data import Row, given_entities, gold_relations
from tasks.relation_extraction.entities.data import gold_mentions
from tasks.relation_extraction.entities.fitting import mention_scores
from tasks.relation_extraction.measures import choice_scores, known_labels, shares_sentence, triple_scores

LONGEST = 6  # words of a name
WORD = re.compile(r"\w+")
LEAST_SHARE = 0.5  # of a name's occurrences in training that are annotated
Pair = tuple[str | None, str | None]


def known_name_scores(train: Sequence[Row], rows: Sequence[Row]) -> dict[str, float]:
    """Scores of looking up the names that are more often than not annotated in ``train``, the longest first."""
    types: dict[str, Counter[str]] = defaultdict(Counter)
    seen: Counter[str] = Counter()
    for row in train:
        for start, end, name in gold_mentions(row):
            types[row["text"][start:end]][name] += 1
        seen.update(row["text"][start:end] for start, end in _grams(row["text"]))
    known = {text: own.most_common(1)[0][0] for text, own in types.items() if own.total() >= LEAST_SHARE * seen[text]}
    found = []
    for row in rows:
        taken: dict[tuple[int, int, str], float] = {}
        for start, end in _grams(row["text"]):
            kind = known.get(row["text"][start:end])
            if kind and all(end <= other[0] or other[1] <= start for other in taken):
                taken[start, end, kind] = 1.0
        found.append(taken)
    return {key: value for key, value in mention_scores(rows, found).items() if key != "entity_ece"}


def _grams(text: str) -> Iterator[tuple[int, int]]:
    """Offsets of all runs of up to ``LONGEST`` words, the longest first."""
    words = [word.span() for word in WORD.finditer(text)]
    for size in range(LONGEST, 0, -1):
        yield from ((words[at][0], words[at + size - 1][1]) for at in range(len(words) - size + 1))


def commonest_choice_scores(train: Sequence[Row], rows: Sequence[Row]) -> dict[str, float]:
    """Scores of giving every row the commonest relation of ``train``, in its commoner direction."""
    counts = Counter((head, tail, name) for row in train for head, tail, name in gold_relations(row))
    return choice_scores(rows, [counts.most_common(1)[0][0]] * len(rows))


def type_pair_scores(train: Sequence[Row], rows: Sequence[Row]) -> dict[str, float]:
    """Scores of giving every pair within a sentence the commonest relation of its types, where that relation's share of such
    pairs is high enough; how high is chosen on ``train``."""
    best, share = _commonest(train)
    steps = [step / 50 for step in range(51)]
    gold = sum(shares_sentence(row, head, tail) for row in train for head, tail, _ in gold_relations(row))
    hits, told = Counter[Pair](), Counter[Pair]()
    for row, one, other, pair in _pairs(train):
        told[pair] += 1
        hits[pair] += (one, other, best.get(pair)) in gold_relations(row)

    def f1(step: float) -> float:
        right, all_told = (sum(count for pair, count in each.items() if share[pair] >= step) for each in (hits, told))
        return prf(right, all_told, gold).f1

    least = max(steps, key=f1)
    return _scores(rows, {pair: name for pair, name in best.items() if share[pair] >= least})


def _scores(rows: Sequence[Row], best: dict[Pair, str]) -> dict[str, float]:
    known, numbers = known_labels(rows), {id(row): number for number, row in enumerate(rows)}
    found = {(numbers[id(row)], one, other, best[pair]): 1.0 for row, one, other, pair in _pairs(rows) if best.get(pair) in known}
    gold = {(number, *triple) for number, row in enumerate(rows) for triple in gold_relations(row)}
    figures = triple_scores("given_", found, gold)
    if any("sentences" in row for row in rows):
        figures |= triple_scores("given_sentence_", found, {each for each in gold if shares_sentence(rows[each[0]], *each[1:3])})
    return {key: value for key, value in figures.items() if not key.endswith("ece")}


def _commonest(train: Sequence[Row]) -> tuple[dict[Pair, str], dict[Pair, float]]:
    """The commonest relation of each pair of types, and its share of all such pairs."""
    counts: dict[Pair, Counter[str]] = defaultdict(Counter)
    pairs: Counter[Pair] = Counter()
    for row in train:
        entities = given_entities(row)
        for head, tail, name in gold_relations(row):
            if shares_sentence(row, head, tail):
                counts[entities[head].type, entities[tail].type][name] += 1
    for _, _, _, pair in _pairs(train):
        pairs[pair] += 1
    best = {pair: own.most_common(1)[0][0] for pair, own in counts.items()}
    return best, defaultdict(float, {pair: counts[pair][name] / pairs[pair] for pair, name in best.items()})


def _pairs(rows: Sequence[Row]) -> Iterator[tuple[Row, int, int, Pair]]:
    """All ordered pairs of entities that share a sentence."""
    for row in rows:
        entities = given_entities(row)
        for one in range(len(entities)):
            for other in range(len(entities)):
                if one != other and shares_sentence(row, one, other):
                    yield row, one, other, (entities[one].type, entities[other].type)
