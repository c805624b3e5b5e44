"""BatchProcessor: the public face, which composes the line."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from math import ceil
from types import TracebackType
from typing import Any, Self

from batchwright.config import BatchConfig, secrets_of
from batchwright.contracts.events import BatchWritten, Event
from batchwright.contracts.failure import Decision, Failure
from batchwright.contracts.reporter import AnyReporter
from batchwright.contracts.stop import Stop
from batchwright.engine.delivery.retry import Schedule, attempt
from batchwright.engine.dispatch import Dispatcher
from batchwright.engine.judge import decide
from batchwright.engine.own_records import Inserter
from batchwright.engine.run import Line, RunResult
from batchwright.errors import RunFailed, RunInterrupted
from batchwright.model import Batch, BatchProgress, BatchResult, ErrorRecoveryAction, ProcessedChunk
from batchwright.plugins.manager import PluginManager
from batchwright.secrets import describe

logger = logging.getLogger("batchwright")

ERRORS_KEPT = 1_000
"""Error messages that a progress keeps, the latest ones."""


class BatchProcessor:
    """Loads a directory of documents into a database, in batches.

    Making one connects to nothing and imports no plugin; that waits until it is needed. A processor
    runs once at a time; `get_progress` and `stop` may be called from other threads.

    Args:
        config: The settings.
        plugins: More plugins: objects or modules with hook implementations, paths, or module names.
            They are asked before the installed ones.
        manager: The plugins, where they are loaded already; then `plugins` and the settings' are not.
        reporters: Who hears of the run, in place of the reporters that the settings name.
    """

    def __init__(
        self,
        config: BatchConfig,
        *,
        plugins: Sequence[object] = (),
        manager: PluginManager | None = None,
        reporters: Sequence[AnyReporter] | None = None,
    ) -> None:
        self.config = config
        self._plugins = plugins
        self._given_manager = manager
        self._reporters = reporters
        self._secrets = secrets_of(config)
        self._lock = threading.Lock()
        self._progress = BatchProgress()
        self._stop = Stop()

    # --- a directory ------------------------------------------------------------------------------

    def process_directory(self) -> list[str]:
        """Load the documents of the directory that are new or changed; return the ids of the chunks written.

        Raises:
            ConfigError, PluginError, SinkError: It could not begin.
            RunInterrupted: It was stopped; run it again to resume.
            RunFailed: A batch failed for good. What was written, the error's `chunk_ids` tells.
        """
        ids: list[str] = []
        result = self.run(on_stored=ids.extend)
        if result.state == "interrupted":
            raise RunInterrupted(f"the run was stopped ({result.reason}); run again to resume", ids)
        if result.state != "done":
            raise RunFailed(result.reason, ids)
        return ids

    def run(self, *, on_stored: Callable[[list[str]], None] = lambda _: None) -> RunResult:
        """Load the documents of the directory that are new or changed; return the account.

        Args:
            on_stored: Told the ids of the chunks of every batch that is committed, by the thread that wrote
                it; where workers load, told of every partition.

        Raises:
            ConfigError, PluginError, SinkError: It could not begin.
            ExecutorError: The executor could not have it done.
        """
        config, manager = self.config, self._manager
        reporters = self._reporters
        if reporters is None:
            reporters = [manager.make("reporter", name, config.reporter) for name in config.reporters]
        dispatcher = Dispatcher(reporters, self._secrets)
        with self._lock:
            self._progress = BatchProgress(start_time=datetime.now(UTC))
        line: Line

        def emit(event: Event) -> None:
            if isinstance(event, BatchWritten):
                self._advance(event, line.records_expected())
            dispatcher.emit(event)

        line = Line(
            config,
            manager=manager,
            emit=emit,
            decide=self._decide,
            stop=self._stop,
            on_stored=on_stored,
            on_mishap=self._note,
        )
        try:
            result = line.run()
            if result.state == "done":
                with self._lock:
                    self._progress.batches_total = self._progress.batches_completed
        finally:
            dispatcher.close()
            with self._lock:
                self._stop = Stop()
        return result

    def stop(self, reason: str = "asked to stop") -> None:
        """End the run soon: finish what is in flight, begin nothing new.

        For any thread. A signal handler has it called by a thread of its own: it takes locks.
        """
        self._stop.request(reason)

    def _advance(self, written: BatchWritten, expected: int) -> None:
        with self._lock:
            progress = self._progress
            progress.batches_completed = max(progress.batches_completed, written.batch_index + 1)
            progress.current_batch_index = written.batch_index
            progress.documents_processed += written.records
            done = max(progress.documents_processed, 1)
            estimate = ceil(progress.batches_completed * max(expected, done) / done)
            progress.batches_total = max(progress.batches_completed, estimate)

    # --- chunks of one's own ----------------------------------------------------------------------

    def insert_chunks(self, chunks: Sequence[ProcessedChunk]) -> int:
        """Store chunks that didn't come from the directory; return how many.

        Chunks of a document (by `source_file` and `total_chunks`) become visible when all of them are
        stored, over as many calls as it takes. Storing a chunk again replaces it.

        Raises:
            SinkError: The target can't be opened.
            Exception: What the sink raises; give this to `process_batch_with_retry` to have it handled.
        """
        return self._inserter.insert(chunks)

    # the name that the report's example calls it by
    _insert_chunks = insert_chunks

    @cached_property
    def _inserter(self) -> Inserter:
        config, manager = self.config, self._manager  # no `self`, which the finalizer would keep alive
        inserter = Inserter(lambda: manager.make_sink(config.to, config.sink))
        weakref.finalize(self, inserter.close)
        return inserter

    # --- one batch --------------------------------------------------------------------------------

    def process_batch_with_retry(
        self, batch: Batch[Any], processor: Callable[[Batch[Any]], int], max_retries: int = 3
    ) -> BatchResult:
        """Have a batch processed, and again after transient errors: 2^(n-1) seconds before retry n.

        Args:
            batch: The batch.
            processor: Processes it, and returns how many records it processed.
            max_retries: Retries after the first attempt, at most.

        Returns:
            What became of it; errors of the processor are in there, not raised.
        """
        result = attempt(
            lambda: processor(batch),
            decide=lambda error, number: self._decide_and_log(error, number, batch),
            schedule=Schedule(max_retries),
            stop=self._stop.event,
        )
        if result.error is not None:
            return BatchResult(False, result.retries, self._message(result.error), 0, batch.batch_index)
        processed = max(0, result.value or 0)  # drivers say -1 where they don't know the number of rows
        return BatchResult(True, result.retries, None, processed, batch.batch_index)

    def handle_error(self, error: Exception, batch: Batch[Any]) -> ErrorRecoveryAction:
        """Classify an error, log it with the batch's index, and note it in the progress."""
        return self._decide_and_log(error, 1, batch).action

    def _decide_and_log(self, error: Exception, attempt_number: int, batch: Batch[Any]) -> Decision:
        decision = self._decide(error, attempt_number, batch, "process")
        logger.warning(
            "batch %d: attempt %d failed with %s: %s; %s (%s, decided by %s)",
            batch.batch_index,
            attempt_number,
            type(error).__name__,
            self._message(error),
            decision.action.value,
            decision.verdict.reason,
            decision.decided_by,
        )
        return decision

    def _decide(
        self, error: Exception, attempt_number: int, batch: Batch[Any], phase: str = "write"
    ) -> Decision:
        """Classify an error and note it in the progress. In a run the events tell of it, and get logged."""
        failure = Failure(error, batch, attempt_number, batch.metadata.get("phase", phase))
        decision = decide(failure, self.config, self._manager)
        self._note(batch.batch_index, f"{type(error).__name__}: {self._message(error)}")
        return decision

    def _note(self, batch_index: int, text: str) -> None:
        with self._lock:
            errors = self._progress.errors
            errors.append(f"batch {batch_index}: {text}")
            del errors[:-ERRORS_KEPT]

    def _message(self, error: BaseException) -> str:
        return describe(error, self._secrets)

    # --- progress ---------------------------------------------------------------------------------

    def track_progress(self, batch_index: int, total_batches: int, documents_count: int) -> None:
        """Note that the batch `batch_index` of `total_batches` is done, with `documents_count` records.

        Raises:
            ValueError: One of them is negative; the progress stays as it is.
        """
        if documents_count < 0:
            raise ValueError(f"documents_count is {documents_count}; it must be at least 0")
        with self._lock:
            progress = self._progress
            self._progress = replace(
                progress,
                start_time=progress.start_time or datetime.now(UTC),
                batches_completed=batch_index + 1,
                batches_total=total_batches,
                documents_processed=progress.documents_processed + documents_count,
                current_batch_index=batch_index,
            )

    def get_progress(self) -> BatchProgress:
        """Return an independent copy of the progress."""
        with self._lock:
            return replace(self._progress, errors=list(self._progress.errors))

    # --- plugins ----------------------------------------------------------------------------------

    @cached_property
    def _manager(self) -> PluginManager:
        manager = self._given_manager
        if manager is None:
            manager = PluginManager.load([*self.config.plugins, *self._plugins], self.config.disable_plugins)
        manager.hide(self._secrets)
        return manager

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop("the processor was closed")
        if "_inserter" in self.__dict__:
            self._inserter.close()
