"""The executor: where a run is loaded. Subclass `Executor`, implement `execute`, register the class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, TypeVar

from batchwright.contracts.events import Event
from batchwright.contracts.partition import Job, Partition, Share
from batchwright.contracts.plugin import Plugin, PluginOptions
from batchwright.contracts.stop import Stop


class ExecutorOptions(PluginOptions):
    """Options of an executor, from its section ``[executors.NAME]`` in the settings; subclass it for more."""


class Execution(ABC):
    """A run, as its executor sees it. All methods are for the thread that calls `Executor.execute`.

    Attributes:
        stop: Requested when the run is to end early: finish what is in flight, begin nothing new.
        at_once: Partitions that may be loaded at the same time, at most: what the sink's limit of writers
            allows.
    """

    stop: Stop
    at_once: int

    @abstractmethod
    def load_here(self) -> None:
        """Load everything in this process, streamed. Then nothing else needs to be called."""

    @abstractmethod
    def job(self) -> Job:
        """Return what to send to the workers, for `load_partition`.

        Raises:
            ConfigError: The run can't be loaded by other processes: the sink takes one writer, or keeps no
                ledger of its own, or a plugin was passed as an object.
        """

    @abstractmethod
    def partitions(self, at_once: int) -> Iterator[Partition]:
        """Cut the input into partitions, small enough to keep `at_once` workers busy until the end.

        Ends early once the run is to stop. Let its exceptions through.
        """

    @abstractmethod
    def relay(self, partition: int, events: Iterable[Event]) -> None:
        """Pass the events of a worker to the reporters. Events that come late, or twice, do no harm."""

    @abstractmethod
    def settle(self, share: Share) -> None:
        """Add the share of a partition to the run; a second share of the same partition is ignored."""


Options = TypeVar("Options", bound=ExecutorOptions)


class Executor(Plugin[Options]):
    """Loads the partitions of a run, here or elsewhere. Rows are always loaded by ``local``.

    A partition may be loaded more than once, even twice at the same time: writes are idempotent, and the
    ledger says what is stored. So an executor may load a dead worker's partition again. It has to, or raise:
    a partition without a share fails the run.

    Before a worker gets anything, have it call `check_worker`: one that lacks something may fail so fast
    that it takes most of the run. When `load_partition` raises `WorkerUnfit`, give the partition to another.
    """

    options_type: ClassVar[type[ExecutorOptions]] = ExecutorOptions

    @abstractmethod
    def execute(self, execution: Execution) -> None:
        """Load the run: call `execution.load_here`, or load and settle every partition.

        Returns when nothing is in flight any more, or, after `execution.stop`, soon.

        Raises:
            ConfigError: An option is wrong.
            ExecutorError: The work can't be done, such as when the cluster is out of reach.
        """


AnyExecutor = Executor[Any]
