"""The ledger: what a sink remembers of runs, receipts, documents and rejects.

A sink that has transactions keeps its own ledger and records a receipt in the transaction that stores
the batch. For one that has none the engine keeps a ledger in a file beside it (`sqlite.ledger`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from batchwright.model import ProcessedChunk

OWN_RECORDS = "records"
"""Stands in `DocumentVersion.settings` where a program brought the chunks itself. Runs leave these alone."""


@dataclass(frozen=True, slots=True)
class DocumentVersion:
    """A document with a certain content, chunked with certain settings.

    Attributes:
        source_file: Path relative to the input directory, in posix form.
        document_id: Id of this version; chunks carry it in theirs.
        content_hash: SHA-256 of the file's bytes, in hex.
        settings: The chunker's signature.
        size: Length of the file in bytes.
        chunks: How many chunks it has.
    """

    source_file: str
    document_id: str
    content_hash: str
    settings: str
    size: int
    chunks: int


@dataclass(frozen=True, slots=True)
class Publication:
    """A document version that becomes visible, whole, with the batch whose receipt carries this.

    Attributes:
        version: What is published.
        rejected: How many of its chunks were set aside; the sink holds `version.chunks - rejected` rows.
        stored_before: Rows of it that earlier batches stored; where an earlier run began it, and so their
            number is not known, at least 1. Where this is not 0 the sink counts, and raises
            IncompleteDocument if its rows are not as many as they should be.
        supersedes: Ids of the versions whose rows go.
    """

    version: DocumentVersion
    rejected: int = 0
    stored_before: int = 0
    supersedes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of the version that the sink holds once it is published."""
        return self.version.chunks - self.rejected


@dataclass(frozen=True, slots=True)
class Reject:
    """A record set aside, or a document that could not be read (then without payload).

    Attributes:
        id: Derived from the record's id, so that the same record rejected again is the same reject.
        run_id: The run that set it aside last.
        source_file: The document it belongs to.
        document_id: The version it belongs to, empty for an unreadable document.
        position: Its chunk_index, or -1 for a document.
        error: The exception's class, dotted.
        message: The exception's message, secrets masked.
        sqlstate: The SQLSTATE, or None.
        attempts: Writes that were tried with it.
        decided_by: The plugin that gave the verdict.
        created_at: When (ISO 8601, UTC).
        payload: The record, or None for a document.
    """

    id: str
    run_id: str
    source_file: str
    document_id: str
    position: int
    error: str
    message: str
    sqlstate: str | None
    attempts: int
    decided_by: str
    created_at: str
    payload: ProcessedChunk | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What commits together with a batch; a sink's `write` stores all of this and the rows, or nothing.

    Attributes:
        batch_id: Names the batch; the same when it is written again, never that of another batch.
        run_id: The run it belongs to.
        batch_index: Position of the batch in the run.
        records: How many records the batch holds.
        opened: Versions of which this batch stores rows, but which are not whole yet.
        publications: Versions that become visible with this batch.
        deleted: Documents (by source_file and id of the published version) that are removed.
        discarded: Ids of versions that were begun by an earlier run and won't be finished.
        rejects: Records set aside.
        resolved: Ids of rejects that are rejects no more, since this batch stores their records.
    """

    batch_id: str
    run_id: str
    batch_index: int = 0
    records: int = 0
    opened: tuple[DocumentVersion, ...] = ()
    publications: tuple[Publication, ...] = ()
    deleted: tuple[tuple[str, str], ...] = ()
    discarded: tuple[str, ...] = ()
    rejects: tuple[Reject, ...] = ()
    resolved: tuple[str, ...] = ()

    @property
    def obsolete(self) -> list[str]:
        """Ids of all versions whose rows go when this commits."""
        superseded = [version for publication in self.publications for version in publication.supersedes]
        return [*superseded, *(version for _, version in self.deleted), *self.discarded]


@dataclass(frozen=True, slots=True)
class KnownDocument:
    """A published document, as the ledger has it.

    Attributes:
        version: The version that is visible.
        rejected: How many of its chunks were set aside.
        published_at: When it became visible (ISO 8601, UTC).
    """

    version: DocumentVersion
    rejected: int
    published_at: str


@dataclass(frozen=True, slots=True)
class Run:
    """One execution.

    Attributes:
        run_id: A UUID.
        started_at: ISO 8601, UTC.
        finished_at: ISO 8601, UTC; None while it runs, or when it was killed.
        state: running, done, failed or interrupted.
        source: The input directory.
        account: `Account.as_dict()`, empty until the run ends.
    """

    run_id: str
    started_at: str
    source: str = ""
    state: str = "running"
    finished_at: str | None = None
    account: Mapping[str, Any] = field(default_factory=dict)


class Ledger(ABC):
    """The contract of a ledger. Reading sees only what is committed.

    `record` is called by the sink inside the transaction that stores the rows (or by the engine, for a
    ledger beside the sink, once the sink has stored them); the others are transactions of their own.
    """

    @abstractmethod
    def start_run(self, run: Run) -> None:
        """Store the run as running."""

    @abstractmethod
    def finish_run(self, run: Run) -> None:
        """Store state, end and account of the run."""

    @abstractmethod
    def runs(self, limit: int = 20) -> list[Run]:
        """Return the latest runs, newest first."""

    @abstractmethod
    def record(self, receipt: Receipt) -> None:
        """Store the receipt; a second time, change nothing.

        A publication replaces the document's entry, drops its pending versions, and drops rejects of its
        other versions and those of the document as such (position -1). Rejects of every version
        that goes, and of every document that is deleted, go with it.
        """

    @abstractmethod
    def committed(self, batch_id: str) -> bool:
        """Tell whether a receipt with this id is stored."""

    @abstractmethod
    def documents(self, after: str = "", limit: int = 1000) -> list[KnownDocument]:
        """Return published documents with source_file > `after`, by source_file in code point order."""

    def document(self, source_file: str) -> KnownDocument | None:
        """Return the published version of a document, or None."""
        after = _just_before(source_file)
        while page := self.documents(after, 1):
            [known] = page
            if known.version.source_file >= source_file:
                return known if known.version.source_file == source_file else None
            after = known.version.source_file
        return None

    @abstractmethod
    def pending(self) -> list[DocumentVersion]:
        """Return versions that were opened and neither published nor discarded."""

    @abstractmethod
    def rejects(
        self,
        *,
        ids: Sequence[str] | None = None,
        run_id: str | None = None,
        source_file: str | None = None,
        error: str | None = None,
        after: str = "",
        limit: int = 1000,
    ) -> list[Reject]:
        """Return rejects that match all that is given, with id > `after`, by id.

        Args:
            ids: Only these.
            run_id: Only of this run.
            source_file: Only of this document.
            error: Only where this occurs in the error's class, or equals its SQLSTATE.
            after: For paging: the last id of the page before.
            limit: At most so many.
        """

    @abstractmethod
    def drop_rejects(self, ids: Sequence[str]) -> int:
        """Forget the rejects; return how many there were."""


def _just_before(name: str) -> str:
    """Return a name that comes before this one in code point order, with few or none between them."""
    last = ord(name[-1]) if name else 0
    if last <= 1:  # not every database takes NUL
        return name[:-1]
    return name[:-1] + (chr(last - 1) if last != 0xE000 else "\ud7ff") + "\U0010ffff"
