"""What is counted of rows and of what was found in them: triples, choices, behaviours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tasks.core.metrics import expected_calibration_error, macro_f1, micro
from tasks.relation_extraction.data import Row, both_ways, gold_relations, is_choice

Triple = tuple[int, int, int, str]  # row, head, tail (gold entities by number), relation
NONE = "none"


def shares_sentence(row: Row, one: int, other: int) -> bool:
    """Whether two entities of a row are mentioned in one sentence; rows without sentences are one."""
    if "sentences" not in row:
        return True
    places = [{mention["sentence"] for mention in row["entities"][each]["mentions"]} for each in (one, other)]
    return bool(places[0] & places[1])


def known_labels(rows: Iterable[Row]) -> set[str]:
    """The relations that the rows are annotated with: those that they have or list."""
    return {name for row in rows for name in [*row.get("labels", ()), *(name for _, _, name in gold_relations(row))]}


def triple_scores(prefix: str, found: Mapping[Triple, float], gold: Iterable[Triple]) -> dict[str, float]:
    """Micro precision, recall, F1 of triples, and the expected calibration error of their scores."""
    wanted = set(gold)
    overall = micro(found, wanted)
    error = expected_calibration_error([(score, triple in wanted) for triple, score in found.items()])
    return {f"{prefix}precision": overall.precision, f"{prefix}recall": overall.recall, f"{prefix}f1": overall.f1, f"{prefix}ece": error}


def choice_scores(rows: Sequence[Row], predicted: Sequence[tuple[int, int, str] | None]) -> dict[str, float]:
    """Accuracy and macro-F1 of the one relation of each row. Where the direction counts too, macro-F1 is SemEval-2010's
    official one: over the relations without "none"; the right relation in the wrong direction is wrong."""
    directed = both_ways(rows)
    gold = [next(iter(gold_relations(row)), None) for row in rows]
    wanted, told = ([_label(each, directed) for each in side] for side in (gold, predicted))
    names = sorted({each[2] for each in gold if each})
    accuracy = sum(one == other for one, other in zip(wanted, told, strict=True)) / len(rows)
    if not directed:
        return {"accuracy": accuracy, "macro_f1": macro_f1(told, wanted, names)}
    return {"accuracy": accuracy, "macro_f1": official_macro_f1(wanted, told, names)}


def _label(triple: tuple[int, int, str] | None, directed: bool) -> str:
    if triple is None:
        return NONE
    return f"{triple[2]}(e{triple[0] + 1},e{triple[1] + 1})" if directed else triple[2]


def official_macro_f1(gold: Sequence[str], told: Sequence[str], names: Sequence[str]) -> float:
    """The scorer of SemEval-2010 Task 8 (Hendrickx et al. 2010, "(9+1)-WAY WITH DIRECTIONALITY"): for each relation a hit
    has the right direction, while the counts told and to tell are of both directions; the mean over the relations."""
    total = 0.0
    for name in names:
        hits = sum(one == other and one.startswith(f"{name}(") for one, other in zip(gold, told, strict=True))
        both = sum(each.startswith(f"{name}(") for each in [*gold, *told])
        total += 2 * hits / both if both else 0.0
    return total / len(names)


def is_behaviour(rows: Sequence[Row]) -> bool:
    """Whether the rows are there to be scored by behaviour alone: all have one, affirmed ones among them."""
    return all("behaviour" in row for row in rows) and any(row["behaviour"] == "affirmed" for row in rows)


def behaviours(rows: Sequence[Row], found: Sequence[Mapping[tuple[int, int, str], float]]) -> dict[str, float]:
    """Share of the rows of each ``behaviour`` that hold, in the manner of CheckList (Ribeiro et al. 2020): where the relation
    is affirmed, all that the row says is found; in all other rows, nothing but what it says."""
    held: dict[str, list[bool]] = {}
    for row, told in zip(rows, found, strict=True):
        gold = gold_relations(row)
        right = gold <= set(told) if row["behaviour"] == "affirmed" else set(told) <= gold
        held.setdefault(row["behaviour"].replace(" ", "_"), []).append(right)
    return {name: sum(each) / len(each) for name, each in sorted(held.items())}


def given_scores(
    rows: Sequence[Row], found: Sequence[Sequence[Any]], told: Sequence[Mapping[tuple[int, int, str], float]], names: Sequence[str]
) -> dict[str, float]:
    """Scores with given entities: ``accuracy`` and ``macro_f1`` of rows that ask for one relation; behaviour rows by name;
    of all others ``given_`` F1 of triples, and ``given_sentence_`` of those whose entities share a sentence.

    ``found``: all candidates of each row; ``told``: what is told of them, with scores; ``names``: the relations.
    """
    if is_choice(rows):
        return choice_scores(rows, _chosen(rows, found, told, names))
    if is_behaviour(rows):
        kept = [
            {triple: score for triple, score in each.items() if triple[2] in row["labels"]} for row, each in zip(rows, told, strict=True)
        ]
        return behaviours(rows, kept)
    whole = known_labels(rows)
    gold = {(number, *triple) for number, row in enumerate(rows) for triple in gold_relations(row)}
    all_told = {
        (number, *triple): score
        for number, (row, each) in enumerate(zip(rows, told, strict=True))
        for triple, score in each.items()
        if triple[2] in row.get("labels", whole)
    }
    figures = triple_scores("given_", all_told, gold)
    if not any("sentences" in row for row in rows):
        return figures
    near = {triple for triple in {*gold, *all_told} if shares_sentence(rows[triple[0]], *triple[1:3])}
    within = triple_scores("given_sentence_", {each: score for each, score in all_told.items() if each in near}, gold & near)
    return figures | within


def _chosen(
    rows: Sequence[Row], found: Sequence[Sequence[Any]], told: Sequence[Mapping[tuple[int, int, str], float]], names: Sequence[str]
) -> list[tuple[int, int, str] | None]:
    """The one relation of each row: of the pair that it asks about the likeliest among those that the file has; where the
    direction is asked for, the likeliest that is told."""
    if both_ways(rows):
        return [max(each, key=lambda triple, each=each: each[triple], default=None) for each in told]  # type: ignore[misc]
    known = known_labels(rows)
    chosen: list[tuple[int, int, str] | None] = []
    for row, candidates in zip(rows, found, strict=True):
        asked = {(head, tail) for head, tail, _ in gold_relations(row)}
        fitting = [each for each in candidates if (each.head, each.tail) in asked and names[each.label] in known]
        best = max(fitting, key=lambda each: each.logit, default=None)
        chosen.append(best and (best.head, best.tail, names[best.label]))
    return chosen
