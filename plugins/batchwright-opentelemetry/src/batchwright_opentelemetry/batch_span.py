"""The span of a batch."""

from __future__ import annotations

from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

from batchwright_opentelemetry.target import Attributes
from batchwright_opentelemetry.text import plain


class BatchSpan:
    """A batch, from the first that is heard of it to the last.

    Args:
        tracer: Makes the span.
        index: The batch's index.
        parent: The context of the run's span.
        database: What the conventions have to say of the database.
        start: When it began, in nanoseconds of Unix time.
    """

    def __init__(self, tracer: Tracer, index: int, parent: Context, database: Attributes, start: int) -> None:
        self._span = tracer.start_span(
            "batchwright.batch",
            context=parent,
            kind=SpanKind.CLIENT if database else SpanKind.INTERNAL,
            attributes={**database, "batchwright.batch.index": index},
            start_time=start,
        )
        self._records = self._size = self._writes = self._retries = 0
        self._last = start
        self.writer: int | None = None

    def written(self, *, writer: int, records: int, size: int, now: int) -> None:
        """Note that the batch, or a part of it, is committed."""
        self.writer = writer
        self._writes += 1
        self._records += records
        self._size += size
        self._last = now

    def note(self, name: str, attributes: Attributes, now: int) -> None:
        """Note something else that happened to it."""
        self._retries += name == "batchwright.retry"
        self._span.add_event(name, attributes, now)
        self._last = now

    def fail(self, message: str, error_type: str) -> None:
        """Note that it can't be stored."""
        self._span.set_attribute("error.type", error_type)
        self._span.set_status(Status(StatusCode.ERROR, plain(message)))

    def end(self) -> None:
        """End the span, with the last that was heard of it."""
        self._span.set_attributes(
            {
                "batchwright.batch.records": self._records,
                "batchwright.batch.size": self._size,
                "batchwright.batch.writes": self._writes,
                "batchwright.batch.retries": self._retries,
            }
        )
        if self.writer is not None:
            self._span.set_attribute("batchwright.writer", self.writer)
        if self._records > 1:  # one operation is no batch, by the conventions
            self._span.set_attribute("db.operation.batch.size", self._records)
        self._span.end(self._last)
