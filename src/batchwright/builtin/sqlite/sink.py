"""The SQLite sink: the default target, which needs no set-up."""

# ruff: noqa: S608 - what goes into a statement besides parameters is a name, quoted by `schema.quoted`

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from batchwright.builtin.sqlite import holdings
from batchwright.builtin.sqlite.options import SqliteOptions, database_path
from batchwright.builtin.sqlite.rows import rows, upsert
from batchwright.builtin.sqlite.schema import SinkSchema, is_indexed
from batchwright.builtin.sqlite.search import search
from batchwright.contracts.receipts import Receipt
from batchwright.contracts.sink import Holding, SearchHit, Sink, SinkLimits
from batchwright.errors import IncompleteDocument, SinkError
from batchwright.model import Batch, ProcessedChunk, chunk_id
from batchwright.sinkkit.columns import refusing
from batchwright.sinkkit.sqlite.database import Database
from batchwright.sinkkit.sqlite.ledger import SqliteLedger
from batchwright.sinkkit.sqlite.schema import Names

_LAST_INDEX = 0xFFFF_FFFF
_MOST_BYTES = 1_000_000_000  # SQLITE_MAX_LENGTH as it is compiled in by default


class SqliteSink(Sink[SqliteOptions]):
    """Stores batches in a SQLite database, with its ledger and a full-text index in the same transaction.

    Text is stored as it is, NUL included (some tools show only what comes before one). Errors of SQLite
    leave `write` as they are; their ``sqlite_errorcode`` tells a classifier what they mean.
    """

    name = "sqlite"
    schemes = ("sqlite",)
    options_type = SqliteOptions
    limits = SinkLimits(rows=5_000, writers=1)

    def __init__(self, options: SqliteOptions) -> None:
        super().__init__(options)
        self._names = Names(options.table)
        self._upsert = upsert(self._names)
        self._database: Database | None = None
        self._ledger: SqliteLedger | None = None

    def __reduce__(self) -> tuple[type[SqliteSink], tuple[SqliteOptions]]:
        return type(self), (self.options,)

    def open(self) -> None:
        """Open the database, and create the file, its folder and the tables where they are missing.

        Raises:
            ConfigError: The URL names no file.
            SinkError: With what is wrong and what to do.
        """
        if self._database is not None:
            return
        database = Database(
            database_path(self.options.url.get_secret_value()),
            busy_timeout=self.options.busy_timeout,
            synchronous=self.options.synchronous,
        )
        database.open(SinkSchema(self.options.table, self.options.full_text))
        self._database, self._ledger = database, SqliteLedger(database, self._names)

    def close(self) -> None:
        """Close the database."""
        database, self._database, self._ledger = self._database, None, None
        if database is not None:
            database.close()

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        """Store the batch and the receipt in one transaction; nothing, where the receipt is stored already.

        Raises:
            BadRecords: Lone surrogates, metadata that isn't JSON, ids that aren't UUIDs, huge numbers.
            IncompleteDocument: A publication lacks rows.
            SinkError: The sink isn't open, or its file is gone.
            ValueError: The same id twice in the batch.
            sqlite3.Error: Whatever SQLite says, as it is; SQLITE_INTERRUPT after `cancel`.
        """
        chunks = batch.documents
        if not chunks and not receipt.batch_id:
            self.probe()
            return
        database = self._opened()
        with (
            refusing(chunks, sqlite3.DataError, most_bytes=_MOST_BYTES),
            database.transaction() as connection,
        ):
            if not self.ledger.committed(receipt.batch_id):
                self._store(connection, chunks)
                database.check_cancelled()
                self._remove(connection, receipt.obsolete)
                self._check_publications(connection, receipt)
                self.ledger.record(receipt)

    @property
    def ledger(self) -> SqliteLedger:
        """The ledger, in the same database.

        Raises:
            SinkError: The sink isn't open.
        """
        if self._ledger is None:
            raise SinkError("the SQLite sink is not open; call open() first")
        return self._ledger

    def probe(self) -> None:
        """Check that the database answers, and that nobody else keeps it locked for writing."""
        with self._opened().transaction():
            pass

    def cancel(self) -> None:
        """Make a write that is under way in another thread end with SQLITE_INTERRUPT."""
        database = self._database
        if database is not None:
            database.cancel()

    def exists(self) -> bool:
        """Tell whether there is a database with the sink's tables; make no file where there is none.

        Raises:
            SinkError: The file is no database, or another program's.
        """
        return holdings.exists(database_path(self.options.url.get_secret_value()), self.options.table)

    def holdings(self) -> Iterator[Holding]:
        """Yield what is there of every document version, published or not, by document_id."""
        return holdings.holdings(self._opened(), self._names)

    def sound(self, document_id: str) -> frozenset[str]:
        """Return the ids of the rows of a document version whose text is the one of their chunk_hash."""
        return holdings.sound(self._opened(), self._names, document_id)

    def search(self, text: str, limit: int = 10) -> Sequence[SearchHit]:
        """Search the published chunks, best first: all words, else some of them, else as parts of words."""
        with self._opened().reading() as connection:
            return search(connection, self._names, text, limit)

    def _opened(self) -> Database:
        if self._database is None:
            raise SinkError("the SQLite sink is not open; call open() first")
        return self._database

    def _store(self, connection: sqlite3.Connection, chunks: Sequence[ProcessedChunk]) -> None:
        names = self._names
        if not chunks:
            return
        last = connection.execute(f"SELECT coalesce(max(seq), 0) FROM {names.chunks}").fetchone()[0]
        connection.executemany(self._upsert, rows(chunks, self._opened().check_cancelled))
        if is_indexed(connection, names):
            connection.execute(
                f"INSERT INTO {names.fts} (rowid, context_header, chunk_text) "
                f"SELECT seq, context_header, chunk_text FROM {names.chunks} WHERE seq > ?",
                (last,),
            )

    def _remove(self, connection: sqlite3.Connection, versions: Sequence[str]) -> None:
        connection.executemany(
            f"DELETE FROM {self._names.chunks} WHERE id BETWEEN ? AND ?", map(_range, dict.fromkeys(versions))
        )

    def _check_publications(self, connection: sqlite3.Connection, receipt: Receipt) -> None:
        for publication in receipt.publications:
            if publication.stored_before > 0:
                version = publication.version
                found = self._count(connection, version.document_id)
                if found != publication.rows:
                    raise IncompleteDocument(
                        f"{version.source_file}: {found} of {publication.rows} rows are in "
                        f"{self.options.table!r}; run again, and it will be loaded anew"
                    )

    def _count(self, connection: sqlite3.Connection, document_id: str) -> int:
        counted = connection.execute(
            f"SELECT count(*) FROM {self._names.chunks} WHERE id BETWEEN ? AND ?", _range(document_id)
        )
        return int(counted.fetchone()[0])


def _range(document_id: str) -> tuple[str, str]:
    """Return the first and the last id that a chunk of the document version may have."""
    return chunk_id(document_id, 0), chunk_id(document_id, _LAST_INDEX)
