"""A request to end the run early."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from batchwright.contracts import exits


class Stop:
    """A request to end the run early, with its reason. Later requests are ignored.

    Attributes:
        event: Set once a request was made.
        reason: Why, else empty.
        failed: Whether the run counts as failed, rather than interrupted.
        exit_code: What the command exits with, if the request ends the run.
        patient: Whether a write that is slow may finish, as long as the sink answers others. Else it is
            cancelled after some seconds: whoever asked, such as a supervisor, may not wait longer.
    """

    event: threading.Event
    reason: str
    failed: bool
    exit_code: int
    patient: bool

    def __init__(self) -> None:
        self.event = threading.Event()
        self.reason = ""
        self.failed = False
        self.exit_code = exits.FAILED
        self.patient = False
        self._wakeups: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def request(
        self, reason: str, *, failed: bool = False, exit_code: int = exits.FAILED, patient: bool = False
    ) -> None:
        """Ask the run to end; ignored if it was asked before. Not for signal handlers: it takes a lock."""
        with self._lock:
            if self.event.is_set():
                return
            self.reason, self.failed, self.exit_code = reason, failed, exit_code
            self.patient = patient
            self.event.set()
        for wakeup in [*self._wakeups]:
            wakeup()

    def on_request(self, wakeup: Callable[[], None]) -> None:
        """Call `wakeup` when the run is asked to end; at once if it was asked before."""
        self._wakeups.append(wakeup)
        if self.event.is_set():
            wakeup()

    @contextmanager
    def waking(self, wakeup: Callable[[], None]) -> Iterator[None]:
        """Call `wakeup` when the run is asked to end, as `on_request` does, while the block lasts."""
        self.on_request(wakeup)
        try:
            yield
        finally:
            self._wakeups.remove(wakeup)
