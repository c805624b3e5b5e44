"""Records as an Arrow table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import pyarrow as pa

from batchwright import Field, RecordType
from batchwright.contracts.rows import Placed
from batchwright.sinkkit.columns import PLAIN_FORMS, ValueLimits, columns_of

LIMITS = ValueLimits(depth=100)
"""Many readers give up on JSON that nests much deeper."""

_SLICE = 1_000  # records between two looks at whether the write was cancelled
_TYPES = {
    "text": pa.string(),
    "integer": pa.int64(),
    "real": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "datetime": pa.timestamp("us"),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "uuid": pa.string(),
    "bytes": pa.binary(),
    "json": pa.string(),
}


@lru_cache(maxsize=64)
def schema_of(record_type: RecordType) -> pa.Schema:
    """Return the columns of the files: the id, the collection, then the fields. UUIDs and JSON are texts."""
    own = [pa.field(name, pa.string()) for name in (record_type.id_column, record_type.collection_column)]
    return pa.schema([*own, *(pa.field(one.name, _arrow_type(one)) for one in record_type.fields)])


def to_arrow(
    records: Sequence[Placed], collection: str, record_type: RecordType, check: Callable[[], None]
) -> pa.Table:
    """Return the records of a collection as a table, calling `check` now and then.

    Raises:
        ValueError, TypeError, OverflowError, RecursionError: A record can't be stored.
    """
    schema, batches = schema_of(record_type), []
    for start in range(0, len(records), _SLICE):
        check()
        some = records[start : start + _SLICE]
        own = [[one.id for one in some], [collection] * len(some)]
        columns = [*own, *columns_of(some, record_type, PLAIN_FORMS, LIMITS)]
        arrays = [pa.array(values, kind) for values, kind in zip(columns, schema.types, strict=True)]
        batches.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return pa.Table.from_batches(batches, schema=schema)


def fitted(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a table with the columns of a schema; those that it lacks are empty."""
    if table.schema.equals(schema):
        return table
    columns = [
        table[one.name].cast(one.type)
        if one.name in table.column_names
        else pa.nulls(table.num_rows, one.type)
        for one in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _arrow_type(field: Field) -> pa.DataType:
    return pa.decimal128(field.precision, field.scale) if field.type == "decimal" else _TYPES[field.type]
