"""Results -> payloads of the page's components: pure functions, no state, no gradio."""

from __future__ import annotations

import colorsys
import csv
import functools
import hashlib
import html
import io
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.core.errors import InputError
from tasks.event_detection.types import Event, EventResult

Labels = list[str] | dict[str, str] | None
Segment = tuple[str, str | float | None]  # gradio's own type; a float never occurs

NOTHING = "Reports nothing"
NEUTRAL = "#6b7280"
KEPT = ' translate="no"'  # of an element whose text is not the page's own
TABLE_HEADERS = ["Type", "Trigger", "Score", "Start", "End"]

# The salt keeps the six types of the disaster monitor apart on the colour circle.
_SALT = "quipu-5112"
# Relative luminance of every colour: 4.6:1 against white (a label's text) and above 3:1 against the dark page (a bar).
_LUMINANCE = 0.175


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` (WCAG 2.2, "relative luminance")."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _hex(hue: float, lightness: float, saturation: float) -> str:
    return "#" + "".join(f"{round(255 * c):02x}" for c in colorsys.hls_to_rgb(hue, lightness, saturation))


@functools.lru_cache(maxsize=4096)
def color_of(name: str) -> str:
    """The colour of a type, a function of its name alone, legible under white text and on both pages."""
    if name == NOTHING:
        return NEUTRAL
    digest = hashlib.sha256((_SALT + name.strip().casefold()).encode()).digest()
    hue, saturation = int.from_bytes(digest[:2], "big") / 65536, 0.5 + 0.35 * digest[2] / 255
    low, high = 0.0, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if luminance(_hex(hue, middle, saturation)) < _LUMINANCE else (low, middle)
    return _hex(hue, low, saturation)


def colors(names: Sequence[str]) -> dict[str, str]:
    """Type -> colour."""
    return {name: color_of(name) for name in names}


def parse_labels(text: str | None) -> Labels:
    """The user's own types: one a line, "name: description", or several a line, separated by commas.

    A description reaches to the end of its line, so that it may hold commas. None where the box is blank.
    Raises ``InputError`` where a type is named twice.
    """
    pairs: list[tuple[str, str]] = []
    for line in (text or "").splitlines():
        names, _, description = line.partition(":")
        *plain, last = names.split(",")
        pairs += [*((name.strip(), "") for name in plain), (last.strip(), description.strip())]
    pairs = [(name, description) for name, description in pairs if name]
    if not pairs:
        return None
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise InputError(f"The type {name!r} is there twice: name each type once.")
        seen.add(name)
    if any(description for _, description in pairs):
        return dict(pairs)
    return [name for name, _ in pairs]


def readable(name: str) -> str:
    """A type's name as the page shows it: data sets write ``Cause_to_be_included``."""
    return name.replace("_", " ").strip() or name


def _disjoint(events: Sequence[Event]) -> list[Event]:
    """Events with triggers, in text order; where two overlap the higher score stays."""
    kept: list[Event] = []
    for event in sorted((e for e in events if e.trigger), key=lambda e: (-e.score, e.trigger.start if e.trigger else 0)):
        span = event.trigger
        if span and all(span.end <= other.trigger.start or other.trigger.end <= span.start for other in kept if other.trigger):
            kept.append(event)
    return sorted(kept, key=lambda e: e.trigger.start if e.trigger else 0)


def segments(result: EventResult) -> list[Segment]:
    """The text cut into (piece, type or None); the pieces joined are the text again."""
    pieces: list[Segment] = []
    position = 0
    for event in _disjoint(result.events):
        span = event.trigger
        if span is None:
            continue
        pieces += [(result.text[position : span.start], None), (span.text, readable(event.type))]
        position = span.end
    pieces.append((result.text[position:], None))
    return [piece for piece in pieces if piece[0]]


def marked(result: EventResult) -> str:
    """The text as HTML, each word that tells of an event on its type's colour, and the type beside it."""
    pieces = []
    for piece, kind in segments(result):
        words = html.escape(piece)
        name = html.escape(str(kind))
        pieces.append(words if kind is None else f'<mark style="--tone:{color_of(str(kind))}">{words} <b>{name}</b></mark>')
    said = "".join(pieces) if result.events else f"{html.escape(result.text)} <i>(no event found)</i>"
    return f'<p class="told-events">{said}</p>'


def table(result: EventResult) -> list[list[Any]]:
    """One row an event, under ``TABLE_HEADERS``; nothing is left out where triggers overlap."""
    rows: list[list[Any]] = []
    for event in result.events:
        span = event.trigger
        place = [span.start, span.end] if span else [None, None]
        rows.append([readable(event.type), span.text if span else "", round(event.score, 3), *place])
    return rows


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def summary(result: EventResult) -> str:
    """What was found, in a sentence (Markdown; holds none of the user's text)."""
    if not result.text.strip():
        return "There is no text yet: type or paste some above, or press one of the examples."
    unread = result.coverage.total - result.coverage.read
    note = f" {plural(unread, 'character')} of {result.coverage.total:,} could not be read." if unread else ""
    if not result.events:
        return "**No event found.** Lower the threshold, or name the types you look for." + note
    types = len({event.type for event in result.events})
    return f"**{plural(len(result.events), 'event')}** of {plural(types, 'type')}." + note


def chart(columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """The payload of a native bar plot: ``columns`` is name -> ``"nominal"`` or ``"quantitative"``.

    Made by hand because it needs no pandas, and because a data frame's times would be shifted to the visitor's zone.
    """
    return {"columns": list(columns), "data": [list(row) for row in rows], "datatypes": dict(columns), "mark": "bar"}


def time_chart(labels: Sequence[str], counts: Mapping[str, Sequence[int]], kind: str, noun: str) -> dict[str, Any]:
    """The payload of stacked bars: how many of each kind in each bin of time; columns ``time``, ``kind`` and ``noun``."""
    rows = [[label, name, row[i]] for i, label in enumerate(labels) for name, row in counts.items()]
    return chart({"time": "nominal", kind: "nominal", noun: "quantitative"}, rows)


def html_table(headers: Sequence[str], rows: Sequence[Sequence[Any]], caption: str, ours: bool = False) -> str:
    """A table whose first cell is a type, as a chip of its colour; on a phone each row folds into a card. ``ours``: whether the
    other cells are the page's own words.

    Every cell is escaped: messages come from strangers, and HTML in them must stay text.
    """
    written = html.escape if ours else quoted
    cells = [[chip(str(kind), color_of(str(kind)), kind == NOTHING), *(written(str(cell)) for cell in others)] for kind, *others in rows]
    return folding_table(headers, cells, caption)


def quoted(words: str) -> str:
    """A visitor's or a model's ``words`` as HTML that no language of the page changes."""
    return f'<span translate="no">{html.escape(words)}</span>'


def chip(words: str, colour: str, ours: bool = True) -> str:
    """``words`` in white on ``colour``, as HTML; ``ours``: whether they are the page's own."""
    return f'<span class="chip" style="background:{colour}"{"" if ours else KEPT}>{html.escape(words)}</span>'


def folding_table(headers: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    """A table of cells that are HTML already, so their maker has escaped them; on a phone each row folds into a card."""
    names = [html.escape(name) for name in headers]
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    lines = []
    for first, *others in rows:
        cells = "".join(f'<td data-label="{name}">{cell}</td>' for name, cell in zip(names[1:], others, strict=True))
        lines.append(f"<tr><td>{first}</td>{cells}</tr>")
    top = f"<caption>{html.escape(caption)}</caption>"
    return f'<table class="folding">{top}<thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table>'


def safe_cell(value: Any) -> Any:
    """A cell that a spreadsheet won't run as a formula (OWASP, "CSV Injection"): a quote before = + - @, numbers untouched."""
    if not isinstance(value, str) or not value.lstrip().startswith(("=", "+", "-", "@")):
        return value
    try:
        float(value)
    except ValueError:
        return "'" + value
    return value


def free_names(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """``names``, each with as many underscores after it as none of the rows' columns has."""
    taken = {key for row in rows for key in row}
    free: list[str] = []
    for name in names:
        while name in taken:
            name += "_"
        free.append(name)
    return free


def extended_csv(rows: Sequence[Mapping[str, Any]], added: Mapping[str, Sequence[Any]]) -> str:
    """The user's columns and, after them, those of ``added`` (name -> a cell a row; renamed where the name is taken)."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([safe_cell(column) for column in columns] + free_names(rows, list(added)))
    for row, *cells in zip(rows, *added.values(), strict=True):
        values = [*(row.get(column) for column in columns), *cells]
        writer.writerow(["" if value is None else safe_cell(value) for value in values])
    return out.getvalue()


def labelled_csv(rows: Sequence[Mapping[str, Any]], labels: Sequence[tuple[str, float | None]]) -> str:
    """The user's columns and, after them, ``event_type`` and ``score`` (an underscore more where those are taken)."""
    scores = [None if score is None else f"{score:.4f}" for _, score in labels]
    return extended_csv(rows, {"event_type": [kind for kind, _ in labels], "score": scores})
