"""The question-answering pipeline: load, call, stream.

python -m tasks question-answering "Who founded the trust?" --context "Ada Osei founded the Volta Trust in 2011."
python -m tasks question-answering "What is the deadline?" --documents plan.pdf minutes.docx
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from tasks.core.adapters import load_head, open_adapter
from tasks.core.encoder import Encoder, load_config, load_encoder
from tasks.core.errors import AdapterError
from tasks.core.types import Coverage
from tasks.question_answering.asking import PASSAGES, ask, document_answers
from tasks.question_answering.data import READING_WINDOW
from tasks.question_answering.decode import MAX_ANSWER_LEN, Settings, answers_of
from tasks.question_answering.library import File, Library
from tasks.question_answering.model import ReaderHead
from tasks.question_answering.questions import Pair, check_counts, pairs_of, questions_alone, split
from tasks.question_answering.reader import SPANS, Reader
from tasks.question_answering.scoring import own_network
from tasks.question_answering.types import AnswerResult

NAME = "question-answering"
FOLDER = Path(__file__).parent
CHUNK = 64  # contexts whose windows are sorted by length together
Documents = Library | Sequence[File]


class QuestionAnswering:
    """Answers to questions from given texts. Safe to call from several threads."""

    def __init__(self, reader: Reader, settings: Settings, encoder: Encoder) -> None:
        self.reader, self.settings, self.encoder = reader, settings, encoder
        self._recent = self.library()

    def library(self, folder: str | Path | None = None) -> Library:
        """An empty library of documents, or the one that was saved in ``folder``: to add to, to save, and to ask again and again."""
        return Library(self.encoder) if folder is None else Library.load(folder, self.encoder)

    def __call__(
        self, question: Any, context: Any = None, documents: Documents | None = None, top_k: int = 1, **options: Any
    ) -> AnswerResult | list[AnswerResult]:
        """The answers to one question, or to each of a list, in order.

        ``question``: a string, a list, or dicts with "question" and "context"; ``context``: the text to read, one for all
        questions or one for each; ``documents``, in its place: files (TXT, Markdown, HTML, PDF, DOCX) or a ``library``, of which
        the passages that fit are read, and each answer names its evidence; ``top_k``: answers to return at most;
        ``doc_stride``, ``max_answer_len``, ``max_seq_len``, ``max_question_len``: in tokens, as in the pipeline that
        Transformers had, yet a question is cut only where that is asked for; ``handle_impossible_answer`` (True): whether "" is
        among the answers, for a text that does not say. Raises ``InputError``.
        """
        if documents is None:
            pairs, alone = pairs_of(question, context)
        else:
            pairs, alone = questions_alone(question, context)
        results = list(self._stream(pairs, documents, top_k, **options))
        return results[0] if alone else results

    def stream(
        self,
        questions: Sequence[str],
        context: str | Sequence[str] | None = None,
        documents: Documents | None = None,
        top_k: int = 1,
        **options: Any,
    ) -> Iterator[AnswerResult]:
        """Results one after the other, in order, while later questions are still to be read: for progress bars."""
        pairs, _ = pairs_of(list(questions), context) if documents is None else questions_alone(list(questions), context)
        return self._stream(pairs, documents, top_k, **options)

    def _stream(
        self,
        pairs: Sequence[Pair],
        documents: Documents | None,
        top_k: int,
        doc_stride: int | None = None,
        max_answer_len: int = MAX_ANSWER_LEN,
        max_seq_len: int | None = None,
        max_question_len: int | None = None,
        handle_impossible_answer: bool = True,
    ) -> Iterator[AnswerResult]:
        windows = {"doc_stride": doc_stride, "max_seq_len": max_seq_len, "max_question_len": max_question_len}
        check_counts(top_k, max_answer_len=max_answer_len, **windows)
        reading = {"longest": max_answer_len, "count": SPANS * top_k, **windows}
        answer = self._from_contexts if documents is None else partial(self._from_documents, documents)
        rest = iter(pairs)
        while chunk := list(islice(rest, CHUNK if documents is None else CHUNK // PASSAGES)):
            yield from answer(chunk, reading, top_k, handle_impossible_answer)

    def _from_contexts(self, pairs: Sequence[Pair], reading: dict[str, Any], top_k: int, impossible: bool) -> Iterator[AnswerResult]:
        for (question, context), read in zip(pairs, self.reader(*split(pairs), **reading), strict=True):
            answers = answers_of(context, read, self.settings, top_k, impossible)
            yield AnswerResult(question, tuple(answers), self.settings.none_score(read), Coverage(len(context), len(context)))

    def _from_documents(
        self, documents: Documents, pairs: Sequence[Pair], reading: dict[str, Any], top_k: int, impossible: bool
    ) -> Iterator[AnswerResult]:
        questions, _ = split(pairs)
        if isinstance(documents, Library):
            hits, total = documents.find(questions, PASSAGES), documents.characters
        else:
            hits, total = self._recent.find_in(documents, questions, PASSAGES), self._recent.characters
        for question, found, asked in zip(questions, hits, ask(self.reader, questions, hits, **reading), strict=True):
            answers, silent = document_answers(asked, self.settings, top_k, impossible)
            read = min(total, sum(len(hit.passage.text) for hit in found))
            yield AnswerResult(question, tuple(answers), silent, Coverage(read, total))


def load(
    model: str | None = None, adapter: str | None = "shipped", revision: str | None = None, device: str | None = None
) -> QuestionAnswering:
    """The pipeline over an adapter and its encoder, or over a ready-made extractive ``model`` of the Hub.

    Raises ``ModelError`` or ``AdapterError``.
    """
    from tasks.question_answering.ready import is_ready_made, load_reader

    if model is not None and is_ready_made(load_config(model, revision)):
        return QuestionAnswering(load_reader(model, revision, device), Settings(), load_encoder(None, None, device))
    if adapter is None:
        raise AdapterError("A plain encoder reads no answers: give an adapter, or an extractive question-answering model.")
    folder, data, merged = open_adapter(FOLDER, NAME, model, adapter, revision, device)
    head = ReaderHead(merged.width)
    load_head(head, folder)
    head.to(merged.device).eval().requires_grad_(False)
    base = load_encoder(model or data["base"]["name"], revision if model else data["base"]["revision"], device)
    return QuestionAnswering(Reader(merged, own_network(merged.model, head), READING_WINDOW), Settings.of(data), base)
