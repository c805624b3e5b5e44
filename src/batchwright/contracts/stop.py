"""The wish that a run ends early."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Stop:
    """The wish that a run ends early, and whose it is. The first one counts."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.reason = ""
        self.failed = False
        self._wakeups: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def request(self, reason: str, *, failed: bool = False) -> None:
        """Ask the run to end. Not for signal handlers: it takes a lock."""
        with self._lock:
            if self.event.is_set():
                return
            self.reason, self.failed = reason, failed
            self.event.set()
        for wakeup in self._wakeups:
            wakeup()

    def on_request(self, wakeup: Callable[[], None]) -> None:
        """Have `wakeup` called when the run is asked to end; at once if it was."""
        self._wakeups.append(wakeup)
        if self.event.is_set():
            wakeup()
