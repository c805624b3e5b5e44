"""Cut records into batches: how large a batch should be, and a list of batches from a list of records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

from batchwright.model import Batch

Record = TypeVar("Record")

DEFAULT_MAX_BATCH_SIZE = 32


def calculate_batch_size(total_items: int, max_batch_size: int = DEFAULT_MAX_BATCH_SIZE) -> int:
    """Return how many records a batch should take.

    Up to 100 records: all of them; up to 1,000: a tenth of them; above: the maximum. It is never more than
    the maximum.

    Args:
        total_items: Records in all.
        max_batch_size: Records a batch, at most.

    Raises:
        ValueError: `max_batch_size` is below 1, or `total_items` below 0.
    """
    if max_batch_size < 1:
        raise ValueError(f"max_batch_size must be at least 1, not {max_batch_size}")
    if total_items < 0:
        raise ValueError(f"total_items must be at least 0, not {total_items}")
    if total_items == 0:
        return 1
    if total_items <= 100:
        return min(total_items, max_batch_size)
    if total_items <= 1000:
        return min(total_items // 10, max_batch_size)
    return max_batch_size


def batch_of(records: Sequence[Record], batch_index: int, start_index: int) -> Batch[Record]:
    """Return the batch of `records`, with the metadata that says where in the sequence it stands."""
    return Batch(
        documents=records,
        batch_index=batch_index,
        metadata={
            "created_at": datetime.now(UTC).isoformat(),
            "document_count": len(records),
            "start_index": start_index,
            "end_index": start_index + len(records) - 1,
        },
    )


def create_batches(documents: Sequence[Record], batch_size: int | None = None) -> list[Batch[Record]]:
    """Cut records into batches, order kept.

    Args:
        documents: The records.
        batch_size: Records a batch; None takes `calculate_batch_size` of their number.

    Raises:
        ValueError: There are no records, or `batch_size` is below 1.
    """
    if not documents:
        raise ValueError("there are no documents to cut into batches")
    size = calculate_batch_size(len(documents)) if batch_size is None else batch_size
    if size < 1:
        raise ValueError(f"batch_size must be at least 1, not {size}")
    return [
        batch_of(list(documents[start : start + size]), index, start)
        for index, start in enumerate(range(0, len(documents), size))
    ]
