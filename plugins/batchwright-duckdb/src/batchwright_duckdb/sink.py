"""The DuckDB sink."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from batchwright import Sink, SinkLimits
from batchwright.contracts.records import RecordType, relation_of
from batchwright.sinkkit.relations import on_each
from batchwright_duckdb.options import DuckdbOptions, database_path

if TYPE_CHECKING:
    from batchwright_duckdb.store import DuckdbStore


class DuckdbSink(Sink[DuckdbOptions]):
    """Stores batches in a DuckDB database, with its ledger in the same transaction.

    Text is stored as it is, NUL included. Errors of DuckDB leave `write` as they are; this plugin's
    classifier knows what they mean.
    """

    name: ClassVar[str] = "duckdb"
    schemes: ClassVar[tuple[str, ...]] = ("duckdb",)
    options_type = DuckdbOptions
    widens: ClassVar[bool] = True
    limits = SinkLimits(rows=20_000, bytes=64 * 1024 * 1024, writers=1)

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> DuckdbStore:
        """Open the database, and create the file, its folder and the tables where they are missing.

        Raises:
            ConfigError: The URL names no file, or the tables were made for other records.
            SinkError: With what is wrong and what to do.
            ConnectionError: DuckDB gave the database up.
        """
        from batchwright_duckdb.connecting import open_store  # not above: it loads DuckDB and Arrow

        return open_store(self._path, self.options, record_type, create=create)

    def exists(self) -> bool:
        """Tell whether there is a database with the sink's tables; make no file where there is none.

        Raises:
            ConfigError: The URL names no file.
            SinkError: The file is no database, another process has it, or the tables are another program's.
        """
        from batchwright_duckdb.connecting import exists

        return exists(self._path, self.options)

    @cached_property
    def _path(self) -> Path:
        """The file, found once: the working directory may be another one when a store is opened later."""
        return database_path(self.options)

    @property
    def relation(self) -> str:
        """The published view: the one that the options name, else that of chunks."""
        return relation_of(self.options.table, None)

    def relations(self) -> Sequence[Self]:
        """Return a sink for each relation in the schema, or for the one that the options name.

        Raises:
            ConfigError, SinkError: As `exists`.
        """
        from batchwright_duckdb.connecting import relations

        names = () if self.options.table else relations(self._path, self.options)
        return on_each(self, names) if names else super().relations()

    def identity(self) -> str:
        """Return the file's path, the schema and the table."""
        return f"duckdb:{self._path.resolve()}?schema={self.options.schema_name}&table={self.relation}"
