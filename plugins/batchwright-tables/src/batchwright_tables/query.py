"""What sources of queries have in common: their options, and how rows become records."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import Field as Option
from pydantic import model_validator

from batchwright import (
    BadLine,
    ConfigError,
    DeletedRow,
    Fetched,
    Field,
    Item,
    RecordType,
    Source,
    SourceLimits,
    SourceOptions,
)
from batchwright.contracts.fields import MOST_DIGITS
from batchwright_tables.cursors import Cursor, parsed_lag
from batchwright_tables.deletion_marks import check_marks, doubt_of, is_marked
from batchwright_tables.unheld import Unheld, bad_row, has_unheld

QUERY = "query"
"""The key of the item."""

_BEHIND = 20
"""Digits behind the point of a decimal whose database gives it as many as needed; averages have 16 to 20."""


class QueryOptions(SourceOptions):
    """Options of a source that is a query.

    Attributes:
        sql: The query.
        sql_file: A file that holds it, in place of `sql`.
        key: The column that names a row: texts, whole numbers, UUIDs or dates, no two alike.
        cursor: The column by which changes are found, such as ``updated_at``; then only rows are asked for
            in which it is as high as the highest seen, or NULL, and nothing is ever taken for gone.
        lag: How far below the highest to begin, for rows that were committed late: ``90s``, ``15m``, ``1h``,
            ``7d``, or a whole number for a cursor of whole numbers.
        deleted: The column that marks rows as deleted, a boolean or a time: where it is true, or a time, the
            row is gone. It is no column of what is loaded.
    """

    sql: str | None = Option(default=None, min_length=1)
    sql_file: Path | None = None
    key: str = Option(min_length=1)
    cursor: str | None = Option(default=None, min_length=1)
    lag: str | None = None
    deleted: str | None = Option(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_query(self) -> Self:
        if (self.sql is None) == (self.sql_file is None):
            raise ValueError("give the query as sql, or the file that holds it as sql_file")
        if self.lag is not None:
            if self.cursor is None:
                raise ValueError("lag needs a cursor")
            parsed_lag(self.lag)
        return self

    @cached_property
    def query(self) -> str:
        """The query, without what may stand behind it: semicolons.

        Raises:
            ConfigError: The file can't be read.
        """
        text = self.sql
        if text is None:
            try:
                text = Path(str(self.sql_file)).expanduser().read_text("utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"sql_file: {self.sql_file} can't be read: {error}") from error
        return text.strip().rstrip("; \t\r\n")


Options = TypeVar("Options", bound=QueryOptions)


class QuerySource(Source[Options]):
    """A query: one item, which holds its rows."""

    limits = SourceLimits(at_once=1)

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.complete = options.cursor is None

    def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Iterator[Item]:
        """Yield the query, if it can be run. It is run when it is fetched, for what changed since."""
        self.probe()
        if after < QUERY and (until is None or until >= QUERY):
            yield Item(QUERY, since)

    def fetch(self, item: Item) -> Fetched:
        """Return the rows, which are read while they are iterated, in one snapshot."""
        records = Records(self._rows(item.handle), self._cursor, self.options.deleted)
        return Fetched(records, cursor=records.cursor)

    @abstractmethod
    def _rows(self, since: str | None) -> Iterator[dict[str, Any]]:
        """Yield the rows, the column that marks deleted ones among them.

        A value that can't be held is an `Unheld`.
        """

    def origin(self) -> str:
        """Return scheme, host, path and a hash of the query."""
        return f"{super().origin()}#{sha256(self.options.query.encode()).hexdigest()[:16]}"

    def collection_name(self) -> str | None:
        """Return None: a database has many queries, so theirs has to be given."""
        return None

    @cached_property
    def _cursor(self) -> Cursor | None:
        kind = self.record_type
        return None if kind is None else _cursor_of(kind.fields, self.options)


class Records:
    """The rows of a query, as records and bad lines, once.

    Args:
        rows: The rows.
        cursor: Their cursor, if there is one.
        deleted: The column that marks rows as deleted, if there is one.
    """

    def __init__(self, rows: Iterator[dict[str, Any]], cursor: Cursor | None, deleted: str | None) -> None:
        self._rows, self._cursor, self._deleted = rows, cursor, deleted
        self._highest: Any = None

    def __iter__(self) -> Iterator[Mapping[str, Any] | BadLine | DeletedRow]:
        name = None if self._cursor is None else self._cursor.field.name
        marks = None
        for row in self._rows:
            if name is not None and (value := row[name]) is not None and type(value) is not Unheld:
                self._highest = value if self._highest is None else max(self._highest, value)
            if self._deleted is not None:
                marks = marks or column_named([*row], self._deleted, "deleted")
                if reason := doubt_of(row[marks], marks):
                    yield bad_row(row, reason)
                    continue
                if is_marked(row.pop(marks)):
                    yield DeletedRow({one: value for one, value in row.items() if type(value) is not Unheld})
                    continue
            yield bad_row(row) if has_unheld([*row.values()]) else row

    def cursor(self) -> str | None:
        """Return the text of the highest value so far; None where there is none."""
        return None if self._cursor is None or self._highest is None else self._cursor.text(self._highest)


def unbounded(name: str) -> Field:
    """Return the field of a column of decimals that declares no digits."""
    return Field(name, "decimal", precision=MOST_DIGITS, scale=_BEHIND)


def record_type_of(fields: Sequence[Field], options: QueryOptions) -> RecordType:
    """Return the record type of a query's columns.

    Raises:
        ConfigError: There is no such key or cursor, or two columns have one name.
    """
    names = [field.name for field in fields]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"two columns of the query are called {twice[0]}; rename one of them with AS")
    found = _column(fields, options.key, "key")
    cursor = _cursor_of(fields, options)
    if options.deleted is not None:
        marks = _column(fields, options.deleted, "deleted")
        check_marks(marks)
        if marks is found or (cursor is not None and marks.name == cursor.field.name):
            raise ConfigError(f"deleted: {marks.name} is the key, or the cursor; name another column")
        fields = [field for field in fields if field is not marks]
    # any column may be NULL, whatever its table says: an outer join makes it so
    return RecordType(
        "rows",
        tuple(
            Field(field.name, field.type, field is not found, field.precision, field.scale)
            for field in fields
        ),
        found.name,
    )


def _cursor_of(fields: Sequence[Field], options: QueryOptions) -> Cursor | None:
    if options.cursor is None:
        return None
    return Cursor(_column(fields, options.cursor, "cursor"), options.lag)


def _column(fields: Sequence[Field], name: str, role: str) -> Field:
    """Return a column by its name, in any case where only one is meant."""
    found = column_named([field.name for field in fields], name, role)
    return next(field for field in fields if field.name == found)


def column_named(names: Sequence[str], name: str, role: str) -> str:
    """Return the name of a column as the query has it.

    Raises:
        ConfigError: There is none, or only several that differ in case.
    """
    alike = [one for one in names if one.casefold() == name.casefold()]
    if name in alike:
        return name
    if len(alike) == 1:
        return alike[0]
    raise ConfigError(f"{role}: the query has no column {name}; it has {', '.join(names)}")
