"""The run's own way to sink and ledger: as careful as the writers' ways, and held by the same breaker."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from batchwright.contracts.events import BatchRetrying, Event
from batchwright.contracts.failure import Decision, Failure, Verdict, dotted_name
from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import Receipt
from batchwright.engine.delivery.breaker import Breaker
from batchwright.engine.delivery.connection import Connection
from batchwright.engine.delivery.once import Decide
from batchwright.engine.delivery.retry import Attempted, Schedule, attempt, is_transient
from batchwright.errors import BatchwrightError, RunInterrupted, SinkError
from batchwright.model import Batch, ErrorRecoveryAction, ProcessedChunk

Value = TypeVar("Value")

LAST_WORD = Schedule(max_retries=1, base=0.2)
"""When to try again to note how a run ended that is to end now."""


class Control:
    """What a run asks and orders besides its batches.

    Args:
        connection: The way to sink and ledger.
        decide: Classifies an error.
        schedule: When to try again.
        timeout: Seconds that a call may take; None for no end.
        breaker: Holds the run while the sink is down.
        stop: Ends every wait at once.
        emit: Hears of retries.
        describe: Turns an error into a message without secrets.
        patient: Whether a sink that is down is waited for from the beginning.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        decide: Decide,
        schedule: Schedule,
        timeout: float | None,
        breaker: Breaker,
        stop: threading.Event,
        emit: Callable[[Event], None],
        describe: Callable[[BaseException], str],
        patient: bool = False,
    ) -> None:
        self._connection = connection
        self._decide = decide
        self._schedule = schedule
        self._timeout = timeout
        self._breaker = breaker
        self._stop = stop
        self._emit = emit
        self._describe = describe
        self._patient = patient

    def begin(self, call: Callable[[], Value], phase: str = "ledger") -> Value:
        """Call with retries, as for a batch; raise the last error. Our own errors are final as they are.

        For the beginning of a run: a sink that is down then is told of at once. A patient control raises as
        `ask` does.
        """
        if self._patient:
            return self._held(call, phase)
        return self._value(self._attempt(call, phase, self._schedule, self._stop))

    def first(self, question: Callable[[Ledger], Value]) -> Value:
        """Return what the question, or order, to the ledger returns; raises as `begin` does."""
        return self.begin(lambda: self._connection.ask(question, self._timeout))

    def ask(self, question: Callable[[Ledger], Value]) -> Value:
        """Return what the question, or order, to the ledger returns; wait for a sink that is down.

        Raises:
            OutageTooLong: The sink did not come back in time.
            RunInterrupted: The run was stopped meanwhile.
            SinkError: It failed for good.
        """
        return self._held(lambda: self._connection.ask(question, self._timeout))

    def write(self, receipt: Receipt) -> None:
        """Store a receipt without records; raises as `ask` does."""
        empty: Batch[ProcessedChunk] = Batch([], 0)
        self._held(lambda: self._connection.write(empty, receipt, self._timeout))

    def tell_at_last(self, order: Callable[[Ledger], None]) -> None:
        """Tell the ledger something at the end of a run that stops, whatever the state of the sink.

        Raises:
            SinkError: It could not be told.
        """
        never = threading.Event()  # the run's own is set already, and would end the wait before the retry
        call = lambda: self._connection.ask(order, self._timeout)  # noqa: E731 - the call itself
        self._value(self._attempt(call, "ledger", LAST_WORD, never))

    def _held(self, call: Callable[[], Value], phase: str = "ledger") -> Value:
        last_chance = False
        while True:
            outages = self._breaker.outages
            result = self._attempt(call, phase, self._schedule, self._stop)
            if result.error is None or not is_transient(result):
                return self._value(result)
            if self._breaker.outage(self._connection.probe, outages):
                last_chance = False
            elif last_chance:
                return self._value(result)
            else:  # the sink may have come back between the last try and the probe
                last_chance = True
            if self._stop.is_set():
                raise RunInterrupted(f"stopped while the sink was down: {self._describe(result.error)}")

    def _attempt(
        self, call: Callable[[], Value], phase: str, schedule: Schedule, stop: threading.Event
    ) -> Attempted[Value]:
        def decide(error: Exception, number: int) -> Decision:
            if isinstance(error, BatchwrightError) and not isinstance(error, TimeoutError):
                return Decision(Verdict(ErrorRecoveryAction.FAIL), "engine")
            return self._decide(error, number, Batch([], 0, {"phase": phase}))

        def on_retry(error: Exception, decision: Any, number: int, wait: float) -> None:
            message, kind = self._describe(error), dotted_name(error)
            sqlstate = Failure(error).sqlstate
            self._emit(BatchRetrying(-1, number, wait, message, decision.decided_by, sqlstate, kind))

        return attempt(call, decide=decide, schedule=schedule, stop=stop, on_retry=on_retry)

    def _value(self, result: Attempted[Value]) -> Value:
        if result.error is not None:
            if isinstance(result.error, BatchwrightError):
                raise result.error
            raise SinkError(self._describe(result.error)) from result.error
        return result.value  # type: ignore[return-value]
