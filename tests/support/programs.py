"""What a program brings, in tests of processors."""

from __future__ import annotations

from typing import Any

from batchwright import (
    Batch,
    ProcessedChunk,
)

BATCH: Batch[Any] = Batch(documents=[], batch_index=3)


def chunks(count: int, source: str = "mine.md") -> list[ProcessedChunk]:
    return [
        ProcessedChunk(f"Text {n} of {source}", source_file=source, chunk_index=n, total_chunks=count)
        for n in range(count)
    ]
