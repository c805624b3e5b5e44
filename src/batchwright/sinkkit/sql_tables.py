"""The tables of a sink in SQL, made from a record type: the rows, the published view, and the ledger's."""

# ruff: noqa: S608 - what goes into a statement besides parameters are names, quoted

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batchwright.contracts.fields import Field, FieldType
from batchwright.contracts.records import RecordType
from batchwright.contracts.rows import Placed, ids_of
from batchwright.model import version_of
from batchwright.sinkkit.columns import TEXT_FORMS, Form, ValueLimits, columns_of
from batchwright.sinkkit.record_changes import META_KEY, added_fields, extended
from batchwright.sinkkit.sql_ledger.dialect import Dialect
from batchwright.sinkkit.sql_ledger.tables import INDEXES, LAYOUT, TABLES

FIELD_TYPES: Mapping[FieldType, str] = {
    "text": "TEXT",
    "integer": "INTEGER",
    "real": "REAL",
    "decimal": "TEXT",
    "boolean": "INTEGER",
    "date": "TEXT",
    "time": "TEXT",
    "datetime": "TEXT",
    "timestamp": "TEXT",
    "uuid": "TEXT",
    "bytes": "BLOB",
    "json": "TEXT",
}
"""The columns' types in a database that has texts, numbers and bytes only; `columns.TEXT_FORMS` fit them."""


def table_names(table: str) -> dict[str, str]:
    """Return the quoted names of a sink's tables and indexes by suffix, as a `Dialect` takes them.

    Args:
        table: What the names begin with, and the name of the published view.
    """
    return {suffix: quoted(f"{table}_{suffix}") for suffix in (*TABLES, *INDEXES, "records")}


def quoted(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def for_format(name: str) -> str:
    """Return an identifier as it stands in a text that `str.format` or `Dialect.fill` still goes over."""
    return name.replace("{", "{{").replace("}", "}}")


def column_of(field: Field) -> str:
    """Return the definition of a field's column."""
    return f"{quoted(field.name)} {FIELD_TYPES[field.type]}{'' if field.nullable else ' NOT NULL'}"


def create_statements(dialect: Dialect, record_type: RecordType, view: str) -> Iterator[str]:
    """Yield the statements that create what is missing; they change nothing that is there.

    Args:
        dialect: The names, the types.
        record_type: What the rows hold.
        view: The name of the published view.
    """
    yield from dialect.definitions().values()
    records, kind = dialect.tables["records"], dialect.types["id"]
    columns = [f"_id {kind} NOT NULL PRIMARY KEY", f"_document_id {kind} NOT NULL"]
    columns += map(column_of, record_type.fields)
    yield f"CREATE TABLE IF NOT EXISTS {records} ({', '.join(columns)})"
    by_version = quoted(f"{view}_records_by_document")
    yield f"CREATE INDEX IF NOT EXISTS {by_version} ON {records} (_document_id)"
    yield view_statement(dialect, record_type, view)
    yield f"INSERT INTO {dialect.tables['meta']} VALUES ('layout', '{LAYOUT}') ON CONFLICT DO NOTHING"
    kept = record_type.as_json().replace("'", "''")
    yield f"INSERT INTO {dialect.tables['meta']} VALUES ('{META_KEY}', '{kept}') ON CONFLICT DO NOTHING"


def view_statement(dialect: Dialect, record_type: RecordType, view: str) -> str:
    """Return the statement that creates the published view: the engine's columns first, then the fields."""
    own = (f"c._id AS {record_type.id_column}", f"d.collection AS {record_type.collection_column}")
    shown = ", ".join([*own, *(f"c.{quoted(name)}" for name in record_type.names)])
    documents, records = dialect.tables["documents"], dialect.tables["records"]
    return (
        f"CREATE VIEW IF NOT EXISTS {quoted(view)} AS SELECT {shown} FROM {records} AS c "
        f"JOIN {documents} AS d ON d.document_id = c._document_id"
    )


def stored_type(connection: Any, dialect: Dialect) -> RecordType | None:
    """Return the record type that the tables were made for; None where that isn't kept."""
    query = f"SELECT value FROM {dialect.tables['meta']} WHERE key = '{META_KEY}'"
    found = connection.execute(query).fetchall()
    return RecordType.from_json(found[0][0]) if found else None


def adapt(connection: Any, dialect: Dialect, wanted: RecordType, view: str) -> None:
    """Add the fields that tables which are there lack, in the transaction that is open.

    Raises:
        ConfigError: The tables were made for another record type, and more than nullable fields is new.
    """
    stored = stored_type(connection, dialect)
    added = added_fields(stored, wanted, view) if stored else ()
    if stored is None or not added:
        return
    for statement in adding_statements(dialect, extended(stored, added), added, view):
        connection.execute(statement)


def adding_statements(
    dialect: Dialect, record_type: RecordType, added: Sequence[Field], view: str
) -> Iterator[str]:
    """Yield the statements that add fields to tables that are there.

    Args:
        dialect: The names.
        record_type: What the tables hold then.
        added: The fields that are new.
        view: The name of the published view.
    """
    for field in added:
        yield f"ALTER TABLE {dialect.tables['records']} ADD COLUMN {column_of(field)}"
    yield f"DROP VIEW {quoted(view)}"
    yield view_statement(dialect, record_type, view)
    kept = record_type.as_json().replace("'", "''")
    yield f"UPDATE {dialect.tables['meta']} SET value = '{kept}' WHERE key = '{META_KEY}'"


def upsert_statement(dialect: Dialect, record_type: RecordType) -> str:
    """Return the statement that stores a row, in place of one with the same id that differs."""
    records, names = dialect.tables["records"], _names(record_type)
    changes = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
    values = f"({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
    return f"INSERT INTO {records} {values} ON CONFLICT (_id) DO UPDATE SET {changes}"


def rows_of(
    records: Sequence[Placed],
    record_type: RecordType,
    forms: Mapping[FieldType, Form] = TEXT_FORMS,
    limits: ValueLimits = ValueLimits(nan=False),  # noqa: B008 - it is frozen
) -> Iterator[tuple[Any, ...]]:
    """Return the values of `upsert_statement`.

    Raises:
        ValueError, TypeError, RecursionError: A record can't be stored; see `columns.refusing`.
    """
    ids = ids_of(records)
    return zip(ids, map(version_of, ids), *columns_of(records, record_type, forms, limits), strict=True)


def _names(record_type: RecordType) -> list[str]:
    return ["_id", "_document_id", *map(quoted, record_type.names)]
