"""The DuckDB sink."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from batchwright import SinkLimits
from batchwright.contracts.records import RecordType
from batchwright.sinkkit.relations import TableSink
from batchwright_duckdb.options import DuckdbOptions, database_path

if TYPE_CHECKING:
    from batchwright_duckdb.store import DuckdbStore


class DuckdbSink(TableSink[DuckdbOptions]):
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

    def relation_names(self) -> Sequence[str]:
        """Return the names of the relations in the schema. Raises as `exists`."""
        from batchwright_duckdb.connecting import relations

        return relations(self._path, self.options)

    def identity(self) -> str:
        """Return the file's path, the schema and the table."""
        return f"duckdb:{self._path.resolve()}?schema={self.options.schema_name}&table={self.relation}"
