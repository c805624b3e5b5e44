"""A plugin: SQLite that hangs for ever on some batch, and ignores being cancelled. `--to hanging:///FILE`.

Environment: HANG_ON names the text of the record whose batch hangs; HANG_SECONDS how long (by default, for
ever); HANG_EVERY makes every write take so many seconds; while the file DOWN exists, it is out of reach.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

from batchwright import Batch, ProcessedChunk, Receipt, hookimpl
from batchwright.builtin.sqlite import SqliteSink
from batchwright.contracts.ledger import Ledger
from batchwright.contracts.records import RecordType
from batchwright.contracts.sink import SinkOptions, Store


class HangingSink(SqliteSink):
    """Hangs before it begins, so that the file is not locked."""

    name = "hanging"
    schemes = ("hanging",)

    def __init__(self, options: SinkOptions) -> None:
        url = options.url.get_secret_value().replace("hanging:", "sqlite:", 1)
        super().__init__(self.options_type(url=url))  # type: ignore[arg-type]  # pydantic makes it secret

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> Store:  # type: ignore[override]  # it wraps SQLite's
        return HangingStore(super().open(record_type, create=create))


class HangingStore(Store):
    """Passes on what it doesn't hang on."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        self.probe()
        time.sleep(float(os.environ.get("HANG_EVERY", "0")))
        bad = os.environ.get("HANG_ON")
        if bad and any(bad in chunk.chunk_text for chunk in batch.documents):
            time.sleep(float(os.environ.get("HANG_SECONDS", "1e6")))
        self._store.write(batch, receipt)

    @property
    def ledger(self) -> Ledger | None:
        return self._store.ledger

    def probe(self) -> None:
        if (down := os.environ.get("DOWN")) and Path(down).exists():
            raise ConnectionError("down")

    def cancel(self) -> None:
        """Ignored."""

    def close(self) -> None:
        self._store.close()


@hookimpl
def register_sinks() -> Iterable[type[HangingSink]]:
    """Offer the sink."""
    return [HangingSink]
