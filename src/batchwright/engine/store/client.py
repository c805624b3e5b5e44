"""The one way to a store, for writes and for questions: nothing is written twice unasked."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from operator import methodcaller
from typing import Any, TypeVar

from batchwright.contracts.failure import Phase
from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import Receipt
from batchwright.contracts.rows import Placed
from batchwright.contracts.sink import Store
from batchwright.engine.lease import Waiting
from batchwright.engine.owner import this_process
from batchwright.engine.store.access import Access
from batchwright.engine.store.beside import write_beside
from batchwright.engine.store.breaker import Fault
from batchwright.engine.store.calls import Deadline
from batchwright.engine.store.connection import Connection
from batchwright.engine.store.retry import Attempted, attempt, is_transient
from batchwright.engine.store.retry_rule import NO_RETRY, RetryRule
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

Value = TypeVar("Value")

NOTHING_STORED = (BadRecords, BatchTooLarge, CollectionBusy, IncompleteDocument)
"""What a store raises before it commits anything; after any other error a batch may be stored."""


class NoMoreStores(SinkError):
    """The sink answers, and gives no store besides those that are open."""


class StoreClient:
    """Makes the calls of one thread to one store at a time, and to the ledger.

    Every call has a deadline (see `Connection`) and is tried again as the classifiers say (see `RetryRule`).
    When the retries of a write are used up, and whatever the verdict, the ledger is asked whether the batch
    is stored.

    Args:
        access: Where stores come from, and what clients share.
        writer: The number of the writer that it belongs to.
    """

    def __init__(self, access: Access, writer: int = 0) -> None:
        self._access, self._writer = access, writer
        self._connection = Connection(access)
        self._rule = RetryRule(access, self._connection.probe, writer)
        self._policy = access.policy
        self._judge = access.judge
        self._breaker = access.breaker
        self._stop = access.stop.event
        self._wait = access.wait
        self._who = access.who

    def open(self, *, patiently: bool = False) -> Store:
        """Take a store from the pool, with retries, if there is none yet.

        Args:
            patiently: Whether to wait for a sink that is down; at first contact it is an error.

        Raises:
            OutageTooLong, RunInterrupted: The sink didn't come back.
            CollectionBusy: Another process has the whole target, after the time that the settings wait.
            SinkError, ConfigError: It can't be opened.
        """
        return self._value(self._opened(partial(self._rule.persist, hold=patiently)))

    def open_another(self, open_one: StoreClient, *, spare: bool) -> Store:
        """Take one more store while the work goes on, with retries; wait for a sink that is down.

        Args:
            open_one: A client that has a store. It tells whether the sink is down, or just takes no more
                connections.
            spare: Whether the work can do without this store: then a sink that answers isn't asked for long.

        Raises:
            OutageTooLong, RunInterrupted: The sink didn't come back.
            NoMoreStores: The work can do without it, and the sink gives none, although it answers.
            SinkError, ConfigError: It can't be opened, although the sink answers.
        """
        rule = RetryRule(self._access, open_one.probe, self._writer)
        result = self._opened(partial(rule.persist, schedule=NO_RETRY if spare else None))
        if spare and result.error is not None and is_transient(result) and not result.stopped:
            raise NoMoreStores(self._judge.describe(result.error)) from result.error
        return self._value(result)

    def _opened(self, persist: Callable[..., Attempted[Store]]) -> Attempted[Store]:
        patience = Deadline(self._wait)
        while True:
            result = persist(self._give, "open")
            if not isinstance(result.error, CollectionBusy) or not self._pause(patience):
                return result

    def _give(self, deadline: Deadline) -> Store:
        return self._connection.call(lambda store: store, deadline.remaining())

    def write(
        self,
        batch: Batch[Any] | None,
        receipt: Receipt,
        next_write: Callable[[], bool] | None = None,
        *,
        second: bool = False,
        following: Sequence[Placed] = (),
    ) -> Attempted[None]:
        """Store the batch and carry out its receipt, once however often it is tried; return how that ended.

        Args:
            batch: The records; None for a receipt that belongs to no batch.
            receipt: What commits with them.
            next_write: Delivers the batch after it, when this one is out of retries and the sink answers;
                returns whether there was one. None where there is none.
            second: Whether it is delivered so, while the one before waits.
            following: Records that are probably written next, for the store to prepare meanwhile.

        Raises:
            OutageTooLong: The sink was down for longer than is allowed.
        """
        records: Batch[Any] = batch or Batch([], 0)
        store_it: Callable[[Store], None] = methodcaller("write", records, receipt)
        if self._access.beside is not None:
            store_it = partial(write_beside, ledger=self._access.beside, batch=records, receipt=receipt)
        if following:
            store_it = partial(_announcing, following, store_it)
        tried = False

        def call(deadline: Deadline) -> None:
            nonlocal tried
            if not self._rule.is_probing:  # a batch that is held is the probe
                self._breaker.hold()
            if tried and self._connection.committed(receipt, deadline.remaining()):
                return
            tried = True
            self._connection.call(store_it, deadline.remaining())

        def landed(error: Exception) -> bool:
            if isinstance(error, NOTHING_STORED):
                return False
            for _ in range(2):  # the first question may only show that the connection is lost
                try:
                    return self._connection.committed(receipt, self._policy.patience)
                except ConnectionError:
                    continue
                except Exception:  # noqa: BLE001 - no answer is no proof; the next run finds out
                    break
            return False

        phase: Phase = "write" if batch else "ledger"
        patience = Deadline(self._wait)
        while True:
            with self._breaker.writing():
                result = self._rule.persist(
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
            patiently: Whether to wait for a sink that is down, or answers, but not to this, as one that is
                out of room; at first contact it is an error.

        Raises:
            OutageTooLong: The sink did not come back in time.
            RunInterrupted: The run was stopped meanwhile.
            SinkError: It failed for good.
        """
        call = lambda deadline: self._connection.ask(question, deadline.remaining())  # noqa: E731
        return self._answered(call, patiently=patiently)

    def read(
        self, question: Callable[[Store], Value], *, patiently: bool = False, lasting: bool = False
    ) -> Value:
        """Return what the question to the store returns, over a new connection if this one is lost.

        Args:
            question: What to ask, or to have done.
            patiently: Whether to wait for a sink that is down, or that answers, but not to this: somebody
                else may have locked what it needs.
            lasting: Whether it may take any time, as building an index does; it ends when the work is to end.

        Raises:
            OutageTooLong, RunInterrupted: Being patient was in vain.
            SinkError: It failed for good.
        """

        def call(deadline: Deadline) -> Value:
            timeout = deadline.remaining()
            if lasting:
                self._connection.call(lambda _: None, timeout)  # connecting takes no longer than ever
                timeout = math.inf
            return self._connection.call(question, timeout)

        return self._answered(call, patiently=patiently)

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
            lambda: self._connection.ask(question, timeout),
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
        return self._connection.ask(question, timeout)

    def probe(self) -> None:
        """Check that the store answers; raise if not."""
        self._connection.probe()

    def close(self) -> None:
        """Give the store back."""
        self._connection.close()

    def _answered(self, call: Callable[[Deadline], Value], *, patiently: bool) -> Value:
        """Return what the call returns; patiently, wait for a sink that answers, but not to this, as well."""

        def whose_fault(again: Callable[[], None], since: int, error: Exception) -> Fault:
            is_back = patiently and self._breaker.outage(again, since, error)
            return Fault.SINK if is_back else Fault.UNKNOWN

        return self._value(self._rule.persist(call, "ledger", whose_fault=whose_fault, hold=patiently))

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
        kind = type(result.error)
        if kind.__module__ == "builtins" and not isinstance(result.error, OSError):
            # a slip of the sink's author: alone it says little, and not whose it is
            said = kind.__name__ if message == kind.__name__ else f"{kind.__name__}: {message}"
            message = f"{self._who} raised {said}"
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


def _announcing(following: Sequence[Placed], write: Callable[[Store], None], store: Store) -> None:
    store.announce(following)
    write(store)
