"""A writer's way to the sink: bounded in time, and made anew when it is lost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import Receipt
from batchwright.contracts.sink import AnySink
from batchwright.engine.delivery.deadline import Hand, HandLost
from batchwright.engine.pool import DatabasePool
from batchwright.errors import SinkError
from batchwright.model import Batch, ProcessedChunk

Value = TypeVar("Value")

GRACE = 5.0
"""Seconds that a cancelled call is given to end before its connection is given up."""


class Connection:
    """One sink of the pool at a time, lent until it is lost.

    Args:
        pool: Where sinks come from.
        beside: The ledger to keep for a sink that has none of its own, or None.
        probe_timeout: Seconds that a probe may take.
    """

    def __init__(self, pool: DatabasePool, beside: Ledger | None, probe_timeout: float = 10.0) -> None:
        self._pool = pool
        self._beside = beside
        self._probe_timeout = probe_timeout
        self._sink: AnySink | None = None
        self._lost = 0
        self._hand = Hand("batchwright-hand")

    def open(self) -> None:
        """Take a sink from the pool, if there is none yet."""
        self._use()

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt, timeout: float | None) -> None:
        """Store a batch with its receipt; see `Sink.write`.

        Raises:
            DeadlineExceeded: It took longer than `timeout` seconds.
        """

        def call(sink: AnySink) -> None:
            sink.write(batch, receipt)
            if self._beside is not None:
                self._beside.record(receipt)

        self._call(call, timeout)

    def committed(self, batch_id: str, timeout: float | None) -> bool:
        """Ask the ledger whether a batch is stored."""
        return self.ask(lambda ledger: ledger.committed(batch_id), timeout)

    def ask(self, question: Callable[[Ledger], Value], timeout: float | None) -> Value:
        """Return what the question, or order, to the ledger returns.

        Raises:
            DeadlineExceeded: It took longer than `timeout` seconds.
        """

        def call(sink: AnySink) -> Value:
            ledger = sink.ledger or self._beside
            if ledger is None:
                raise SinkError("there is no ledger")
            return question(ledger)

        return self._call(call, timeout)

    def probe(self) -> None:
        """Check that the sink answers; raise if not."""
        self._call(lambda sink: sink.probe(), self._probe_timeout)

    def close(self) -> None:
        """Give the sink back."""
        self._hand.close()
        sink, self._sink = self._sink, None
        if sink is not None:
            self._pool.discard(sink)

    def _call(self, function: Callable[[AnySink], Value], timeout: float | None) -> Value:
        def call() -> Value:
            return function(self._use())

        if timeout is None:
            return call()
        try:
            return self._hand.call(call, timeout, cancel=self._cancel, grace=GRACE)
        except HandLost:
            self._give_up()
            raise

    def _use(self) -> AnySink:
        sink, lost = self._sink, self._lost
        if sink is None:
            sink = self._pool.acquire()
            if self._lost != lost:  # opening it took so long that this call was given up meanwhile
                self._pool.discard(sink)
                raise SinkError("the connection was given up while it was being opened")
            self._sink = sink
        return sink

    def _cancel(self) -> None:
        if self._sink is not None:
            with suppress(Exception):
                self._sink.cancel()

    def _give_up(self) -> None:
        """Leave hand and sink behind."""
        sink, self._sink = self._sink, None
        self._lost += 1
        self._hand = Hand("batchwright-hand")
        if sink is not None:
            self._pool.abandon(sink)
