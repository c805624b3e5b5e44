"""Documents that were found, and what became of them: counted, and told some at a time."""

from __future__ import annotations

import time

from batchwright.contracts.account import DocumentState
from batchwright.contracts.events import DocumentFinished, DocumentsFinished, DocumentsRead
from batchwright.engine.dispatch import Dispatcher
from batchwright.engine.reading.changes import Change, Unchanged
from batchwright.engine.reading.omissions import Omissions

DOCUMENTS_AN_EVENT = 256
SECONDS_AN_EVENT = 0.2
"""After so many documents, or so many seconds, an event counts what was found."""


class Counts:
    """Counts documents, and emits an event for some at a time."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._is_queued_emitted = False
        self._omissions = Omissions(dispatcher.emit)
        self._begin()

    def _begin(self) -> None:
        self._documents = self._records = self._size = 0
        self._finished: dict[DocumentState, tuple[int, ...]] = {}  # the figures of the event
        self._told = time.monotonic()

    def read(self, change: Change, records: int) -> None:
        """Count a document that came in."""
        self._documents += 1
        self._records += records
        self._size += change.size
        if change.left_out:
            self._omissions.add(change)

    def read_all(self, documents: int, size: int) -> None:
        """Count documents of one record each that came in."""
        self._documents += documents
        self._records += documents
        self._size += size

    def unchanged(self, page: Unchanged) -> None:
        """Count documents that are stored as they are."""
        self._documents += page.documents
        self._records += page.records
        self._size += page.size
        self._add("unchanged", page.documents, page.records, page.rejected, page.size, page.unfetched)
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
        self._add(state, 1, records, rejected, size, change.is_unfetched)
        if self._is_due():
            self.emit()

    def _add(self, state: DocumentState, *counts: int) -> None:
        before = self._finished.get(state, (0,) * len(counts))
        self._finished[state] = tuple(map(sum, zip(before, counts, strict=True)))

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
