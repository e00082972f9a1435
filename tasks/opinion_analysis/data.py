"""JSONL rows -> features -> tensors: opinions, overall polarity, stance; each row brings what it is annotated with."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tasks.core import rows as rows_of
from tasks.core.encoder import Encoder, collate
from tasks.core.text import Tokens, Window, Windower, spelled
from tasks.opinion_analysis.types import POLARITIES, STANCES

Row = dict[str, Any]
Place = tuple[int, int] | None  # half-open character offsets, None where the text does not say
Opinion = tuple[Place, Place, str]  # target, expression, polarity
OVERLAP = 48  # tokens of two neighbouring windows: an opinion's two spans lie in one of them (see ``windower_of``)
UNKNOWN = -1


def windower_of(encoder: Encoder) -> Windower:
    """Windows that list all their words: an opinion belongs to the window that owns its first word of the expression
    (of the target, where there is no expression), and is read with 24 or more tokens of context on either side."""
    inner = encoder.windower
    return Windower(encoder.tokenizer, inner.size, min(OVERLAP, inner.size // 3), whole=True, spell=spelled)


def gold_opinions(row: Row) -> set[Opinion]:
    """The opinions of a row as offsets."""

    def place(span: Mapping[str, Any] | None) -> Place:
        return None if span is None else (span["start"], span["end"])

    return {(place(each["target"]), place(each["expression"]), each["polarity"]) for each in row.get("opinions", ())}


def has_expressions(rows: Iterable[Row]) -> bool:
    """Whether a file annotates expressions; MAMS, for one, has polarities of targets alone."""
    return any(expression for row in rows for _, expression, _ in gold_opinions(row))


def check_rows(rows: Iterable[Row], source: str) -> list[Row]:
    """The rows, each with a text and annotations that fit it; raises ``InputError`` naming the first bad one."""
    return rows_of.check_rows(rows, source, "opinion analysis", _problem)


def _problem(row: Row) -> str | None:
    if not {"opinions", "polarity", "stance", "changed"} & set(row):
        return 'needs "opinions", "polarity" or "stance" beside "text"'
    for target, expression, polarity in gold_opinions(row):
        if polarity not in POLARITIES:
            return f"has an opinion of polarity {polarity!r}: choose among {', '.join(POLARITIES)}"
        if target is None and expression is None:
            return "has an opinion with neither a target nor an expression"
        for span in (target, expression):
            if span is not None and not 0 <= span[0] < span[1] <= len(row["text"]):
                return f"has an opinion outside its text: {span}"
    if row.get("polarity") not in (None, *POLARITIES):
        return f"has the polarity {row['polarity']!r}: choose among {', '.join(POLARITIES)}"
    if "stance" in row and (row["stance"] not in STANCES or not isinstance(row.get("target"), str) or not row["target"].strip()):
        return f'needs a "target" (the proposal) and a stance among {", ".join(STANCES)}'
    return None


def overall_polarity(row: Row) -> str | None:
    """The polarity of a row: as annotated, or that of two or more opinions which all agree."""
    if "polarity" in row or "stance" in row:
        return row.get("polarity")
    found = [polarity for _, expression, polarity in gold_opinions(row) if expression]
    return found[0] if len(found) > 1 and len(set(found)) == 1 and found[0] != "neutral" else None


def unrelated(rows: Sequence[Row], share: float, seed: int) -> list[Row]:
    """So many more rows as ``share`` of ``rows``: texts with the proposals of others, on which they do not bear."""
    draw = random.Random(seed)
    proposals = sorted({row["target"] for row in rows})
    if len(proposals) < 2:
        return []
    made = []
    for row in draw.sample(rows, round(share * len(rows))):
        other = draw.choice([proposal for proposal in proposals if proposal != row["target"]])
        made.append({"text": row["text"], "target": other, "stance": "neutral"})
    return made


def features(encoder: Encoder, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """One feature a window, ready for ``Collator``."""
    sides = [row for row in rows if "stance" in row]
    others = [row for row in rows if "stance" not in row]
    return _opinion_features(encoder, others) + _stance_features(encoder, sides)


def _opinion_features(encoder: Encoder, rows: Sequence[Row]) -> list[dict[str, Any]]:
    tokens, windows = windower_of(encoder)([row["text"] for row in rows])
    expressed = has_expressions(rows)
    made = []
    for window in windows:
        row = rows[window.text]
        known = ["opinions" in row, "opinions" in row and expressed]
        placed = [_in_window(window, tokens[window.text], *opinion) for opinion in sorted(gold_opinions(row), key=str)]
        polarity = overall_polarity(row)
        made.append(
            {
                "input_ids": window.ids.tolist(),
                "text_end": len(window.ids),
                "first": window.first.tolist() if known[0] else [],
                "last": window.last.tolist() if known[0] else [],
                "known": known,
                "opinions": [each for each in placed if each is not None],
                "polarity": UNKNOWN if polarity is None else POLARITIES.index(polarity),
                "stance": UNKNOWN,
            }
        )
    return made


def _stance_features(encoder: Encoder, rows: Sequence[Row]) -> list[dict[str, Any]]:
    windower, groups = windower_of(encoder), defaultdict(list)
    for row in rows:
        groups[row["target"]].append(row)
    made = []
    for proposal, group in groups.items():
        for window in windower.paired([row["text"] for row in group], proposal):
            made.append(
                {
                    "input_ids": window.ids.tolist(),
                    "text_end": int(window.last[-1]) + 1,
                    "first": [],
                    "last": [],
                    "known": [False, False],
                    "opinions": [],
                    "polarity": UNKNOWN,
                    "stance": STANCES.index(group[window.text]["stance"]),
                }
            )
    return made


def _in_window(window: Window, tokens: Tokens, target: Place, expression: Place, polarity: str) -> list[int] | None:
    """An opinion as [target's words, expression's words, polarity] by places in the window, -1 where not said; None
    where it does not lie in it whole."""
    placed: list[int] = []
    for span in (target, expression):
        if span is None:
            placed += [UNKNOWN, UNKNOWN]
            continue
        words = tokens.words_in(*span)
        if words is None or words[0] < window.words[0] or words[1] > window.words[-1]:
            return None
        placed += np.searchsorted(window.words, words).tolist()
    return [*placed, POLARITIES.index(polarity)]


class Collator:
    """Features to the tensors of ``OpinionModel.forward``."""

    def __init__(self, encoder: Encoder) -> None:
        self.pad = encoder.tokenizer.pad_token_id or 0

    def __call__(self, batch: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Tensors of one batch, by the names of the model's arguments."""
        windows = collate([_window(number, feature) for number, feature in enumerate(batch)], self.pad)
        annotated = [number for number, feature in enumerate(batch) if feature["known"][0]]
        spans: set[tuple[int, ...]] = set()
        unsure: set[tuple[int, ...]] = set()
        links: set[tuple[int, ...]] = set()
        opinions: list[tuple[int, ...]] = []
        for row, number in enumerate(annotated):
            expressed = batch[number]["known"][1]
            for start, end, begin, stop, polarity in batch[number]["opinions"]:
                opinions.append((row, start, end, begin, stop, polarity))
                if start >= 0:
                    mentioned = expressed or polarity != POLARITIES.index("neutral")
                    (spans if mentioned else unsure).add((row, 0, start, end))
                if begin >= 0:
                    spans.add((row, 1, begin, stop))
                    links |= {(row, 0, start + 1, begin), (row, 1, end + 1, stop)}
        text_end = torch.tensor([feature["text_end"] for feature in batch])
        return {
            "input_ids": windows.ids,
            "attention_mask": windows.mask,
            "text_mask": (torch.arange(windows.ids.shape[1])[None, :] < text_end[:, None]).long() * windows.mask,
            "annotated": torch.tensor(annotated, dtype=torch.long),
            "expressed": torch.tensor([batch[number]["known"][1] for number in annotated], dtype=torch.bool),
            "row": torch.searchsorted(torch.tensor(annotated, dtype=torch.long), windows.row),
            "first": windows.first,
            "last": windows.last,
            "spans": _indices(spans, 4),
            "unsure": _indices(unsure - spans, 4),
            "links": _indices(links, 4),
            "opinions": _indices(opinions, 6),
            "polarity": torch.tensor([feature["polarity"] for feature in batch]),
            "stance": torch.tensor([feature["stance"] for feature in batch]),
        }


def _indices(found: Iterable[tuple[int, ...]], columns: int) -> Tensor:
    return torch.tensor(sorted(found), dtype=torch.long).reshape(-1, columns)


def _window(number: int, feature: Mapping[str, Any]) -> Window:
    first, last = np.array(feature["first"], np.int64), np.array(feature["last"], np.int64)
    return Window(number, np.array(feature["input_ids"], np.int64), first, first, last)
