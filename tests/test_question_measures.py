"""What is counted of answers, beside what the scorer of SQuAD counts, and the trivial baseline."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.question_answering.baseline import most_similar_sentence
from tasks.question_answering.measures import exact, f1, normal

texts = st.text(st.sampled_from("abtheAN .,'-10é"), max_size=20)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("The Denver Broncos", ["denver", "broncos"]),
        ("Denver Broncos!", ["denver", "broncos"]),
        ("a 2-year-old's, an   ant\n(the) end", ["2yearolds", "ant", "end"]),
        ("Theatre An-other A", ["theatre", "another"]),
        ("the", []),
        ("...", []),
        ("", []),
        ("10,000", ["10000"]),
        ("Frédéric “Chopin”", ["frédéric", "“chopin”"]),  # punctuation is that of ASCII
        ("U.S.A.", ["usa"]),
        ("A. B. C.", ["b", "c"]),
    ],
)
def test_articles_punctuation_case_and_spaces_are_left_out(answer: str, words: list[str]) -> None:
    assert normal(answer) == words


@pytest.mark.parametrize(
    ("answer", "gold", "same", "overlap"),
    [
        ("Saint Bernadette Soubirous", ["Saint Bernadette Soubirous"], 1.0, 1.0),
        ("the Saint Bernadette Soubirous.", ["Saint Bernadette Soubirous"], 1.0, 1.0),
        ("Bernadette", ["Saint Bernadette Soubirous"], 0.0, 0.5),  # 1 of 1 and 1 of 3
        ("in Santa Clara, California", ["Santa Clara", "Levi's Stadium", "Levi's Stadium in Santa Clara, California."], 0.0, 0.8),
        ("Levi's Stadium", ["Santa Clara", "Levi's Stadium"], 1.0, 1.0),
        ("gold gold", ["gold"], 0.0, 2 / 3),  # a word counts as often as both have it
        ("gold gold", ["gold gold gold"], 0.0, 0.8),
        ("silver", ["gold"], 0.0, 0.0),
        ("", ["gold"], 0.0, 0.0),
        ("gold", [], 0.0, 0.0),
        ("", [], 1.0, 1.0),
        ("the", [], 1.0, 1.0),
        ("the", ["a"], 1.0, 1.0),  # nothing is left of either
    ],
)
def test_exact_match_and_f1_are_those_of_the_scorer(answer: str, gold: list[str], same: float, overlap: float) -> None:
    assert exact(answer, gold) == same
    assert f1(answer, gold) == pytest.approx(overlap)


@given(texts, st.lists(texts, max_size=3))
def test_what_is_exact_has_f1_of_one_and_the_best_gold_answer_counts(answer: str, gold: list[str]) -> None:
    assert 0 <= exact(answer, gold) <= f1(answer, gold) <= 1
    assert (f1(answer, gold) == 1) >= (exact(answer, gold) == 1)
    if gold:
        assert f1(answer, gold) == max(f1(answer, [each]) for each in gold) == f1(answer, gold[::-1])
        assert f1(answer, gold[:1]) == pytest.approx(f1(gold[0], [answer]))


# The trivial baseline

TEXT = "Ada runs the mill in Norham. The bridge has nine arches!\nKofi mends the bridge? Nobody sleeps"


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("Who runs the mill?", "Ada runs the mill in Norham."),
        ("how MANY arches has it", "The bridge has nine arches!"),
        ("Who mends it?", "Kofi mends the bridge?"),
        ("Who sleeps at the bridge?", "Nobody sleeps"),  # a rare word counts more than two common ones
    ],
)
def test_the_sentence_with_the_words_of_the_question_is_told(question: str, sentence: str) -> None:
    assert most_similar_sentence(question, TEXT) == sentence


def test_where_no_word_is_shared_the_first_sentence_is_told() -> None:
    assert most_similar_sentence("Why?", TEXT) == most_similar_sentence("", TEXT) == "Ada runs the mill in Norham."


@pytest.mark.parametrize("context", ["", " \n\n ", "\t"])
def test_a_blank_text_has_no_sentence(context: str) -> None:
    assert most_similar_sentence("Who?", context) == ""


def test_marks_alone_are_a_sentence_without_words() -> None:
    assert most_similar_sentence("Who?", "...") == "..."


def test_long_sentences_are_no_likelier_for_their_length() -> None:
    long = "Ada and Kofi and Efua went by mill and field and ford to a town with a market"
    assert most_similar_sentence("Who is at the mill?", f"{long}. Kofi is at the mill.") == "Kofi is at the mill."
