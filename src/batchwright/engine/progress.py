"""How far a processor is, for `BatchProcessor.get_progress`: added up from events."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from math import ceil

from batchwright.contracts.events import BatchWritten, ErrorClassified, Event
from batchwright.model import BatchProgress

ERRORS_KEPT = 1_000
"""Error messages that a progress keeps, the latest ones."""


class Progress:
    """A progress that any thread may read while others add to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._progress = BatchProgress()

    def begin(self) -> None:
        """Begin anew, with a run."""
        with self._lock:
            self._progress = BatchProgress(start_time=datetime.now(UTC))

    def add(self, event: Event, expected: Callable[[], int]) -> None:
        """Add what an event says.

        Args:
            event: The event.
            expected: Returns how many records the run will write, as far as is known.
        """
        if isinstance(event, BatchWritten) and event.batch_index is not None:
            with self._lock:
                self._advance(event, event.batch_index, expected())
        elif isinstance(event, ErrorClassified):
            place = "" if event.batch_index is None else f"batch {event.batch_index}: "
            with self._lock:
                errors = self._progress.errors
                errors.append(f"{place}{event.error_type.rpartition('.')[2]}: {event.error}")
                del errors[:-ERRORS_KEPT]

    def track(self, batch_index: int, total_batches: int, records: int) -> None:
        """Note that a batch of a program's own is done.

        Raises:
            ValueError: A figure is negative; the progress stays as it is.
        """
        if records < 0:
            raise ValueError(f"documents_count is {records}; it must be at least 0")
        with self._lock:
            progress = self._progress
            self._progress = replace(
                progress,
                start_time=progress.start_time or datetime.now(UTC),
                batches_completed=batch_index + 1,
                batches_total=total_batches,
                documents_processed=progress.documents_processed + records,
                current_batch_index=batch_index,
            )

    def finish(self) -> None:
        """Note that no more batches come."""
        with self._lock:
            self._progress.batches_total = self._progress.batches_completed

    def copy(self) -> BatchProgress:
        """Return an independent copy."""
        with self._lock:
            return replace(self._progress, errors=list(self._progress.errors))

    def _advance(self, written: BatchWritten, batch_index: int, expected: int) -> None:
        progress = self._progress
        progress.batches_completed = max(progress.batches_completed, batch_index + 1)
        progress.current_batch_index = batch_index
        progress.documents_processed += written.records
        done = max(progress.documents_processed, 1)
        estimate = ceil(progress.batches_completed * max(expected, done) / done)
        progress.batches_total = max(progress.batches_completed, estimate)
