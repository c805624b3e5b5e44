"""A run's ways to its sink and ledger, in one process."""

from __future__ import annotations

from contextlib import ExitStack, closing
from types import TracebackType
from typing import Self

from batchwright.contracts.ledger import Ledger
from batchwright.contracts.sink import SinkLimits
from batchwright.engine.context import Context
from batchwright.engine.delivery.connection import Connection
from batchwright.engine.delivery.control import Control
from batchwright.engine.ledgers import open_beside
from batchwright.engine.pool import DatabasePool


class Access:
    """Opens the sink, and the ledger beside it if it keeps none of its own; closes them in the end.

    Args:
        context: What the run shares.
        patient: Whether to wait for a sink that is down, since the run goes on elsewhere already.

    Attributes:
        limits: The sink's limits.
        beside: The ledger beside it, or None.
        control: The run's own way, apart from those of the writers.
    """

    limits: SinkLimits
    beside: Ledger | None
    control: Control

    def __init__(self, context: Context, *, patient: bool = False) -> None:
        self._context = context
        self._patient = patient
        self._stack = ExitStack()
        config, manager = context.config, context.manager
        # one for each writer, and one for the run itself
        self._pool = DatabasePool(lambda: manager.make_sink(config.to, config.sink), config.workers + 1)

    def __enter__(self) -> Self:
        """Open the first sink.

        Raises:
            ConfigError: The target or an option is wrong.
            SinkError: The target can't be opened.
            OutageTooLong, RunInterrupted: Being patient was in vain.
        """
        with ExitStack() as stack:
            stack.callback(self._pool.close)
            with closing(Connection(self._pool, None)) as first:
                sink = self._control_of(first).begin(self._pool.acquire, "open")
            self._pool.release(sink)
            self.limits = sink.limits
            self.beside = None
            if sink.ledger is None:
                beside = open_beside(self._context.config)
                stack.callback(beside.close)
                self.beside = beside
            connection = self.connection()
            stack.callback(connection.close)
            self.control = self._control_of(connection)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def connection(self) -> Connection:
        """Return a way to the sink; `close` it in the end."""
        return Connection(self._pool, self.beside)

    def _control_of(self, connection: Connection) -> Control:
        context = self._context
        return Control(
            connection,
            decide=context.decide,
            schedule=context.schedule,
            timeout=context.config.batch_timeout,
            breaker=context.breaker,
            stop=context.stop.event,
            emit=context.emit,
            describe=context.message,
            patient=self._patient,
        )
