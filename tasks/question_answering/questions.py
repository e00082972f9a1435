"""The ways to ask that the pipeline of Transformers had: keywords, dicts, lists of these, one context for several questions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tasks.core.errors import InputError

Pair = tuple[str, str]  # question, context


def pairs_of(question: Any, context: Any) -> tuple[list[Pair], bool]:
    """The questions with their contexts, and whether it is one question alone.

    ``question``: a string, a list of strings, a dict with "question" and "context", or a list of such dicts; ``context``: a
    string for all questions, or one for each. Raises ``InputError``.
    """
    if isinstance(question, Mapping):
        if context is not None:
            raise InputError("A dict brings its own context: leave context= out.")
        return [_from_dict(question)], True
    if isinstance(question, str):
        if not isinstance(context, str):
            raise InputError(f"A question needs a context: one string, not {type(context).__name__}.")
        return [(question, context)], True
    if isinstance(question, bytes) or not isinstance(question, Iterable):
        raise InputError(f"A question must be a string or a list of strings, not {type(question).__name__}.")
    questions = list(question)
    if context is None:
        return [_from_dict(each) for each in questions], False
    contexts = [context] * len(questions) if isinstance(context, str) else list(context)
    if len(questions) != len(contexts):
        raise InputError(f"There are {len(questions)} questions for {len(contexts)} contexts: give one for each, or one context for all.")
    return [_checked(*each) for each in zip(questions, contexts, strict=True)], False


def questions_alone(question: Any, context: Any) -> tuple[list[Pair], bool]:
    """The same of questions to documents, which have no context of their own."""
    if context is not None:
        raise InputError("Give either a context or documents.")
    given = [question] if isinstance(question, str) else question
    if isinstance(given, Mapping | bytes) or not isinstance(given, Iterable):
        raise InputError(f"A question to documents must be a string or a list of strings, not {type(question).__name__}.")
    return [_checked(each, "") for each in given], isinstance(question, str)


def _from_dict(item: Any) -> Pair:
    if not isinstance(item, Mapping) or not {"question", "context"} <= set(item):
        raise InputError('Without context= each question must be a dict with "question" and "context".')
    return _checked(item["question"], item["context"])


def _checked(question: object, context: object) -> Pair:
    if not (isinstance(question, str) and isinstance(context, str)):
        raise InputError("A question and its context must be strings.")
    return question, context


def check_counts(top_k: int, **counts: int | None) -> None:
    """Raise ``InputError`` unless the counts are positive; ``doc_stride`` may be 0, and None is the default."""
    for name, value in {"top_k": top_k, **counts}.items():
        least = 0 if name == "doc_stride" else 1
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
            raise InputError(f"{name} must be {least} or more, not {value!r}.")


def split(pairs: Sequence[Pair]) -> tuple[list[str], list[str]]:
    """Questions and contexts."""
    return [question for question, _ in pairs], [context for _, context in pairs]
