"""What commits together with a batch, and what a ledger keeps of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Literal

from batchwright.contracts.vectors import Embedded
from batchwright.values import dataclass

Bringer = Literal["run", "program"]
"""Who stored a document: a run that read it, or a program with `insert_chunks`."""

RunState = Literal["running", "done", "failed", "interrupted"]
"""The state of a run. One that was killed stays running."""


@dataclass(frozen=True, slots=True)
class DocumentVersion:
    """A document with a certain content, chunked with certain settings.

    Attributes:
        key: Names the document; for a file its path relative to the input directory, in posix form.
        document_id: Id of this version; chunks carry it in theirs.
        content_hash: SHA-256 of the file's bytes, in hex; empty where a program brought the records.
        settings: The chunker's signature; empty where a program brought the records.
        size: Length of the file in bytes; 0 where a program brought the records.
        records: How many records it has.
        brought_by: Who stored it. Runs leave documents of programs alone.
        fingerprint: What the source said of the item's content when it was fetched, such as an ETag. An item
            that still has it need not be fetched. Empty where the source said nothing.
        item: Key of the item that the document came from, such as the file of a row; empty where that is
            the document's own key.
    """

    key: str
    document_id: str
    content_hash: str
    settings: str
    size: int
    records: int
    brought_by: Bringer = "run"
    fingerprint: str = ""
    item: str = ""

    def is_of(self, content_hash: str, settings: str) -> bool:
        """Tell whether it has this content, chunked with these settings."""
        return (self.content_hash, self.settings) == (content_hash, settings)


@dataclass(frozen=True, slots=True)
class ItemVersion:
    """An item of many documents, such as a file of rows, as it was when it was read last.

    Attributes:
        key: Names the item; its documents carry it as their `item`.
        fingerprint: As that of a `DocumentVersion`.
        settings: All that decided how its rows were read: the reader's signature, the fields' types.
        rows: How many documents came from it. Where the ledger has another number of them by now, the item
            is to be read anew, whatever its fingerprint.
    """

    key: str
    fingerprint: str
    settings: str
    rows: int


@dataclass(frozen=True, slots=True)
class Publication:
    """A document version that becomes visible, whole, with the batch whose receipt carries this.

    The sink then holds exactly `rows` rows of it, or raises IncompleteDocument. In the same transaction it
    removes the rows of the version that was published under the same key.

    Attributes:
        version: What is published.
        rejected: How many of its records were set aside.
        was_refused: Whether the version was refused, and some of its records can be stored after all. One
            that is refused no longer, since another version came, raises IncompleteDocument.
    """

    version: DocumentVersion
    rejected: int = 0
    was_refused: bool = False

    @property
    def rows(self) -> int:
        """Rows of the version that the sink holds once it is published."""
        return self.version.records - self.rejected


@dataclass(frozen=True, slots=True)
class Reject:
    """A record set aside, or a document that could not be read (then without position and payload).

    Attributes:
        id: Derived from the record's id, so that the same record rejected again is the same reject.
        run_id: The run that set it aside last.
        collection: The collection of its document.
        key: The document it belongs to.
        document_id: The version it belongs to; None for a document.
        position: The record's place in its document, from 0; None for a document.
        error: The exception's class, dotted.
        message: The exception's message, secrets masked.
        sqlstate: The SQLSTATE, or None.
        attempts: Writes that were tried with it.
        decided_by: The plugin that gave the verdict.
        created_at: When (ISO 8601, UTC).
        payload: The record as JSON values (`contracts.record_json`), or None for a document.
        relation: The published relation of the target that it was found in, where that has a name; a ledger
            knows one relation only, and leaves it out.
    """

    id: str
    run_id: str
    collection: str
    key: str
    document_id: str | None
    position: int | None
    error: str
    message: str
    sqlstate: str | None
    attempts: int
    decided_by: str
    created_at: str
    payload: Mapping[str, Any] | None = None
    relation: str | None = None


@dataclass(frozen=True, slots=True)
class RejectFilter:
    """What the rejects that are wanted have in common; an empty one wants every reject.

    Attributes:
        collection: Only of this collection.
        ids: Only these.
        run_id: Only of this run.
        key: Only of this document.
        error: Only where this occurs in the error's class, or equals its SQLSTATE.
        unreadable: Only documents that could not be read.
    """

    collection: str | None = None
    ids: Sequence[str] | None = None
    run_id: str | None = None
    key: str | None = None
    error: str | None = None
    unreadable: bool = False

    def matches(self, reject: Reject) -> bool:
        """Tell whether a reject is wanted."""
        return (
            self.collection in (None, reject.collection)
            and self.run_id in (None, reject.run_id)
            and self.key in (None, reject.key)
            and (self.ids is None or reject.id in self.ids)
            and (self.error is None or self.error in reject.error or self.error == reject.sqlstate)
            and not (self.unreadable and reject.document_id is not None)
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """What commits together with a batch: a store's `write` carries out all of this, or nothing.

    A receipt says what is to become of documents of one collection; those of others stay as they are, also
    where they have the same keys. The store decides, under its locks, which rows to remove.
    Every version of which the batch holds rows stands in `begun`, `continued`, `publications` or `patched`.
    Of each document at most one version stands in `publications`, `patched` and `refused`.

    Attributes:
        batch_id: Names the batch; the same when it is written again, never that of another batch.
        run_id: The run it belongs to.
        collection: The collection of all documents in it, which a write makes where it is missing; empty
            where there are none in it.
        batch_index: Position of the batch in the run; None for what is no batch of records.
        records: How many records the batch holds.
        begun: Versions of which this batch stores the first rows, and which are not whole yet.
        continued: Ids of versions that an earlier batch began and that are not whole yet. One that is neither
            pending nor published any more, since another run discarded it, raises IncompleteDocument.
        publications: Versions that become visible with this batch, whole.
        patched: Versions of which a program stores some rows, in any order, perhaps from several processes;
            one of each document at most. One becomes visible with the write that makes it whole, after which
            each of its records is a row or a reject (`resolved` names the records that this batch brings),
            and not all are rejects. One that is visible stays so.
        refused: Versions of which no record can be stored. None of their rows stays, and what is visible
            under their keys does. The ledger remembers them as refused, each in place of one refused before
            under its key, until a version is published there, they are discarded, or the last of their
            rejects is dropped. One that is published stays so.
        deleted: Documents to remove: key and id of the published version. A document of which another version
            was published meanwhile stays.
        discarded: Ids of unfinished or refused versions to remove. One that was published meanwhile stays.
        orphaned: Ids of versions that the ledger doesn't know in any collection, whose rows are to be
            removed.
        rejects: Records set aside.
        resolved: Ids of rejects to forget: this batch stores their records, or what they stand for is over.
        noted: Published versions whose `fingerprint` and `item` are to be kept as they are here. Nothing else
            of them changes, and their rows stay as they are. One that is not published once all else is
            carried out is passed over.
        items: Items as they were read, each in place of what is known of the same key.
        items_gone: Keys of items to forget. Their documents stay.
        cursor: The highest cursor of the collection's source; None leaves what is kept.
        removed: Only for a sink without a ledger of its own: ids of the versions whose rows this write
            removes, as the engine found them in the ledger beside the sink.
        token: The lease on the collection under which a run writes; None for a program's write.
        embedded: The vectors of the batch's records; None where nothing is embedded.
        purge: Whether what this write removes leaves no trace: in the same transaction go the vectors that no
            row uses any more, and the rejects of the documents in `deleted`.
    """

    batch_id: str
    run_id: str
    collection: str
    batch_index: int | None = None
    records: int = 0
    begun: tuple[DocumentVersion, ...] = ()
    continued: tuple[str, ...] = ()
    publications: Sequence[Publication] = ()
    patched: tuple[DocumentVersion, ...] = ()
    refused: tuple[DocumentVersion, ...] = ()
    deleted: tuple[tuple[str, str], ...] = ()
    discarded: tuple[str, ...] = ()
    orphaned: tuple[str, ...] = ()
    rejects: tuple[Reject, ...] = ()
    resolved: tuple[str, ...] = ()
    noted: tuple[DocumentVersion, ...] = ()
    items: tuple[ItemVersion, ...] = ()
    items_gone: tuple[str, ...] = ()
    cursor: str | None = None
    removed: tuple[str, ...] = ()
    token: str | None = None
    embedded: Embedded | None = None
    purge: bool = False


@dataclass(frozen=True, slots=True)
class KnownDocument:
    """A published document, as the ledger has it.

    Attributes:
        version: The version that is visible.
        rejected: How many of its records were set aside.
        published_at: When it became visible (ISO 8601, UTC).
    """

    version: DocumentVersion
    rejected: int
    published_at: str


@dataclass(frozen=True, slots=True)
class ItemDocuments:
    """What is published of the documents of an item, added up.

    Attributes:
        item: The item's key; empty for the documents whose item is their own key.
        documents: How many.
        records: Their records.
        rejected: How many of these were set aside.
        size: Their bytes.
        runs: How many of the documents a run brought.
    """

    item: str
    documents: int
    records: int
    rejected: int
    size: int
    runs: int


PROGRAM = "program"
"""The origin of a collection that a program brought, unlike the absolute path of a folder."""


@dataclass(frozen=True, slots=True)
class Collection:
    """Documents that belong together, under one name.

    Attributes:
        name: Its name, the identity of its documents together with their keys.
        origin: Where its documents come from: the absolute path of a folder, or `PROGRAM`.
    """

    name: str
    origin: str = PROGRAM


@dataclass(frozen=True, slots=True)
class Run:
    """One execution.

    Attributes:
        run_id: A UUID.
        started_at: ISO 8601, UTC.
        collection: What it loads into.
        source: The input directory.
        state: Its state.
        finished_at: ISO 8601, UTC; None while it runs, or when it was killed.
        account: `Account.as_dict()`, empty until the run ends.
        relation: The published relation of the target that it was found in; as for `Reject`.
    """

    run_id: str
    started_at: str
    collection: str
    source: str = ""
    state: RunState = "running"
    finished_at: str | None = None
    account: Mapping[str, Any] = field(default_factory=dict)
    relation: str | None = None
