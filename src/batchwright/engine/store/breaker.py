"""The circuit breaker: while the sink is down, batches wait instead of using up their retries."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum, auto

from batchwright.contracts.events import Event, OutageEnded, OutageStarted
from batchwright.engine.store.policy import DeliveryPolicy
from batchwright.errors import BatchwrightError


class OutageTooLong(BatchwrightError):
    """The sink stayed down for longer than the settings allow."""


class Fault(Enum):
    """Whose fault it is that a batch ran out of retries at a sink that answers."""

    SINK = auto()
    BATCH = auto()
    UNKNOWN = auto()


class Breaker:
    """Shared by the writers of a run.

    When a batch runs out of retries, its writer asks whether it is the batch or the sink. If a probe fails,
    it is the sink. A sink that answers may still take no writes: the batch waits for the next write's end. If
    that succeeds, the batch failed on its own; if that runs out of retries too, it is the sink. Then the
    breaker opens: every writer waits with its batch, one of them probes or tries its batch, and when that
    succeeds they all go on, with fresh retries.

    Args:
        policy: How often to probe, and how long an outage may last.
        stop: Ends every wait at once.
        emit: Takes the events of outages.
        describe: Turns an error into a message without secrets.
        passes: Whether an error of a probe may pass. Any other ends the wait: those who waited then meet it.
        who: What it is about, in messages.

    Attributes:
        unreachable: Whether no connection could be made any more when the run was to end already.
    """

    def __init__(
        self,
        policy: DeliveryPolicy,
        stop: threading.Event,
        emit: Callable[[Event], None],
        describe: Callable[[BaseException], str],
        passes: Callable[[Exception], bool] = lambda _: True,
        who: str = "the sink",
    ) -> None:
        self._policy = policy
        self._stop = stop
        self._emit = emit
        self._describe = describe
        self._passes = passes
        self._who = who
        self._probing = threading.Lock()
        self.unreachable = False
        self._over = 0
        self._writes = threading.Condition()
        self._stored = 0
        self._waiting: object | None = None  # the batch that is out of retries since the last success
        self._under_way = 0
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

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Count a write as under way: who is out of retries may wait for its end."""
        with self._writes:
            self._under_way += 1
        try:
            yield
        finally:
            with self._writes:
                self._under_way -= 1
                self._writes.notify_all()

    def stored(self) -> None:
        """Note that a write succeeded: the sink takes writes."""
        with self._writes:
            self._stored += 1
            self._waiting = None
            self._writes.notify_all()

    def takes_none(
        self,
        again: Callable[[], None],
        since: int,
        error: Exception,
        next_write: Callable[[], bool] | None,
        *,
        second: bool = False,
    ) -> Fault:
        """Find out whether the sink takes no writes; if so, return once it does, or the run stops.

        For a batch that is out of retries, within `writing`, at a sink that answers.

        Args:
            again: Tries the batch once more; raises if the sink still doesn't take it.
            since: `outages` before the batch was tried; one that is over since then also counts.
            error: What the batch failed with.
            next_write: Delivers another batch of the same writer, returns whether there was one; or None.
            second: Whether this is that other batch: then two in a row were not stored.

        Returns:
            SINK: Another batch ran out of retries as well; by now the sink takes writes.
            BATCH: Another batch was stored.
            UNKNOWN: There was none, or the run stops.

        Raises:
            OutageTooLong: The sink did not take it in time.
        """
        this = object()
        with self._writes:
            stored, first = self._stored, self._waiting is None and not second
            if first:
                self._waiting = this
                self._under_way -= 1
        if not first:  # another batch waits for this one's end: two of them, and no success between
            return Fault.SINK if self.outage(again, since, error) else Fault.UNKNOWN
        try:
            while not self._is_known(stored, since) and next_write is not None and next_write():
                pass
            with self._writes:
                while not self._is_known(stored, since) and self._under_way:
                    self._writes.wait(0.1)
        finally:
            with self._writes:
                self._under_way += 1
                if self._waiting is this:
                    self._waiting = None
        if self._over > since:
            return Fault.SINK
        return Fault.BATCH if self._stored > stored else Fault.UNKNOWN

    def _is_known(self, stored: int, since: int) -> bool:
        return self._stored > stored or self._over > since or self._stop.is_set()

    def outage(self, probe: Callable[[], None], since: int, error: Exception | None = None) -> bool:
        """Find out whether the sink is down; if so, return True once it is back, or the run stops.

        Args:
            probe: Raises if the sink doesn't answer.
            since: `outages` before the batch was tried; one that is over since then also counts.
            error: What shows that it is down; None to probe it.

        Raises:
            OutageTooLong: The sink did not come back in time.
        """
        with self._probing:
            if self._stop.is_set():
                return False
            if self._over > since:
                return True
            error = error or _failure(probe)
            if error is None or not self._passes(error):
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
        self._emit(OutageStarted(self._describe(error), self._who))
        wait = self._policy.first_probe
        failure: Exception | None = error
        while failure is not None:
            left = self._policy.max_outage - (time.monotonic() - started)
            if left <= 0:
                raise OutageTooLong(
                    f"{self._who} was down for more than {self._policy.max_outage:g} s (max_outage): "
                    f"{self._describe(failure)}"
                )
            if self._stop.wait(min(wait, left)):
                return
            wait = min(wait * 1.5, self._policy.slowest_probe)
            failure = _failure(probe)
            if failure is not None and not self._passes(failure):
                break
        self._emit(OutageEnded(time.monotonic() - started, self._who))


def _failure(probe: Callable[[], None]) -> Exception | None:
    try:
        probe()
    except Exception as error:  # noqa: BLE001 - whatever it is, the sink doesn't answer
        return error
    return None
