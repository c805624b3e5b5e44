"""Handing events to reporters, so that none of them can harm the run or each other."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

from batchwright.contracts.events import Event
from batchwright.contracts.reporter import AnyReporter
from batchwright.secrets import describe

logger = logging.getLogger("batchwright")


class Dispatcher:
    """Hands each event to every reporter, one at a time; drops a reporter that raises, with one warning."""

    def __init__(self, reporters: Iterable[AnyReporter], secrets: Iterable[str] = ()) -> None:
        self._reporters = list(reporters)
        self._secrets = tuple(secrets)
        self._lock = threading.Lock()

    def emit(self, event: Event) -> None:
        """Hand the event on. Never raises."""
        if not self._reporters:
            return
        with self._lock:
            for reporter in list(self._reporters):
                try:
                    reporter.handle(event)
                except Exception as error:  # noqa: BLE001 - a plugin may raise anything
                    self._drop(reporter, error)

    def close(self) -> None:
        """Close every reporter. Never raises."""
        with self._lock:
            for reporter in list(self._reporters):
                try:
                    reporter.close()
                except Exception as error:  # noqa: BLE001 - a plugin may raise anything
                    self._drop(reporter, error)

    def _drop(self, reporter: AnyReporter, error: Exception) -> None:
        self._reporters.remove(reporter)
        logger.warning(
            "the reporter %r raised %s: %s; it hears no more of this run",
            reporter.name,
            type(error).__name__,
            describe(error, self._secrets),
        )
