"""What the parts of a run share in one process."""

from __future__ import annotations

from collections.abc import Callable

from batchwright.config import BatchConfig, secrets_of
from batchwright.contracts.events import Event
from batchwright.contracts.stop import Stop
from batchwright.engine.delivery.breaker import Breaker
from batchwright.engine.delivery.connection import Connection
from batchwright.engine.delivery.once import Decide, Persistence
from batchwright.engine.delivery.retry import Schedule
from batchwright.engine.tally import Tally
from batchwright.plugins.manager import PluginManager
from batchwright.secrets import describe


class Context:
    """What the parts of a run share in one process: settings, plugins, and whom to tell.

    Args:
        config: The settings.
        manager: The plugins.
        run_id: The run.
        session: Begins the ids of its batches; no other process or attempt has the same.
        emit: Hands events to the reporters.
        decide: Classifies an error; told the error, the attempt that failed, and the batch.
        stop: Ends the work early.
        tally: Counts.

    Attributes:
        secrets: What no message may show.
        schedule: When to try again.
        breaker: Holds everything while the sink is down.
    """

    def __init__(
        self,
        config: BatchConfig,
        *,
        manager: PluginManager,
        run_id: str,
        session: str,
        emit: Callable[[Event], None],
        decide: Decide,
        stop: Stop,
        tally: Tally,
    ) -> None:
        self.config = config
        self.manager = manager
        self.run_id = run_id
        self.session = session
        self.emit = emit
        self.decide = decide
        self.stop = stop
        self.tally = tally
        self.secrets = secrets_of(config)
        self.schedule = Schedule(config.max_retries, cap=config.retry_cap, jitter=config.retry_jitter)
        self.breaker = Breaker(config.max_outage, stop.event, emit, self.message)

    def message(self, error: BaseException) -> str:
        """Return what an error says, without secrets."""
        return describe(error, self.secrets)

    def persistence(self, connection: Connection) -> Persistence:
        """Return how batches are written by this way to the sink."""
        timeout = self.config.batch_timeout
        return Persistence(connection, self.decide, self.schedule, timeout, self.breaker, self.stop.event)
