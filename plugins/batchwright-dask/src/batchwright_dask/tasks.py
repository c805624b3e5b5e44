"""What runs on the workers."""

from __future__ import annotations

import pickle
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO

from batchwright import Job, Partition, Share, Stop, WorkerUnfit, check_worker, load_partition
from batchwright.contracts.events import Event
from distributed import Client, Queue, get_client, get_worker

ROOM = 1_000
"""Reports that wait for the driver, at most."""

PATIENCE = 1.0
"""Seconds that a worker waits for room among them; then its report is lost, and nothing else."""

REMEMBERED = 100
"""Runs of which a worker knows that they were stopped: a task may arrive after that."""

_lock = threading.Lock()
_running: dict[str, list[Stop]] = {}
_stopped: OrderedDict[str, str] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Unfit:
    """A worker that can't load the run.

    Attributes:
        address: Which.
        reason: What it lacks.
        may_pass: Whether it may be asked again later.
    """

    address: str
    reason: str
    may_pass: bool = False


def open_queue(client: Client, run_id: str) -> Queue:
    """Return the queue by which the workers of a run report to the driver.

    It is there when this returns, and until all who opened it have closed it.
    """
    return Queue(f"batchwright-{run_id}", client=client, maxsize=ROOM)


def parcel(job: Job, partition: Partition | None = None) -> BytesIO:
    """Return what has a worker load the partition when it calls `pickle.load` on it, or check whether it can.

    So the task itself consists of the standard library. Where batchwright is missing it fails like any
    other; a task that can't even be unpickled would take its worker down, one worker after the other. The
    `repr`, which Dask logs, shows nothing of what is in there.
    """
    return BytesIO(pickle.dumps(_Call(job, partition)))


class _Call:
    """Calls `load`, or without a partition `check`, by being unpickled."""

    def __init__(self, job: Job, partition: Partition | None) -> None:
        self._job = job
        self._partition = partition

    def __reduce__(self) -> tuple[Callable[..., Share | Unfit | None], tuple[Job | Partition, ...]]:
        if self._partition is None:
            return check, (self._job,)
        return load, (self._job, self._partition)


def load(job: Job, partition: Partition) -> Share | Unfit:
    """Load a partition; return what became of it, or why this worker can't."""
    with _reporting(job.run_id, partition.number) as report, _stoppable(job.run_id) as stop:
        try:
            return load_partition(job, partition, report=report, stop=stop)
        except WorkerUnfit as error:
            return _unfit(error)


def check(job: Job) -> Unfit | None:
    """Check whether this worker can load the run; return why not."""
    try:
        check_worker(job)
    except WorkerUnfit as error:
        return _unfit(error)
    return None


def _unfit(error: WorkerUnfit) -> Unfit:
    return Unfit(get_worker().address, str(error), error.may_pass)


def stop_run(run_id: str, reason: str, failed: bool) -> None:
    """Have what this worker loads of a run end early, and what is still to come."""
    with _lock:
        _stopped[run_id] = reason
        while len(_stopped) > REMEMBERED:
            _stopped.popitem(last=False)
        stops = list(_running.get(run_id, ()))
    for stop in stops:
        # not on this thread, which is the worker's event loop
        threading.Thread(target=stop.request, args=(reason,), kwargs={"failed": failed}, daemon=True).start()


@contextmanager
def _reporting(run_id: str, partition: int) -> Iterator[Callable[[Sequence[Event]], None]]:
    """Send events to the driver; where that fails its reporters miss some progress, and nothing else."""
    queue: Queue | None = None

    def report(events: Sequence[Event]) -> None:
        if queue is not None:
            with suppress(Exception):
                queue.put(pickle.dumps((partition, list(events))), timeout=PATIENCE)

    with suppress(Exception):
        queue = open_queue(get_client(), run_id)
    try:
        yield report
    finally:
        if queue is not None:
            with suppress(Exception):
                queue.close()


@contextmanager
def _stoppable(run_id: str) -> Iterator[Stop]:
    stop = Stop()
    with _lock:
        _running.setdefault(run_id, []).append(stop)
        reason = _stopped.get(run_id)
    if reason is not None:
        stop.request(reason)
    try:
        yield stop
    finally:
        with _lock:
            _running[run_id].remove(stop)
            if not _running[run_id]:
                del _running[run_id]
