"""An open SQLite database with the records and the ledger in it."""

# ruff: noqa: S608 - what goes into a statement besides parameters is a name, quoted by the schema

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from batchwright.builtin.sqlite import index
from batchwright.builtin.sqlite.rows import LIMITS, rows, upsert
from batchwright.builtin.sqlite.schema import SinkSchema, has_fts5, searched
from batchwright.contracts.receipts import Receipt
from batchwright.contracts.records import RecordType
from batchwright.contracts.rows import Placed
from batchwright.contracts.search import Searchable, SearchHit, SearchMode
from batchwright.contracts.vectors import Embedded, Vector
from batchwright.errors import SinkError
from batchwright.model import Batch
from batchwright.sinkkit.columns import refusing
from batchwright.sinkkit.search.notes import notes
from batchwright.sinkkit.search.version import VERSION
from batchwright.sinkkit.sql_store import SqlStore
from batchwright.sinkkit.sqlite.database import Database
from batchwright.sinkkit.sqlite.faults import explain
from batchwright.sinkkit.sqlite.ledger import SqliteLedger

if TYPE_CHECKING:
    from batchwright.builtin.sqlite.vector_search import VectorSearch
    from batchwright.builtin.sqlite.vectors import SqliteVectors

# What searching and vectors take is imported where it is used: most runs do neither.

_FINDINGS = 3  # that a message names


class SqliteStore(SqlStore, Searchable):
    """Writes and searches the records of one table.

    Args:
        database: The database, open.
        schema: The tables in it.
        record_type: What the records are.
        let_go: Takes the database when the store is closed.
        full_text: Whether there shall be a full-text index.
    """

    def __init__(
        self,
        database: Database,
        schema: SinkSchema,
        record_type: RecordType,
        let_go: Callable[[Database], None],
        *,
        full_text: bool,
    ) -> None:
        super().__init__(database, schema.dialect, record_type, SqliteLedger(database, schema.dialect))
        self._file = database
        self._let_go = let_go
        self._schema = schema
        self._full_text = full_text
        self._names = schema.names
        self._upsert = upsert(self._names, record_type)
        self._embedded: Embedded | None = None
        self._by_vector: VectorSearch | None = None
        columns = searched(record_type)
        self._index = index.Index(self._names, columns) if columns else None

    def write(self, batch: Batch[Any], receipt: Receipt) -> None:
        """Store the batch and carry out the receipt in one transaction; nothing, where it is stored already.

        Raises:
            BadRecords: Lone surrogates, what isn't JSON, values of another type, huge numbers.
            IncompleteDocument: A publication lacks rows, or a version was discarded meanwhile.
            SinkError: The file is gone.
            ValueError: The same id twice in the batch.
            sqlite3.Error: Whatever SQLite says, as it is; SQLITE_INTERRUPT after `cancel`.
        """
        self._embedded = receipt.embedded if self.record_type.text else None
        faulty = refusing(batch.documents, self.record_type, sqlite3.DataError, limits=LIMITS)
        with faulty, self._file.transaction() as connection:
            super().write(batch, receipt)
            if self._index:
                self._index.catch_up(connection)

    @property
    def vectors(self) -> SqliteVectors | None:
        """The vectors of its rows, where they have a text."""
        if self.record_type.text is None:
            return None
        from batchwright.builtin.sqlite.vectors import SqliteVectors

        return SqliteVectors(self._file, self._names, self._dialect, self.record_type)

    def store_rows(self, connection: sqlite3.Connection, records: Sequence[Placed]) -> None:
        """Store the records, and index those that are new."""
        if not records:
            return
        names = self._names
        # first of all, as a new record may get the number of one that went
        made = self._index.catch_up(connection) if self._index else None
        last = connection.execute(f"SELECT coalesce(max(_seq), 0) FROM {names.records}").fetchone()[0]
        statement, keys = self._upsert, None
        if self._embedded is not None:
            from batchwright.builtin.sqlite.vectors import number_of
            from batchwright.sinkkit.vectors.keys import kept

            statement = upsert(names, self.record_type, embedded=True)
            keys = list(kept(self._embedded.keys, number_of(connection, names, self._embedded.model)))
        stored = rows(records, self.record_type, self._file.check_cancelled, keys)
        connection.executemany(statement, stored)
        if self._index and made is not None and made.indexed > last:
            self._index.add(connection, last, made.indexed)
        self._file.check_cancelled()

    def has_vectors(self, connection: sqlite3.Connection) -> bool:
        """Tell whether there are tables of vectors."""
        if self.record_type.text is None:
            return False
        from batchwright.builtin.sqlite.vectors import is_prepared

        return is_prepared(connection, self._names)

    def check_storage(self) -> None:
        """Run SQLite's quick_check over the whole file.

        Raises:
            SinkError: It found something.
        """
        try:
            with self._file.reading() as connection:
                found = [said for (said,) in connection.execute(f"PRAGMA quick_check({_FINDINGS})")]
        except sqlite3.DatabaseError as error:
            raise SinkError(explain(error, self._file.path)) from error
        if found != ["ok"]:
            said = "; ".join(" ".join(one.split()) for one in found)
            raise SinkError(
                f"{self._file.path} is damaged; restore it from a backup, or load into a new file ({said})"
            )

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
        """Search the published records, best first; without an index that can be used, by letter.

        Raises:
            ConfigError: `where` names what there isn't.
            SinkError: The records have no text, or no vectors to search by.
        """
        from batchwright.builtin.sqlite.filters import said
        from batchwright.builtin.sqlite.search import Texts
        from batchwright.builtin.sqlite.vector_search import VectorSearch
        from batchwright.sinkkit.filters import conditions
        from batchwright.sinkkit.search.finding import find
        from batchwright.sinkkit.search.scan import look_through
        from batchwright.sinkkit.searched import Searched
        from batchwright.sinkkit.vectors.searching import found

        searched = Searched.of(self.record_type)
        asked = conditions(self.record_type, where)
        with self._file.snapshot() as connection:
            made = index.state(connection, self._names)
            texts = Texts(connection, self._names, searched, collection, said(asked))

            def by_text(most: int) -> Sequence[SearchHit]:
                if made is None or not made.is_usable or not has_fts5(connection):
                    return look_through(texts.all(), text, most)
                return find(texts, text, most)

            def by_vector(wanted: Vector, most: int) -> Sequence[SearchHit]:
                if self._by_vector is None:
                    self._by_vector = VectorSearch(self._names, searched)
                return self._by_vector.search(connection, wanted, most, collection, asked)

            hits = found(mode, text, vector, limit, by_text, by_vector)
            if asked and not hits:
                VectorSearch(self._names, searched).known(connection, asked)
            return hits

    def notes(self, text: str) -> Sequence[str]:
        """Return what is to be known of a search for the text: what was understood, and how the index is."""
        with self._file.reading() as connection:
            made = index.state(connection, self._names)
        if made is None:
            return ()
        return notes(text, "the full-text index", made.version, is_complete=made.is_complete)

    def reindex(self) -> Iterator[int]:
        """Make the full-text index anew, or go on where an earlier call broke off; yield records a step.

        Raises:
            SinkError: The records have no text, this SQLite has no FTS5, the option `full_text` is off.
        """
        from batchwright.sinkkit.searched import Searched

        Searched.of(self.record_type)
        full_text = index.Index(self._names, searched(self.record_type))
        if not self._full_text:
            raise SinkError(f"full_text is off for {self._file.path}; turn it on for an index")
        with self._file.transaction() as connection:
            if not has_fts5(connection):
                raise SinkError("this Python's SQLite has no full-text search (FTS5); use one that has it")
            made = index.state(connection, self._names)
            if made is None or made.is_complete or made.version != VERSION:
                self._schema.drop_index(connection)
                self._schema.make_index(connection, self.record_type, empty=True)
        done = 1
        while done:
            with self._file.transaction() as connection:
                done = full_text.fill(connection)
            yield done

    def text_of(self, column: str) -> str:
        """Return the expression that reads a text: one that isn't UTF-8 must not stop the reading."""
        return f"CAST({column} AS BLOB)"

    def cancel(self) -> None:
        """Make a write that is under way in another thread end with SQLITE_INTERRUPT."""
        self._file.cancel()

    def close(self) -> None:
        """Let go of the database; may come more than once."""
        let_go, self._let_go = self._let_go, _do_nothing
        let_go(self._file)


def _do_nothing(_: Database) -> None:
    pass
