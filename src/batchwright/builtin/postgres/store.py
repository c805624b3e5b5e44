"""Writing batches: the part of the sink that needs the driver.

A small batch is one statement, receipt, rows, commit and all. In a large one the rows go by COPY, which is
what Postgres takes fastest but which can't update: so the receipt comes first and tells whether any of the
rows is there. That is so only where a run repeats what another had begun; then the statement with the rows
in it, which updates, does large batches as well.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any, Self

import psycopg
from psycopg import errors

from batchwright.builtin.postgres import faults, rows, schema, search, statements
from batchwright.builtin.postgres.connection import Database
from batchwright.builtin.postgres.ledger import PostgresLedger
from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.options import PostgresOptions
from batchwright.builtin.postgres.receipts import Receipts, counted, span
from batchwright.contracts.receipts import Receipt
from batchwright.contracts.sink import Holding, SearchHit
from batchwright.errors import IncompleteDocument
from batchwright.model import ProcessedChunk

COPY_FROM_ROWS = 200
"""Rows from which on a batch goes by COPY. Measured faster at 256 and more; the exact crossover is open."""

Connection = psycopg.Connection[Any]


class Store:
    """The open sink."""

    def __init__(self, database: Database, names: Names, layout: schema.Layout) -> None:
        self._database = database
        self._names = names
        self._layout = layout
        self._receipts = Receipts(names)
        self._cancelled = threading.Event()
        self._copy = names.statement(statements.COPY).as_string(None).replace("%%", "%").encode()
        self._count = names.statement(statements.COUNT).as_bytes(None)
        self.ledger = PostgresLedger(database, names, self._receipts)

    @classmethod
    def opened(cls, options: PostgresOptions) -> Self:
        """Connect, and create what is missing."""
        names = Names(options.schema_name, options.table)
        database = Database(options)
        try:
            layout = database.run(lambda connection: schema.prepare(connection, names, options))
        except psycopg.Error as error:
            user = database.user
            database.close()
            meaning = faults.preparing(error, user, names.quoted_schema)
            if meaning is error:
                raise
            raise meaning from error
        except BaseException:
            database.close()
            raise
        return cls(database, names, layout)

    @staticmethod
    def exists(options: PostgresOptions) -> bool:
        """Tell whether the tables are there, on a connection of its own."""
        names = Names(options.schema_name, options.table)
        database = Database(options)
        try:
            return database.run(lambda connection: schema.exists(connection, names))
        finally:
            database.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._database.close()

    def write(self, chunks: Sequence[ProcessedChunk], receipt: Receipt) -> None:
        """Store all or nothing; see `PostgresSink.write`."""
        self._cancelled.clear()
        rows.check_ids(chunks)
        try:
            stored = self._database.run(lambda connection: self._write(connection, chunks, receipt))
        except rows.REFUSALS as error:
            raise rows.diagnose(chunks, error) from None
        if not stored:
            self._explain(chunks, receipt)

    def probe(self) -> None:
        """Ask the server for as little as possible."""
        self._database.read(lambda connection: connection.execute("SELECT 1"))

    def cancel(self) -> None:
        """End a write in another thread, also where it is between two statements."""
        self._cancelled.set()
        self._database.cancel()

    def holdings(self) -> Iterator[Holding]:
        """Count the rows of every version, and those that are damaged; the server does the counting."""
        connection = self._database.connection()
        with connection.transaction(), connection.cursor("holdings") as cursor:
            cursor.execute(self._names.statement(statements.HOLDINGS), [])
            for row in cursor:
                yield Holding(*row)

    def sound(self, document_id: str) -> frozenset[str]:
        """Return the ids of a version's rows that are as they should be."""
        text = self._names.statement(statements.SOUND)
        found = self._database.read(lambda c: c.execute(text, span(document_id)).fetchall())
        return frozenset(identity for (identity,) in found)

    def search(self, text: str, limit: int) -> list[SearchHit]:
        """Search in the way that the tables were made for."""
        text_search = self._layout.text_search
        if text_search is None:
            return self._database.read(lambda c: search.by_letter(c, self._names, text, limit))
        return self._database.read(lambda c: search.by_words(c, self._names, text_search, text, limit))

    def _write(self, connection: Connection, chunks: Sequence[ProcessedChunk], receipt: Receipt) -> bool:
        stored = self._copied(connection, chunks, receipt) if len(chunks) >= COPY_FROM_ROWS else None
        return self._sent(connection, chunks, receipt) if stored is None else stored

    def _sent(self, connection: Connection, chunks: Sequence[ProcessedChunk], receipt: Receipt) -> bool:
        """Store everything with one statement, in autocommit; return whether the receipt let it."""
        text, values = self._receipts.with_rows(receipt, chunks, rows.arrays(rows.encode(chunks)))
        self._stop_if_cancelled()
        return self._answer(connection, text, values)[0] is True

    def _copied(
        self, connection: Connection, chunks: Sequence[ProcessedChunk], receipt: Receipt
    ) -> bool | None:
        """Store the rows by COPY; return whether the receipt let it, None if a row is there already."""
        text, values = self._receipts.before_rows(receipt, chunks)
        try:
            with connection.transaction():
                recorded, untouched = self._answer(connection, text, values)
                if not recorded:
                    return False
                if not untouched:
                    raise psycopg.Rollback
                with connection.cursor().copy(self._copy) as copy:
                    for block in rows.copy_blocks(chunks):
                        self._stop_if_cancelled()
                        copy.write(block)
                self._stop_if_cancelled()
                return True
        except errors.UniqueViolation:  # another writer stored the same rows since we looked
            pass
        return None

    def _answer(self, connection: Connection, text: bytes, values: list[Any]) -> tuple[Any, ...]:
        try:
            answer = connection.execute(text, values).fetchone()
        except errors.InsufficientPrivilege as error:
            relations = ", ".join(self._names.qualified(suffix) for suffix in self._names.suffixed)
            raise faults.lacking(error, self._database.user, relations) from error
        return answer or ()

    def _explain(self, chunks: Sequence[ProcessedChunk], receipt: Receipt) -> None:
        """Find out why the receipt was not stored: it is there already, or a document lacks rows."""
        if self.ledger.committed(receipt.batch_id):
            return
        here = [chunk.document_id for chunk in chunks]
        for publication in counted(receipt):
            version = publication.version
            before, now = self._stored(version.document_id), here.count(version.document_id)
            if before + now != publication.rows:
                raise IncompleteDocument(
                    f"{version.source_file}: {publication.rows} rows belong to the version "
                    f"{version.document_id}, but {before} are stored and {now} in this batch: "
                    "load the document again"
                )
        raise IncompleteDocument(f"batch {receipt.batch_id}: a document to be published lacks rows")

    def _stored(self, document_id: str) -> int:
        """Count the rows of a document version."""
        row = self._database.read(lambda c: c.execute(self._count, span(document_id)).fetchone())
        return int(row[0]) if row else 0

    def _stop_if_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise errors.QueryCanceled("the write was cancelled")
