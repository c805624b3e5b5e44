"""Charts over a run's time, as SVG that stretches to any width; their words are HTML, and stay readable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from batchwright.plurals import counted

from batchwright_report.axis import Axis, moments, vertical
from batchwright_report.numbers import THINGS, TIME, Unit, count, duration, moment, round_duration
from batchwright_report.story import Story
from batchwright_report.timeline import Range, Span, Timeline

BARS = 120
"""Spans of time that a chart tells apart, at most."""

_WIDE = 1000
_MARKS = ("retries", "splits", "rejects", "failed batches")


class Charts:
    """The charts of a run. They have the same axis of time.

    Args:
        story: The run.
    """

    def __init__(self, story: Story) -> None:
        self._story = story
        self.timeline = story.timeline.coarse(BARS, story.seconds)
        self._end = max(len(self.timeline.spans) * self.timeline.width, self.timeline.width)

    def html(self) -> Iterator[str]:
        """Yield them."""
        width = self.timeline.width
        rates = [span.rows / width for span in self.timeline.spans]
        if not self._story.writes.count and not any(span.marks for span in self.timeline.spans):
            return
        if self._story.writes.count:
            yield self._panel("Records a second", self._said_rates(rates), self._bars(rates), THINGS)
            yield self._ranges("Seconds a write", [s.seconds for s in self.timeline.spans], TIME)
            yield self._ranges("Records a write", [s.sizes for s in self.timeline.spans], THINGS)
        strips = [self._strip(kind) for kind in _MARKS if self._total(kind)]
        if self._story.outages:
            strips.append(self._outage_strip())
        if strips:
            yield f'<div class="strips">{"".join(strips)}{self._times()}</div>'

    # --- one chart --------------------------------------------------------------------------------

    def _bars(self, rates: Sequence[float]) -> tuple[Axis, str, list[str]]:
        axis = vertical(0.0, 0.0, max(rates, default=0.0))
        step = self._x(self.timeline.width)
        shape = "".join(
            f"M{self._x(at * self.timeline.width):.2f} 100v{-axis.place(rate):.2f}h{step * 0.92:.2f}V100z"
            for at, rate in enumerate(rates)
            if rate > 0
        )
        said = [f"{count(rate)} records a second" for rate in rates]
        return axis, f'<path class="rate" d="{shape}"/>', said

    def _ranges(self, title: str, ranges: Sequence[Range], unit: Unit) -> str:
        """Return a chart of values that have a range in each span: the range as a line, its mean as a dot."""
        is_time, label = unit is TIME, unit.exact
        spread = self._story.writes if is_time else self._story.sizes
        usual, most = spread.quantile(0.5), max((one.most for one in ranges), default=0.0)
        axis = vertical(min((one.least for one in ranges if one.least > 0), default=0.0), usual, most)
        lines, dots, said = [], [], []
        for at, one in enumerate(ranges):
            if not one.count:
                said.append("no write ended")
                continue
            x = self._x((at + 0.5) * self.timeline.width)
            low, high = 100 - axis.place(one.least), 100 - axis.place(one.most)
            if low - high > 0.5:
                lines.append(f"M{x:.1f} {low:.1f}V{high:.1f}")
            dots.append(f"M{x:.1f} {100 - axis.place(one.mean):.1f}h0")
            span = "" if one.count == 1 else f", from {label(one.least)} to {label(one.most)}"
            said.append(f"{count(one.count)} writes, mean {label(one.mean)}{span}")
        shape = f'<path class="range" d="{"".join(lines)}"/><path class="dot" d="{"".join(dots)}"/>'
        summary = (
            f"{counted(spread.count, 'write')}: half up to {label(usual)}, 95 % up to "
            f"{label(spread.quantile(0.95))}, the {'slowest' if is_time else 'largest'} {label(spread.most)}."
        )
        if axis.is_log:
            summary += " Logarithmic scale."
        return self._panel(title, summary, (axis, shape, said), unit)

    def _panel(self, title: str, summary: str, drawn: tuple[Axis, str, list[str]], unit: Unit) -> str:
        axis, shape, said = drawn
        ticks = [tick for tick in axis.ticks() if unit.rounded(tick)]
        grid = "".join(f"M0 {100 - axis.place(tick):.1f}H{_WIDE}" for tick in ticks)
        labels = "".join(
            f'<span style="bottom:{axis.place(tick):.1f}%">{unit.rounded(tick) if tick else "0"}</span>'
            for tick in ticks
        )
        return (
            f'<figure class="panel"><figcaption><h3>{title}</h3><p>{summary}</p></figcaption>'
            f'<div class="plot"><div class="y" aria-hidden="true">{labels}</div>'
            f'<svg viewBox="0 0 {_WIDE} 100" preserveAspectRatio="none" role="img" '
            f'aria-label="{title} over time. {summary}">'
            f'<path class="grid" d="{grid}"/>{self._shades()}{shape}{self._tips(said)}</svg>'
            f"{self._times()}</div></figure>"
        )

    def _tips(self, said: Sequence[str]) -> str:
        """Return what is shown where the mouse points at."""
        step = self._x(self.timeline.width)
        return "".join(
            f'<rect class="tip" x="{at * step:.2f}" y="0" width="{step:.2f}" height="100">'
            f"<title>{self._span_name(at)}: {words}{self._marks_in(span)}</title></rect>"
            for at, (span, words) in enumerate(zip(self.timeline.spans, said, strict=True))
            if span.seconds.count or span.rows or span.marks
        )

    def _shades(self) -> str:
        """Return what is behind every chart: outages, and when it was asked to stop."""
        shades = [
            f'<rect class="down" x="{self._x(began):.2f}" y="0" '
            f'width="{max(self._x(ended - began), 2):.2f}" height="100"/>'
            for began, ended in self._outages()
        ]
        if self._story.stop is not None:
            shades.append(f'<path class="stop" d="M{self._x(self._story.stop[0]):.2f} 0V100"/>')
        return "".join(shades)

    # --- strips of marks --------------------------------------------------------------------------

    def _strip(self, kind: str) -> str:
        step = self._x(self.timeline.width)
        most = max(span.marks.get(kind, 0) for span in self.timeline.spans)
        marks = [
            _mark(
                at * step,
                step * 0.92,
                f"{self._span_name(at)}: {number:,} {kind}",
                opacity=0.45 + 0.55 * number / most,
            )
            for at, span in enumerate(self.timeline.spans)
            if (number := span.marks.get(kind, 0))
        ]
        return _strip(kind.capitalize(), count(self._total(kind)), marks, is_bad=kind == "failed batches")

    def _outage_strip(self) -> str:
        marks = [
            _mark(self._x(began), self._x(ended - began), f"down for {duration(ended - began)}")
            for began, ended in self._outages()
        ]
        said = f"{self._story.outages_count:,}, {duration(self._story.down_for)} in all"
        return _strip("Outages", said, marks)

    def _outages(self) -> Iterable[tuple[float, float]]:
        for outage in self._story.outages:
            yield outage.began, self._story.seconds if outage.ended is None else outage.ended

    # --- time -------------------------------------------------------------------------------------

    def _x(self, seconds: float) -> float:
        return _WIDE * seconds / self._end

    def _times(self) -> str:
        points = moments(self._end)
        step = points[1] - points[0]
        labels = "".join(
            f'<span style="left:{100 * point / self._end:.2f}%"{" class=odd" if at % 2 else ""}>'
            f"{moment(point, step)}</span>"
            for at, point in enumerate(points)
            if point <= self._end * 0.97 or len(points) == 2
        )
        return f'<div class="x" aria-hidden="true">{labels}</div>'

    def _span_name(self, at: int) -> str:
        width = self.timeline.width
        return f"{moment(at * width, width)} to {moment((at + 1) * width, width)}"

    def _marks_in(self, span: Span) -> str:
        return "".join(f", {number:,} {kind}" for kind, number in span.marks.items())

    def _total(self, kind: str) -> int:
        return sum(span.marks.get(kind, 0) for span in self.timeline.spans)

    def _said_rates(self, rates: Sequence[float]) -> str:
        busy = [rate for rate in rates if rate]
        width = round_duration(self.timeline.width)
        return f"A bar is {width}. The highest: {count(max(busy, default=0))}."


def _mark(x: float, width: float, said: str, opacity: float = 1.0) -> str:
    return (
        f'<rect class="mark" x="{x:.2f}" y="0" width="{max(width, 3):.2f}" height="10" '
        f'opacity="{opacity:.2f}"><title>{said}</title></rect>'
    )


def _strip(name: str, number: str, marks: Sequence[str], *, is_bad: bool = False) -> str:
    return (
        f'<div class="strip{" fatal" if is_bad else ""}"><p>{name} <b>{number}</b></p>'
        f'<svg viewBox="0 0 {_WIDE} 10" preserveAspectRatio="none" role="img" '
        f'aria-label="When: {name.lower()}, {number}">{"".join(marks)}</svg></div>'
    )


def rows_of(timeline: Timeline) -> Iterator[tuple[str, Span]]:
    """Yield the spans of a timeline in which something happened, each with when it begins."""
    for at, span in enumerate(timeline.spans):
        if span.seconds.count or span.rows or span.marks:
            yield moment(at * timeline.width, timeline.width), span
