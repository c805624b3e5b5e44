"""An open DuckDB database with the records and the ledger in it. Imported late, since it loads DuckDB."""

# ruff: noqa: S608 - what goes into a statement besides parameters is a name, quoted by `schema.quoted`

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb

from batchwright import Batch, BatchTooLarge, Holding, Receipt, RecordType, SearchHit, SinkError
from batchwright.contracts.rows import Placed
from batchwright.contracts.search import Searchable, SearchMode
from batchwright.contracts.vectors import Vector
from batchwright.sinkkit.columns import refusing
from batchwright.sinkkit.filters import only_text
from batchwright.sinkkit.searched import Searched
from batchwright.sinkkit.sql_store import SqlStore
from batchwright.sinkkit.sql_tables import quoted
from batchwright_duckdb.instance import Session
from batchwright_duckdb.rows import LIMITS, to_arrow
from batchwright_duckdb.schema import Schema
from batchwright_duckdb.search import search


class DuckdbStore(SqlStore, Searchable):
    """Writes and searches the records of one table.

    Args:
        session: The database, open.
        schema: The tables in it.
        record_type: What the records are.
    """

    def __init__(self, session: Session, schema: Schema, record_type: RecordType) -> None:
        super().__init__(session, schema.dialect, record_type)
        self._session = session
        self._schema = schema

    def write(self, batch: Batch[Any], receipt: Receipt) -> None:
        """Store the batch and carry out the receipt in one transaction; nothing, where it is stored already.

        Raises:
            BadRecords: Lone surrogates, what isn't JSON, values of another type, huge numbers.
            BatchTooLarge: DuckDB ran out of memory.
            IncompleteDocument: A publication lacks rows, or a version was discarded meanwhile.
            ConnectionError: DuckDB gave the database up.
            SinkError: The file is gone.
            ValueError: The same id twice in the batch.
            duckdb.Error: Whatever DuckDB says, as it is; InterruptException after `cancel`.
        """
        try:
            with refusing(batch.documents, self.record_type, duckdb.DataError, limits=LIMITS):
                super().write(batch, receipt)
        except duckdb.OutOfMemoryException as error:
            if len(batch.documents) > 1:
                raise BatchTooLarge("DuckDB ran out of memory; raise memory_limit") from error
            raise

    def store_rows(self, connection: duckdb.DuckDBPyConnection, records: Sequence[Placed]) -> None:
        """Store the records, in place of rows with the same id."""
        if not records:
            return
        table = self._schema.records
        check = self._session.check_cancelled
        batchwright_rows = to_arrow(records, self.record_type, check)  # noqa: F841 - the statements name it
        connection.execute(
            f"DELETE FROM {table} WHERE _id IN (SELECT CAST(_id AS UUID) FROM batchwright_rows)"
        )
        connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM batchwright_rows")
        self._session.check_cancelled()

    def check_storage(self) -> None:
        """Read all of our tables: DuckDB checks the blocks that it reads.

        Raises:
            SinkError: A block is damaged, or missing.
        """
        try:
            with self._session.reading() as connection:
                for table in self._schema.dialect.tables.values():
                    connection.execute(f"SELECT bit_xor(hash(t)) FROM {table} AS t").fetchall()
        except duckdb.InterruptException:
            raise
        except duckdb.Error as error:
            said = " ".join(str(error).split())
            raise SinkError(
                f"{self._session.path} is damaged; restore it from a backup, or load into a new file ({said})"
            ) from error

    def holdings(self) -> Iterator[Holding]:
        """Yield what is there of every document version, by document_id; DuckDB counts and checks."""
        kind = self.record_type
        damaged = "false"
        if kind.text is not None and kind.text_hash is not None:
            damaged = f"sha256({quoted(kind.text)}) <> {quoted(kind.text_hash)}"
        with self._session.reading() as connection:
            rows = connection.execute(
                f"SELECT CAST(_document_id AS VARCHAR), count(*), count(*) FILTER ({damaged}) "
                f"FROM {self._schema.records} GROUP BY _document_id ORDER BY _document_id"
            ).fetchall()
        yield from (Holding(document_id, count, damaged) for document_id, count, damaged in rows)

    def search(
        self,
        text: str,
        limit: int = 10,
        *,
        collection: str | None = None,
        vector: Vector | None = None,
        mode: SearchMode = "text",
        where: Mapping[str, Any] | None = None,
    ) -> Sequence[SearchHit]:
        """Search the published records, best first, by looking through them.

        Raises:
            SinkError: The records have no text; or more than words are asked for.
        """
        only_text(mode, where)
        searched = Searched.of(self.record_type)
        with self._session.reading() as connection:
            return search(connection, self._schema.view, searched, text, limit, collection)

    def cancel(self) -> None:
        """Make a write that is under way in another thread end with InterruptException."""
        self._session.cancel()

    def close(self) -> None:
        """Let go of the database; the last store of the process to do so closes the file."""
        self._session.close()
