"""The question-answering pipeline that Transformers had until 5.2, with its calls and its return values.

    from transformers import pipeline
    from tasks.question_answering.transformers_pipeline import register

    register()
    qa = pipeline("question-answering", model="deepset/roberta-base-squad2")
    qa(question="Who runs it?", context="It is run by Ada.")  # {'score': 0.9, 'start': 13, 'end': 16, 'answer': 'Ada'}

Transformers lists the name among its removed tasks and refuses it even when it is registered; ``register`` takes it off that list.
Where that list is gone or works otherwise, the name ``extractive-question-answering`` is registered as any other task.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import transformers.pipelines
from transformers import AutoModelForQuestionAnswering, Pipeline
from transformers.pipelines import PIPELINE_REGISTRY

from tasks.core.errors import InputError
from tasks.question_answering.decode import MAX_ANSWER_LEN, Read
from tasks.question_answering.questions import check_counts, pairs_of, split
from tasks.question_answering.reader import SPANS
from tasks.question_answering.ready import as_reader
from tasks.question_answering.windows import MAX_QUESTION_LEN

OLD_NAME, FREE_NAME = "question-answering", "extractive-question-answering"
READING = ("doc_stride", "max_seq_len", "max_question_len", "max_answer_len", "top_k")
ANSWERING = ("top_k", "handle_impossible_answer")
NEEDLESS = ("padding", "align_to_words")  # taken as they were: windows are padded as they must be, and answers are whole words


class QuestionAnsweringPipeline(Pipeline):
    """Extractive answers of any ``AutoModelForQuestionAnswering``; scores are begin times end probability, as they were.

    A call takes ``question=`` and ``context=``, a dict of these, or lists (``data=`` or ``X=`` too), and the options ``top_k``,
    ``doc_stride``, ``max_answer_len``, ``max_seq_len``, ``max_question_len`` and ``handle_impossible_answer``. It returns a dict
    with ``score``, ``start``, ``end``, ``answer``, or a list where there are several answers; a list of these for a list of
    several questions. Raises ``InputError``, a ``ValueError``.
    """

    handle_impossible_answer = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.reader = as_reader(str(self.model.config.name_or_path), None, self.tokenizer, self.model)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Answers to one question, or to several."""
        asked = {name: options.pop(name) for name in ("question", "context", "data", "X") if name in options}
        if arguments and all(isinstance(each, Mapping) for each in arguments):
            arguments = (list(arguments),)
        first = arguments[0] if arguments else asked.get("question", asked.get("data", asked.get("X")))
        second = arguments[1] if len(arguments) > 1 else asked.get("context")
        pairs, alone = pairs_of(first, second)
        if not all(text for pair in pairs for text in pair):
            raise InputError("A question and its context must not be empty.")
        _, reading, answering = self._sanitize_parameters(**options)
        reading, answering = {**self._forward_params, **reading}, {**self._postprocess_params, **answering}
        read = self._forward(self.preprocess(pairs), **reading)
        told = [self.postprocess(each, **answering) for each in zip(pairs, read, strict=True)]
        return told[0] if alone or len(told) == 1 else told

    def _sanitize_parameters(self, topk: int | None = None, **options: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        options = {name: value for name, value in options.items() if value is not None}
        if topk is not None:
            options.setdefault("top_k", topk)
        if unknown := set(options) - {*READING, *ANSWERING, *NEEDLESS}:
            raise InputError(f"There is no option {min(unknown)!r}: there are {', '.join(sorted({*READING, *ANSWERING}))}.")
        reading = {name: options[name] for name in READING if name in options}
        check_counts(**{"top_k": 1, **reading})
        answering: dict[str, Any] = {name: options[name] for name in ANSWERING if name in options}
        return {}, reading, answering

    def preprocess(self, inputs: Any, **options: Any) -> Any:  # type: ignore[override]
        """Questions and contexts; the reader cuts them into windows."""
        return split(inputs)

    def _forward(  # type: ignore[override]
        self, inputs: Any, max_answer_len: int = MAX_ANSWER_LEN, top_k: int = 1, max_question_len: int = MAX_QUESTION_LEN, **windows: Any
    ) -> Any:
        questions, contexts = inputs
        windows = {"max_question_len": max_question_len, **windows}
        return self.reader(questions, contexts, max_answer_len, top_k * SPANS, **windows)  # several spans may be the same words

    def postprocess(  # type: ignore[override]
        self, outputs: Any, top_k: int = 1, handle_impossible_answer: bool | None = None
    ) -> Any:
        """The dicts of one question."""
        (_, context), read = outputs
        impossible = self.handle_impossible_answer if handle_impossible_answer is None else handle_impossible_answer
        answers = old_answers(context, read) + ([{"score": read.none, "start": 0, "end": 0, "answer": ""}] if impossible else [])
        answers = sorted(answers, key=lambda each: -each["score"])[:top_k]
        return answers[0] if len(answers) == 1 else answers


def old_answers(context: str, read: Read) -> list[dict[str, Any]]:
    """All spans, as the pipeline of Transformers returned them."""
    return [
        {"score": each.probability, "start": each.start, "end": each.end, "answer": context[each.start : each.end]} for each in read.spans
    ]


def register() -> None:
    """Make the reader available inside ``transformers.pipeline``, under both names."""
    getattr(transformers.pipelines, "REMOVED_TASKS", {}).pop(OLD_NAME, None)
    for name in (OLD_NAME, FREE_NAME):
        if name not in PIPELINE_REGISTRY.supported_tasks:
            PIPELINE_REGISTRY.register_pipeline(
                name, pipeline_class=QuestionAnsweringPipeline, pt_model=AutoModelForQuestionAnswering, type="text"
            )
