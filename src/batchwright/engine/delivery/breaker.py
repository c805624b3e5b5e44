"""The circuit breaker: while the sink is down, batches wait instead of using up their retries."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from batchwright.contracts.events import Event, OutageEnded, OutageStarted
from batchwright.engine.delivery.policy import DeliveryPolicy
from batchwright.errors import BatchwrightError


class OutageTooLong(BatchwrightError):
    """The sink stayed down for longer than the settings allow."""


class Breaker:
    """Shared by the writers of a run.

    When a batch runs out of retries, its writer asks whether it is the batch or the sink. If a
    probe fails, it is the sink. Then the breaker opens: every writer waits with its batch, one of them
    probes, and when the sink answers they all go on, with fresh retries.

    Args:
        policy: How often to probe, and how long an outage may last.
        stop: Ends every wait at once.
        emit: Takes the events of outages.
        describe: Turns an error into a message without secrets.

    Attributes:
        unreachable: Whether no connection could be made any more when the run was to end already.
    """

    def __init__(
        self,
        policy: DeliveryPolicy,
        stop: threading.Event,
        emit: Callable[[Event], None],
        describe: Callable[[BaseException], str],
    ) -> None:
        self._policy = policy
        self._stop = stop
        self._emit = emit
        self._describe = describe
        self._probing = threading.Lock()
        self.unreachable = False
        self._over = 0
        self._closed = threading.Event()
        self._closed.set()

    def hold(self) -> None:
        """Wait while the breaker is open; return at once when it is closed or the run stops."""
        while not self._closed.wait(0.1) and not self._stop.is_set():
            pass

    @property
    def outages(self) -> int:
        """How many outages are over."""
        return self._over

    def outage(self, probe: Callable[[], None], since: int) -> bool:
        """Find out whether the sink is down; if so, return True once it is back, or the run stops.

        Args:
            probe: Raises if the sink doesn't answer.
            since: `outages` before the batch was tried; one that is over since then also counts.

        Raises:
            OutageTooLong: The sink did not come back in time.
        """
        with self._probing:
            if self._stop.is_set():
                return False
            if self._over > since:
                return True
            error = _failure(probe)
            if error is None:
                return False
            self._closed.clear()
            try:
                self._wait_for(probe, error)
            finally:
                self._over += 1
                self._closed.set()
            return True

    def _wait_for(self, probe: Callable[[], None], error: Exception) -> None:
        started = time.monotonic()
        self._emit(OutageStarted(self._describe(error)))
        wait = self._policy.first_probe
        failure: Exception | None = error
        while failure is not None:
            left = self._policy.max_outage - (time.monotonic() - started)
            if left <= 0:
                raise OutageTooLong(
                    f"the sink was down for more than {self._policy.max_outage:g} s (max_outage): "
                    f"{self._describe(failure)}"
                )
            if self._stop.wait(min(wait, left)):
                return
            wait = min(wait * 1.5, self._policy.slowest_probe)
            failure = _failure(probe)
        self._emit(OutageEnded(time.monotonic() - started))


def _failure(probe: Callable[[], None]) -> Exception | None:
    try:
        probe()
    except Exception as error:  # noqa: BLE001 - whatever it is, the sink doesn't answer
        return error
    return None
