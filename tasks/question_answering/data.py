"""JSONL rows with the columns of ``squad_v2`` -> features -> tensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tasks.core.encoder import Encoder
from tasks.core.errors import InputError
from tasks.core.text import pad
from tasks.question_answering.windows import MAX_QUESTION_LEN, Asked, Asker

Row = dict[str, Any]
Place = tuple[int, int]
TRAINING_WINDOW = 320  # tokens: nineteen of twenty paragraphs are one window
READING_WINDOW = 256  # tokens of our own reader: in longer ones an answer among much else is missed more often


def gold_answers(row: Row) -> list[tuple[str, int]]:
    """The answers of a row with where they begin; none where the text does not say."""
    return list(zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True))


def check_rows(rows: Iterable[Row], source: str) -> list[Row]:
    """The rows, each with a question and answers that stand in its context; raises ``InputError`` naming the first bad one."""
    checked = []
    for number, row in enumerate(rows, 1):
        if not all(isinstance(row.get(name), str) for name in ("question", "context")):
            raise InputError(f'Row {number} of {source} needs a "question" and a "context".')
        try:
            answers = gold_answers(row)
            wrong = [text for text, start in answers if not text or start < 0 or row["context"][start : start + len(text)] != text]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"Row {number} of {source} is no row of question answering: {error!r} is missing or wrong.") from error
        if wrong:
            raise InputError(f"Row {number} of {source} has the answer {wrong[0][:60]!r}, which is not where it says.")
        checked.append(row)
    return checked


def features(encoder: Encoder, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """One feature a window: the answers that it holds whole, or that it holds none; a window with a part of one is left out."""
    asker = Asker(encoder.tokenizer, encoder.model.config)
    questions, contexts = ([row[name] for row in rows] for name in ("question", "context"))
    encodings, asked = asker(questions, contexts, TRAINING_WINDOW, max_question_len=MAX_QUESTION_LEN)
    tokens = [
        [token_span(encodings[number], start, start + len(text)) for text, start in gold_answers(row)] for number, row in enumerate(rows)
    ]
    made = []
    for window in asked:
        low, high = window.begin, window.begin + window.count
        known = [span for span in tokens[window.item] if span is not None]
        if tokens[window.item] and not known:
            continue  # the tokenizer has nothing for the answer's characters
        whole = [span for span in known if low <= span[0] and span[1] < high]
        if not whole and any(span[0] < high and span[1] >= low for span in known):
            continue
        shift = window.first - window.begin
        spans = [(start + shift, end + shift) for start, end in whole] or [(0, 0)]
        made.append(
            {"input_ids": window.ids.tolist(), "types": window.types.tolist(), "first": window.first, "count": window.count, "spans": spans}
        )
    return made


def token_span(encoding: Any, start: int, end: int) -> Place | None:
    """First and last token of the characters ``[start, end)``, None where there is none."""
    offsets = np.array(encoding.offsets, np.int64).reshape(-1, 2)
    inside = np.flatnonzero((offsets[:, 0] < end) & (offsets[:, 1] > start) & (offsets[:, 1] > offsets[:, 0]))
    return (int(inside[0]), int(inside[-1])) if len(inside) else None


def collate_asked(windows: Sequence[Asked], pad_id: int) -> tuple[Tensor, Tensor, Tensor]:
    """Ids, mask and token types (windows, tokens)."""
    ids, mask = pad([window.ids for window in windows], pad_id)
    types, _ = pad([window.types for window in windows], 0)
    return torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(types)


class Collator:
    """Features to the tensors of ``ReaderModel.forward``."""

    def __init__(self, encoder: Encoder) -> None:
        self.pad_id = encoder.tokenizer.pad_token_id or 0

    def __call__(self, batch: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Tensors of one batch, by the names of the model's arguments."""
        ids, mask = pad([np.array(each["input_ids"]) for each in batch], self.pad_id)
        types, _ = pad([np.array(each["types"]) for each in batch], 0)
        place = np.arange(ids.shape[1])[None]
        first, count = (np.array([each[name] for each in batch])[:, None] for name in ("first", "count"))
        inside = (place == 0) | ((place >= first) & (place < first + count))
        most = max(len(each["spans"]) for each in batch)
        spans = [[*each["spans"], *[(0, 0)] * (most - len(each["spans"]))] for each in batch]
        weights = [[1 / len(each["spans"])] * len(each["spans"]) + [0.0] * (most - len(each["spans"])) for each in batch]
        return {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.from_numpy(mask),
            "token_types": torch.from_numpy(types),
            "inside": torch.from_numpy(inside),
            "spans": torch.tensor(spans),
            "span_weights": torch.tensor(weights),
        }
