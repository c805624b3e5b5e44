"""Stopping on SIGINT, SIGTERM and SIGHUP: the first time in good order, the second at once."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Self

from batchwright.cli.leaving import leave
from batchwright.cli.terminal import Terminal
from batchwright.contracts import exits

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""SIGHUP: the terminal or the connection to it is gone; Windows has none."""
_SHOW_CURSOR = "\r\x1b[J\x1b[?25h"


class Stopper:
    """While it is entered, signals call `stop`.

    Args:
        stop: Called with the name of the first signal.
        terminal: Where is told what happens then.
        says: What is told.

    Attributes:
        received: The signal that came first, or None.
    """

    def __init__(
        self,
        stop: Callable[[str], object],
        terminal: Terminal,
        says: str = "finishing what is being written; once more to stop at once",
    ) -> None:
        self.received: int | None = None
        self._says = says
        self._stop = stop
        self._terminal = terminal
        self._previous: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:  # nohup and the like mean it
                    self._previous[number] = signal.signal(number, self._handle)
            for handler in self._previous.values():
                outer = getattr(handler, "__self__", None)
                if isinstance(outer, Stopper) and outer.received is not None and self.received is None:
                    self._handle(outer.received, None)  # it came just before this one was entered
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            self._leave(number)
        self.received = number
        # In a thread of its own, since the code that was interrupted may hold a lock that stopping needs.
        threading.Thread(target=self._ask, args=(number,), name="batchwright-stop", daemon=True).start()

    def _ask(self, number: int) -> None:
        name = signal.Signals(number).name
        self._stop(name)
        self._terminal.tell(f"{name}: {self._says}")

    def _leave(self, number: int) -> None:
        """End the process, without a word to anyone: what was not committed is done again by the next run."""
        code = exits.interrupted(number)
        reason = "stopped at once; run the same command again to go on"
        with contextlib.suppress(OSError, ValueError, AttributeError):
            if sys.__stderr__ is not None:
                text = (_SHOW_CURSOR if sys.__stderr__.isatty() else "") + reason + "\n"
                os.write(sys.__stderr__.fileno(), text.encode())
            if self._terminal.json and self._terminal.out is not None:
                result = {"state": "interrupted", "exit_code": code, "reason": reason}
                os.write(self._terminal.out.fileno(), (json.dumps(result) + "\n").encode())
        leave(code)
