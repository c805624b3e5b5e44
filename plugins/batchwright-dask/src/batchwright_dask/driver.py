"""The driver: partitions become tasks, and what the workers tell comes back by a queue."""

from __future__ import annotations

import pickle
import queue
import time
from collections.abc import Iterator

from batchwright import BatchwrightError, Execution, ExecutorError, Job, Partition, Share
from distributed import Client, Future, Queue
from distributed.scheduler import KilledWorker

from batchwright_dask import tasks
from batchwright_dask.options import DaskOptions

TICK = 0.2
"""Seconds between two looks at what the workers tell."""

LAST_WORDS = 60.0
"""Seconds that workers have to finish what is in flight once the run is to stop."""


class Driver:
    """One run on a cluster."""

    def __init__(self, client: Client, execution: Execution, job: Job, options: DaskOptions) -> None:
        self._client = client
        self._execution = execution
        self._job = job
        self._options = options
        self._queue = Queue(tasks.queue_name(job.run_id), client=client, maxsize=tasks.ROOM)
        self._done: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._running: dict[Future, Partition] = {}
        self._looked = 0.0
        self._places = 0
        self._seen_workers = time.monotonic()
        self._stop_told: float | None = None

    def run(self) -> None:
        """Load every partition."""
        try:
            self._wait_for_workers()
            partitions: Iterator[Partition] | None = self._execution.partitions(self._places)
            while partitions is not None or self._running:
                partitions = self._submit(partitions)
                self._collect()
                self._pass_on_stop()
        finally:
            if self._running:  # on the way out with an error, or given up
                self._tell_to_stop("the run has ended", failed=True)
            self._queue.close()

    def _submit(self, partitions: Iterator[Partition] | None) -> Iterator[Partition] | None:
        """Submit as many partitions as there is room for; return the rest, None when there is none."""
        room = min(self._execution.at_once, self._count_places())
        while partitions is not None and len(self._running) < room:
            partition = next(partitions, None)
            if partition is None:
                return None
            future = self._client.submit(tasks.load, self._job, partition, pure=False)
            self._running[future] = partition
            future.add_done_callback(self._done.put)
        return partitions

    def _collect(self) -> None:
        """Take what has come: messages first, so that none comes behind its partition's share."""
        finished: list[Future] = []
        try:
            finished.append(self._done.get(timeout=TICK))
            while True:
                finished.append(self._done.get_nowait())
        except queue.Empty:
            pass
        for blob in self._queue.get(batch=True):
            number, messages = pickle.loads(blob)  # noqa: S301 - from our own workers, as their results are
            self._execution.hear(number, messages)
        for future in finished:
            partition = self._running.pop(future, None)
            if partition is not None:
                self._execution.settle(_share(future, partition))

    def _pass_on_stop(self) -> None:
        stop = self._execution.stop
        if not stop.event.is_set() or not self._running:
            return
        if self._stop_told is None:
            self._stop_told = time.monotonic()
            self._tell_to_stop(stop.reason, failed=stop.failed)
        elif time.monotonic() - self._stop_told > LAST_WORDS:
            raise ExecutorError(
                f"{len(self._running)} partitions did not end within {LAST_WORDS:g} s of being asked to"
            )

    def _tell_to_stop(self, reason: str, *, failed: bool) -> None:
        self._client.run(tasks.stop_run, self._job.run_id, reason, failed, on_error="ignore")

    def _count_places(self) -> int:
        """Return how many tasks the cluster runs at the same time; looked up once a second."""
        now = time.monotonic()
        if now - self._looked >= 1.0:
            self._looked = now
            self._places = sum(self._client.nthreads().values())
            if self._places:
                self._seen_workers = now
            elif now - self._seen_workers > self._options.worker_timeout:
                raise ExecutorError(
                    f"the cluster has had no worker for {self._options.worker_timeout:g} s "
                    f"(executors.dask.worker_timeout); start some with `dask worker "
                    f"{self._client.scheduler.address} --nthreads 1`, and run again to go on"
                )
        return self._places

    def _wait_for_workers(self) -> None:
        while not self._count_places() and not self._execution.stop.event.wait(TICK):
            pass
        self._places = max(1, self._places)


def _share(future: Future, partition: Partition) -> Share:
    """Return what the task returned.

    Raises:
        BatchwrightError: What it raised.
        ExecutorError: Its workers died, or the scheduler did.
    """
    if future.cancelled():
        raise ExecutorError("the Dask scheduler was lost; once it is back, run again to go on")
    error = future.exception()
    if error is None:
        share: Share = future.result()
        return share
    if isinstance(error, KilledWorker):
        raise ExecutorError(
            f"workers die while they load partition {partition.number} ({_names(partition)}), the last at "
            f"{error.last_worker.address}: look at its log; is it short of memory?"
        )
    if isinstance(error, BatchwrightError):
        raise error
    raise ExecutorError(
        f"a worker could not load partition {partition.number}: {type(error).__name__}: {error}"
    )


def _names(partition: Partition) -> str:
    found = list(partition.found)
    return f"{found[0].source_file} to {found[-1].source_file}" if found else "no documents"
