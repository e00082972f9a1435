"""Answers -> payloads of the page's components: pure functions, no state, no gradio. All HTML here is escaped here."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from apps.render import folding_table, plural, quoted
from tasks.question_answering.types import Answer, AnswerResult, Evidence

SURE = ((0.9, "very likely"), (0.7, "likely"), (0.5, "more likely than not"), (0.25, "unsure"))
HEADERS = ["Document", "Passages", "What happened"]
ACTIONS = {
    "added": "added",
    "replaced": "replaced by the new version",
    "unchanged": "unchanged: nothing to do",
    "kept": "kept from before",
}
TEXT, DOCUMENTS = "The text does not say.", "The documents do not say."
PAGES = 8  # without text that are named; more are counted


@dataclass(frozen=True, slots=True)
class Row:
    """A document in the library: its name, how much it holds, what was done with it, and the pages without any text."""

    name: str
    passages: int
    characters: int
    action: str
    blank: tuple[int, ...] = ()


def percent(score: float) -> str:
    """A probability as a figure that never claims to be certain."""
    if score >= 0.995:
        return "over 99 %"
    return f"{100 * score:.0f} %" if score >= 0.005 else "under 1 %"


def sure(score: float) -> str:
    """A probability in words."""
    return next((words for least, words in SURE if score >= least), "unlikely")


def found(result: AnswerResult, count: int) -> list[Answer]:
    """At most ``count`` answers, without the one that is none."""
    return [each for each in result.answers if each.answer][:count]


def silent(result: AnswerResult) -> bool:
    """Whether the likeliest is that the text does not say."""
    return not result.answers or not result.answers[0].answer


def note(words: str) -> str:
    """A sentence of ours in place of an answer: what is missing, and what to do."""
    return f'<p class="reply note" role="status">{html.escape(words)}</p>'


def reply(result: AnswerResult, nothing: str) -> str:
    """The best answer in large with how sure it is, or the words for ``nothing``."""
    if silent(result):
        score = result.no_answer_score
        how = f"That it does not say is {sure(score)}: {percent(score)}."
        return f'<div class="reply silent" role="status"><p class="best">{html.escape(nothing)}</p><p class="how">{how}</p></div>'
    best = result.answers[0]
    how = f"{sure(best.score).capitalize()}: {percent(best.score)}."
    where = f" In <cite>{place(best.document)}</cite>." if best.document else ""
    doubt = f" That it does not say: {percent(result.no_answer_score)}."
    return (
        f'<div class="reply said" role="status"><p class="best" translate="no">{html.escape(best.answer)}</p>'
        f'<p class="how">{how}{where}{doubt}</p></div>'
    )


def place(evidence: Evidence) -> str:
    """``report.pdf, page 3``, as HTML."""
    page = "" if evidence.page is None else f", page {evidence.page:,}"
    return quoted(evidence.name) + page


def _bar(score: float) -> str:
    bar = f'<span class="bar" aria-hidden="true"><i style="width:{100 * score:.1f}%"></i></span>'
    return f'{bar}<span class="score">{percent(score)}</span>'


def _doubt(result: AnswerResult) -> str:
    return "<h3>What would answer it best, if anything does</h3>" if silent(result) else "<h3>Answers</h3>"


def listed(result: AnswerResult, count: int) -> str:
    """The answers with bars of their scores; a press on one shows its place in the text."""
    answers = found(result, count)
    if not answers:
        return ""
    lines = "".join(_line(each, number) for number, each in enumerate(answers, 1))
    return f'{_doubt(result)}<ol class="answers{" doubtful" if silent(result) else ""}">{lines}</ol>'


def _line(answer: Answer, number: int) -> str:
    words = quoted(answer.answer)
    return f'<li><button type="button" data-jump="{number}" title="Show it in the text">{words}</button>{_bar(answer.score)}</li>'


def marked(text: str, answers: Sequence[Answer], shift: int = 0, best: bool = True) -> str:
    """``text`` as HTML with its answers marked, each by its number, the first one strongest where it is the ``best``.

    ``shift``: where the text begins in what the answers' offsets count. Of two that overlap the likelier has what both have.
    """
    spans = [(max(0, each.start - shift), min(len(text), each.end - shift)) for each in answers]
    cuts = sorted({0, len(text), *(place for span in spans if span[0] < span[1] for place in span)})
    pieces: list[str] = []
    for start, end in pairwise(cuts):
        words = html.escape(text[start:end])
        number = next((n for n, (first, last) in enumerate(spans, 1) if first <= start and end <= last), None)
        if number is None:
            pieces.append(words)
            continue
        kind = ' class="best"' if number == 1 and best else ""
        badge = f'<b aria-hidden="true">{number}</b>' if end == spans[number - 1][1] and len(answers) > 1 else ""
        part = f"--part:{12 + 33 * answers[number - 1].score:.0f}%"
        pieces.append(f'<mark{kind} tabindex="-1" data-n="{number}" style="{part}">{words}{badge}</mark>')
    return "".join(pieces)


def read(result: AnswerResult, where: str) -> str:
    """How much was read, in a sentence."""
    done, total = result.coverage.read, result.coverage.total
    if done == total:
        return f'<p class="coverage">{plural(total, "character")} of {where} read: all.</p>'
    return f'<p class="coverage">{done:,} of {plural(total, "character")} of {where} read.</p>'


def answered(result: AnswerResult, context: str, count: int) -> str:
    """All that the page shows of an answer from a text."""
    answers = found(result, count)
    kind = " doubtful" if silent(result) else ""
    words = (
        f'<div class="words{kind}" tabindex="0" role="region" aria-label="The text with the answers marked">'
        f'<span translate="no">{marked(context, answers, best=not silent(result))}</span></div>'
    )
    return f'<div class="question">{reply(result, TEXT)}{listed(result, count)}{words}{read(result, "the text")}</div>'


def cards(result: AnswerResult, count: int) -> str:
    """All that the page shows of an answer from documents: each answer with its document, page and passage."""
    answers = found(result, count)
    made = "".join(_card(each, number, silent(result)) for number, each in enumerate(answers, 1))
    several = f'{_doubt(result)}<ol class="cards{" doubtful" if silent(result) else ""}">{made}</ol>' if made else ""
    return f'<div class="question">{reply(result, DOCUMENTS)}{several}{read(result, "the documents")}</div>'


def _card(answer: Answer, number: int, doubtful: bool) -> str:
    source = ""
    if answer.document:
        passage = answer.document.passage
        words = marked(passage.text, [answer], passage.start, best=number == 1 and not doubtful)
        source = f'<cite>{place(answer.document)}</cite><blockquote translate="no">{words}</blockquote>'
    return f'<li><p class="line"><strong translate="no">{html.escape(answer.answer)}</strong>{_bar(answer.score)}</p>{source}</li>'


def shelf(rows: Sequence[Row], problems: Sequence[str]) -> str:
    """The table of the documents, and below it a sentence for each file that was not read."""
    told = "".join(f"<li>{html.escape(each)}</li>" for each in problems)
    wrong = f'<div class="problems" role="alert"><p>Please note:</p><ul>{told}</ul></div>' if problems else ""
    if not rows:
        return f'<div class="shelf"><p class="none">There are no documents yet.</p>{wrong}</div>'
    cells = [[f"<b>{quoted(row.name)}</b>", f"{row.passages:,}", _happened(row)] for row in rows]
    caption = f"{plural(len(rows), 'document')}, {plural(sum(row.passages for row in rows), 'passage')}"
    return f'<div class="shelf">{folding_table(HEADERS, cells, caption)}{wrong}</div>'


def _happened(row: Row) -> str:
    pages = ", ".join(f"{page:,}" for page in row.blank[:PAGES])
    more = f" and {len(row.blank) - PAGES:,} more" if len(row.blank) > PAGES else ""
    scanned = f"; without text, so not searched: {'page' if len(row.blank) == 1 else 'pages'} {pages}{more}" if row.blank else ""
    return html.escape(ACTIONS[row.action] + scanned)
