"""The line: discover → read → chunk → batch → deliver, once from end to end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from uuid import uuid4

from batchwright.account import Account
from batchwright.config import BatchConfig, secrets_of
from batchwright.delivery.breaker import Breaker, OutageTooLong
from batchwright.delivery.connection import Connection
from batchwright.delivery.control import Control
from batchwright.delivery.courier import Courier, Decide, Ending
from batchwright.delivery.limit import RejectLimit
from batchwright.delivery.retry import Schedule
from batchwright.delivery.work import Work
from batchwright.delivery.writers import Buffer, Sizer, Writer, account_for
from batchwright.errors import RunInterrupted, SinkError
from batchwright.events import (
    Event,
    InputCounted,
    RunFinished,
    RunStarted,
)
from batchwright.feeding import UNREADABLE, Feed
from batchwright.ledger import DocumentVersion, Ledger, Receipt, Reject, Run
from batchwright.ledgers import open_beside
from batchwright.model import Batch, ProcessedChunk
from batchwright.plugins import PluginManager
from batchwright.pool import DatabasePool
from batchwright.secrets import describe, mask
from batchwright.sink import SinkLimits
from batchwright.sizing import SizeLimits
from batchwright.stop import Stop
from batchwright.tally import Tally

logger = logging.getLogger("batchwright")

BUFFER_BYTES = 8 * 1024 * 1024
"""How much read and chunked text may wait for each writer."""

REMOVE_AT_ONCE = 500
"""Documents that one write removes, at most."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended.

    Attributes:
        run_id: A UUID.
        state: done, failed or interrupted.
        account: What became of every record and document.
        reason: Why it isn't done, else empty.
    """

    run_id: str
    state: str
    account: Account
    reason: str = ""


class Line:
    """One run. Make it, call `run` once.

    Args:
        config: The settings.
        manager: The plugins.
        emit: Hands events to the reporters.
        decide: Classifies an error; told the error, the attempt that failed, and the batch.
        stop: Ends the run early.
        on_stored: Told of every batch, or part of one, that is committed, by the thread that wrote it.
    """

    def __init__(
        self,
        config: BatchConfig,
        *,
        manager: PluginManager,
        emit: Callable[[Event], None],
        decide: Decide,
        stop: Stop,
        tally: Tally,
        on_stored: Callable[[Batch[ProcessedChunk]], None] = lambda _: None,
    ) -> None:
        self._config = config
        self._manager = manager
        self._emit = emit
        self._decide = decide
        self._stop = stop
        self._tally = tally
        self._on_stored = on_stored
        self._secrets = secrets_of(config)
        self._schedule = Schedule(config.max_retries, cap=config.retry_cap, jitter=config.retry_jitter)
        self._breaker = Breaker(config.max_outage, stop.event, emit, self._message)
        self._run = Run(str(uuid4()), _now(), str(config.input_dir))
        self._feed = Feed(config, run_id=self._run.run_id, emit=emit, stop=stop, tally=tally)
        self._limit = RejectLimit(config.max_rejects, self._feed.records_expected)
        self._indices = count()
        self._index_lock = threading.Lock()
        self._defect: BaseException | None = None

    def run(self) -> RunResult:
        """Load what is new or changed.

        Raises:
            ConfigError: The target or an option is wrong.
            PluginError: A plugin is broken.
            SinkError: The target can't be opened.
        """
        config = self._config
        self._feed.count()
        if not self._feed.documents_total and not self._manager.make_sink(config.to, config.sink).exists():
            # nothing to load and nothing there: leave no empty tables behind
            return RunResult(self._run.run_id, "done", self._tally.account())
        pool = DatabasePool(lambda: self._manager.make_sink(config.to, config.sink), config.workers + 1)
        with ExitStack() as stack:
            stack.callback(pool.close)
            limits, beside = self._open(pool, stack)
            connection = Connection(pool, beside)
            stack.callback(connection.close)
            control = self._control_of(connection)
            timeout = config.batch_timeout
            pending = control.begin(lambda: connection.ask(lambda ledger: ledger.pending(), timeout))
            control.begin(lambda: connection.ask(lambda ledger: ledger.start_run(self._run), timeout))
            self._emit(
                RunStarted(
                    self._run.run_id, str(config.input_dir), mask(config.to, self._secrets), bool(pending)
                )
            )
            self._emit(InputCounted(self._feed.documents_total, self._feed.bytes_total))
            try:
                state, reason = self._load(pool, control, limits, beside, pending)
            except Exception as error:  # the ledger shall say how the run ended
                reason = self._message(error)
                self._finish(control, "failed", reason)
                raise
            return self._finish(control, state, reason)

    # --- the stages -------------------------------------------------------------------------------

    def _load(
        self,
        pool: DatabasePool,
        control: Control,
        limits: SinkLimits,
        beside: Ledger | None,
        pending: Sequence[DocumentVersion],
    ) -> tuple[str, str]:
        buffer = Buffer(BUFFER_BYTES * self._config.workers)
        self._stop.on_request(buffer.end)
        writers: list[Writer] = []
        self._feed.take_over(pending)
        try:
            self._start_writers(writers, pool, control, limits, beside, buffer)
            self._feed.feed(buffer, control)
        except (OutageTooLong, RunInterrupted) as error:
            self._stop.request(str(error))
            self._feed.leave_unread()
        except BaseException:
            self._stop.request("reading the input failed", failed=True)
            raise
        finally:
            buffer.end()
            for writer in writers:
                writer.join()
            self._drain(buffer)
        if isinstance(self._defect, Exception):
            raise self._defect
        if self._defect is not None:  # SystemExit and the like: the sink's wish is not this process's
            raise SinkError(f"a writer ended with {type(self._defect).__name__}") from self._defect
        if self._stop.event.is_set():
            return ("failed" if self._stop.failed else "interrupted"), self._stop.reason
        try:
            refusal = self._remove(control)
            failed = self._tally.account().batches_failed
            if not failed:
                self._forget_unreadable(control)
        except (OutageTooLong, RunInterrupted) as error:
            self._stop.request(str(error))
            return "interrupted", self._stop.reason
        if refusal:
            return "failed", refusal
        if failed:
            return "failed", "batches could not be stored; run again to load what they held"
        return "done", ""

    def _remove(self, control: Control) -> str:
        """Remove what is gone, if that is wanted, and what earlier runs left half done; return a refusal."""
        gone, published = self._feed.gone, self._feed.published
        deleted: list[tuple[str, str]] = []
        if gone and self._config.prune:
            if len(gone) > self._config.prune_limit * published:
                return (
                    f"refusing to prune {len(gone)} of {published} documents: more than prune_limit "
                    f"({self._config.prune_limit:.0%}); is {self._config.input_dir} the right directory? "
                    f"If so, raise the limit (--prune-limit 1.0)"
                )
            deleted = [(known.version.source_file, known.version.document_id) for known in gone]
        discarded = [version for versions in self._feed.begun.values() for version in versions]
        for number, start in enumerate(range(0, max(len(deleted), len(discarded)), REMOVE_AT_ONCE)):
            stop = start + REMOVE_AT_ONCE
            receipt = Receipt(
                f"{self._run.run_id}/removal/{number}",
                self._run.run_id,
                deleted=tuple(deleted[start:stop]),
                discarded=tuple(discarded[start:stop]),
            )
            control.write(receipt)
            self._tally.add("pruned", len(receipt.deleted))
        return ""

    def _forget_unreadable(self, control: Control) -> None:
        """Drop rejects that stand for documents which can be read by now, or are gone."""
        after = ""
        while page := _unreadable_page(control, after):
            stale = [
                reject.id for reject in page if reject.position < 0 and reject.run_id != self._run.run_id
            ]
            if stale:
                control.ask(partial(_drop_rejects, ids=stale))
            after = page[-1].id

    # --- the writers ------------------------------------------------------------------------------

    def _start_writers(
        self,
        writers: list[Writer],
        pool: DatabasePool,
        control: Control,
        limits: SinkLimits,
        beside: Ledger | None,
        buffer: Buffer,
    ) -> None:
        number = max(1, min(self._config.workers, limits.writers))
        sizer = Sizer(
            ask=self._manager.batch_size,
            limits=SizeLimits.of(limits),
            total_items=self._feed.records_expected,
            adaptive=self._config.adaptive,
            fixed=self._config.batch_size,
        )
        for n in range(number):
            connection = Connection(pool, beside)
            control.begin(connection.open, "open")
            writers.append(self._start_writer(n, connection, buffer, sizer))

    def _start_writer(self, number: int, connection: Connection, buffer: Buffer, sizer: Sizer) -> Writer:
        writer: Writer

        def on_end(ending: Ending, defect: BaseException | None) -> None:
            connection.close()
            if isinstance(defect, OutageTooLong):
                self._stop.request(str(defect))
            elif defect is not None:
                self._defect = self._defect or defect
            if ending is Ending.FATAL:
                reason = self._limit.exceeded or "a batch failed for good"
                self._stop.request(reason, failed=True)

        courier = Courier(
            run_id=self._run.run_id,
            writer=number,
            store=connection,
            decide=self._decide,
            schedule=self._schedule,
            batch_timeout=self._config.batch_timeout,
            breaker=self._breaker,
            limit=self._limit,
            stop=self._stop.event,
            emit=self._emit,
            tally=self._tally,
            on_stored=lambda _, batch: self._on_stored(batch),
            on_finished=lambda work: writer.finished(work),
            secrets=self._secrets,
        )
        writer = Writer(
            number=number,
            buffer=buffer,
            courier=courier,
            sizer=sizer,
            next_index=self._next_index,
            stop=self._stop.event,
            on_end=on_end,
            tally=self._tally,
        )
        writer.start()
        return writer

    def _message(self, error: BaseException) -> str:
        return describe(error, self._secrets)

    def _drain(self, buffer: Buffer) -> None:
        """Account for what no writer took."""
        while (item := buffer.get()) is not None:
            if isinstance(item, Work):
                account_for(item, self._tally)

    def _next_index(self) -> int:
        with self._index_lock:
            return next(self._indices)

    def records_expected(self) -> int:
        """Return how many records the run will write, as far as can be told."""
        return self._feed.records_expected()

    # --- the ledger -------------------------------------------------------------------------------

    def _open(self, pool: DatabasePool, stack: ExitStack) -> tuple[SinkLimits, Ledger | None]:
        """Open a first sink; return its limits, and the ledger beside it if it has none of its own."""
        sink = self._control_of(Connection(pool, None)).begin(pool.acquire, "open")
        pool.release(sink)
        if sink.ledger is not None:
            return sink.limits, None
        beside = open_beside(self._config)
        stack.callback(beside.close)
        return sink.limits, beside

    def _control_of(self, connection: Connection) -> Control:
        return Control(
            connection,
            decide=self._decide,
            schedule=self._schedule,
            timeout=self._config.batch_timeout,
            breaker=self._breaker,
            stop=self._stop.event,
            emit=self._emit,
            describe=self._message,
        )

    def _finish(self, control: Control, state: str, reason: str) -> RunResult:
        account = self._tally.account()
        account.check()
        run = replace(self._run, state=state, finished_at=_now(), account=account.as_dict())
        try:
            if state == "done":
                control.ask(lambda ledger: ledger.finish_run(run))
            else:
                control.tell_at_last(lambda ledger: ledger.finish_run(run))
        except (OutageTooLong, RunInterrupted) as error:
            state, reason = "interrupted", self._message(error)
        except SinkError as error:
            if state == "done":
                raise
            logger.warning("the ledger could not be told how the run ended: %s", self._message(error))
        self._emit(RunFinished(self._run.run_id, state, account, reason))
        return RunResult(self._run.run_id, state, account, reason)


def _unreadable_page(control: Control, after: str) -> list[Reject]:
    return control.ask(lambda ledger: ledger.rejects(error=UNREADABLE, after=after))


def _drop_rejects(ledger: Ledger, ids: Sequence[str]) -> int:
    return ledger.drop_rejects(ids)


def _now() -> str:
    return datetime.now(UTC).isoformat()
