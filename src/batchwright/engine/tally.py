"""The account of a run as it grows: added up from its events."""

from __future__ import annotations

import threading
import time
from collections import Counter

from batchwright.contracts.account import Account, DocumentCounts, RecordCounts, VectorAccount
from batchwright.contracts.events import BatchWritten, EmbeddingStarted, Event, InputCounted
from batchwright.contracts.figures import FIGURES, Figure, counts_of

_WITH_KINDS = ("records", "documents", "left_out", "vectors")


class Tally:
    """Adds up events. What comes in and what became of it come in events of their own, so sums can differ.

    Args:
        size: Bytes of the input, where no InputCounted will say so.
        embeds: Whether records are given vectors, where no EmbeddingStarted will say so.
    """

    def __init__(self, size: int = 0, *, embeds: bool = False) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[Figure] = Counter()
        self._embeds = embeds
        self._size = size
        self._elsewhere: Counter[str] = Counter()
        self._started = time.monotonic()

    def add(self, event: Event) -> None:
        """Count what an event says."""
        with self._lock:
            for count, amount in counts_of(event):
                self._counts[count] += amount
            if isinstance(event, InputCounted):
                self._size = event.size
            elif isinstance(event, EmbeddingStarted):
                self._embeds = True

    def add_elsewhere(self, written: BatchWritten) -> None:
        """Note what another process wrote; its account comes later."""
        with self._lock:
            self._elsewhere.update(records=written.records, size=written.size)

    def merge(self, account: Account) -> None:
        """Add the figures of a share of the run; its seconds went by in parallel."""
        values = account.as_dict()
        del values["seconds"]
        with self._lock:
            for name in _WITH_KINDS:
                self._counts.update({(name, kind): count for kind, count in (values.pop(name) or {}).items()})
            self._counts.update({(name, ""): count for name, count in values.items()})
            self._embeds = self._embeds or account.vectors is not None

    def account(self) -> Account:
        """Return the figures as they stand."""
        with self._lock:
            return Account(
                records=RecordCounts(**self._states("records")),
                documents=DocumentCounts(**self._states("documents")),
                seconds=time.monotonic() - self._started,
                left_out=self._of("left_out"),
                vectors=VectorAccount(**self._of("vectors")) if self._embeds else None,
                **{name: count for (name, _), count in self._counts.items() if name not in _WITH_KINDS},
            )

    def expected(self) -> int:
        """Return how many records the run will write, as far as is known."""
        with self._lock:
            read, elsewhere = self._counts["bytes_read", ""], self._elsewhere
            if not read and elsewhere["size"]:  # by workers, and no share has come in yet
                return max(elsewhere["records"], _grown(elsewhere["records"], self._size, elsewhere["size"]))
            seen = self._counts["records_seen", ""] - self._counts["records", "unchanged"]
            return seen if not read or read >= self._size else max(seen, _grown(seen, self._size, read))

    def _states(self, name: str) -> dict[str, int]:
        return {state: self._counts[name, state] for state in FIGURES[name]}

    def _of(self, name: str) -> dict[str, int]:
        """Return what is counted under a name, by kind."""
        return {kind: count for (other, kind), count in self._counts.items() if other == name}


def _grown(records: int, size: int, of: int) -> int:
    """Return how many records there are in `size` bytes, if there are so many in `of` bytes."""
    return round(records * size / of)
