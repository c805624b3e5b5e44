"""How fast a run was: the charts, the same as a table, and the batches that took longest."""

from __future__ import annotations

from batchwright.plurals import counted

from batchwright_report.batches import SHOWN, Batch
from batchwright_report.chart import Charts, rows_of
from batchwright_report.markup import Column, details, number, section, table, wide
from batchwright_report.numbers import count, duration
from batchwright_report.story import Story
from batchwright_report.text import code

_ROWS = 30


def over_time(story: Story) -> str:
    """Return the charts; nothing where nothing was written and nothing went wrong."""
    drawn = "".join(Charts(story).html())
    if not drawn:
        return ""
    legend = ""
    if story.outages:
        legend += '<span><i class="key-down"></i>outage: the target was down</span>'
    if story.stop is not None:
        legend += '<span><i class="key-stop"></i>the run was asked to stop</span>'
    legend = f'<p class="legend">{legend}</p>' if legend else ""
    return section("time", "Over time", legend, drawn, _as_table(story))


def _as_table(story: Story) -> str:
    names = ("Begins at", "Records a second", "Writes", "Mean write", "Slowest write", "Records a write")
    kinds = [
        kind
        for kind in ("retries", "splits", "rejects", "failed batches")
        if any(kind in span.marks for span in story.timeline.spans)
    ]
    columns = [number(name) for name in (*names, *(kind.capitalize() for kind in kinds))]
    timeline = story.timeline.coarse(_ROWS, story.seconds)
    rows = [
        (
            begins,
            count(span.rows / timeline.width),
            count(span.seconds.count),
            duration(span.seconds.mean) if span.seconds.count else "",
            duration(span.seconds.most) if span.seconds.count else "",
            count(span.sizes.mean) if span.seconds.count else "",
            *(count(span.marks.get(kind, 0)) for kind in kinds),
        )
        for begins, span in rows_of(timeline)
    ]
    inner = table("What happened when", columns, rows, hidden=True)
    return details("The same as a table", inner)


def slowest(story: Story) -> str:
    """Return the batches that took longest; nothing where none has ended."""
    found = story.slowest.found()
    columns = [number("Batch"), number("Took"), number("Began after"), number("Records"), number("Writes")]
    columns += [number("Retries"), Column("Ended"), wide("Documents")]
    rows = [
        (
            count(batch.index),
            duration(batch.seconds),
            "" if batch.began is None else duration(batch.began),
            count(batch.records),
            count(batch.writes),
            count(batch.retries),
            batch.state,
            _documents(batch),
        )
        for batch in found
    ]
    if not rows:
        return ""
    told = (
        f"<p>The {SHOWN} that took longest, from the beginning of their first write to their end, waits "
        "included. How long one document took is not measured.</p>"
    )
    return section("slowest", "Slowest batches", told, table("Slowest batches", columns, rows, hidden=True))


def _documents(batch: Batch) -> str:
    if not batch.documents:
        return ""
    if batch.documents == 1 or batch.first == batch.last:
        return code(batch.first)
    return (
        f"{code(batch.first)} to {code(batch.last)} <small>({counted(batch.documents, 'document')})</small>"
    )
