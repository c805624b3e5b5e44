"""Loading a partition: read, chunk, batch and deliver, with writers of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count

from batchwright.contracts.partition import Findings, Partition
from batchwright.contracts.receipts import DocumentVersion
from batchwright.contracts.sizing import SizeLimits
from batchwright.engine.access import Access
from batchwright.engine.context import Context
from batchwright.engine.delivery.breaker import OutageTooLong
from batchwright.engine.delivery.buffer import Buffer
from batchwright.engine.delivery.connection import Connection
from batchwright.engine.delivery.courier import Courier, Ending
from batchwright.engine.delivery.limit import RejectLimit
from batchwright.engine.delivery.parts import Work
from batchwright.engine.delivery.writer import Sizer, Writer, account_for
from batchwright.engine.reading.feed import Feed
from batchwright.errors import RunInterrupted, SinkError
from batchwright.model import Batch, ProcessedChunk

BUFFER_BYTES = 8 * 1024 * 1024
"""How much read and chunked text may wait for each writer."""


class Loader:
    """Loads one partition. Make it, call `load` once.

    Args:
        context: What the run shares.
        access: The ways to the sink.
        limit: From where on rejects are a flood.
        expected: How many records will be written, as far as is known.
        on_stored: Told of every batch, or part of one, that is committed, by the thread that wrote it.
        on_earlier: Told of the ids of chunks that earlier attempts at the partition wrote.
    """

    def __init__(
        self,
        context: Context,
        access: Access,
        *,
        limit: RejectLimit,
        expected: Callable[[], int],
        on_stored: Callable[[Batch[ProcessedChunk]], None],
        on_earlier: Callable[[list[str]], None] = lambda _: None,
    ) -> None:
        self._context = context
        self._access = access
        self._limit = limit
        self._expected = expected
        self._on_stored = on_stored
        self._feed = Feed(
            context.config,
            run_id=context.run_id,
            emit=context.emit,
            stop=context.stop,
            tally=context.tally,
            on_earlier=on_earlier,
        )
        self._writers: list[Writer] = []
        self._indices = count()
        self._index_lock = threading.Lock()
        self._defect: BaseException | None = None

    def findings(self) -> Findings:
        """Return what came to light so far."""
        return self._feed.findings()

    def load(self, partition: Partition, pending: list[DocumentVersion]) -> None:
        """Load what is new or changed in the partition.

        An outage that lasts too long, and a failure that ends the run, set the context's stop.

        Args:
            partition: Which.
            pending: Versions that earlier runs, or attempts, began.
        """
        context = self._context
        buffer = Buffer(BUFFER_BYTES * context.config.workers)
        context.stop.on_request(buffer.end)
        self._feed.take_over(partition, pending)
        try:
            self._start_writers(buffer)
            self._feed.feed(partition, buffer, self._access.control)
        except (OutageTooLong, RunInterrupted) as error:
            context.stop.request(str(error))
        except BaseException:
            context.stop.request("reading the input failed", failed=True)
            raise
        finally:
            buffer.end()
            for writer in self._writers:
                writer.join()
            self._drain(buffer)
        if isinstance(self._defect, Exception):
            raise self._defect
        if self._defect is not None:  # SystemExit and the like: the sink's wish is not this process's
            raise SinkError(f"a writer ended with {type(self._defect).__name__}") from self._defect

    def _start_writers(self, buffer: Buffer) -> None:
        context, limits = self._context, self._access.limits
        sizer = Sizer(
            ask=context.manager.batch_size,
            limits=SizeLimits.of(limits),
            total_items=self._expected,
            adaptive=context.config.adaptive,
            fixed=context.config.batch_size,
        )
        for number in range(max(1, min(context.config.workers, limits.writers))):
            connection = self._access.connection()
            self._access.control.begin(connection.open, "open")
            self._writers.append(self._start_writer(number, connection, buffer, sizer))

    def _start_writer(self, number: int, connection: Connection, buffer: Buffer, sizer: Sizer) -> Writer:
        context = self._context
        writer: Writer

        def on_end(ending: Ending, defect: BaseException | None) -> None:
            connection.close()
            if isinstance(defect, OutageTooLong):
                context.stop.request(str(defect))
            elif defect is not None:
                self._defect = self._defect or defect
            if ending is Ending.FATAL:
                reason = self._limit.exceeded or "a batch failed for good"
                context.stop.request(reason, failed=True)

        courier = Courier(
            run_id=context.run_id,
            session=context.session,
            writer=number,
            persistence=context.persistence(connection),
            limit=self._limit,
            emit=context.emit,
            tally=context.tally,
            on_stored=lambda _, batch: self._on_stored(batch),
            on_finished=lambda work: writer.finished(work),
            secrets=context.secrets,
        )
        writer = Writer(
            number=number,
            buffer=buffer,
            courier=courier,
            sizer=sizer,
            next_index=self._next_index,
            stop=context.stop.event,
            on_end=on_end,
            tally=context.tally,
        )
        writer.start()
        return writer

    def _drain(self, buffer: Buffer) -> None:
        """Account for what no writer took."""
        while (item := buffer.get()) is not None:
            if isinstance(item, Work):
                account_for(item, self._context.tally)

    def _next_index(self) -> int:
        with self._index_lock:
            return next(self._indices)
