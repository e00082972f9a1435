"""A consultation -> what the page shows and gives to take along: pure functions, no state, no gradio."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from apps.render import chip, extended_csv, folding_table, free_names, plural, quoted
from apps.render_opinions import percent
from tasks.core import files
from tasks.opinion_analysis.arguments import Argument
from tasks.opinion_analysis.consultation import Consultation, Share
from tasks.opinion_analysis.types import Label

NAMES = {"favor": "For", "against": "Against", "neutral": "Neutral"}
COLORS = {"favor": "#0a77c5", "against": "#c84c05", "neutral": "#6b7280"}  # of the bars too, in style.css
ALL = "all"
SHOWN = 50
SIMILAR_SHOWN = 10
LONGEST = 400  # characters of a quotation
HEADERS = ("Stance", "Contribution", "Score", "Row")
NOTE = (
    "In brackets: the 95 % interval, right if these people were drawn at random from all whom it concerns. It knows nothing of who "
    "chose to take part, and nothing of the texts that the model misreads: by its own scores, about {misread:,.0f} of these {total:,}."
)


def interval(share: Share) -> str:
    """The interval of a share, as "55–68 %"."""
    return f"{100 * share.low:.0f}–{100 * share.high:.0f} %"


def sentence(found: Consultation) -> str:
    """The result in words (Markdown; holds none of the user's text)."""
    favor, against, neutral = (f"{percent(each.share)} {NAMES[each.label].lower()}" for each in _shares(found))
    spans = [interval(each) for each in _shares(found)]
    words = (
        f"**{favor}** ({spans[0]}), **{against}** ({spans[1]}), {neutral} ({spans[2]}), of {plural(found.shares.total, 'contribution')}."
    )
    if blank := len(found.texts) - found.shares.total:
        words += f" {plural(blank, 'blank row')} {'is' if blank == 1 else 'are'} left out."
    if found.copies:
        words += f" {found.copies:,} of them {'is a copy' if found.copies == 1 else 'are copies'} of another, word for word."
    words = words.replace("<", "under ").replace(">", "over ")  # bold words can't begin with these in Markdown
    return words.replace(" %", "\u00a0%")  # a number and its unit stay on one line


def _shares(found: Consultation) -> tuple[Share, Share, Share]:
    return found.shares.favor, found.shares.against, found.shares.neutral


def bars(found: Consultation) -> str:
    """A bar a stance with a whisker for its interval; the numbers stand beside it, so that nothing is told by colour alone."""
    lines = []
    for share in _shares(found):
        whisker = f'<i style="left:{100 * share.low:.2f}%;width:{100 * (share.high - share.low):.2f}%"></i>'
        lines.append(
            f'<li class="{share.label}"><b>{NAMES[share.label]}</b>'
            f'<span class="track" aria-hidden="true"><span style="width:{100 * share.share:.2f}%"></span>{whisker}</span>'
            f"<span><b>{html.escape(percent(share.share))}</b> ({interval(share)}) · {share.count:,} of {found.shares.total:,}</span></li>"
        )
    note = NOTE.format(misread=found.misread, total=found.shares.total)
    title = f"<p>On “{html.escape(found.proposal.strip())}”</p>"
    return f'<div class="shares">{title}<ul aria-label="Shares with their 95 % intervals">{"".join(lines)}</ul><small>{note}</small></div>'


def arguments(found: Consultation, side: str) -> str:
    """The strongest arguments of a side as quotations, each with who else says nearly the same; all text is escaped."""
    chosen = found.favor if side == "favor" else found.against
    items = [f"<li>{_quotation(argument, found.texts)}</li>" for argument in chosen]
    told = f"<ol>{''.join(items)}</ol>" if items else "<p>No contribution on this side says why.</p>"
    return f'<div class="arguments {side}"><h3>Strongest arguments {NAMES[side].lower()}</h3>{told}</div>'


def _quotation(argument: Argument, texts: Sequence[str]) -> str:
    words = f'<blockquote translate="no">{html.escape(shortened(argument.text))}</blockquote>'
    source = f"row {argument.index + 1:,}, score {argument.score:.2f}"
    if not argument.similar:
        return f"{words}<small>Said once · {source}</small>"
    others = [f"<li>{quoted(shortened(texts[index]))}</li>" for index in argument.similar[:SIMILAR_SHOWN]]
    if rest := len(argument.similar) - SIMILAR_SHOWN:
        others += [f"<li>… and {rest:,} more</li>"] if rest > 0 else []
    count = plural(len(argument.similar), "similar contribution")
    return f"{words}<details><summary>{count} · {source}</summary><ul>{''.join(others)}</ul></details>"


def shortened(text: str) -> str:
    """The text in one line; cut at a word where it is long, which the table and the downloads never are."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[:LONGEST].rsplit(" ", 1)[0] + " …"


def choices(found: Consultation) -> list[tuple[str, str]]:
    """The filter's choices, each with its count."""
    return [(f"All ({found.shares.total:,})", ALL)] + [(f"{NAMES[share.label]} ({share.count:,})", share.label) for share in _shares(found)]


def table(found: Consultation, stance: str) -> str:
    """The surest contributions of a stance (of all, where it is ``ALL``); every cell is escaped."""
    told = [(number, text, label) for number, (text, label) in enumerate(zip(found.texts, found.stances, strict=True), 1) if label]
    chosen = sorted((row for row in told if stance in (ALL, row[2].label)), key=lambda row: -row[2].score)
    caption = "Contributions, the surest first"
    if len(chosen) > SHOWN:
        caption += f": {SHOWN} of {len(chosen):,}, the downloads hold all"
    rows = [
        [chip(NAMES[label.label], COLORS[label.label]), quoted(text), f"{label.score:.2f}", f"{number:,}"]
        for number, text, label in chosen[:SHOWN]
    ]
    return folding_table(HEADERS, rows, caption)


def report(found: Consultation) -> dict[str, Any]:
    """The shares and arguments as plain data: what a client of the endpoint gets. Rows are counted from 0."""
    shares = {share.label: {"count": share.count, "share": share.share, "low": share.low, "high": share.high} for share in _shares(found)}
    sides = {"favor": [each.to_dict() for each in found.favor], "against": [each.to_dict() for each in found.against]}
    counts = {"contributions": found.shares.total, "blank": len(found.texts) - found.shares.total, "copies": found.copies}
    counts["misread"] = round(found.misread)
    return {"proposal": found.proposal, **counts, "shares": shares, "arguments": sides}


def stances_csv(rows: Sequence[Mapping[str, Any]], stances: Sequence[Label | None]) -> str:
    """The user's columns and, after them, ``stance`` and ``score``; blank for blank rows, and no cell runs as a formula."""
    scores = [f"{label.score:.4f}" if label else None for label in stances]
    return extended_csv(rows, {"stance": [label.label if label else None for label in stances], "score": scores})


def stances_jsonl(rows: Sequence[Mapping[str, Any]], stances: Sequence[Label | None]) -> str:
    """The user's rows with ``stance`` and ``score``, null for blank rows, a JSON object a line."""
    stance, score = free_names(rows, ("stance", "score"))
    lines = []
    for row, label in zip(rows, stances, strict=True):
        added = {stance: label.label if label else None, score: round(label.score, 4) if label else None}
        lines.append(files.to_json({**row, **added}) + "\n")
    return "".join(lines)
