"""How DuckDB says what the common ledger needs.

Only the receipts have a key. DuckDB uses one where a statement names a value, as the question for a receipt
does, not where it joins a list of values, as the steps of a receipt do: those look through a column, which
takes 1 to 50 ms with a million rows. And keys cost: a million rejects with keys and indexes took 290 MB,
and 37 without; before DuckDB 2, a key that was deleted can't be inserted again while anybody reads an older
state. So `claim` and `upsert` see to it that keys are unique: writers take turns, and nobody else writes
into these tables.
"""

# ruff: noqa: S608 - what goes into a statement is our own names

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import duckdb
import pyarrow as pa

from batchwright.sinkkit.sql_ledger.dialect import Dialect
from batchwright.sinkkit.sql_ledger.steps.step import Step
from batchwright.sinkkit.sql_ledger.tables import TABLES, Column


class DuckdbDialect(Dialect):
    """DuckDB's SQL.

    A statement costs about 1 ms, so it is one a step: all rows of its values are an Arrow table, which
    DuckDB finds as a variable of the caller. A list as a parameter takes 100 times as long in DuckDB 1.4.
    """

    types: ClassVar = {"text": "VARCHAR", "id": "VARCHAR", "integer": "BIGINT"}
    keyed = frozenset({"receipts"})

    def carry_out(self, connection: duckdb.DuckDBPyConnection, steps: Iterable[Step]) -> None:
        """Carry out steps in the transaction that is open, all rows of one at once.

        Raises:
            IncompleteDocument: As a guard found; the transaction is to be rolled back.
        """
        for step in steps:
            if statement := self.statement(step):
                batchwright_values = _table(step.columns, step.rows)  # noqa: F841 - the statement names it
                found = connection.execute(statement).fetchall()
                if step.kind in ("guard", "count") and found:
                    raise step.wrong(*found[0])

    def fetch(
        self,
        connection: duckdb.DuckDBPyConnection,
        text: str,
        columns: Sequence[Column],
        rows: Iterable[Sequence[Any]],
    ) -> list[tuple[Any, ...]]:
        """Return what a query with ``{rows}`` finds for all rows of values."""
        batchwright_values = _table(columns, rows)  # noqa: F841 - the statement names it
        return connection.execute(self.fill(text, columns)).fetchall()

    def values(self, columns: Sequence[Column]) -> str:
        """Return the Arrow table with the values: DuckDB looks for a variable of the caller."""
        return "batchwright_values AS r"

    def among(self, position: int, name: str) -> str:
        """Return the condition, behind an expression, that it is one of the values of a column."""
        return f"IN (SELECT among.{name} FROM batchwright_values AS among)"

    def insert(self, table: str, query: str) -> str:
        """Return the statement that puts the rows of a query into a table."""
        return f"INSERT INTO {{{table}}} BY NAME {query}"

    def claim(self, table: str, query: str) -> str:
        """Return the statement that puts the rows of a query into a table where their key isn't there."""
        key = TABLES[table].key
        distinct = ", ".join(f"q.{name}" for name in key)
        same = " AND ".join(f"t.{name} = q.{name}" for name in key)
        return (
            f"INSERT INTO {{{table}}} BY NAME SELECT DISTINCT ON ({distinct}) q.* FROM ({query}) AS q "
            f"WHERE NOT EXISTS (SELECT 1 FROM {{{table}}} AS t WHERE {same})"
        )

    def upsert(self, table: str, query: str) -> str:
        """Return two statements, since ON CONFLICT needs a key: the rows that are replaced go first."""
        same = " AND ".join(f"t.{name} = q.{name}" for name in TABLES[table].key)
        return (
            f"DELETE FROM {{{table}}} AS t USING ({query}) AS q WHERE {same}; "
            f"INSERT INTO {{{table}}} BY NAME {query}"
        )

    def update(self, table: str, query: str) -> str:
        """Return the statement that puts rows of a table, as a query changed them, in their own places."""
        key, names = TABLES[table].key, TABLES[table].names
        changes = ", ".join(f"{name} = q.{name}" for name in names if name not in key)
        same = " AND ".join(f"t.{name} = q.{name}" for name in key)
        return f"UPDATE {{{table}}} AS t SET {changes} FROM ({query}) AS q WHERE {same}"

    def belongs(self, version: str) -> str:
        """Return the condition that the row `c` of the records belongs to a version."""
        return f"c._document_id = TRY_CAST({version} AS UUID)"

    def remove(self, versions: str) -> str:
        """Return the statement that deletes the rows of the versions that a query yields."""
        return (
            f"DELETE FROM {{records}} WHERE _document_id IN "
            f"(SELECT TRY_CAST(v.document_id AS UUID) FROM ({versions}) AS v)"
        )

    def read(self, column: str, kind: str) -> str:
        """Return the expression that reads a column; the ids of the records are of DuckDB's own type."""
        return f"CAST({column} AS VARCHAR)" if kind == "id" else column


def _table(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> pa.Table:
    values = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in columns]
    arrays = [
        pa.array(column, pa.int64() if kind == "integer" else pa.string())
        for column, (_, kind) in zip(values, columns, strict=True)
    ]
    return pa.table(arrays, names=[name for name, _ in columns])
