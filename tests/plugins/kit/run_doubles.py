"""Sinks that go wrong from run to run: a plugin, which `batchwright run` loads from this file."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, cast

from batchwright import Batch, ProcessedChunk, Receipt, hookimpl
from batchwright.builtin.sqlite import SqliteSink
from batchwright.builtin.sqlite.store import SqliteStore
from batchwright.contracts.records import RecordType


class ForgetsDocuments(SqliteSink):
    name = "forgetful"
    schemes = ("forgetful",)

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> SqliteStore:
        store = super().open(record_type, create=create)
        ledger: Any = store.ledger
        ledger.document = lambda key: None
        ledger.documents = lambda after="", limit=0: []
        return store


class StampsItsProcess(SqliteSink):
    name = "stamping"
    schemes = ("stamping",)

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> SqliteStore:
        store: Any = super().open(record_type, create=create)
        write = store.write

        def stamped(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
            rows = [replace(chunk, source_category=str(os.getpid())) for chunk in batch.documents]
            write(replace(batch, documents=rows), receipt)

        store.write = stamped
        return cast("SqliteStore", store)


RUNS = {
    "what_is_loaded_is_not_loaded_again": ForgetsDocuments,
    "killed_again_and_again_it_ends_as_undisturbed": StampsItsProcess,
}


@hookimpl
def register_sinks() -> list[type[SqliteSink]]:
    return list(RUNS.values())
