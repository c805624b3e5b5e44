"""The SQLite sink: the default target, which needs no set-up. What opens it is imported when it opens."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from batchwright.builtin.sqlite.options import SqliteOptions, checked_table, database_path
from batchwright.contracts.records import RecordType, relation_of
from batchwright.contracts.sink import SinkLimits
from batchwright.errors import ConfigError
from batchwright.sinkkit.relations import TableSink

if TYPE_CHECKING:
    from batchwright.builtin.sqlite.store import SqliteStore
    from batchwright.sinkkit.sqlite.kept import KeptDatabases


class SqliteSink(TableSink[SqliteOptions]):
    """Stores batches in a SQLite database, with its ledger and a full-text index in the same transaction.

    Text is stored as it is, NUL included (some tools show only what comes before one). Errors of SQLite
    leave `write` as they are; their ``sqlite_errorcode`` tells a classifier what they mean.
    """

    name = "sqlite"
    schemes = ("sqlite",)
    options_type = SqliteOptions
    searchable = True
    widens = True
    keeps_vectors = True
    limits = SinkLimits(rows=10_000, writers=1)

    _kept: KeptDatabases | None = None  # shared by the sinks of one file's relations

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> SqliteStore:
        """Open the database, and create the file, its folder and the tables where they are missing.

        Raises:
            ConfigError: The URL names no file, or the tables were made for other records.
            SinkError: With what is wrong and what to do.
        """
        from batchwright.builtin.sqlite.schema import SinkSchema
        from batchwright.builtin.sqlite.store import SqliteStore
        from batchwright.sinkkit.sqlite.connection import Connection
        from batchwright.sinkkit.sqlite.database import Database
        from batchwright.sinkkit.sqlite.kept import Catalogued

        options = self.options
        try:
            table = checked_table(relation_of(options.table, record_type))
        except ValueError as error:
            raise ConfigError(f"{error}, with table=") from None
        full_text = options.full_text if create else None
        schema, kept = SinkSchema(table, record_type, full_text), None if create else self._kept
        database = kept.take() if kept else None
        if database is None:
            database = Database(
                self._path,
                busy_timeout=options.busy_timeout,
                synchronous=options.synchronous,
                connection_type=Catalogued if kept else Connection,
            )
        let_go = kept.give_back if kept else Database.close
        try:
            database.open(schema, create=create)
            with database.reading() as connection:
                record_type = schema.resolved(connection)
                return SqliteStore(database, schema, record_type, let_go, full_text=options.full_text)
        except BaseException:
            let_go(database)
            raise

    def exists(self) -> bool:
        """Tell whether there is a database with the sink's tables; make no file where there is none.

        Raises:
            SinkError: The file is no database, or another program's.
        """
        from batchwright.builtin.sqlite.schema import exists

        return exists(self._path, self.relation)

    @cached_property
    def _path(self) -> Path:
        """The file, found once: the working directory may be another one when a store is opened later."""
        return database_path(self.options.url.get_secret_value())

    def relations(self) -> Sequence[Self]:
        """Return a sink for each relation, as `TableSink` does; they share the open file."""
        from batchwright.sinkkit.sqlite.kept import KeptDatabases

        each, kept = super().relations(), KeptDatabases()
        for sink in each:
            if sink is not self:
                sink._kept = kept
        return each

    def relation_names(self) -> Sequence[str]:
        """Return the names of the relations in the file. Raises as `exists`."""
        from batchwright.builtin.sqlite.schema import relations

        return relations(self._path)

    def identity(self) -> str:
        """Return the file's path and the table."""
        return f"sqlite:{self._path.resolve()}?table={self.relation}"
