"""Where the events of a run go: into its account, then into the progress, then to the reporters."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from itertools import chain

from batchwright.contracts.account import DocumentState
from batchwright.contracts.events import BatchWritten, Event, RunFinished, RunStarted
from batchwright.contracts.reporter import AnyReporter
from batchwright.engine.progress import Progress
from batchwright.engine.tally import Tally
from batchwright.secrets import describe

logger = logging.getLogger("batchwright")


class Dispatcher:
    """Takes each event, one at a time, from any thread.

    A reporter that raises is dropped, with one warning; the run and the other reporters go on.

    Args:
        reporters: They receive the events.
        progress: What is kept up to date; None where nobody reads it.
        secrets: Masked in what reporters raise.

    Attributes:
        tally: The account as it grows.
        each_document: The states in which reporters ask for each document.
        run_id: The run that has begun; empty before that.
        running: Whether it has begun, and not ended.
    """

    def __init__(
        self,
        reporters: Iterable[AnyReporter] = (),
        progress: Progress | None = None,
        secrets: Iterable[str] = (),
        tally: Tally | None = None,
    ) -> None:
        self.tally = tally or Tally()
        self.run_id = ""
        self.running = False
        self._reporters = list(reporters)
        self._progress = progress
        self._secrets = tuple(secrets)
        self._lock = threading.Lock()
        self.each_document = frozenset(chain.from_iterable(map(self._wanted_by, list(self._reporters))))

    def emit(self, event: Event) -> None:
        """Count the event and pass it on. Never raises."""
        with self._lock:
            if isinstance(event, RunStarted):
                self.run_id, self.running = event.run_id, True
            elif isinstance(event, RunFinished):
                self.running = False
            self.tally.add(event)
            self._pass_on(event)

    def relay(self, event: Event) -> None:
        """Pass on an event of another process, whose account comes later. Never raises."""
        with self._lock:
            if isinstance(event, BatchWritten):
                self.tally.add_elsewhere(event)
            self._pass_on(event)

    def close(self) -> None:
        """Close every reporter. Never raises."""
        with self._lock:
            for reporter in list(self._reporters):
                try:
                    reporter.close()
                except Exception as error:  # noqa: BLE001 - a plugin may raise anything
                    self._drop(reporter, error)

    def _wanted_by(self, reporter: AnyReporter) -> frozenset[DocumentState]:
        """Return the states in which a reporter asks for each document."""
        try:
            return frozenset(reporter.each_document)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            self._drop(reporter, error)
            return frozenset()

    def _pass_on(self, event: Event) -> None:
        if self._progress is not None:
            self._progress.add(event, self.tally.expected)
        for reporter in list(self._reporters):
            try:
                reporter.handle(event)
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything
                self._drop(reporter, error)

    def _drop(self, reporter: AnyReporter, error: Exception) -> None:
        self._reporters.remove(reporter)
        logger.warning(
            "the reporter %r raised %s: %s; it gets no more events of this run",
            reporter.name,
            type(error).__name__,
            describe(error, self._secrets),
        )
