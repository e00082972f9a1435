"""Questions that their context does not answer, made from those that it does.

Two kinds, for readers that are sure of themselves only where they should be: the question with *another* paragraph of the same
article, one that shares words with it (Clark and Gardner 2018, section 4.2), and the question about its own paragraph with one
name or number *swapped* for one from elsewhere in the article, which the paragraph does not have (in the manner of Rajpurkar et
al. 2018, table 1, whose annotators were told to do so).
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from tasks.question_answering.data import Row

OTHER, SWAPPED = "other", "swapped"
TRIED = 30  # paragraphs of an article among which the one most like the question is taken
_NAME = re.compile(r"(?<=[\w,;] )[A-Z]\w+(?:[ -][A-Z]\w+)*")  # not at the begin of a sentence
_NUMBER = re.compile(r"\b\d[\d.,]*\d\b|\b\d\b")
_YEAR = re.compile(r"[12]\d{3}")
_WORD = re.compile(r"\w{4,}")


def unanswerable(rows: Sequence[Row], kind: str, share: float, seed: int) -> list[Row]:
    """A ``share`` of the answerable rows, each made unanswerable in the way of ``kind``, as far as that can be done."""
    draw = random.Random(f"{seed} {kind}")
    articles: dict[str, dict[str, None]] = defaultdict(dict)
    for row in rows:
        articles[row.get("title", "")][row["context"]] = None
    known = {title: list(contexts) for title, contexts in articles.items()}
    answerable = [row for row in rows if row["answers"]["text"]]
    made = []
    for row in draw.sample(answerable, round(share * len(answerable))):
        paragraphs = known[row.get("title", "")]
        drawn = draw.sample(paragraphs, min(TRIED, len(paragraphs)))
        changed = _other(row, drawn) if kind == OTHER else _swapped(row, drawn, draw)
        if changed is not None:
            made.append({**row, **changed, "id": f"{row.get('id', '')}-{kind}", "answers": {"text": [], "answer_start": []}})
    return made


def _other(row: Row, paragraphs: Iterable[str]) -> Row | None:
    """The paragraph with most words of the question that holds none of its answers."""
    asked, answers = words(row["question"]), [text.lower() for text in row["answers"]["text"]]
    fitting = [each for each in paragraphs if each != row["context"] and not any(answer in each.lower() for answer in answers)]
    best = max(fitting, key=lambda each: (len(asked & words(each)), each), default=None)
    return best and {"context": best}  # type: ignore[return-value]


def _swapped(row: Row, paragraphs: Iterable[str], draw: random.Random) -> Row | None:
    """The question with a name or number of its context swapped for one of the same kind that the context does not have."""
    question, context = row["question"], row["context"]
    said = [match for pattern in (_NAME, _NUMBER) for match in pattern.finditer(question) if match[0] in context]
    if not said:
        return None
    match = draw.choice(said)
    pool = {
        each[0]
        for paragraph in paragraphs
        for each in (_NUMBER if match[0][0].isdigit() else _NAME).finditer(paragraph)
        if each[0] not in context and each[0] not in question and _alike(match[0], each[0])
    }
    return {"question": question[: match.start()] + draw.choice(sorted(pool)) + question[match.end() :]} if pool else None


def _alike(one: str, other: str) -> bool:
    return bool(_YEAR.fullmatch(one)) == bool(_YEAR.fullmatch(other))


def words(text: str) -> set[str]:
    """Words of four letters or more, in lower case."""
    return {word.lower() for word in _WORD.findall(text)}
