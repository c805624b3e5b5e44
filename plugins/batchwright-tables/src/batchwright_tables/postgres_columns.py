"""The columns of a query of Postgres: what each holds, and how it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from batchwright import ConfigError, Field
from batchwright.contracts.fields import MOST_DIGITS, FieldType
from batchwright_tables.query import unbounded

_TYPES: dict[str, FieldType] = {
    "bool": "boolean",
    "int2": "integer",
    "int4": "integer",
    "int8": "integer",
    "oid": "integer",
    "float4": "real",
    "float8": "real",
    "date": "date",
    "time": "time",
    "timestamp": "datetime",
    "timestamptz": "timestamp",
    "uuid": "uuid",
    "bytea": "bytes",
    "json": "json",
    "jsonb": "json",
}
"""Types of ``pg_catalog``; what isn't here is text, as Postgres writes it."""

_NO_TYPMOD = -1
_TYPMOD_HEAD = 4  # bytes that a typmod counts besides


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes:
        field: What it holds.
        oid: Its type as it is asked for.
        expression: How it is asked for.
    """

    field: Field
    oid: int
    expression: sql.Composable


def columns_of(connection: psycopg.Connection[Any], query: sql.Composable) -> list[Column]:
    """Return a query's columns, without running it.

    Args:
        connection: Where to ask.
        query: The query, as what can stand behind FROM.

    Raises:
        ConfigError: No field can hold a column; names it.
    """
    cursor = connection.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(query))
    result = cursor.pgresult
    assert result is not None  # noqa: S101
    names = [column.name for column in cursor.description or ()]
    found = [(result.ftype(position), result.fmod(position)) for position in range(len(names))]
    kinds = _kinds(connection, [oid for oid, _ in found])
    return [_column(name, oid, *kinds[oid], typmod) for name, (oid, typmod) in zip(names, found, strict=True)]


def _kinds(connection: psycopg.Connection[Any], oids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Return name and category of types; only names of ``pg_catalog``, for anybody may call a type so."""
    rows = connection.execute(
        sql.SQL(
            "SELECT oid::int8, CASE WHEN typnamespace = 'pg_catalog'::regnamespace OR typname = 'hstore' "
            "THEN typname ELSE '' END, typcategory::text "
            "FROM pg_type WHERE oid = ANY ({}::oid[])"
        ).format(sql.Literal(list(oids)))
    )
    return {oid: (name, category) for oid, name, category in rows}


def _column(name: str, oid: int, kind: str, category: str, typmod: int) -> Column:
    plain = sql.SQL("q.{}").format(sql.Identifier(name))
    if kind == "money":
        raise ConfigError(
            f"the column {name} is money, whose digits depend on the server's lc_monetary; "
            f"ask for {name}::numeric"
        )
    if category in "AC" or kind in ("record", "hstore"):  # arrays and rows
        return Column(Field(name, "json"), _JSONB, sql.SQL("to_jsonb({})").format(plain))
    if kind == "numeric":
        return Column(_decimal(name, typmod), oid, plain)
    if kind == "float4":  # as text it would be another number than it is
        return Column(Field(name, "real"), _FLOAT8, sql.SQL("{}::float8").format(plain))
    if kind == "bpchar":  # blanks at the end are none of the value
        return Column(Field(name, "text"), _TEXT, sql.SQL("{}::text").format(plain))
    return Column(Field(name, _TYPES.get(kind, "text")), oid, plain)


_JSONB, _FLOAT8, _TEXT = 3802, 701, 25
"""Of ``pg_type.dat``."""


def _decimal(name: str, typmod: int) -> Field:
    if typmod == _NO_TYPMOD:
        return unbounded(name)
    digits, behind = (typmod - _TYPMOD_HEAD) >> 16, (typmod - _TYPMOD_HEAD) & 0x7FF
    behind -= 2048 if behind >= 1024 else 0  # eleven bits with a sign
    scale = max(behind, 0)
    precision = max(digits - min(behind, 0), scale)
    if precision > MOST_DIGITS:
        raise ConfigError(
            f"the column {name} is numeric({digits}, {behind}); a decimal has at most {MOST_DIGITS} digits: "
            f"ask for {name}::text, or for fewer digits"
        )
    return Field(name, "decimal", precision=precision, scale=scale)
