"""Widen columns: the table of the records is made anew, since SQLite changes no column's type."""

# ruff: noqa: S608 - what goes into a statement are names, quoted

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from batchwright.contracts.records import RecordType
from batchwright.sinkkit.record_changes import META_KEY
from batchwright.sinkkit.sql_tables import quoted
from batchwright.sinkkit.sqlite.schema import Names
from batchwright.sinkkit.vectors.keys import COLUMN


def widen(
    connection: sqlite3.Connection,
    names: Names,
    stored: RecordType,
    record_type: RecordType,
    definition: Callable[[str], str],
) -> None:
    """Give the columns of the records their new types, in the transaction that is open.

    Views that name the table are left alone: they find the new one by its name. Its triggers and indexes are
    made again, and rows keep their numbers, so the full-text index stays right.

    Args:
        connection: The connection.
        names: The tables.
        stored: What the table was made for.
        record_type: What it is to hold; of the same columns.
        definition: Returns the statement that makes a table for that, by its name.
    """
    anew = quoted(f"{names.plain['records']}_widened")
    columns = ["_seq", "_id", "_document_id", *map(quoted, record_type.names)]
    values = columns[:3]
    for field in record_type.fields:
        name = quoted(field.name)
        is_text = field.type == "decimal" and stored.field(field.name).type == "integer"
        values.append(f"CAST({name} AS TEXT)" if is_text else name)
    if record_type.text is not None:
        columns.append(COLUMN)
        values.append(COLUMN)
    belonging = connection.execute(
        "SELECT sql FROM sqlite_master WHERE lower(tbl_name) = lower(?) AND type IN ('index', 'trigger') "
        "AND sql IS NOT NULL",
        (names.plain["records"],),
    ).fetchall()
    [(legacy,)] = connection.execute("PRAGMA legacy_alter_table").fetchall()
    connection.execute("PRAGMA legacy_alter_table = ON")  # so that a view without its table is no error
    try:
        connection.execute(definition(anew))
        connection.execute(
            f"INSERT INTO {anew} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {names.records}"
        )
        connection.execute(f"DROP TABLE {names.records}")
        connection.execute(f"ALTER TABLE {anew} RENAME TO {names.records}")
    finally:
        connection.execute(f"PRAGMA legacy_alter_table = {legacy}")
    for (statement,) in belonging:
        connection.execute(statement)
    connection.execute(f"UPDATE {names.meta} SET value = ? WHERE key = ?", (record_type.as_json(), META_KEY))
