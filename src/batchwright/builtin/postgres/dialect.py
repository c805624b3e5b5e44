"""Postgres' SQL for the ledger: one statement a step, for all its rows of values at once."""

# ruff: noqa: S608 - what is put together here are our own names

from __future__ import annotations

import itertools
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, ClassVar

from psycopg import errors

from batchwright.builtin.postgres.encoding import (
    INT8,
    NULL,
    TEXT,
    UUID,
    BinaryArray,
    ColumnType,
    array,
    big_integer,
    big_integers,
    text_field,
    texts,
    uuid_field,
    uuids,
)
from batchwright.builtin.postgres.narrow import ServerEncoding
from batchwright.builtin.postgres.opening import LETTING_GO
from batchwright.builtin.postgres.pipeline import Statement
from batchwright.sinkkit.sql_ledger.dialect import Dialect
from batchwright.sinkkit.sql_ledger.steps.columns import columns_of
from batchwright.sinkkit.sql_ledger.steps.step import Step
from batchwright.sinkkit.sql_ledger.tables import TABLES, Column

_TAG = "batchwright guard"
_SMALL = 256  # values, and characters of a text, up to which an array is kept
_HEAD = 512  # characters of at most 4 bytes
_JSON = json.JSONDecoder()

_ENCODERS: Mapping[str, tuple[ColumnType, Callable[[Iterable[Any]], list[bytes]], Callable[[Any], bytes]]] = {
    "text": (TEXT, texts, text_field),
    "id": (UUID, uuids, uuid_field),
    "integer": (INT8, big_integers, big_integer),
}

# The locks make a statement's order of work matter, and the tables grow by a factor of thousands while a
# run loads them for the first time: statistics are old or missing just then. So nothing is left to
# estimates. Every statement of the ledger looks its few rows up by an index, row by row. For all values that
# is the same plan, but the server would take one made for just these values to be cheaper, and make it anew
# each time, which takes several times as long as carrying it out.
_OFF = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_material", "jit")
_PLANNING = {**dict.fromkeys(_OFF, "off"), "plan_cache_mode": "force_generic_plan"}
_PLANS = [f"set_config('{name}', '{value}', true)" for name, value in _PLANNING.items()]

_SETTINGS = ", ".join([*_PLANS, LETTING_GO])


class PostgresDialect(Dialect):
    """Values come as arrays in binary form, guards are errors of the server, and rows are locked.

    Args:
        tables: As for every dialect.
        encoding: The database's.
    """

    types: ClassVar[Mapping[str, str]] = {"text": 'text COLLATE "C"', "id": "uuid", "integer": "bigint"}
    locks: ClassVar[bool] = True

    def __init__(self, tables: Mapping[str, str], encoding: ServerEncoding | None = None) -> None:
        super().__init__(tables)
        self.encoding = encoding or ServerEncoding()

    def carry_out(self, connection: Any, steps: Iterable[Step]) -> None:
        """Carry out steps in the transaction that is open.

        Raises:
            IncompleteDocument: As a guard found; the transaction is to be rolled back.
        """
        known = self.encoding.kept([*steps])
        with self.explaining(known):
            for text, values in self.statements(known):
                connection.execute(text, values)

    def statements(self, steps: Iterable[Step]) -> Iterator[Statement]:
        """Yield the statements of the steps, with their parameters."""
        for step in steps:
            if text := self.statement(step):
                yield text.encode(), arrays(step.columns, step.rows)

    @contextmanager
    def explaining(self, steps: Sequence[Step]) -> Iterator[None]:
        """Turn the error of a guard among the steps into the exception that it stands for."""
        try:
            yield
        except errors.InvalidTextRepresentation as error:
            _, ours, said = (error.diag.message_primary or "").partition(_TAG)
            if not ours:
                raise
            tag, _, row = said.strip().partition(" ")
            wrong = next(step.wrong for step in steps if _tag(step.text) == tag)
            # Not "from error": its SQLSTATE, of bad data, is only what carries the guard's words.
            raise wrong(*_JSON.raw_decode(row)[0].values()) from None

    def fetch(
        self, connection: Any, text: str, columns: Sequence[Column], rows: Iterable[Sequence[Any]]
    ) -> list[tuple[Any, ...]]:
        """Return what a query with ``{rows}`` finds for all rows of values."""
        found = connection.execute(self.fill(text, columns), arrays(columns, list(rows)))
        return list(found.fetchall())

    def fill(self, text: str, columns: Sequence[Column] = ()) -> str:
        """Return a statement with the tables' names, the values and the count in their places."""
        numbers = itertools.count(1)
        return super().fill(re.sub(r"\?", lambda _: f"${next(numbers)}", text), columns)

    def values(self, columns: Sequence[Column]) -> str:
        """Return the arrays as a table."""
        return f"({self.all(columns)}) AS r"

    def all(self, columns: Sequence[Column]) -> str:
        """Return the query of the values. In a FROM, `unnest` would make a table for each column first."""
        return "SELECT " + ", ".join(f"unnest(${n}) AS {name}" for n, (name, _) in enumerate(columns, 1))

    def among(self, position: int, name: str) -> str:
        """Return the condition, behind an expression, that it is one of the values of a column."""
        return f"= ANY (${position})"

    def overwrite(self, table: str, query: str) -> str:
        """Return the statement that gives claimed rows the values of a query; new ones have them already."""
        return self.update(table, query)

    def update(self, table: str, query: str) -> str:
        """Return the statement that puts rows of a table, as a query changed them, in their own places."""
        key, names = TABLES[table].key, TABLES[table].names
        changed = [name for name in names if name not in key]
        changes = ", ".join(f"{name} = v.{name}" for name in changed)
        old, new = (", ".join(f"{of}.{name}" for name in changed) for of in "tv")
        same = " AND ".join(f"t.{name} = v.{name}" for name in key)
        return (
            f"UPDATE {{{table}}} AS t SET {changes} FROM ({query}) AS v "
            f"WHERE {same} AND ({old}) IS DISTINCT FROM ({new})"
        )

    def guard(self, query: str) -> str:
        """Return a statement that fails with the row that the query yields, if it yields one."""
        # The text depends on the row, so the planner can't work it out, and fail, beforehand.
        return f"SELECT ('{_TAG} {_tag(query)} ' || row_to_json(w)::text)::int FROM ({query}) AS w"

    def opening(self, query: str, *, shared: bool) -> str:
        """Return what opens a write: it locks collections, and says how to plan, and when to give up."""
        return f"SELECT {_SETTINGS} FROM ({super().opening(query, shared=shared)}) AS s"

    def clock(self) -> str:
        """Return the expression for the server's time, in milliseconds."""
        return "(1000 * extract(epoch FROM clock_timestamp()))::bigint"

    def belongs(self, version: str) -> str:
        """Return the condition that the row `c` of the records belongs to a version: a range of ids."""
        return f"c._id BETWEEN {version} AND (left({version}::text, 28) || 'ffffffff')::uuid"

    def remove(self, versions: str) -> str:
        """Return the statement that deletes the rows of the versions that a query yields."""
        return f"DELETE FROM {{records}} AS c USING ({versions}) AS v WHERE {self.belongs('v.document_id')}"

    def head(self, key: str) -> str:
        """Return what an index takes of a key: with the name of a collection less than 2,700 bytes."""
        return f"left({key}, {_HEAD})"

    def held(self, text: str) -> str:
        """Return a key, or a place, as the tables have it."""
        return self.encoding.held(text)

    def exact(self, text: str) -> str:
        """Return the text that `held` made this of."""
        return self.encoding.exact(text)

    def read(self, column: str, kind: str) -> str:
        """Return the expression that reads a column as text, an `int` or None."""
        return f"{column}::text" if kind == "id" else column


def arrays(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> list[BinaryArray]:
    """Return rows of values as the arrays of their columns.

    Raises:
        ValueError: A value is none that Postgres can store.
    """
    return [
        array_of(kind, values)
        for (_, kind), values in zip(columns, columns_of(rows, len(columns)), strict=True)
    ]


def array_of(kind: str, values: Sequence[Any]) -> BinaryArray:
    """Return the values of a column of the ledger as an array. Raises as `arrays`."""
    count, first = len(values), values[0] if values else None
    if values.count(first) == count:  # as in most columns of a receipt, or its only row
        is_small = count <= _SMALL and (kind != "text" or len(first or "") <= _SMALL)
        return (_repeated if is_small else _repeat)(kind, first, count)
    type_, encode, _ = _ENCODERS[kind]
    if None not in values:
        return array(type_, encode(values))
    known = iter(encode(value for value in values if value is not None))
    return array(type_, [NULL if value is None else next(known) for value in values], nullable=True)


def _repeat(kind: str, value: Any, count: int) -> BinaryArray:
    """Return an array of one value."""
    type_, _, encode_one = _ENCODERS[kind]
    return array(type_, [NULL if value is None else encode_one(value)] * count, nullable=value is None)


_repeated = lru_cache(maxsize=64)(_repeat)
"""Does so, and keeps it: most of those of a receipt are those of the last one."""


def _tag(query: str) -> str:
    return f"{zlib.crc32(query.encode()):08x}"
