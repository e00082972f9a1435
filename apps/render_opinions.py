"""Opinions -> payloads of the page's components: pure functions, no state, no gradio. All HTML here is escaped here."""

from __future__ import annotations

import heapq
import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.render import chip, folding_table, plural
from tasks.core.types import Span
from tasks.opinion_analysis.aspects import Aspect
from tasks.opinion_analysis.types import POLARITIES, Label, Opinion, OpinionResult

# Bluish green, vermilion and grey of one lightness: apart for any colour vision, and never without their signs.
COLORS = {"positive": "#0a8361", "negative": "#c84c05", "neutral": "#6b7280"}
SIGNS = {"positive": "+", "negative": "−", "neutral": "○", "favor": "+", "against": "−"}
NAMES = {"favor": "in favour", "against": "against"}
TABLE_HEADERS = ["No.", "Target", "Expression", "Polarity", "Score", "Target at", "Expression at"]
EXAMPLE_HEADERS = ["Polarity", "Said in", "Row", "Score", "Time"]
SHOWN = 10  # bars a chart; more would be read by nobody
CONTEXT = 160  # characters around an opinion in an example, where its sentence is longer
_END = re.compile(r"[.!?…]+[\"”’)]*(?=\s)|\n")
LEGEND = (
    '<p class="legend"><span><mark class="target">filled</mark> what is judged</span> <span><mark class="expression">dashed</mark> '
    "the words that judge it</span> <span>same number: one opinion</span> <span>+ positive</span> <span>− negative</span> "
    "<span>○ neutral</span></p>"
)


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A stretch of the text to be drawn, and the opinions (number, polarity) whose target or expression it is."""

    start: int
    order: int  # minus its end: of two that start together the longer one is outside
    role: str
    opinions: tuple[tuple[int, str], ...]

    @property
    def end(self) -> int:
        """Half-open, as everywhere."""
        return -self.order


def marks(opinions: Sequence[Opinion]) -> list[Mark]:
    """What to draw, in text order, each mark beside or inside the others: one for all opinions on the same words.

    A span that crosses the end of an earlier one is drawn from there on; none is lost.
    """
    spans: dict[tuple[int, int, str], list[tuple[int, str]]] = {}
    for number, opinion in enumerate(opinions, 1):
        for role, span in (("target", opinion.target), ("expression", opinion.expression)):
            if span is not None:
                spans.setdefault((span.start, -span.end, role), []).append((number, opinion.polarity))
    waiting = [Mark(*place, tuple(said)) for place, said in spans.items()]
    return list(_nested(waiting))


def _nested(waiting: list[Mark]) -> Iterator[Mark]:
    heapq.heapify(waiting)
    open_: list[int] = []  # ends of the marks around the place
    while waiting:
        mark = heapq.heappop(waiting)
        while open_ and open_[-1] <= mark.start:
            open_.pop()
        if open_ and open_[-1] < mark.end:
            heapq.heappush(waiting, Mark(open_[-1], mark.order, mark.role, mark.opinions))
            continue
        open_.append(mark.end)
        yield mark


def highlight(text: str, opinions: Sequence[Opinion], start: int = 0, end: int | None = None, numbered: bool = True) -> str:
    """``text[start:end]`` as HTML with its targets and expressions marked and, where ``numbered``, joined by numbers."""
    end = len(text) if end is None else end
    pieces: list[str] = []
    open_: list[Mark] = []
    position = start
    for mark in [*marks(opinions), None]:
        while open_ and (mark is None or open_[-1].end <= mark.start):
            inner = open_.pop()
            pieces += [html.escape(text[position : inner.end]), _closing(inner, numbered)]
            position = inner.end
        if mark:
            pieces += [html.escape(text[position : mark.start]), _opening(mark, numbered)]
            position = mark.start
            open_.append(mark)
    return "".join([*pieces, html.escape(text[position:end])])


def _opening(mark: Mark, numbered: bool) -> str:
    polarities = {polarity for _, polarity in mark.opinions}
    tone = polarities.pop() if len(polarities) == 1 else "mixed"
    joined = " ".join(str(number) for number, _ in mark.opinions)
    return f'<mark class="{mark.role} {tone}"' + (f' data-o="{joined}" tabindex="0">' if numbered else ">")


def _closing(mark: Mark, numbered: bool) -> str:
    """The numbers and signs that follow the words, then the end of the mark."""
    badges = []
    for number, polarity in mark.opinions:
        name = f"{mark.role} of opinion {number}, {polarity}"
        join = f' data-o="{number}"' if numbered else ""
        words = f"{number}{SIGNS[polarity]}" if numbered else SIGNS[polarity]
        badges.append(f'<b class="{polarity}" role="img" translate="yes" aria-label="{name}" title="{name}"{join}>{words}</b>')
    return "".join(badges) + "</mark>"


def highlighted(result: OpinionResult) -> str:
    """The whole text with its opinions, and how to read the marks."""
    if not result.opinions:
        return f'<div class="opinions"><p class="words" translate="no">{html.escape(result.text)}</p></div>' if result.text.strip() else ""
    return f'<div class="opinions">{LEGEND}<p class="words" translate="no">{highlight(result.text, result.opinions)}</p></div>'


def table(result: OpinionResult) -> list[list[Any]]:
    """One row an opinion, under ``TABLE_HEADERS``, with the numbers of the highlighted text."""
    rows = []
    for number, opinion in enumerate(result.opinions, 1):
        words = [_words(opinion.target), _words(opinion.expression)]
        sign = f"{SIGNS[opinion.polarity]} {opinion.polarity}"
        rows.append([str(number), *words, sign, f"{opinion.score:.3f}", _place(opinion.target), _place(opinion.expression)])
    return rows


def _words(span: Span | None) -> str:
    return span.text if span else ""


def _place(span: Span | None) -> str:
    return f"{span.start}–{span.end}" if span else ""


def summary(result: OpinionResult) -> str:
    """What was found, in a sentence (Markdown; holds none of the user's text)."""
    if not result.text.strip():
        return "There is no text yet: type or paste some above, or press one of the examples."
    unread = result.coverage.total - result.coverage.read
    note = f" {plural(unread, 'character')} of {result.coverage.total:,} could not be read." if unread else ""
    if not result.opinions:
        return "**No opinion found** in particular words; what the text says as a whole is below." + note
    tally = [(sum(opinion.polarity == name for opinion in result.opinions), name) for name in POLARITIES]
    return f"**{plural(len(result.opinions), 'opinion')}**: {', '.join(f'{n:,} {name}' for n, name in tally if n)}." + note


def percent(share: float) -> str:
    """A probability or share in whole percent, and never 0 or 100 where it is neither."""
    if 0 < share < 0.01 or 0.99 < share < 1:
        return "<1 %" if share < 0.01 else ">99 %"
    return f"{100 * share:.0f} %"


def verdict(title: str, label: Label) -> str:
    """A label and the probability of each as a bar of their shares; the title is ours."""
    name = NAMES.get(label.label, label.label)
    return _shares(f"{title}: {SIGNS[label.label]} {name}", {key: (share, percent(share)) for key, share in label.scores.items()})


def counts(title: str, tally: Mapping[str, int]) -> str:
    """How many of each polarity, as a bar of their shares; the title is ours."""
    total = max(1, sum(tally.values()))
    return _shares(title, {name: (tally.get(name, 0) / total, f"{tally.get(name, 0):,}") for name in POLARITIES})


def _shares(title: str, shares: Mapping[str, tuple[float, str]]) -> str:
    """A bar of one part a label, (its share, what is written of it); all of it stands in words too."""
    bar = "".join(f'<span class="{name}" style="flex-grow:{share:.4f}"></span>' for name, (share, _) in shares.items() if share)
    parts = (f'<li class="{name}"><b>{SIGNS[name]}</b> {NAMES.get(name, name)} {words}</li>' for name, (_, words) in shares.items())
    return f'<div class="verdict"><h3>{title}</h3><div class="bar" aria-hidden="true">{bar}</div><ul>{"".join(parts)}</ul></div>'


def ranking(aspects: Sequence[Aspect], polarity: str) -> list[int]:
    """Numbers of the aspects with the most opinions of ``polarity``, at most ``SHOWN``, fewer others first among equal ones."""
    amount = {number: getattr(aspect, polarity) for number, aspect in enumerate(aspects)}
    order = sorted((number for number in amount if amount[number]), key=lambda n: (-amount[n], len(aspects[n].mentions), n))
    return order[:SHOWN]


def aspect_charts(aspects: Sequence[Aspect]) -> str:
    """The most praised and the most blamed aspects as bars; each is a button that carries ``number:polarity``."""
    charts = [_chart(title, aspects, polarity) for title, polarity in (("Most praised", "positive"), ("Most blamed", "negative"))]
    return f'<div class="aspects">{"".join(charts)}</div>'


def _chart(title: str, aspects: Sequence[Aspect], polarity: str) -> str:
    order = ranking(aspects, polarity)
    most = max((len(aspects[number].mentions) for number in order), default=1)
    bars = "".join(_bar(number, aspects[number], polarity, most) for number in order)
    return f"<section><h3>{title}</h3>{f'<ol>{bars}</ol>' if bars else '<p>Nothing is, by name.</p>'}</section>"


def _bar(number: int, aspect: Aspect, polarity: str, most: int) -> str:
    order = (polarity, *(name for name in POLARITIES if name != polarity))
    amounts = [(name, getattr(aspect, name)) for name in order if getattr(aspect, name)]
    bar = "".join(f'<span class="{name}" style="width:{100 * amount / most:.2f}%"></span>' for name, amount in amounts)
    told = " ".join(f'<b class="{name}">{SIGNS[name]}{amount:,}</b>' for name, amount in amounts)
    spoken = html.escape(f"{aspect.name}: {', '.join(f'{amount:,} {name}' for name, amount in amounts)}. Show examples.")
    name = f'<span class="name" translate="no">{html.escape(aspect.name)}</span><span class="told">{told}</span>'
    press = f'<button type="button" data-pick="{number}:{polarity}" aria-label="{spoken}">'
    return f'<li>{press}{name}<span class="bar">{bar}</span></button></li>'


def excerpt(text: str, opinion: Opinion) -> tuple[int, int]:
    """Where the sentence, or what fits of it, that holds both parts of an opinion begins and ends."""
    spans = [span for span in (opinion.target, opinion.expression) if span is not None]
    first, last = min(span.start for span in spans), max(span.end for span in spans)
    low, high = max(0, first - CONTEXT), min(len(text), last + CONTEXT)
    begins = [found.end() for found in _END.finditer(text, low, first + 1) if found.end() <= first]
    ends = _END.search(text, last, high)
    return (begins[-1] if begins else low), (ends.end() if ends else high)


def example(text: str, opinion: Opinion) -> str:
    """The sentence of an opinion as HTML, with its parts marked and dots where it is cut."""
    start, end = excerpt(text, opinion)
    before = "… " if text[:start].strip() else ""
    after = " …" if text[end:].strip() else ""
    return f'<span class="opinions" translate="no">{before}{highlight(text, [opinion], start, end, numbered=False).strip()}{after}</span>'


def examples(found: Sequence[tuple[str, Opinion, int, str]], caption: str) -> str:
    """A table of sentences with the opinion in each marked: (text, opinion, number of the row, time)."""
    rows = []
    for text, opinion, row, time in found:
        kind = chip(f"{SIGNS[opinion.polarity]} {opinion.polarity}", COLORS[opinion.polarity])
        rows.append([kind, example(text, opinion), f"{row:,}", f"{opinion.score:.2f}", html.escape(time)])
    return folding_table(EXAMPLE_HEADERS, rows, caption)


def compact(result: OpinionResult) -> str:
    """All opinions in one cell: ``screen: bright [positive]; never again [negative]``."""
    said = []
    for opinion in result.opinions:
        words = ": ".join(" ".join(span.text.split()) for span in (opinion.target, opinion.expression) if span)
        said.append(f"{words} [{opinion.polarity}]")
    return "; ".join(said)
