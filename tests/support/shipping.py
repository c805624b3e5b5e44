"""A plugin: an executor that loads partitions one by one as a cluster would, everything sent being pickled,
and a sink in memory that its "workers" find by this module's name. A test's script says what goes wrong."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, TypeVar

from batchwright import (
    AnyExecutor,
    Execution,
    Executor,
    ExecutorOptions,
    Job,
    Partition,
    SinkOptions,
    Stop,
    hookimpl,
    load_partition,
)
from batchwright.contracts.events import BatchWritten, Event
from tests.support.memory import Database, MemorySink

NAME = __name__

Thing = TypeVar("Thing")
Script = Callable[[Execution, Job, Partition], None]


def sent(thing: Thing) -> Thing:
    """Return what arrives elsewhere."""
    arrived: Thing = pickle.loads(pickle.dumps(thing))
    return arrived


def ship(execution: Execution, job: Job, partition: Partition) -> None:
    """Have the partition loaded, its events reported at once, and its share handed in."""
    share = load_partition(
        job,
        partition,
        report=lambda events: execution.relay(partition.number, sent(events)),
        stop=Stop(),
        report_every=0.0,
    )
    execution.settle(sent(share))


def die(job: Job, partition: Partition, after: int, report: Callable[[Sequence[Event]], None]) -> None:
    """Have a worker begin the partition and lose it after so many batches: nothing comes back from it."""
    stop = Stop()
    left = after

    def count(events: Sequence[Event]) -> None:
        nonlocal left
        report(events)
        left -= sum(isinstance(event, BatchWritten) for event in events)
        if left <= 0:
            stop.request("killed")

    load_partition(job, partition, report=count, stop=stop, report_every=0.0)


class State:
    """What a test sets."""

    database = Database()
    script: Script = staticmethod(ship)
    jobs: ClassVar[list[Job]] = []
    partitions: ClassVar[list[Partition]] = []


class ShippingExecutor(Executor[ExecutorOptions]):
    name = "shipping"

    def execute(self, execution: Execution) -> None:
        job = sent(execution.job())
        State.jobs.append(job)
        for partition in execution.partitions(2):
            State.partitions.append(partition)
            State.script(execution, job, sent(partition))


class SharedMemorySink(MemorySink):
    """The database is that of the test."""

    def __init__(self, options: SinkOptions) -> None:
        type(self).database = State.database
        super().__init__(options)


@hookimpl
def register_sinks() -> Iterable[type[MemorySink]]:
    return [SharedMemorySink]


@hookimpl
def register_executors() -> Iterable[type[AnyExecutor]]:
    return [ShippingExecutor]
