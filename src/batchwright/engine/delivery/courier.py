"""Getting one part of the work stored: write, retry, halve, set aside, acknowledge."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum, auto
from itertools import count

from batchwright.batching import batch_of
from batchwright.contracts.events import Event
from batchwright.contracts.failure import Decision, Failure, dotted_name
from batchwright.contracts.receipts import Publication, Receipt, Reject
from batchwright.engine.delivery.limit import RejectLimit
from batchwright.engine.delivery.once import Persistence
from batchwright.engine.delivery.parts import Part, Segment, Work, size_of
from batchwright.engine.delivery.retry import Attempted, is_transient
from batchwright.engine.delivery.teller import Teller
from batchwright.engine.tally import Tally
from batchwright.errors import BadRecords, BatchTooLarge, IncompleteDocument
from batchwright.model import Batch, ErrorRecoveryAction, ProcessedChunk

CARRY_AT_MOST = 1_000
"""Rejects that wait for a write with records, at most."""


class Ending(Enum):
    """How a part ended."""

    STORED = auto()
    REJECTS = auto()
    FAILED = auto()
    FATAL = auto()
    STOPPED = auto()


@dataclass(slots=True)
class LastWrite:
    """What the sizers are told of the last write."""

    records: int = 0
    seconds: float = 0.0
    retried: bool = False
    too_large: bool = False


class Courier:
    """Delivers the parts of one writer, one after the other.

    Rejects, and documents completed by a record that was set aside, ride along with the next write, so
    that they commit in one transaction with it; `settle` writes what is left at the end.

    Attributes:
        last: What the sizers are told.
    """

    def __init__(
        self,
        *,
        run_id: str,
        session: str,
        writer: int,
        persistence: Persistence,
        limit: RejectLimit,
        emit: Callable[[Event], None],
        tally: Tally,
        on_stored: Callable[[Part, Batch[ProcessedChunk]], None],
        on_finished: Callable[[Work], None],
        secrets: tuple[str, ...] = (),
    ) -> None:
        self._run_id = run_id
        self._session = session
        self._writer = writer
        self._persistence = persistence
        self._limit = limit
        self._teller = Teller(emit, writer, secrets)
        self._tally = tally
        self._on_stored = on_stored
        self._on_finished = on_finished
        self._sequence = count()
        self._start_index = 0
        self._carried: list[Segment] = []
        self._rejects: list[tuple[Reject, int]] = []  # each with the index of its batch
        self._refused_for_size = False
        self.last = LastWrite()

    def deliver(self, part: Part, batch_index: int) -> Ending:
        """Store the part, or account for every record of it that can't be stored.

        Raises:
            OutageTooLong: The sink was down for longer than is allowed.
        """
        self._refused_for_size = False
        ending = self._deliver_batch(part, batch_index)
        self._start_index += part.size
        if self._refused_for_size:  # the sizers are told of the batch, not of the last piece of it
            self.last = replace(self.last, records=part.size, too_large=True)
        if self._limit.exceeded and ending is not Ending.STOPPED:
            self.settle(batch_index)  # so that the rejects can be looked at
            return Ending.FATAL
        return ending

    @property
    def carries(self) -> bool:
        """Whether anything waits for the next write."""
        return bool(self._carried or self._rejects)

    @property
    def laden(self) -> bool:
        """Whether so much is carried that it should be written, even without records."""
        return len(self._rejects) >= CARRY_AT_MOST

    def carry(self, reject: Reject) -> None:
        """Take a reject along with the next write."""
        self._rejects.append((reject, -1))

    def settle(self, batch_index: int) -> Ending:
        """Write what is still carried. It counts as a batch only if it fails: no plan can foresee it."""
        if not self.carries:
            return Ending.STORED
        ending = self._deliver(Part.of([]), batch_index, writes=0)
        if ending in (Ending.FAILED, Ending.FATAL):
            self._tally.add("batches_failed")
        return ending

    # --- storing ----------------------------------------------------------------------------------

    def _deliver_batch(self, part: Part, batch_index: int) -> Ending:
        """Store a whole batch; tell of its start and its end, and count it."""
        began = time.monotonic()
        self._teller.started(batch_index, part.size)
        ending = Ending.STOPPED
        try:
            ending = self._deliver(part, batch_index, writes=0)
        finally:
            if ending in (Ending.STORED, Ending.REJECTS):
                state = "stored"
                self._tally.add("batches")
            elif ending is Ending.STOPPED:
                state = "stopped"
            else:
                state = "failed"
                self._tally.add("batches_failed")
            self._teller.finished(batch_index, state, time.monotonic() - began)
        return ending

    def _deliver(self, part: Part, batch_index: int, *, writes: int, holds_bad: bool = False) -> Ending:
        """Store a part; `writes` counts those that its records were in before.

        With `holds_bad` the part is known to hold a bad record (its whole failed, and the other half did
        not), so it is halved without being tried first.
        """
        if holds_bad and part.size > 1:
            return self._halve(part, batch_index, writes, holds_bad=True)
        batch = batch_of(part.chunks(), batch_index, self._start_index)
        receipt = self._receipt(part, batch)
        result = self._write(batch, receipt)
        self.last = LastWrite(part.size, result.seconds, result.retries > 0)
        if result.error is None:
            self._acknowledge(part, batch, receipt, result)
            return Ending.STORED
        if result.stopped:
            return Ending.STOPPED
        error, decision = result.error, result.decision
        writes += result.retries + 1
        if isinstance(error, BatchTooLarge):
            self._refused_for_size = True
            if part.size > 1:
                self._teller.split(batch_index, part.size, error)
                return self._halve(part, batch_index, writes, holds_bad=False)
        if decision is None or decision.action is not ErrorRecoveryAction.SKIP:
            return self._fail(part, batch_index, result)
        if isinstance(error, BadRecords) and part.size > 1:
            named = [position for position in sorted(error.reasons) if 0 <= position < part.size]
            if named:
                for position in named:
                    bad = ValueError(error.reasons[position])
                    self._set_aside(part.pick(position), batch_index, bad, decision, writes)
                rest = self._deliver(part.without(named), batch_index, writes=writes)
                return Ending.REJECTS if rest is Ending.STORED else rest
        if part.size == 1:
            if isinstance(error, BadRecords) and 0 in error.reasons:
                error = ValueError(error.reasons[0])
            [segment] = [s for s in part.segments if s.stop > s.start]
            self._set_aside(segment, batch_index, error, decision, writes)
            self._carried.extend(part.completions().segments)
            return Ending.REJECTS
        if part.size == 0:
            return self._fail(part, batch_index, result)
        self._teller.split(batch_index, part.size, error)
        return self._halve(part, batch_index, writes, holds_bad=True)

    def _halve(self, part: Part, batch_index: int, writes: int, *, holds_bad: bool) -> Ending:
        if self._limit.exceeded:
            self._mark_failed(part)
            return Ending.FATAL
        left, right = part.split(part.size // 2)
        first = self._deliver(left, batch_index, writes=writes)
        if first in (Ending.FAILED, Ending.FATAL):
            self._mark_failed(right)
            return first
        if first is Ending.STOPPED:
            return first
        second = self._deliver(
            right, batch_index, writes=writes, holds_bad=holds_bad and first is Ending.STORED
        )
        return second if second is not Ending.STORED else first

    def _write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> Attempted[None]:
        def on_retry(error: Exception, decision: Decision, number: int, wait: float) -> None:
            self._tally.add("retries")
            self._teller.retrying(batch.batch_index, error, decision, number, wait)

        return self._persistence.write(batch, receipt, on_retry)

    def _receipt(self, part: Part, batch: Batch[ProcessedChunk]) -> Receipt:
        part = Part.of([*self._carried, *part.segments])
        publications = []
        opened = []
        resolved: list[str] = []
        for segment in part.segments:
            work = segment.work
            if segment.completes:
                # what an earlier run stored isn't known, but must be counted
                before = work.stored or int(work.resumed)
                publications.append(Publication(work.version, work.rejected, before, work.supersedes))
            elif not work.opened:
                opened.append(work.version)
            if work.resumed:  # what that run rejected may be stored now
                resolved += (chunk.id for chunk in work.chunks[segment.start : segment.stop])
        published = {publication.version.document_id for publication in publications}
        return Receipt(
            batch_id=f"{self._session}/{self._writer}/{next(self._sequence)}",
            run_id=self._run_id,
            batch_index=batch.batch_index,
            records=part.size,
            opened=tuple({v.document_id: v for v in opened if v.document_id not in published}.values()),
            publications=tuple(publications),
            rejects=tuple(reject for reject, _ in self._rejects),
            resolved=tuple(resolved),
        )

    def abandon(self) -> None:
        """Account for what is still carried when the run ends early."""
        self._tally.records("not_attempted", self._rejected_records())
        self._carried, self._rejects = [], []

    def _rejected_records(self) -> int:
        return sum(1 for reject, _ in self._rejects if reject.position >= 0)

    # --- what became of it ------------------------------------------------------------------------

    def _acknowledge(
        self, part: Part, batch: Batch[ProcessedChunk], receipt: Receipt, result: Attempted[None]
    ) -> None:
        segments = [*self._carried, *part.segments]
        rejects, self._carried, self._rejects = self._rejects, [], []
        self._tally.records("written", part.size)
        for segment in segments:
            length = segment.stop - segment.start
            segment.work.stored += length
            segment.work.settled += length
            segment.work.opened = True
        for reject, index in rejects:
            if reject.position >= 0:
                self._tally.records("rejected", 1)
            self._teller.rejected(reject, index)
        if part.size:
            size = sum(map(size_of, batch.documents))
            self._teller.written(batch.batch_index, part.size, size, result)
            self._on_stored(part, batch)
        for segment in segments:
            if segment.completes:
                work = segment.work
                self._tally.document(work.change)
                self._teller.document(work, work.change)
                self._on_finished(work)

    def _set_aside(
        self, segment: Segment, batch_index: int, error: Exception, decision: Decision, writes: int
    ) -> None:
        self._limit.add(1)
        chunk = segment.work.chunks[segment.start]
        segment.work.rejected += 1
        segment.work.settled += 1
        if not segment.completes:  # whatever becomes of the reject becomes of its document
            self._carried.append(Segment(segment.work, segment.stop, segment.stop))
        reject = Reject(
            id=chunk.id,
            run_id=self._run_id,
            source_file=chunk.source_file,
            document_id=segment.work.version.document_id,
            position=chunk.chunk_index,
            error=dotted_name(error),
            message=self._teller.message(error),
            sqlstate=Failure(error).sqlstate,
            attempts=writes,
            decided_by=decision.decided_by,
            created_at=datetime.now(UTC).isoformat(),
            payload=chunk,
        )
        self._rejects.append((reject, batch_index))

    def _fail(self, part: Part, batch_index: int, result: Attempted[None]) -> Ending:
        stops = not is_transient(result)
        self._teller.failed(batch_index, part.size, result, stops=stops)
        segments = [*self._carried, *part.segments]
        self._mark_failed(Part.of(segments))
        # what was carried is lost to this run, not to the next: it was never acknowledged
        self._tally.records("failed", self._rejected_records())
        self._carried, self._rejects = [], []
        if isinstance(result.error, IncompleteDocument):
            self._discard([s.work for s in segments if s.completes], batch_index)
        return Ending.FATAL if stops else Ending.FAILED

    def _discard(self, works: list[Work], batch_index: int) -> None:
        """Remove the rows of versions that the sink counted and found wrong; the next run loads them anew."""
        begun = [work.version.document_id for work in works if work.stored or work.resumed]
        if begun:
            batch_id = f"{self._session}/{self._writer}/{next(self._sequence)}"
            receipt = Receipt(batch_id, self._run_id, batch_index, discarded=tuple(dict.fromkeys(begun)))
            self._write(batch_of([], batch_index, self._start_index), receipt)

    def _mark_failed(self, part: Part) -> None:
        self._tally.records("failed", part.size)
        for segment in part.segments:
            work = segment.work
            work.settled += segment.stop - segment.start
            if not work.failed:
                work.failed = True
                self._tally.document("failed")
                self._teller.document(work, "failed", "a batch of it could not be stored")
