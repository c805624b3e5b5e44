"""BatchProcessor: the way in for programs."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from types import TracebackType
from typing import Any, Self

from batchwright.config import BatchConfig, located, secrets_of
from batchwright.contracts.events import ErrorClassified
from batchwright.contracts.failure import Decision
from batchwright.contracts.records import CHUNK, RecordType
from batchwright.contracts.reporter import AnyReporter
from batchwright.contracts.stop import Stop
from batchwright.engine.awaiting import awaited
from batchwright.engine.collection import CHUNKS, program_collection
from batchwright.engine.delivery.policy import DeliveryPolicy
from batchwright.engine.delivery.retry import Schedule, attempt
from batchwright.engine.dispatch import Dispatcher
from batchwright.engine.judge import Judge
from batchwright.engine.own_load import OwnLoad
from batchwright.engine.own_records import OwnRecords
from batchwright.engine.own_type import type_of
from batchwright.engine.progress import Progress
from batchwright.engine.run import Loading, RunResult
from batchwright.engine.session import Session
from batchwright.errors import BatchwrightError, RunFailed, RunInterrupted
from batchwright.model import (
    Batch,
    BatchProgress,
    BatchResult,
    ErrorRecoveryAction,
    ProcessedChunk,
)
from batchwright.plugins.manager import PluginManager

logger = logging.getLogger("batchwright")


class BatchProcessor:
    """Loads a directory of documents into a database, in batches.

    Making one connects to nothing and imports no plugin; that waits until it is needed. A processor
    runs once at a time; `get_progress` and `stop` may be called from other threads.

    Args:
        config: The settings.
        plugins: More plugins: objects or modules with hook implementations, paths, or module names.
            They are asked before the installed ones.
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

    # --- a directory ------------------------------------------------------------------------------

    def process_directory(self) -> list[str]:
        """Load the documents of the directory that are new or changed; return the ids of the chunks written.

        Raises:
            ConfigError, PluginError, SinkError: It could not begin.
            RunInterrupted: It was stopped; run it again to resume.
            RunFailed: A batch failed for good. The error's `chunk_ids` are the chunks that were written.
        """
        ids: list[str] = []
        result = self.run(on_stored=ids.extend)
        if result.state == "interrupted":
            raise RunInterrupted(f"the run was stopped ({result.reason}); run again to resume", ids)
        if result.state != "done":
            raise RunFailed(result.reason, ids)
        return ids

    def run(
        self, *, on_stored: Callable[[list[str]], None] = lambda _: None, stop: Stop | None = None
    ) -> RunResult:
        """Load the documents of the directory that are new or changed; return the account.

        Args:
            on_stored: Called with the ids of the chunks of every batch that is committed, by the thread that
                wrote it; where workers load, with those of every partition.
            stop: Request it to end the run soon; `stop` does the same.

        Raises:
            ConfigError, PluginError, SinkError: It could not begin.
            ExecutorError: The executor could not do the work.
            BatchwrightError: This processor is running already.
        """
        with (
            located(self.config),
            self._alone(),
            self._stoppable(stop) as requested,
        ):
            with self._dispatching() as dispatcher:
                loading = Loading(
                    self.config,
                    self._manager,
                    dispatcher,
                    requested,
                    policy=self._policy,
                    on_stored=on_stored,
                )
                result = loading.run()
            return self._ended(result, dispatcher)

    async def arun(
        self, *, on_stored: Callable[[list[str]], None] = lambda _: None, stop: Stop | None = None
    ) -> RunResult:
        """Do what `run` does, in a thread of its own, and await it.

        Cancelling the task stops the run: what is in flight is finished, and CancelledError is raised when
        nothing is running any more. Run again to resume.

        Args:
            on_stored: As for `run`; called by other threads than the event loop's.
            stop: As for `run`.
        """
        stop = stop or Stop()
        return await awaited(lambda: self.run(on_stored=on_stored, stop=stop), stop)

    def stop(self, reason: str = "asked to stop") -> None:
        """End what is running soon: finish what is in flight, begin nothing new. Later runs are not affected.

        For any thread. A signal handler has it called by a thread of its own: it takes locks.
        """
        for stop in tuple(self._stops):
            stop.request(reason)

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

    def _ended(self, result: RunResult, dispatcher: Dispatcher) -> RunResult:
        """Return how a run ended, now that the reporters are closed: with what went wrong in plugins."""
        if result.state == "done":
            self._progress.finish()
        return replace(result, plugins=(*self._manager.faults(), *dispatcher.faults()))

    @contextmanager
    def _stoppable(self, stop: Stop | None = None) -> Iterator[Stop]:
        """Have `stop` end what is done within."""
        stop = stop or Stop()
        self._stops.append(stop)
        try:
            yield stop
        finally:
            self._stops.remove(stop)

    # --- records of one's own ---------------------------------------------------------------------

    def load(
        self,
        records: Iterable[Any],
        *,
        record: type | RecordType | None = None,
        key: str = "id",
        text: str | None = None,
        heading: str | None = None,
        collection: str = "",
        prune: bool = False,
        on_stored: Callable[[list[str]], None] = lambda _: None,
        stop: Stop | None = None,
    ) -> RunResult:
        """Load records that a program brings: those that are new or changed; return the account.

        They go the way of a run's: in batches, bad records isolated, with rejects, retries and deadlines.
        They are looked up a page at a time, and memory does not grow with them. Loaded again, they are
        unchanged. A key met again in one call is a reject that names both records; the first is taken.

        Args:
            records: Models, dataclasses or mappings, each a record of its own; or documents, which are
                chunked as the settings say; or chunks: those of a document one after the other, all of them.
            record: What they are: a model, dataclass or TypedDict, or a `RecordType`. None for the class of
                the first; mappings need it.
            key: The field that names a record.
            text: The field that is searched, or None.
            heading: The field that says where the text stands, or None.
            collection: The collection to load into; empty for the settings', or else the type's name, and
                ``chunks`` for documents and chunks.
            prune: Whether to remove the documents that programs brought into the collection before, and this
                call does not; `prune_limit` applies.
            on_stored: Called with the ids of the records of every batch that is committed, by the thread that
                wrote it.
            stop: Request it to end the load soon; `stop` does the same.

        Raises:
            ConfigError, PluginError, SinkError: It could not begin.
            BatchwrightError: This processor is running already.
            Exception: What `records` raises; what was committed before that stays.
        """
        with (
            located(self.config),
            self._alone(),
            self._stoppable(stop) as requested,
        ):
            record_type, records = type_of(records, record, key=key, text=text, heading=heading)
            with self._dispatching() as dispatcher:
                load = OwnLoad(
                    self._config_for(record_type, collection),
                    self._manager,
                    dispatcher,
                    requested,
                    policy=self._policy,
                    record_type=record_type,
                    prune=prune,
                    on_stored=on_stored,
                )
                result = load.run(records)
            return self._ended(result, dispatcher)

    async def aload(
        self,
        records: Iterable[Any],
        *,
        record: type | RecordType | None = None,
        key: str = "id",
        text: str | None = None,
        heading: str | None = None,
        collection: str = "",
        prune: bool = False,
        on_stored: Callable[[list[str]], None] = lambda _: None,
        stop: Stop | None = None,
    ) -> RunResult:
        """Do what `load` does, in a thread of its own, which iterates over `records`, and await it.

        Cancelling the task stops it as `arun` is stopped.
        """
        stop = stop or Stop()
        work = partial(
            self.load,
            records,
            record=record,
            key=key,
            text=text,
            heading=heading,
            collection=collection,
            prune=prune,
            on_stored=on_stored,
            stop=stop,
        )
        return await awaited(work, stop)

    def _config_for(self, record_type: RecordType, collection: str) -> BatchConfig:
        """Return the settings with the collection that a program's records go into."""
        usual = CHUNKS if record_type.is_chunk else record_type.name
        name = program_collection(self.config, collection, usual)
        return self.config.model_copy(update={"collection": name})

    def delete(
        self, keys: Iterable[object], collection: str = "", *, record: type | RecordType | None = None
    ) -> int:
        """Remove the documents with these keys, whoever brought them; return how many there were.

        A document of the input directory comes back with the next run.

        Args:
            keys: Which.
            collection: Theirs; empty for the settings', or else the type's name, and ``chunks`` for chunks.
            record: What is stored there: a class or `RecordType`; None for chunks.

        Raises:
            ConfigError: The collection has a name that none can have.
            SinkError: The target can't be opened, or failed.
        """
        record_type = CHUNK if record is None else type_of((), record)[0]
        with located(self.config):
            config = self._config_for(record_type, collection)
            name, named = config.collection or CHUNKS, map(str, keys)
            if record_type.is_chunk:
                return self._own_records.delete(named, name)
            own = OwnRecords(self._sessions(record_type), name)
            try:
                return own.delete(named, name)
            finally:
                own.close()

    def insert_chunks(self, chunks: Sequence[ProcessedChunk]) -> int:
        """Store chunks that didn't come from the directory; return how many.

        They belong to the collection that the settings name, or else to ``chunks``. All go in one
        transaction, or in several if bad records have to be isolated.

        Chunks of a document (by `source_file` and `total_chunks`) become visible when all of them are
        stored, over as many calls, and by as many processes, as it takes. Storing a chunk again replaces it;
        with another `total_chunks` they are a new version, which takes the old one's place once it is whole.
        Chunks that the sink can't hold are set aside, among the rejects, and not counted.

        Raises:
            ValueError: A chunk doesn't say which document it belongs to, or how many chunks that has.
            SinkError: The target can't be opened.
            Exception: What the sink raises; give this to `process_batch_with_retry` to have it handled.
        """
        with located(self.config):
            return self._own_records.insert(chunks)

    # the name that the report's example calls it by
    _insert_chunks = insert_chunks

    @cached_property
    def _own_records(self) -> OwnRecords:
        own = OwnRecords(self._sessions(CHUNK), self.config.collection or CHUNKS)
        weakref.finalize(self, own.close)
        return own

    def _sessions(self, record_type: RecordType) -> Callable[[], Session]:
        """Return what makes sessions in which nothing is tried twice: a program does that itself."""
        config, manager = self.config, self._manager  # no `self`, which the finalizer would keep alive
        policy = replace(self._policy, retries=Schedule(max_retries=0), holds=False)
        return lambda: Session(
            config, manager, dispatcher=Dispatcher(), stop=Stop(), policy=policy, record_type=record_type
        )

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
        with self._stoppable() as stop:
            result = attempt(
                lambda: processor(batch),
                decide=lambda error, number: self._decide(error, number, batch),
                schedule=replace(self._policy.retries, max_retries=max_retries, cap=None, jitter=False),
                stop=stop.event,
            )
        if result.error is not None:
            return BatchResult(
                False, result.retries, self._judge.describe(result.error), 0, batch.batch_index
            )
        processed = max(0, result.value or 0)  # drivers say -1 where they don't know the number of rows
        return BatchResult(True, result.retries, None, processed, batch.batch_index)

    def handle_error(self, error: Exception, batch: Batch[Any]) -> ErrorRecoveryAction:
        """Classify an error, log it with the batch's index, and note it in the progress."""
        return self._decide(error, 1, batch).action

    def _decide(self, error: Exception, attempt_number: int, batch: Batch[Any]) -> Decision:
        return self._judge.decide(error, phase="process", attempt=attempt_number, batch=batch)

    @cached_property
    def _judge(self) -> Judge:
        return Judge(self.config, self._manager, self._note)

    def _note(self, event: ErrorClassified) -> None:
        """Log an error of a program's own callable, and note it in the progress."""
        logger.warning(
            "batch %d: attempt %d failed with %s: %s; %s (decided by %s)",
            event.batch_index,
            event.attempt,
            event.error_type.rpartition(".")[2],
            event.error,
            event.action,
            event.decided_by,
        )
        self._progress.add(event, lambda: 0)

    # --- progress ---------------------------------------------------------------------------------

    def track_progress(self, batch_index: int, total_batches: int, documents_count: int) -> None:
        """Note that the batch `batch_index` of `total_batches` is done, with `documents_count` records.

        Raises:
            ValueError: One of them is negative; the progress stays as it is.
        """
        self._progress.track(batch_index, total_batches, documents_count)

    def get_progress(self) -> BatchProgress:
        """Return an independent copy of the progress."""
        return self._progress.copy()

    # --- plugins ----------------------------------------------------------------------------------

    @cached_property
    def _manager(self) -> PluginManager:
        manager = self._given_manager
        if manager is None:
            manager = PluginManager.of(self.config, self._plugins)
        manager.hide(secrets_of(self.config))
        return manager

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop("the processor was closed")
        if "_own_records" in self.__dict__:
            self._own_records.close()
