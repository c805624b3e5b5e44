"""The sink's tables: the chunks, the published view, the full-text index."""

# ruff: noqa: S608 - what is put together here are our own column names

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from batchwright.errors import SinkError
from batchwright.sinkkit.sql_ledger.dialect import Dialect
from batchwright.sinkkit.sql_ledger.tables import INDEXES, TABLES
from batchwright.sinkkit.sqlite.database import explain
from batchwright.sinkkit.sqlite.dialect import SqliteDialect
from batchwright.sinkkit.sqlite.read_only import read_only_uri
from batchwright.sinkkit.sqlite.schema import LedgerSchema, Names, execute, existing

FIELDS = (
    "chunk_text",
    "chunk_hash",
    "context_header",
    "source_file",
    "source_category",
    "document_date",
    "chunk_index",
    "total_chunks",
    "chunk_token_count",
    "metadata",
)
"""The columns of the published view between `id` and `collection` and the span, in their order."""


@dataclass(frozen=True)
class SinkSchema(LedgerSchema):
    """The tables of a sink: the ledger's, the chunks, the published view, and a full-text index.

    Attributes:
        full_text: Whether there shall be an index; where SQLite lacks FTS5 there is none in any case.
    """

    full_text: bool = True

    @property
    def dialect(self) -> Dialect:
        """How SQLite says what the ledger needs; the chunks are its records."""
        quoted = self.names.quoted
        return SqliteDialect({**quoted, "records": quoted["chunks"]})

    def is_ready(self, connection: sqlite3.Connection) -> bool:
        """Tell whether everything is there, and the full-text index as it is wanted."""
        there = self._check(connection)
        return there.keys() >= {*TABLES, *INDEXES, "chunks", "view"} and _INDEX & there.keys() == self._index(
            connection
        )

    def create(self, connection: sqlite3.Connection) -> None:
        """Create what is missing, and the index, or drop it."""
        super().create(connection)
        execute(connection, _CHUNKS, self.names)
        there, wanted = _INDEX & self._check(connection).keys(), self._index(connection)
        if there == wanted:
            return
        execute(
            connection,
            ("DROP TRIGGER IF EXISTS {n.fts_update}", "DROP TRIGGER IF EXISTS {n.fts_delete}"),
            self.names,
        )
        if has_fts5(connection):
            execute(connection, ("DROP TABLE IF EXISTS {n.fts}", *(_FULL_TEXT if wanted else ())), self.names)

    def _index(self, connection: sqlite3.Connection) -> frozenset[str]:
        """Return what shall be there of the index.

        Without FTS5 the table of an index that exists can't be dropped; without its triggers it counts as
        stale, and is made anew by the next `open` that can.
        """
        if has_fts5(connection):
            return _INDEX if self.full_text else frozenset()
        return _INDEX & existing(connection, self.names).keys() & {"fts"}


def exists(path: Path, table: str) -> bool:
    """Tell whether there is a database with our tables, without making a file.

    Raises:
        SinkError: It can't be told, or the name is taken.
    """
    if not path.is_file() or path.stat().st_size == 0:
        return False
    try:
        uri = read_only_uri(path) or f"{path.as_uri()}?mode=rw"
        connection = sqlite3.connect(uri, uri=True, timeout=5.0)
        try:
            return SinkSchema(table, full_text=False).is_begun(connection)
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
    found = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = ?", (names.plain["fts_delete"],)
    )
    return found.fetchone() is not None


_INDEX = frozenset({"fts", "fts_update", "fts_delete"})

_CHUNKS = (
    # An explicit rowid: VACUUM may change a hidden one, and the full-text index refers to it.
    """
    CREATE TABLE IF NOT EXISTS {n.chunks} (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        document_id TEXT NOT NULL,
        chunk_text TEXT NOT NULL,
        chunk_hash TEXT NOT NULL,
        context_header TEXT NOT NULL,
        source_file TEXT NOT NULL,
        source_category TEXT,
        document_date TEXT,
        chunk_index INTEGER NOT NULL,
        total_chunks INTEGER NOT NULL,
        chunk_token_count INTEGER NOT NULL,
        metadata TEXT NOT NULL,
        span_start INTEGER,
        span_end INTEGER
    )""",
    """
    CREATE VIEW IF NOT EXISTS {n.view} AS
    SELECT c.id, d.collection, """
    + ", ".join(f"c.{name}" for name in FIELDS)
    + """, c.span_start, c.span_end
    FROM {n.chunks} AS c JOIN {n.documents} AS d ON d.document_id = c.document_id""",
)

_FULL_TEXT = (
    # unicode61 without a stemmer: the documents have many languages, and a stemmer knows one.
    """
    CREATE VIRTUAL TABLE {n.fts} USING fts5(
        context_header, chunk_text, content='{source}', content_rowid='seq',
        tokenize='unicode61 remove_diacritics 2'
    )""",
    # Rows that come are indexed by the sink, one statement a batch: a trigger doing it row by row made
    # FTS5 write its buffer out each time, and took 2.3 times as long.
    """
    CREATE TRIGGER {n.fts_update} AFTER UPDATE OF context_header, chunk_text ON {n.chunks} BEGIN
        INSERT INTO {n.fts} ({n.fts_column}, rowid, context_header, chunk_text)
        VALUES ('delete', old.seq, old.context_header, old.chunk_text);
        INSERT INTO {n.fts} (rowid, context_header, chunk_text)
        VALUES (new.seq, new.context_header, new.chunk_text);
    END""",
    """
    CREATE TRIGGER {n.fts_delete} AFTER DELETE ON {n.chunks} BEGIN
        INSERT INTO {n.fts} ({n.fts_column}, rowid, context_header, chunk_text)
        VALUES ('delete', old.seq, old.context_header, old.chunk_text);
    END""",
    "INSERT INTO {n.fts} ({n.fts_column}, rank) VALUES ('automerge', 8)",  # merge half as often as by default
    "INSERT INTO {n.fts} ({n.fts_column}) VALUES ('rebuild')",
)
