"""The one way to a store: bounded in time, opened anew when it is lost, never written to twice unasked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from operator import methodcaller
from typing import TYPE_CHECKING, Any, TypeVar

from batchwright.contracts.events import BatchRetrying
from batchwright.contracts.failure import Decision, Failure, Phase, dotted_name
from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import Receipt
from batchwright.contracts.sink import Store
from batchwright.engine.delivery.beside import write_beside
from batchwright.engine.delivery.breaker import Fault
from batchwright.engine.delivery.calls import CallAbandoned, CallThread, Deadline, Parting
from batchwright.engine.delivery.retry import Attempted, Schedule, attempt, is_transient
from batchwright.engine.delivery.room import lacks_room
from batchwright.engine.delivery.strain import Strain
from batchwright.engine.lease import Waiting
from batchwright.engine.owner import this_process
from batchwright.errors import (
    BadRecords,
    BatchTooLarge,
    BatchwrightError,
    CollectionBusy,
    IncompleteDocument,
    LeaseLost,
    RunInterrupted,
    SinkError,
)
from batchwright.model import Batch
from batchwright.plugins.foreign import Foreign, bounded

if TYPE_CHECKING:
    from batchwright.engine.session import Session

Value = TypeVar("Value")

NO_RETRY = Schedule(max_retries=0)

NOTHING_STORED = (BadRecords, BatchTooLarge, CollectionBusy, IncompleteDocument)
"""What a store raises before it commits anything; after any other error a batch may be stored."""


class StoreClient:
    """Makes the calls of one thread to one store at a time, and to the ledger.

    Every call has a deadline and is tried again as the classifiers say. When its retries are used up, and
    whatever the verdict, the ledger is asked whether the batch is stored. If the sink turns out to be down,
    the call waits for it and begins anew; if it answers, the call gets one more try, since the sink may have
    come back between the last try and the probe. A write that fails then waits for the end of the next one:
    see `Breaker`. A batch of several records that times out twice is given back, to be cut.

    Args:
        session: Where stores come from, and what clients share.
        writer: The number of the writer that it belongs to.
    """

    def __init__(self, session: Session, writer: int = 0) -> None:
        self._pool = session.pool
        self._beside = session.beside
        self._policy = session.policy
        self._judge = session.judge
        self._breaker = session.breaker
        self._stop = session.stop.event
        self._parting = Parting(self._stop, self._policy.parting)
        self._stop_run = session.stop.request
        self._emit = session.dispatcher.emit
        self._writer = writer
        self._wait = session.config.wait
        self._store: Store | None = None
        self._abandoned = 0
        self._is_probing = False
        self._giving_up = threading.Lock()
        self._thread = CallThread("batchwright-call")
        self._foreign = Foreign(session.who, SinkError)

    def open(self, *, patiently: bool = False) -> Store:
        """Take a store from the pool, with retries, if there is none yet.

        Args:
            patiently: Whether to wait for a sink that is down; at first contact it is an error.

        Raises:
            OutageTooLong, RunInterrupted: The sink didn't come back.
            CollectionBusy: Another process has the whole target, after the time that the settings wait.
            SinkError, ConfigError: It can't be opened.
        """
        call = lambda deadline: self._call(lambda store: store, deadline.remaining())  # noqa: E731
        patience = Deadline(self._wait)
        while True:
            result = self._persist(call, "open", hold=patiently)
            if not isinstance(result.error, CollectionBusy) or not self._pause(patience):
                return self._value(result)

    def write(
        self,
        batch: Batch[Any] | None,
        receipt: Receipt,
        next_write: Callable[[], bool] | None = None,
        *,
        second: bool = False,
    ) -> Attempted[None]:
        """Store the batch and carry out its receipt, once however often it is tried; return how that ended.

        Args:
            batch: The records; None for a receipt that belongs to no batch.
            receipt: What commits with them.
            next_write: Delivers the batch after it, when this one is out of retries and the sink answers;
                returns whether there was one. None where there is none.
            second: Whether it is delivered so, while the one before waits.

        Raises:
            OutageTooLong: The sink was down for longer than is allowed.
        """
        records: Batch[Any] = batch or Batch([], 0)
        store_it: Callable[[Store], None] = methodcaller("write", records, receipt)
        if self._beside is not None:
            store_it = partial(write_beside, ledger=self._beside, batch=records, receipt=receipt)
        tried = False

        def call(deadline: Deadline) -> None:
            nonlocal tried
            if not self._is_probing:  # a batch that is held is the probe
                self._breaker.hold()
            if tried and self._committed(receipt, deadline.remaining()):
                return
            tried = True
            self._call(store_it, deadline.remaining())

        def landed(error: Exception) -> bool:
            if isinstance(error, NOTHING_STORED):
                return False
            for _ in range(2):  # the first question may only show that the connection is lost
                try:
                    return self._committed(receipt, self._policy.patience)
                except ConnectionError:
                    continue
                except Exception:  # noqa: BLE001 - no answer is no proof; the next run finds out
                    break
            return False

        phase: Phase = "write" if batch else "ledger"
        patience = Deadline(self._wait)
        while True:
            with self._breaker.writing():
                result = self._persist(
                    call,
                    phase,
                    batch,
                    landed,
                    partial(self._breaker.takes_none, next_write=next_write, second=second),
                    hold=self._policy.holds,
                )
            if result.error is None:
                self._breaker.stored()
                self._judge.wrote = True
            if not isinstance(result.error, CollectionBusy):
                return result
            try:
                if result.error.collection:
                    self.free(receipt.collection, patience.remaining() or 0.0)
                elif not self._pause(patience):  # no lease is in the way: another process has the target
                    return result
            except CollectionBusy as error:
                return replace(result, error=error)
            except RunInterrupted:
                return replace(result, stopped=True)

    def free(self, collection: str, wait: float) -> None:
        """Wait until no run has the collection; remove the lease of one that is dead or silent.

        Raises:
            CollectionBusy: A run still has it.
            RunInterrupted: The work was stopped meanwhile.
        """
        ask, policy = partial(self.ask, patiently=False), self._policy
        Waiting(ask, policy.owner or this_process(), policy.leases, self._stop).free(collection, wait)

    def ask(self, question: Callable[[Ledger], Value], *, patiently: bool = True) -> Value:
        """Return what the question, or order, to the ledger returns; wait for a sink that is down.

        Args:
            question: What to ask.
            patiently: Whether to wait for a sink that is down; at first contact it is an error.

        Raises:
            OutageTooLong: The sink did not come back in time.
            RunInterrupted: The run was stopped meanwhile.
            SinkError: It failed for good.
        """
        call = lambda deadline: self._ask(question, deadline.remaining())  # noqa: E731
        return self._value(self._persist(call, "ledger", hold=patiently))

    def read(self, question: Callable[[Store], Value]) -> Value:
        """Return what the question to the store returns, over a new connection if this one is lost.

        Raises:
            SinkError: It failed for good.
        """
        call = lambda deadline: self._call(question, deadline.remaining())  # noqa: E731
        return self._value(self._persist(call, "ledger", hold=False))

    def order(self, receipt: Receipt) -> None:
        """Carry out a receipt without records; raises as `ask` does."""
        self._value(self.write(None, receipt))

    def ask_last(self, question: Callable[[Ledger], Value]) -> Value:
        """Ask at the end of a run that stops, whatever the state of the sink.

        Raises:
            SinkError: It could not be asked.
        """
        never = threading.Event()  # the run's own is set already, and would end the wait before the retry
        timeout = self._policy.batch_timeout
        result = attempt(
            lambda: self._ask(question, timeout),
            decide=lambda error, number: self._judge.decide(error, phase="ledger", attempt=number),
            schedule=self._policy.farewell,
            stop=never,
        )
        return self._value(result)

    def ask_once(self, question: Callable[[Ledger], Value], timeout: float) -> Value:
        """Ask once, whatever the state of the sink, and raise what comes of it.

        Raises:
            DeadlineExceeded: It took longer than `timeout` seconds.
            Exception: Any other, as it is.
        """
        return self._ask(question, timeout)

    def probe(self) -> None:
        """Check that the store answers; raise if not."""
        self._call(lambda store: store.probe(), self._policy.probe_timeout)

    def close(self) -> None:
        """Give the store back."""
        self._thread.close()
        self._discard()

    # --- one retry rule -----------------------------------------------------------------------------

    def _persist(
        self,
        call: Callable[[Deadline], Value],
        phase: Phase,
        batch: Batch[Any] | None = None,
        landed: Callable[[Exception], bool] = lambda _: False,
        whose_fault: Callable[[Callable[[], None], int, Exception], Fault] = lambda *_: Fault.UNKNOWN,
        *,
        hold: bool = True,
    ) -> Attempted[Value]:
        """Call until it succeeds, fails for good, or the run stops."""
        policy = self._policy
        schedule, last_chance = policy.retries, False
        strain = Strain(several=batch is not None and len(batch.documents) > 1)
        retries = 0

        attempts = partial(
            attempt,
            decide=lambda error, number: self._judge.decide(error, phase=phase, attempt=number, batch=batch),
            stop=self._stop,
            patience=policy.max_outage if hold else 0.0,
            enough=strain.add,
            on_retry=lambda error, decision, number, wait: self._retrying(
                batch, error, decision, number, wait
            ),
        )

        def concluded(result: Attempted[Value]) -> Attempted[Value]:
            nonlocal retries
            retries += result.retries
            result = replace(result, retries=retries, strained=strain.any)
            if result.error is not None and landed(result.error):
                return replace(result, error=None, decision=None, stopped=False)
            return result

        def again() -> None:
            """Try the batch that is held once; raise if the sink still doesn't take it."""
            deadline, self._is_probing = Deadline(policy.batch_timeout), True
            try:
                latest[0] = found = concluded(
                    attempts(partial(call, deadline), schedule=NO_RETRY, deadline=deadline)
                )
            finally:
                self._is_probing = False
            if found.error is not None and is_transient(found):
                raise found.error

        while True:
            outages = self._breaker.outages
            deadline = Deadline(policy.batch_timeout)
            result = concluded(attempts(partial(call, deadline), schedule=schedule, deadline=deadline))
            latest = [result]
            if result.error is None:
                return result
            if isinstance(result.error, LeaseLost):  # nothing is wrong with the records, nor with the sink
                self._stop_run(str(result.error))
                return replace(result, stopped=True)
            if not is_transient(result) or not hold:
                return result
            if self._stop.is_set():
                return replace(result, stopped=True)
            if self._breaker.outage(self.probe, outages):
                schedule, last_chance = policy.retries, False
                strain.forget()
            elif strain.too_much:
                return replace(result, timed_out=True)
            elif not last_chance:
                schedule, last_chance = NO_RETRY, True
            else:
                fault = whose_fault(again, outages, result.error)
                if not is_transient(latest[0]):  # it was the probe, and the sink answered
                    return latest[0]
                if fault is Fault.SINK:
                    schedule, last_chance = policy.retries, False
                elif fault is Fault.UNKNOWN or not lacks_room(result.error):
                    return replace(result, stopped=self._stop.is_set())
                # the other batch was smaller, or something went meanwhile: it is not this one's fault

    def _retrying(
        self, batch: Batch[Any] | None, error: Exception, decision: Decision, number: int, wait: float
    ) -> None:
        self._emit(
            BatchRetrying(
                batch_index=batch.batch_index if batch else None,
                attempt=number,
                wait=wait,
                error=self._judge.describe(error),
                decided_by=decision.decided_by,
                sqlstate=Failure(error).sqlstate,
                error_type=dotted_name(error),
                writer=self._writer,
            )
        )

    def _value(self, result: Attempted[Value]) -> Value:
        if result.error is None:
            return result.value  # type: ignore[return-value]
        message = self._judge.describe(result.error)
        if isinstance(result.error, LeaseLost):
            raise RunInterrupted(message) from result.error
        if result.stopped:
            raise RunInterrupted(f"stopped while the sink was down: {message}")
        if isinstance(result.error, BatchwrightError):
            raise result.error
        raise SinkError(message) from result.error

    def _pause(self, patience: Deadline) -> bool:
        """Wait a moment for another process; tell whether there is time to try again.

        Raises:
            RunInterrupted: The work was stopped meanwhile.
        """
        left = patience.remaining() or 0.0
        if left > 0 and self._stop.wait(min(self._policy.leases.poll, left)):
            raise RunInterrupted("stopped while another process had the target")
        return left > 0

    # --- single calls -------------------------------------------------------------------------------

    def _committed(self, receipt: Receipt, timeout: float | None) -> bool:
        return self._ask(lambda ledger: ledger.committed(receipt.batch_id), timeout)

    def _ask(self, question: Callable[[Ledger], Value], timeout: float | None) -> Value:
        def call(store: Store) -> Value:
            ledger = store.ledger or self._beside
            if ledger is None:
                raise SinkError("there is no ledger")
            return question(ledger)

        return self._call(call, timeout)

    def _call(self, function: Callable[[Store], Value], timeout: float | None) -> Value:
        """Make a call on the store that is open, or a new one; a store that lost its connection is let go.

        Once the run is to end, no call takes long. Where no connection can be made then, others don't try.

        Raises:
            DeadlineExceeded: It took longer than `timeout` seconds, or than a run that is to end waits.
            ConnectionError: The connection was lost, or none can be made.
        """
        if self._breaker.unreachable:
            raise ConnectionError("the sink could not be reached when the run was to end")

        def call() -> Value:
            with self._foreign:
                return function(self._opened(timeout))

        try:
            if timeout is None:
                return call()
            return self._thread.call(
                call, timeout, cancel=self._cancel, grace=self._policy.grace, parting=self._parting
            )
        except (CallAbandoned, ConnectionError) as error:
            self._breaker.unreachable = self._stop.is_set() and self._store is None
            if isinstance(error, CallAbandoned):
                self._abandon()
            else:
                self._discard()
            raise

    def _opened(self, timeout: float | None) -> Store:
        store, abandoned = self._store, self._abandoned
        if store is None:
            store = self._pool.acquire(timeout)
            with self._giving_up:  # opening it may have taken so long that this call is given up just now
                wanted = self._abandoned == abandoned
                if wanted:
                    self._store = store
            if not wanted:
                self._pool.discard(store)
                raise SinkError("the connection was given up while it was being opened")
        return store

    def _cancel(self) -> None:
        if self._store is not None:
            with suppress(Exception):
                bounded("", self._store.cancel, self._policy.grace)

    def _discard(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            self._pool.discard(store)

    def _abandon(self) -> None:
        """Leave a call that hangs behind, with its thread and its store."""
        with self._giving_up:
            store, self._store = self._store, None
            self._abandoned += 1
        self._thread = CallThread("batchwright-call")
        if store is not None:
            self._pool.abandon(store)
