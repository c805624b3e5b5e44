"""What happens in a run. Reporters are handed these, one at a time, in the order in which they happened."""

from __future__ import annotations

from dataclasses import dataclass

from batchwright.account import Account


@dataclass(frozen=True, slots=True)
class Event:
    """The root of all events."""


@dataclass(frozen=True, slots=True)
class RunStarted(Event):
    """A run begins; `resumed` tells that an earlier one left work behind. `target` shows no password."""

    run_id: str
    source: str
    target: str
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class InputCounted(Event):
    """How much there is to read: documents and their bytes."""

    documents: int
    size: int


@dataclass(frozen=True, slots=True)
class DocumentFinished(Event):
    """A document is done with.

    Attributes:
        source_file: Which.
        change: added, changed, unchanged, deleted or failed.
        chunks: How many chunks it has.
        size: Its bytes.
        reason: Why it failed, else empty.
    """

    source_file: str
    change: str
    chunks: int = 0
    size: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BatchWritten(Event):
    """A batch (or, after a split, a part of one) is committed; `seconds` is how long that write took."""

    batch_index: int
    records: int
    size: int
    seconds: float
    retries: int = 0
    writer: int = 0


@dataclass(frozen=True, slots=True)
class BatchRetrying(Event):
    """A write failed and is repeated after `wait` seconds; `attempt` (from 1) is the one that failed."""

    batch_index: int
    attempt: int
    wait: float
    error: str
    decided_by: str
    sqlstate: str | None = None


@dataclass(frozen=True, slots=True)
class BatchSplit(Event):
    """A batch is halved to find its bad records, or because it was too large."""

    batch_index: int
    records: int
    reason: str


@dataclass(frozen=True, slots=True)
class RecordRejected(Event):
    """A record, or with position -1 a document, is set aside."""

    source_file: str
    position: int
    error: str
    message: str
    decided_by: str
    sqlstate: str | None = None


@dataclass(frozen=True, slots=True)
class BatchFailed(Event):
    """A batch can't be stored. `stops` tells whether that ends the run."""

    batch_index: int
    records: int
    error: str
    decided_by: str
    retries: int = 0
    sqlstate: str | None = None
    stops: bool = False


@dataclass(frozen=True, slots=True)
class OutageStarted(Event):
    """The sink seems to be down: batches are held, and it is probed from time to time."""

    error: str


@dataclass(frozen=True, slots=True)
class OutageEnded(Event):
    """The sink is back after `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class StopRequested(Event):
    """The run is asked to stop: what is in flight is finished, nothing new is begun."""

    reason: str


@dataclass(frozen=True, slots=True)
class RunFinished(Event):
    """A run ends. `state` is done, failed or interrupted; `reason` tells why where it isn't done."""

    run_id: str
    state: str
    account: Account
    reason: str = ""
