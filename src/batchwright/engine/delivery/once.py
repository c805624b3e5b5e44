"""Writing a batch: stored once however often it is tried, through faults that pass and outages that end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from batchwright.contracts.failure import Decision, Failure
from batchwright.contracts.receipts import Receipt
from batchwright.engine.delivery.breaker import Breaker
from batchwright.engine.delivery.deadline import Deadline
from batchwright.engine.delivery.retry import Attempted, Schedule, attempt, is_transient
from batchwright.engine.delivery.store import Store
from batchwright.model import Batch, ProcessedChunk

PATIENCE = 10.0
"""Seconds to wait for the ledger to say whether a batch landed, once it is given up."""

LAST_CHANCE = Schedule(max_retries=0)

Decide = Callable[[Exception, int, Batch[Any]], Decision]
OnRetry = Callable[[Exception, Decision, int, float], None]


@dataclass(slots=True)
class Once:
    """A write that may be tried again and again."""

    store: Store
    batch: Batch[ProcessedChunk]
    receipt: Receipt
    _tried: bool = field(default=False, init=False)

    def attempt(self, timeout: float | None) -> None:
        """Write, within so many seconds; after a first try ask before writing again: it may have landed."""
        if self._tried and self.store.committed(self.receipt.batch_id, timeout):
            return
        self._tried = True
        self.store.write(self.batch, self.receipt, timeout)

    def landed(self, timeout: float | None = PATIENCE) -> bool:
        """Tell whether it is known to be stored. No answer is no proof; the next run finds out."""
        try:
            return self.store.committed(self.receipt.batch_id, timeout)
        except Exception:  # noqa: BLE001 - see above
            return False


@dataclass(frozen=True, slots=True)
class Persistence:
    """Writes with retries; when they run out because the sink is down, waits for it and begins anew.

    Attributes:
        store: The way to the sink.
        decide: Classifies an error.
        schedule: When to try again.
        batch_timeout: Seconds for a batch with its retries; None for no end.
        breaker: Holds everything while the sink is down.
        stop: Ends every wait at once.
    """

    store: Store
    decide: Decide
    schedule: Schedule
    batch_timeout: float | None
    breaker: Breaker
    stop: threading.Event

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt, on_retry: OnRetry) -> Attempted[None]:
        """Store the batch with its receipt; return how that ended.

        Raises:
            OutageTooLong: The sink was down for longer than is allowed.
        """
        once = Once(self.store, batch, receipt)
        retries = 0

        def call() -> None:
            self.breaker.hold()
            once.attempt(deadline.remaining())

        schedule = self.schedule
        while True:
            outages = self.breaker.outages
            deadline = Deadline(self.batch_timeout)
            result = attempt(
                call,
                decide=lambda error, number: self.decide(error, number, batch),
                schedule=schedule,
                stop=self.stop,
                deadline=deadline,
                on_retry=on_retry,
            )
            retries += result.retries
            result = replace(result, retries=retries)
            if result.error is None or not is_transient(result):
                return result
            if once.landed():
                return replace(result, error=None, decision=None, stopped=False)
            if self.stop.is_set():
                return replace(result, stopped=True)
            if self.breaker.outage(self.store.probe, outages):
                schedule = self.schedule
            elif _out_of_reach(result.error) and schedule is not LAST_CHANCE:
                schedule = LAST_CHANCE  # the sink may have come back between the last try and the probe
            else:
                return result


def _out_of_reach(error: BaseException) -> bool:
    state = Failure(error).sqlstate
    if state is not None:
        return state.startswith(("08", "53", "57P"))
    return isinstance(error, ConnectionError) or type(error).__name__ == "OperationalError"
