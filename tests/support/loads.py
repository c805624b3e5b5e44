"""A load in a thread of this process, and reporters that act on it from outside."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from batchwright import BatchConfig, BatchProcessor, Reporter, ReporterOptions
from batchwright.contracts.account import DocumentState
from batchwright.contracts.events import BatchWritten, Event
from batchwright.engine.result import RunResult


def config_of(corpus: Path, url: str, **settings: Any) -> BatchConfig:
    """Return settings that suit small corpora and short tests."""
    values = {"batch_size": 7, "chunk_max_tokens": 24, "retry_cap": 0.05, "reporters": (), **settings}
    return BatchConfig.model_validate({"input_dir": corpus, "to": url, **values})


class Watcher(Reporter[ReporterOptions]):
    """Keeps the events, and acts once when so many batches are written."""

    name = "watcher"

    def __init__(
        self,
        at: int = 0,
        act: Callable[[], object] = lambda: None,
        each_document: Collection[DocumentState] = (),
    ) -> None:
        super().__init__(ReporterOptions())
        self.each_document = each_document
        self.events: list[Event] = []
        self._left = at
        self._act = act

    def handle(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, BatchWritten) and self._left:
            self._left -= 1
            if not self._left:
                self._act()

    def seen(self, kind: type[Event]) -> int:
        """How many events of a kind there were."""
        return sum(isinstance(event, kind) for event in self.events)


class Load:
    """A run in a thread."""

    def __init__(self, config: BatchConfig, watcher: Watcher | None = None, plugins: Any = ()) -> None:
        self.watcher = watcher or Watcher()
        self.processor = BatchProcessor(config, reporters=[self.watcher], plugins=plugins)
        self._result: RunResult | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self.processor.run()
        except BaseException as error:  # noqa: BLE001 - raised again in the test's thread
            self._error = error

    def result(self, timeout: float) -> RunResult:
        """Return how it ended, its account checked; fails when it doesn't end in time."""
        self._thread.join(timeout)
        assert not self._thread.is_alive(), f"the run is still going after {timeout} s"
        if self._error is not None:
            raise self._error
        assert self._result is not None
        self._result.account.check()
        return self._result


def run(config: BatchConfig, plugins: Any = ()) -> RunResult:
    """Run in this thread; check the account."""
    result = BatchProcessor(config, plugins=plugins).run()
    result.account.check()
    return result
