"""Figures over time and for people."""

from __future__ import annotations

import pytest
from batchwright.plurals import size

from batchwright_report.axis import moments, vertical
from batchwright_report.numbers import duration, moment, round_duration, share
from batchwright_report.spread import Spread
from batchwright_report.timeline import ROOM, Timeline


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 ms"), (0.0004, "0.4 ms"), (0.0123, "12 ms"), (0.0999, "0.10 s"), (1.234, "1.23 s"),
        (9.996, "10.0 s"), (99.96, "1 min 40 s"), (185, "3 min 5 s"), (7_801, "2 h 10 min"),
        (360_000, "100 h 0 min"),
    ],
)  # fmt: skip
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "width", "said"),
    [
        (0, 1, "0"), (0.25, 0.05, "0.25 s"), (2.5, 0.5, "2.5 s"), (45, 5, "45 s"), (90, 30, "1:30"),
        (120, 60, "2 min"),        (3600, 600, "1 h"), (5400, 600, "1:30 h"), (3661, 1, "1:01:01"),
    ],
)  # fmt: skip
def test_moments_of_an_axis(seconds: float, width: float, said: str) -> None:
    assert moment(seconds, width) == said


def test_shares_never_say_all_or_nothing_where_it_is_not() -> None:
    assert share(1, 3) == "33.3 %"
    assert share(3, 3) == "100 %"
    assert share(1, 10**6) == "< 0.1 %"
    assert share(10**6 - 1, 10**6) == "> 99.9 %"
    assert share(0, 0) == ""


def test_sizes_and_ticks() -> None:
    assert [size(n) for n in (8, 8_192, 1.6e9)] == ["8 B", "8.2 kB", "1.6 GB"]
    assert [round_duration(s) for s in (0.05, 1, 300, 7200)] == ["50 ms", "1 s", "5 min", "2 h"]


@pytest.mark.parametrize("end", [0.01, 0.5, 3, 61, 599, 5_000, 90_000, 1e7])
def test_an_axis_of_time_has_a_few_ticks(end: float) -> None:
    ticks = moments(end)
    assert 2 <= len(ticks) <= 7
    assert ticks[0] == 0
    assert ticks[-1] <= end


def test_an_axis_reaches_all_values_and_is_logarithmic_for_outliers_only() -> None:
    plain = vertical(0.04, 0.06, 0.08)
    assert not plain.is_log
    assert plain.ticks() == (0, pytest.approx(0.04), pytest.approx(0.08))
    assert plain.place(0) == 0
    assert plain.place(0.08) == pytest.approx(100)
    uneven = vertical(0.004, 0.01, 60)
    assert uneven.is_log
    assert uneven.low == pytest.approx(0.001)
    assert uneven.high == 100
    assert uneven.place(60) > uneven.place(0.01) > uneven.place(0.004) > 0
    assert vertical(0, 0, 0).high == 1


def test_a_timeline_loses_nothing_however_long_the_run() -> None:
    for gap in (0.003, 0.7, 45.0, 9_000.0):
        timeline = Timeline()
        for number in range(1, 1_001):
            timeline.write(number * gap, 10, gap * 1.7)
            if number % 10 == 0:
                timeline.mark(number * gap, "retries")
        assert len(timeline.spans) <= ROOM
        for one in (timeline, timeline.coarse(100, 1_000 * gap)):
            assert sum(span.rows for span in one.spans) == pytest.approx(10_000)
            assert sum(span.seconds.count for span in one.spans) == 1_000
            assert max(span.seconds.most for span in one.spans) == gap * 1.7
            assert sum(span.marks.get("retries", 0) for span in one.spans) == 100
        assert 20 <= len(timeline.coarse(100, 1_000 * gap).spans) <= 100


def test_a_slow_write_is_spread_over_the_time_that_it_took() -> None:
    timeline = Timeline()
    timeline.write(10.0, 1_000, 8.0)
    coarse = timeline.coarse(20, 10.0)
    assert coarse.width == 1
    assert [round(span.rows) for span in coarse.spans] == [0, 0, *[125] * 8, 0]
    assert [span.seconds.count for span in coarse.spans] == [*[0] * 10, 1]


def test_a_spread_is_about_right() -> None:
    spread = Spread()
    for number in range(1, 1_001):
        spread.add(number / 100)
    assert spread.quantile(0.5) == pytest.approx(5, rel=0.05)
    assert spread.quantile(0.95) == pytest.approx(9.5, rel=0.05)
    assert spread.quantile(1) == pytest.approx(10, rel=0.05)
    assert (spread.least, spread.most) == (0.01, 10)
    assert Spread().quantile(0.5) == 0
