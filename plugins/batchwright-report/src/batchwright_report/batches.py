"""The batches that took longest, in bounded memory."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from batchwright.contracts.events import BatchFinished, BatchRetrying, BatchStarted, BatchWritten

from batchwright_report.text import key

SHOWN = 10
OPEN = 1_000
"""Batches that may be open, at most: those of killed workers never end."""


@dataclass(slots=True)
class Batch:
    """A batch.

    Attributes:
        index: Which.
        began: When it did, in seconds after the run's beginning; None where that is not known.
        records: How many it has.
        documents: Of how many documents they are; 0 where that is not known.
        first: The first of these.
        last: The last of these.
        writes: How many writes of it were committed.
        retries: How many were repeated.
        seconds: How long it took, waits included.
        state: How it ended.
    """

    index: int
    began: float | None = None
    records: int = 0
    documents: int = 0
    first: str = ""
    last: str = ""
    writes: int = 0
    retries: int = 0
    seconds: float = 0.0
    state: str = ""


class Slowest:
    """Finds the slowest batches."""

    def __init__(self) -> None:
        self._open: dict[int, Batch] = {}
        self._slowest: list[tuple[float, int, Batch]] = []
        self._ended = 0

    def start(self, event: BatchStarted, now: float) -> None:
        """Note that a batch begins."""
        self._open.pop(event.batch_index, None)
        while len(self._open) >= OPEN:
            del self._open[next(iter(self._open))]
        batch = Batch(event.batch_index, now, event.records)
        batch.documents, batch.first, batch.last = event.documents, event.first_key, event.last_key
        self._open[event.batch_index] = batch

    def write(self, event: BatchWritten) -> None:
        """Note that a batch, or a part of it, is stored."""
        batch = self._open.get(-1 if event.batch_index is None else event.batch_index)
        if batch is not None:
            batch.writes += 1

    def retry(self, event: BatchRetrying) -> None:
        """Note that a write is repeated."""
        batch = self._open.get(-1 if event.batch_index is None else event.batch_index)
        if batch is not None:
            batch.retries += 1

    def finish(self, event: BatchFinished) -> None:
        """Note that a batch has ended."""
        batch = self._open.pop(event.batch_index, None) or Batch(event.batch_index)
        batch.seconds, batch.state = event.seconds, event.state
        self._ended += 1
        full = len(self._slowest) >= SHOWN
        if full and event.seconds <= self._slowest[0][0]:
            return
        batch.first, batch.last = key(batch.first), key(batch.last)
        entry = event.seconds, -self._ended, batch
        if full:
            heapq.heapreplace(self._slowest, entry)
        else:
            heapq.heappush(self._slowest, entry)

    def found(self) -> list[Batch]:
        """Return the slowest first."""
        return [batch for _, _, batch in sorted(self._slowest, key=lambda entry: entry[:2], reverse=True)]
