"""What is known of a run, in bounded memory however long it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from batchwright.contracts.events import (
    BatchFailed,
    BatchFinished,
    BatchRetrying,
    BatchSplit,
    BatchStarted,
    BatchWritten,
    DocumentFinished,
    DocumentsRead,
    ErrorClassified,
    Event,
    InputCounted,
    ItemLeftOut,
    OutageEnded,
    OutageStarted,
    RecordRejected,
    RunFinished,
    RunNotStarted,
    RunStarted,
    StopRequested,
)
from batchwright.contracts.figures import Figures

from batchwright_report.batches import Slowest
from batchwright_report.causes import Causes
from batchwright_report.spread import Spread
from batchwright_report.text import key, message
from batchwright_report.timeline import Timeline

REJECTS = 100
DOCUMENTS = 50
OUTAGES = 50
EXAMPLES = 3
REASONS = 150
"""How many of each are named, at most."""

_OPENING = (ErrorClassified, BatchRetrying, OutageStarted, OutageEnded)
"""What may come before RunStarted: the target is opened first."""


@dataclass(slots=True)
class Outage:
    """A time in which the sink was down: from and to, in seconds after the beginning; no end while it is."""

    began: float
    error: str
    ended: float | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that was set aside, or a document that could not be read."""

    key: str
    position: int | None
    error: str
    sqlstate: str
    said: str
    decided_by: str


@dataclass(frozen=True, slots=True)
class Lost:
    """A document that was not published."""

    key: str
    state: str
    reason: str


class Story:
    """What happened in an attempt at a run, from its events.

    Args:
        now: Seconds of a clock that only goes forward.

    Attributes:
        began_at: The time of day when it began.
        started: How it started; None where it did not.
        finished: How it ended; None while it goes on.
        figures: What is counted.
    """

    def __init__(self, now: float) -> None:
        self._began = now
        self.began_at = datetime.now(UTC).astimezone()
        self.seconds = 0.0
        self.started: RunStarted | None = None
        self.finished: RunFinished | RunNotStarted | None = None
        self.input: tuple[int, int] | None = None
        self.figures = Figures()
        self.timeline = Timeline()
        self.writes = Spread()
        self.sizes = Spread()
        self.slowest = Slowest()
        self.outages: list[Outage] = []
        self.outages_count = 0
        self._down, self._down_since, self._down_apart, self._was_down = 0, 0.0, True, 0.0
        self.stop: tuple[float, str] | None = None
        self.retries = Causes()
        self.failures = Causes()
        self.lost = Causes()
        self.refused = Causes()
        self.rejects = Causes()
        self.first_lost: list[Lost] = []
        self.first_rejects: list[Rejected] = []
        self.left_out: Counter[str] = Counter()
        self.left_out_named: dict[str, list[str]] = {}
        self.is_opening = True

    def add(self, event: Event, now: float) -> None:
        """Take in an event that comes at this time of the clock."""
        self.seconds = max(self.seconds, now - self._began)
        self.is_opening = self.is_opening and isinstance(event, _OPENING)
        self.figures.add(event)
        take = _TAKERS.get(type(event))
        if take is not None:
            take(self, event)

    @property
    def down_for(self) -> float:
        """Seconds that the sink was down, up to now; for several workers at the same time they count once."""
        return self._was_down + (self.seconds - self._down_since if self._down else 0.0)

    def _start(self, event: RunStarted) -> None:
        self.started = event

    def _finish(self, event: RunFinished | RunNotStarted) -> None:
        self.finished = event
        if isinstance(event, RunFinished):  # exact, where workers may have told of something twice
            self.left_out.clear()
            self._count_left_out(event.account.left_out)

    def _count(self, event: InputCounted) -> None:
        self.input = event.documents, event.size
        self._count_left_out(event.left_out)

    def _read(self, event: DocumentsRead) -> None:
        self._count_left_out(event.left_out)

    def _count_left_out(self, counts: Mapping[str, int]) -> None:
        for said, number in counts.items():
            reason = message(said)
            known = reason in self.left_out or len(self.left_out) < REASONS
            self.left_out[reason if known else "other reasons"] += number

    def _leave_out(self, event: ItemLeftOut) -> None:
        reason = message(event.reason)
        if reason not in self.left_out_named and len(self.left_out_named) >= REASONS:
            return
        examples = self.left_out_named.setdefault(reason, [])
        if len(examples) < EXAMPLES:
            what = f" ({message(event.what, 60)})" if event.what else ""
            examples.append(key(event.key, 80) + what)

    def _lose(self, event: DocumentFinished) -> None:
        causes = {"failed": self.lost, "refused": self.refused}.get(event.state)
        if causes is None:
            return
        causes.add(event.reason or f"it is {event.state}", records=event.records, first=event.key)
        if len(self.first_lost) < DOCUMENTS:
            self.first_lost.append(Lost(key(event.key), event.state, message(event.reason)))

    def _begin_batch(self, event: BatchStarted) -> None:
        self.slowest.start(event, self.seconds)

    def _write(self, event: BatchWritten) -> None:
        if event.batch_index is None:
            return  # an earlier attempt's: when and how fast it was written is not known
        self.timeline.write(self.seconds, event.records, event.seconds)
        self.writes.add(event.seconds)
        self.sizes.add(event.records)
        self.slowest.write(event)

    def _end_batch(self, event: BatchFinished) -> None:
        self.slowest.finish(event)

    def _retry(self, event: BatchRetrying) -> None:
        self.timeline.mark(self.seconds, "retries")
        self.slowest.retry(event)
        self.retries.add(
            event.error, error=event.error_type, sqlstate=event.sqlstate, decided_by=event.decided_by
        )

    def _split(self, event: BatchSplit) -> None:
        self.timeline.mark(self.seconds, "splits")

    def _reject(self, event: RecordRejected) -> None:
        if event.position is None:
            return  # a document: its own event says it
        self.timeline.mark(self.seconds, "rejects")
        self.rejects.add(
            event.message or event.error,
            error=event.error,
            sqlstate=event.sqlstate,
            decided_by=event.decided_by,
            first=event.key,
        )
        if len(self.first_rejects) < REJECTS:
            self.first_rejects.append(
                Rejected(
                    key(event.key),
                    event.position,
                    message(event.error, 100),
                    message(event.sqlstate or "", 10),
                    message(event.message),
                    message(event.decided_by, 60),
                )
            )

    def _fail(self, event: BatchFailed) -> None:
        self.timeline.mark(self.seconds, "failed batches")
        self.failures.add(
            event.error,
            error=event.error_type,
            sqlstate=event.sqlstate,
            decided_by=event.decided_by,
            records=event.records,
        )

    def _begin_outage(self, event: OutageStarted) -> None:
        self.outages_count += 1
        if not self._down:
            self._down_since, self._down_apart = self.seconds, True
        else:
            self._down_apart = False
        self._down += 1
        if len(self.outages) < OUTAGES:
            self.outages.append(Outage(self.seconds, message(event.error)))

    def _end_outage(self, event: OutageEnded) -> None:
        self._down = max(0, self._down - 1)
        if not self._down:
            self._was_down += event.seconds if self._down_apart else self.seconds - self._down_since
        for outage in self.outages:
            if outage.ended is None:
                outage.ended = self.seconds
                break

    def _stop(self, event: StopRequested) -> None:
        if self.stop is None:
            self.stop = self.seconds, message(event.reason)


_TAKERS: Mapping[type[Event], Callable[[Story, Any], None]] = {
    RunStarted: Story._start,
    InputCounted: Story._count,
    DocumentsRead: Story._read,
    ItemLeftOut: Story._leave_out,
    DocumentFinished: Story._lose,
    BatchStarted: Story._begin_batch,
    BatchWritten: Story._write,
    BatchRetrying: Story._retry,
    BatchSplit: Story._split,
    RecordRejected: Story._reject,
    BatchFailed: Story._fail,
    BatchFinished: Story._end_batch,
    OutageStarted: Story._begin_outage,
    OutageEnded: Story._end_outage,
    StopRequested: Story._stop,
    RunFinished: Story._finish,
    RunNotStarted: Story._finish,
}
"""Who takes in what; not kept by each story, which would then refer to itself and outlive its run."""
