"""Trivial baselines to stand beside every score: known words, the commonest polarity, and TF-IDF."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from tasks.core.metrics import macro_f1, micro
from tasks.opinion_analysis.data import Opinion, Place, Row, gold_opinions

LEAST_SHARE = 0.5  # of a phrase's occurrences that are annotated
LONGEST = 4  # words of a phrase
WORD = re.compile(r"\w+(?:'\w+)?")
Phrases = dict[str, str]  # phrase -> its commonest polarity


def known_word_scores(train: Sequence[Row], rows: Sequence[Row]) -> dict[str, float]:
    """Scores of looking phrases up among the expressions and targets of ``train``, and joining what stands nearest."""
    targets, expressions = _phrases(train, 0), _phrases(train, 1)
    found: set[tuple[int, Place, Place, str]] = set()
    for number, row in enumerate(rows):
        things = _occurrences(row["text"], targets)
        for place, phrase in _occurrences(row["text"], expressions):
            near = [thing for thing, _ in things if not re.search(r"[.!?]", row["text"][min(thing[1], place[1]) : max(thing[0], place[0])])]
            target = min(near, key=lambda thing: abs(thing[0] - place[0]), default=None)
            found.add((number, target, place, expressions[phrase]))
    gold = {(number, *opinion) for number, row in enumerate(rows) for opinion in gold_opinions(row)}
    overall = micro(found, gold)
    return {"precision": overall.precision, "recall": overall.recall, "f1": overall.f1}


def _phrases(rows: Sequence[Row], role: int) -> Phrases:
    """The phrases which are more often than not annotated in ``role`` (0: target, 1: expression)."""
    seen: Counter[str] = Counter()
    annotated: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        seen.update(row["text"][slice(*place)].lower() for place in _grams(row["text"]))
        opinions: set[Opinion] = gold_opinions(row)
        for place, polarity in {(opinion[role], opinion[2]) for opinion in opinions}:
            if place is not None:
                annotated[row["text"][slice(*place)].lower()][polarity] += 1
    return {
        phrase: polarities.most_common(1)[0][0]
        for phrase, polarities in annotated.items()
        if seen[phrase] and polarities.total() / seen[phrase] >= LEAST_SHARE
    }


def _grams(text: str) -> list[tuple[int, int]]:
    """Offsets of all runs of up to ``LONGEST`` words, the longest first."""
    words = [word.span() for word in WORD.finditer(text)]
    return [(words[at][0], words[at + size - 1][1]) for size in range(LONGEST, 0, -1) for at in range(len(words) - size + 1)]


def _occurrences(text: str, phrases: Phrases) -> list[tuple[tuple[int, int], str]]:
    found: list[tuple[tuple[int, int], str]] = []
    for start, end in _grams(text):
        phrase = text[start:end].lower()
        if phrase in phrases and all(end <= other[0] or other[1] <= start for other, _ in found):
            found.append(((start, end), phrase))
    return found


def majority_scores(train: Sequence[Row], rows: Sequence[Row]) -> dict[str, float]:
    """Scores of giving every target the commonest polarity of ``train``."""
    common = Counter(polarity for row in train for _, _, polarity in gold_opinions(row)).most_common(1)[0][0]
    gold = [polarity for row in rows for _, _, polarity in gold_opinions(row)]
    predicted = [common] * len(gold)
    return {"target_accuracy": gold.count(common) / len(gold), "target_macro_f1": macro_f1(predicted, gold, sorted(set(gold)))}


def tfidf_scores(train: Sequence[Row], rows: Sequence[Row], name: str) -> dict[str, float]:
    """Scores of TF-IDF over words and word pairs (of the proposal too) with a logistic regression; ``name``: the label's field."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    def text(row: Row) -> str:
        return f"{row.get('target', '')} {row['text']}"

    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        LogisticRegression(C=3, max_iter=500, class_weight="balanced"),
    )
    fitting, scored = ([row for row in each if row.get(name)] for each in (train, rows))
    model.fit([text(row) for row in fitting], [row[name] for row in fitting])
    predicted, gold = list(model.predict([text(row) for row in scored])), [row[name] for row in scored]
    right = sum(one == other for one, other in zip(predicted, gold, strict=True))
    return {f"{name}_accuracy": right / len(gold), f"{name}_macro_f1": macro_f1(predicted, gold, sorted(set(gold)))}
