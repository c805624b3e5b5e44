"""A sink as a stranger writes one for an SQL database of his: ``--to jot:///kb.db``.

The database is what the standard library's sqlite3 opens. It owes nothing to the sink that is built in.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from batchwright import Batch, Receipt, Sink, SinkError, SinkLimits, SinkOptions, hookimpl
from batchwright.contracts.records import CHUNK, RecordType
from batchwright.sinkkit.columns import ValueLimits, refusing
from batchwright.sinkkit.local_path import local_path
from batchwright.sinkkit.relations import on_each, relations_among
from batchwright.sinkkit.sql_ledger.dialect import Dialect
from batchwright.sinkkit.sql_store import SqlStore
from batchwright.sinkkit.sql_tables import adapt, create_statements, stored_type, table_names

_PATIENCE = 30.0  # seconds to wait for the lock of another writer


class JotOptions(SinkOptions):
    """Options, from the URL's query or ``[sink.jot]``."""

    table: str = "notes"


class JotDialect(Dialect):
    """Plain SQL, where one writer locks all; rows lie in the index of their key."""

    def ending(self, kind: str) -> str:
        return " WITHOUT ROWID"


class JotDatabase:
    """A connection, lent to one thread at a time; a transaction takes the lock of writers first."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._cancelled = threading.Event()
        self._connection = sqlite3.connect(path, timeout=0.05, isolation_level=None, check_same_thread=False)
        self.close = self._connection.close

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            yield self._connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            connection = self._connection
            if connection.in_transaction:
                yield connection
                return
            self._cancelled.clear()
            try:
                self._patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
                yield connection
                self._patiently(lambda: connection.execute("COMMIT"))
            except BaseException:
                connection.rollback()
                raise

    def _patiently(self, action: Callable[[], object]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while True:
            if self._cancelled.is_set():
                raise TimeoutError("the write was cancelled")
            try:
                action()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            else:
                return

    def cancel(self) -> None:
        self._cancelled.set()


class JotStore(SqlStore):
    """Rows and ledger in one database."""

    def __init__(self, database: JotDatabase, dialect: Dialect, record_type: RecordType) -> None:
        super().__init__(database, dialect, record_type)
        self.cancel = database.cancel  # type: ignore[method-assign]
        self.close = database.close  # type: ignore[method-assign]

    def write(self, batch: Batch[Any], receipt: Receipt) -> None:
        with refusing(batch.documents, self.record_type, limits=ValueLimits(nan=False)):
            super().write(batch, receipt)


class JotSink(Sink[JotOptions]):
    """Stores records in a database file."""

    name = "jot"
    schemes = ("jot",)
    options_type = JotOptions
    limits = SinkLimits(rows=5_000)

    @property
    def path(self) -> Path:
        return local_path(self.options.url.get_secret_value(), JotOptions, "kb.db")

    def exists(self) -> bool:
        return self.path.exists()

    @property
    def relation(self) -> str:
        return self.options.table

    def relations(self) -> Sequence[JotSink]:
        if not self.path.exists() or "table" in self.options.model_fields_set:
            return super().relations()
        with closing(sqlite3.connect(self.path)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        return on_each(self, relations_among(name for (name,) in tables))

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> JotStore:
        if not create and not self.path.exists():
            raise SinkError(f"there is no database {self.path}; load something into it first")
        table = self.options.table
        dialect = JotDialect(table_names(table))
        try:
            with ExitStack() as opened:
                database = opened.enter_context(closing(JotDatabase(self.path)))
                with database.transaction() as connection:
                    for made in create_statements(dialect, record_type or CHUNK, table) if create else ():
                        connection.execute(made)
                    if record_type is not None:
                        adapt(connection, dialect, record_type, table)
                    kept = record_type or stored_type(connection, dialect) or CHUNK
                opened.pop_all()
        except sqlite3.Error as error:
            raise SinkError(f"{self.path} can't be used: {error}") from error
        return JotStore(database, dialect, kept)


@hookimpl
def register_sinks() -> list[type[JotSink]]:
    return [JotSink]
