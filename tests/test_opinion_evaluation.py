"""Scores of opinion analysis by hand: what each kind of row is measured by, and the baselines that stand beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tasks import pipeline
from tasks.core.errors import InputError
from tasks.core.types import Span
from tasks.opinion_analysis.baseline import known_word_scores, majority_scores, tfidf_scores
from tasks.opinion_analysis.evaluation import baselines, behaviours, scores
from tasks.opinion_analysis.task import OpinionAnalysis, OpinionAnalyzer
from tasks.opinion_analysis.training import alike
from tasks.opinion_analysis.types import POLARITIES, STANCES, Label, Opinion

Row = dict[str, Any]
Said = tuple[str | None, str | None, str]
POLARITY = {"polarity_accuracy", "polarity_macro_f1", "polarity_ece"}
STANCE = {"stance_accuracy", "stance_macro_f1", "stance_ece"}
TRIPLETS = {"precision", "recall", "f1", "ece"}


def row(text: str, *said: Said, **more: Any) -> Row:
    opinions = []
    for target, expression, polarity in said:
        one, other = (words and {"start": text.index(words), "end": text.index(words) + len(words)} for words in (target, expression))
        opinions.append({"target": one, "expression": other, "polarity": polarity})
    return {"text": text, "opinions": opinions, **more}


def sure(labels: Sequence[str], label: str, score: float = 1.0) -> Label:
    return Label(label, score, {each: score if each == label else (1 - score) / 2 for each in labels})


class Told(OpinionAnalyzer):
    """Polarity and opinions of each text, and stances of (text, proposal), as given beforehand."""

    def __init__(self, polarity: Mapping[str, str], said: Mapping[str, Sequence[Said]] = {}, sides: Mapping[Any, str] = {}) -> None:
        self.polarity, self.said, self.sides = polarity, said, sides

    def _read(self, texts: list[str], threshold: float | None) -> list[tuple[Label, tuple[Opinion, ...]]]:
        return [(sure(POLARITIES, self.polarity.get(text, "neutral"), 0.8), self._opinions(text)) for text in texts]

    def _opinions(self, text: str) -> tuple[Opinion, ...]:
        def span(words: str | None) -> Span | None:
            return None if words is None else Span.of(text, text.index(words), text.index(words) + len(words))

        return tuple(Opinion(span(target), span(expression), polarity, 0.5) for target, expression, polarity in self.said.get(text, ()))

    def _stance(self, texts: list[str], proposal: str) -> list[Label]:
        return [sure(STANCES, self.sides.get((text, proposal), "neutral"), 0.9) for text in texts]


# Scores


def test_triplets_count_where_both_spans_and_the_polarity_are_right() -> None:
    rows = [row("good food, bad bar", ("food", "good", "positive"), ("bar", "bad", "negative")), row("nice", (None, "nice", "positive"))]
    told: list[Said] = [("food", "good", "positive"), ("bar", "bad", "neutral"), (None, "good", "positive")]
    found = scores(Told({}, {rows[0]["text"]: told, "nice": [(None, "nice", "positive")]}), rows)
    assert found == pytest.approx({"precision": 2 / 4, "recall": 2 / 3, "f1": 4 / 7, "ece": 0.0})


def test_whole_polarities_and_stances_are_measured_on_the_labels_of_the_file() -> None:
    rows: list[Row] = [
        {"text": text, "polarity": polarity} for text, polarity in zip("abc", ["positive", "positive", "negative"], strict=True)
    ]
    found = scores(Told({"a": "positive", "c": "negative"}), rows)
    assert found == pytest.approx({"polarity_accuracy": 2 / 3, "polarity_macro_f1": (2 / 3 + 1) / 2, "polarity_ece": 0.8 - 2 / 3})
    sides: list[Row] = [{"text": "a", "target": "tax", "stance": "favor"}, {"text": "a", "target": "tram", "stance": "against"}]
    found = scores(Told({}, sides={("a", "tax"): "favor", ("a", "tram"): "favor"}), sides)
    assert found == pytest.approx({"stance_accuracy": 1 / 2, "stance_macro_f1": (2 / 3 + 0) / 2, "stance_ece": 0.9 - 1 / 2})


def test_a_file_of_several_kinds_is_measured_by_all_of_them() -> None:
    opinions = row("good food", ("food", "good", "positive"), polarity="positive")
    sides, whole = {"text": "a", "target": "tax", "stance": "favor"}, {"text": "b", "polarity": "neutral"}
    behaviour = {"text": "c", "polarity": "neutral", "behaviour": "facts"}
    rows: list[Row] = [sides, opinions, whole, behaviour]
    told = Told({}, {"good food": [("food", "good", "positive")]}, {("a", "tax"): "favor"})
    for order in (rows, rows[::-1]):
        found = scores(told, order)
        assert set(found) == TRIPLETS | POLARITY | STANCE | {"facts"}
        assert (found["f1"], found["stance_accuracy"], found["polarity_accuracy"], found["facts"]) == (1, 1, 0.5, 1)
    assert alike([*rows, *rows]) == [[sides, sides], [opinions, opinions], [whole, whole], [behaviour, behaviour]]


def test_only_an_encoder_with_an_adapter_is_measured_on_given_targets(bert: Path, make_opinions: Callable[..., Path]) -> None:
    rows = [row("the food, the bar", ("food", None, "positive"), ("bar", None, "neutral")), row("a", polarity="neutral")]
    assert set(scores(Told({}), rows)) == POLARITY
    tiny = pipeline("opinion-analysis", str(bert), str(make_opinions(bert)))
    assert isinstance(tiny, OpinionAnalysis)
    found = scores(tiny, rows)
    right = [tiny.polarities(rows[0]["text"], [place])[0].label == gold for place, gold in (((4, 8), "positive"), ((14, 17), "neutral"))]
    assert set(found) == POLARITY | {"target_accuracy", "target_macro_f1"} and found["target_accuracy"] == sum(right) / 2


def test_rows_that_nothing_is_annotated_in_have_no_scores(bert: Path, make_opinions: Callable[..., Path]) -> None:
    assert scores(pipeline("opinion-analysis", str(bert), str(make_opinions(bert))), [row("a"), row("b")]) == {}


def test_a_behaviour_holds_where_label_stance_or_all_changed_versions_are_right() -> None:
    rows: list[Row] = [
        {"behaviour": "negation", "text": "not good", "polarity": "negative"},
        {"behaviour": "negation", "text": "not bad", "polarity": "positive"},
        {"behaviour": "casing", "text": "good", "changed": ["GOOD", "Good"]},
        {"behaviour": "casing", "text": "good", "changed": ["gOOd"]},
        {"behaviour": "swapping", "text": "a", "target": "tax", "stance": "favor"},
        {"behaviour": "swapping", "text": "a", "target": "no tax", "stance": "against"},
    ]
    told = Told({"not good": "negative", "good": "positive", "GOOD": "positive", "gOOd": "positive"}, sides={("a", "tax"): "favor"})
    assert behaviours(told, rows) == scores(told, rows) == {"negation": 0.5, "casing": 0.5, "swapping": 0.5}
    assert behaviours(told, []) == {}


# Baselines


TRAIN = [
    row("The food was good.", ("food", "good", "positive")),
    row("good, a good bar, bad music", ("bar", "good", "positive"), ("music", "bad", "negative")),
    row("The bar is not bad at all", ("bar", "not bad", "positive")),
    row("food", (None, "food", "neutral")),
]


def test_known_words_join_the_nearest_in_a_sentence() -> None:
    """Annotated: "good" 2 of 3 times, "bad" 1 of 2, "not bad" always; as targets "bar" and "music" always, "food" 1 of 2."""
    rows = [
        row("The bar, a good one, and bad music", ("bar", "good", "positive"), ("music", "bad", "negative")),
        row("Not bad. The bar?", (None, "Not bad", "positive"), ("bar", None, "neutral")),
        row("GOOD food", ("food", "GOOD", "negative")),
    ]
    found = known_word_scores(TRAIN, rows)  # finds 5: "food" as an expression too; 3 are right, of 5
    assert found == pytest.approx({"precision": 3 / 5, "recall": 3 / 5, "f1": 3 / 5})
    assert known_word_scores([], rows) == {"precision": 0.0, "recall": 0.0, "f1": 0.0}


def test_the_commonest_polarity_is_given_to_all() -> None:
    rows = [row("a bar", ("bar", None, "positive"), ("a", None, "neutral")), row("a bar", ("bar", None, "positive"))]
    assert majority_scores(TRAIN, rows) == pytest.approx({"target_accuracy": 2 / 3, "target_macro_f1": (4 / 5 + 0) / 2})


def test_tfidf_learns_words_of_text_and_proposal() -> None:
    train: list[Row] = [
        {"text": f"{word} {n}", "polarity": each} for n in "xyz" for word, each in (("good", "positive"), ("bad", "negative"))
    ]
    rows: list[Row] = [{"text": text, "polarity": "positive"} for text in ("good", "bad", "so good", "bad bad")]
    assert tfidf_scores(train, rows, "polarity") == pytest.approx({"polarity_accuracy": 0.5, "polarity_macro_f1": 2 / 3})
    sides: list[Row] = [{"text": "t", "target": word, "stance": each} for word, each in (("tax", "favor"), ("tram", "against"))] * 3
    assert tfidf_scores(sides, sides, "stance") == {"stance_accuracy": 1.0, "stance_macro_f1": 1.0}


def test_each_kind_of_row_has_its_baseline() -> None:
    whole: list[Row] = [{"text": f"{word} food", "polarity": each} for word, each in (("good", "positive"), ("bad", "negative"))] * 3
    assert set(baselines(None, TRAIN, TRAIN)["known words"]) == {"precision", "recall", "f1"}
    assert baselines(None, whole, whole) == {"TF-IDF": {"polarity_accuracy": 1.0, "polarity_macro_f1": 1.0}}
    targets = [row("a bar", ("bar", None, "positive"))]
    assert baselines(None, targets, targets) == {"commonest polarity": {"target_accuracy": 1.0, "target_macro_f1": 1.0}}
    ((name, figures),) = baselines(None, TRAIN + whole, [whole[0], *TRAIN]).items()
    assert name == "TF-IDF, known words" and set(figures) == {"precision", "recall", "f1", "polarity_accuracy", "polarity_macro_f1"}
    with pytest.raises(InputError, match="No training row is annotated with what the rows to score are"):
        baselines(None, whole, TRAIN)
