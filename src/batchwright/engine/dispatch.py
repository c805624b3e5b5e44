"""Where the events of a run go: into its account, then into the progress, then to the reporters."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from itertools import chain

from batchwright.contracts.account import DocumentState
from batchwright.contracts.events import BatchWritten, Event, RunFinished, RunStarted
from batchwright.contracts.faults import PluginFault
from batchwright.contracts.reporter import AnyReporter
from batchwright.engine.progress import Progress
from batchwright.engine.reporting import LAST_CALLS, Channel, channel_to
from batchwright.engine.tally import Tally
from batchwright.interrupts import is_by_signal
from batchwright.plugins.foreign import raised


class Dispatcher:
    """Takes each event, one at a time, from any thread.

    A reporter that raises gets only the final event from then on, and one that hangs nothing; the run and
    the other reporters go on.

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
        self._progress = progress
        self._secrets = tuple(secrets)
        self._channels = [channel_to(reporter, self._secrets) for reporter in reporters]
        self._lock = threading.Lock()
        self.each_document = frozenset(chain.from_iterable(map(self._wanted_by, self._channels)))

    def begin(self) -> Tally:
        """Begin a new account; return it as it will grow."""
        with self._lock:
            self.tally = Tally()
            return self.tally

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
        """Have every reporter handle what it has got, and close it; wait for that, but not for ever."""
        with self._lock:
            for channel in self._channels:
                channel.finish()
            end = time.monotonic() + LAST_CALLS
            for channel in self._channels:
                channel.join(end)

    def faults(self) -> tuple[PluginFault, ...]:
        """Return what reporters did that they must not, the first of each."""
        return tuple(channel.fault for channel in self._channels if channel.fault is not None)

    def _wanted_by(self, channel: Channel) -> frozenset[DocumentState]:
        """Return the states in which a reporter asks for each document."""
        try:
            return frozenset(channel.reporter.each_document)
        except BaseException as error:
            if is_by_signal(error):
                raise
            what = f"{raised(error, self._secrets)} when asked for `each_document`"
            channel.note(f"{what}; of this run it gets no more than the final event")
            return frozenset()

    def _pass_on(self, event: Event) -> None:
        if self._progress is not None:
            self._progress.add(event, self.tally.expected)
        for channel in self._channels:
            channel.put(event)
