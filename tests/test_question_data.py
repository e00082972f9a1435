"""Rows to features and tensors: gold answers at their tokens, questions without an answer that really have none, and the loss."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tasks.core.encoder import Encoder, load_encoder
from tasks.core.errors import InputError
from tasks.question_answering.data import TRAINING_WINDOW, Collator, check_rows, features, gold_answers
from tasks.question_answering.model import ReaderHead, ReaderModel
from tasks.question_answering.negatives import OTHER, SWAPPED, unanswerable, words
from tasks.question_answering.windows import DOC_STRIDE

Row = dict[str, Any]
TOWN = "In the town 😀 Zoë Ward ran a mill. In 1650 the flood hit."
FILLER = "the vote was in a school and people fled "


def row(question: str, context: str, *answers: str, title: str = "Town", **more: Any) -> Row:
    """A row with each answer where it last stands."""
    places = [context.rindex(text) for text in answers]
    return {"question": question, "context": context, "title": title, "answers": {"text": list(answers), "answer_start": places}, **more}


@pytest.fixture(scope="module")
def wide(kind: str, make_model: Callable[..., Path]) -> Encoder:
    """A tiny encoder of each kind with positions for long windows."""
    return load_encoder(str(make_model(kind, max_position_embeddings=512)))


@pytest.fixture(scope="module")
def reader(make_model: Callable[..., Path]) -> Encoder:
    """A tiny BERT with positions for long windows."""
    return load_encoder(str(make_model(max_position_embeddings=512)))


def labelled(encoder: Encoder, feature: Row) -> list[str]:
    """What the tokens of each of a feature's spans say, without spaces."""
    ids = feature["input_ids"]
    return [encoder.tokenizer.decode(ids[first : last + 1]).replace(" ", "").replace("##", "") for first, last in feature["spans"]]


# Features


@pytest.mark.parametrize("answer", ["Zoë Ward", "Ward", "mill.", "1650", "In the town", "hit.", "flood hit."])
def test_a_span_is_the_tokens_of_the_answer(wide: Encoder, kind: str, answer: str) -> None:
    (feature,) = features(wide, [row("Who ran it?", TOWN, answer)])
    ((first, last),) = feature["spans"]
    ids = wide.tokenizer("Who ran it?", TOWN)
    assert feature["input_ids"] == ids["input_ids"]
    start = TOWN.rindex(answer)
    covered = [number for number, (begin, end) in enumerate(ids.encodings[0].offsets) if begin < start + len(answer) and end > start]
    expected = [number for number in covered if ids.encodings[0].sequence_ids[number] == 1]
    assert (first, last) == (expected[0], expected[-1])
    assert feature["first"] <= first <= last < feature["first"] + feature["count"]


def test_all_annotators_answers_are_kept(reader: Encoder) -> None:
    (feature,) = features(reader, [row("Who?", TOWN, "Ward", "Zoë Ward", "Ward")])
    assert labelled(reader, feature) == ["ward", "zoeward", "ward"]


def test_a_question_without_an_answer_points_at_the_first_token(reader: Encoder) -> None:
    (feature,) = features(reader, [row("Who?", TOWN)])
    assert feature["spans"] == [(0, 0)]
    assert (feature["first"], feature["count"]) == (feature["types"].index(1), feature["types"].count(1) - 1)


def test_windows_without_the_answer_say_so_and_those_with_a_part_of_it_are_left_out(reader: Encoder) -> None:
    room = TRAINING_WINDOW - 3 - 1
    letters = ["a"] * 3 * room
    place = room - DOC_STRIDE  # where the second window begins
    for first, expected in ((place + 2, 2), (place - 1, 1)):  # in both windows; half in the second
        marked = letters.copy()
        marked[first : first + 2] = ["x", "y"]
        made = features(reader, [row("b", " ".join(marked), "x y")])
        with_it = [each for each in made if each["spans"] != [(0, 0)]]
        assert [labelled(reader, each) for each in with_it] == [["xy"]] * expected
        everywhere = features(reader, [row("b", " ".join(letters))])
        assert len(everywhere) - len(made) == (0 if expected == 2 else 1)
        x = reader.tokenizer.convert_tokens_to_ids("x")
        assert sum(x in each["input_ids"] for each in made) == expected


def test_of_several_answers_a_window_has_those_that_it_holds_whole(reader: Encoder) -> None:
    room = TRAINING_WINDOW - 3 - 1
    text = " ".join(["x", *["a"] * room, "y"])
    made = features(reader, [row("b", text, "x", "y")])
    assert [labelled(reader, each) for each in made] == [["x"], ["y"]]


def test_a_blank_context_has_no_feature(reader: Encoder) -> None:
    assert features(reader, [row("Who?", " \n"), row("Who?", "")]) == [] == features(reader, [])


def test_an_answer_without_a_token_is_no_proof_that_there_is_none(reader: Encoder) -> None:
    answer = "\u200b"  # which BERT reads as nothing
    made = features(reader, [row("Who?", f"the town{answer} fled", answer)])
    assert [each for each in made if each["spans"] == [(0, 0)]] == []


def test_a_short_encoder_takes_long_contexts(encoder: Encoder) -> None:
    made = features(encoder, [row("Who?", FILLER * 20, "school")])
    assert made and all(len(each["input_ids"]) <= 64 for each in made)


# Rows


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"question": None}, 'needs a "question" and a "context"'),
        ({"context": 3}, 'needs a "question" and a "context"'),
        ({"answers": None}, "is no row of question answering: TypeError"),
        ({"answers": {"text": ["Zoë"]}}, r"KeyError\('answer_start'\) is missing or wrong"),
        ({"answers": {"text": ["Zoë"], "answer_start": []}}, "is no row of question answering: ValueError"),
        ({"answers": {"text": ["Zoë"], "answer_start": ["14"]}}, "is no row of question answering: TypeError"),
        ({"answers": {"text": ["Zoë"], "answer_start": [13]}}, "has the answer 'Zoë', which is not where it says"),
        ({"answers": {"text": ["hit"], "answer_start": [-4]}}, "has the answer 'hit', which is not where it says"),
        ({"answers": {"text": [""], "answer_start": [0]}}, "has the answer '', which is not where it says"),
    ],
)
def test_a_bad_row_is_refused_with_its_number(wrong: Row, message: str) -> None:
    good = row("Who?", TOWN, "Zoë")
    with pytest.raises(InputError, match=f"Row 2 of a.jsonl .*{message}"):
        check_rows([good, good | wrong], "a.jsonl")
    assert check_rows([good, row("Why?", TOWN)], "a.jsonl") == [good, row("Why?", TOWN)]
    assert gold_answers(good) == [("Zoë", 14)]


# Tensors and loss


def test_a_batch_is_padded_and_knows_the_context(reader: Encoder) -> None:
    made = features(reader, [row("Who?", TOWN, "Zoë"), row("Who?", "people fled"), row("Who?", TOWN, "mill", "Ward")])
    batch = Collator(reader)(made)
    assert batch["input_ids"].shape == batch["inside"].shape == batch["token_types"].shape == batch["attention_mask"].shape
    for number, feature in enumerate(made):
        size = len(feature["input_ids"])
        assert batch["input_ids"][number, :size].tolist() == feature["input_ids"]
        assert batch["attention_mask"][number].sum() == size and not batch["input_ids"][number, size:].any()
        assert batch["token_types"][number, :size].tolist() == feature["types"]
        inside = batch["inside"][number].nonzero()[:, 0].tolist()
        assert inside == [0, *range(feature["first"], feature["first"] + feature["count"])]
        weights = batch["span_weights"][number]
        told = [tuple(span) for span, weight in zip(batch["spans"][number].tolist(), weights.tolist(), strict=True) if weight]
        assert told == feature["spans"] and weights.sum() == 1


@pytest.fixture(scope="module")
def model(reader: Encoder) -> ReaderModel:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return ReaderModel(copy.deepcopy(reader.model), ReaderHead(reader.width)).eval()


def test_the_loss_is_that_by_hand(reader: Encoder, model: ReaderModel) -> None:
    (feature,) = features(reader, [row("Who?", TOWN, "Ward", "Zoë Ward")])
    batch = Collator(reader)([feature])
    with torch.no_grad():
        hidden = model.encoder(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], token_type_ids=batch["token_types"]
        ).last_hidden_state
        ends = model.head(hidden)
        told = [each[0, [0, *range(feature["first"], feature["first"] + feature["count"])]] for each in ends]
        parts = [
            -sum(float(each.log_softmax(0)[span[side] - feature["first"] + 1]) for span in feature["spans"]) / 2
            for side, each in enumerate(told)
        ]
        assert float(model(**batch)["loss"]) == pytest.approx(sum(parts) / 2, rel=1e-4)


def test_the_loss_of_a_batch_is_the_mean_of_its_rows(reader: Encoder, model: ReaderModel) -> None:
    rows = [row("Who?", TOWN, "Zoë"), row("Who?", TOWN, "mill", "flood hit"), row("Who?", TOWN, "Ward", "Zoë", "town"), row("Why?", TOWN)]
    made, collate = features(reader, rows), Collator(reader)
    with torch.no_grad():
        single = [float(model(**collate([each]))["loss"]) for each in made]
        assert len({round(each, 3) for each in single}) == 4
        for chosen in ([0, 1, 3], [0, 2, 3], [0, 1, 2, 3]):
            together = float(model(**collate([made[number] for number in chosen]))["loss"])
            assert together == pytest.approx(sum(single[number] for number in chosen) / len(chosen), rel=1e-4), chosen


# Questions without an answer

MILL = "The mill of Ada Osei stands in Norham. It was built by Ada Osei in 1650 and burnt in 1701."
FORD = "At the ford of Lagos there was a mill in 1588. Here Kofi Banda met Efua. He paid 12 coins."
HILL = "On the hill above Ely nobody lives. A mill was never there."
ROWS = [
    row("Who built the mill of Norham in 1650?", MILL, "Ada Osei", id="m1"),
    row("In which town does the mill of Ada Osei stand?", MILL, "Norham", id="m2"),
    row("How many coins did Kofi Banda pay?", FORD, "12", id="f1"),
    row("Who lives on the hill above Ely?", HILL, id="h1"),
    row("Who rules?", "Nobody rules in the Mill of 1999.", "Nobody", title="Elsewhere", id="e1"),
]


@pytest.mark.parametrize("kind", [OTHER, SWAPPED])
def test_the_same_seed_makes_the_same_rows(kind: str) -> None:
    made = [unanswerable(ROWS * 5, kind, 0.5, seed) for seed in (0, 0, 1, 2)]
    assert made[0] == made[1] != [] and not made[0] == made[2] == made[3]
    assert unanswerable(ROWS, kind, 0.0, 0) == [] == unanswerable([], kind, 1.0, 0)
    assert len(unanswerable(ROWS * 20, kind, 0.1, 0)) <= 8


@pytest.mark.parametrize("kind", [OTHER, SWAPPED])
def test_made_rows_have_no_answer_and_are_known_by_their_id(kind: str) -> None:
    before = copy.deepcopy(ROWS)
    made = unanswerable(ROWS, kind, 1.0, 0)
    assert before == ROWS and check_rows(made, "made") == made
    for each in made:
        assert each["answers"] == {"text": [], "answer_start": []} and each["id"].endswith(f"-{kind}")
        assert each["id"].removesuffix(f"-{kind}") in {"m1", "m2", "f1"}  # h1 had no answer, e1 has no other paragraph


def test_another_paragraph_is_of_the_article_and_never_holds_an_answer() -> None:
    names = ["Ada", "Kofi", "Efua", "Ely", "Lagos", "Norham"]
    draw = random.Random(4)
    rows = []
    for number in range(40):
        some = draw.sample(names, 3)
        context = f"{some[0]} met {some[1]} near {some[2]}, number {number}."
        rows.append(row("Who met whom?", context, draw.choice(some), title=f"Article {number % 3}", id=str(number)))
    rows.append(row("Who?", "ADA alone", "ADA", title="Article 1", id="40"))
    made = unanswerable(rows, OTHER, 1.0, 0)
    assert len(made) > 20
    for each in made:
        origin = rows[int(each["id"].removesuffix("-other"))]
        assert each["question"] == origin["question"] and each["context"] != origin["context"]
        assert each["context"] in {other["context"] for other in rows if other["title"] == origin["title"]}
        assert not any(text.lower() in each["context"].lower() for text in origin["answers"]["text"])


def test_of_the_other_paragraphs_the_one_most_like_the_question_is_taken() -> None:
    asked = [row("Who built the mill above the ford of Lagos?", MILL, "Osei"), row("Which hill has a mill above it?", MILL, "1650")]
    made = unanswerable([*ROWS, *asked], OTHER, 1.0, 0)
    assert {each["question"]: each["context"] for each in made if not each["id"][0].isalpha()} == {
        asked[0]["question"]: FORD,
        asked[1]["question"]: HILL,
    }
    assert words("How MANY mills, 1650?") == {"many", "mills", "1650"}


def test_one_name_or_number_is_swapped_for_one_that_the_context_does_not_have() -> None:
    seen: dict[str, set[tuple[str, str]]] = {}
    for seed in range(40):
        for each in unanswerable(ROWS, SWAPPED, 1.0, seed):
            origin = next(one for one in ROWS if each["id"] == f"{one['id']}-swapped")
            assert each["context"] == origin["context"] and each["question"] != origin["question"]
            old, new = difference(origin["question"], each["question"])
            assert old in origin["context"] and new not in origin["context"] and new not in origin["question"]
            seen.setdefault(origin["id"], set()).add((old, new))
    assert {old for old, _ in seen["m1"]} == {"Norham", "1650"}
    assert {new for old, new in seen["m1"] if old == "1650"} == {"1588"}  # a year for a year, not 12
    assert {new for _, new in seen["m2"]} <= {"Lagos", "Kofi Banda", "Efua", "Ely"} and len(seen["m2"]) > 1
    assert {old for old, _ in seen["f1"]} == {"Kofi Banda"}


def difference(one: str, other: str) -> tuple[str, str]:
    """What was swapped: the words by which the two differ, with their neighbours in one name."""
    first, second = re.findall(r"\w+|\W", one), re.findall(r"\w+|\W", other)
    low = next(place for place, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)
    high = next(place for place, (a, b) in enumerate(zip(first[::-1], second[::-1], strict=False)) if a != b)
    return "".join(first[low : len(first) - high]), "".join(second[low : len(second) - high])


def test_a_question_without_a_name_or_number_of_its_context_is_left_alone() -> None:
    rows = [row("who built it?", MILL, "Ada Osei"), row("Was it in Paris in 1900?", MILL, "1701"), row("Kofi?", FORD, "12")]
    assert unanswerable(rows, SWAPPED, 1.0, 0) == []
