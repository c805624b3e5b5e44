"""The trace of a run: a span for it, one a batch, and events for what else happens."""

from __future__ import annotations

import time

from batchwright.contracts.events import (
    BatchFailed,
    BatchFinished,
    BatchRetrying,
    BatchSplit,
    BatchStarted,
    BatchWritten,
    ErrorClassified,
    Event,
    OutageEnded,
    OutageStarted,
    RecordRejected,
    RunFinished,
    RunNotStarted,
    RunStarted,
    StopRequested,
)
from batchwright.contracts.figures import figures_of
from opentelemetry.trace import Status, StatusCode, Tracer, set_span_in_context

from batchwright_opentelemetry.batch_span import BatchSpan
from batchwright_opentelemetry.parent import parent
from batchwright_opentelemetry.target import Attributes, database
from batchwright_opentelemetry.text import OTHER, plain

MOST_REJECTS = 50
"""Rejects that a run's span has as events, at most; a span has room for 128, and outages must not be lost."""

MOST_OPEN = 1_000
"""Batches without an end so far; there are never as many in flight."""


def record_not_started(tracer: Tracer, event: RunNotStarted, *, messages: bool) -> None:
    """Record the span of a run that did not begin: an error, and nothing in it."""
    span = tracer.start_span(
        "batchwright.run",
        context=parent(),
        attributes={
            **database(event.target),
            "batchwright.collection": plain(event.collection),
            "batchwright.source": plain(event.source),
            "batchwright.target": plain(event.target),
            "batchwright.run.state": "not_started",
            "batchwright.run.exit_code": event.exit_code,
            "error.type": plain(event.error_type) or OTHER,
        },
    )
    span.set_status(Status(StatusCode.ERROR, plain(event.reason) if messages else "the run did not begin"))
    span.end()


class RunTrace:
    """The spans of one run.

    No span is ever made current: events come from many threads, and a batch's parent is always the run.

    Args:
        tracer: Makes the spans.
        started: The event that began the run.
        batch_spans: Whether batches get spans.
        messages: Whether spans hold the messages of errors.
    """

    def __init__(self, tracer: Tracer, started: RunStarted, *, batch_spans: bool, messages: bool) -> None:
        self._tracer = tracer
        self._batch_spans = batch_spans
        self._messages = messages
        self._database = database(started.target)
        self._started = time.time_ns()
        above = parent()
        self._span = tracer.start_span(
            "batchwright.run",
            context=above,
            attributes={
                **self._database,
                "batchwright.run.id": plain(started.run_id),
                "batchwright.run.resumed": started.resumed,
                "batchwright.collection": plain(started.collection),
                "batchwright.source": plain(started.source),
                "batchwright.target": plain(started.target),
            },
            start_time=self._started,
        )
        self._context = set_span_in_context(self._span, above)
        self._batches: dict[int, BatchSpan] = {}
        self._rejects = 0

    def handle(self, event: Event) -> None:
        """Take an event in."""
        now = time.time_ns()
        match event:
            case BatchStarted():
                self._start_batch(event, now)
            case BatchWritten(batch_index=int(index)) if index in self._batches:
                self._batches[index].written(records=event.records, size=event.size, now=now)
            case BatchFinished() if event.batch_index in self._batches:
                batch = self._batches.pop(event.batch_index)
                batch.end(event.state, min(now, batch.start + round(event.seconds * 1e9)))
            case BatchRetrying():
                attributes = {
                    "batchwright.retry.attempt": event.attempt,
                    "batchwright.retry.wait": event.wait,
                    **self._error(event.error, event.error_type, event.decided_by, event.sqlstate),
                }
                self._note(event.batch_index, "batchwright.retry", attributes, now)
            case ErrorClassified(batch_index=None, action="skip" | "fail"):  # those of a batch come with it
                error = self._error(event.error, event.error_type, event.decided_by, event.sqlstate)
                self._span.add_event("exception", error, now)
            case BatchSplit():
                attributes = {"batchwright.split.records": event.records, **self._message(event.reason)}
                self._note(event.batch_index, "batchwright.split", attributes, now)
            case BatchFailed():
                self._failed(event, now)
            case RecordRejected():
                self._rejected(event, now)
            case OutageStarted():
                self._span.add_event("batchwright.outage.started", self._message(event.error), now)
            case OutageEnded():
                attributes = {"batchwright.outage.duration": event.seconds}
                self._span.add_event("batchwright.outage.ended", attributes, now)
            case StopRequested():
                attributes = {"batchwright.stop.reason": plain(event.reason)}
                self._span.add_event("batchwright.stop", attributes, now)
            case RunFinished():
                self._finish(event, now)
            case _:
                pass

    def abandon(self) -> None:
        """End the spans of a run that ended without an account."""
        self._end_batches()
        self._span.set_status(Status(StatusCode.ERROR, "the run ended without an account"))
        self._span.end()

    # --- batches ----------------------------------------------------------------------------------

    def _start_batch(self, event: BatchStarted, now: int) -> None:
        if not self._batch_spans:
            return
        lost = self._batches.pop(event.batch_index, None)  # a worker was killed, and another does it again
        if lost is None and len(self._batches) >= MOST_OPEN:
            lost = self._batches.pop(next(iter(self._batches)))
        if lost is not None:
            lost.lose()
        # clocks of other machines may be wrong, but no batch begins before its run, or ends in the future
        start = min(max(round(event.started * 1e9), self._started), now)
        self._batches[event.batch_index] = BatchSpan(
            self._tracer, event, self._context, self._database, start
        )

    def _failed(self, event: BatchFailed, now: int) -> None:
        attributes = {
            "batchwright.batch.failed_records": event.records,
            **self._error(event.error, event.error_type, event.decided_by, event.sqlstate),
        }
        self._note(event.batch_index, "exception", attributes, now)
        batch = self._batches.get(event.batch_index)
        if batch is not None:
            error_type = event.sqlstate or event.error_type or OTHER
            batch.fail(event.error if self._messages else "", plain(error_type))

    def _end_batches(self) -> None:
        for batch in self._batches.values():
            batch.lose()
        self._batches.clear()

    # --- the run ----------------------------------------------------------------------------------

    def _note(self, index: int | None, name: str, attributes: Attributes, now: int) -> None:
        batch = None if index is None else self._batches.get(index)
        if batch is None:
            self._span.add_event(name, {**attributes, **_batch(index)}, now)
        else:
            batch.note(name, attributes, now)

    def _rejected(self, event: RecordRejected, now: int) -> None:
        self._rejects += 1
        if self._rejects > MOST_REJECTS:
            return
        attributes: Attributes = {
            "batchwright.key": plain(event.key),
            **({} if event.position is None else {"batchwright.position": event.position}),
            **_batch(event.batch_index),
            **self._error(event.message, event.error, event.decided_by, event.sqlstate),
        }
        self._span.add_event("batchwright.reject", attributes, now)

    def _finish(self, event: RunFinished, now: int) -> None:
        self._end_batches()
        figures = {
            ".".join(filter(None, ("batchwright", name, kind))): value
            for (name, kind), value in figures_of(event.account).items()
            if name in ("records", "documents", "batches", "retries")
        }
        self._span.set_attributes(
            {
                **figures,
                "batchwright.run.state": event.state,
                "batchwright.run.exit_code": event.exit_code,
            }
        )
        if event.state == "failed":
            self._span.set_attribute("error.type", OTHER)
            self._span.set_status(
                Status(StatusCode.ERROR, plain(event.reason) if self._messages else "the run failed")
            )
        elif event.reason:
            self._span.set_attribute("batchwright.run.reason", plain(event.reason))
        self._span.end(now)

    # --- errors -----------------------------------------------------------------------------------

    def _error(self, message: str, kind: str, decided_by: str, sqlstate: str | None) -> Attributes:
        attributes: Attributes = {**self._message(message), "batchwright.decided_by": plain(decided_by)}
        if kind:
            attributes["exception.type"] = plain(kind)
        if sqlstate:
            attributes["db.response.status_code"] = plain(sqlstate)
        return attributes

    def _message(self, message: str) -> Attributes:
        return {"exception.message": plain(message)} if self._messages else {}


def _batch(index: int | None) -> Attributes:
    return {} if index is None else {"batchwright.batch.index": index}
