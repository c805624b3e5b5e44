"""A plugin: Postgres, on workers that end where a record says so. `--to deadly://…`.

DEADLY says how: `die` (at once, whoever writes it) or `leak` (an error that shows the whole URL);
`refuse` raises such an error before anything is opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from batchwright import Batch, Ledger, ProcessedChunk, Receipt, RecordType, Store, hookimpl
from batchwright.builtin.postgres import PostgresSink
from batchwright.contracts.sink import AnySink, SinkOptions


class DeadlyStore(Store):
    def __init__(self, store: Store, url: str) -> None:
        self._store = store
        self._url = url

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if any("DEADLY" in chunk.chunk_text for chunk in batch.documents):
            if os.environ.get("DEADLY") == "die":
                os._exit(1)
            raise KeyError(f"no luck with {self._url}")
        self._store.write(batch, receipt)

    @property
    def ledger(self) -> Ledger | None:
        return self._store.ledger

    def probe(self) -> None:
        self._store.probe()

    def cancel(self) -> None:
        self._store.cancel()

    def close(self) -> None:
        self._store.close()


class DeadlySink(PostgresSink):
    name = "deadly"
    schemes = ("deadly",)

    def __init__(self, options: SinkOptions) -> None:
        if os.environ.get("DEADLY") == "refuse":
            raise RuntimeError(f"no way to {options.url.get_secret_value()}")
        self._whole = options.url.get_secret_value().replace("deadly:", "postgresql:", 1)
        super().__init__(self.options_type(url=self._whole))  # type: ignore[arg-type]  # pydantic makes it secret

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> Store:
        return DeadlyStore(super().open(record_type, create=create), self._whole)


@hookimpl
def register_sinks() -> Iterable[type[AnySink]]:
    return [DeadlySink]
