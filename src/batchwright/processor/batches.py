"""Having one batch processed by a program's own callable, and noting how far that is."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

from batchwright.contracts.events import BatchRetrying, ErrorClassified
from batchwright.contracts.failure import Decision
from batchwright.engine.judge import Judge
from batchwright.engine.store.retry import attempt
from batchwright.model import Batch, BatchResult, ErrorRecoveryAction
from batchwright.processor.base import Base

logger = logging.getLogger("batchwright")


def _processed(processor: Callable[[Batch[Any]], int], batch: Batch[Any]) -> int:
    """Call a program's processor.

    Raises:
        TypeError: It returns no number, so that nobody can say what was processed.
    """
    processed = processor(batch)
    if isinstance(processed, bool) or not isinstance(processed, int):
        raise TypeError(
            f"the processor returned {type(processed).__name__}; "
            "it has to return how many records it processed, an int"
        )
    return processed


class Batches(Base):
    """The part of a processor that is about batches which a program makes and processes itself."""

    def process_batch_with_retry(
        self, batch: Batch[Any], processor: Callable[[Batch[Any]], int], max_retries: int = 3
    ) -> BatchResult:
        """Have a batch processed, and again after transient errors: 2^(n-1) seconds before retry n.

        Args:
            batch: The batch.
            processor: Processes it, and returns how many records it processed.
            max_retries: Retries after the first attempt, at most.

        Returns:
            What became of it; errors of the processor are in there, not raised.
        """
        with self._stoppable() as stop:
            result = attempt(
                lambda: _processed(processor, batch),
                decide=lambda error, number: self._decide(error, number, batch),
                schedule=replace(self._policy.retries, max_retries=max_retries, cap=None, jitter=False),
                stop=stop.event,
            )
        if result.error is not None:
            return BatchResult(
                False, result.retries, self._judge.describe(result.error), 0, batch.batch_index
            )
        processed = max(0, result.value or 0)  # drivers say -1 where they don't know the number of rows
        return BatchResult(True, result.retries, None, processed, batch.batch_index)

    def handle_error(self, error: Exception, batch: Batch[Any]) -> ErrorRecoveryAction:
        """Classify an error, log it with the batch's index, and note it in the progress."""
        return self._decide(error, 1, batch).action

    def _decide(self, error: Exception, attempt_number: int, batch: Batch[Any]) -> Decision:
        return self._judge.decide(error, phase="process", attempt=attempt_number, batch=batch)

    @cached_property
    def _judge(self) -> Judge:
        return Judge(self.config, self._manager, self._note)

    def _note(self, event: ErrorClassified | BatchRetrying) -> None:
        """Log an error of a program's own callable, and note it in the progress."""
        if isinstance(event, BatchRetrying):  # the error that it follows is said
            return
        logger.warning(
            "batch %d: attempt %d failed with %s: %s; %s (decided by %s)",
            event.batch_index,
            event.attempt,
            event.error_type.rpartition(".")[2],
            event.error,
            event.action,
            event.decided_by,
        )
        self._progress.add(event, lambda: 0)

    def track_progress(self, batch_index: int, total_batches: int, documents_count: int) -> None:
        """Note that the batch `batch_index` of `total_batches` is done, with `documents_count` records.

        Raises:
            ValueError: One of them is negative; the progress stays as it is.
        """
        self._progress.track(batch_index, total_batches, documents_count)
