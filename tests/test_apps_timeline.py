"""Times and bursts of messages: how they are read, binned and tested."""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps import timeline


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2026-03-14 06:04", datetime(2026, 3, 14, 6, 4)),
        ("2026-03-14T06:04:05Z", datetime(2026, 3, 14, 6, 4, 5)),
        ("2026-03-14T06:04:05+02:00", datetime(2026, 3, 14, 4, 4, 5)),
        ("Sat Mar 14 06:04:05 +0000 2026", datetime(2026, 3, 14, 6, 4, 5)),
        ("14/03/2026 06:04", datetime(2026, 3, 14, 6, 4)),
        (1773468245, datetime(2026, 3, 14, 6, 4, 5)),
        ("1773468245000", datetime(2026, 3, 14, 6, 4, 5)),
        (datetime(2026, 3, 14), datetime(2026, 3, 14)),
        ("0001-01-01T00:00+14:00", datetime(1, 1, 1)),
        ("soon", None),
        ("", None),
        (None, None),
        (float("nan"), None),
        ("inf", None),
        ("1e300", None),
    ],
)
def test_times_are_read(cell: Any, moment: datetime | None) -> None:
    assert timeline.parse_time(cell) == moment


def test_a_missing_time_of_a_data_frame_is_none() -> None:
    import pandas

    assert timeline.parse_time(pandas.NaT) is None
    assert type(timeline.parse_time(pandas.Timestamp("2026-03-14 06:04"))) is datetime


@given(st.lists(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)), min_size=1, max_size=30))
def test_bins_hold_every_message(moments: list[datetime]) -> None:
    made = timeline.build_timeline(moments, ["a"] * len(moments))
    assert made is not None
    assert len(made.starts) <= timeline.MAX_BINS
    assert sum(made.counts["a"]) == len(moments)
    assert len(set(made.labels)) == len(made.labels)  # the axis is nominal: equal labels would share a bar
    assert made.starts[0] <= min(moments)


def test_no_message_has_no_timeline() -> None:
    assert timeline.build_timeline([], []) is None


def test_bins_begin_at_round_times() -> None:
    start = datetime(2026, 3, 14, 6, 4)
    hours = timeline.build_timeline([start, start + timedelta(hours=7)], ["a", "a"])
    days = timeline.build_timeline([start, start + timedelta(days=9)], ["a", "a"])
    weeks = timeline.build_timeline([start, start + timedelta(days=100)], ["a", "a"])
    assert hours is not None and (hours.labels[0], hours.labels[1]) == ("06:00", "06:30")
    assert days is not None and (days.labels[0], days.labels[1]) == ("14 Mar 00:00", "14 Mar 12:00")
    assert weeks is not None and weeks.starts[0].weekday() == 0


@pytest.mark.parametrize(("count", "rate"), [(1, 0.5), (5, 0.5), (12, 4.0), (30, 20.0), (1200, 1000.0)])
def test_the_poisson_tail_is_right(count: int, rate: float) -> None:
    below = sum(math.exp(k * math.log(rate) - rate - math.lgamma(k + 1)) for k in range(count))
    assert timeline.poisson_tail(count, rate) == pytest.approx(1 - below, abs=1e-9)


def test_a_planted_burst_is_found_and_adjacent_bins_are_joined() -> None:
    start = datetime(2026, 3, 14)
    steady = [start + timedelta(minutes=30 * i + 10 * j) for i in range(20) for j in range(2)]
    rush = [start + timedelta(hours=5, minutes=m) for m in range(0, 60, 2)]
    made = timeline.build_timeline(steady + rush, ["calm"] * 20 + ["loud"] * 20 + ["loud"] * 30)
    assert made is not None
    assert [(b.type, b.start, b.end) for b in made.bursts] == [("loud", start + timedelta(hours=5), start + timedelta(hours=6))]


def test_a_steady_stream_has_no_bursts() -> None:
    draw = random.Random(5)
    start = datetime(2026, 3, 14)
    found = 0
    for _ in range(50):
        moments = sorted(start + timedelta(seconds=draw.random() * 12 * 3600) for _ in range(200))
        made = timeline.build_timeline(moments, [draw.choice("abc") for _ in moments])
        assert made is not None
        found += len(made.bursts)
    assert found <= 5
