"""Trivial baselines to stand beside every score: a word -> type lexicon, and TF-IDF with logistic regression."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.core.metrics import macro_f1, micro
from tasks.event_detection.data import Row, gold_events
from tasks.event_detection.lexicon import WORD, Lexicon

LEAST_SHARE = 0.5  # of a word's occurrences that are triggers


def lexicon_scores(train: Sequence[Row], rows: Sequence[Row]) -> dict[str, float]:
    """Scores of looking every word up in the lexicon of ``train``: words that are triggers at least half of the time."""
    lexicon = Lexicon.count(train)
    found = {
        (number, *word.span(), name)
        for number, row in enumerate(rows)
        for word in WORD.finditer(row["text"])
        if (name := lexicon.best_type(word.group().lower(), LEAST_SHARE))
    }
    gold = {(number, *event) for number, row in enumerate(rows) for event in gold_events(row)}
    overall = micro(found, gold)
    spans = micro({key[:3] for key in found}, {key[:3] for key in gold})
    return {"precision": overall.precision, "recall": overall.recall, "f1": overall.f1, "identification_f1": spans.f1}


def tfidf_scores(train: Sequence[Row], rows: Sequence[Row], none: str) -> dict[str, float]:
    """Scores of TF-IDF over words and word pairs with a balanced logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    def label(row: Row) -> str:
        return min((name for _, _, name in gold_events(row)), default=none)

    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        LogisticRegression(C=3, max_iter=500, class_weight="balanced"),
    )
    model.fit([row["text"] for row in train], [label(row) for row in train])
    predicted, wanted = list(model.predict([row["text"] for row in rows])), [label(row) for row in rows]
    pairs = [{(number, name) for number, name in enumerate(names) if name != none} for names in (predicted, wanted)]
    overall = micro(*pairs)
    figures = {"precision": overall.precision, "recall": overall.recall, "f1": overall.f1}
    return figures | {"macro_f1": macro_f1(predicted, wanted, sorted(set(wanted)))}
