"""Records as rows."""

# ruff: noqa: S608 - what goes into a statement besides parameters are names, quoted by `schema.quoted`

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from batchwright.contracts.records import RecordType
from batchwright.contracts.rows import Placed
from batchwright.sinkkit.columns import ValueLimits
from batchwright.sinkkit.sql_tables import quoted, rows_of
from batchwright.sinkkit.sqlite.schema import Names
from batchwright.sinkkit.vectors.keys import COLUMN

LIMITS = ValueLimits(bytes=1_000_000_000, nan=False)
"""SQLITE_MAX_LENGTH as it is compiled in by default; NaN is NULL to SQLite."""

_BLOCK = 64  # records between two looks at whether the write was cancelled


def upsert(names: Names, record_type: RecordType, *, embedded: bool = False) -> str:
    """Return the statement that stores a row, and writes nothing where it is there already as it is.

    Args:
        names: The tables.
        record_type: What the records are.
        embedded: Whether the key of the row's vector comes with it. Else one that changes has none.
    """
    columns = ["_id", "_document_id", *map(quoted, record_type.names), *([COLUMN] if embedded else [])]
    rest = columns[1:]
    changes = [f"{column} = excluded.{column}" for column in rest]
    changes += [f"{COLUMN} = NULL"] if record_type.text and not embedded else []
    old, new = (
        f"({', '.join(prefix + column for column in rest)})" for prefix in (f"{names.records}.", "excluded.")
    )
    return (
        f"INSERT INTO {names.records} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "
        f"ON CONFLICT (_id) DO UPDATE SET {', '.join(changes)} "
        f"WHERE {old} IS NOT {new}"
    )


def rows(
    records: Sequence[Placed],
    record_type: RecordType,
    check: Callable[[], None],
    keys: Sequence[bytes] | None = None,
) -> Iterator[tuple[Any, ...]]:
    """Yield the row of each record, with the key of its vector where there are some.

    Args:
        records: The records.
        record_type: What they are.
        check: Called now and then.
        keys: What each keeps of its vector.
    """
    for start in range(0, len(records), _BLOCK):
        check()
        some = rows_of(records[start : start + _BLOCK], record_type, limits=LIMITS)
        if keys is None:
            yield from some
        else:
            yield from ((*row, key) for row, key in zip(some, keys[start : start + _BLOCK], strict=True))
