"""The tables: their names, their columns, and how they come into being."""

# ruff: noqa: S608 - what goes into a statement besides parameters is a name, quoted by `schema.quoted`

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from batchwright.errors import SinkError

VERSION = 1

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
"""The columns of the published view between `id` and the span, in their order."""


def quoted(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


class Names:
    """The tables of one prefix, quoted for use in SQL; `plain` has them as they are."""

    def __init__(self, prefix: str) -> None:
        self.plain = {
            "view": prefix,
            **{
                suffix: f"{prefix}_{suffix}"
                for suffix in (*_LEDGER, "chunks", "fts", "fts_update", "fts_delete")
            },
        }
        self.view = quoted(prefix)
        self.chunks = quoted(f"{prefix}_chunks")
        self.documents = quoted(f"{prefix}_documents")
        self.pending = quoted(f"{prefix}_pending")
        self.receipts = quoted(f"{prefix}_receipts")
        self.rejects = quoted(f"{prefix}_rejects")
        self.rejects_by_file = quoted(f"{prefix}_rejects_by_file")
        self.runs = quoted(f"{prefix}_runs")
        self.meta = quoted(f"{prefix}_meta")
        self.fts = quoted(f"{prefix}_fts")
        self.fts_column = self.fts  # FTS5 takes commands in a column that has the table's name
        self.fts_update = quoted(f"{prefix}_fts_update")
        self.fts_delete = quoted(f"{prefix}_fts_delete")


@dataclass(frozen=True)
class LedgerSchema:
    """The tables of a ledger: runs, receipts, documents, pending versions, rejects.

    Attributes:
        prefix: What their names begin with.
    """

    prefix: str

    @property
    def names(self) -> Names:
        """The names of the tables."""
        return Names(self.prefix)

    def is_ready(self, connection: sqlite3.Connection) -> bool:
        """Tell whether the tables are there.

        Raises:
            SinkError: Something else has one of their names, or a newer batchwright made them.
        """
        return self._check(connection).keys() >= set(_LEDGER)

    def is_begun(self, connection: sqlite3.Connection) -> bool:
        """Tell whether any of the tables is there.

        Raises:
            SinkError: As `is_ready`.
        """
        return bool(self._check(connection))

    def create(self, connection: sqlite3.Connection) -> None:
        """Create the tables that are missing."""
        self._check(connection)
        _run(connection, _LEDGER.values(), self.names)
        connection.execute(
            f"INSERT INTO {self.names.meta} VALUES ('schema', ?) ON CONFLICT DO NOTHING", (str(VERSION),)
        )

    def touch(self, connection: sqlite3.Connection) -> None:
        """Write without changing anything, which fails where the file is read-only."""
        connection.execute(f"UPDATE {self.names.meta} SET value = value WHERE key = ''")

    def _check(self, connection: sqlite3.Connection) -> dict[str, str]:
        """Return the type of what exists, by suffix, after checking that it is ours."""
        there = _existing(connection, self.names)
        if not there:
            return there
        version = None
        if there.get("meta") == "table":
            try:
                row = connection.execute(
                    f"SELECT value FROM {self.names.meta} WHERE key = 'schema'"
                ).fetchone()
                version = int(row[0]) if row else None
            except (sqlite3.OperationalError, ValueError):
                pass  # a table of that name, but none of ours
        alien = [suffix for suffix, kind in there.items() if kind != _KINDS.get(suffix, "table")]
        if version is None or alien:
            name = self.names.plain[(alien or ["view" if "view" in there else next(iter(there))])[0]]
            raise SinkError(
                f"the database has a {name!r} that batchwright did not make; choose another table name, "
                f"as in sqlite:///…?table=OTHER"
            )
        if version > VERSION:
            raise SinkError(
                f"the tables of {self.prefix!r} have layout {version}, and this batchwright knows "
                f"{VERSION}; update batchwright, or choose another table name"
            )
        return there


@dataclass(frozen=True)
class SinkSchema(LedgerSchema):
    """The tables of a sink: the ledger's, the chunks, the published view, and a full-text index.

    Attributes:
        full_text: Whether there shall be an index; where SQLite lacks FTS5 there is none in any case.
    """

    full_text: bool = True

    def is_ready(self, connection: sqlite3.Connection) -> bool:
        """Tell whether everything is there, and the full-text index as it is wanted."""
        there = self._check(connection)
        return there.keys() >= {*_LEDGER, "chunks", "view"} and _INDEX & there.keys() == self._index(
            connection
        )

    def create(self, connection: sqlite3.Connection) -> None:
        """Create what is missing, and the index, or drop it."""
        super().create(connection)
        _run(connection, _CHUNKS, self.names)
        there, wanted = _INDEX & self._check(connection).keys(), self._index(connection)
        if there == wanted:
            return
        _run(
            connection,
            ("DROP TRIGGER IF EXISTS {n.fts_update}", "DROP TRIGGER IF EXISTS {n.fts_delete}"),
            self.names,
        )
        if has_fts5(connection):
            _run(connection, ("DROP TABLE IF EXISTS {n.fts}", *(_FULL_TEXT if wanted else ())), self.names)

    def _index(self, connection: sqlite3.Connection) -> frozenset[str]:
        """Return what shall be there of the index.

        Without FTS5 the table of an index that exists can't be dropped; without its triggers it counts as
        stale, and is made anew by the next `open` that can.
        """
        if has_fts5(connection):
            return _INDEX if self.full_text else frozenset()
        return _INDEX & _existing(connection, self.names).keys() & {"fts"}


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


def _existing(connection: sqlite3.Connection, names: Names) -> dict[str, str]:
    suffixes = {name.lower(): suffix for suffix, name in names.plain.items()}
    return {
        suffixes[name]: kind
        for kind, name in connection.execute("SELECT type, lower(name) FROM sqlite_master")
        if name in suffixes
    }


def _run(connection: sqlite3.Connection, statements: Iterable[str], names: Names) -> None:
    for statement in statements:
        connection.execute(statement.format(n=names, source=names.plain["chunks"].replace("'", "''")))


_INDEX = frozenset({"fts", "fts_update", "fts_delete"})
_KINDS = {"view": "view", "fts_update": "trigger", "fts_delete": "trigger", "rejects_by_file": "index"}

_LEDGER = {
    "meta": "CREATE TABLE IF NOT EXISTS {n.meta} (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "documents": """
        CREATE TABLE IF NOT EXISTS {n.documents} (
            source_file TEXT NOT NULL PRIMARY KEY COLLATE BINARY,
            document_id TEXT NOT NULL UNIQUE,
            content_hash TEXT NOT NULL,
            settings TEXT NOT NULL,
            size INTEGER NOT NULL,
            chunks INTEGER NOT NULL,
            rejected INTEGER NOT NULL,
            run_id TEXT NOT NULL,
            published_at TEXT NOT NULL
        ) WITHOUT ROWID""",
    "pending": """
        CREATE TABLE IF NOT EXISTS {n.pending} (
            document_id TEXT NOT NULL PRIMARY KEY,
            source_file TEXT NOT NULL,
            content_hash TEXT NOT NULL,
            settings TEXT NOT NULL,
            size INTEGER NOT NULL,
            chunks INTEGER NOT NULL,
            run_id TEXT NOT NULL
        ) WITHOUT ROWID""",
    "receipts": """
        CREATE TABLE IF NOT EXISTS {n.receipts} (
            batch_id TEXT NOT NULL PRIMARY KEY,
            run_id TEXT NOT NULL,
            batch_index INTEGER NOT NULL,
            records INTEGER NOT NULL,
            committed_at TEXT NOT NULL
        ) WITHOUT ROWID""",
    "rejects": """
        CREATE TABLE IF NOT EXISTS {n.rejects} (
            id TEXT NOT NULL PRIMARY KEY,
            run_id TEXT NOT NULL,
            source_file TEXT NOT NULL,
            document_id TEXT NOT NULL,
            position INTEGER NOT NULL,
            error TEXT NOT NULL,
            message TEXT NOT NULL,
            sqlstate TEXT,
            attempts INTEGER NOT NULL,
            decided_by TEXT NOT NULL,
            created_at TEXT NOT NULL,
            payload TEXT,
            exact TEXT
        ) WITHOUT ROWID""",
    "rejects_by_file": "CREATE INDEX IF NOT EXISTS {n.rejects_by_file} ON {n.rejects} (source_file)",
    "runs": """
        CREATE TABLE IF NOT EXISTS {n.runs} (
            run_id TEXT NOT NULL PRIMARY KEY,
            started_at TEXT NOT NULL,
            source TEXT NOT NULL,
            state TEXT NOT NULL,
            finished_at TEXT,
            account TEXT NOT NULL
        )""",
}

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
    SELECT id, """
    + ", ".join(FIELDS)
    + """, span_start, span_end
    FROM {n.chunks} AS c
    WHERE EXISTS (SELECT 1 FROM {n.documents} AS d WHERE d.document_id = c.document_id)""",
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
