"""A query of Postgres, streamed from one snapshot by a cursor of the server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import psycopg
from psycopg import sql

from batchwright import ConfigError, RecordType
from batchwright.secrets import mask, secrets_in
from batchwright_tables.postgres_columns import Column, columns_of
from batchwright_tables.postgres_options import SCHEME, PostgresQueryOptions, parameters
from batchwright_tables.postgres_values import use_loaders
from batchwright_tables.query import QuerySource, record_type_of

_FEWEST, _MOST = 10, 2_000
"""Rows that are fetched at a time."""
_BYTES = 4 * 1024 * 1024
"""Bytes of them, about."""

_SETTINGS = (
    "SELECT set_config('DateStyle', 'ISO', true), set_config('IntervalStyle', 'iso_8601', true), "
    "set_config('TimeZone', 'UTC', true), set_config('extra_float_digits', '1', true), "
    "set_config('bytea_output', 'hex', true), "
    "set_config('cursor_tuple_fraction', '1', true)"
)
"""Values are written one way, whatever the role or database is set to; only in the transaction."""

_WRONG = ("42", "0A", "28", "3D", "3F", "25006")
"""SQLSTATEs of a query that is wrong, of a role or database that isn't there, and of one that would write."""
_ANSWER = re.compile(r"failed: \S[^:\n]{0,30}:  ")
"""A server's answer, in any language: severity, colon, two spaces."""
_PASSING = re.compile(r"starting up|shutting down|recovery mode|not accepting|too many|connection slots")


class PostgresQuery(QuerySource[PostgresQueryOptions]):
    """The rows of a query of Postgres."""

    name = "postgres_query"
    schemes = (SCHEME,)
    options_type = PostgresQueryOptions

    @cached_property
    def record_type(self) -> RecordType:
        """What the query's columns hold.

        Raises:
            ConfigError: The query is wrong, or no field can hold a column.
            ConnectionError: The server doesn't answer.
        """
        with self._snapshot() as connection:
            columns = columns_of(connection, self._query)
        return self._type_of(columns)

    def _rows(self, since: str | None) -> Iterator[dict[str, Any]]:
        with self._snapshot() as connection:
            columns = columns_of(connection, self._query)
            if self._type_of(columns) != self.record_type:
                raise ConfigError("the columns of the query have changed since the run began; run it again")
            use_loaders(connection, columns)
            names = [column.field.name for column in columns]
            for row in _fetched(connection, self._statement(columns, since)):
                yield dict(zip(names, row, strict=True))

    def probe(self) -> None:
        """Ask for the query's columns; nothing is run."""
        with self._snapshot() as connection:
            self._type_of(columns_of(connection, self._query))

    @property
    def _query(self) -> sql.Composable:
        # on lines of its own, for it may end with a comment
        return sql.SQL("(\n{}\n) AS q").format(_Verbatim(self.options.query))

    def _type_of(self, columns: Sequence[Column]) -> RecordType:
        return record_type_of([column.field for column in columns], self.options)

    def _statement(self, columns: Sequence[Column], since: str | None) -> sql.Composed:
        wanted: sql.Composable = sql.SQL("")
        if since is not None and (cursor := self._cursor) is not None:
            column = next(column for column in columns if column.field.name == cursor.field.name)
            wanted = sql.SQL(" WHERE {0}{1} >= {2} OR {0} IS NULL").format(
                column.expression,
                sql.SQL('::text COLLATE "C"' if column.field.type == "text" else ""),
                sql.Literal(cursor.first(since)),
            )
        expressions = sql.SQL(", ").join(column.expression for column in columns)
        return sql.SQL("SELECT {} FROM {}{}").format(expressions, self._query, wanted)

    @contextmanager
    def _snapshot(self) -> Iterator[psycopg.Connection[Any]]:
        """Lend a connection in a transaction that sees one moment, and can't write."""
        secrets = secrets_in(self.options.url.get_secret_value())
        try:
            connection = psycopg.Connection[Any].connect(parameters(self.options), prepare_threshold=None)
        except psycopg.Error as error:
            raise _refused(mask(" ".join(str(error).split("\n")), secrets)) from None
        try:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            connection.execute(_SETTINGS)
            yield connection
        except psycopg.Error as error:
            if connection.broken:
                said = mask(" ".join(str(error).split()), secrets)
                raise ConnectionError(f"lost the connection to Postgres: {said}") from error
            if (error.sqlstate or "").startswith(_WRONG):
                said = error.diag.message_primary or str(error)
                raise ConfigError(f"Postgres refuses the query: {mask(said, secrets)}") from error
            raise
        finally:
            connection.close()


class _Verbatim(sql.Composable):
    """The user's own SQL, as it is."""

    def __init__(self, text: str) -> None:
        super().__init__(text)

    def as_bytes(self, context: Any = None) -> bytes:
        return str(self._obj).encode()


def _refused(said: str) -> Exception:
    """Return what a failed attempt to connect means: a mistake where the server says no, else an outage."""
    if _ANSWER.search(said) and not _PASSING.search(said):
        return ConfigError(f"can't connect to Postgres: {said}; check user, password and database")
    return ConnectionError(f"can't connect to Postgres: {said}")


def _fetched(connection: psycopg.Connection[Any], statement: sql.Composed) -> Iterator[Sequence[Any]]:
    with connection.cursor("batchwright") as cursor:
        cursor.execute(statement)
        wanted = _FEWEST
        while rows := cursor.fetchmany(wanted):
            yield from rows
            result = cursor.pgresult
            if result is not None:
                wanted = max(1, min(_MOST, 2 * wanted, _BYTES // _widest(result, len(rows))))


def _widest(result: psycopg.pq.abc.PGresult, rows: int) -> int:
    """Return the bytes of the widest of a few rows."""
    return max(
        1 + sum(len(result.get_value(row, column) or b"") for column in range(result.nfields))
        for row in {0, rows // 2, rows - 1}
    )
