"""The one retry rule: what becomes of a call that fails, at a sink that may be down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from batchwright.contracts.failure import Phase
from batchwright.engine.store.access import Access
from batchwright.engine.store.breaker import Fault
from batchwright.engine.store.calls import Deadline
from batchwright.engine.store.retry import Attempted, Schedule, attempt, is_transient
from batchwright.engine.store.room import lacks_room
from batchwright.engine.store.strain import Strain
from batchwright.errors import LeaseLost
from batchwright.model import Batch

Value = TypeVar("Value")

NO_RETRY = Schedule(max_retries=0)


class RetryRule:
    """Has calls made until they succeed, fail for good, or the run stops.

    When the retries of a call are used up, the sink is probed. If it turns out to be down, the call waits for
    it and begins anew; if it answers, the call gets one more try, since the sink may have come back between
    the last try and the probe. A write that fails then waits for the end of the next one: see `Breaker`. A
    batch of several records that times out twice is given back, to be cut.

    Args:
        access: What classifies errors, and what the calls of a run share.
        probe: Checks that the sink answers; raises if not.
        writer: The number of the writer whose calls they are.

    Attributes:
        is_probing: Whether a batch that is held is being tried, to see whether the sink takes it.
    """

    def __init__(self, access: Access, probe: Callable[[], None], writer: int) -> None:
        self._policy = access.policy
        self._judge = access.judge
        self._breaker = access.breaker
        self._stop = access.stop.event
        self._stop_run = access.stop.request
        self._probe = probe
        self._writer = writer
        self.is_probing = False

    def persist(
        self,
        call: Callable[[Deadline], Value],
        phase: Phase,
        batch: Batch[Any] | None = None,
        landed: Callable[[Exception], bool] = lambda _: False,
        whose_fault: Callable[[Callable[[], None], int, Exception], Fault] = lambda *_: Fault.UNKNOWN,
        *,
        hold: bool = True,
        schedule: Schedule | None = None,
    ) -> Attempted[Value]:
        """Call until it succeeds, fails for good, or the run stops; return how that ended.

        Args:
            call: What to do, within the deadline.
            phase: What it is, for the classifiers.
            batch: What it writes, if anything.
            landed: Tells, of a call that failed, whether it was carried out nevertheless.
            whose_fault: Tells whether it is the sink's fault or the batch's, at a sink that answers; called
                with what tries the batch again, the number of outages before, and the error.
            hold: Whether to wait for a sink that is down.
            schedule: When to try again before the sink is probed; None as the settings say.

        Raises:
            OutageTooLong: The sink was down for longer than is allowed.
        """
        policy = self._policy
        schedule, last_chance = schedule or policy.retries, False
        strain = Strain(several=batch is not None and len(batch.documents) > 1)
        retries = 0

        attempts = partial(
            attempt,
            decide=lambda error, number: self._judge.decide(error, phase=phase, attempt=number, batch=batch),
            stop=self._stop,
            patience=policy.max_outage if hold else 0.0,
            enough=strain.add,
            on_retry=partial(self._judge.retrying, phase=phase, batch=batch, writer=self._writer),
        )

        def concluded(result: Attempted[Value]) -> Attempted[Value]:
            nonlocal retries
            retries += result.retries
            if retries or strain.any:
                result = replace(result, retries=retries, strained=strain.any)
            if result.error is not None and landed(result.error):
                return replace(result, error=None, decision=None, stopped=False)
            return result

        def again() -> None:
            """Try the batch that is held once; raise if the sink still doesn't take it."""
            deadline, self.is_probing = Deadline(policy.batch_timeout), True
            try:
                latest[0] = found = concluded(
                    attempts(partial(call, deadline), schedule=NO_RETRY, deadline=deadline)
                )
            finally:
                self.is_probing = False
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
            if self._breaker.outage(self._probe, outages):
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
