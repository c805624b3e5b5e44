"""Records as rows."""

# ruff: noqa: S608 - what goes into a statement besides parameters are names, quoted by `schema.quoted`

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from batchwright.contracts.records import Placed, RecordType
from batchwright.sinkkit.columns import ValueLimits
from batchwright.sinkkit.sql_tables import rows_of
from batchwright.sinkkit.sqlite.schema import Names, quoted

LIMITS = ValueLimits(bytes=1_000_000_000, nan=False)
"""SQLITE_MAX_LENGTH as it is compiled in by default; NaN is NULL to SQLite."""

_BLOCK = 64  # records between two looks at whether the write was cancelled


def upsert(names: Names, record_type: RecordType) -> str:
    """Return the statement that stores a row, and writes nothing where it is there already as it is."""
    columns = ["_id", "_document_id", *map(quoted, record_type.names)]
    rest = columns[1:]
    old, new = (
        f"({', '.join(prefix + column for column in rest)})" for prefix in (f"{names.records}.", "excluded.")
    )
    return (
        f"INSERT INTO {names.records} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "
        f"ON CONFLICT (_id) DO UPDATE SET {', '.join(f'{column} = excluded.{column}' for column in rest)} "
        f"WHERE {old} IS NOT {new}"
    )


def rows(
    records: Sequence[Placed], record_type: RecordType, check: Callable[[], None]
) -> Iterator[tuple[Any, ...]]:
    """Yield the row of each record, calling `check` now and then."""
    for start in range(0, len(records), _BLOCK):
        check()
        yield from rows_of(records[start : start + _BLOCK], record_type, limits=LIMITS)
