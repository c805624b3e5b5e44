"""Single writes with the same care as a run's batches: classified, retried, never repeated unasked."""

from __future__ import annotations

import threading
from collections.abc import Callable

from batchwright.config import BatchConfig, secrets_of
from batchwright.contracts.failure import Failure
from batchwright.contracts.receipts import Receipt
from batchwright.engine.delivery.connection import Connection
from batchwright.engine.delivery.deadline import Deadline
from batchwright.engine.delivery.once import Once
from batchwright.engine.delivery.retry import Attempted, Schedule, attempt, is_transient
from batchwright.engine.judge import decide
from batchwright.model import Batch, ProcessedChunk
from batchwright.plugins.manager import PluginManager
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
        once = Once(self._connection, batch, receipt)
        result = attempt(
            lambda: once.attempt(deadline.remaining()),
            decide=lambda error, number: decide(Failure(error, batch, number), self._config, self._manager),
            schedule=self._schedule,
            stop=threading.Event(),
            deadline=deadline,
            on_retry=lambda error, _, __, wait: self._on_retry(self._message(error), wait),
        )
        if is_transient(result) and once.landed(self._config.batch_timeout):
            return Attempted(retries=result.retries)
        return result

    def _message(self, error: Exception) -> str:
        return describe(error, secrets_of(self._config))
