"""What runs on the workers."""

from __future__ import annotations

import pickle
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from batchwright import Job, Message, Partition, Share, Stop, load_partition
from distributed import Queue, get_client

ROOM = 1_000
"""Messages that wait for the driver, at most."""

PATIENCE = 1.0
"""Seconds that a worker waits for room among them; then what it had to tell is lost, and nothing else."""

REMEMBERED = 100
"""Runs of which a worker knows that they were stopped: a task may arrive after the word."""

_lock = threading.Lock()
_running: dict[str, list[Stop]] = {}
_stopped: OrderedDict[str, str] = OrderedDict()


def queue_name(run_id: str) -> str:
    """Return the name of the queue on which the workers tell the driver of a run."""
    return f"batchwright-{run_id}"


def load(job: Job, partition: Partition) -> Share:
    """Load a partition."""
    queue = Queue(queue_name(job.run_id), client=get_client(), maxsize=ROOM)

    def tell(messages: Sequence[Message]) -> None:
        with suppress(Exception):  # progress alone is lost
            queue.put(pickle.dumps((partition.number, list(messages))), timeout=PATIENCE)

    with _stoppable(job.run_id) as stop:
        return load_partition(job, partition, tell=tell, stop=stop)


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
