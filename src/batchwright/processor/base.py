"""What the runs, loads and batches of a processor share: settings, plugins, progress, and how they end."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field, replace
from functools import cached_property
from typing import NoReturn

from batchwright.config import BatchConfig, located, secrets_of
from batchwright.contracts.reporter import AnyReporter
from batchwright.contracts.stop import Stop
from batchwright.engine.dispatch import Dispatcher
from batchwright.engine.ending import reporting_its_failure
from batchwright.engine.progress import Progress
from batchwright.engine.result import RunResult
from batchwright.engine.setup import Setup
from batchwright.engine.store.policy import DeliveryPolicy
from batchwright.errors import BatchwrightError
from batchwright.model import BatchProgress
from batchwright.plugins.manager import PluginManager
from batchwright.values import dataclass


@dataclass(slots=True)
class Work:
    """A run or a load.

    Attributes:
        setup: What it is set up with.
        result: What it returned; once the reporters are closed, with what went wrong in plugins.
    """

    setup: Setup
    result: RunResult = field(init=False)


class Base:
    """Settings, plugins and progress; one thing at a time, which other threads may end.

    Args:
        config: The settings.
        plugins: More plugins, asked before the installed ones.
        manager: The plugins, where they are loaded already; then `plugins` and the settings' are not.
        reporters: They receive the events, in place of the reporters that the settings name.
        policy: Settings of delivery; None for what `config` says.
    """

    def __init__(
        self,
        config: BatchConfig,
        *,
        plugins: Sequence[object] = (),
        manager: PluginManager | None = None,
        reporters: Sequence[AnyReporter] | None = None,
        policy: DeliveryPolicy | None = None,
    ) -> None:
        self.config = config
        self._plugins = plugins
        self._given_manager = manager
        self._reporters = reporters
        self._policy = policy or DeliveryPolicy.of(config)
        self._progress = Progress()
        self._running = threading.Lock()
        self._stops: list[Stop] = []
        self._process = os.getpid()

    def get_progress(self) -> BatchProgress:
        """Return an independent copy of the progress."""
        return self._progress.copy()

    def stop(self, reason: str = "asked to stop") -> None:
        """End what is running soon: finish what is in flight, begin nothing new. Later runs are not affected.

        For any thread. A signal handler has it called by a thread of its own: it takes locks.
        """
        for stop in tuple(self._stops):
            stop.request(reason)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a BatchProcessor can't be sent to another process: send its settings, and make one there"
        )

    @contextmanager
    def _working(
        self,
        config: BatchConfig,
        *,
        on_stored: Callable[[list[str]], None],
        on_finished: Callable[[RunResult], None] = lambda _: None,
        stop: Stop | None,
        source: str = "",
    ) -> Iterator[Work]:
        """Do a piece of work, and nothing else meanwhile: report it, let `stop` end it, complete its result.

        Args:
            config: Its settings.
            on_stored: Called with the ids of what is committed.
            on_finished: Called with the result before the reporters are closed.
            stop: Ends it early.
            source: What is loaded; empty for the folder of the settings.
        """
        with located(config), self._alone(), self._stoppable(stop) as requested:
            with self._dispatching() as dispatcher:
                work = Work(Setup(config, self._manager, self._policy, dispatcher, requested, on_stored))
                with reporting_its_failure(dispatcher, config, requested, source):
                    yield work
                if work.result.state == "done":
                    self._progress.finish()
                on_finished(self._with_faults(work.result, dispatcher))
            work.result = self._with_faults(work.result, dispatcher)

    def _with_faults(self, result: RunResult, dispatcher: Dispatcher) -> RunResult:
        return replace(result, plugins=(*self._manager.faults(), *dispatcher.faults()))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Refuse a second run at the same time."""
        if self._process != os.getpid():  # forked, perhaps while another thread was running it
            self._running, self._stops, self._process = threading.Lock(), [], os.getpid()
        if not self._running.acquire(blocking=False):
            raise BatchwrightError("this processor is running already; make another one for a second run")
        try:
            yield
        finally:
            self._running.release()

    @contextmanager
    def _dispatching(self) -> Iterator[Dispatcher]:
        """Begin the progress anew, and make the reporters of a run; close them in the end."""
        config, manager = self.config, self._manager
        reporters = self._reporters
        if reporters is None:
            reporters = manager.make_reporters(config)
        self._progress.begin()
        dispatcher = Dispatcher(reporters, self._progress, secrets_of(config))
        try:
            yield dispatcher
        finally:
            dispatcher.close()

    @contextmanager
    def _stoppable(self, stop: Stop | None = None) -> Iterator[Stop]:
        """Have `stop` end what is done within."""
        stop = stop or Stop()
        self._stops.append(stop)
        try:
            yield stop
        finally:
            self._stops.remove(stop)

    @cached_property
    def _manager(self) -> PluginManager:
        manager = self._given_manager
        if manager is None:
            manager = PluginManager.of(self.config, self._plugins)
        manager.hide(secrets_of(self.config))
        return manager
