"""The connection of one thread to a store: calls are bounded in time, and one that is lost is opened anew."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import Receipt
from batchwright.contracts.sink import Store
from batchwright.engine.store.access import Access
from batchwright.engine.store.calls import CallAbandoned, CallThread, Deadline, Parting
from batchwright.errors import DeadlineExceeded, SinkError
from batchwright.plugins.foreign import Foreign, bounded

Value = TypeVar("Value")

_NONE_TO_SPARE = (
    "that was a new connection: the target, or a pooler before it, may have none to spare; a run has one for "
    "each writer and one more, two where it embeds"
)


class Connection:
    """Makes single calls to the store that it has open, or to a new one; tries none again.

    Args:
        access: Where stores come from, and what connections share.
    """

    def __init__(self, access: Access) -> None:
        self._pool = access.pool
        self._access = access
        self._policy = access.policy
        self._breaker = access.breaker
        self._stop = access.stop.event
        self._parting = Parting(access.stop, self._policy.parting, lambda: access.heard)
        self._store: Store | None = None
        self._abandoned = 0
        self._giving_up = threading.Lock()
        self._thread = CallThread("batchwright-call")
        self._foreign = Foreign(access.who, SinkError)

    def committed(self, receipt: Receipt, timeout: float | None) -> bool:
        """Ask the ledger whether the batch of the receipt is stored; raises as `call` does."""
        return self.ask(lambda ledger: ledger.committed(receipt.batch_id), timeout)

    def ask(self, question: Callable[[Ledger], Value], timeout: float | None) -> Value:
        """Ask the ledger; raises as `call` does."""

        def call(store: Store) -> Value:
            ledger = store.ledger or self._access.beside
            if ledger is None:
                raise SinkError("there is no ledger")
            return question(ledger)

        return self.call(call, timeout)

    def call(self, function: Callable[[Store], Value], timeout: float | None) -> Value:
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

        parting, grace = self._parting, self._policy.grace
        if self._store is None and self._stop.is_set():  # opening: a sink that is there takes no time, and
            parting, grace = replace(parting, seconds=self._policy.reaching), 0.0  # nothing can cancel it
        try:
            if timeout is None:
                return call()
            deadline = Deadline(timeout)
            return self._thread.call(call, deadline, cancel=self._cancel, grace=grace, parting=parting)
        except (DeadlineExceeded, ConnectionError) as error:
            if self._store is None:
                self._not_opened(error)
            if isinstance(error, CallAbandoned):
                self._abandon()
            elif isinstance(error, ConnectionError):
                self._discard()
            raise

    def probe(self) -> None:
        """Check that the store answers; raise if not."""
        self.call(lambda store: store.probe(), self._policy.probe_timeout)

    def close(self) -> None:
        """Give the store back."""
        self._thread.close()
        self._discard()

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

    def _not_opened(self, error: DeadlineExceeded | ConnectionError) -> None:
        if isinstance(error, DeadlineExceeded):
            error.add_note(_NONE_TO_SPARE)
        if self._stop.is_set() and isinstance(error, CallAbandoned | ConnectionError):
            self._breaker.unreachable = True

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
