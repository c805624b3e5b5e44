"""The tables of a ledger in SQLite, and how they are created; a sink adds its own."""

# ruff: noqa: S608 - what goes into a statement besides parameters is a name, quoted by `quoted`

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from batchwright.sinkkit.refused_tables import check_layout, dropped, foreign
from batchwright.sinkkit.sql_ledger.dialect import Dialect
from batchwright.sinkkit.sql_ledger.tables import INDEXES, LAYOUT, TABLES
from batchwright.sinkkit.sql_tables import quoted
from batchwright.sinkkit.sqlite.dialect import SqliteDialect
from batchwright.sinkkit.sqlite.kept import Catalogued
from batchwright.sinkkit.vectors.tables import SUFFIXES


class Names:
    """The tables of one prefix, quoted for use in SQL; `plain` has them as they are, by suffix."""

    def __init__(self, prefix: str) -> None:
        own = ("records", "unindexed", "fts", "terms", "fts_update", "fts_delete")
        suffixes = (*TABLES, *INDEXES, *own, *SUFFIXES)
        self.plain = {"view": prefix, **{suffix: f"{prefix}_{suffix}" for suffix in suffixes}}
        self.quoted = {suffix: quoted(name) for suffix, name in self.plain.items()}
        self.view = self.quoted["view"]
        self.records = self.quoted["records"]
        self.documents = self.quoted["documents"]
        self.meta = self.quoted["meta"]
        self.unindexed = self.quoted["unindexed"]
        self.fts = self.quoted["fts"]
        self.fts_data = quoted(f"{prefix}_fts_data")
        self.terms = self.quoted["terms"]
        self.fts_column = self.fts  # FTS5 takes commands in a column that has the table's name
        self.fts_update = self.quoted["fts_update"]
        self.fts_delete = self.quoted["fts_delete"]


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

    @property
    def dialect(self) -> Dialect:
        """How SQLite says what the ledger needs; there is no table of records beside it."""
        quoted = self.names.quoted
        return SqliteDialect({suffix: quoted[suffix] for suffix in (*TABLES, *INDEXES)})

    def tables(self, connection: sqlite3.Connection) -> tuple[str, ...]:
        """Return what holds rows that nothing else holds, by suffix."""
        return (*TABLES,)

    def is_ready(self, connection: sqlite3.Connection) -> bool:
        """Tell whether the tables are there.

        Raises:
            SinkError: Something else has one of their names, or a newer batchwright made them.
        """
        return self._check(connection).keys() >= {*TABLES, *INDEXES}

    def is_begun(self, connection: sqlite3.Connection) -> bool:
        """Tell whether any of the tables is there.

        Raises:
            SinkError: As `is_ready`.
        """
        return bool(self._check(connection))

    def create(self, connection: sqlite3.Connection) -> None:
        """Create the tables, or indexes, views and triggers that are missing.

        Raises:
            SinkError: Some tables are there and others are not.
        """
        self.check_dropped(connection)
        for statement in self.dialect.definitions().values():
            connection.execute(statement)
        connection.execute(
            f"INSERT INTO {self.names.meta} VALUES ('layout', ?) ON CONFLICT DO NOTHING", (str(LAYOUT),)
        )

    def check_dropped(self, connection: sqlite3.Connection) -> None:
        """Check that where there are tables, none is gone whose rows nothing else holds.

        Raises:
            SinkError: Some are gone, or as `is_ready`.
        """
        there = self._check(connection)
        gone = [name for name in self.tables(connection) if name not in there] if there else []
        if gone:
            raise dropped(self.prefix, (self.names.plain[suffix] for suffix in gone))

    def touch(self, connection: sqlite3.Connection) -> None:
        """Write without changing anything, which fails where the file is read-only."""
        connection.execute(f"UPDATE {self.names.meta} SET value = value WHERE key = ''")

    def _check(self, connection: sqlite3.Connection) -> dict[str, str]:
        """Return the type of what exists, by suffix, after checking that it is ours."""
        there = existing(connection, self.names)
        if not there:
            return there
        layout = None
        if there.get("meta") == "table":
            try:
                rows = connection.execute(
                    f"SELECT value FROM {self.names.meta} WHERE key IN ('layout', 'schema')"
                ).fetchall()
                layout = int(rows[0][0]) if rows else None
            except (sqlite3.OperationalError, ValueError):
                pass  # a table of that name, but none of ours
        alien = [suffix for suffix, kind in there.items() if kind != _KINDS.get(suffix, "table")]
        if layout is None or alien:
            name = self.names.plain[(alien or ["view" if "view" in there else next(iter(there))])[0]]
            raise foreign(name, "sqlite")
        check_layout(self.prefix, layout)
        return there


def existing(connection: sqlite3.Connection, names: Names) -> dict[str, str]:
    """Return the type of what exists by one of our names, by suffix."""
    suffixes = {name.lower(): suffix for suffix, name in names.plain.items()}
    if isinstance(connection, Catalogued):
        there = connection.objects()
        return {suffix: there[name] for name, suffix in suffixes.items() if name in there}
    query = (
        f"SELECT type, lower(name) FROM sqlite_master WHERE lower(name) IN ({', '.join('?' * len(suffixes))})"
    )
    found = connection.execute(query, [*suffixes])  # the file may hold thousands of others
    return {suffixes[name]: kind for kind, name in found}


_KINDS = {
    "view": "view",
    "fts_update": "trigger",
    "fts_delete": "trigger",
    **dict.fromkeys(INDEXES, "index"),
    **SUFFIXES,
}
