"""Trivial baselines to stand beside every score: TF-IDF for the kinds, and for dialogues an agent that only ever adds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.conversation.data import Row
from tasks.conversation.types import KINDS
from tasks.core.metrics import micro


def tfidf_scores(train: Sequence[Row], rows: Sequence[Row]) -> dict[str, float]:
    """Scores of the kinds by TF-IDF over words and pairs, and a logistic regression for each kind."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    known, asked = vectorizer.fit_transform([row["text"] for row in train]), vectorizer.transform([row["text"] for row in rows])
    found = set()
    for kind in KINDS:
        truth = [kind in row["kinds"] for row in train]
        if any(truth) and not all(truth):
            model = LogisticRegression(class_weight="balanced", max_iter=1000, C=4.0).fit(known, truth)
            found |= {(int(number), kind) for number in np.flatnonzero(model.predict(asked))}
    gold = {(number, kind) for number, row in enumerate(rows) for kind in row["kinds"]}
    exact = sum({kind for at, kind in found if at == number} == set(row["kinds"]) for number, row in enumerate(rows))
    return {"kinds_f1": micro(found, gold).f1, "kinds_exact": exact / len(rows)}
