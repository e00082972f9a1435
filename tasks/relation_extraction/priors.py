"""How likely a relation is by the types of its ends alone, counted in training rows: what is weighed beside the logit."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tasks.relation_extraction.data import Row, given_entities, gold_relations, told_labels, type_pair

Priors = Mapping[str, Mapping[str, float]]  # relation -> types ("PER LOC"; "": any) -> log-odds
RARE, WEIGHT = 0.02, 5.0  # how likely a relation is that nothing is known of, and how many pairs that weighs


def count_priors(files: Iterable[Sequence[Row]], names: Iterable[str]) -> dict[str, dict[str, float]]:
    """Log-odds of each relation of ``names`` for a pair of entities of each two types, and of any."""
    wanted = set(names)
    held: Counter[tuple[str, str]] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for rows in files:
        whole = {name for row in rows for _, _, name in gold_relations(row)} & wanted
        for row in rows:
            entities = given_entities(row)
            told = told_labels(row)
            known = whole if told is None else wanted & set(told)
            types = Counter(entity.type for entity in entities if entity.type)
            for one, count in types.items():
                for other, more in types.items():
                    pairs.update({(name, f"{one} {other}"): count * (more - (one == other)) for name in known})
            held.update((name, type_pair(entities[head], entities[tail])) for head, tail, name in gold_relations(row) if name in wanted)
    odds: dict[str, dict[str, float]] = {name: {"": 0.0} for name in sorted(wanted)}
    for name, types_of in sorted(pairs):
        odds[name][types_of] = _log_odds(held[name, types_of], pairs[name, types_of])
    for name, own in odds.items():
        own[""] = _log_odds(sum(held[name, each] for each in own), sum(pairs[name, each] for each in own))
    return odds


def _log_odds(held: int, pairs: int) -> float:
    share = (min(held, pairs) + RARE * WEIGHT) / (pairs + WEIGHT)
    return round(math.log(share / (1 - share)), 2)
