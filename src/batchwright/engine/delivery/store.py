"""What delivery wants of the way to the sink."""

from __future__ import annotations

from typing import Protocol

from batchwright.contracts.receipts import Receipt
from batchwright.model import Batch, ProcessedChunk


class Store(Protocol):
    """How a batch gets into the sink: what `Connection` does."""

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt, timeout: float | None) -> None:
        """Store a batch with its receipt, within so many seconds."""

    def committed(self, batch_id: str, timeout: float | None) -> bool:
        """Tell whether a batch is stored; asked when a write ended in a way that leaves it open."""

    def probe(self) -> None:
        """Check that the sink answers; raise if not."""
