"""Chunks as an Arrow table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from batchwright import ProcessedChunk
from batchwright.sinkkit.columns import TEXTS, columns_of

_SLICE = 1_000  # records between two looks at whether the write was cancelled
_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(("id", "collection", *TEXTS), pa.string()),
    "document_date": pa.date32(),
    **dict.fromkeys(("chunk_index", "total_chunks", "chunk_token_count"), pa.int64()),
    "metadata": pa.string(),
    **dict.fromkeys(("span_start", "span_end"), pa.int64()),
}
SCHEMA = pa.schema(_TYPES)
"""The columns of the files, those of the published view in any other sink. The metadata are JSON."""


def to_arrow(chunks: Sequence[ProcessedChunk], collection: str, check: Callable[[], None]) -> pa.Table:
    """Return the chunks of a collection as a table, calling `check` now and then.

    Raises:
        ValueError, TypeError, OverflowError, RecursionError: A chunk can't be stored.
    """
    batches = []
    for start in range(0, len(chunks), _SLICE):
        check()
        some = chunks[start : start + _SLICE]
        columns = {**columns_of(some), "collection": [collection] * len(some)}
        batches.append(pa.RecordBatch.from_pydict(columns, schema=SCHEMA))
    return pa.Table.from_batches(batches, schema=SCHEMA)
