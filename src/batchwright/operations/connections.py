"""The open sessions of a command: one for each relation of the target that it looks at, a few at a time."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Self

from batchwright.config import BatchConfig, secrets_of
from batchwright.contracts.failure import Failure
from batchwright.contracts.sink import AnySink
from batchwright.engine.dispatch import Dispatcher
from batchwright.engine.session import Session
from batchwright.engine.setup import Setup
from batchwright.engine.store.policy import DeliveryPolicy
from batchwright.errors import BatchwrightError, SinkError
from batchwright.plugins.manager import PluginManager
from batchwright.secrets import describe

MOST_OPEN = 4
"""Sessions at a time: a target may have a thousand relations, and a server room for a hundred clients."""


class Connections:
    """Opens sessions when they are asked for, and closes the one that was used longest ago.

    Args:
        config: The settings.
        manager: The plugins.
        dispatcher: Where events of writes go.

    Attributes:
        config: The settings.
        lock: Held by whoever uses a session: it serves one thread at a time.
    """

    def __init__(self, config: BatchConfig, manager: PluginManager, dispatcher: Dispatcher) -> None:
        self.config = config
        self.lock = threading.RLock()
        self._manager = manager
        self._dispatcher = dispatcher
        self._open: dict[AnySink, Session] = {}  # the one used last at the end

    def to(self, sink: AnySink) -> Session:
        """Return the session of a sink, open; nothing is created in the target.

        Raises:
            SinkError, ConfigError: It can't be opened.
        """
        with self.lock:
            session = self._open.pop(sink, None)
            if session is None:
                self._make_room()
                session = self._opened(sink)
            self._open[sink] = session
            return session

    def close(self) -> None:
        """Close what is open."""
        with self.lock:
            while self._open:
                self._open.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _make_room(self) -> None:
        idle = [sink for sink, session in self._open.items() if not session.tokens]  # others hold a lease
        for sink in idle[: max(0, len(self._open) - MOST_OPEN + 1)]:
            self._open.pop(sink).close()

    def _opened(self, sink: AnySink) -> Session:
        config = self.config
        policy = replace(DeliveryPolicy.of(config), holds=False)
        session = Session(Setup(config, self._manager, policy, self._dispatcher), sink=sink)
        with understandable(config):
            return session.open(create=False)


@contextmanager
def understandable(config: BatchConfig) -> Iterator[None]:
    """Turn a database's errors into ours, which say that it is not a defect of the command."""
    try:
        yield
    except BatchwrightError:
        raise
    except Exception as error:
        if isinstance(error, OSError | sqlite3.Error) or Failure(error).sqlstate is not None:
            raise SinkError(describe(error, secrets_of(config))) from error
        raise
