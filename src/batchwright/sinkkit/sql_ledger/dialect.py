"""How one database says what the steps of a receipt need; by default plain SQL with ``?`` for a value."""

# ruff: noqa: S608 - what goes into a statement besides parameters are our own names

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from batchwright.sinkkit.sql_ledger.steps.step import Step
from batchwright.sinkkit.sql_ledger.tables import TABLES, Column


class Dialect:
    """One database's SQL, for tables of certain names.

    Args:
        tables: The quoted names of the ledger's tables by suffix (documents, pending …), and as `records`
            that of the table with the rows, where it is in the same database.

    Attributes:
        types: The database's types by those of columns.
        locks: Whether several transactions write at the same time, so that rows have to be locked.
        keyed: The tables that get keys and indexes, by suffix. In others `insert` and `upsert` can't rely
            on them.
        inserting: What a statement that inserts begins with.
    """

    types: ClassVar[Mapping[str, str]] = {"text": "TEXT", "id": "TEXT", "integer": "INTEGER"}
    locks: ClassVar[bool] = False
    keyed: ClassVar[Collection[str]] = TABLES.keys()
    inserting: ClassVar[str] = "INSERT"

    def __init__(self, tables: Mapping[str, str]) -> None:
        self.tables = dict(tables)
        self._known: dict[tuple[str, str, str], str] = {}
        self._filled: dict[tuple[str, tuple[Column, ...]], str] = {}

    def definitions(self) -> dict[str, str]:
        """Return the statements that create the tables of a ledger and their indexes, by suffix."""
        made: dict[str, str] = {}
        for suffix, table in TABLES.items():
            keyed = suffix in self.keyed
            unique = dict.fromkeys(table.unique, " UNIQUE") if keyed else {}
            columns = [
                f"{name} {self.types[kind]}"
                + ("" if name in table.nullable else " NOT NULL")
                + unique.get(name, "")
                for name, kind in table.columns
            ]
            if keyed:
                columns.append(f"PRIMARY KEY ({', '.join(table.key)})")
            name = self.tables[suffix]
            made[suffix] = f"CREATE TABLE IF NOT EXISTS {name} ({', '.join(columns)}){self.ending(suffix)}"
            for index, over in table.indexes.items() if keyed else ():
                indexed = f"{suffix}_{index}"
                parts = (self.head(column) if column == "key" else column for column in over)
                made[indexed] = (
                    f"CREATE INDEX IF NOT EXISTS {self.tables[indexed]} ON {name} ({', '.join(parts)})"
                )
        return made

    def statement(self, step: Step) -> str:
        """Return the statement of a step, empty where there is nothing to do."""
        key = (step.kind, step.table, step.text)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self.fill(self._text(step), step.columns)
        return known

    def fill(self, text: str, columns: Sequence[Column] = ()) -> str:
        """Return a statement with the tables' names, the values and the count in their places."""
        key = (text, tuple(columns))
        filled = self._filled.get(key)
        if filled is None:
            count = self.count("r.document_id") if "records" in self.tables else "0"
            named = enumerate((name for name, _ in columns), 1)
            among = {f"in_{name}": self.among(position, name) for position, name in named}
            rows, all_ = self.values(columns), self.all(columns)
            belongs = self.belongs("r.document_id")
            given = {"rows": rows, "all": all_, "count": count, "belongs": belongs, **among}
            filled = text.format(**given, **self.tables)
            self._filled[key] = filled
        return filled

    def _text(self, step: Step) -> str:
        match step.kind:
            case "lock":
                return self.locking(step.text)
            case "share" | "exclusive":
                return self.opening(step.text, shared=step.kind == "share")
            case "claim":
                return self.claim(step.table, step.text)
            case "insert":
                return self.insert(step.table, step.text)
            case "overwrite":
                return self.overwrite(step.table, step.text)
            case "upsert":
                return self.upsert(step.table, step.text)
            case "update":
                return self.update(step.table, step.text)
            case "remove" | "count" if "records" not in self.tables:
                return ""
            case "remove":
                return self.remove(step.text)
            case "guard" | "count":
                return self.guard(step.text)
        return step.text

    def carry_out(self, connection: Any, steps: Iterable[Step]) -> None:
        """Carry out steps in the transaction that is open, a statement a row of values.

        Raises:
            IncompleteDocument: As a guard found; the transaction is to be rolled back.
        """
        for step in steps:
            statement = self.statement(step)
            if not statement:
                continue
            if step.kind not in ("guard", "count"):
                connection.executemany(statement, step.rows)
                continue
            for row in step.rows:
                if wrong := connection.execute(statement, row).fetchall():
                    raise step.wrong(*wrong[0])

    def fetch(
        self, connection: Any, text: str, columns: Sequence[Column], rows: Iterable[Sequence[Any]]
    ) -> list[tuple[Any, ...]]:
        """Return what a query with ``{rows}`` finds for all rows of values."""
        statement = self.fill(text, columns)
        return [found for row in rows for found in connection.execute(statement, row).fetchall()]

    # --- what databases say differently -------------------------------------------------------------

    def values(self, columns: Sequence[Column]) -> str:
        """Return the table `r` of values, as it stands in a FROM; by default it is one row of parameters."""
        return f"(SELECT {', '.join(f'? AS {name}' for name, _ in columns)}) AS r"

    def all(self, columns: Sequence[Column]) -> str:
        """Return the query of the values, in their order, which is that of the locks."""
        # without WHERE, SQLite takes ON CONFLICT for a join's ON
        return f"SELECT r.* FROM {self.values(columns)} WHERE true"

    def among(self, position: int, name: str) -> str:
        """Return the condition, behind an expression, that it is one of the values of a column.

        Args:
            position: The column's, from 1.
            name: Its name.
        """
        return "= ?"

    def claim(self, table: str, query: str) -> str:
        """Return the statement that puts a query's rows into a table, and locks those whose key is there."""
        key, names = TABLES[table].key, TABLES[table].names
        # An update locks its row whether it changes it or not.
        there = f"DO UPDATE SET {key[0]} = excluded.{key[0]} WHERE false" if self.locks else "DO NOTHING"
        into = f"{self.inserting} INTO {{{table}}} ({', '.join(names)}) {query}"
        return f"{into} ON CONFLICT ({', '.join(key)}) {there}"

    def insert(self, table: str, query: str) -> str:
        """Return the statement that puts the rows of a query into a table."""
        return f"{self.inserting} INTO {{{table}}} ({', '.join(TABLES[table].names)}) {query}"

    def overwrite(self, table: str, query: str) -> str:
        """Return the statement that puts the rows of a query into a table, over those that were claimed."""
        return self.upsert(table, query)

    def upsert(self, table: str, query: str) -> str:
        """Return the statement that puts the rows of a query into a table, over those with the same key."""
        key, names = TABLES[table].key, TABLES[table].names
        changes = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key)
        into = f"{self.inserting} INTO {{{table}}} ({', '.join(names)}) {query}"
        return f"{into} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"

    def update(self, table: str, query: str) -> str:
        """Return the statement that puts rows of a table, as a query changed them, in their own places."""
        return self.upsert(table, query)

    def guard(self, query: str) -> str:
        """Return the statement of a guard; by default its query, whose rows `carry_out` looks at."""
        return query

    def belongs(self, version: str) -> str:
        """Return the condition that the row `c` of the records belongs to a version."""
        return f"c._document_id = {version}"

    def remove(self, versions: str) -> str:
        """Return the statement that deletes the rows of the versions that a query yields."""
        rows = f"SELECT c._id FROM ({versions}) AS v CROSS JOIN {{records}} AS c"
        return f"DELETE FROM {{records}} WHERE _id IN ({rows} WHERE {self.belongs('v.document_id')})"

    def count(self, version: str) -> str:
        """Return an expression for how many rows of a version are stored."""
        return f"(SELECT count(*) FROM {self.tables['records']} AS c WHERE {self.belongs(version)})"

    def head(self, key: str) -> str:
        """Return the expression for what an index takes of a document's key; by default all of it."""
        return key

    def held(self, text: str) -> str:
        """Return a key, or a place, as the tables have it; by default as it is.

        The database has to sort what this returns as Python sorts the texts, by code point.
        """
        return text

    def exact(self, text: str) -> str:
        """Return the text that `held` made this of."""
        return text

    def read(self, column: str, kind: str) -> str:
        """Return the expression that reads a column as text, an `int` or None."""
        return column

    def locking(self, query: str) -> str:
        """Return the query so that it locks the rows it returns until the transaction ends."""
        return f"{query} FOR UPDATE"

    def opening(self, query: str, *, shared: bool) -> str:
        """Return what opens a write: the query, so that it locks collections, shared or not."""
        return f"{query} FOR SHARE" if shared else self.locking(query)

    def clock(self) -> str:
        """Return the expression for the time now, in whole milliseconds since whenever.

        By default it is the time of this process: right where all processes are on one machine.
        """
        return str(time.time_ns() // 1_000_000)

    def ending(self, kind: str) -> str:
        """Return what stands behind a table's definition."""
        return ""
