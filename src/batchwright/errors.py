"""Our exceptions. Each message says what happened, where, and what to do next.

BatchwrightError
├── ConfigError             a setting is missing, misspelt or out of range
│   └── NothingFound        private: the source holds nothing that can be loaded
├── PluginError             a plugin is broken, unknown, or clashes with another
├── DocumentError           one document can't be read; the run goes on without it
│   └── ReaderDied          private: reading it killed the process
├── SourceError             a source can't be listed
├── SinkError               a sink can't be opened or used as asked
│   ├── IncompleteDocument  a document was to be published with rows missing
│   ├── CollectionBusy      a run is loading the collection
│   ├── LeaseLost           a run lost its right to the collection
│   └── NoMoreStores        private: the sink answers, and gives no store besides those that are open
├── ExecutorError           an executor can't have the work done
│   └── WorkerUnfit         a worker can't load the run: it lacks something that the driver has
├── BadRecords              the sink names the records that it can't store
├── BatchTooLarge           the sink wants smaller batches
├── EmbedderError           an embedder says no, whatever it is asked for
├── TextRefused             an embedder refuses a text; its record is stored without a vector
├── DeadlineExceeded        (also a TimeoutError) a batch used up its time
│   └── CallAbandoned            private: the call hangs even after it was cancelled
├── RunFailed               the run ended early, or batches of it could not be stored
│   └── RunInterrupted      the run was stopped before its end; run again to resume
└── OutageTooLong           private: the sink did not come back within `max_outage`

The private ones are for the engine, and stand where they are raised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Complaint = tuple[tuple[str, ...], str]
"""The names that lead to a setting, and what is wrong with it."""


class BatchwrightError(Exception):
    """The root of everything batchwright raises on purpose."""


class ConfigError(BatchwrightError):
    """A setting is missing, misspelt or out of range.

    Attributes:
        complaints: Each wrong setting, where it is about settings: the names that lead to it, such as
            ``("sink", "postgres", "table")``, and what is wrong with it.
    """

    def __init__(self, message: str, complaints: Sequence[Complaint] = ()) -> None:
        super().__init__(message)
        self.complaints = tuple(complaints)


class PluginError(BatchwrightError):
    """A plugin is broken, unknown, or clashes with another."""


class DocumentError(BatchwrightError):
    """One document can't be read.

    Attributes:
        source_file: The document's path relative to the input directory.
        reason: What is wrong with it, and what to do.
    """

    def __init__(self, source_file: str, reason: str) -> None:
        super().__init__(source_file, reason)
        self.source_file = source_file
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.source_file}: {self.reason}"


class SourceError(BatchwrightError):
    """A source can't be listed, or listing it broke off."""


class SinkError(BatchwrightError):
    """A sink can't be opened or used as asked."""


class IncompleteDocument(SinkError):
    """A document was to be published or continued, but rows of it are missing from the sink.

    Attributes:
        document_id: The version, empty where it isn't said.
    """

    def __init__(self, message: str, document_id: str = "") -> None:
        super().__init__(message)
        self.document_id = document_id


class CollectionBusy(SinkError):
    """A run is loading the collection, and nobody else may write to it meanwhile; nothing was begun.

    Attributes:
        collection: The collection, empty where nobody can write to the whole target.
        run_id: The run, empty where it isn't known.
        held_by: Its process, in words, empty likewise.
        since: Since when (ISO 8601, UTC), empty likewise.
        token: Its lease, empty likewise.
    """

    def __init__(
        self,
        collection: str = "",
        *,
        run_id: str = "",
        held_by: str = "",
        since: str = "",
        token: str = "",
        message: str = "",
    ) -> None:
        run = f"the run {run_id}" if run_id else "another run"
        about = ", ".join(filter(None, [held_by, since and f"since {since}"]))
        super().__init__(
            message
            or f"the collection {collection!r} is busy: {run}{f' ({about})' if about else ''} is loading it; "
            "wait for its end, as with --wait SECONDS, then try again"
        )
        self.collection = collection
        self.run_id = run_id
        self.held_by = held_by
        self.since = since
        self.token = token


class LeaseLost(SinkError):
    """A run may write no more: another run has its place, or the ledger no longer knows it.

    Args:
        collection: The collection that it loaded.
        replaced_by: The run that has its place; empty where the ledger doesn't say.
    """

    def __init__(self, collection: str, replaced_by: str = "") -> None:
        super().__init__(
            f"replaced by run {replaced_by}, which took this run of the collection {collection!r} for dead"
            if replaced_by
            else f"the ledger no longer knows this run of the collection {collection!r}; run again to go on"
        )


class ExecutorError(BatchwrightError):
    """An executor can't have the work done: its cluster is out of reach, or its workers die of it."""


class WorkerUnfit(ExecutorError):
    """A worker can't load the run: it lacks something that the driver has. Another worker may have it.

    Args:
        message: What it lacks, and what to do.
        may_pass: Whether the same worker may be tried again later: it had no access to the target.

    Attributes:
        may_pass: The same.
    """

    def __init__(self, message: str, *, may_pass: bool = False) -> None:
        super().__init__(message)
        self.may_pass = may_pass


class BadRecords(BatchwrightError):
    """The sink names the records of a batch that it can't store; nothing of the batch was stored.

    An embedder names texts that it can't embed.

    Attributes:
        reasons: For each bad record, by its position in the batch (from 0), what is wrong with it.
    """

    def __init__(self, reasons: Mapping[int, str]) -> None:
        super().__init__(dict(reasons))
        self.reasons = dict(reasons)

    def __str__(self) -> str:
        return "; ".join(f"record {position}: {reason}" for position, reason in sorted(self.reasons.items()))


class BatchTooLarge(BatchwrightError):
    """The sink, or an embedder, refuses the batch for its size; it is halved, and no retry is spent."""


class EmbedderError(BatchwrightError):
    """An embedder fails, and neither waiting nor leaving texts out will help; it says what to do."""


class TextRefused(BatchwrightError):
    """An embedder refuses a text, or it is too long for the model."""


class DeadlineExceeded(BatchwrightError, TimeoutError):
    """A batch used up its time."""


class RunFailed(BatchwrightError):
    """The run ended before its time, or batches of it could not be stored.

    Attributes:
        chunk_ids: Ids of the chunks that it did write.
    """

    def __init__(self, message: str, chunk_ids: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.chunk_ids = list(chunk_ids)


class RunInterrupted(RunFailed):
    """The run was stopped before its end; running it again resumes it."""
