"""The sink. The driver is imported when it opens, so that listing sinks costs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from batchwright.builtin.postgres.options import PostgresOptions
from batchwright.contracts.records import RecordType
from batchwright.contracts.sink import SinkLimits
from batchwright.sinkkit.relations import TableSink

if TYPE_CHECKING:
    from batchwright.builtin.postgres.store import PostgresStore


class PostgresSink(TableSink[PostgresOptions]):
    """Stores batches in Postgres, rows and receipt in one transaction, and keeps the ledger there."""

    name: ClassVar[str] = "postgres"
    schemes: ClassVar[tuple[str, ...]] = ("postgresql", "postgres")
    options_type = PostgresOptions
    searchable = True
    keeps_vectors = True
    limits = SinkLimits(rows=5_000, bytes=32 * 1024 * 1024, writers=16)
    widens = True
    _reached = False

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> PostgresStore:
        """Connect, and create relations that are missing.

        Raises:
            ConfigError: The URL can't be understood, or the tables were made for other records.
            SinkError: A mistake: wrong password, no such database, a privilege missing, a name taken …
            ConnectionError: The server can't be reached now.
            psycopg.Error: It can be reached, but something passing is in the way (a lock, a shutdown).
        """
        from batchwright.builtin.postgres.store import PostgresStore

        store = PostgresStore.opened(
            self.options,
            record_type,
            create=create,
            batch_timeout=self.batch_timeout,
            reached=self._reached,
        )
        self._reached = True
        return store

    def exists(self) -> bool:
        """Tell whether the sink's tables are there.

        Raises:
            SinkError, ConnectionError: As `open`.
        """
        from batchwright.builtin.postgres.store import exists

        return exists(self.options)

    def relation_names(self) -> Sequence[str]:
        """Return the names of the relations in the schema. Raises as `open`."""
        from batchwright.builtin.postgres.store import relations

        return relations(self.options)

    def identity(self) -> str:
        """Return the server, the database, the schema and the published relation."""
        from batchwright.builtin.postgres.connection import identity

        return identity(self.options)
