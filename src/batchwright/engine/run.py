"""The line: discover → read → chunk → batch → deliver, once from end to end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

from batchwright.config import BatchConfig
from batchwright.contracts.account import Account
from batchwright.contracts.events import Event, InputCounted, RunFinished, RunStarted
from batchwright.contracts.executor import AnyExecutor
from batchwright.contracts.ledger import Ledger
from batchwright.contracts.partition import Findings
from batchwright.contracts.receipts import Receipt, Reject, Run
from batchwright.contracts.stop import Stop
from batchwright.engine.access import Access
from batchwright.engine.context import Context
from batchwright.engine.delivery.breaker import OutageTooLong
from batchwright.engine.delivery.control import Control
from batchwright.engine.delivery.limit import RejectLimit
from batchwright.engine.delivery.once import Decide
from batchwright.engine.reading.feed import UNREADABLE
from batchwright.engine.reading.inventory import Inventory
from batchwright.engine.shares import RunExecution
from batchwright.engine.tally import Tally
from batchwright.errors import RunInterrupted, SinkError
from batchwright.plugins.manager import PluginManager
from batchwright.secrets import mask

logger = logging.getLogger("batchwright")

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
        on_stored: Told of the ids of chunks that are committed, by the thread that wrote them.
        on_mishap: Told of errors that other processes classified: the batch's index, and what it was.
    """

    def __init__(
        self,
        config: BatchConfig,
        *,
        manager: PluginManager,
        emit: Callable[[Event], None],
        decide: Decide,
        stop: Stop,
        on_stored: Callable[[list[str]], None] = lambda _: None,
        on_mishap: Callable[[int, str], None] = lambda *_: None,
    ) -> None:
        self._config = config
        self._manager = manager
        self._emit = emit
        self._stop = stop
        self._tally = Tally()
        self._on_stored = on_stored
        self._on_mishap = on_mishap
        self._run = Run(str(uuid4()), _now(), str(config.input_dir))
        self._size = 0
        self._context = Context(
            config,
            manager=manager,
            run_id=self._run.run_id,
            session=self._run.run_id,
            emit=emit,
            decide=decide,
            stop=stop,
            tally=self._tally,
        )

    def run(self) -> RunResult:
        """Load what is new or changed.

        Raises:
            ConfigError: The target or an option is wrong.
            PluginError: A plugin is broken.
            SinkError: The target can't be opened.
            ExecutorError: The executor can't have the work done.
        """
        config = self._config
        executor: AnyExecutor = self._manager.make("executor", config.executor, config.executors)
        inventory = Inventory(config)
        self._size = inventory.size
        if not inventory.documents and not self._manager.make_sink(config.to, config.sink).exists():
            # nothing to load and nothing there: leave no empty tables behind
            return RunResult(self._run.run_id, "done", self._tally.account())
        with Access(self._context) as access:
            control = access.control
            pending = control.first(lambda ledger: ledger.pending())
            control.first(lambda ledger: ledger.start_run(self._run))
            target = mask(config.to, self._context.secrets)
            self._emit(RunStarted(self._run.run_id, str(config.input_dir), target, bool(pending)))
            self._emit(InputCounted(inventory.documents, inventory.size))
            execution = RunExecution(
                self._context,
                access,
                inventory=inventory,
                pending=pending,
                limit=RejectLimit(config.max_rejects, self.records_expected),
                on_stored=self._on_stored,
                on_mishap=self._on_mishap,
            )
            try:
                self._load(execution, executor, inventory)
                state, reason = self._conclude(execution.findings, control)
            except Exception as error:  # the ledger shall say how the run ended
                self._finish(control, "failed", self._context.message(error))
                raise
            return self._finish(control, state, reason)

    def records_expected(self) -> int:
        """Return how many records the run will write, as far as can be told."""
        return self._tally.expected(self._size)

    def _load(self, execution: RunExecution, executor: AnyExecutor, inventory: Inventory) -> None:
        try:
            executor.execute(execution)
            execution.check()
        except (OutageTooLong, RunInterrupted) as error:
            self._stop.request(str(error))
        except BaseException:
            self._stop.request("loading the input failed", failed=True)
            raise
        finally:
            if self._stop.event.is_set():  # what was counted, but not reached
                rest = max(0, inventory.documents - execution.findings.found)
                self._tally.seen(documents=rest)
                self._tally.document("not_attempted", rest)

    def _conclude(self, findings: Findings, control: Control) -> tuple[str, str]:
        """Tidy up behind what was loaded; return how the run ended, and why."""
        if self._stop.event.is_set():
            return ("failed" if self._stop.failed else "interrupted"), self._stop.reason
        try:
            refusal = self._remove(findings, control)
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

    def _remove(self, findings: Findings, control: Control) -> str:
        """Remove what is gone, if that is wanted, and what earlier runs left half done; return a refusal."""
        gone, discarded = findings.gone, findings.begun
        deleted: Sequence[tuple[str, str]] = []
        if gone and self._config.prune:
            if len(gone) > self._config.prune_limit * findings.published:
                return (
                    f"refusing to prune {len(gone)} of {findings.published} documents: more than prune_limit "
                    f"({self._config.prune_limit:.0%}); is {self._config.input_dir} the right directory? "
                    f"If so, raise the limit (--prune-limit 1.0)"
                )
            deleted = gone
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
            state, reason = "interrupted", self._context.message(error)
        except SinkError as error:
            if state == "done":
                raise
            message = self._context.message(error)
            logger.warning("the ledger could not be told how the run ended: %s", message)
        self._emit(RunFinished(self._run.run_id, state, account, reason))
        return RunResult(self._run.run_id, state, account, reason)


def _unreadable_page(control: Control, after: str) -> list[Reject]:
    return control.ask(lambda ledger: ledger.rejects(error=UNREADABLE, after=after))


def _drop_rejects(ledger: Ledger, ids: Sequence[str]) -> int:
    return ledger.drop_rejects(ids)


def _now() -> str:
    return datetime.now(UTC).isoformat()
