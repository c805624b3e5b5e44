"""How SQLite says what the steps of a receipt need."""

# ruff: noqa: S608 - what goes into a statement besides parameters are our own names

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from batchwright.sinkkit.sql_ledger.dialect import Dialect
from batchwright.sinkkit.sql_ledger.steps.step import Step
from batchwright.sinkkit.sql_ledger.tables import Column

_MOST = 64  # rows of values a statement: times the columns less than 999, the most parameters before 3.32
_FEW = 16  # below which there is a text for each number of rows
_REMOVE = "DELETE FROM {records} WHERE _id BETWEEN ? AND ?"
_ANY_REJECT = "SELECT 1 FROM {rejects} WHERE collection = ? LIMIT 1"
_COLLECTION = "SELECT 1 FROM {collections} WHERE name = ?"
_FEW_PENDING = 16
_PENDING = (  # the first few in the order of the key
    f"SELECT document_id, collection, key_hash FROM {{pending}} WHERE document_id > '' "
    f"LIMIT {_FEW_PENDING + 1}"
)


class SqliteDialect(Dialect):
    """SQLite's SQL: one writer at a time, and the rows of a version are a range of ids.

    Args:
        tables: The quoted names of the tables by suffix.
        rows: For how many rows of values the statements are that `fill` returns.
    """

    # A plain INSERT … SELECT copies each page before it changes it, to undo the statement alone if it fails.
    # The transaction is rolled back then, so the copies (of 16 KiB for a row) are for nothing.
    inserting = "INSERT OR FAIL"

    def __init__(self, tables: Mapping[str, str], rows: int = 1) -> None:
        super().__init__(tables)
        self._rows = rows
        self._for_rows = {rows: self}

    def ending(self, suffix: str) -> str:
        """Keep the rows in the key's index, but runs and documents in the order in which they came.

        A run writes documents in the order of their keys. In the order of the keys' hashes each batch would
        write a page a document, and an update of all of them took half as long again.
        """
        return "" if suffix in ("runs", "documents") else " WITHOUT ROWID"

    def carry_out(self, connection: sqlite3.Connection, steps: Iterable[Step]) -> None:
        """Carry out steps in the transaction that is open.

        Plain inserts and deletes go row by row, which takes 0.6 µs. A statement with a subquery takes 3 µs:
        it is executed for many rows of values at once. Rows of records go by a statement a version. One with
        a subquery or a function in it took ten times as long: before each page that it changes SQLite makes
        a copy, to undo the statement alone if it fails.

        Raises:
            IncompleteDocument: As a guard found; the transaction is to be rolled back.
        """
        pending: _Pending | None = None
        for step in steps:
            if step.table == "pending":
                pending = None
            elif step.needs in ("pending", "other pending"):
                pending = pending or _Pending(connection.execute(self.fill(_PENDING)).fetchall())
                step = pending.concerning(step)
            if not step.rows or self._is_idle(connection, step):
                continue
            if step.table or "SELECT" not in step.text:
                super().carry_out(connection, [step])
            elif self.statement(step):
                found = self.fetch(connection, step.text, step.columns, step.rows)
                if found and step.kind in ("guard", "count"):
                    raise step.wrong(*found[0])
                if found and step.kind == "remove":
                    ranges = [(version, f"{version[:28]}ffffffff") for (version,) in found]
                    connection.executemany(self.fill(_REMOVE), ranges)

    def _is_idle(self, connection: sqlite3.Connection, step: Step) -> bool:
        """Tell by a look, which takes a sixth of the statement, whether the step has nothing to do."""
        if step.needs == "rejects":
            collection = step.rows[0][[name for name, _ in step.columns].index("collection")]
            return connection.execute(self.fill(_ANY_REJECT), [collection]).fetchone() is None
        if step.kind == "claim" and step.table == "collections" and len(step.rows) == 1:
            return connection.execute(self.fill(_COLLECTION), step.rows[0][:1]).fetchone() is not None
        return False

    def fetch(
        self,
        connection: sqlite3.Connection,
        text: str,
        columns: Sequence[Column],
        rows: Iterable[Sequence[Any]],
    ) -> list[tuple[Any, ...]]:
        """Return what a query finds for all rows of values: 64, 32 or 16 of them a statement, and the rest.

        There are few texts in this way, and the connection keeps them prepared. Lists of values cost 40 µs a
        statement, since SQLite makes a table of each: fewer than 16 rows go one by one.
        """
        found: list[tuple[Any, ...]] = []
        rest = list(rows)
        if len(rest) < _FEW and "{rows}" not in text:
            return super().fetch(connection, text, columns, rest)
        while rest:
            count = len(rest) if len(rest) < _FEW else min(_MOST, 1 << (len(rest).bit_length() - 1))
            some, rest = rest[:count], rest[count:]
            values = chain.from_iterable(some if "{rows}" in text else zip(*some, strict=True))
            statement = self._for(count).fill(text, columns)
            found += connection.execute(statement, list(values)).fetchall()
        return found

    def all(self, columns: Sequence[Column]) -> str:
        """Return the values by themselves: inserting the rows of a SELECT took three times as long."""
        return f"VALUES ({_marks(len(columns))})"

    def values(self, columns: Sequence[Column]) -> str:
        """Return the table `r` of the values, as it stands in a FROM."""
        if self._rows == 1:
            return super().values(columns)
        names = ", ".join(f"column{number} AS {name}" for number, (name, _) in enumerate(columns, 1))
        values = ", ".join([f"({_marks(len(columns))})"] * self._rows)
        return f"(SELECT {names} FROM (VALUES {values})) AS r"

    def among(self, position: int, name: str) -> str:
        """Return the condition, behind an expression, that it is one of the values of a column.

        A receipt is about one collection. SQLite has to be told: from two lists of values it expects to look
        up each pair of them, and would rather read a table of some thousand rows whole.
        """
        if self._rows == 1:
            return "= ?"
        return f"= coalesce({_marks(self._rows)})" if name == "collection" else f"IN ({_marks(self._rows)})"

    def belongs(self, version: str) -> str:
        """Return the condition that the row `c` of the records belongs to a version."""
        return f"c._id BETWEEN {version} AND substr({version}, 1, 28) || 'ffffffff'"

    def _for(self, rows: int) -> SqliteDialect:
        if rows not in self._for_rows:
            self._for_rows[rows] = SqliteDialect(self.tables, rows)
        return self._for_rows[rows]


class _Pending:
    """The pending versions, where they are few: a run leaves one or none behind each write.

    A statement with two lists of values took 40 µs to find that one of four documents is pending.

    Args:
        found: Version, collection and hash of the key, of `_FEW_PENDING` and one more at most.
    """

    def __init__(self, found: Sequence[tuple[str, str, str]]) -> None:
        self._few = len(found) <= _FEW_PENDING
        self._ids = {version for version, _, _ in found}
        self._documents = {(collection, key) for _, collection, key in found}

    def concerning(self, step: Step) -> Step:
        """Return a step that needs pending versions with those of its rows that there are any for."""
        if not self._few:
            return step
        names = [name for name, _ in step.columns]
        version = names.index("document_id")
        # without the key, a row is about its version alone
        start = names.index("collection") if "key_hash" in names else len(names)
        rows = [
            row for row in step.rows if row[version] in self._ids or row[start : start + 2] in self._documents
        ]
        return replace(step, rows=rows)


def _marks(count: int) -> str:
    return ", ".join("?" * count)
