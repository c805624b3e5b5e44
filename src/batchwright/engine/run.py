"""One run, from beginning to end: count the input, load it, remove what is gone, note how it ended."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from batchwright.contracts import exits
from batchwright.contracts.account import Account
from batchwright.contracts.events import (
    DocumentsFinished,
    DocumentsRead,
    EndState,
    InputCounted,
    ItemLeftOut,
    RunStarted,
)
from batchwright.contracts.executor import AnyExecutor
from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import Collection, Run
from batchwright.contracts.records import CHUNK
from batchwright.engine.collection import check_origin
from batchwright.engine.conclusion import conclude
from batchwright.engine.ending import finished
from batchwright.engine.heartbeat import holding
from batchwright.engine.reading.deaths import reading_apart
from batchwright.engine.reading.fetching import Fetcher
from batchwright.engine.reading.input import LOCAL, Input
from batchwright.engine.reading.inventory import Inventory, listed
from batchwright.engine.reading.preparing import may_start_processes
from batchwright.engine.reject_limit import RejectLimit
from batchwright.engine.result import RunResult
from batchwright.engine.session import Session
from batchwright.engine.setup import Setup
from batchwright.engine.shares import RunExecution
from batchwright.engine.store.breaker import OutageTooLong
from batchwright.engine.store.client import StoreClient
from batchwright.errors import ConfigError, RunInterrupted, SinkError
from batchwright.interrupts import is_by_signal

if TYPE_CHECKING:
    from batchwright.engine.rows.gather import Gathered

logger = logging.getLogger("batchwright")


class Loading:
    """One run. Make it, call `run` once, close it.

    Args:
        setup: Settings, plugins, where events go, and what ends it early.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._config = setup.config
        self._dispatcher = setup.dispatcher
        self._stop = setup.stop
        self._input = Input.of(setup.config, setup.manager)
        self._collection = self._input.collection
        if not self._input.is_rows:
            _warn_of_unused(setup)
        self._run = Run(str(uuid4()), _now(), self._collection.name, setup.config.source_shown)

    def close(self) -> None:
        """Close the source."""
        self._input.close()

    def run(self) -> RunResult:
        """Load what is new or changed.

        Raises:
            ConfigError: The target or an option is wrong, or the collection is another directory's.
            PluginError: A plugin is broken.
            SourceError: The source can't be listed.
            SinkError: The target can't be opened.
            CollectionBusy: Another run has the collection; nothing was begun.
            RunInterrupted: The run was stopped while it waited for that one.
            ExecutorError: The executor can't have the work done.
        """
        config = self._config
        executor = self._executor()
        rows, inventory = self._gathered() if self._input.is_rows else None, None
        if rows is not None:
            inventory = rows.inventory
        session = Session(
            self._setup,
            record_type=CHUNK if rows is None else rows.scan.record_type,
            collection=self._collection.name,
            run_id=self._run.run_id,
            limit=rows.limit() if rows else RejectLimit(config.max_rejects, self._dispatcher.tally.expected),
        )
        if rows is None and self._input.source.complete:
            inventory = listed(self._input, session.describe, stop=self._stop.event)
        if session.embedding is not None:
            session.embedding.check(session.record_type, config)
        _warn_of_workers(config.workers, config.to, session.limits.writers)
        if inventory is not None and not inventory.documents and not session.exists():
            # nothing to load and nothing there: leave no empty tables behind
            self._start(session, inventory, rows, resumed=False)
            return self._end("done", "")
        for said in rows.widened if rows is not None else ():
            logger.warning("%s", said)
        with session.open(), self._holding(session):
            control, name = session.control, self._run.collection
            if rows is not None:
                rows = self._not_older(rows, session)
                inventory = rows.inventory
            if inventory is None:
                since = control.ask(lambda ledger: ledger.cursor(name), patiently=False)
                inventory = listed(self._input, session.describe, since, self._stop.event)
            pending = control.ask(lambda ledger: ledger.pending(name), patiently=False)
            apart = rows is None and self._reads_apart(control)
            control.ask(lambda ledger: ledger.start_run(self._run), patiently=False)
            self._start(session, inventory, rows, resumed=any(v.brought_by == "run" for v in pending))
            fetcher = Fetcher(
                self._input,
                session.judge,
                session.policy,
                self._stop.event,
                self._dispatcher.emit,
                apart=apart,
            )
            execution = RunExecution(session, inventory, fetcher, pending, rows)
            try:
                with self._accounting_for_all(execution), execution.loaded_by(executor):
                    executor.execute(execution)
                state, reason = conclude(session, self._input, execution)
            except Exception as error:  # the ledger has to say how the run ended
                self._finish(session, "failed", session.describe(error), exits.of_error(error))
                raise
            except BaseException as error:
                if is_by_signal(error):  # else a run that a person ended would count as one that died
                    with suppress(Exception):
                        self._finish(session, "interrupted", session.describe(error), exits.of_error(error))
                raise
            return self._finish(session, state, reason)

    def _executor(self) -> AnyExecutor:
        """Return who loads; the executor that the settings name is refused if it is wrong, in any case."""
        named, name = self._config.executor, self._input.executor
        executor: AnyExecutor = self._setup.manager.make("executor", named, self._config.executors)
        if name != named:
            logger.info("rows are loaded by this process, and not by the executor %r", named)
            executor = self._setup.manager.make("executor", name, self._config.executors)
        return executor

    def _gathered(self) -> Gathered:
        from batchwright.engine.rows.gather import gather  # documents need none of it

        return gather(self._input, self._setup, self._collection.name, self._dispatcher.emit)

    def _not_older(self, rows: Gathered, session: Session) -> Gathered:
        """Return the rows; read again where another run loaded the collection since: they may be older.

        Raises:
            ConfigError: They are of another type now.
        """
        from batchwright.engine.rows.stored import last_run_of

        last = session.control.ask(partial(last_run_of, collection=self._collection.name), patiently=False)
        if last == rows.last_run:
            return rows
        logger.info("another run, %s, loaded the collection meanwhile; the rows are read again", last)
        rows = self._gathered()
        if rows.scan.record_type != session.record_type:
            raise ConfigError("the rows have other columns, or types, than before the other run; run again")
        return rows

    @contextmanager
    def _holding(self, session: Session) -> Iterator[None]:
        """Hold the lease of the collection. Raises as `_enter` and `holding`."""
        own, control = self._collection, session.control
        there = self._enter(control)
        with holding(session, [own.name], self._config.wait):
            if self._config.adopt and there.origin != own.origin:
                control.ask(lambda ledger: ledger.enter_collection(own, adopt=True), patiently=False)
            yield

    def _enter(self, control: StoreClient) -> Collection:
        """Make sure that the collection is there, and that it is this directory's; return it.

        Nothing is written where it is there: somebody else may be stopped in the middle of a write.

        Raises:
            ConfigError: It holds another directory's documents.
        """
        own = self._collection
        known = control.ask(lambda ledger: ledger.collections(), patiently=False)
        there = next((one for one in known if one.name == own.name), None)
        if there is None:
            there = control.ask(lambda ledger: ledger.enter_collection(own), patiently=False)
        check_origin(self._config, own, there)
        return there

    def _start(self, session: Session, inventory: Inventory, rows: Gathered | None, *, resumed: bool) -> None:
        emit = self._dispatcher.emit
        run = self._run
        emit(
            RunStarted(
                run.run_id,
                run.source,
                session.target,
                run.collection,
                resumed,
                session.record_type.name,
                self._input.executor,
            )
        )
        left_out = inventory.left_out
        documents, size = inventory.documents, inventory.size
        if rows is not None:
            documents, size = rows.scan.rows, rows.scan.size
        emit(InputCounted(documents, size, dict(left_out.counts)))
        for reason, path, _ in left_out.named:
            emit(ItemLeftOut(path, reason))

        if session.embedding is not None:
            emit(session.embedding.started())

    def _reads_apart(self, control: StoreClient) -> bool:
        """Tell whether to read in another process, since an earlier run may have died of a document."""
        name, local = self._run.collection, self._input.executor == LOCAL
        reason = control.ask(lambda ledger: reading_apart(ledger, name), patiently=False) if local else ""
        if not reason:
            return False
        if may_start_processes():
            logger.warning(
                "%s; documents are read in a process of their own: one that kills it fails alone", reason
            )
            return True
        logger.warning("%s; if a document was the cause, readers = 2 in the settings tells which", reason)
        return False

    @contextmanager
    def _accounting_for_all(self, execution: RunExecution) -> Iterator[None]:
        """Turn an outage into a request to stop; account for what was counted, but not reached."""
        try:
            yield
        except (OutageTooLong, RunInterrupted) as error:
            self._stop.request(str(error))
        except BaseException:
            self._stop.request("loading the input failed", failed=True)
            raise
        finally:
            rest = execution.documents - execution.findings.found
            if self._stop.event.is_set() and rest > 0:
                self._dispatcher.emit(DocumentsRead(rest))
                self._dispatcher.emit(DocumentsFinished("not_attempted", rest))

    def _finish(
        self, session: Session, state: EndState, reason: str, exit_code: int | None = None
    ) -> RunResult:
        """Note in the ledger how the run ended, and say so."""
        account = self._dispatcher.tally.account()
        account.check()
        run = replace(self._run, state=state, finished_at=_now(), account=account.as_dict())
        token = session.tokens.get(run.collection)
        try:
            if state == "done":
                session.control.ask(partial(_finish_run, run=run, token=token))
            else:
                session.control.ask_last(lambda ledger: ledger.finish_run(run, token))
        except (OutageTooLong, RunInterrupted) as error:
            state, reason = "interrupted", session.describe(error)
        except SinkError as error:
            said = session.describe(error)
            logger.warning("the ledger does not know how the run ended: %s", said)
            if state == "done":
                state, reason = "failed", said
        return self._end(state, reason, account, exit_code)

    def _end(
        self, state: EndState, reason: str, account: Account | None = None, exit_code: int | None = None
    ) -> RunResult:
        account = account or self._dispatcher.tally.account()
        code = exit_code
        if code is None:
            stopped, prune = self._stop.exit_code, self._config.prune
            code = (
                exits.of_run(state, account, stopped, prune=prune)
                if self._input.source.complete
                else exits.of_end(state, account, stopped)  # nothing new is nothing wrong
            )
        result = RunResult(self._run.run_id, state, account, reason, code, self._run.collection)
        return finished(self._dispatcher, result)


def _finish_run(ledger: Ledger, run: Run, token: str | None) -> None:
    ledger.finish_run(run, token)
    ledger.drop_receipts()


def _warn_of_workers(wanted: int, target: str, most: int) -> None:
    if wanted > most:
        sink = target.partition(":")[0]
        logger.warning("workers = %d: a target of %s takes %d at most; using %d", wanted, sink, most, most)


_OF_ROWS = ("text", "heading", "types", "on_duplicate", "on_new_field", "lag")


def _warn_of_unused(setup: Setup) -> None:
    config = setup.config
    unused = [config.origin(name) for name in _OF_ROWS if name in config.model_fields_set]
    if unused:
        logger.warning(
            "not used, as %s holds documents, not rows: %s; name a file of rows, or a column with --key",
            config.source_shown,
            ", ".join(unused),
        )


def _now() -> str:
    return datetime.now(UTC).isoformat()
