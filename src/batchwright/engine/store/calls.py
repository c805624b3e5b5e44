"""Deadlines, and calls that can be given up when they hang."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from batchwright.contracts.stop import Stop
from batchwright.errors import DeadlineExceeded
from batchwright.handover import Helper
from batchwright.values import dataclass

Value = TypeVar("Value")

_LOOK_EVERY = 0.2  # seconds between two looks at whether the work is to end


class Deadline:
    """A point in time that something must not outlast.

    Args:
        seconds: From now; None for never.
    """

    def __init__(self, seconds: float | None) -> None:
        self.begin(seconds)

    def begin(self, seconds: float | None) -> None:
        """Begin anew: so many seconds from now."""
        self._end = None if seconds is None else time.monotonic() + seconds

    def remaining(self) -> float | None:
        """Return the seconds left, at least 0; None where there is no end."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def put_off(self, seconds: float) -> None:
        """Move it by so many seconds, which are not to count."""
        if self._end is not None:
            self._end += seconds

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return self._end is not None and time.monotonic() >= self._end


@dataclass(frozen=True, slots=True)
class Parting:
    """The limit of calls once the work is to end: nobody waits much longer for a sink that says nothing.

    Attributes:
        stop: Asks it to end.
        seconds: How long a call may take from then on, or from when it began; if the request is patient,
            from when the sink last answered.
        heard: Returns when the sink last answered on another connection, by `time.monotonic`.
    """

    stop: Stop
    seconds: float
    heard: Callable[[], float]

    def rest(self, began: float) -> float:
        """Return the seconds that are left to a call of which `began` is when the limit applies from."""
        since = max(began, self.heard()) if self.stop.patient else began
        return since + self.seconds - time.monotonic()


class CallThread:
    """A thread that makes calls for another, which can walk away from one that hangs.

    A thread that hangs is left behind: it is a daemon, and what becomes of its call is ignored.
    """

    def __init__(self, name: str) -> None:
        self._helper = Helper(name)

    def call(
        self,
        function: Callable[[], Value],
        deadline: Deadline,
        *,
        cancel: Callable[[], None],
        grace: float,
        parting: Parting,
    ) -> Value:
        """Return what `function` returns, or raise what it raises.

        Args:
            function: What to do.
            deadline: When it is cancelled; the function may begin it anew.
            cancel: Makes the function end soon, with an exception; called from this thread.
            grace: Seconds that it is given to end after that.
            parting: When it is cancelled earlier.

        Raises:
            DeadlineExceeded: It did not end, or ended with an exception because it was cancelled.
            CallAbandoned: It did not even end when it was cancelled; this thread is of no more use.
        """
        call = self._helper.start(function)
        began, left, has_ended = time.monotonic(), deadline.remaining(), False
        while not (has_ended or deadline.passed or parting.stop.event.is_set()):
            has_ended = call.ended.acquire(timeout=_LOOK_EVERY if left is None else min(left, _LOOK_EVERY))
            left = deadline.remaining()
        parted = time.monotonic()
        while not (has_ended or deadline.passed or (rest := parting.rest(parted)) <= 0):
            left = deadline.remaining()
            has_ended = call.ended.acquire(timeout=min(rest, _LOOK_EVERY, *([] if left is None else [left])))
        if has_ended or call.ended.acquire(blocking=False):
            return call.result()
        cancel()
        message = f"no answer after {time.monotonic() - began:.1f} s"
        if not call.ended.acquire(timeout=grace):
            self._helper.let_go()  # should it come back one day, it is not to wait for another call
            raise CallAbandoned(f"{message}; its connection is given up")
        if call.error is None:
            return call.result()  # it came through after all
        raise DeadlineExceeded(f"{message}; it was cancelled") from call.error

    def close(self) -> None:
        """Let the thread end, and wait a moment for that."""
        self._helper.close()


class CallAbandoned(DeadlineExceeded):
    """A call hangs, and nothing can be done about it."""
