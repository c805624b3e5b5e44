"""The sink's tables: the records, the published view, the full-text index."""

# ruff: noqa: S608 - what goes into a statement are names, quoted

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from batchwright.builtin.sqlite import index
from batchwright.contracts.fields import Field
from batchwright.contracts.records import CHUNK, RecordType
from batchwright.errors import SinkError
from batchwright.sinkkit.record_changes import META_KEY, added_fields, extended, widened_fields
from batchwright.sinkkit.relations import relations_among
from batchwright.sinkkit.search.version import VERSION
from batchwright.sinkkit.sql_ledger.dialect import Dialect
from batchwright.sinkkit.sql_ledger.tables import INDEXES, TABLES
from batchwright.sinkkit.sql_tables import adding_statements, column_of, quoted, stored_type, view_statement
from batchwright.sinkkit.sqlite.dialect import SqliteDialect
from batchwright.sinkkit.sqlite.faults import check_no_folder, explain
from batchwright.sinkkit.sqlite.read_only import read_only_uri
from batchwright.sinkkit.sqlite.schema import LedgerSchema, Names, existing
from batchwright.sinkkit.vectors.keys import COLUMN
from batchwright.sinkkit.vectors.tables import SUFFIXES


@dataclass(frozen=True)
class SinkSchema(LedgerSchema):
    """The tables of a sink: the ledger's, the records, the published view, and a full-text index.

    Attributes:
        record_type: What the records are; None for what the tables were made for, or else chunks.
        full_text: Whether there shall be an index; where SQLite lacks FTS5, and for records without a text,
            there is none in any case. None for whatever is there.
    """

    record_type: RecordType | None = None
    full_text: bool | None = True

    @property
    def dialect(self) -> Dialect:
        """How SQLite says what the ledger needs."""
        names = self.names.quoted
        return SqliteDialect({suffix: names[suffix] for suffix in (*TABLES, *INDEXES, "records", *SUFFIXES)})

    def tables(self, connection: sqlite3.Connection) -> tuple[str, ...]:
        """Return what holds rows that nothing else holds; a ledger alone was not made with records."""
        own = ("records",) if self._stored(connection) else ()
        return (*super().tables(connection), *own)

    def resolved(self, connection: sqlite3.Connection) -> RecordType:
        """Return what the records are."""
        return self.record_type or self._stored(connection) or CHUNK

    def is_ready(self, connection: sqlite3.Connection) -> bool:
        """Tell whether everything is there, and the full-text index as it is wanted."""
        there = self._check(connection)
        if not there.keys() >= {*TABLES, *INDEXES, "records", "view"} or self._lacking(connection):
            return False
        if self.full_text is None:
            return True
        return _INDEX & there.keys() == self._index(connection) and not (
            "fts" in there and self._is_outdated(connection)
        )

    def create(self, connection: sqlite3.Connection) -> None:
        """Create what is missing, and the index, or drop it."""
        super().create(connection)
        stored, lacking = self._stored(connection), self._lacking(connection)
        record_type = stored or self.resolved(connection)
        if stored is None:
            connection.execute(
                f"INSERT INTO {self.names.meta} VALUES (?, ?)", (META_KEY, record_type.as_json())
            )
        elif lacking:
            record_type = extended(stored, lacking)
            if widened := [field for field in lacking if field.name in stored.names]:
                wider = extended(stored, tuple(widened))
                from batchwright.builtin.sqlite.widening import widen

                widen(connection, self.names, stored, wider, lambda name: _records(name, wider))
                lacking = tuple(field for field in lacking if field not in widened)
        connection.execute(_records(self.names.records, record_type))
        connection.execute(view_statement(self.dialect, record_type, self.prefix))
        for statement in (
            adding_statements(self.dialect, record_type, lacking, self.prefix) if lacking else ()
        ):
            connection.execute(statement)
        there, wanted = _INDEX & self._check(connection).keys(), self._index(connection)
        if there == wanted and not (wanted and self._is_outdated(connection)):
            return
        # an index of another version is made anew by `reindex`: that may take long
        empty = bool(there) and wanted == _INDEX and is_indexed(connection, self.names)
        self.drop_index(connection)
        if wanted and has_fts5(connection):
            self.make_index(connection, record_type, empty=empty)

    def drop_index(self, connection: sqlite3.Connection) -> None:
        """Drop the full-text index, in the transaction that is open."""
        names = self.names
        connection.execute(f"DROP TRIGGER IF EXISTS {names.fts_update}")
        connection.execute(f"DROP TRIGGER IF EXISTS {names.fts_delete}")
        index.forget(connection, names)
        if has_fts5(connection):
            connection.execute(f"DROP TABLE IF EXISTS {names.terms}")
            connection.execute(f"DROP TABLE IF EXISTS {names.fts}")
            connection.execute(f"DROP TABLE IF EXISTS {names.unindexed}")

    def make_index(self, connection: sqlite3.Connection, record_type: RecordType, *, empty: bool) -> None:
        """Make the index, in the transaction that is open: of all records, or to be filled later."""
        made = index.Index(self.names, searched(record_type))
        for statement in made.definitions():
            connection.execute(statement)
        index.begin(connection, self.names)
        while not empty and made.fill(connection):
            pass

    def _stored(self, connection: sqlite3.Connection) -> RecordType | None:
        return stored_type(connection, self.dialect)

    def _lacking(self, connection: sqlite3.Connection) -> tuple[Field, ...]:
        """Return the fields that the tables lack, or have in a narrower type.

        Raises:
            ConfigError: They were made for another record type.
        """
        stored = self._stored(connection)
        if stored is None or self.record_type is None:
            return ()
        added = added_fields(stored, self.record_type, self.prefix, widens=True)
        return (*added, *widened_fields(stored, self.record_type))

    def _is_outdated(self, connection: sqlite3.Connection) -> bool:
        """Tell whether the index is of an older version.

        Raises:
            SinkError: It is of a newer one, which this one can't keep in step.
        """
        state = index.state(connection, self.names)
        if state is not None and state.version > VERSION:
            raise SinkError(
                f"the full-text index of {self.prefix!r} was made by a newer batchwright; update batchwright"
            )
        return state is not None and state.version < VERSION

    def _index(self, connection: sqlite3.Connection) -> frozenset[str]:
        """Return what shall be there of the index.

        Without FTS5 the table of an index that exists can't be dropped; without its triggers it counts as
        stale, and is made anew by the next `open` that can.
        """
        if has_fts5(connection):
            return _INDEX if self.full_text and self.resolved(connection).text else frozenset()
        return _INDEX & existing(connection, self.names).keys() & {"fts", "terms", "unindexed"}


def exists(path: Path, table: str) -> bool:
    """Tell whether there is a database with our tables, without making a file.

    Raises:
        SinkError: It can't be told, or the name is taken.
    """
    with _looking_into(path) as connection:
        return connection is not None and SinkSchema(table, full_text=False).is_begun(connection)


def relations(path: Path) -> list[str]:
    """Return the published views with a ledger in a database; none where there is no file.

    Raises:
        SinkError: It can't be told.
    """
    with _looking_into(path) as connection:
        if connection is None:
            return []
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return relations_among(name for (name,) in tables)


@contextmanager
def _looking_into(path: Path) -> Iterator[sqlite3.Connection | None]:
    """Lend a connection to a file that is there, or None where it isn't, or is empty; make none."""
    check_no_folder(path)
    if not path.is_file() or path.stat().st_size == 0:
        yield None
        return
    try:
        uri = read_only_uri(path) or f"{path.as_uri()}?mode=rw"
        connection = sqlite3.connect(uri, uri=True, timeout=5.0)
        try:
            yield connection
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise SinkError(explain(error, path)) from error


def has_fts5(connection: sqlite3.Connection) -> bool:
    """Tell whether this SQLite has full-text search."""
    try:
        found = connection.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").fetchone()
    except sqlite3.OperationalError:  # before 3.30
        found = connection.execute("SELECT 1 WHERE sqlite_compileoption_used('ENABLE_FTS5')").fetchone()
    return found is not None


def is_indexed(connection: sqlite3.Connection, names: Names) -> bool:
    """Tell whether there is an index to keep in step; another process may have made or dropped it."""
    return index.state(connection, names) is not None


_INDEX = frozenset({"unindexed", "fts", "terms", "fts_update", "fts_delete"})


def searched(record_type: RecordType) -> dict[str, str]:
    """Return the columns of the index, the heading's, if any, before the text's, with the quoted fields.

    They have names of their own: FTS5 can't have a column called ``rank``, ``rowid`` or like its table.
    """
    fields = {"heading": record_type.heading, "body": record_type.text}
    return {column: quoted(name) for column, name in fields.items() if name is not None}


def _records(name: str, record_type: RecordType) -> str:
    # An explicit rowid: VACUUM may change a hidden one, and the full-text index refers to it.
    columns = ["_seq INTEGER PRIMARY KEY", "_id TEXT NOT NULL UNIQUE", "_document_id TEXT NOT NULL"]
    columns += map(column_of, record_type.fields)
    columns += [f"{COLUMN} BLOB"] if record_type.text else []
    return f"CREATE TABLE IF NOT EXISTS {name} ({', '.join(columns)})"
