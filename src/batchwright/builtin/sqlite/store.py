"""An open SQLite database with the chunks and the ledger in it."""

# ruff: noqa: S608 - what goes into a statement besides parameters is a name, quoted by the schema

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from batchwright.builtin.sqlite.rows import rows, upsert
from batchwright.builtin.sqlite.schema import SinkSchema, is_indexed
from batchwright.builtin.sqlite.search import search
from batchwright.contracts.receipts import Receipt
from batchwright.contracts.sink import Searchable, SearchHit
from batchwright.model import Batch, ProcessedChunk
from batchwright.sinkkit.columns import refusing
from batchwright.sinkkit.sql_store import SqlStore
from batchwright.sinkkit.sqlite.database import Database
from batchwright.sinkkit.sqlite.ledger import SqliteLedger

_MOST_BYTES = 1_000_000_000  # SQLITE_MAX_LENGTH as it is compiled in by default


class SqliteStore(SqlStore, Searchable):
    """Writes and searches the chunks of one table.

    Args:
        database: The database, open.
        schema: The tables in it.
    """

    def __init__(self, database: Database, schema: SinkSchema) -> None:
        super().__init__(database, schema.dialect, SqliteLedger(database, schema.dialect))
        self._file = database
        self._names = schema.names
        self._upsert = upsert(self._names)

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        """Store the batch and carry out the receipt in one transaction; nothing, where it is stored already.

        Raises:
            BadRecords: Lone surrogates, metadata that isn't JSON, ids that aren't UUIDs, huge numbers.
            IncompleteDocument: A publication lacks rows, or a version was discarded meanwhile.
            SinkError: The file is gone.
            ValueError: The same id twice in the batch.
            sqlite3.Error: Whatever SQLite says, as it is; SQLITE_INTERRUPT after `cancel`.
        """
        with refusing(batch.documents, sqlite3.DataError, most_bytes=_MOST_BYTES):
            super().write(batch, receipt)

    def store_rows(self, connection: sqlite3.Connection, records: Sequence[ProcessedChunk]) -> None:
        """Store the chunks, and index those that are new."""
        if not records:
            return
        names = self._names
        last = connection.execute(f"SELECT coalesce(max(seq), 0) FROM {names.chunks}").fetchone()[0]
        connection.executemany(self._upsert, rows(records, self._file.check_cancelled))
        if is_indexed(connection, names):
            connection.execute(
                f"INSERT INTO {names.fts} (rowid, context_header, chunk_text) "
                f"SELECT seq, context_header, chunk_text FROM {names.chunks} WHERE seq > ?",
                (last,),
            )
        self._file.check_cancelled()

    def search(self, text: str, limit: int = 10, *, collection: str | None = None) -> Sequence[SearchHit]:
        """Search the published chunks, best first: all words, else some of them, else as parts of words."""
        with self._file.reading() as connection:
            return search(connection, self._names, text, limit, collection)

    def text_of(self, column: str) -> str:
        """Return the expression that reads a text: one that isn't UTF-8 must not stop the reading."""
        return f"CAST({column} AS BLOB)"

    def cancel(self) -> None:
        """Make a write that is under way in another thread end with SQLITE_INTERRUPT."""
        self._file.cancel()

    def close(self) -> None:
        """Close the database."""
        self._file.close()
