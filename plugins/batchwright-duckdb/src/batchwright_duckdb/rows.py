"""Records as an Arrow table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from batchwright import Field, RecordType
from batchwright.contracts.rows import Placed, ids_of
from batchwright.model import version_of
from batchwright.sinkkit.columns import PLAIN_FORMS, ValueLimits, columns_of

LIMITS = ValueLimits(depth=100)
"""DuckDB's functions give up on JSON that nests much deeper."""

_SLICE = 1_000  # records between two looks at whether the write was cancelled
_TYPES = {
    "text": pa.large_string(),
    "integer": pa.int64(),
    "real": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "datetime": pa.timestamp("us"),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "uuid": pa.large_string(),
    "bytes": pa.large_binary(),
    "json": pa.large_string(),
}


def arrow_type(field: Field) -> pa.DataType:
    """Return the type of a field's column in Arrow."""
    return pa.decimal128(field.precision, field.scale) if field.type == "decimal" else _TYPES[field.type]


def to_arrow(records: Sequence[Placed], record_type: RecordType, check: Callable[[], None]) -> pa.Table:
    """Return the records as a table, with `_id` and `_document_id`; calls `check` now and then.

    Raises:
        ValueError, TypeError, OverflowError, RecursionError: A record can't be stored.
    """
    engine = {"_id": pa.large_string(), "_document_id": pa.large_string()}
    fields = {field.name: arrow_type(field) for field in record_type.fields}
    schema = pa.schema(engine | fields)
    batches = []
    for start in range(0, len(records), _SLICE):
        check()
        some = records[start : start + _SLICE]
        ids = ids_of(some)
        columns = [ids, [*map(version_of, ids)], *columns_of(some, record_type, PLAIN_FORMS, LIMITS)]
        arrays = [pa.array(values, kind) for values, kind in zip(columns, schema.types, strict=True)]
        batches.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return pa.Table.from_batches(batches, schema=schema)
