"""What happened when, in bounded memory: the longer a run, the longer the spans that are told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

ROOM = 600
"""Spans that are told apart, at most."""

_WIDTHS = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 14_400, 28_800, 86_400)
"""Lengths of a span in seconds; each is a multiple of the one before it. Then they double."""


@dataclass(slots=True)
class Range:
    """Some values: how many, their sum, the smallest and the largest."""

    count: int = 0
    total: float = 0.0
    least: float = 0.0
    most: float = 0.0

    def add(self, value: float) -> None:
        """Take in a value."""
        self.merge(Range(1, value, value, value))

    def merge(self, other: Range) -> None:
        """Take in the values of another."""
        if not other.count:
            return
        self.least = min(self.least, other.least) if self.count else other.least
        self.most = max(self.most, other.most)
        self.count += other.count
        self.total += other.total

    @property
    def mean(self) -> float:
        """Their mean; 0 where there are none."""
        return self.total / self.count if self.count else 0.0


@dataclass(slots=True)
class Span:
    """A span of a run's time.

    Attributes:
        rows: Records written in it; a write's are spread over the time that it took.
        seconds: How long the writes took that ended in it.
        sizes: How many records these had.
        marks: What else happened in it, by kind.
    """

    rows: float = 0.0
    seconds: Range = field(default_factory=Range)
    sizes: Range = field(default_factory=Range)
    marks: dict[str, int] = field(default_factory=dict)

    def merge(self, other: Span) -> None:
        """Take in what happened in another."""
        self.rows += other.rows
        self.seconds.merge(other.seconds)
        self.sizes.merge(other.sizes)
        for kind, number in other.marks.items():
            self.marks[kind] = self.marks.get(kind, 0) + number


class Timeline:
    """The spans of a run, one after the other from its beginning.

    Attributes:
        width: How long each is, in seconds.
        spans: They.
    """

    def __init__(self) -> None:
        self.width: float = _WIDTHS[0]
        self.spans: list[Span] = []

    def write(self, now: float, records: int, seconds: float) -> None:
        """Note a write that has ended at `now`, seconds after the beginning."""
        now, seconds = max(0.0, now), max(0.0, seconds)
        span = self._at(now)
        span.seconds.add(seconds)
        span.sizes.add(records)
        begin = min(max(0.0, now - seconds), now)
        first, last = int(begin / self.width), int(now / self.width)
        if first == last:
            span.rows += records
            return
        rate = records / (now - begin)
        for index in range(first, last + 1):
            start, stop = max(begin, index * self.width), min(now, (index + 1) * self.width)
            self._span(index).rows += rate * max(0.0, stop - start)

    def mark(self, now: float, kind: str) -> None:
        """Note that something happened, seconds after the beginning."""
        marks = self._at(max(0.0, now)).marks
        marks[kind] = marks.get(kind, 0) + 1

    def coarse(self, most: int, end: float) -> Timeline:
        """Return the timeline in as many spans as reach to `end`, so long that there are `most` at most."""
        other = Timeline()
        other.width = self.width
        other.spans = [Span() for _ in self.spans]
        for mine, theirs in zip(self.spans, other.spans, strict=True):
            theirs.merge(mine)
        while max(len(other.spans) * other.width, end) > most * other.width:
            other._widen()
        while len(other.spans) * other.width < end:
            other.spans.append(Span())
        return other

    def _at(self, now: float) -> Span:
        while int(now / self.width) >= ROOM:
            self._widen()
        return self._span(int(now / self.width))

    def _span(self, index: int) -> Span:
        while len(self.spans) <= index:
            self.spans.append(Span())
        return self.spans[index]

    def _widen(self) -> None:
        width = _wider(self.width)
        several = round(width / self.width)
        self.spans = [_merged(self.spans[at : at + several]) for at in range(0, len(self.spans), several)]
        self.width = width


def _merged(spans: Sequence[Span]) -> Span:
    whole = Span()
    for span in spans:
        whole.merge(span)
    return whole


def _wider(width: float) -> float:
    return next((longer for one, longer in pairwise(_WIDTHS) if one == width), width * 2)
