"""The executor: where a run is loaded. Subclass `Executor`, implement `execute`, register the class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from batchwright.account import Account
from batchwright.config import BatchConfig
from batchwright.events import Event
from batchwright.stop import Stop

if TYPE_CHECKING:
    from batchwright.documents import Found


class ExecutorOptions(BaseModel):
    """Options of an executor, from its section ``[executors.NAME]`` in the settings; subclass it for more."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


@dataclass(frozen=True, slots=True, repr=False)
class Job:
    """What a worker has to know of the run. Can be pickled; its `repr` shows no password, its pickle does.

    Attributes:
        config: The settings.
        plugins: Plugins to load besides the installed ones, by path or module name.
        run_id: The run.
        version: The driver's version of batchwright, which has to be the worker's.
    """

    config: BatchConfig
    plugins: tuple[str, ...]
    run_id: str
    version: str

    def __repr__(self) -> str:
        return f"<Job of run {self.run_id}>"


@dataclass(frozen=True, slots=True)
class Partition:
    """Some documents of the run, by reference: all that lie between two names. Can be pickled.

    Attributes:
        number: Position among the run's partitions, from 0.
        documents: How many there are in the input.
        size: Their bytes.
        found: These, sorted by source_file.
        after: The range begins behind this name.
        until: The range ends with this name; None for the last range.
        before: Ids of the versions that were published when the run began, by source_file. None means: those
            that are published now.
        closed: Folders, with a slash at the end, that can't be read and may reach into the range.
    """

    number: int
    documents: int
    size: int
    found: Iterable[Found]
    after: str = ""
    until: str | None = None
    before: Mapping[str, str] | None = None
    closed: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Partition {self.number}: {self.documents} documents, {self.size} bytes>"


@dataclass(slots=True)
class Findings:
    """What came to light when the input was held against what is published.

    Attributes:
        found: Documents of the input that were reached.
        published: Published documents, gone or not.
        gone: Those that are not in the input: source_file and id of the published version.
        begun: Ids of versions that earlier runs began and nobody goes on with.
    """

    found: int = 0
    published: int = 0
    gone: Sequence[tuple[str, str]] = ()
    begun: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Mishap:
    """An error that was classified on a worker, for the progress of the run."""

    batch_index: int
    text: str


Message = Event | Mishap
"""What a worker tells while it loads."""


@dataclass(frozen=True, slots=True)
class Share:
    """What became of a partition. Can be pickled.

    Attributes:
        partition: The partition's number.
        account: What became of its records and documents.
        findings: What came to light.
        chunk_ids: Ids of the chunks that the run wrote, by earlier attempts at the partition as well.
        rejects: Records set aside by this attempt.
        state: done, interrupted or failed.
        reason: Why it isn't done, else empty.
        messages: What was not told before.
    """

    partition: int
    account: Account
    findings: Findings
    chunk_ids: Sequence[str] = ()
    rejects: int = 0
    state: str = "done"
    reason: str = ""
    messages: Sequence[Message] = ()


class Execution(ABC):
    """A run, as its executor sees it. All methods are for the thread that calls `Executor.execute`.

    Attributes:
        stop: Set when the run is to end early: finish what is in flight, begin nothing new.
        at_once: Partitions that may be loaded at the same time, at most: what the sink's limit of writers
            allows.
    """

    stop: Stop
    at_once: int

    @abstractmethod
    def load_here(self) -> None:
        """Load everything in this process, streamed. Nothing else is needed then."""

    @property
    @abstractmethod
    def job(self) -> Job:
        """What to send to the workers, for `load_partition`.

        Raises:
            ConfigError: The run can't be loaded by other processes: the sink takes one writer, or keeps no
                ledger of its own, or a plugin was passed as an object.
        """

    @abstractmethod
    def partitions(self, at_once: int) -> Iterator[Partition]:
        """Cut the input into partitions, small enough to keep `at_once` of them busy until the end.

        Ends early once the run is to stop. Let its exceptions through.
        """

    @abstractmethod
    def hear(self, partition: int, messages: Iterable[Message]) -> None:
        """Hand on what a worker told. What comes after the partition's share, or twice, does no harm."""

    @abstractmethod
    def settle(self, share: Share) -> None:
        """Hand in what became of a partition; a second share of the same one is ignored."""


Options = TypeVar("Options", bound=ExecutorOptions)


class Executor(ABC, Generic[Options]):
    """Has the partitions of a run loaded, here or elsewhere.

    A partition may be loaded more than once, and even twice at the same time: writes are idempotent, and
    receipts tell what is stored. So an executor may try again what a dead worker had; and it must,
    or raise, since a partition without a share fails the run.

    Attributes:
        name: Names the executor in settings and messages.
        options_type: The model that validates its options.
    """

    name: ClassVar[str]
    options_type: ClassVar[type[ExecutorOptions]] = ExecutorOptions

    def __init__(self, options: Options) -> None:
        """Keep the options. Start nothing: that is `execute`'s business."""
        self.options = options

    @abstractmethod
    def execute(self, execution: Execution) -> None:
        """Load the run: call `execution.load_here`, or have every partition loaded and settled.

        Returns when nothing is in flight any more, or, after `execution.stop`, soon.

        Raises:
            ConfigError: An option is wrong.
            ExecutorError: The work can't be done, such as when the cluster is out of reach.
        """


AnyExecutor = Executor[Any]
