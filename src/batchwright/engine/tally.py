"""The account of a run as it grows: added up from its events."""

from __future__ import annotations

import threading
import time
from collections import Counter

from batchwright.contracts.account import (
    DOCUMENT_STATES,
    Account,
    DocumentCounts,
    RecordCounts,
    VectorAccount,
)
from batchwright.contracts.events import (
    BatchFailed,
    BatchFinished,
    BatchRetrying,
    BatchWritten,
    DocumentsFinished,
    DocumentsRead,
    DocumentsRemoved,
    EmbeddingStarted,
    Event,
    InputCounted,
    RecordRejected,
    RowsEmbedded,
    TextsEmbedded,
    TextsQueued,
    VectorsSwept,
)

RECORD_STATES = ("written", "unchanged", "rejected", "failed", "not_attempted")


class Tally:
    """Adds up events. What comes in and what became of it come in events of their own, so sums can differ.

    Args:
        size: Bytes of the input, where no InputCounted will say so.
        embeds: Whether records are given vectors, where no EmbeddingStarted will say so.
    """

    def __init__(self, size: int = 0, *, embeds: bool = False) -> None:
        self._lock = threading.Lock()
        self._records: Counter[str] = Counter()
        self._documents: Counter[str] = Counter()
        self._other: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        self._vectors: Counter[str] = Counter()
        self._embeds = embeds
        self._size = size
        self._elsewhere: Counter[str] = Counter()
        self._started = time.monotonic()

    def add(self, event: Event) -> None:
        """Count what an event says."""
        with self._lock:
            self._add(event)

    def add_elsewhere(self, written: BatchWritten) -> None:
        """Note what another process wrote; its account comes later."""
        with self._lock:
            self._elsewhere.update(records=written.records, size=written.size)

    def merge(self, account: Account) -> None:
        """Add the figures of a share of the run; its seconds went by in parallel."""
        figures = account.as_dict()
        del figures["seconds"]
        with self._lock:
            self._records.update(figures.pop("records"))
            self._documents.update(figures.pop("documents"))
            self._left_out.update(figures.pop("left_out"))
            self._vectors.update(figures.pop("vectors") or {})
            self._embeds = self._embeds or account.vectors is not None
            self._other.update(figures)

    def account(self) -> Account:
        """Return the figures as they stand."""
        with self._lock:
            return Account(
                records=RecordCounts(**{state: self._records[state] for state in RECORD_STATES}),
                documents=DocumentCounts(**{state: self._documents[state] for state in DOCUMENT_STATES}),
                seconds=time.monotonic() - self._started,
                left_out=dict(self._left_out),
                vectors=VectorAccount(**self._vectors) if self._embeds else None,
                **dict(self._other),
            )

    def expected(self) -> int:
        """Return how many records the run will write, as far as is known."""
        with self._lock:
            read, elsewhere = self._other["bytes_read"], self._elsewhere
            if not read and elsewhere["size"]:  # by workers, and no share has come in yet
                return max(elsewhere["records"], _grown(elsewhere["records"], self._size, elsewhere["size"]))
            seen = self._other["records_seen"] - self._records["unchanged"]
            return seen if not read or read >= self._size else max(seen, _grown(seen, self._size, read))

    def _add(self, event: Event) -> None:
        match event:
            case BatchWritten():
                self._records["written"] += event.records
                if event.vectors:
                    self._vectors.update(event.vectors)
            case BatchFinished(state="stored"):
                self._other["batches"] += 1
            case BatchFinished(state="failed"):
                self._other["batches_failed"] += 1
            case DocumentsRead():
                self._other["documents_seen"] += event.documents
                self._other["records_seen"] += event.records
                self._other["bytes_read"] += event.size
                self._left_out.update(event.left_out)
            case DocumentsFinished():
                self._documents[event.state] += event.documents
                self._other["unfetched"] += event.unfetched
                if event.state == "unchanged":
                    self._records["unchanged"] += event.records - event.rejected
                    self._records["rejected"] += event.rejected  # still: they were not replayed
                elif event.state == "refused":
                    self._records["rejected"] += event.rejected  # no RecordRejected was emitted for these
                elif event.state == "not_attempted":
                    self._records["not_attempted"] += event.records
            case RecordRejected() if event.position is not None and not event.is_stored:
                self._records["rejected"] += 1
            case BatchFailed():
                self._records["failed"] += event.records
            case BatchRetrying() if event.batch_index is not None:
                self._other["retries"] += 1
            case DocumentsRemoved():
                self._other["removed"] += event.documents
            case EmbeddingStarted():
                self._embeds = True
            case TextsQueued():
                self._vectors["too_long"] += event.too_long
            case TextsEmbedded():
                self._vectors.update(texts=event.texts, tokens=event.tokens, requests=1)
            case RowsEmbedded():
                self._vectors.update(event.vectors)
                self._vectors["filled"] += sum(event.vectors.values())
            case VectorsSwept():
                self._vectors["swept"] += event.vectors
            case InputCounted():
                self._size = event.size
                self._left_out.update(event.left_out)


def _grown(records: int, size: int, of: int) -> int:
    """Return how many records there are in `size` bytes, if there are so many in `of` bytes."""
    return round(records * size / of)
