"""The open sink: writing batches, searching, and looking at what is there."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import psycopg
from psycopg import errors

from batchwright.builtin.postgres import faults, indexing, rows, schema
from batchwright.builtin.postgres.connection import Database
from batchwright.builtin.postgres.dialect import PostgresDialect
from batchwright.builtin.postgres.encoding import REFUSALS
from batchwright.builtin.postgres.ledger import PostgresLedger
from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.options import PostgresOptions, checked_table
from batchwright.builtin.postgres.statements import Statements
from batchwright.contracts.receipts import Receipt
from batchwright.contracts.records import RecordType, relation_of
from batchwright.contracts.rows import Placed
from batchwright.contracts.search import Searchable, SearchHit, SearchMode
from batchwright.contracts.sink import Holding, Inspectable, Store
from batchwright.contracts.vectors import Vector
from batchwright.errors import ConfigError, SinkError
from batchwright.model import Batch
from batchwright.sinkkit.search.notes import notes

if TYPE_CHECKING:
    from batchwright.builtin.postgres.vectors import PostgresVectors
    from batchwright.builtin.postgres.writing import Writing
    from batchwright.sinkkit.filters import Condition

# What writing, searching and vectors take is imported where it is used: many runs do none of it.

_ATTEMPTS = 5


class PostgresStore(Store, Searchable, Inspectable):
    """Writes and searches the records of one relation.

    Args:
        database: The connection.
        names: The relations there.
        layout: What they were made for.
        create: Whether to create what only writing takes.
    """

    def __init__(
        self, database: Database, names: Names, layout: schema.Layout, *, create: bool = True
    ) -> None:
        self._create = create
        self._database = database
        self._names = names
        self._layout = layout
        self._cancelled = threading.Event()
        self._rows_are_new = True
        self.record_type = layout.record_type
        self._rows = layout.rows
        self._statements = Statements(layout.record_type, self._rows.columns)
        self._dialect = dialect = PostgresDialect(names.tables, database.encoding)
        self._ledger = PostgresLedger(database, dialect, names if layout.searched else None)
        self._vectors: PostgresVectors | None = None

    @classmethod
    def opened(
        cls,
        options: PostgresOptions,
        record_type: RecordType | None,
        *,
        create: bool = True,
        batch_timeout: float | None = None,
        reached: bool = False,
    ) -> Self:
        """Connect, and create what is missing. `reached` as for `Database`."""
        try:
            table = checked_table(relation_of(options.table, record_type))
        except ValueError as error:
            raise ConfigError(f"{error}; choose another with table=") from None
        names = Names(options.schema_name, table)
        database = Database(options, batch_timeout, reached=reached)
        try:
            with database.lent() as connection:
                layout = schema.prepare(
                    connection, names, options, database.opening, record_type, create=create
                )
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
        return cls(database, names, layout, create=create)

    @cached_property
    def _writing(self) -> Writing:
        from batchwright.builtin.postgres.writing import Writing

        return Writing(
            self._names,
            self._rows,
            self._dialect,
            self._database.opening,
            self._cancelled.is_set,
            create=self._create,
            counts=self._layout.counts,
        )

    @property
    def vectors(self) -> PostgresVectors | None:
        """The vectors of its rows, where they have a text."""
        if self.record_type.text is None:
            return None
        if self._vectors is None:
            from batchwright.builtin.postgres.vectors import PostgresVectors

            self._vectors = PostgresVectors(self._database, self._names, self._dialect, self.record_type)
        return self._vectors

    @property
    def ledger(self) -> PostgresLedger:
        """The ledger, in the same database."""
        return self._ledger

    def write(self, batch: Batch[Any], receipt: Receipt) -> None:
        """Store the batch and carry out the receipt in one transaction; nothing, where it is stored already.

        Raises:
            BadRecords: Names the records that Postgres can't store; nothing of the batch is stored.
            IncompleteDocument: A publication lacks rows, or a version was discarded meanwhile.
            ValueError: Two records have the same id.
            ConnectionError: The connection was lost; whether the commit came through, the ledger knows.
            psycopg.Error: Any other.
        """
        self._cancelled.clear()
        records = batch.documents
        rows.check_ids(records)
        try:
            with self._database.lent() as connection:
                self._write(connection, records, receipt)
        except REFUSALS as error:
            raise self._rows.diagnose(records, error) from None
        except errors.InsufficientPrivilege as error:
            raise self._lacking(error, *self._names.suffixed) from error

    def announce(self, records: Sequence[Placed]) -> None:
        """Encode these while the server works on the next write."""
        self._writing.announce(records)

    def probe(self) -> None:
        """Ask the server for as little as possible."""
        with self._database.lent() as connection:
            connection.execute("SELECT 1")

    def cancel(self) -> None:
        """End a write in another thread, also where it is between two statements; or hang up."""
        self._cancelled.set()
        self._database.cancel()

    def close(self) -> None:
        """Let go of the connection."""
        self._database.close()

    def holdings(self) -> Iterator[Holding]:
        """Yield what is there of every document version, published or not, by document_id.

        The server does the counting. Use the store for nothing else until the last one came: they come in one
        transaction.
        """
        with self._database.transaction() as connection, connection.cursor("holdings") as cursor:
            cursor.execute(self._names.statement(self._statements.holdings))
            for row in cursor:
                yield Holding(*row)

    def sound(self, document_id: str) -> frozenset[str]:
        """Return the ids of the rows of a document version whose text is the one of their hash."""
        with self._database.reading() as connection:
            text = self._names.statement(self._statements.sound)
            found = connection.execute(text, rows.span(document_id)).fetchall()
        return frozenset(identity for (identity,) in found)

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
        """Search the published records, best first; without a search column that can be used, by letter.

        Raises:
            ConfigError: `where` names what there isn't.
            SinkError: The records have no text, or no vectors to search by.
        """
        from batchwright.builtin.postgres import filters
        from batchwright.builtin.postgres.vector_search import VectorSearch
        from batchwright.sinkkit.filters import conditions
        from batchwright.sinkkit.searched import Searched
        from batchwright.sinkkit.vectors.searching import found
        from batchwright.sinkkit.vectors.tables import TABLES

        Searched.of(self.record_type)
        text, asked = text.replace("\0", " "), conditions(self.record_type, where)
        if filters.is_beyond(asked) or (collection is not None and self._database.encoding.lacks(collection)):
            return []
        near = VectorSearch(self._names, self._dialect, self.record_type)
        with self._database.transaction(snapshot=True) as connection:

            def by_text(most: int) -> Sequence[SearchHit]:
                return self._by_text(connection, text, most, collection, asked)

            def by_vector(wanted: Vector, most: int) -> Sequence[SearchHit]:
                return near.search(connection, wanted, most, collection, asked)

            try:
                with connection.transaction():
                    hits = found(mode, text, vector, limit, by_text, by_vector)
                if asked and not hits:
                    near.known(connection, asked)
            except errors.UntranslatableCharacter:  # nothing there can hold what is looked for
                return []
            except errors.InsufficientPrivilege as error:
                raise self._lacking(error, *TABLES) from error
            return hits

    def _by_text(
        self,
        connection: psycopg.Connection[Any],
        text: str,
        limit: int,
        collection: str | None,
        asked: Sequence[Condition],
    ) -> Sequence[SearchHit]:
        from batchwright.builtin.postgres.statistics import PLANNING
        from batchwright.builtin.postgres.texts import Texts
        from batchwright.sinkkit.search.finding import find
        from batchwright.sinkkit.search.scan import look_through

        encoding = self._database.encoding
        texts = Texts(connection, self._names, self.record_type, encoding, collection, asked)
        made = indexing.state(connection, self._names)
        if made is None or not made.is_usable:
            return look_through(texts.all_with_letters(text), text, limit)
        connection.execute(PLANNING)
        return find(texts, text, limit)

    def notes(self, text: str) -> Sequence[str]:
        """Return what is to be known of a search for the text: what was understood, and how the index is."""
        with self._database.transaction() as connection:
            made = indexing.state(connection, self._names)
        if made is None:
            return ()
        return notes(text, "the search column", made.version, is_complete=made.is_complete)

    def reindex(self) -> Iterator[int]:
        """Make the search column anew, or go on where an earlier call broke off; yield records a step.

        Raises:
            SinkError: The records have no text, or the tables were made without a search column.
        """
        from batchwright.sinkkit.searched import Searched

        Searched.of(self.record_type)
        if not self._layout.searched:
            raise SinkError(
                f"the tables of {self._names.qualified()} were made without a search column; load the "
                "documents into another table=, with full_text=true"
            )
        yield from indexing.reindex(
            self._database.transaction, self._names, self.record_type, self._database.encoding
        )

    def _write(
        self, connection: psycopg.Connection[Any], records: Sequence[Placed], receipt: Receipt
    ) -> None:
        """Write; begin anew where rows are there already, or another writer stored them meanwhile."""
        attempt = 1
        while True:
            try:
                return self._writing.write(connection, records, receipt, new=self._rows_are_new)
            except errors.UndefinedFunction:
                if not self._writing.without_functions():
                    raise
                _roll_back(connection)
            except errors.FeatureNotSupported:
                if not self._writing.without_copy():
                    raise
                _roll_back(connection)
            except errors.UniqueViolation as error:
                self._rows_are_new = False  # where some are there, there are more: a run repeats another
                _roll_back(connection)
                if self._ledger.committed(receipt.batch_id):
                    return None
                if attempt == _ATTEMPTS or error.diag.table_name not in self._names.relations:
                    raise
                attempt += 1

    def _lacking(self, error: errors.InsufficientPrivilege, *suffixes: str) -> SinkError:
        relations = ", ".join(self._names.tables[suffix] for suffix in suffixes)
        return faults.lacking(error, self._database.user, relations)


def _roll_back(connection: psycopg.Connection[Any]) -> None:
    if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        connection.rollback()


def exists(options: PostgresOptions) -> bool:
    """Tell whether the tables are there, on a connection of its own."""
    with closing(Database(options)) as database, database.reading() as connection:
        return schema.exists(connection, Names(options.schema_name, relation_of(options.table, None)))


def relations(options: PostgresOptions) -> list[str]:
    """Return the published relations of the schema that have a ledger, on a connection of its own."""
    with closing(Database(options)) as database, database.reading() as connection:
        return schema.relations(connection, options.schema_name)
