"""How SQLite says what the steps of a receipt need."""

# ruff: noqa: S608 - what goes into a statement besides parameters are our own names

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from batchwright.sinkkit.sql_ledger.dialect import Dialect
from batchwright.sinkkit.sql_ledger.steps.step import Step
from batchwright.sinkkit.sql_ledger.tables import Column

_MOST = 64  # rows of values a statement: times the columns less than 999, the most parameters before 3.32
_FEW = 16  # below which there is a text for each number of rows
_REMOVE = "DELETE FROM {records} WHERE _id BETWEEN ? AND ?"


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
        """Keep the rows in the key's index; those of `runs` are in the order of their insertion as well."""
        return "" if suffix == "runs" else " WITHOUT ROWID"

    def carry_out(self, connection: sqlite3.Connection, steps: Iterable[Step]) -> None:
        """Carry out steps in the transaction that is open.

        Plain inserts and deletes go row by row, which takes 0.6 µs. A statement with a subquery takes 3 µs:
        it is executed for many rows of values at once. Rows of records go by a statement a version. One with
        a subquery or a function in it took ten times as long: before each page that it changes SQLite makes
        a copy, to undo the statement alone if it fails.

        Raises:
            IncompleteDocument: As a guard found; the transaction is to be rolled back.
        """
        for step in steps:
            if step.table or "SELECT" not in step.text:
                super().carry_out(connection, [step])
            elif self.statement(step):
                found = self.fetch(connection, step.text, step.columns, step.rows)
                if found and step.kind in ("guard", "count"):
                    raise step.wrong(*found[0])
                if found and step.kind == "remove":
                    ranges = [(version, f"{version[:28]}ffffffff") for (version,) in found]
                    connection.executemany(self.fill(_REMOVE), ranges)

    def fetch(
        self,
        connection: sqlite3.Connection,
        text: str,
        columns: Sequence[Column],
        rows: Iterable[Sequence[Any]],
    ) -> list[tuple[Any, ...]]:
        """Return what a query finds for all rows of values: 64, 32 or 16 of them a statement, and the rest.

        There are few texts in this way, and the connection keeps them prepared.
        """
        found: list[tuple[Any, ...]] = []
        rest = list(rows)
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


def _marks(count: int) -> str:
    return ", ".join("?" * count)
