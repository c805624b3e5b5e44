"""A query of Postgres, streamed from one snapshot by a cursor of the server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import psycopg
from psycopg import sql

from batchwright import ConfigError, Item, RecordType
from batchwright.secrets import mask, secrets_in
from batchwright_tables.postgres_columns import Column, as_key, columns_of, in_code_points
from batchwright_tables.postgres_options import SCHEME, PostgresQueryOptions, parameters
from batchwright_tables.postgres_values import use_loaders
from batchwright_tables.query import QuerySource, items_of, record_type_of

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
    """The rows of a query, sorted by their key on the server."""

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

    def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Iterator[Item]:
        """Yield an item for each row."""
        kind = self.record_type
        with self._snapshot() as connection:
            found = columns_of(connection, self._query)
            if self._type_of(found) != kind:
                raise ConfigError("the columns of the query have changed since the run began; run it again")
            columns = [as_key(column) if column.field.name == kind.key else column for column in found]
            statement = self._statement(connection, columns, after, until, since)
            use_loaders(connection, columns, _encoding(connection))
            yield from items_of(kind, _rows(connection, statement))

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

    def _statement(
        self,
        connection: psycopg.Connection[Any],
        columns: Sequence[Column],
        after: str,
        until: str | None,
        since: str | None,
    ) -> sql.Composed:
        kind = self.record_type
        by_name = {column.field.name: column for column in columns}
        key = in_code_points(by_name[kind.key], _encoding(connection))
        wanted: list[sql.Composable] = []
        if after:
            wanted.append(sql.SQL("{} > {}").format(key, _key_literal(after, connection)))
        if until is not None:
            up_to = sql.SQL("{} <= {}").format(key, _key_literal(until, connection))
            wanted.append(up_to if after else sql.SQL("({} OR {} IS NULL)").format(up_to, key))
        if since is not None and self.options.cursor is not None:
            column = by_name[self._cursor.field.name]
            textual = sql.SQL('::text COLLATE "C"' if column.field.type == "text" else "")
            first = sql.Literal(self._cursor.first(since))
            wanted.append(sql.SQL("({0}{1} >= {2} OR {0} IS NULL)").format(column.expression, textual, first))
        return sql.SQL("SELECT {} FROM {}{} ORDER BY {} NULLS FIRST").format(
            sql.SQL(", ").join(column.expression for column in columns),
            self._query,
            sql.SQL(" WHERE ") + sql.SQL(" AND ").join(wanted) if wanted else sql.SQL(""),
            key,
        )

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


def _encoding(connection: psycopg.Connection[Any]) -> str:
    return connection.info.parameter_status("server_encoding") or "UTF8"


def _key_literal(key: str, connection: psycopg.Connection[Any]) -> sql.Composable:
    if _encoding(connection) in ("UTF8", "SQL_ASCII"):
        return sql.Literal(key)
    return sql.Literal(key.encode("utf-8", "surrogatepass"))


def _rows(connection: psycopg.Connection[Any], statement: sql.Composed) -> Iterator[Sequence[Any]]:
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
