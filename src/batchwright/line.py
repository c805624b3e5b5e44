"""The line: discover → read → chunk → batch → deliver, once from end to end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any
from uuid import uuid4

from batchwright.account import Account
from batchwright.config import BatchConfig
from batchwright.delivery.breaker import Breaker, OutageTooLong
from batchwright.delivery.connection import Connection
from batchwright.delivery.control import Control
from batchwright.delivery.courier import Courier, Decide, Ending, RejectLimit
from batchwright.delivery.retry import Schedule
from batchwright.delivery.work import Unreadable, Work
from batchwright.delivery.writers import Buffer, Sizer, Writer, account_for
from batchwright.documents import discover
from batchwright.errors import RunInterrupted, SinkError
from batchwright.events import (
    DocumentFinished,
    Event,
    InputCounted,
    RunFinished,
    RunStarted,
    StopRequested,
)
from batchwright.intake import Pair, Prepared, pair
from batchwright.ledger import OWN_RECORDS, DocumentVersion, KnownDocument, Ledger, Receipt, Reject, Run
from batchwright.ledgers import open_beside
from batchwright.model import Batch, ProcessedChunk, document_id
from batchwright.plugins import PluginManager
from batchwright.pool import DatabasePool
from batchwright.reading import prepare_all, reader_count
from batchwright.secrets import mask, secrets_in
from batchwright.sink import SinkLimits
from batchwright.sizing import SizeLimits
from batchwright.tally import Tally

logger = logging.getLogger("batchwright")

BUFFER_BYTES = 8 * 1024 * 1024
"""How much read and chunked text may wait for each writer."""

UNREADABLE = "batchwright.errors.DocumentError"
"""The error of a reject that stands for a document."""

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


class Stop:
    """The wish that a run ends early, and whose it is. The first one counts."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.reason = ""
        self.failed = False
        self._wakeups: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def request(self, reason: str, *, failed: bool = False) -> None:
        """Ask the run to end. Not for signal handlers: it takes a lock."""
        with self._lock:
            if self.event.is_set():
                return
            self.reason, self.failed = reason, failed
            self.event.set()
        for wakeup in self._wakeups:
            wakeup()

    def on_request(self, wakeup: Callable[[], None]) -> None:
        """Have `wakeup` called when the run is asked to end; at once if it was."""
        self._wakeups.append(wakeup)
        if self.event.is_set():
            wakeup()


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
        self._secrets = secrets_in(config.to)
        self._schedule = Schedule(config.max_retries, cap=config.retry_cap, jitter=config.retry_jitter)
        self._breaker = Breaker(config.max_outage, stop.event, emit, self._message)
        self._limit = RejectLimit(config.max_rejects, self.records_expected)
        self._run = Run(str(uuid4()), _now(), str(config.input_dir))
        self._documents_total = self._documents_found = self._bytes_total = 0
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
        self._count_input()
        if not self._documents_total and not self._manager.make_sink(config.to, config.sink).exists():
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
            self._emit(InputCounted(self._documents_total, self._bytes_total))
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
        begun: dict[str, list[str]] = {}
        for version in pending:
            if version.settings != OWN_RECORDS:
                begun.setdefault(version.source_file, []).append(version.document_id)
        try:
            self._start_writers(writers, pool, control, limits, beside, buffer)
            gone, published = self._feed(buffer, control, begun)
        except (OutageTooLong, RunInterrupted) as error:
            self._stop.request(str(error))
            self._leave_unread()
        except BaseException:
            self._stop.request("reading the input failed", failed=True)
            raise
        finally:
            buffer.end()
            for writer in writers:
                writer.join()
            self._drain(buffer)
        if self._defect is not None:
            raise self._defect
        if self._stop.event.is_set():
            return ("failed" if self._stop.failed else "interrupted"), self._stop.reason
        try:
            refusal = self._remove(control, gone, published, begun)
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

    def _count_input(self) -> None:
        for found in self._discover():
            self._documents_total += 1
            self._bytes_total += found.size

    def _discover(self) -> Iterator[Any]:
        config = self._config
        return discover(
            config.input_dir,
            patterns=config.patterns,
            exclude=config.exclude,
            hidden=config.hidden,
            follow_symlinks=config.follow_symlinks,
        )

    def _feed(
        self, buffer: Buffer, control: Control, begun: dict[str, list[str]]
    ) -> tuple[list[KnownDocument], int]:
        """Read, chunk and hand on what is new; return what is gone, and how many were published before."""
        gone: list[KnownDocument] = []
        published = 0
        closed_folders: list[str] = []
        pairs = pair(self._discover(), self._published(control))
        readers = reader_count(self._config, self._bytes_total)
        for both, prepared in prepare_all(pairs, self._config, readers):
            if self._stop.event.is_set():
                self._emit(StopRequested(self._stop.reason))
                self._leave_unread()
                break
            self._documents_found += both.found is not None
            if both.known is not None:
                published += 1
                _keep_published(both.known.version, begun)
            if both.found is None or prepared is None:
                self._note_missing(both, closed_folders, gone)
                continue
            self._tally.seen(documents=1, size=prepared.size)
            if prepared.version is None:
                if both.found.error:  # perhaps a folder: what is published from it isn't gone
                    closed_folders.append("" if prepared.source_file == "." else f"{prepared.source_file}/")
                buffer.put(self._unreadable(prepared))
            elif prepared.chunks is None:
                self._leave_alone(prepared.version, both.known.rejected if both.known else 0)
            else:
                self._hand_on(buffer, both, prepared, begun)
        return gone, published

    def _leave_unread(self) -> None:
        """Account for the documents that were counted, but not reached before the run was asked to stop."""
        rest = max(0, self._documents_total - self._documents_found)
        self._tally.seen(documents=rest)
        self._tally.document("not_attempted", rest)

    def _note_missing(self, both: Pair, closed_folders: list[str], gone: list[KnownDocument]) -> None:
        known = both.known
        if known is None or known.version.settings == OWN_RECORDS:
            return
        self._tally.seen(documents=1)
        version = known.version
        if any(version.source_file.startswith(folder) for folder in closed_folders):
            self._tally.document("failed")
            reason = "its folder can't be read; the version stored before stays"
            self._emit(DocumentFinished(version.source_file, "failed", version.chunks, 0, reason))
            return
        gone.append(known)
        self._tally.document("deleted")
        self._emit(DocumentFinished(version.source_file, "deleted", version.chunks, version.size))

    def _leave_alone(self, version: DocumentVersion, rejected: int) -> None:
        self._tally.seen(records=version.chunks)
        self._tally.records("unchanged", version.chunks - rejected)
        self._tally.records("rejected", rejected)  # still: nobody has mended and replayed them
        self._tally.document("unchanged")
        self._emit(DocumentFinished(version.source_file, "unchanged", version.chunks, version.size))

    def _hand_on(self, buffer: Buffer, both: Pair, prepared: Prepared, begun: dict[str, list[str]]) -> None:
        version, chunks = prepared.version, prepared.chunks or []
        if version is None:
            return
        older = begun.pop(version.source_file, [])
        if both.known:
            older.append(both.known.version.document_id)
        work = Work(
            version,
            chunks,
            "changed" if both.known else "added",
            tuple(dict.fromkeys(id_ for id_ in older if id_ != version.document_id)),
            resumed=version.document_id in older,
        )
        self._tally.seen(records=len(chunks))
        self._tally.add("cleaned", prepared.cleaned)
        if not buffer.put(work):
            account_for(work, self._tally)

    def _unreadable(self, prepared: Prepared) -> Unreadable:
        self._tally.document("failed")
        reason = mask(prepared.reason)
        self._emit(DocumentFinished(prepared.source_file, "failed", 0, prepared.size, reason))
        return Unreadable(
            Reject(
                id=document_id("document", prepared.source_file),
                run_id=self._run.run_id,
                source_file=prepared.source_file,
                document_id="",
                position=-1,
                error=UNREADABLE,
                message=reason,
                sqlstate=None,
                attempts=1,
                decided_by="engine",
                created_at=_now(),
            )
        )

    def _remove(
        self,
        control: Control,
        gone: list[KnownDocument],
        published: int,
        begun: dict[str, list[str]],
    ) -> str:
        """Remove what is gone, if that is wanted, and what earlier runs left half done; return a refusal."""
        deleted: list[tuple[str, str]] = []
        if gone and self._config.prune:
            if len(gone) > self._config.prune_limit * published:
                return (
                    f"refusing to prune {len(gone)} of {published} documents: more than prune_limit "
                    f"({self._config.prune_limit:.0%}); is {self._config.input_dir} the right directory? "
                    f"If so, raise the limit (--prune-limit 1.0)"
                )
            deleted = [(known.version.source_file, known.version.document_id) for known in gone]
        discarded = [version for versions in begun.values() for version in versions]
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
            total_items=self.records_expected,
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
        return mask(str(error).strip() or type(error).__name__, self._secrets)

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
        account = self._tally.account()
        seen = account.records_seen - account.records.unchanged
        if not account.bytes_read or account.bytes_read >= self._bytes_total:
            return seen
        return max(seen, round(seen * self._bytes_total / account.bytes_read))

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

    def _published(self, control: Control) -> Iterator[KnownDocument]:
        after = ""
        while page := self._page(control, after):
            yield from page
            after = page[-1].version.source_file

    @staticmethod
    def _page(control: Control, after: str) -> list[KnownDocument]:
        return control.ask(lambda ledger: ledger.documents(after))

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


def _keep_published(version: DocumentVersion, begun: dict[str, list[str]]) -> None:
    """Take a version out of those to be discarded: one that was begun may have been published after all.

    So it is where the commit of a run that was killed came through late, and where a program stored a chunk
    of its own again (`BatchProcessor.insert_chunks`).
    """
    versions = begun.get(version.source_file, [])
    if version.document_id in versions:
        versions.remove(version.document_id)


def _unreadable_page(control: Control, after: str) -> list[Reject]:
    return control.ask(lambda ledger: ledger.rejects(error=UNREADABLE, after=after))


def _drop_rejects(ledger: Ledger, ids: Sequence[str]) -> int:
    return ledger.drop_rejects(ids)


def _now() -> str:
    return datetime.now(UTC).isoformat()
