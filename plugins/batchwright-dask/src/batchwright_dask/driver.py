"""The driver: partitions become tasks, and the workers' events come back by a queue."""

from __future__ import annotations

import pickle
import queue
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

from batchwright import BatchwrightError, Execution, ExecutorError, Job, Partition, Share
from batchwright.plurals import counted
from distributed import Client, Future
from distributed.scheduler import KilledWorker

from batchwright_dask import tasks
from batchwright_dask.lost import lost, outcome, scheduler_needed
from batchwright_dask.options import DaskOptions
from batchwright_dask.tasks import Unfit
from batchwright_dask.workers import FETCH, GRACE, Workers

TICK = 0.2
"""Seconds between two looks at the queue."""

LAST_WORDS = 60.0
"""Seconds that workers have to finish what is in flight once the run is to stop."""

SAY_AGAIN = 2.0
"""Seconds after which they are asked again: a worker may have come in between."""

ATTEMPTS = 4
"""How often a partition is given to other workers because all that it was given to are gone."""


@dataclass(frozen=True, slots=True)
class _Loading:
    """A partition that workers have.

    Attributes:
        partition: The partition.
        workers: Their addresses; Dask gives it to another of them if one dies.
        attempt: Counts from 0, each time to other workers.
    """

    partition: Partition
    workers: frozenset[str]
    attempt: int


class Driver:
    """One run on a cluster."""

    def __init__(self, client: Client, execution: Execution, job: Job, options: DaskOptions) -> None:
        self._client = client
        self._execution = execution
        self._job = job
        self._options = options
        with scheduler_needed(client):
            self._queue = tasks.open_queue(client, job.run_id)
        self._done: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        self._running: dict[Future[Any], _Loading] = {}
        self._again: deque[tuple[Partition, int]] = deque()
        self._submitted = count()
        self._workers = Workers(client, job, options)
        self._error: BatchwrightError | None = None
        self._stopping_since: float | None = None
        self._stop_told = 0.0

    def run(self) -> None:
        """Load every partition.

        Raises:
            BatchwrightError: What went wrong first; what the other workers did by then is settled.
        """
        try:
            self._wait_for_workers()
            partitions: Iterator[Partition] | None = self._execution.partitions(max(1, self._workers.places))
            while partitions is not None or self._running or self._again:
                self._workers.look()
                self._take_back()
                partitions = self._submit(partitions)
                self._collect()
                self._pass_on_stop()
        finally:
            self._leave()
        if self._error is not None:
            raise self._error

    def _submit(self, partitions: Iterator[Partition] | None) -> Iterator[Partition] | None:
        """Submit as many partitions as there is room for; return the rest, None when there is none."""
        if self._execution.stop.event.is_set():
            self._again.clear()
            if partitions is not None:
                next(partitions, None)  # which emits the stop, and has nothing more
            return None
        room = min(self._execution.at_once, self._workers.places)
        while len(self._running) < room and (self._again or partitions is not None):
            following = self._following(partitions)
            if following is None:
                return None
            partition, attempt = following
            fit = self._workers.fit
            key = f"batchwright-{self._job.run_id}-{partition.number}-{next(self._submitted)}"
            with scheduler_needed(self._client):
                parcel = tasks.parcel(self._job, partition)
                future = self._client.submit(pickle.load, parcel, key=key, workers=fit)
            self._await(future, _Loading(partition, frozenset(fit), attempt))
        return partitions

    def _following(self, partitions: Iterator[Partition] | None) -> tuple[Partition, int] | None:
        """Return the partition to submit next, and how often it was given to others before."""
        if self._again:
            return self._again.popleft()
        partition = next(partitions, None) if partitions is not None else None
        return None if partition is None else (partition, 0)

    def _take_back(self) -> None:
        """Take back the partitions of workers that are all gone: Dask would wait for just these."""
        there = frozenset(self._workers.there)
        for future, loading in list(self._running.items()):
            if not there or loading.workers & there:
                continue
            del self._running[future]
            if loading.attempt + 1 == ATTEMPTS:
                self._fail(ExecutorError(_deadly(loading.partition, ", ".join(sorted(loading.workers)))))
                continue
            with scheduler_needed(self._client):
                future.cancel()
            self._again.append((loading.partition, loading.attempt + 1))

    def _collect(self) -> None:
        """Take what has come: events first, so that none comes after its partition's share."""
        finished: list[Future[Any]] = []
        try:
            finished.append(self._done.get(timeout=TICK))
            while True:
                finished.append(self._done.get_nowait())
        except queue.Empty:
            pass
        with scheduler_needed(self._client):
            blobs = self._queue.get(batch=True)
        for blob in blobs:
            number, events = pickle.loads(blob)  # noqa: S301 - from our own workers, as their results are
            self._execution.relay(number, events)
        for future in finished:
            loading = self._running.pop(future, None)
            if loading is not None:
                self._settle(future, loading)

    def _await(self, future: Future[Any], loading: _Loading) -> None:
        self._running[future] = loading
        future.add_done_callback(self._done.put)

    def _settle(self, future: Future[Any], loading: _Loading) -> None:
        try:
            answer = answer_of(future, loading.partition)
        except TimeoutError:  # the worker died before the share was fetched: another loads the partition
            self._await(future, loading)
        except BatchwrightError as error:
            self._fail(error)
        else:
            if isinstance(answer, Unfit):
                self._workers.exclude(answer)
                self._again.append((loading.partition, loading.attempt))
            else:
                self._execution.settle(answer)

    def _fail(self, error: BatchwrightError) -> None:
        """Have the workers finish what they write, and account for it; then raise the error."""
        self._error = self._error or error
        self._execution.stop.request(str(error), failed=True)

    def _pass_on_stop(self) -> None:
        stop = self._execution.stop
        if not stop.event.is_set() or not self._running:
            return
        now = time.monotonic()
        self._stopping_since = self._stopping_since or now
        if now - self._stopping_since > LAST_WORDS:
            raise ExecutorError(
                f"{counted(len(self._running), 'partition')} did not end within {LAST_WORDS:g} s of a stop"
            )
        if now - self._stop_told > SAY_AGAIN:
            self._tell_to_stop(stop.reason, failed=stop.failed)
            self._stop_told = time.monotonic()

    def _tell_to_stop(self, reason: str, *, failed: bool) -> None:
        with scheduler_needed(self._client):
            self._client.run(tasks.stop_run, self._job.run_id, reason, failed, on_error="ignore")

    def _leave(self) -> None:
        """Leave nothing running, nor in the scheduler's memory, if that is still there."""
        with suppress(ExecutorError), scheduler_needed(self._client):
            if self._running and self._client.status == "running":  # given up, or an error
                self._tell_to_stop("the run has ended", failed=True)
            self._queue.close()

    def _wait_for_workers(self) -> None:
        """Wait for a worker that can load the run, and a moment for those that are still being checked."""
        stop, began = self._execution.stop.event, time.monotonic()
        self._workers.look()
        while not self._workers.places or (
            self._workers.are_being_checked and time.monotonic() - began < GRACE
        ):
            if stop.wait(TICK / 4):
                return
            self._workers.look()


def answer_of(future: Future[Any], partition: Partition) -> Share | Unfit:
    """Return what the task returned.

    Raises:
        TimeoutError: The task is done, and its result not to be had.
        BatchwrightError: What it raised.
        ExecutorError: Its workers died, or the scheduler did.
    """
    if future.cancelled():
        raise lost(future.client, "it no longer knows of the partitions")
    error, value = outcome(future, FETCH)
    if error is None:
        answer: Share | Unfit = value
        return answer
    if isinstance(error, KilledWorker):
        raise ExecutorError(_deadly(partition, error.last_worker.address))
    if isinstance(error, BatchwrightError):
        raise error
    hint = "; install the same batchwright and plugins on every worker" * isinstance(error, ImportError)
    raise ExecutorError(
        f"a worker could not load partition {partition.number}: {type(error).__name__}: {error}{hint}"
    )


def _deadly(partition: Partition, last: str) -> str:
    return (
        f"workers die while they load partition {partition.number} ({_names(partition)}), the last at "
        f"{last}: look at its log; is it short of memory?"
    )


def _names(partition: Partition) -> str:
    found = list(partition.found)
    return f"{found[0].key} to {found[-1].key}" if found else "no documents"
