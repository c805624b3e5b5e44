"""What a driver and its workers exchange: a job, its partitions, and what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from batchwright.config import BatchConfig
from batchwright.contracts.account import Account, DocumentState
from batchwright.contracts.events import EndState, Event
from batchwright.contracts.faults import PluginFault
from batchwright.items import Item
from batchwright.values import dataclass


@dataclass(frozen=True, slots=True)
class Sampled:
    """An item that workers compare with what they get.

    Attributes:
        item: Which.
        digest: SHA-256 of its beginning.
    """

    item: Item
    digest: str


@dataclass(frozen=True, slots=True, repr=False)
class Job:
    """What a worker needs to know. Can be pickled; its `repr` shows no password, its pickle does.

    Attributes:
        config: The settings.
        plugins: Plugins to load besides the installed ones, by path or module name.
        run_id: The run.
        version: The driver's version of batchwright, which has to be the worker's.
        each_document: The states in which a reporter of the driver asks for each document.
        token: The run's lease, under which the workers write.
        needed: The plugins that take part in loading, by name: their versions, or their files' hashes.
        sample: Some of the documents: a worker that has others sees another directory.
    """

    config: BatchConfig
    plugins: tuple[str, ...]
    run_id: str
    version: str
    each_document: frozenset[DocumentState] = frozenset()
    token: str | None = None
    needed: Mapping[str, str] = field(default_factory=dict)
    sample: Sequence[Sampled] = ()

    def __repr__(self) -> str:
        return f"<Job of run {self.run_id}>"


@dataclass(frozen=True, slots=True)
class Partition:
    """Some documents of the run, by reference: all that lie between two keys. Can be pickled.

    Attributes:
        number: Position among the run's partitions, from 0.
        documents: How many there are in the input.
        size: Their bytes.
        found: These, sorted by key.
        after: The range begins behind this key.
        until: The range ends with this key; None for the last range.
        before: Ids of the versions that were published when the run began, by key. None means: those
            that are published now.
        closed: Folders, with a slash at the end, that can't be read and may reach into the range.
        complete: Whether what isn't in `found` is gone from the input.
        beside: How many partitions are loaded at the same time, this one included: they share the embedder's
            limits.
    """

    number: int
    documents: int
    size: int
    found: Iterable[Item]
    after: str = ""
    until: str | None = None
    before: Mapping[str, str] | None = None
    closed: tuple[str, ...] = ()
    complete: bool = True
    beside: int = 1

    def __repr__(self) -> str:
        return f"<Partition {self.number}: {self.documents} documents, {self.size} bytes>"


@dataclass(slots=True)
class Findings:
    """Differences between the input and the published documents.

    Attributes:
        found: Documents of the input that were reached.
        published: Published documents, gone or not.
        gone: Those that are not in the input: key and id of the published version.
        begun: Ids of unfinished versions of earlier runs that this run does not finish, and of those that
            they refused and that are not in the input any more.
    """

    found: int = 0
    published: int = 0
    gone: Sequence[tuple[str, str]] = ()
    begun: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Share:
    """What became of a partition. Can be pickled.

    Attributes:
        partition: The partition's number.
        account: What became of its records and documents.
        findings: Differences between the input and what is published.
        chunk_ids: Ids of the chunks that the run wrote, by earlier attempts at the partition as well.
        rejects: Records set aside by this attempt.
        state: How it ended.
        reason: Why it isn't done, else empty.
        events: Events that were not sent before.
        plugins: What went wrong in the worker's plugins.
    """

    partition: int
    account: Account
    findings: Findings
    chunk_ids: Sequence[str] = ()
    rejects: int = 0
    state: EndState = "done"
    reason: str = ""
    events: Sequence[Event] = ()
    plugins: Sequence[PluginFault] = ()
