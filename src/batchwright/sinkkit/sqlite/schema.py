"""The tables of a ledger, and how they come into being; a sink adds its own."""

# ruff: noqa: S608 - what goes into a statement besides parameters is a name, quoted by `schema.quoted`

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from batchwright.errors import SinkError

VERSION = 1


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
                for suffix in (*LEDGER, "chunks", "fts", "fts_update", "fts_delete")
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
        return self._check(connection).keys() >= set(LEDGER)

    def is_begun(self, connection: sqlite3.Connection) -> bool:
        """Tell whether any of the tables is there.

        Raises:
            SinkError: As `is_ready`.
        """
        return bool(self._check(connection))

    def create(self, connection: sqlite3.Connection) -> None:
        """Create the tables that are missing."""
        self._check(connection)
        execute(connection, LEDGER.values(), self.names)
        connection.execute(
            f"INSERT INTO {self.names.meta} VALUES ('schema', ?) ON CONFLICT DO NOTHING", (str(VERSION),)
        )

    def touch(self, connection: sqlite3.Connection) -> None:
        """Write without changing anything, which fails where the file is read-only."""
        connection.execute(f"UPDATE {self.names.meta} SET value = value WHERE key = ''")

    def _check(self, connection: sqlite3.Connection) -> dict[str, str]:
        """Return the type of what exists, by suffix, after checking that it is ours."""
        there = existing(connection, self.names)
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


def existing(connection: sqlite3.Connection, names: Names) -> dict[str, str]:
    """Return the type of what exists by one of our names, by suffix."""
    suffixes = {name.lower(): suffix for suffix, name in names.plain.items()}
    return {
        suffixes[name]: kind
        for kind, name in connection.execute("SELECT type, lower(name) FROM sqlite_master")
        if name in suffixes
    }


def execute(connection: sqlite3.Connection, statements: Iterable[str], names: Names) -> None:
    """Execute statements with the names in their places: ``{n.chunks}`` and so on."""
    for statement in statements:
        connection.execute(statement.format(n=names, source=names.plain["chunks"].replace("'", "''")))


_KINDS = {"view": "view", "fts_update": "trigger", "fts_delete": "trigger", "rejects_by_file": "index"}

LEDGER = {
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
