"""A query of any database that has a DB-API 2.0 driver, streamed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from itertools import islice
from typing import Any

from pydantic import Field as Option

from batchwright import ConfigError, RecordType
from batchwright.secrets import describe, secrets_in
from batchwright_tables.cursors import Cursor
from batchwright_tables.dbapi_drivers import connect, load_driver, placeholder
from batchwright_tables.dbapi_values import Values, field_of
from batchwright_tables.query import QueryOptions, QuerySource, column_named, record_type_of

_ROWS = 500
"""Rows that are fetched at a time."""


class DbapiQueryOptions(QueryOptions):
    """Options of a query through a DB-API driver.

    Attributes:
        driver: The driver's module, such as ``sqlite3``, ``duckdb``, ``pymysql``, ``oracledb``.
        connect: Arguments of its ``connect``, beside what the URL says.
        sample: The first rows, in whose values the types of the columns are found.
    """

    driver: str = Option(min_length=1)
    connect: Mapping[str, Any] = Option(default={}, repr=False)
    sample: int = Option(default=1_000, ge=1, le=100_000)


class DbapiQuery(QuerySource[DbapiQueryOptions]):
    """The rows of a query of any database with a driver."""

    name = "dbapi_query"
    schemes = ("dbapi+query",)
    options_type = DbapiQueryOptions

    @cached_property
    def record_type(self) -> RecordType:
        """What the first rows hold.

        Raises:
            ConfigError: There is no such driver or column, or no field can hold one.
        """
        query = self.options.query
        with self._run(query) as (names, rows):
            first = [*islice(rows, self.options.sample)]
        columns = zip(*first, strict=True) if first else iter([()] * len(names))
        fields = [field_of(name, values) for name, values in zip(names, columns, strict=True)]
        return record_type_of(fields, self.options)

    def _rows(self, since: str | None) -> Iterator[dict[str, Any]]:
        kind = self.record_type
        query, values = self.options.query, None
        if since is not None and (cursor := self._cursor) is not None:
            query, values = self._since(query, cursor, since)
        with self._run(query, values) as (names, rows):
            marks = None
            if (deleted := self.options.deleted) is not None:
                marks = names.index(column_named(names, deleted, "deleted"))
            held = [name for place, name in enumerate(names) if place != marks]
            if tuple(held) != kind.names:
                raise ConfigError("the columns of the query have changed since the run began; run it again")
            if marks is None:
                for row in Values(kind.fields).of(rows):
                    yield dict(zip(names, row, strict=True))
                return
            mark: list[Any] = [None]  # of the row that is under way
            for row in Values(kind.fields).of(_without(rows, marks, mark)):
                yield {**dict(zip(held, row, strict=True)), names[marks]: mark[0]}

    def probe(self) -> None:
        """Connect; there is no cheap question that all databases understand."""
        url = self.options.url.get_secret_value()
        connect(load_driver(self.options.driver), url, self.options.connect).close()

    def _since(self, query: str, cursor: Cursor, since: str) -> tuple[str, Any]:
        name = cursor.field.name
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ConfigError(f"cursor: rename {name} with AS: databases differ in how such a name is quoted")
        query, mark, values = placeholder(load_driver(self.options.driver), query, cursor.first(since))
        # Oracle knows no AS before the name of a subquery
        return f"SELECT * FROM (\n{query}\n) q WHERE q.{name} >= {mark} OR q.{name} IS NULL", values  # noqa: S608

    @contextmanager
    def _run(self, query: str, values: Any = None) -> Iterator[tuple[Sequence[str], Iterator[Sequence[Any]]]]:
        """Run a query; lend the names of its columns, and its rows."""
        url = self.options.url.get_secret_value()
        driver = load_driver(self.options.driver)
        try:
            with (
                closing(connect(driver, url, self.options.connect)) as connection,
                closing(connection.cursor()) as cursor,
            ):
                cursor.execute(query, *(() if values is None else (values,)))
                if cursor.description is None:
                    raise ConfigError("the query returns no rows")
                yield [column[0] for column in cursor.description], _fetched(cursor)
        except driver.ProgrammingError as error:
            said = describe(error, (*secrets_in(url), *map(str, self.options.connect.values())))
            raise ConfigError(f"{self.options.driver} refuses the query: {said}") from error


def _without(rows: Iterator[Sequence[Any]], place: int, value: list[Any]) -> Iterator[Sequence[Any]]:
    """Yield rows without a column, whose value is put aside."""
    for row in rows:
        value[0] = row[place]
        yield (*row[:place], *row[place + 1 :])


def _fetched(cursor: Any) -> Iterator[Sequence[Any]]:
    while rows := cursor.fetchmany(_ROWS):
        yield from rows
