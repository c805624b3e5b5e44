"""Compare the input with what is published, and queue new and changed documents for the writers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from batchwright.contracts.account import DocumentState
from batchwright.contracts.events import (
    BatchWritten,
    DocumentFinished,
    DocumentsFinished,
    DocumentsRead,
    StopRequested,
)
from batchwright.contracts.partition import Findings, Partition
from batchwright.contracts.receipts import DocumentVersion, KnownDocument, Reject
from batchwright.engine.delivery.buffer import Buffer
from batchwright.engine.delivery.client import StoreClient
from batchwright.engine.delivery.outcomes import (
    documents_not_attempted,
    record_rejected,
    records_not_attempted,
)
from batchwright.engine.delivery.parts import Unreadable, Work
from batchwright.engine.dispatch import Dispatcher
from batchwright.engine.noting import NOTE_AT_ONCE, note
from batchwright.engine.reading.changes import Change, Unchanged, changes
from batchwright.engine.reading.deaths import ReaderDied
from batchwright.engine.reading.fetching import Fetcher
from batchwright.engine.reading.omissions import Omissions
from batchwright.engine.reading.pairs import Pair, beside, pair
from batchwright.engine.session import Session
from batchwright.errors import DocumentError
from batchwright.items import Item
from batchwright.model import document_id, record_id
from batchwright.secrets import mask

DOCUMENTS_AN_EVENT = 256
SECONDS_AN_EVENT = 0.2
"""After so many documents, or so many seconds, an event counts what was found."""


ITEMS_A_PAGE = 1_000
"""Items that are looked up together."""


class Feed:
    """Documents on their way to the writers, wherever they come from. Make it, `take_over`, `feed` once.

    Args:
        session: The run.

    Attributes:
        outdated: Ids of versions that were refused, and aren't what there is any more.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._counts = Counts(session.dispatcher)
        self._found = self._published = 0
        self._gone: list[tuple[str, str]] = []
        self._begun: dict[str, list[str]] = {}
        self._noted: list[DocumentVersion] = []
        self.outdated: list[str] = []

    def note_outdated(self, version: DocumentVersion) -> None:
        """Note a version that was refused, and isn't what there is any more."""
        self.outdated.append(version.document_id)

    def take_over(self, begun: Iterable[DocumentVersion]) -> None:
        """Note the versions of these documents that were begun before, and not finished."""
        for version in begun:
            self._begun.setdefault(version.key, []).append(version.document_id)

    def feed(self, found: Iterable[Change | Unchanged], buffer: Buffer) -> None:
        """Queue what is new, and account for the rest.

        Args:
            found: The documents, with what is to become of each.
            buffer: Where they are queued.

        Raises:
            OutageTooLong: The ledger could not be asked for longer than is allowed.
            RunInterrupted: The run was stopped while the ledger was away.
        """
        session = self._session
        try:
            for change in found:
                if session.stop.event.is_set():
                    session.dispatcher.emit(StopRequested(session.stop.reason))
                    break
                if isinstance(change, Unchanged):
                    self._found += change.documents
                    self._published += change.runs
                    self._counts.unchanged(change)
                    continue
                self._found += change.is_found
                self._published += change.is_runs
                if change.state == "left_out":
                    self._counts.leave_out(change)
                elif change.version is None:
                    self._set_aside(change, buffer)
                elif change.records is not None:
                    self._queue(change, change.version, buffer)
                elif change.refused_rows:
                    self._refuse(change, change.version, buffer)
                else:
                    self._leave_alone(change, change.version)
            self._note()
        finally:
            self._counts.emit()

    def _note(self) -> None:
        """Have the ledger note the fingerprints of documents that are unchanged."""
        if self._noted:
            note(self._session, self._session.collection, noted=self._noted)
            self._noted = []

    def findings(self) -> Findings:
        """Return how the input differs from what is published."""
        begun = [version for versions in self._begun.values() for version in versions]
        return Findings(self._found, self._published, self._gone, [*begun, *self.outdated])

    def _leave_alone(self, change: Change, version: DocumentVersion) -> None:
        """Account for a document that is stored as it is, or gone from the input."""
        rejected = change.known.rejected if change.known else 0
        if change.state == "deleted":
            self._gone.append((version.key, version.document_id))
            self._counts.read(change, 0)
            self._counts.finished(change, version.records, version.size)
            return
        self._counts.read(change, version.records)
        if change.state == "refused":
            rejected = version.records
        if change.is_noted:
            self._noted.append(version)
            if len(self._noted) >= NOTE_AT_ONCE:
                self._note()
        if change.is_repeated:
            self._repeat(version, rejected)
        self._counts.finished(change, version.records, version.size, rejected)

    def _repeat(self, version: DocumentVersion, rejected: int) -> None:
        """Emit the events of a document that an earlier attempt published, and whose events may be lost."""
        emit, ids = self._session.dispatcher.emit, dict.fromkeys(_ids(version))
        if rejected:
            limit = version.records + 1
            for reject in self._session.control.ask(
                lambda ledger: ledger.rejects(self._session.collection, key=version.key, limit=limit)
            ):
                if ids.pop(reject.id, reject) is None:
                    emit(record_rejected(reject, None))
        self._session.on_stored([*ids])
        emit(BatchWritten(None, len(ids), version.size))

    def _queue(self, change: Change, version: DocumentVersion, buffer: Buffer) -> None:
        records = change.records or []
        begun = self._begun.get(version.key, [])
        resumed = version.document_id in begun
        if resumed:
            begun.remove(version.document_id)
        state = "changed" if change.state == "changed" else "added"
        work = Work(version, records, state, resumed=resumed)  # type: ignore[arg-type]  # one of the two
        rejects = self._rejects(change, version)
        work.rejected = len(rejects)
        self._counts.read(change, len(records) + len(rejects))
        self._counts.emit_queued()
        if rejects and not buffer.put(Unreadable(rejects)):
            records_not_attempted(self._session.dispatcher, len(rejects))
        if not buffer.put(work):
            documents_not_attempted(self._session.dispatcher, [work])

    def _refuse(self, change: Change, version: DocumentVersion, buffer: Buffer) -> None:
        """Keep lines that are no rows with the rejects, and their version with what was refused."""
        work = Work(version, [], rejected=version.records)
        self._counts.read(change, version.records)
        if not buffer.put(Unreadable(self._rejects(change, version), work)):
            documents_not_attempted(self._session.dispatcher, [work])

    def _rejects(self, change: Change, version: DocumentVersion) -> list[Reject]:
        """Return the rejects of lines that are no rows."""
        rejects = []
        for number, row in enumerate(change.refused_rows):
            position = number if row.position is None else row.position
            rejects.append(
                self._reject(
                    record_id(version.document_id, position),
                    change.key,
                    mask(row.reason),
                    document_id=version.document_id,
                    position=position,
                    payload=row.payload,
                )
            )
        return rejects

    def _reject(
        self,
        identity: str,
        key: str,
        message: str,
        *,
        error: type[Exception] = DocumentError,
        document_id: str | None = None,
        position: int | None = None,
        payload: Mapping[str, Any] | None = None,
    ) -> Reject:
        """Return the reject of something that could not be read."""
        session = self._session
        return Reject(
            id=identity,
            run_id=session.run_id,
            collection=session.collection,
            key=key,
            document_id=document_id,
            position=position,
            error=f"{error.__module__}.{error.__qualname__}",
            message=message,
            sqlstate=None,
            attempts=1,
            decided_by="engine",
            created_at=datetime.now(UTC).isoformat(),
            payload=payload,
        )

    def _set_aside(self, change: Change, buffer: Buffer) -> None:
        """Account for a document that can't be read; keep it with the rejects if it is in the input."""
        change = replace(change, reason=mask(change.reason))
        self._counts.read(change, 0)
        known = change.known.version if change.known and not change.is_found else None
        self._counts.finished(change, known.records if known else 0, change.size)
        if change.is_found:
            name = (change.key,) if change.position is None else (change.key, str(change.position))
            identity = document_id("document", self._session.collection, *name)
            error = ReaderDied if change.is_deadly else DocumentError
            reject = self._reject(identity, change.key, change.reason, error=error, payload=change.payload)
            buffer.put(Unreadable([reject]))


class Counts:
    """Counts documents, and emits an event for some at a time."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._is_queued_emitted = False
        self._omissions = Omissions(dispatcher.emit)
        self._begin()

    def _begin(self) -> None:
        self._documents = self._records = self._size = 0
        self._finished: dict[DocumentState, list[int]] = {}
        self._told = time.monotonic()

    def read(self, change: Change, records: int) -> None:
        """Count a document that came in."""
        self._documents += 1
        self._records += records
        self._size += change.size
        if change.left_out:
            self._omissions.add(change)

    def unchanged(self, page: Unchanged) -> None:
        """Count rows that are stored as they are, of one record each."""
        self._documents += page.documents
        self._records += page.documents
        self._size += page.size
        counted = self._finished.setdefault("unchanged", [0, 0, 0, 0])
        for position, count in enumerate((page.documents, page.documents, page.rejected, page.size)):
            counted[position] += count
        if self._is_due():
            self.emit()

    def leave_out(self, change: Change) -> None:
        """Count a document that isn't to be loaded."""
        self._omissions.add(change)

    def finished(self, change: Change, records: int, size: int, rejected: int = 0) -> None:
        """Count a document that is done with."""
        state = change.state
        assert state != "left_out"  # noqa: S101 - those are not counted among documents
        if state in self._dispatcher.each_document:
            self._dispatcher.emit(DocumentFinished(change.key, state, records, rejected, size, change.reason))
        counted = self._finished.setdefault(state, [0, 0, 0, 0])
        counted[:] = counted[0] + 1, counted[1] + records, counted[2] + rejected, counted[3] + size
        if self._is_due():
            self.emit()

    def emit_queued(self) -> None:
        """Emit what is counted if it is time to, or this is the first document that will be written.

        The first batch is sized by how many records there may be.
        """
        if not self._is_queued_emitted or self._is_due():
            self._is_queued_emitted = True
            self.emit()

    def emit(self) -> None:
        """Emit what is counted."""
        left_out = self._omissions.take()
        if self._documents or left_out:
            self._dispatcher.emit(DocumentsRead(self._documents, self._records, self._size, left_out))
        for state, counted in self._finished.items():
            self._dispatcher.emit(DocumentsFinished(state, *counted))
        self._begin()

    def _is_due(self) -> bool:
        return self._documents >= DOCUMENTS_AN_EVENT or time.monotonic() - self._told > SECONDS_AN_EVENT


def changes_in(
    partition: Partition,
    session: Session,
    fetcher: Fetcher,
    on_outdated: Callable[[DocumentVersion], None],
) -> Iterator[Change]:
    """Compare a partition of the input with what is published; decide about each document, by key.

    Args:
        partition: The partition.
        session: The run.
        fetcher: Fetches what was found.
        on_outdated: Called with each version that was refused, and isn't what is in the input any more.
    """
    there = session.control, session.collection, partition.after, partition.until
    pairs = (
        beside(pair(partition.found, published(*there)), refused_versions(*there))
        if partition.complete
        else looked_up(partition.found, session.control, session.collection)
    )
    return changes(
        pairs,
        fetcher,
        session.collection,
        partition.size,
        before=partition.before,
        closed=partition.closed,
        complete=partition.complete,
        on_outdated=on_outdated,
    )


def looked_up(found: Iterable[Item], client: StoreClient, collection: str) -> Iterator[Pair]:
    """Yield the items with what is published under their keys, which is looked up a page at a time.

    For an input that isn't complete: it may be a small part of what is published.
    """
    rest = iter(found)
    while page := list(islice(rest, ITEMS_A_PAGE)):
        known, refused = of_keys(client, collection, [item.key for item in page])
        for item in page:
            yield Pair(item, known.get(item.key), refused.get(item.key))


def of_keys(
    client: StoreClient, collection: str, keys: list[str]
) -> tuple[dict[str, KnownDocument], dict[str, DocumentVersion]]:
    """Return what is published under these keys, and what was refused."""
    if not keys:
        return {}, {}
    known = client.ask(lambda ledger: ledger.find(collection, keys))
    refused = client.ask(lambda ledger: ledger.refused(collection, keys))
    return {one.version.key: one for one in known}, {version.key: version for version in refused}


def begun_in(partition: Partition, pending: Iterable[DocumentVersion]) -> list[DocumentVersion]:
    """Return the versions in a partition that earlier runs, or attempts, began."""
    return [v for v in pending if v.brought_by == "run" and _within(partition, v.key)]


def published(
    client: StoreClient, collection: str, after: str = "", until: str | None = None
) -> Iterator[KnownDocument]:
    """Yield a collection's published documents behind `after` up to `until`, sorted by key."""
    while page := _page(client, collection, after):
        for known in page:
            if until is not None and known.version.key > until:
                return
            yield known
        after = page[-1].version.key


def refused_versions(
    client: StoreClient, collection: str, after: str = "", until: str | None = None
) -> Iterator[DocumentVersion]:
    """Yield a collection's refused versions behind `after` up to `until`, sorted by key."""
    while page := _refused_page(client, collection, after):
        for version in page:
            if until is not None and version.key > until:
                return
            yield version
        after = page[-1].key


def _page(client: StoreClient, collection: str, after: str) -> list[KnownDocument]:
    return client.ask(lambda ledger: ledger.documents(collection, after))


def _refused_page(client: StoreClient, collection: str, after: str) -> list[DocumentVersion]:
    return client.ask(lambda ledger: ledger.refused(collection, after=after))


def _within(partition: Partition, key: str) -> bool:
    return key > partition.after and (partition.until is None or key <= partition.until)


def _ids(version: DocumentVersion) -> list[str]:
    """Return the ids of the records of a version."""
    return [record_id(version.document_id, index) for index in range(version.records)]
