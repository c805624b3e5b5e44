"""What happens in a run. Reporters receive these, one at a time, in the order in which they happened.

Events are frozen and hold plain values only, so that they can be pickled, or sent as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, asdict, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from batchwright.contracts.account import Account, DocumentState
from batchwright.contracts.failure import Phase
from batchwright.values import dataclass

__all__ = [
    "BatchFailed",
    "BatchFinished",
    "BatchRetrying",
    "BatchSplit",
    "BatchStarted",
    "BatchWritten",
    "DocumentFinished",
    "DocumentsFinished",
    "DocumentsRead",
    "DocumentsRemoved",
    "EmbeddingStarted",
    "ErrorClassified",
    "Event",
    "InputCounted",
    "ItemLeftOut",
    "OutageEnded",
    "OutageStarted",
    "RecordRejected",
    "RowsEmbedded",
    "RowsRead",
    "RunFinished",
    "RunNotStarted",
    "RunStarted",
    "StopRequested",
    "TextsEmbedded",
    "TextsQueued",
    "VectorsSwept",
    "from_dict",
]


BatchState = Literal["stored", "failed", "stopped"]

EndState = Literal["done", "failed", "interrupted"]
"""How a run ended."""

Action = Literal["retry", "skip", "fail"]
"""The value of an `ErrorRecoveryAction`."""


class Event:
    """The root of all events, each of which is a frozen dataclass."""

    __slots__ = ()
    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values, and the event's name as `event`."""
        return {"event": type(self).__name__, **asdict(self)}


def from_dict(values: Mapping[str, Any]) -> Event:
    """Return the event that `Event.as_dict` gave.

    Raises:
        ValueError: There is no event of that name.
    """
    kind = globals().get(values["event"]) if values["event"] in __all__ else None
    if not isinstance(kind, type):
        raise ValueError(f"there is no event {values['event']!r}")
    fields = {name: value for name, value in values.items() if name != "event"}
    if "account" in fields:
        fields["account"] = Account.from_dict(fields["account"])
    event: Event = kind(**fields)
    return event


@dataclass(frozen=True, slots=True)
class RunStarted(Event):
    """A run into a collection begins.

    `resumed`: an earlier run left work unfinished. `target` shows no password. `record_type` names what is
    loaded: chunks of documents, or rows of another type. `executor` names who loads it: for rows it is
    ``local``, whatever the settings say.
    """

    run_id: str
    source: str
    target: str
    collection: str
    resumed: bool = False
    record_type: str = "processed_chunk"
    executor: str = "local"


@dataclass(frozen=True, slots=True)
class RunNotStarted(Event):
    """An attempt at a run ended before the run began: it is the only event, or the last one.

    Attributes:
        source: What was to be loaded; empty where that is not known.
        target: Where to, without a password.
        collection: Into which collection; empty where that is not known.
        reason: Why the run did not begin.
        error_type: The error's class, with its module.
        exit_code: What the command exits with: 1 failed, 2 wrong settings, 4 the collection is busy, or
            130, 143 for a signal.
    """

    source: str
    target: str
    collection: str
    reason: str
    error_type: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class RowsRead(Event):
    """Rows are being read before the run starts: all of them are sorted before any is written.

    It comes at most once a second; where reading takes no second, never.

    Attributes:
        rows: How many so far.
        size: Their bytes, about.
    """

    rows: int
    size: int


@dataclass(frozen=True, slots=True)
class InputCounted(Event):
    """How much there is to read.

    Attributes:
        documents: How many documents.
        size: Their bytes.
        left_out: What is left out of the input, by reason.
    """

    documents: int
    size: int
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ItemLeftOut(Event):
    """One of those that `left_out` counts; the first of each reason.

    Attributes:
        key: The document, or the path of a file or folder.
        reason: Why, as it is counted.
        what: What of the document, and why; empty for all of it.
    """

    key: str
    reason: str
    what: str = ""


@dataclass(frozen=True, slots=True)
class DocumentsRead(Event):
    """Documents came in: found in the input, or published before and gone from it.

    Attributes:
        documents: How many.
        records: Their records: those made by the chunker, or known to be stored as they are.
        size: Bytes read.
        left_out: What of them is left out, by reason.
    """

    documents: int
    records: int = 0
    size: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DocumentsFinished(Event):
    """Some documents are finished, all in the same state.

    Attributes:
        state: What became of them.
        documents: How many.
        records: Their records; for `not_attempted` only those that were not attempted.
        rejected: How many of the records are set aside; for `refused` only those that an earlier run set
            aside.
        size: Their bytes.
        unfetched: How many of them were not fetched, since their fingerprints are as they were.
    """

    state: DocumentState
    documents: int
    records: int = 0
    rejected: int = 0
    size: int = 0
    unfetched: int = 0


@dataclass(frozen=True, slots=True)
class DocumentFinished(Event):
    """One of the documents that `DocumentsFinished` counts; only where a reporter asks (`each_document`).

    Attributes:
        key: Which.
        state: What became of it.
        records: How many records it has.
        rejected: How many of them are set aside.
        size: Its bytes.
        reason: Why it failed, or is refused; else empty.
    """

    key: str
    state: DocumentState
    records: int = 0
    rejected: int = 0
    size: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DocumentsRemoved(Event):
    """Documents were removed from the sink, since they are gone from the input."""

    documents: int


@dataclass(frozen=True, slots=True)
class BatchStarted(Event):
    """A batch is about to be written for the first time.

    Attributes:
        batch_index: Which.
        records: How many it has; 0 if it only publishes documents, or sets aside what can't be read.
        started: When, in seconds of Unix time. Reporters may receive the event later.
        writer: Who writes it; one writer has one batch at a time.
        documents: Of how many documents the records are.
        first_key: The first of these; empty where there is none.
        last_key: The last of these.
    """

    batch_index: int
    records: int
    started: float
    writer: int = 0
    documents: int = 0
    first_key: str = ""
    last_key: str = ""


@dataclass(frozen=True, slots=True)
class BatchWritten(Event):
    """A batch, or after a split a part of one, is committed.

    Attributes:
        batch_index: Which; None for what an earlier attempt at a partition had committed.
        records: How many it holds.
        size: Bytes of their text.
        seconds: How long the write took.
        retries: How often it was repeated.
        writer: Who wrote it.
        vectors: How the records come by their vectors, counted by what `VectorAccount` calls it; None where
            nothing is embedded.
    """

    batch_index: int | None
    records: int
    size: int = 0
    seconds: float = 0.0
    retries: int = 0
    writer: int = 0
    vectors: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class ErrorClassified(Event):
    """An error was classified: by the settings, a plugin, or the engine for its own errors.

    Attributes:
        batch_index: The batch; None for no batch, but opening the sink or using its ledger.
        attempt: The attempt that failed, from 1.
        phase: write, open, ledger, read, embed or process.
        error: The error's message, without secrets.
        error_type: The error's class, with its module.
        sqlstate: The error's, if it has one.
        action: What to do about it.
        decided_by: Which plugin said so, or `settings` or `engine`.
    """

    batch_index: int | None
    attempt: int
    phase: Phase
    error: str
    error_type: str
    sqlstate: str | None
    action: Action
    decided_by: str


@dataclass(frozen=True, slots=True)
class BatchRetrying(Event):
    """A write failed and is repeated, or another call; `ErrorClassified` said why.

    Attributes:
        batch_index: Which; None for no batch, but what `phase` says.
        attempt: The one that failed, from 1.
        wait: Seconds until the next.
        error: The error's message.
        decided_by: Which plugin said so, or `settings` or `engine`.
        sqlstate: The error's, if it has one.
        error_type: The error's class, with its module.
        writer: Whose write it was.
        phase: write, open, ledger, read or embed.
    """

    batch_index: int | None
    attempt: int
    wait: float
    error: str
    decided_by: str
    sqlstate: str | None = None
    error_type: str = ""
    writer: int = 0
    phase: Phase = "write"


@dataclass(frozen=True, slots=True)
class BatchSplit(Event):
    """A batch is halved to find its bad records, or because it was too large."""

    batch_index: int
    records: int
    reason: str


@dataclass(frozen=True, slots=True)
class RecordRejected(Event):
    """A record is set aside; the write that stores the reject is committed.

    Attributes:
        key: The document.
        position: The record's place in it; None for a document that can't be read.
        error: The error's class, with its module.
        message: The error's message.
        decided_by: Which plugin said so, or `settings` or `engine`.
        sqlstate: The error's, if it has one.
        batch_index: The batch that it was in; None for a document that can't be read.
        is_stored: Whether the record is stored all the same, without its vector, since its text was refused.
    """

    key: str
    position: int | None
    error: str
    message: str
    decided_by: str
    sqlstate: str | None = None
    batch_index: int | None = None
    is_stored: bool = False


@dataclass(frozen=True, slots=True)
class BatchFailed(Event):
    """A batch, or a part of one, can't be stored.

    Attributes:
        batch_index: Which.
        records: How many are not stored.
        error: The error's message.
        decided_by: Which plugin said so, or `settings` or `engine`.
        retries: How often it was repeated in vain.
        sqlstate: The error's, if it has one.
        stops: Whether that ends the run.
        error_type: The error's class, with its module.
        writer: Who was to write it.
        seconds: How long the last write took.
    """

    batch_index: int
    records: int
    error: str
    decided_by: str
    retries: int = 0
    sqlstate: str | None = None
    stops: bool = False
    error_type: str = ""
    writer: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class BatchFinished(Event):
    """A batch is finished: its last event, unless the run was killed.

    Attributes:
        batch_index: Which.
        state: stored (all but its rejects), failed (all or a part of it), or stopped: the run ended before.
        seconds: How long it took from its start, waits for retries and outages included.
        writer: Who wrote it.
    """

    batch_index: int
    state: BatchState
    seconds: float
    writer: int = 0


@dataclass(frozen=True, slots=True)
class OutageStarted(Event):
    """The sink, the source or the embedder seems to be down; it is probed from time to time, and work waits.

    `who` says which, as messages call it.
    """

    error: str
    who: str = "the sink"


@dataclass(frozen=True, slots=True)
class OutageEnded(Event):
    """It is back after `seconds`."""

    seconds: float
    who: str = "the sink"


@dataclass(frozen=True, slots=True)
class EmbeddingStarted(Event):
    """Records are given vectors, in this run.

    Attributes:
        embedder: The embedder's name.
        model: The model's.
        dimensions: Numbers a vector.
        host: Where texts are sent; empty where they stay on this machine.
    """

    embedder: str
    model: str
    dimensions: int
    host: str = ""


@dataclass(frozen=True, slots=True)
class TextsQueued(Event):
    """Texts have no vector yet, and wait to be embedded.

    Attributes:
        texts: How many.
        tokens: Their tokens, about.
        too_long: How many of them have more tokens than the model takes.
    """

    texts: int
    tokens: int
    too_long: int = 0


@dataclass(frozen=True, slots=True)
class TextsEmbedded(Event):
    """A request was answered.

    Attributes:
        texts: Texts that have vectors now.
        tokens: Their tokens, about.
        seconds: How long it took, waits for its turn and for retries included.
        refused: Texts that the embedder refuses.
    """

    texts: int
    tokens: int
    seconds: float = 0.0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class RowsEmbedded(Event):
    """Published rows that had no vector of the model were given one, counted as in `VectorAccount`."""

    vectors: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class VectorsSwept(Event):
    """Vectors that no row has used for as long as they are kept were removed."""

    vectors: int


@dataclass(frozen=True, slots=True)
class StopRequested(Event):
    """The run is asked to stop: it finishes what is being written, and begins nothing new."""

    reason: str


@dataclass(frozen=True, slots=True)
class RunFinished(Event):
    """A run ends.

    Attributes:
        run_id: Which.
        state: How it ended.
        account: What became of every record and document.
        reason: Why it isn't done, else empty.
        exit_code: What the command exits with: 0 only if the run is done and set nothing aside.
    """

    run_id: str
    state: EndState
    account: Account
    reason: str = ""
    exit_code: int = 0
