"""The way of events to one reporter, which may raise, hang, or be slow, and must not hold up the run.

A reporter of batchwright's own is called by whoever emits. Any other has a thread, so that it can be left
behind when it hangs; events wait for it in a queue, and whoever emits waits only where that is full.
"""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from contextvars import copy_context

from batchwright.contracts.events import Event, RunFinished, RunNotStarted
from batchwright.contracts.faults import PluginFault
from batchwright.contracts.reporter import AnyReporter
from batchwright.interrupts import is_by_signal
from batchwright.plugins.foreign import PATIENCE, answered, is_own, raised

ROOM = 256
"""Events that wait for a reporter, at most."""

LAST_CALLS = 30.0
"""Seconds after a run's end in which a reporter that is behind may catch up, at most."""

_GATHER = 0.01
"""Seconds between two looks into a queue that fills: waking a thread costs more than most events."""

_IDLE = 5.0
"""Seconds after which a thread that has nothing to do ends."""

logger = logging.getLogger("batchwright")


class Channel(ABC):
    """Passes events to a reporter. After it has raised, it gets nothing but the final event.

    Args:
        reporter: The reporter.
        secrets: Masked in what it raises.

    Attributes:
        reporter: The reporter.
        fault: What it did first that it must not, or None.
    """

    def __init__(self, reporter: AnyReporter, secrets: tuple[str, ...] = ()) -> None:
        self.reporter = reporter
        self.fault: PluginFault | None = None
        self._secrets = secrets

    @abstractmethod
    def put(self, event: Event) -> None:
        """Pass an event on."""

    def finish(self) -> None:  # noqa: B027 - one that is called directly needs no notice
        """Say that no more events come, and have the reporter closed."""

    @abstractmethod
    def join(self, end: float) -> None:
        """Wait for the reporter to be closed, no longer than to the point `end` of the monotonic clock."""

    def note(self, what: str) -> None:
        """Note what the reporter did, with one warning."""
        if self.fault is None:
            self.fault = PluginFault(_name_of(self.reporter), "reporter", what)
            logger.warning("%s", self.fault)

    def _handle(self, event: Event) -> None:
        if self.fault is None or isinstance(event, RunFinished | RunNotStarted):
            self._call("handle", event)

    def _close(self) -> None:
        self._call("close")

    def _call(self, method: str, *arguments: Event) -> None:
        try:
            answered(getattr(self.reporter, method)(*arguments))
        except BaseException as error:
            if is_by_signal(error):
                raise
            self.note(f"{raised(error, self._secrets)}; of this run it gets no more than the final event")


class Direct(Channel):
    """Calls the reporter at once."""

    def put(self, event: Event) -> None:
        """Have the event handled."""
        self._handle(event)

    def join(self, end: float) -> None:
        """Close the reporter."""
        self._close()


class Threaded(Channel):
    """Calls the reporter by a thread of its own, which sees the context variables of whoever makes this.

    Args:
        reporter: The reporter.
        secrets: Masked in what it raises.
        patience: Seconds that one call may take.
    """

    def __init__(
        self, reporter: AnyReporter, secrets: tuple[str, ...] = (), patience: float | None = None
    ) -> None:
        super().__init__(reporter, secrets)
        self._patience = PATIENCE if patience is None else patience
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._waiting: deque[Event] = deque()
        self._calling: tuple[float, str] | None = None
        self._thread: threading.Thread | None = None
        self._context = copy_context()
        self._asleep = self._left = self._finishing = False
        self._hurry = threading.Event()
        self._closed = threading.Event()

    def put(self, event: Event) -> None:
        """Queue the event; wait for room, but not for a reporter that hangs."""
        with self._lock:  # by its own name: a condition enters and leaves by methods in Python
            while len(self._waiting) >= ROOM and not self._leave_if_stuck():
                self._changed.wait(self._until_stuck())
            if self._left or self._leave_if_stuck():
                return
            self._waiting.append(event)
            if len(self._waiting) == ROOM // 2:
                self._hurry.set()  # else whoever emits would wait for the end of a pause
            self._wake()

    def finish(self) -> None:
        """Say that no more events come, and have the reporter closed."""
        with self._changed:
            self._finishing = True
            self._closed.clear()
            self._hurry.set()
            if not self._left:
                self._wake()

    def join(self, end: float) -> None:
        """Wait for the reporter to be closed; leave it behind where that takes too long."""
        thread = self._thread
        while not self._left and not self._closed.wait(self._until_look(end)):
            with self._changed:
                if self._leave_if_stuck() or time.monotonic() < end:
                    continue
                if self.fault is None:
                    self.note("was too far behind at the run's end; it gets no more than the final event")
                    end += self._patience
                else:
                    self._leave("did not come to an end")
        if thread is not None and not self._left:
            thread.join()  # which it is about to end anyway

    def _wake(self) -> None:
        if self._thread is None:
            context = self._context.copy()  # the thread before may not have left its own yet
            thread = threading.Thread(
                target=lambda: context.run(self._work), name="batchwright-reporter", daemon=True
            )
            try:
                thread.start()
            except RuntimeError as error:  # no more threads can be started here
                self._leave(str(error))
            else:
                self._thread = thread
        elif self._asleep:
            self._changed.notify_all()

    def _work(self) -> None:
        while events := self._next():
            for event in events:
                if self._left:
                    return
                self._calling = time.monotonic(), "handle"
                self._handle(event)
                self._calling = None
            if not self._hurry.is_set():
                self._hurry.wait(_GATHER)

    def _next(self) -> list[Event]:
        """Return what waits; nothing where this thread is to end: all is done, or nothing comes."""
        with self._changed:
            while not self._waiting and not self._left:
                if self._finishing:
                    break
                self._asleep = True
                came = self._changed.wait(_IDLE)
                self._asleep = False
                if not came and not self._waiting and not self._finishing:
                    self._thread = None
                    return []
            if self._left:
                return []
            events = list(self._waiting)
            self._waiting.clear()
            if not self._finishing:
                self._hurry.clear()
            self._changed.notify_all()
            if events:
                return events
        self._calling = time.monotonic(), "close"
        self._close()
        with self._changed:
            self._calling = self._thread = None
            self._finishing = False
            self._hurry.clear()
            self._closed.set()
        return []

    def _until_look(self, end: float) -> float:
        return min(self._until_stuck(), max(0.01, end - time.monotonic()))

    def _until_stuck(self) -> float:
        """Return the seconds after which it is worth another look."""
        calling = self._calling
        return (
            self._patience if calling is None else max(0.01, calling[0] + self._patience - time.monotonic())
        )

    def _leave_if_stuck(self) -> bool:
        """Leave the reporter behind if it has been in one call for too long; tell whether it is left."""
        calling = self._calling
        if not self._left and calling is not None and time.monotonic() - calling[0] > self._patience:
            self._leave(f"hangs: {calling[1]!r} has not returned for {self._patience:g} s")
        return self._left

    def _leave(self, why: str) -> None:
        self._left = True
        self._waiting.clear()
        self._changed.notify_all()
        self.note(f"{why}; it gets nothing more of this run")


def channel_to(reporter: AnyReporter, secrets: tuple[str, ...] = ()) -> Channel:
    """Return the way to a reporter: direct to one of batchwright's own, else with a thread."""
    return (Direct if is_own(type(reporter)) else Threaded)(reporter, secrets)


def _name_of(reporter: AnyReporter) -> str:
    try:
        name = getattr(reporter, "name", None)
    except Exception:  # noqa: BLE001 - a property may raise anything
        name = None
    return name if isinstance(name, str) and name else type(reporter).__name__
