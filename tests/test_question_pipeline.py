"""The calls of the pipeline that Transformers had, on its side, and its numbers, computed anew from the model's logits."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import AutoModelForQuestionAnswering, AutoTokenizer, Pipeline
from transformers.pipelines import PIPELINE_REGISTRY

from tasks.core.errors import InputError
from tasks.question_answering.transformers_pipeline import FREE_NAME, OLD_NAME, QuestionAnsweringPipeline, register

Answers = list[dict[str, Any]]
QUESTION, OTHER = "Who fled the town?", "What hit it?"
CONTEXT = "A flood hit the town in 1650. Zoë Ward, the nurse 😀, fled."
LONG = "The flood hit the school and people fled; the nurse was in town for a vote. " * 5


@pytest.fixture(scope="module")
def registered() -> Iterator[None]:
    """Our pipeline in Transformers' registry, which is as it was afterwards."""
    removed = transformers.pipelines.REMOVED_TASKS
    before, tasks = dict(removed), dict(PIPELINE_REGISTRY.supported_tasks)
    register()
    yield
    for live, saved in ((removed, before), (PIPELINE_REGISTRY.supported_tasks, tasks)):
        live.clear()
        live.update(saved)


@pytest.fixture(scope="module")
def folder(make_model: Callable[..., Path]) -> Path:
    return make_model("bert", AutoModelForQuestionAnswering)


@pytest.fixture(scope="module")
def any_folder(kind: str, make_model: Callable[..., Path]) -> Path:
    return make_model(kind, AutoModelForQuestionAnswering)


def loaded(folder: Path, name: str = OLD_NAME, **options: Any) -> Pipeline:
    made: Pipeline = transformers.pipeline(name, model=str(folder), device="cpu", **options)  # type: ignore[call-overload]
    return made


@pytest.fixture(scope="module")
def qa(folder: Path, registered: None) -> Pipeline:
    return loaded(folder)


def same(one: Any, other: Any) -> bool:
    """Whether two answers, or two lists of answers, are the same up to noise."""
    if isinstance(one, dict) and isinstance(other, dict):
        return bool(one | {"score": 0} == other | {"score": 0} and one["score"] == pytest.approx(other["score"], rel=1e-3, abs=1e-7))
    return type(one) is type(other) and len(one) == len(other) and all(itertools.starmap(same, zip(one, other, strict=True)))


# Registering


def test_both_names_are_registered_and_loaded_from_a_folder(folder: Path, qa: Pipeline) -> None:
    assert isinstance(qa, QuestionAnsweringPipeline) and {OLD_NAME, FREE_NAME} <= set(PIPELINE_REGISTRY.get_supported_tasks())
    free = loaded(folder, FREE_NAME)
    assert isinstance(free, QuestionAnsweringPipeline)
    assert same(free(question=QUESTION, context=CONTEXT), qa(question=QUESTION, context=CONTEXT))
    register()  # again
    assert OLD_NAME in PIPELINE_REGISTRY.supported_tasks


def test_where_the_list_of_removed_tasks_is_gone_the_free_name_stays(
    monkeypatch: pytest.MonkeyPatch, registered: None, folder: Path
) -> None:
    monkeypatch.delattr(transformers.pipelines, "REMOVED_TASKS")
    monkeypatch.delitem(PIPELINE_REGISTRY.supported_tasks, FREE_NAME)
    register()
    assert FREE_NAME in PIPELINE_REGISTRY.supported_tasks


def test_a_loaded_model_is_taken_too(folder: Path, qa: Pipeline) -> None:
    model, tokenizer = AutoModelForQuestionAnswering.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    made = transformers.pipeline(OLD_NAME, model=model, tokenizer=tokenizer)  # type: ignore[call-overload]
    assert same(made(question=QUESTION, context=CONTEXT), qa(question=QUESTION, context=CONTEXT))


# Ways to ask

ONE: dict[str, str] = {"question": QUESTION, "context": CONTEXT}
TWO: dict[str, str] = {"question": OTHER, "context": LONG}


@pytest.mark.parametrize(
    ("positional", "named"),
    [
        ((), ONE),
        ((QUESTION, CONTEXT), {}),
        ((ONE,), {}),
        (([ONE],), {}),
        ((), {"data": ONE}),
        ((), {"data": [ONE]}),
        ((), {"X": ONE}),
        ((), {"X": [ONE]}),
        ((), {"question": [QUESTION], "context": [CONTEXT]}),
        ((), {"question": [QUESTION], "context": CONTEXT}),
        ((ONE | {"id": "7", "title": "Town"},), {}),
    ],
)
def test_one_question_has_one_answer_a_dict(qa: Pipeline, positional: tuple[Any, ...], named: dict[str, Any]) -> None:
    answer: Any = qa(*positional, **named)  # type: ignore[operator]
    assert isinstance(answer, dict) and list(answer) == ["score", "start", "end", "answer"]
    assert CONTEXT[answer["start"] : answer["end"]] == answer["answer"] != "" and type(answer["score"]) is float
    assert same(answer, qa(question=QUESTION, context=CONTEXT))


@pytest.mark.parametrize(
    ("positional", "named"),
    [
        (([ONE, TWO],), {}),
        (((ONE, TWO),), {}),
        ((ONE, TWO), {}),
        ((), {"data": [ONE, TWO]}),
        ((), {"X": [ONE, TWO]}),
        ((), {"question": [QUESTION, OTHER], "context": [CONTEXT, LONG]}),
    ],
)
def test_several_questions_have_a_list_of_answers(qa: Pipeline, positional: tuple[Any, ...], named: dict[str, Any]) -> None:
    told = qa(*positional, **named)  # type: ignore[operator]
    assert same(told, [qa(**ONE), qa(**TWO)])  # type: ignore[operator]


def test_a_generator_of_dicts_and_several_questions_of_one_context_are_taken(qa: Pipeline) -> None:
    expected = [qa(question=each, context=CONTEXT) for each in (QUESTION, OTHER)]
    assert same(qa(question=[QUESTION, OTHER], context=CONTEXT), expected)
    assert same(qa({"question": each, "context": CONTEXT} for each in (QUESTION, OTHER)), expected)
    assert not same(*expected)


# Numbers


def old(folder: Path, question: str, context: str, size: int, stride: int, longest: int = 15, windows: int | None = None) -> Answers:
    """What the pipeline of Transformers gave, all answers by their score and last that there is none.

    The softmax of begin and of end over the first token and the context's, their product, out to the ends of words; of spans
    that come out as the same characters the likeliest. ``windows``: how many there should be.
    """
    model, tokenizer = AutoModelForQuestionAnswering.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    options = {"truncation": "only_second", "max_length": size, "stride": stride, "return_overflowing_tokens": True}
    encoded = tokenizer(question, context, **options)
    assert windows is None or len(encoded.encodings) == windows
    best: dict[tuple[int, int], float] = {}
    none = 1e6
    for each in encoded.encodings:
        typed = {"token_type_ids": torch.tensor([each.type_ids])} if getattr(model.config, "type_vocab_size", 0) > 1 else {}
        with torch.no_grad():
            output = model(input_ids=torch.tensor([each.ids]), **typed)
        inside = [place for place, text in enumerate(each.sequence_ids) if text == 1]
        start, end = (logits[0, [0, *inside]].softmax(0).tolist() for logits in (output.start_logits, output.end_logits))
        none = min(none, start[0] * end[0])
        for (s, first), (e, last) in itertools.product(enumerate(inside, 1), enumerate(inside, 1)):
            if s <= e < s + longest:
                words = each.token_to_word(first), each.token_to_word(last)
                place = each.word_to_chars(words[0], 1)[0], each.word_to_chars(words[1], 1)[1]
                place = place[0] + len(context[slice(*place)]) - len(context[slice(*place)].lstrip()), place[1]  # ours: no space before
                best[place] = max(best.get(place, 0.0), start[s] * end[e])
    ranked = sorted(best.items(), key=lambda each: -each[1])
    told = [{"score": score, "start": place[0], "end": place[1], "answer": context[slice(*place)]} for place, score in ranked]
    return [*told, {"score": none, "start": 0, "end": 0, "answer": ""}]


def test_the_score_is_begin_times_end(any_folder: Path, registered: None) -> None:
    qa, expected = loaded(any_folder), old(any_folder, QUESTION, CONTEXT, 62, 31)
    assert same(qa(**ONE), expected[0])  # type: ignore[operator]
    for longest in (1, 2, 5):
        assert same(qa(**ONE, max_answer_len=longest), old(any_folder, QUESTION, CONTEXT, 62, 31, longest)[0])  # type: ignore[operator]


@pytest.mark.parametrize("seed", range(4))
def test_of_several_windows_the_likeliest_answer_is_told(make_model: Callable[..., Path], registered: None, seed: int) -> None:
    folder = make_model("bert", AutoModelForQuestionAnswering, seed=seed)
    expected = old(folder, QUESTION, LONG, 40, 12, windows=8)
    assert same(loaded(folder)(question=QUESTION, context=LONG, max_seq_len=40, doc_stride=12), expected[0])  # type: ignore[operator]


@pytest.mark.parametrize("top_k", [2, 3, 7])
def test_top_k_gives_as_many_answers(any_folder: Path, registered: None, top_k: int) -> None:
    expected = old(any_folder, QUESTION, CONTEXT, 62, 31)[:top_k]
    qa = loaded(any_folder)
    assert same(qa(**ONE, top_k=top_k), expected)  # type: ignore[operator]


def test_that_there_is_none_stands_among_the_answers(any_folder: Path, registered: None) -> None:
    qa = loaded(any_folder)
    *expected, none = old(any_folder, QUESTION, CONTEXT, 62, 31)
    told = qa(**ONE, top_k=500, handle_impossible_answer=True)  # type: ignore[operator]
    assert same([each for each in told if not each["answer"]], [none])
    assert [each["score"] for each in told] == sorted((each["score"] for each in told), reverse=True)
    assert len(told) == len(expected) + 1
    assert all(each["answer"] for each in qa(**ONE, top_k=500))  # type: ignore[operator]


def test_the_probability_of_none_is_the_least_over_the_windows(folder: Path, qa: Pipeline) -> None:
    told: Any = qa(question=QUESTION, context=LONG, max_seq_len=40, doc_stride=12, top_k=5000, handle_impossible_answer=True)
    assert same([each for each in told if not each["answer"]], old(folder, QUESTION, LONG, 40, 12, windows=8)[-1:])


# Options


def test_options_change_what_is_read(folder: Path, qa: Pipeline) -> None:
    plain: Any = qa(question=QUESTION, context=LONG, top_k=500)
    for option in ({"doc_stride": 5}, {"max_seq_len": 30, "doc_stride": 8}, {"max_question_len": 2}, {"max_answer_len": 3}):
        assert not same(qa(question=QUESTION, context=LONG, top_k=500, **option), plain), option
    assert same(qa(question=QUESTION, context=LONG, top_k=500, doc_stride=None, max_seq_len=None, max_answer_len=None), plain)


def test_options_that_change_nothing_any_more_are_taken(qa: Pipeline) -> None:
    assert same(qa(**ONE, padding="longest", align_to_words=True), qa(**ONE))  # type: ignore[operator]


def test_an_option_that_there_is_not_is_refused(qa: Pipeline) -> None:
    with pytest.raises(InputError, match="There is no option 'top_n': there are doc_stride"):
        qa(**ONE, top_n=3)  # type: ignore[operator]


def test_the_older_name_of_top_k_is_taken(qa: Pipeline) -> None:
    assert same(qa(**ONE, topk=3), qa(**ONE, top_k=3))  # type: ignore[operator]
    assert same(qa(**ONE, topk=3, top_k=2), qa(**ONE, top_k=2))  # type: ignore[operator]


def test_options_may_be_given_at_load(folder: Path, qa: Pipeline) -> None:
    given = loaded(folder, top_k=4, handle_impossible_answer=True, max_answer_len=2)
    assert same(given(**ONE), qa(**ONE, top_k=4, handle_impossible_answer=True, max_answer_len=2))  # type: ignore[operator]
    assert same(given(**ONE, top_k=2), qa(**ONE, top_k=2, handle_impossible_answer=True, max_answer_len=2))  # type: ignore[operator]


def test_several_answers_to_several_questions_are_lists_in_a_list(qa: Pipeline) -> None:
    told: Any = qa([ONE, TWO], top_k=3)  # type: ignore[operator]
    assert same(told, [qa(**ONE, top_k=3), qa(**TWO, top_k=3)])  # type: ignore[operator]
    assert all(isinstance(each, list) for each in told)


WRONG: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {}),
    ((), {"question": QUESTION}),
    ((), {"context": CONTEXT}),
    ((), {"question": QUESTION, "context": None}),
    ((), {"question": QUESTION, "context": [CONTEXT]}),
    ((), {"question": [QUESTION, OTHER], "context": [CONTEXT]}),
    ((), {"question": [QUESTION, None], "context": CONTEXT}),
    ((), {"question": 3, "context": CONTEXT}),
    ((), {"question": b"who?", "context": CONTEXT}),
    (({"question": QUESTION},), {}),
    (([ONE, {"context": CONTEXT}],), {}),
    (([ONE, QUESTION],), {}),
    (({"question": QUESTION, "context": 3},), {}),
    ((ONE,), {"top_k": 0}),
    ((ONE,), {"top_k": -1}),
    ((ONE,), {"top_k": 1.5}),
    ((ONE,), {"top_k": True}),
    ((ONE,), {"max_answer_len": 0}),
    ((ONE,), {"max_seq_len": 0}),
    ((ONE,), {"max_question_len": "64"}),
    ((ONE,), {"doc_stride": -1}),
    ((TWO,), {"doc_stride": 60}),
]


@pytest.mark.parametrize(("positional", "named"), WRONG)
def test_bad_calls_are_value_errors(qa: Pipeline, positional: tuple[Any, ...], named: dict[str, Any]) -> None:
    with pytest.raises(InputError) as error:
        qa(*positional, **named)  # type: ignore[operator]
    assert isinstance(error.value, ValueError) and str(error.value).endswith(".")


@pytest.mark.parametrize("pair", [("", CONTEXT), (QUESTION, "")])
def test_an_empty_question_or_context_is_a_value_error_as_it_was(qa: Pipeline, pair: tuple[str, str]) -> None:
    with pytest.raises(ValueError):
        qa(question=pair[0], context=pair[1])
