"""What a ledger stores: document versions, publications, rejects, receipts and runs."""

from __future__ import annotations

from collections.abc import Mapping
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
