"""What happens in a run, as events, and what the spans of it show."""

from __future__ import annotations

import time

from batchwright import Account, RecordCounts
from batchwright.contracts import events
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan

STARTED = events.RunStarted("r1", "docs", "postgresql://me:***@db.example:5433/kb?sslmode=require", "docs")
FINISHED = events.RunFinished("r1", "done", Account(RecordCounts(written=3), records_seen=3))


def batch(
    index: int = 0, records: int = 3, writer: int = 0, seconds: float = 0.1, started: float = 0.0
) -> list[events.Event]:
    """The events of a batch that goes well."""
    return [
        events.BatchStarted(index, records, started or time.time(), writer),
        events.BatchWritten(index, records, records * 10, seconds, writer=writer),
        events.BatchFinished(index, "stored", seconds, writer),
    ]


def names(span: ReadableSpan) -> list[str]:
    return [event.name for event in span.events]


def context(span: ReadableSpan) -> trace.SpanContext:
    found = span.get_span_context()
    assert found is not None
    return found
