"""The span of a batch."""

from __future__ import annotations

from batchwright.contracts.events import BatchStarted
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

from batchwright_opentelemetry.target import Attributes
from batchwright_opentelemetry.text import OTHER, plain


class BatchSpan:
    """A batch, from its start to its end.

    Args:
        tracer: Makes the span.
        event: The event of its start.
        parent: The context of the run's span.
        database: Attributes of the database, by the conventions.
        start: When it began, in nanoseconds of Unix time.
    """

    def __init__(
        self, tracer: Tracer, event: BatchStarted, parent: Context, database: Attributes, start: int
    ) -> None:
        self._span = tracer.start_span(
            "batchwright.batch",
            context=parent,
            kind=SpanKind.CLIENT if database else SpanKind.INTERNAL,
            attributes={
                **database,
                "batchwright.batch.index": event.batch_index,
                "batchwright.writer": event.writer,
            },
            start_time=start,
        )
        self._records = self._size = self._writes = self._retries = 0
        self._error: tuple[str, str] | None = None
        self.start = self._last = start

    def written(self, *, records: int, size: int, now: int) -> None:
        """Note that the batch, or a part of it, is committed."""
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
        """Note why it can't be stored."""
        self._error = message, error_type

    def end(self, state: str, end: int) -> None:
        """End the span; `state` is stored, failed or stopped."""
        if state == "failed":
            message, error_type = self._error or ("", OTHER)
            self._span.set_attribute("error.type", error_type)
            self._span.set_status(Status(StatusCode.ERROR, plain(message)))
        self._span.set_attribute("batchwright.batch.state", plain(state))
        self._finish(end)

    def lose(self) -> None:
        """End the span with the last event of it, since no more will come."""
        self._finish(self._last)

    def _finish(self, end: int) -> None:
        self._span.set_attributes(
            {
                "batchwright.batch.records": self._records,
                "batchwright.batch.size": self._size,
                "batchwright.batch.writes": self._writes,
                "batchwright.batch.retries": self._retries,
            }
        )
        if self._records > 1:  # one operation is no batch, by the conventions
            self._span.set_attribute("db.operation.batch.size", self._records)
        self._span.end(end)
