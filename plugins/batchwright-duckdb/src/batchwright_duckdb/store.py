"""An open DuckDB database with the chunks and the ledger in it. Imported late, since it loads DuckDB."""

# ruff: noqa: S608 - what goes into a statement besides parameters is a name, quoted by `schema.quoted`

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb

from batchwright import Batch, BatchTooLarge, Holding, ProcessedChunk, Receipt, SearchHit
from batchwright.contracts.sink import Searchable
from batchwright.sinkkit.columns import refusing
from batchwright.sinkkit.sql_store import SqlStore
from batchwright_duckdb.instance import Session
from batchwright_duckdb.rows import to_arrow
from batchwright_duckdb.schema import COLUMNS, Schema
from batchwright_duckdb.search import search

_STORED = ", ".join((*COLUMNS, "document_id"))
_DEEPEST = 100  # levels of JSON; DuckDB's functions give up on much deeper ones


class DuckdbStore(SqlStore, Searchable):
    """Writes and searches the chunks of one table.

    Args:
        session: The database, open.
        schema: The tables in it.
    """

    def __init__(self, session: Session, schema: Schema) -> None:
        super().__init__(session, schema.dialect)
        self._session = session
        self._schema = schema

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        """Store the batch and carry out the receipt in one transaction; nothing, where it is stored already.

        Raises:
            BadRecords: Lone surrogates, metadata that isn't JSON, ids that aren't UUIDs, huge numbers.
            BatchTooLarge: DuckDB ran out of memory.
            IncompleteDocument: A publication lacks rows, or a version was discarded meanwhile.
            ConnectionError: DuckDB gave the database up.
            SinkError: The file is gone.
            ValueError: The same id twice in the batch.
            duckdb.Error: Whatever DuckDB says, as it is; InterruptException after `cancel`.
        """
        try:
            with refusing(batch.documents, duckdb.DataError, deepest=_DEEPEST):
                super().write(batch, receipt)
        except duckdb.OutOfMemoryException as error:
            if len(batch.documents) > 1:
                raise BatchTooLarge("DuckDB ran out of memory; raise memory_limit") from error
            raise

    def store_rows(self, connection: duckdb.DuckDBPyConnection, records: Sequence[ProcessedChunk]) -> None:
        """Store the chunks, in place of rows with the same id."""
        if not records:
            return
        chunks = self._schema.chunks
        check = self._session.check_cancelled
        batchwright_rows = to_arrow(records, check)  # noqa: F841 - the statements name it
        connection.execute(
            f"DELETE FROM {chunks} WHERE id IN (SELECT CAST(id AS UUID) FROM batchwright_rows)"
        )
        connection.execute(f"INSERT INTO {chunks} BY NAME SELECT {_STORED} FROM batchwright_rows")
        self._session.check_cancelled()

    def holdings(self) -> Iterator[Holding]:
        """Yield what is there of every document version, by document_id; DuckDB counts and checks."""
        with self._session.reading() as connection:
            rows = connection.execute(
                f"SELECT CAST(document_id AS VARCHAR), count(*), "
                f"count(*) FILTER (sha256(chunk_text) <> chunk_hash) "
                f"FROM {self._schema.chunks} GROUP BY document_id ORDER BY document_id"
            ).fetchall()
        yield from (Holding(document_id, count, damaged) for document_id, count, damaged in rows)

    def search(self, text: str, limit: int = 10, *, collection: str | None = None) -> Sequence[SearchHit]:
        """Search the published chunks, best first, by looking through them."""
        with self._session.reading() as connection:
            return search(connection, self._schema.view, text, limit, collection)

    def cancel(self) -> None:
        """Make a write that is under way in another thread end with InterruptException."""
        self._session.cancel()

    def close(self) -> None:
        """Let go of the database; the last store of the process to do so closes the file."""
        self._session.close()
