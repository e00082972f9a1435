"""Counts over time, and the bins where a type bursts: pure functions over naive times."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any

MAX_BINS = 24  # what fits a phone with a readable label each
MIN_BINS = 6  # fewer say nothing about what is usual
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_STEPS = (
    [_MINUTE * m for m in (1, 2, 5, 10, 15, 30)] + [_HOUR * h for h in (1, 2, 3, 6, 12)] + [_DAY * d for d in (1, 2, 7, 14, 28, 91, 364)]
)
_FORMATS = ("%a %b %d %H:%M:%S %z %Y", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%Y/%m/%d %H:%M")

# A type's usual count in a bin is taken as at least this, so that two messages in a silent stream are no burst.
_FLOOR = 0.5
# With 24 bins of 6 types, chance alone passes this level about once in seven files.
_TAIL = 0.001


@dataclass(frozen=True, slots=True)
class Burst:
    """A run of bins in which a type was reported far more often than usual."""

    type: str
    start: datetime
    end: datetime
    count: int
    usual: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """Bins of equal width, their labels, the counts of each type in each, and the bursts."""

    starts: tuple[datetime, ...]
    labels: tuple[str, ...]
    counts: dict[str, tuple[int, ...]]
    bursts: tuple[Burst, ...]


def parse_time(value: Any) -> datetime | None:
    """A moment from a cell, None where there is none: ISO 8601, seconds since 1970, Twitter's format, or day first.

    A time with a zone becomes UTC; one without stays as it is written.
    """
    text = value.isoformat() if isinstance(value, date) else str(value if value is not None else "")
    moment = _parse_text(text.strip())
    if moment is None or moment.tzinfo is None:
        return moment
    try:
        return moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:  # the first and the last day of the calendar
        return moment.replace(tzinfo=None)


def _parse_text(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for form in _FORMATS:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    try:
        seconds = float(text)
        return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def choose_step(first: datetime, last: datetime) -> timedelta:
    """The narrowest of the round widths (a minute to a year) that needs at most ``MAX_BINS`` bins."""
    for seconds in _STEPS:
        step = timedelta(seconds=seconds)
        if _floor(last, step) - _floor(first, step) < MAX_BINS * step:
            return step
    return timedelta(days=math.ceil((last - first).days / (MAX_BINS - 1)))


def _floor(moment: datetime, step: timedelta) -> datetime:
    """The start of the bin; counted from a Monday at midnight, so that days and weeks begin where people expect it."""
    return moment - (moment - datetime.min) % step


def _labels(starts: Sequence[datetime], step: timedelta) -> tuple[str, ...]:
    if step < timedelta(days=1):
        form = "%H:%M" if starts[0].date() == starts[-1].date() else "%d %b %H:%M"
    else:
        form = "%d %b" if starts[0].year == starts[-1].year else "%d %b %Y"
    return tuple(start.strftime(form) for start in starts)


def poisson_tail(count: int, rate: float) -> float:
    """P(X >= ``count``) for a Poisson variable X of mean ``rate``; exact enough for ``count`` above ``rate``, else 1."""
    if count <= rate:
        return 1.0
    term = math.exp(count * math.log(rate) - rate - math.lgamma(count + 1))
    total = 0.0
    while term > 1e-12 * total:
        total += term
        count += 1
        term *= rate / count
    return total


def is_burst(count: int, counts: Sequence[int]) -> bool:
    """Whether ``count`` stands out among a type's ``counts``, one for each bin.

    Kleinberg ("Bursty and hierarchical structure in streams", KDD 2002) models a stream as an automaton that emits
    faster in its burst states. A page needs less, and needs it explainable, so here a bin bursts when it passes two
    tests against the type's own usual rate, the median bin: its count is improbable for a Poisson stream of that rate
    (tail below 0.001), and lies above the median by three scaled median absolute deviations, which keeps streams that
    are restless by nature quiet (Leys et al., "Detecting outliers", 2013).
    """
    usual = median(counts)
    spread = 1.4826 * median(abs(c - usual) for c in counts)
    return count > usual + 3 * spread and poisson_tail(count, max(float(usual), _FLOOR)) < _TAIL


def _bursts(kind: str, counts: Sequence[int], starts: Sequence[datetime], step: timedelta) -> list[Burst]:
    if len(counts) < MIN_BINS:
        return []
    usual = float(median(counts))
    found: list[Burst] = []
    for start, count in zip(starts, counts, strict=True):
        if not is_burst(count, counts):
            continue
        if found and found[-1].end == start:
            last = found.pop()
            found.append(Burst(kind, last.start, start + step, last.count + count, usual))
        else:
            found.append(Burst(kind, start, start + step, count, usual))
    return found


def build_timeline(moments: Sequence[datetime], types: Sequence[str]) -> Timeline | None:
    """Count ``types`` (parallel to ``moments``) in bins whose width follows the span; None without a moment."""
    if not moments:
        return None
    first, last = min(moments), max(moments)
    step = choose_step(first, last)
    begin = _floor(first, step)
    size = (_floor(last, step) - begin) // step + 1
    starts = [begin + i * step for i in range(size)]
    tally = Counter((kind, (moment - begin) // step) for moment, kind in zip(moments, types, strict=True))
    counts = {kind: tuple(tally[kind, i] for i in range(size)) for kind in dict.fromkeys(types)}
    bursts = [burst for kind, row in counts.items() for burst in _bursts(kind, row, starts, step)]
    return Timeline(tuple(starts), _labels(starts, step), counts, tuple(sorted(bursts, key=lambda b: b.start)))
