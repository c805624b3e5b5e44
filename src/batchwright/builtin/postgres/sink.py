"""The sink. The driver is imported when it opens, so that listing sinks costs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Self

from batchwright.builtin.postgres.options import PostgresOptions
from batchwright.contracts.records import RecordType, relation_of
from batchwright.contracts.sink import Sink, SinkLimits
from batchwright.sinkkit.relations import on_each

if TYPE_CHECKING:
    from batchwright.builtin.postgres.store import PostgresStore


class PostgresSink(Sink[PostgresOptions]):
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

    @property
    def relation(self) -> str:
        """The published relation: the one that the options name, else that of chunks."""
        return relation_of(self.options.table, None)

    def relations(self) -> Sequence[Self]:
        """Return a sink for each relation in the schema, or for the one that the options name.

        Raises:
            SinkError, ConnectionError: As `open`.
        """
        from batchwright.builtin.postgres.store import relations

        names = () if self.options.table else relations(self.options)
        return on_each(self, names) if names else super().relations()

    def identity(self) -> str:
        """Return the server, the database, the schema and the published relation."""
        from batchwright.builtin.postgres.connection import identity

        return identity(self.options)
