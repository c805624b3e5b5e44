"""The driver: partitions become tasks, and the workers' events come back by a queue."""

from __future__ import annotations

import pickle
import queue
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from typing import Any

from batchwright import BatchwrightError, Execution, ExecutorError, Job, Partition, Share
from distributed import Client, Future
from distributed.client import ClosedClientError
from distributed.scheduler import KilledWorker

from batchwright_dask import tasks
from batchwright_dask.options import DaskOptions

TICK = 0.2
"""Seconds between two looks at the queue."""

LAST_WORDS = 60.0
"""Seconds that workers have to finish what is in flight once the run is to stop."""

SAY_AGAIN = 2.0
"""Seconds after which they are asked again: a worker may have come in between."""


FETCH = 5.0
"""Seconds that fetching a share may take; it lies in the memory of the worker that made it."""


class Driver:
    """One run on a cluster."""

    def __init__(self, client: Client, execution: Execution, job: Job, options: DaskOptions) -> None:
        self._client = client
        self._execution = execution
        self._job = job
        self._options = options
        with _scheduler_needed(client):
            self._queue = tasks.open_queue(client, job.run_id)
        self._done: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        self._running: dict[Future[Any], Partition] = {}
        self._error: BatchwrightError | None = None
        self._looked = 0.0
        self._places = 0
        self._seen_workers = time.monotonic()
        self._stopping_since: float | None = None
        self._stop_told = 0.0

    def run(self) -> None:
        """Load every partition.

        Raises:
            BatchwrightError: What went wrong first; what the other workers did by then is settled.
        """
        try:
            self._wait_for_workers()
            partitions: Iterator[Partition] | None = self._execution.partitions(self._places)
            while partitions is not None or self._running:
                partitions = self._submit(partitions)
                self._collect()
                self._pass_on_stop()
        finally:
            self._leave()
        if self._error is not None:
            raise self._error

    def _submit(self, partitions: Iterator[Partition] | None) -> Iterator[Partition] | None:
        """Submit as many partitions as there is room for; return the rest, None when there is none."""
        room = min(self._execution.at_once, self._count_places())
        while partitions is not None and len(self._running) < room:
            partition = next(partitions, None)
            if partition is None:
                return None
            key = f"batchwright-{self._job.run_id}-{partition.number}"
            with _scheduler_needed(self._client):
                future = self._client.submit(pickle.load, tasks.parcel(self._job, partition), key=key)
            self._await(future, partition)
        return partitions

    def _collect(self) -> None:
        """Take what has come: events first, so that none comes after its partition's share."""
        finished: list[Future[Any]] = []
        try:
            finished.append(self._done.get(timeout=TICK))
            while True:
                finished.append(self._done.get_nowait())
        except queue.Empty:
            pass
        with _scheduler_needed(self._client):
            blobs = self._queue.get(batch=True)
        for blob in blobs:
            number, events = pickle.loads(blob)  # noqa: S301 - from our own workers, as their results are
            self._execution.relay(number, events)
        for future in finished:
            partition = self._running.pop(future, None)
            if partition is not None:
                self._settle(future, partition)

    def _await(self, future: Future[Any], partition: Partition) -> None:
        self._running[future] = partition
        future.add_done_callback(self._done.put)

    def _settle(self, future: Future[Any], partition: Partition) -> None:
        try:
            share = share_of(future, partition)
        except TimeoutError:  # the worker died before the share was fetched: another loads the partition
            self._await(future, partition)
        except BatchwrightError as error:  # the others shall finish what they write, and be accounted for
            self._error = self._error or error
            self._execution.stop.request(str(error), failed=True)
        else:
            self._execution.settle(share)

    def _pass_on_stop(self) -> None:
        stop = self._execution.stop
        if not stop.event.is_set() or not self._running:
            return
        now = time.monotonic()
        self._stopping_since = self._stopping_since or now
        if now - self._stopping_since > LAST_WORDS:
            raise ExecutorError(
                f"{len(self._running)} partitions did not end within {LAST_WORDS:g} s of being asked to"
            )
        if now - self._stop_told > SAY_AGAIN:
            self._tell_to_stop(stop.reason, failed=stop.failed)
            self._stop_told = time.monotonic()

    def _tell_to_stop(self, reason: str, *, failed: bool) -> None:
        with _scheduler_needed(self._client):
            self._client.run(tasks.stop_run, self._job.run_id, reason, failed, on_error="ignore")

    def _leave(self) -> None:
        """Leave nothing running, nor in the scheduler's memory, if that is still there."""
        with suppress(ExecutorError), _scheduler_needed(self._client):
            if self._running and self._client.status == "running":  # given up, or an error
                self._tell_to_stop("the run has ended", failed=True)
            self._queue.close()

    def _count_places(self) -> int:
        """Return how many tasks the cluster runs at the same time; looked up once a second."""
        now = time.monotonic()
        if now - self._looked >= 1.0:
            self._looked = now
            with _scheduler_needed(self._client):
                self._places = sum(self._client.nthreads().values())
            if self._places:
                self._seen_workers = now
            elif now - self._seen_workers > self._options.worker_timeout:
                raise ExecutorError(
                    f"the cluster has had no worker for {self._options.worker_timeout:g} s "
                    f"(executors.dask.worker_timeout); start some with `dask worker "
                    f"{_address(self._client)} --nthreads 1`, and run again to go on"
                )
        return self._places

    def _wait_for_workers(self) -> None:
        while not self._count_places() and not self._execution.stop.event.wait(TICK):
            pass
        self._places = max(1, self._places)


@contextmanager
def _scheduler_needed(client: Client) -> Iterator[None]:
    """Raise an ExecutorError when the scheduler is lost."""
    try:
        yield
    except (OSError, TimeoutError, CancelledError, ClosedClientError, RuntimeError) as error:
        # RuntimeError: asyncio raises it where a connection ends while its timeout expires
        raise _lost(client, f"{type(error).__name__}: {error}") from error


def _lost(client: Client, why: str) -> ExecutorError:
    return ExecutorError(
        f"the Dask scheduler {_address(client)} was lost ({why}); once it is back, run again to go on"
    )


def _address(client: Client) -> str:
    return str(client.scheduler.address) if client.scheduler is not None else "of this run"


def share_of(future: Future[Any], partition: Partition) -> Share:
    """Return what the task returned.

    Raises:
        TimeoutError: The task is done, and its result not to be had.
        BatchwrightError: What it raised.
        ExecutorError: Its workers died, or the scheduler did.
    """
    if future.cancelled():
        raise _lost(future.client, "it no longer knows of the partitions")
    error = future.exception(timeout=FETCH)
    if error is None:
        share: Share = future.result(timeout=FETCH)
        return share
    if isinstance(error, KilledWorker):
        raise ExecutorError(
            f"workers die while they load partition {partition.number} ({_names(partition)}), the last at "
            f"{error.last_worker.address}: look at its log; is it short of memory?"
        )
    if isinstance(error, BatchwrightError):
        raise error
    hint = "; install the same batchwright and plugins on every worker" * isinstance(error, ImportError)
    raise ExecutorError(
        f"a worker could not load partition {partition.number}: {type(error).__name__}: {error}{hint}"
    )


def _names(partition: Partition) -> str:
    found = list(partition.found)
    return f"{found[0].source_file} to {found[-1].source_file}" if found else "no documents"
