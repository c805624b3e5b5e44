"""Compare the input with what is published, and queue new and changed documents for the writers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from batchwright.contracts.events import (
    BatchWritten,
    StopRequested,
)
from batchwright.contracts.partition import Findings
from batchwright.contracts.receipts import DocumentVersion, Reject, RejectFilter
from batchwright.contracts.vectors import TEXT_REFUSED
from batchwright.engine.delivery.buffer import Intake
from batchwright.engine.delivery.outcomes import (
    documents_not_attempted,
    record_rejected,
    records_not_attempted,
)
from batchwright.engine.delivery.row_block import RowBlock
from batchwright.engine.delivery.work import Unreadable, Work
from batchwright.engine.noting import NOTE_AT_ONCE, note
from batchwright.engine.reading.changes import Change, Difference, Unchanged
from batchwright.engine.reading.counts import Counts
from batchwright.engine.reading.deaths import ReaderDied
from batchwright.engine.session import Session
from batchwright.errors import DocumentError
from batchwright.model import document_id, record_id
from batchwright.secrets import mask


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

    def feed(self, found: Iterable[Difference], buffer: Intake) -> None:
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
                if isinstance(change, RowBlock):
                    self._found += len(change)
                    self._published += change.replaced.count("run")
                    self._queue_all(change, buffer)
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
                lambda ledger: ledger.rejects(
                    RejectFilter(self._session.collection, key=version.key), limit=limit
                )
            ):
                if reject.error != TEXT_REFUSED and ids.pop(reject.id, reject) is None:
                    emit(record_rejected(reject, None))
        self._session.on_stored([*ids])
        vectors = None if self._session.embedding is None else {"reused": len(ids)}
        emit(BatchWritten(None, len(ids), version.size, vectors=vectors))

    def _queue_all(self, rows: RowBlock, buffer: Intake) -> None:
        """Queue rows, each a document of one record."""
        self._counts.read_all(len(rows), sum(rows.publications.sizes))
        self._counts.emit_queued()
        if not self._begun and self._session.embedding is None:
            if not buffer.put(rows):
                documents_not_attempted(self._session.dispatcher, rows.works())
            return
        for work in rows.works():
            self._resume(work)
            if not buffer.put(work):
                documents_not_attempted(self._session.dispatcher, [work])

    def _resume(self, work: Work) -> None:
        """Note whether an earlier run began the version."""
        begun = self._begun.get(work.version.key, [])
        work.resumed = work.version.document_id in begun
        if work.resumed:
            begun.remove(work.version.document_id)

    def _queue(self, change: Change, version: DocumentVersion, buffer: Intake) -> None:
        records = change.records or []
        work = Work(version, records, "changed" if change.state == "changed" else "added")
        self._resume(work)
        rejects = self._rejects(change, version)
        work.rejected = len(rejects)
        self._counts.read(change, len(records) + len(rejects))
        self._counts.emit_queued()
        if rejects and not buffer.put(Unreadable(rejects)):
            records_not_attempted(self._session.dispatcher, len(rejects))
        if not buffer.put(work):
            documents_not_attempted(self._session.dispatcher, [work])

    def _refuse(self, change: Change, version: DocumentVersion, buffer: Intake) -> None:
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

    def _set_aside(self, change: Change, buffer: Intake) -> None:
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


def _ids(version: DocumentVersion) -> list[str]:
    """Return the ids of the records of a version."""
    return [record_id(version.document_id, index) for index in range(version.records)]
