"""Deadlines, and calls that can be given up when they hang."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from batchwright.errors import DeadlineExceeded
from batchwright.handover import Helper

Value = TypeVar("Value")


class Deadline:
    """A point in time that something must not outlast.

    Args:
        seconds: From now; None for never.
    """

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    def remaining(self) -> float | None:
        """Return the seconds left, at least 0; None where there is no end."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return self._end is not None and time.monotonic() >= self._end


class CallThread:
    """A thread that makes calls for another, which can walk away from one that hangs.

    A thread that hangs is left behind: it is a daemon, and what becomes of its call is ignored.
    """

    def __init__(self, name: str) -> None:
        self._helper = Helper(name)

    def call(
        self,
        function: Callable[[], Value],
        timeout: float,
        *,
        cancel: Callable[[], None],
        grace: float,
    ) -> Value:
        """Return what `function` returns, or raise what it raises.

        Args:
            function: What to do.
            timeout: Seconds after which it is cancelled.
            cancel: Makes the function end soon, with an exception; called from this thread.
            grace: Seconds that it is given to end after that.

        Raises:
            DeadlineExceeded: It did not end, or ended with an exception because it was cancelled.
            CallAbandoned: It did not even end when it was cancelled; this thread is of no more use.
        """
        call = self._helper.start(function)
        if call.ended.acquire(timeout=timeout):
            return call.result()
        cancel()
        message = f"no answer after {timeout:.1f} s"
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
