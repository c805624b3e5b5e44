"""The target of a command that works on what was loaded: its sink and its ledger, never made anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from batchwright.config import BatchConfig, secrets_of
from batchwright.contracts.failure import Failure
from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import KnownDocument
from batchwright.contracts.sink import AnySink
from batchwright.engine import ledgers
from batchwright.engine.delivery.connection import Connection
from batchwright.engine.pool import DatabasePool
from batchwright.errors import BatchwrightError, SinkError
from batchwright.plugins.manager import PluginManager
from batchwright.secrets import describe, mask


@dataclass(frozen=True, slots=True)
class Target:
    """An open sink with its ledger.

    Attributes:
        name: The URL, without a password.
        sink: For reading.
        ledger: The sink's own, or the one beside it.
        beside: The ledger beside the sink, or None where it has its own.
        pool: Where another sink for writing comes from.
    """

    name: str
    sink: AnySink
    ledger: Ledger
    beside: Ledger | None
    pool: DatabasePool

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Lend a connection of its own for writing."""
        connection = Connection(self.pool, self.beside)
        try:
            yield connection
        finally:
            connection.close()

    def documents(self) -> Iterator[KnownDocument]:
        """Yield what is published, by source_file in code point order."""
        after = ""
        while page := self.ledger.documents(after):
            yield from page
            after = page[-1].version.source_file


def name_of(config: BatchConfig) -> str:
    """Return the target's URL without its password."""
    return mask(str(config.to), secrets_of(config))


@contextmanager
def existing(config: BatchConfig, manager: PluginManager) -> Iterator[Target]:
    """Open the target of the settings.

    Raises:
        SinkError: Nothing was ever loaded there, or it can't be reached.
    """
    with found(config, manager) as target:
        if target is None:
            raise nothing_loaded(config)
        yield target


@contextmanager
def found(config: BatchConfig, manager: PluginManager) -> Iterator[Target | None]:
    """Open the target of the settings; it is None where nothing was ever loaded there.

    Raises:
        SinkError: It can't be reached.
    """
    with ExitStack() as stack:
        stack.enter_context(_understandable(config))
        if not manager.make_sink(config.to, config.sink).exists():
            yield None
            return
        pool = stack.enter_context(DatabasePool(lambda: manager.make_sink(config.to, config.sink), 2))
        sink = pool.acquire()
        stack.callback(pool.release, sink)
        ledger, beside = sink.ledger, None
        if ledger is None:
            if not ledgers.path_beside(config).exists():
                yield None
                return
            ledger = beside = ledgers.open_beside(config)
            stack.callback(beside.close)
        yield Target(name_of(config), sink, ledger, beside, pool)


def nothing_loaded(config: BatchConfig) -> SinkError:
    """Return the error of a command that needs something loaded."""
    name = name_of(config)
    return SinkError(f"nothing is loaded in {name} yet; load a directory: batchwright run DIR --to {name}")


@contextmanager
def _understandable(config: BatchConfig) -> Iterator[None]:
    """Turn a database's errors into ours, which say that it is not a defect of the command."""
    try:
        yield
    except BatchwrightError:
        raise
    except Exception as error:
        if isinstance(error, OSError | sqlite3.Error) or Failure(error).sqlstate is not None:
            raise SinkError(describe(error, secrets_of(config))) from error
        raise
