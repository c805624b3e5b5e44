"""Telling the reporters what becomes of the batches of one writer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from batchwright.contracts.events import (
    BatchFailed,
    BatchFinished,
    BatchRetrying,
    BatchSplit,
    BatchStarted,
    BatchWritten,
    DocumentFinished,
    Event,
    RecordRejected,
)
from batchwright.contracts.failure import Decision, Failure, dotted_name
from batchwright.contracts.receipts import Reject
from batchwright.engine.delivery.parts import Work
from batchwright.engine.delivery.retry import Attempted
from batchwright.secrets import describe


class Teller:
    """Makes an event of what happened.

    Args:
        emit: Takes the events.
        writer: The writer's number.
        secrets: Masked in messages.
    """

    def __init__(self, emit: Callable[[Event], None], writer: int, secrets: tuple[str, ...]) -> None:
        self._emit = emit
        self._writer = writer
        self._secrets = secrets

    def message(self, error: BaseException) -> str:
        """Return an error's message, without secrets."""
        return describe(error, self._secrets)

    def started(self, batch_index: int, records: int) -> None:
        """A batch is about to be written."""
        self._emit(BatchStarted(batch_index, records, time.time(), self._writer))

    def finished(self, batch_index: int, state: str, seconds: float) -> None:
        """A batch is done with; `state` is stored, failed or stopped."""
        self._emit(BatchFinished(batch_index, state, seconds, self._writer))

    def retrying(
        self, batch_index: int, error: Exception, decision: Decision, attempt: int, wait: float
    ) -> None:
        """A write is to be repeated."""
        message, kind = self.message(error), dotted_name(error)
        sqlstate = Failure(error).sqlstate
        self._emit(
            BatchRetrying(
                batch_index, attempt, wait, message, decision.decided_by, sqlstate, kind, self._writer
            )
        )

    def split(self, batch_index: int, records: int, error: Exception) -> None:
        """A part is halved."""
        self._emit(BatchSplit(batch_index, records, self.message(error)))

    def written(self, batch_index: int, records: int, size: int, result: Attempted[Any]) -> None:
        """A part is committed."""
        self._emit(BatchWritten(batch_index, records, size, result.seconds, result.retries, self._writer))

    def rejected(self, reject: Reject, batch_index: int) -> None:
        """A reject is committed; `batch_index` is the batch that it was in."""
        self._emit(
            RecordRejected(
                reject.source_file,
                reject.position,
                reject.error,
                reject.message,
                reject.decided_by,
                reject.sqlstate,
                batch_index,
            )
        )

    def failed(self, batch_index: int, records: int, result: Attempted[Any], *, stops: bool) -> None:
        """A part can't be stored."""
        error, decision = result.error, result.decision
        self._emit(
            BatchFailed(
                batch_index,
                records,
                self.message(error) if error else "",
                decision.decided_by if decision else "engine",
                result.retries,
                Failure(error).sqlstate if error else None,
                stops,
                dotted_name(error) if error else "",
                self._writer,
                result.seconds,
            )
        )

    def document(self, work: Work, change: str, reason: str = "") -> None:
        """A document is published, or failed."""
        version = work.version
        self._emit(
            DocumentFinished(version.source_file, change, version.chunks, version.size, reason, work.rejected)
        )
