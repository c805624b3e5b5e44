"""Counting a run while it goes on, from several threads."""

from __future__ import annotations

import threading
import time
from collections import Counter

from batchwright.contracts.account import Account, DocumentCounts, RecordCounts

DOCUMENT_STATES = ("added", "changed", "unchanged", "deleted", "failed", "not_attempted")
RECORD_STATES = ("written", "unchanged", "rejected", "failed", "not_attempted")


class Tally:
    """The figures of an account, as they grow. What comes in and what became of it are counted apart."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: Counter[str] = Counter()
        self._documents: Counter[str] = Counter()
        self._other: Counter[str] = Counter()
        self._told_records = self._told_size = 0
        self._started = time.monotonic()

    def seen(self, *, documents: int = 0, records: int = 0, size: int = 0) -> None:
        """Count what comes in: documents, records, bytes read."""
        with self._lock:
            self._other["documents_seen"] += documents
            self._other["records_seen"] += records
            self._other["bytes_read"] += size

    def records(self, state: str, count: int) -> None:
        """Count what became of records; `state` is a field of RecordCounts."""
        with self._lock:
            self._records[state] += count

    def document(self, state: str, count: int = 1) -> None:
        """Count what became of a document; `state` is a field of DocumentCounts."""
        with self._lock:
            self._documents[state] += count

    def add(self, figure: str, count: int = 1) -> None:
        """Count a figure of the account: pruned, batches, batches_failed, retries."""
        with self._lock:
            self._other[figure] += count

    def told(self, records: int, size: int) -> None:
        """Note what a worker wrote whose share is still to come."""
        with self._lock:
            self._told_records += records
            self._told_size += size

    @property
    def settled(self) -> int:
        """Records done with, unchanged ones left out."""
        with self._lock:
            return self._records.total() - self._records["unchanged"]

    @property
    def batches(self) -> int:
        """Batches done with."""
        with self._lock:
            return self._other["batches"] + self._other["batches_failed"]

    def expected(self, size: int) -> int:
        """Return how many records will be written of `size` bytes of input, as far as can be told."""
        account = self.account()
        seen = account.records_seen - account.records.unchanged
        if not account.bytes_read and self._told_size:  # by workers, and no share has come in yet
            return max(self._told_records, round(self._told_records * size / self._told_size))
        if not account.bytes_read or account.bytes_read >= size:
            return seen
        return max(seen, round(seen * size / account.bytes_read))

    def merge(self, account: Account) -> None:
        """Add the figures of a share of the run; its seconds went by in parallel."""
        figures = account.as_dict()
        with self._lock:
            self._records.update(figures.pop("records"))
            self._documents.update(figures.pop("documents"))
            del figures["seconds"]
            self._other.update(figures)

    def account(self) -> Account:
        """Return the figures as they stand."""
        with self._lock:
            return Account(
                records=RecordCounts(**{state: self._records[state] for state in RECORD_STATES}),
                documents=DocumentCounts(**{state: self._documents[state] for state in DOCUMENT_STATES}),
                seconds=time.monotonic() - self._started,
                **dict(self._other),
            )
