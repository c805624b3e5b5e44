"""Single writes with the same care as a run's batches: classified, retried, never repeated unasked."""

from __future__ import annotations

import threading
from collections.abc import Callable

from batchwright.config import BatchConfig, secrets_of
from batchwright.deciding import decide
from batchwright.delivery.connection import Connection
from batchwright.delivery.deadline import Deadline
from batchwright.delivery.retry import Attempted, Schedule, attempt
from batchwright.failure import Failure
from batchwright.ledger import Receipt
from batchwright.model import Batch, ErrorRecoveryAction, ProcessedChunk
from batchwright.plugins import PluginManager
from batchwright.secrets import describe

Notice = Callable[[str, float], None]


class Errand:
    """Writes that a command makes one after the other, outside of a run.

    Args:
        connection: Where to.
        config: The settings, which give the schedule, the deadline and what to do about SQLSTATEs.
        manager: The classifiers.
        on_retry: Told of each retry before the wait: the error, and the seconds.
    """

    def __init__(
        self,
        connection: Connection,
        config: BatchConfig,
        manager: PluginManager,
        on_retry: Notice = lambda *_: None,
    ) -> None:
        self._connection = connection
        self._config = config
        self._manager = manager
        self._on_retry = on_retry
        self._schedule = Schedule(config.max_retries, cap=config.retry_cap, jitter=config.retry_jitter)

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> Attempted[None]:
        """Store the batch with its receipt, once however often it is tried; return how that ended."""
        deadline = Deadline(self._config.batch_timeout)
        tried = False

        def call() -> None:
            nonlocal tried
            left = deadline.remaining()
            # an error after the first try may have hidden a success: ask before writing again
            if tried and self._connection.committed(receipt.batch_id, left):
                return
            tried = True
            self._connection.write(batch, receipt, left)

        result = attempt(
            call,
            decide=lambda error, number: decide(Failure(error, batch, number), self._config, self._manager),
            schedule=self._schedule,
            stop=threading.Event(),
            deadline=deadline,
            on_retry=lambda error, _, __, wait: self._on_retry(self._message(error), wait),
        )
        retryable = result.decision is not None and result.decision.action is ErrorRecoveryAction.RETRY
        return Attempted(retries=result.retries) if retryable and self._landed(receipt) else result

    def _message(self, error: Exception) -> str:
        return describe(error, secrets_of(self._config))

    def _landed(self, receipt: Receipt) -> bool:
        try:
            return self._connection.committed(receipt.batch_id, self._config.batch_timeout)
        except Exception:  # noqa: BLE001 - no answer is no proof; whoever repeats the command finds out
            return False
