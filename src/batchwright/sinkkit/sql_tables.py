"""The tables of a sink in SQL, made from a record type: the rows, the published view, and the ledger's."""

# ruff: noqa: S608 - what goes into a statement besides parameters are names

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from batchwright.contracts.records import RecordType
from batchwright.model import ProcessedChunk
from batchwright.sinkkit.columns import columns_of
from batchwright.sinkkit.sql_ledger.definitions import definitions
from batchwright.sinkkit.sql_ledger.dialect import Dialect
from batchwright.sinkkit.sql_ledger.tables import INDEXES, LAYOUT, TABLES


def table_names(table: str) -> dict[str, str]:
    """Return the quoted names of a sink's tables and indexes by suffix, as a `Dialect` takes them.

    Args:
        table: What the names begin with, and the name of the published view.
    """
    return {suffix: quoted(f"{table}_{suffix}") for suffix in (*TABLES, *INDEXES, "records")}


def quoted(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def create_statements(dialect: Dialect, record_type: RecordType, view: str) -> Iterator[str]:
    """Yield the statements that create what is missing; they change nothing that is there.

    Args:
        dialect: The names, the types.
        record_type: What the rows hold.
        view: The name of the published view.
    """
    yield from definitions(dialect).values()
    types, records = dialect.types, dialect.tables["records"]
    columns = [f"id {types['id']} NOT NULL PRIMARY KEY", f"document_id {types['id']} NOT NULL"]
    columns += [
        f"{field.name} {types.get(field.type, types['text'])}{'' if field.nullable else ' NOT NULL'}"
        for field in record_type.fields
        if field.name != "id"
    ]
    yield f"CREATE TABLE IF NOT EXISTS {records} ({', '.join(columns)})"
    by_version = quoted(f"{view}_records_by_document")
    yield f"CREATE INDEX IF NOT EXISTS {by_version} ON {records} (document_id)"
    identity, *names = _names(record_type)
    selected = ", ".join(f"c.{name}" for name in names)
    yield (
        f"CREATE VIEW IF NOT EXISTS {quoted(view)} AS SELECT c.{identity}, d.collection, {selected} "
        f"FROM {records} AS c JOIN {dialect.tables['documents']} AS d ON d.document_id = c.document_id"
    )
    yield f"INSERT INTO {dialect.tables['meta']} VALUES ('layout', '{LAYOUT}') ON CONFLICT DO NOTHING"


def upsert_statement(dialect: Dialect, record_type: RecordType) -> str:
    """Return the statement that stores a row, in place of one with the same id."""
    records, names = dialect.tables["records"], _names(record_type)
    changes = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
    values = f"({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
    return f"INSERT INTO {records} {values} ON CONFLICT (id) DO UPDATE SET {changes}"


def rows_of(records: Sequence[ProcessedChunk], record_type: RecordType) -> list[tuple[Any, ...]]:
    """Return the values of `upsert_statement`: JSON and dates as text.

    Raises:
        ValueError, TypeError, RecursionError: A record can't be stored; see `columns.refusing`.
    """
    columns = columns_of(records)
    for field in record_type.fields:
        if field.type == "date":
            columns[field.name] = [_text(day) for day in columns[field.name]]
    return list(zip(*(columns[name] for name in _names(record_type)), strict=True))


def _names(record_type: RecordType) -> list[str]:
    return ["id", "document_id", *(field.name for field in record_type.fields if field.name != "id")]


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
