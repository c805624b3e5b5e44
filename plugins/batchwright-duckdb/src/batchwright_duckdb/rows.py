"""Chunks as an Arrow table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from batchwright import ProcessedChunk
from batchwright.sinkkit.columns import TEXTS, WHOLE_NUMBERS, columns_of

_SLICE = 1_000  # records between two looks at whether the write was cancelled
_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(("id", "document_id", *TEXTS, "metadata"), pa.large_string()),
    "document_date": pa.date32(),
    **dict.fromkeys(WHOLE_NUMBERS, pa.int64()),
}
_SCHEMA = pa.schema(_TYPES)


def to_arrow(chunks: Sequence[ProcessedChunk], check: Callable[[], None]) -> pa.Table:
    """Return the chunks as a table, calling `check` now and then.

    Raises:
        ValueError, TypeError, OverflowError, RecursionError: A chunk can't be stored.
    """
    batches = []
    for start in range(0, len(chunks), _SLICE):
        check()
        columns = columns_of(chunks[start : start + _SLICE])
        batches.append(pa.RecordBatch.from_pydict(columns, schema=_SCHEMA))
    return pa.Table.from_batches(batches, schema=_SCHEMA)
