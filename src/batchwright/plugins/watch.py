"""Watch over plugins that are being loaded: name one that takes long, interrupt one that hangs.

A plugin is imported by the thread that asks for plugins: importing elsewhere could deadlock with the imports
of that thread, and some libraries want the main thread. It can be interrupted where that is the main thread,
by a signal that nobody else uses.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NamedTuple, Self

from batchwright.errors import PluginError

SLOW = 5.0
"""Seconds after which a plugin that is still being loaded is named."""

HANGS = 30.0
"""Seconds after which it is interrupted, where that is possible."""

_LOOK = 0.25
"""Seconds between two looks."""

logger = logging.getLogger("batchwright")


class _Loading(NamedTuple):
    name: str
    advice: str
    began: float


class LoadWatch:
    """While it is entered, loading in this thread is watched.

    Args:
        slow: Seconds after which a plugin is named.
        hangs: Seconds after which it is interrupted.
    """

    def __init__(self, slow: float | None = None, hangs: float | None = None) -> None:
        self._slow = SLOW if slow is None else slow
        self._hangs = HANGS if hangs is None else hangs
        self._current: _Loading | None = None
        self._overdue: _Loading | None = None
        self._over = threading.Event()
        self._interrupts = False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        if self._interrupts:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)

    @contextmanager
    def loading(self, name: str, advice: str) -> Iterator[None]:
        """Say what is loaded within, and how to go on without it.

        Raises:
            PluginError: It took too long, and was interrupted.
        """
        if self._thread is None:
            self._begin()
        self._current = _Loading(name, advice, time.monotonic())
        try:
            yield
        finally:
            self._current = None

    def _begin(self) -> None:
        """Start watching, with the first plugin that needs it."""
        main = threading.main_thread()
        if threading.current_thread() is main and hasattr(signal, "pthread_kill"):
            self._interrupts = signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
        if self._interrupts:
            signal.signal(signal.SIGALRM, self._interrupt)
        thread = threading.Thread(target=self._watch, name="batchwright-load-watch", daemon=True)
        thread.start()
        self._thread = thread  # none, where it can't be started

    def _watch(self) -> None:
        named: _Loading | None = None
        while not self._over.wait(_LOOK):
            current = self._current
            if current is None:
                continue
            taken = time.monotonic() - current.began
            if taken > self._slow and named is not current:
                named = current
                logger.warning(
                    "the plugin %r has been loading for %.0f s; to go on without it, %s",
                    current.name,
                    taken,
                    current.advice,
                )
            if taken > self._hangs and self._interrupts:
                self._overdue = current
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        """End what the main thread is doing, if it is still loading what is overdue."""
        if self._overdue is not None and self._overdue is self._current:
            raise PluginError(f"it was still loading after {self._hangs:g} s, and was interrupted")
