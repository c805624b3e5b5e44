"""Getting the parts of documents stored: write, halve, set aside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from batchwright.batching import batch_of
from batchwright.contracts.events import BatchFinished, BatchSplit, BatchStarted, BatchState, BatchWritten
from batchwright.contracts.failure import Decision
from batchwright.contracts.receipts import Receipt, Reject
from batchwright.contracts.rows import Placed, ids_of, size_of
from batchwright.engine.delivery.apart import apart
from batchwright.engine.delivery.losses import Losses
from batchwright.engine.delivery.outcomes import (
    documents_completed,
    documents_finished,
    record_rejected,
    rows_completed,
)
from batchwright.engine.delivery.parts import Ending, Part, Segment
from batchwright.engine.delivery.receipts import receipt_for
from batchwright.engine.delivery.rejects import refused_texts, reject_for
from batchwright.engine.delivery.sizer import LastWrite
from batchwright.engine.delivery.waiting import Waiting
from batchwright.engine.delivery.work import Unreadable, Work
from batchwright.engine.store.client import StoreClient
from batchwright.engine.store.retry import Attempted, is_about_data, is_transient
from batchwright.engine.store.strain import is_too_large
from batchwright.errors import BadRecords, IncompleteDocument
from batchwright.model import Batch

if TYPE_CHECKING:
    from batchwright.engine.session import Session


class Deliverer:
    """Stores parts one after the other, for runs, repairs, replays, and a program's own records alike.

    A part whose error says SKIP is halved until its bad records stand alone. Rejects, and documents completed
    by a record that was set aside, wait for the next write, so that they commit in one transaction with it;
    `settle` writes what is left at the end.

    Args:
        session: The run, or what takes its place.
        client: The way to the store.
        writer: The number of the writer.
        on_finished: Called with every document that is published.
        on_apart: Called with rows that are to be looked at one by one, as documents.
        next_write: Delivers the next part by another deliverer, where the sink may be at fault for this one's
            failure; returns whether there was one. None where nothing comes after.

    Attributes:
        last: The figures of the last write, for the sizers.
    """

    def __init__(
        self,
        session: Session,
        client: StoreClient,
        collection: str,
        *,
        writer: int = 0,
        on_finished: Callable[[Work], None] = lambda _: None,
        on_apart: Callable[[Iterable[Work]], None] = lambda _: None,
        next_write: Callable[[], bool] | None = None,
    ) -> None:
        self._session = session
        self._client = client
        self._collection = collection
        self._limit = session.limit
        self._writer = writer
        self._on_finished = on_finished
        self._on_apart = on_apart
        self._next_write = next_write
        self._is_second = False
        self._dispatcher = session.dispatcher
        self._emit = session.dispatcher.emit
        self._start_index = 0
        self._waiting = Waiting()
        self._losses = Losses(session, client, collection, writer)
        self._refused_for_size = False
        self._refused: list[Reject] = []
        self._following: Sequence[Placed] = ()
        self.last = LastWrite()

    def deliver(self, part: Part, batch_index: int, following: Sequence[Placed] = ()) -> Ending:
        """Store the part, or account for every record of it that can't be stored.

        Args:
            part: What to store.
            batch_index: Position of the batch in the run.
            following: Records of the next part, as far as they are known.

        Raises:
            OutageTooLong: The sink was down for longer than is allowed.
        """
        self._refused_for_size, self._losses.failure = False, None
        self._following = following
        state: BatchState = "stopped"
        began = time.monotonic()
        self._emit(BatchStarted(batch_index, part.size, time.time(), self._writer, *part.documents()))
        try:
            ending = self._deliver(part, batch_index, writes=0)
            if ending in (Ending.FAILED, Ending.FATAL):
                state = "failed"
                self._report_loss(batch_index, ending)
            elif ending is not Ending.STOPPED:
                state = "stored"
        finally:
            self._finish_batch(batch_index, state, began)
        self._start_index += part.size
        if self._refused_for_size:  # for the sizers the batch counts, not the last piece of it
            self.last = replace(self.last, records=part.size, too_large=True)
        if self._limit.exceeded and ending is not Ending.STOPPED:
            self.settle(batch_index)  # so that the rejects can be looked at
            return Ending.FATAL
        return ending

    @property
    def failure(self) -> Attempted[None] | None:
        """How the write ended for which the last batch failed; None where none did."""
        return self._losses.failure

    @property
    def cause(self) -> str:
        """Why a batch could not be stored, with the class of the error; empty where all were."""
        return self._losses.cause

    @property
    def carries(self) -> bool:
        """Whether anything waits for the next write."""
        return bool(self._waiting)

    @property
    def waiting(self) -> list[Reject]:
        """The rejects that wait for the next write."""
        return [reject for reject, _ in self._waiting.rejects]

    @property
    def laden(self) -> bool:
        """Whether so much waits that it should be written, even without records."""
        return len(self._waiting.rejects) >= self._session.policy.at_once

    def carry(self, unreadable: Unreadable) -> None:
        """Have what could not be read wait for the next write."""
        self._waiting.rejects += ((reject, None) for reject in unreadable.rejects)
        self._limit.add(unreadable.records)
        if unreadable.work is not None:
            unreadable.work.settled = len(unreadable.rejects)
            self._waiting.segments.append(Segment(unreadable.work, 0, 0))

    def beside(self) -> Deliverer:
        """Return a deliverer for the next parts while this one's part waits; `take_over` it then."""
        other = Deliverer(
            self._session,
            self._client,
            self._collection,
            writer=self._writer,
            on_finished=self._on_finished,
            on_apart=self._on_apart,
        )
        other._is_second = True
        return other

    def take_over(self, other: Deliverer) -> None:
        """Have what waits at another deliverer wait here."""
        self._waiting.add(other._waiting)
        self._start_index += other._start_index
        other._waiting, other._start_index = Waiting(), 0

    def settle(self, batch_index: int) -> Ending:
        """Write what still waits. It counts as a batch only if it fails: no plan can foresee it."""
        if not self.carries:
            return Ending.STORED
        began, self._losses.failure = time.monotonic(), None
        ending = self._deliver(Part.of([]), batch_index, writes=0)
        if ending in (Ending.FAILED, Ending.FATAL):
            self._report_loss(batch_index, ending)
            self._finish_batch(batch_index, "failed", began)
        return ending

    def abandon(self) -> None:
        """Account for what still waits when the work ends early."""
        documents_finished(self._dispatcher, "not_attempted", [], records=self._waiting.records)
        self._waiting = Waiting()

    # --- storing ----------------------------------------------------------------------------------

    def _deliver(self, part: Part, batch_index: int, *, writes: int, holds_bad: bool = False) -> Ending:
        """Store a part; `writes` counts those that its records were in before.

        With `holds_bad` the part is known to hold a bad record (its whole failed, and the other half did
        not), so it is halved without being tried first.
        """
        if part.size > 1 and (holds_bad or self._session.ceiling.is_exceeded(part.size)):
            return self._halve(self._apart(part), batch_index, writes, holds_bad=holds_bad)
        batch = batch_of(part.records(), batch_index, self._start_index)
        following, self._following = self._following, ()  # after halves of this part other records come next
        write = partial(
            self._client.write,
            batch,
            next_write=self._next_write,
            second=self._is_second,
            following=following,
        )
        try:
            result = write(self._receipt(part, batch))
            if isinstance(result.error, IncompleteDocument) and self._embeds_again(part):
                result = write(self._receipt(part, batch))
        except BaseException:
            self._apart(part)
            raise
        self.last = LastWrite(part.size, result.seconds, result.strained)
        if result.error is None:
            self._acknowledge(part, batch, result)
            return Ending.STORED
        part = self._apart(part)
        if result.stopped:
            return Ending.STOPPED
        error, decision = result.error, result.decision
        writes += result.retries + 1
        if result.timed_out:
            self._session.ceiling.note(part.size)
        if result.timed_out or is_too_large(error):
            self._refused_for_size = True
            if part.size > 1:
                return self._halve(part, batch_index, writes, error=error)
        if decision is None or not is_about_data(result):
            return self._fail(part, result)
        if part.size <= 1 and self.carries:  # which is at fault, the record or what waits?
            ending = self._write_waiting(batch_index)
            if ending is not Ending.STORED or not part.size:
                return ending
            return self._deliver(part, batch_index, writes=writes)
        if not part.size:
            return self._fail(part, result)
        if isinstance(error, BadRecords) and part.size > 1:
            named = [position for position in sorted(error.reasons) if 0 <= position < part.size]
            if named:
                for position in named:
                    bad = ValueError(error.reasons[position])
                    self._set_aside(part.pick(position), batch_index, bad, decision, writes)
                rest = self._deliver(part.without(named), batch_index, writes=writes)
                return Ending.REJECTS if rest is Ending.STORED else rest
        if part.size > 1:
            return self._halve(part, batch_index, writes, holds_bad=True, error=error)
        if isinstance(error, BadRecords) and 0 in error.reasons:
            error = ValueError(error.reasons[0])
        [segment] = [s for s in part.segments if s.stop > s.start]
        self._set_aside(segment, batch_index, error, decision, writes)
        self._waiting.segments.extend(part.completions().segments)
        return Ending.REJECTS

    def _apart(self, part: Part) -> Part:
        """Return a part of which something may be lost, its rows as documents."""
        if part.rows is not None:
            part = part.apart()
            self._on_apart(segment.work for segment in part.segments)
        return part

    def _embeds_again(self, part: Part) -> bool:
        """Make up for vectors that were purged since they were looked up; return whether there were any."""
        if self._session.embedding is None:
            return False
        from batchwright.engine.embedding.works import embed_purged  # few need it

        segments = [*self._waiting.segments, *part.segments]
        return embed_purged(self._session, self._client, [segment.work for segment in segments])

    def _write_waiting(self, batch_index: int) -> Ending:
        """Write what waits apart, and by document where that fails for data: it must spoil no other write."""
        parts = [self._waiting]
        nothing, batch = Part.of([]), Batch[Any]([], batch_index)
        while parts:
            self._waiting = parts.pop()
            result = self._client.write(batch, self._receipt(nothing, batch))
            if result.error is None:
                self._acknowledge(nothing, batch, result)
                continue
            if result.stopped or not is_about_data(result):
                for rest in parts:
                    self._waiting.add(rest)
                return Ending.STOPPED if result.stopped else self._fail(nothing, result)
            parts += apart(self._session, self._waiting, result.error)
            self._waiting = Waiting()
        return Ending.STORED

    def _halve(
        self,
        part: Part,
        batch_index: int,
        writes: int,
        *,
        holds_bad: bool = False,
        error: Exception | None = None,
    ) -> Ending:
        if self._limit.exceeded:
            self._losses.add(part)
            return Ending.FATAL
        if error is not None:
            self._emit(BatchSplit(batch_index, part.size, self._session.describe(error)))
        left, right = part.split(part.size // 2)
        first = self._deliver(left, batch_index, writes=writes)
        if first in (Ending.FAILED, Ending.FATAL):
            self._losses.add(right)
            return first
        if first is Ending.STOPPED:
            return first
        second = self._deliver(
            right, batch_index, writes=writes, holds_bad=holds_bad and first is Ending.STORED
        )
        return second if second is not Ending.STORED else first

    def _receipt(self, part: Part, batch: Batch[Any]) -> Receipt:
        self._refused = refused_texts(self._session, self._collection, part.segments)
        return receipt_for(
            [*self._waiting.segments, *part.segments],
            self._session.receipt(self._collection),
            batch.batch_index,
            (*(reject for reject, _ in self._waiting.rejects), *self._refused),
            part.rows,
        )

    # --- what became of it ------------------------------------------------------------------------

    def _acknowledge(self, part: Part, batch: Batch[Any], result: Attempted[None]) -> None:
        segments = [*self._waiting.segments, *part.segments]
        rejects, self._waiting = self._waiting.rejects, Waiting()
        for segment in segments:
            length = segment.stop - segment.start
            segment.work.stored += length
            segment.work.settled += length
            segment.work.begun = True
        for reject, index in rejects:
            self._emit(record_rejected(reject, index))
        for reject in self._refused:
            self._emit(record_rejected(reject, batch.batch_index))
        if part.size:
            self._emit(
                BatchWritten(
                    batch.batch_index,
                    part.size,
                    size_of(batch.documents),
                    result.seconds,
                    result.retries,
                    self._writer,
                    part.vectors(),
                )
            )
            self._session.on_stored([*ids_of(batch.documents)])
        if part.rows is not None:
            rows_completed(self._dispatcher, part.rows)
        if finished := [segment.work for segment in segments if segment.completes]:
            documents_completed(self._dispatcher, finished)
            for work in finished:
                self._on_finished(work)

    def _set_aside(
        self, segment: Segment, batch_index: int, error: Exception, decision: Decision, writes: int
    ) -> None:
        self._limit.add(1)
        work = segment.work
        work.rejected += 1
        work.settled += 1
        if not segment.completes:  # whatever becomes of the reject becomes of its document
            self._waiting.segments.append(Segment(work, segment.stop, segment.stop))
        reject = reject_for(self._session, self._collection, segment, error, decision, writes)
        self._waiting.rejects.append((reject, batch_index))

    def _fail(self, part: Part, result: Attempted[None]) -> Ending:
        self._losses.fail(Part.of([*self._waiting.segments, *part.segments]), result)
        return Ending.FAILED if is_transient(result) else Ending.FATAL

    def _report_loss(self, batch_index: int, ending: Ending) -> None:
        waiting = 0
        if self.failure is not None:  # what waits is lost to this run, not to the next: no write took it
            waiting, self._waiting = self._waiting.records, Waiting()
        self._losses.report(batch_index, waiting=waiting, stops=ending is Ending.FATAL)

    def _finish_batch(self, batch_index: int, state: BatchState, began: float) -> None:
        self._emit(BatchFinished(batch_index, state, time.monotonic() - began, self._writer))
